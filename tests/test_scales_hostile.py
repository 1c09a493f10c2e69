"""What broke scan_scales, choose_scale, elicit and compare when it was tried to break them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit

import bayesreg as br
from bayesreg.scales.axis import make_axis
from bayesreg.scales.modes import find_modes
from bayesreg.scales.null_evidence import log_null_evidence
from bayesreg.scales.sampled import Sampling, sampled_columns

_RNG = np.random.default_rng(8)
_X = _RNG.normal(size=(30, 3))
_Y = _X @ np.array([1.0, -0.7, 0.2]) + _RNG.normal(size=30)
_GAUSSIAN = br.Gaussian(sigma=1.0)
_SCALES = (0.2, 0.5, 1.0)


def _scan(model: br.Model, data: br.Data, **more: Any) -> Any:
    options: dict[str, Any] = {"seed": 1, "draws": 150, "chains": 2, "cores": 1} | more
    return br.scan_scales(model, data, _SCALES, progress=False, **options)


@pytest.mark.filterwarnings("ignore:the draws of the scan are short")
@pytest.mark.parametrize("prior", [br.Laplace, br.Normal])
@pytest.mark.parametrize("intercept", [None, br.Normal(scale=2.0)])
def test_a_constant_standardised_column_is_an_offset_in_every_fold(
    prior: Any, intercept: Any
) -> None:
    """It is held at its loc, 0.5, and so adds 1.5 to every row: rows left out keep that."""
    with_column = br.Data(np.column_stack([_X, np.full(30, 3.0)]), _Y)
    without = br.Data(_X, _Y, offset=np.full(30, 1.5))
    locs = np.array([0.1, 0.0, 0.2, 0.5])
    found, wanted = (
        _scan(
            br.Model(_GAUSSIAN, prior(scale=1.0, loc=loc), intercept, standardize=True),
            data, folds=3, loo=True,
        )
        for data, loc in ((with_column, locs), (without, locs[:3]))
    )  # fmt: skip
    np.testing.assert_allclose(found["cv_mode"], wanted["cv_mode"], rtol=1e-6)
    # Draws differ: one more column takes random numbers.
    np.testing.assert_allclose(found["cv_posterior"], wanted["cv_posterior"], atol=0.1)
    np.testing.assert_allclose(found["loo"], wanted["loo"], atol=2.0)


def test_leave_one_out_finds_no_peak_between_scales_that_lie_far_apart() -> None:
    data, model = br.Data(_X, _Y), br.Model(_GAUSSIAN, br.Normal(scale=1.0))
    scales = [1e-6, 1e-3, 1.0, 1e3, 1e6]
    found = br.choose_scale(model, data, ["loo"], scales=scales, progress=False)
    best = found.scores["scale"][np.argmax(found.scores["elpd_loo"])]
    assert found["loo"].scale == best


def test_leave_one_out_says_that_all_scales_are_alike_where_columns_are_constant() -> None:
    data, model = br.Data(np.ones((30, 2)), _Y), br.Model(_GAUSSIAN, br.Normal(scale=1.0))
    found = br.choose_scale(model, data, ["loo"], progress=False)["loo"]
    assert (found.low, found.high) == (0.0, np.inf)
    assert found.boundary == "lower end"


@pytest.mark.parametrize("prior", [br.Laplace, br.Normal])
@pytest.mark.parametrize("methods", [["cv"], ["cv", "cv-posterior"]])
def test_folds_from_a_generator_serve_every_method(prior: Any, methods: list[str]) -> None:
    data, model = br.Data(_X, _Y), br.Model(_GAUSSIAN, prior(scale=1.0))
    options: dict[str, Any] = {"scales": _SCALES, "seed": 1, "progress": False, "draws": 250}
    listed, generated = (
        br.choose_scale(model, data, methods, folds=folds, **options)
        for folds in (list(KFold(3).split(_X)), KFold(3).split(_X))
    )
    assert generated.to_dict() == listed.to_dict()


def test_mode_and_posterior_see_the_same_folds_of_a_random_splitter() -> None:
    """As one split of few rows: its rows decide the score, whatever the model predicts."""
    data = br.Data(np.zeros((30, 1)), np.arange(30.0))
    model = br.Model(_GAUSSIAN, br.Normal(scale=1.0), None)
    study = _scan(model, data, folds=ShuffleSplit(1, test_size=2))
    np.testing.assert_allclose(study["cv_mode"], -2 * study["cv_posterior"], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:the draws of the scan are short")
@pytest.mark.parametrize("prior", [br.Laplace, br.Normal])
def test_folds_are_made_of_the_rows_of_positive_weight(prior: Any) -> None:
    weights = np.append(np.zeros(10), np.ones(20))
    model = br.Model(_GAUSSIAN, prior(scale=1.0))
    found = _scan(model, br.Data(_X, _Y, weights), folds=3)
    wanted = _scan(model, br.Data(_X[10:], _Y[10:]), folds=3)
    np.testing.assert_allclose(found["cv_mode"], wanted["cv_mode"], rtol=1e-6)


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        (2.5, "folds must be"),
        ([np.arange(15), np.arange(15, 30)], "pairs"),
        ([(np.arange(15), np.arange(15, 31))], "out of bounds"),
        ([(np.arange(15), [])], "no rows"),
        ([(np.arange(15.0), np.arange(15, 30))], "folds must be"),
        ([], "folds must be"),
        (31, "30"),
    ],
)
@pytest.mark.parametrize("ask", [br.scan_scales, br.choose_scale])
def test_folds_that_are_none_are_refused_with_what_they_must_be(
    ask: Any, folds: Any, said: str
) -> None:
    data, model = br.Data(_X, _Y), br.Model(_GAUSSIAN, br.Normal(scale=1.0))
    if ask is br.choose_scale:
        found = ask(model, data, ["cv"], folds=folds, progress=False)["cv"]
        assert not found.found
        assert said in found.note
        return
    with pytest.raises(br.errors.BayesregError, match=said):
        ask(model, data, _SCALES, folds=folds, progress=False)


@pytest.mark.parametrize("methods", [None, 5])
def test_methods_that_are_no_names_are_refused(methods: Any) -> None:
    model = br.Model(_GAUSSIAN, br.Normal(scale=1.0))
    with pytest.raises(br.errors.ModelTypeError, match="methods"):
        br.choose_scale(model, br.Data(_X, _Y), methods)


def test_null_evidence_with_unknown_sigma_and_a_prior_on_the_intercept() -> None:
    """By a grid over intercept and sigma; sigma so small that its peak has no width counts 0."""
    model = br.Model(
        br.Gaussian(sigma=br.HalfNormal(1.0)), br.Laplace(scale=1.0), br.Normal(scale=3.0)
    )
    y = _Y + 0.3
    a, log_sigma = np.linspace(-2, 2, 801), np.linspace(-2.0, 2.0, 801)
    sigma = np.exp(log_sigma)[:, None]
    squares = np.sum((y - y.mean()) ** 2) + 30 * (y.mean() - a) ** 2
    logs = -0.5 * squares / sigma**2 - 30 * np.log(sigma) - 15 * np.log(2 * np.pi)
    logs = logs - 0.5 * (a / 3) ** 2 - np.log(3 * np.sqrt(2 * np.pi))
    logs = logs - 0.5 * sigma**2 + 0.5 * np.log(2 / np.pi) + np.log(sigma)
    wanted = np.log(np.sum(np.exp(logs - logs.max()))) + logs.max()
    wanted += np.log((a[1] - a[0]) * (log_sigma[1] - log_sigma[0]))
    np.testing.assert_allclose(log_null_evidence(model, br.Data(_X, y)), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("sigma", "wanted"), [(br.Jeffreys(), 50 * 0.75**0.5), (br.Uniform(30.0, 50.0), 40.0)]
)
def test_predictive_draws_have_noise_where_sigma_cancels_in_r2(sigma: Any, wanted: float) -> None:
    """They vary as sigma sqrt(1 / (1 - R2)), not as sigma = 1."""
    data = br.Data(_X, 50 * (_Y - _Y.mean()) / _Y.std())
    model = br.Model(br.Gaussian(sigma=sigma), br.Normal(scale=1.0, relative_to_noise=True))
    found = br.elicit(model, data, (0.1, 0.4), seed=1)
    spread = np.median(found.predictive.std(axis=1))
    np.testing.assert_allclose(spread, wanted / 0.75**0.5, rtol=0.12)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_degrees_of_freedom_beside_a_penalised_intercept(scale: float) -> None:
    """The coefficients' part of the trace of the whole; a wide prior is as good as a flat one."""
    X = _X + np.array([2.0, 0.0, 1.0])
    weights = _RNG.uniform(0.5, 2.0, 30)
    y = (_Y > 0).astype(float)
    model = br.Model(br.Bernoulli(), br.Normal(scale=0.5), br.Normal(scale=scale))
    study = br.scan_scales(
        model, br.Data(X, y, weights), [0.5], posterior=False, progress=False
    ).isel(scale=0)
    mu = 1 / (1 + np.exp(-(X @ study["map"].values + float(study["map_intercept"]))))
    Z = np.column_stack([X, np.ones(30)])
    H = (weights * mu * (1 - mu) * Z.T) @ Z
    hat = np.linalg.solve(H + np.diag(np.array([4.0, 4.0, 4.0, scale**-2])), H)
    wanted = np.trace(hat[:3, :3])
    np.testing.assert_allclose(float(study["degrees_of_freedom"]), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    "other",
    [br.Data(_X, _Y + 5.0), br.Data(2.0 * _X, _Y), br.Data(_X[:20], _Y[:20])],
    ids=["y", "X", "rows"],
)
@pytest.mark.parametrize("sigma", [1.0, br.HalfNormal(1.0)])
def test_compare_refuses_a_mode_and_draws_of_different_data(other: br.Data, sigma: Any) -> None:
    model = br.Model(br.Gaussian(sigma=sigma), br.Laplace(scale=1.0, relative_to_noise=True))
    target = None if isinstance(sigma, float) else "joint"
    data = br.Data(_X, _Y)
    post = br.sample(model, data, draws=500, seed=1, progress=False)
    with pytest.raises(br.errors.DataError, match="different data"):
        br.compare(br.find_map(model, other, target=target), post)
    assert br.compare(br.find_map(model, data, target=target), post).names[:3] == data.names


@pytest.mark.parametrize(("n", "p"), [(40, 5), (15, 25)])
def test_the_error_of_the_evidence_is_neither_too_wide_nor_too_narrow(n: int, p: int) -> None:
    """Draws of a Normal model against the closed form: about 68% within one standard error."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    y = X[:, :3] @ np.array([1.0, -0.5, 0.3]) + rng.normal(size=n)
    model, data = br.Model(_GAUSSIAN, br.Normal(scale=1.0)), br.Data(X, y)
    axis = make_axis(model, data, [0.1, 0.5, 2.0], 3)
    exact = br.scan_scales(model, data, axis.scales, progress=False)["log_evidence"].values
    modes = find_modes(model, data, axis)
    away = []
    for seed in range(14):
        sampling = Sampling(500, 2, seed, 1, lambda count: None)
        found = sampled_columns(model, data, axis, modes, sampling, rope=None, mass=0.9, loo=False)[
            0
        ]
        away.append((found["log_evidence"][1] - exact) / found["log_evidence_error"][1])
    share = np.mean(np.abs(away) < 1)
    assert 0.5 < share < 0.93
    assert np.max(np.abs(away)) < 5


@pytest.mark.parametrize("standardize", [False, True])
def test_a_path_begins_with_every_coefficient_exactly_at_zero(standardize: bool) -> None:
    """At the kink itself rounding left values of 1e-16 in one path of five."""
    model = br.Model(br.Gaussian(sigma=1.3), br.Laplace(scale=1.0), standardize=standardize)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n, p = rng.integers(5, 60), rng.integers(1, 40)
        X = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, p)
        path = br.find_map_path(model, br.Data(X, X[:, 0] + rng.normal(size=n)), n_scales=2)
        assert not path.coef[0].any()
