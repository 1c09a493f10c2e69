"""Cases on which the solver or the certificate once failed: each is right now, or says why not."""

import warnings

import numpy as np
import pytest

import bayesreg as br
from bayesreg.errors import DataError, DataTypeError, ModelError, NotCertifiedError


@pytest.fixture(autouse=True)
def _no_numpy_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def _case(n=30, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, 1 + X @ [1.0, 0.0, -2.0] + rng.normal(size=n)


LASSO = br.Model(br.Gaussian(1.0), br.Laplace(0.3))


@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("seed", range(5))
def test_more_columns_than_rows_under_a_mild_laplace_prior(scale, seed):
    """Nearly an interpolation: many sets of columns fit equally well."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 60))
    y = X[:, 0] - X[:, 1] + rng.normal(size=40)
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(scale)), br.Data(X, y))
    assert fit.certificate.relative_gap <= 1e-10
    assert np.count_nonzero(fit.coef) <= 40
    assert fit.iterations < 40


@pytest.mark.parametrize("intercept", [br.Normal(1.0), br.Laplace(10.0), None], ids=str)
def test_columns_far_from_zero_without_a_flat_intercept(intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    data = br.Data(X + np.linspace(0, 100, 60), X[:, 0] - X[:, 1] + rng.normal(size=40))
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(10.0), intercept), data)
    assert fit.certificate.relative_gap <= 1e-10
    assert fit.iterations < 40


@pytest.mark.parametrize("standardize", [False, True])
def test_a_column_far_from_zero_is_solved_as_if_it_were_near(standardize):
    """Mean 1e8, sd 1e-3: the spread is exact in the data, so it must not be lost."""
    X, y = _case()
    far = X.copy()
    far[:, 0] = 1e8 + 1e-3 * X[:, 0]
    near = far.copy()
    near[:, 0] -= 1e8
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.3), standardize=standardize)
    one, other = br.find_map(model, br.Data(near, y)), br.find_map(model, br.Data(far, y))
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-8, atol=1e-12)
    assert other.certificate.holds
    np.testing.assert_allclose(other.predict(far), one.predict(near), atol=1e-4)


def test_what_cannot_be_stored_is_not_certified():
    """At 1e14 the intercept that belongs to the mode has no digits left for it."""
    X, y = _case()
    flat = br.Model(br.Gaussian(1.0), br.Flat())
    with pytest.raises(NotCertifiedError, match="Rounding"):
        br.find_map(flat, br.Data(X + 1e14, y))
    assert not br.certify(flat, br.Data(X + 1e14, y), np.zeros(3), y.mean()).holds


def test_draws_with_a_column_far_from_zero_are_in_its_units():
    X, y = _case()
    model = br.Model(br.Gaussian(1.0), br.Normal(1.0))
    one = br.sample(model, br.Data(X, y), seed=1, progress=False)["posterior"]
    other = br.sample(model, br.Data(X + 1e6, y), seed=1, progress=False)["posterior"]
    np.testing.assert_allclose(other["coef"], one["coef"], atol=1e-8)
    moved = other["intercept"] + 1e6 * other["coef"].sum("feature")
    np.testing.assert_allclose(moved, one["intercept"], atol=1e-5)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (
            br.Model(br.Gaussian(5.0), br.Laplace(800.0), br.Laplace(8.0)),
            br.Data([[2.574], [0.4818], [0.6435]], [99994.65, 100001.52, 99998.27]),
        ),
        (
            br.Model(br.Gaussian(1.0), br.Normal(1e5)),
            br.Data(np.c_[_case()[0], np.full(30, 1e8)], _case()[1]),
        ),
        (
            br.Model(br.Gaussian(1.0), br.Laplace(1.0), br.Laplace(10.0)),
            br.Data(_case()[0], _case()[1] + 1e6),
        ),
    ],
    ids=["laplace intercept", "constant column", "far target"],
)
def test_rounding_of_large_targets_does_not_loosen_the_gap(model, data):
    fit = br.find_map(model, data)
    assert fit.certificate.relative_gap <= 1e-12
    moved = br.certify(model, data, fit.coef + 1e-3, fit.intercept)
    assert not moved.holds


def test_a_huge_constant_column_is_exactly_zero():
    fit = br.find_map(LASSO, br.Data(np.full((30, 1), 1e19), _case()[1]))
    assert fit.coef[0] == 0.0
    assert fit.certificate.holds


@pytest.mark.parametrize("offset", [25.0, 150.0])
def test_poisson_far_from_its_start(offset):
    """Newton undoes an offset one unit at a time; it must not stop half-way and call it done."""
    data = br.Data(np.ones((3, 1)), [1.0, 0.0, 2.0], offset=np.full(3, offset))
    fit = br.find_map(br.Model(br.Poisson(), br.Normal(1e4), None), data)
    assert fit.coef[0] == pytest.approx(-offset, abs=1e-4)
    short = br.find_map(
        br.Model(br.Poisson(), br.Normal(1e4), None), data, max_iterations=10, on_failure="return"
    )
    assert short.coef[0] > -offset + 5
    with pytest.raises(NotCertifiedError, match="raise max_iterations"):
        br.find_map(br.Model(br.Poisson(), br.Normal(1e4), None), data, max_iterations=10)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda X, y: br.Data(X, y * 1e200), DataError, "y must be at most 1e.150"),
        (lambda X, y: br.Data(X, y, np.full(30, 1e308)), DataError, "weights must be at most"),
        (lambda X, y: br.Data(X, y, np.full(30, 5e-324)), DataError, "weights must be 0 or at"),
        (lambda X, y: br.Gaussian(1e-200), ModelError, "sigma must lie between"),
        (lambda X, y: br.Laplace(1.0, 1e200), ModelError, "loc must be finite and at most"),
        (
            lambda X, y: br.find_map(
                br.Model(br.Gaussian(1.0), br.Laplace(0.3), standardize=True),
                br.Data(X * 1e-308, y),
            ),
            DataError,
            "beyond the range of floating point",
        ),
        (
            lambda X, y: br.find_map(
                br.Model(br.Poisson(), br.Laplace(0.3), br.Normal(10.0)),
                br.Data(X, np.round(np.abs(y)), offset=800 * np.sign(X[:, 1])),
            ),
            DataError,
            "overflows at the centre of the prior",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), [np.nan] * 3),
            DataError,
            "coef must be finite; found nan for column 'x0'",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), ["1", "2", "3"]),
            DataTypeError,
            "coef must be real numbers",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), np.ma.masked_less([1.0, 2, 3], 2)),
            DataTypeError,
            "coef must be real numbers",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), np.ones(3), None),
            ModelError,
            "intercept is missing",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), np.ones(3), "1"),
            DataTypeError,
            "intercept must be real",
        ),
        (
            lambda X, y: br.certify(LASSO, br.Data(X, y), np.ones(3), 0.0, tol=0),
            ModelError,
            "tol must be a positive",
        ),
    ],
)
def test_what_is_out_of_range_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call(*_case())


@pytest.mark.parametrize("factor", [1e307, 5e-324])
def test_columns_at_the_ends_of_the_range(factor):
    X, y = _case()
    fit = br.find_map(LASSO, br.Data(X * factor, y))
    assert fit.certificate.holds


def test_certify_takes_what_scikit_learn_classifiers_hold():
    from sklearn.linear_model import LogisticRegression

    X, y = _case(n=200)
    data = br.Data(X, y > 1)
    estimator = LogisticRegression(C=4.0, tol=1e-10).fit(X, y > 1)
    model = br.Model(br.Bernoulli(), br.Normal(2.0))
    assert br.certify(model, data, estimator.coef_, estimator.intercept_).holds


def test_a_weak_penalty_beyond_the_size_of_the_quick_fallback():
    """350 columns, 150 rows: descent goes astray, the active set starts from the warm point."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 350))
    y = X[:, 0] - X[:, 1] + rng.normal(size=150)
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(30.0)), br.Data(X, y))
    assert fit.certificate.relative_gap <= 1e-10
    assert np.count_nonzero(fit.coef) <= 150


def test_offsets_from_e_to_the_minus_800_to_e_to_the_800():
    """Stationarity by hand: the likelihood overflows on the way, not at the mode."""
    line = np.linspace(-1.0, 1.0, 20)
    data = br.Data(line[:, None], np.ones(20), offset=800 * np.sign(line))
    fit = br.find_map(br.Model(br.Poisson(), br.Normal(1.0)), data)
    excess = np.exp(data.offset + fit.intercept + line * fit.coef[0]) - 1.0
    assert abs(np.sum(excess)) < 1e-9
    assert abs(line @ excess + fit.coef[0]) < 1e-9
