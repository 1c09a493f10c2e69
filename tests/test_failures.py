"""Forced failures: whatever cannot be the mode is flagged, never returned silently.

By default an error; with on_failure="warn" a warning beside a certificate that does not hold; with
"return" that certificate.  Where not even a point exists the error comes in all three.
"""

import warnings

import numpy as np
import pytest
from helpers import MIXED_PRIOR, make_data

import bayesreg as br
from bayesreg.errors import (
    DataError,
    ModelError,
    NoModeError,
    NotCertifiedError,
    NotCertifiedWarning,
    NotUniqueWarning,
)

GAUSSIAN, BERNOULLI, POISSON = br.Gaussian(1.5), br.Bernoulli(), br.Poisson()
LINE = np.linspace(-1.0, 1.0, 20)
DEFAULT = make_data(GAUSSIAN)
ALTERNATING = np.where(np.arange(60) % 2, 1.0, -1.0)


def _separated():
    return br.Data(np.column_stack([LINE, LINE**2]), LINE > 0)


def _nearly_separated():
    """Separated but for two rows at the border, one of each class."""
    x = np.append(LINE, [0.0, 0.0])
    return br.Data(x[:, None], np.append(LINE > 0, [True, False]))


def _powers(degree=11):
    """Condition 1e20: beyond what 53 bits can tell apart."""
    x = np.linspace(20.0, 22.0, 44)
    return br.Data(np.column_stack([x**k for k in range(1, degree + 1)]), np.sin(3 * x))


def _counts(y, **rest):
    return br.Data(LINE[:, None], y, **rest)


def _case(name, model, data, error, match, **options):
    return pytest.param(model, data, error, match, options, id=name)


def _one_iteration(likelihood, prior):
    name = f"one iteration: {likelihood!r}, {prior!r}"
    model, data = br.Model(likelihood, prior), make_data(likelihood)
    match = "All 1 iterations were used; raise max_iterations"
    return _case(name, model, data, NotCertifiedError, match, max_iterations=1)


FAILURES = [
    _one_iteration(BERNOULLI, br.Laplace(0.3)),
    _one_iteration(BERNOULLI, br.Normal(0.5)),
    _one_iteration(BERNOULLI, br.HalfNormal(0.5)),
    _one_iteration(POISSON, br.Laplace(0.3)),
    _one_iteration(POISSON, br.ElasticNet(0.3, 0.6)),
    _one_iteration(POISSON, br.Flat()),
    _one_iteration(POISSON, MIXED_PRIOR),
    _case(
        "three iterations, far start",
        br.Model(POISSON, br.Normal(1e4), None),
        br.Data(np.ones((3, 1)), [1.0, 0.0, 2.0], offset=np.full(3, 25.0)),
        NotCertifiedError,
        "raise max_iterations",
        max_iterations=3,
    ),
    _case("separation", br.Model(BERNOULLI, br.Flat()), _separated(), NoModeError, "separate the"),
    _case(
        "separation without intercept",
        br.Model(BERNOULLI, br.Flat(), None),
        _separated(),
        NoModeError,
        "separate the targets",
    ),
    _case(
        "separation by one flat column among penalised ones",
        br.Model(BERNOULLI, {"x0": br.Flat(), "x1": br.Laplace(1.0)}),
        _separated(),
        NoModeError,
        "'x0' separate",
    ),
    _case(
        "quasi-separation",
        br.Model(BERNOULLI, br.Flat()),
        _nearly_separated(),
        NoModeError,
        "separate the targets",
    ),
    _case(
        "one class",
        br.Model(BERNOULLI, br.Laplace(1.0)),
        _counts(np.ones(20)),
        NoModeError,
        "y is 1 in every row",
    ),
    _case(
        "one class, flat column of one sign",
        br.Model(BERNOULLI, br.Flat(), None),
        br.Data(np.abs(LINE)[:, None] + 1, np.zeros(20)),
        NoModeError,
        "separate the targets",
    ),
    _case(
        "all counts zero",
        br.Model(POISSON, br.Laplace(1.0)),
        _counts(np.zeros(20)),
        NoModeError,
        "y is 0 in every row",
    ),
    _case(
        "all counts of a group zero",
        br.Model(POISSON, br.Flat()),
        br.Data((LINE > 0)[:, None], np.where(LINE > 0, 0.0, 3.0)),
        NoModeError,
        "separate the targets",
    ),
    _case(
        "infinite loss at the start",
        br.Model(POISSON, br.Normal(1.0), br.Normal(1.0)),
        _counts(np.ones(20), offset=800 * np.sign(LINE)),
        DataError,
        "overflows at the centre of the prior",
    ),
    _case(
        "offsets that contradict every target",
        br.Model(BERNOULLI, br.Laplace(0.3)),
        br.Data(DEFAULT.X, ALTERNATING > 0, offset=-1e100 * ALTERNATING),
        NotCertifiedError,
        "not certified",
    ),
    _case(
        "an offset that drowns the targets",
        br.Model(GAUSSIAN, br.Laplace(0.3)),
        br.Data(DEFAULT.X, DEFAULT.y, offset=np.full(60, 1e18)),
        NotCertifiedError,
        "not certified",
    ),
    _case(
        "weights from 1e-150 to 1e150",
        br.Model(BERNOULLI, br.Flat()),
        br.Data(DEFAULT.X, ALTERNATING > 0, weights=10.0 ** (150 * ALTERNATING)),
        NotCertifiedError,
        "not certified",
    ),
    _case(
        "tolerance far below rounding",
        br.Model(POISSON, br.Normal(0.3)),
        make_data(POISSON),
        NotCertifiedError,
        "asked 1e-300",
        tol=1e-300,
    ),
    _case(
        "columns 1e14 away from 0",
        br.Model(GAUSSIAN, br.Flat()),
        br.Data(DEFAULT.X + 1e14, DEFAULT.y),
        NotCertifiedError,
        "Rounding is the likely cause",
    ),
    _case(
        "powers beyond rounding, flat",
        br.Model(GAUSSIAN, br.Flat()),
        _powers(),
        NotCertifiedError,
        "not certified",
    ),
    _case(
        "scale underflows to an infinite penalty",
        br.Model(GAUSSIAN, br.Laplace(1e-310)),
        DEFAULT,
        ModelError,
        "so small that its penalty exceeds the largest float",
    ),
    _case(
        "standardised scale overflows",
        br.Model(GAUSSIAN, br.Normal(1e-150), standardize=True),
        br.Data(DEFAULT.X * 1e10, DEFAULT.y),
        ModelError,
        "column 'x0' is so small that its penalty exceeds",
    ),
    _case(
        "standardised penalty vanishes",
        br.Model(GAUSSIAN, br.Normal(0.5), standardize=True),
        br.Data(DEFAULT.X * 1e-300, DEFAULT.y),
        ModelError,
        "column 'x0' is so wide .* below the smallest float; measure that column in larger",
    ),
    _case(
        "coefficient overflows",
        br.Model(GAUSSIAN, br.Flat()),
        br.Data(DEFAULT.X * 1e-308, DEFAULT.y * 1e10),
        DataError,
        "coefficient of column 'x0' is beyond the range",
    ),
]


# Where there is no point to return.
_NO_POINT = (DataError, ModelError, NoModeError)


def test_there_are_more_than_twenty():
    assert len(FAILURES) > 20


@pytest.mark.parametrize(("model", "data", "error", "match", "options"), FAILURES)
def test_raised_by_default(model, data, error, match, options):
    with pytest.raises(error, match=match) as caught:
        br.find_map(model, data, **options)
    if error is NotCertifiedError:
        assert not caught.value.estimate.certificate.holds


@pytest.mark.parametrize(("model", "data", "error", "match", "options"), FAILURES)
def test_warned_of(model, data, error, match, options):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            fit = br.find_map(model, data, on_failure="warn", **options)
        except _NO_POINT:
            assert error in _NO_POINT
            return
    assert [one.category for one in seen] == [NotCertifiedWarning]
    assert not fit.certificate.holds


@pytest.mark.parametrize(("model", "data", "error", "match", "options"), FAILURES)
def test_returned_with_a_certificate_that_does_not_hold(model, data, error, match, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = br.find_map(model, data, on_failure="return", **options)
        except _NO_POINT:
            assert error in _NO_POINT
            return
    assert not fit.certificate.holds
    assert "DOES NOT HOLD" in str(fit)


NOT_UNIQUE = [
    pytest.param(br.Flat(), np.column_stack([LINE, LINE]), id="duplicate, flat"),
    pytest.param(br.Laplace(1.0), 10 * np.column_stack([LINE, LINE]), id="duplicate, L1"),
    pytest.param(br.Flat(), np.column_stack([LINE, np.ones(20)]), id="constant beside intercept"),
    pytest.param(br.Flat(), np.column_stack([LINE, np.zeros(20)]), id="zero column, flat"),
    pytest.param(
        br.Flat(), np.random.default_rng(0).normal(size=(20, 25)), id="more columns than rows"
    ),
]


@pytest.mark.parametrize(("prior", "X"), NOT_UNIQUE)
def test_a_mode_that_is_not_the_only_one_is_flagged(prior, X):
    with pytest.warns(NotUniqueWarning, match="not unique"):
        fit = br.find_map(br.Model(br.Gaussian(1.0), prior), br.Data(X, 10 * LINE + LINE**2))
    assert not fit.unique
    assert fit.certificate.holds
