"""Joint modes over (intercept, coefficients, sigma): global, stationary in all, in closed form."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

import bayesreg as br
from bayesreg.errors import LocalModesWarning, NotCertifiedError

ON_SIGMA = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.5),
    br.Exponential(2.0),
    br.HalfCauchy(0.7),
    br.InverseGamma(2.0, 1.5),
    br.Uniform(0.0, 10.0),
]


def make_data(n=30, p=3, seed=0, noise=1.0, **options):
    rng = np.random.default_rng([seed, n, p])
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3)
    y = 0.7 + X @ np.resize([1.2, -0.6, 0.0], p) + noise * rng.normal(size=n)
    return br.Data(X, y, **options)


def awkward_data(seed=0):
    """Weights, two of them 0, and an offset."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.3, 3.0, 30)
    weights[[3, 11]] = 0.0
    return make_data(seed=seed, weights=weights, offset=rng.normal(size=30))


def used(data):
    """X, y - offset and the weights of the rows that count."""
    weights = np.ones(data.n) if data.weights is None else data.weights
    keep = weights > 0
    offset = np.zeros(data.n) if data.offset is None else data.offset
    return np.asarray(data.X)[keep], (data.y - offset)[keep], weights[keep]


def residual_squares(fit, data):
    X, y, weights = used(data)
    residual = y - X @ fit.coef - fit.intercept
    return float(weights @ residual**2)


def quiet_map(model, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data, **{"target": "joint", **options})


# ---- closed forms of sigma --------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_data, awkward_data])
@pytest.mark.parametrize("prior", [br.Laplace(0.4), br.Normal(0.5), br.ElasticNet(0.4, 0.7, 0.1)])
@pytest.mark.parametrize(("on_sigma", "more"), [(br.Flat(), 0), (br.Jeffreys(), 1)])
def test_absolute_prior_sigma_squared_is_rss_over_n(make, prior, on_sigma, more):
    data = make()
    fit = quiet_map(br.Model(br.Gaussian(sigma=on_sigma), prior), data)
    n = used(data)[1].size
    assert fit.scalars["sigma"] ** 2 == pytest.approx(
        residual_squares(fit, data) / (n + more), rel=1e-13
    )
    np.testing.assert_allclose(fit.lambda1, fit.scalars["sigma"] ** 2 * fit.l1, rtol=1e-15)


@pytest.mark.parametrize("make", [make_data, awkward_data])
@pytest.mark.parametrize(("on_sigma", "more"), [(br.Flat(), 0), (br.Jeffreys(), 1)])
@pytest.mark.parametrize("intercept", [br.Flat(), None, br.Normal(2.0, 0.3, True)], ids=repr)
def test_relative_prior_sigma_solves_the_quadratic(make, on_sigma, more, intercept):
    data, b, tau, m = make(), 0.4, 0.9, 0.2
    prior = br.ElasticNet(b, tau, loc=m, relative_to_noise=True)
    fit = quiet_map(br.Model(br.Gaussian(sigma=on_sigma), prior, intercept), data)
    n, p, sigma = used(data)[1].size, data.p, fit.scalars["sigma"]
    k = n + p + more
    slopes = float(np.sum(np.abs(fit.coef - m))) / b
    squares = residual_squares(fit, data) + float(np.sum((fit.coef - m) ** 2)) / tau**2
    if isinstance(intercept, br.Normal):
        k, squares = k + 1, squares + ((fit.intercept - 0.3) / 2.0) ** 2
    assert abs(k * sigma**2 - sigma * slopes - squares) <= 1e-12 * squares
    assert fit.certificate.holds
    assert not fit.certificate.local


def test_inverse_gamma_and_bounded_sigma():
    data, n = make_data(), 30
    fit = quiet_map(br.Model(br.Gaussian(br.InverseGamma(2.0, 3.0)), br.Laplace(0.4)), data)
    squares = residual_squares(fit, data)
    assert fit.scalars["sigma"] ** 2 == pytest.approx((squares + 6.0) / (n + 5), rel=1e-13)
    for bounds, at in (((0.0, 0.5), 0.5), ((3.0, 5.0), 3.0)):
        bounded = quiet_map(br.Model(br.Gaussian(br.Uniform(*bounds)), br.Laplace(0.4)), data)
        assert bounded.scalars["sigma"] == at
        assert bounded.certificate.holds
        given = br.find_map(bounded.model.at_sigma(at), data)
        np.testing.assert_allclose(bounded.coef, given.coef, rtol=1e-12)


# ---- stationary in every coordinate ------------------------------------------------------------


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("intercept", [br.Flat(), None, br.Normal(0.5)], ids=repr)
def test_no_direction_from_the_mode_goes_up(on_sigma, relative, intercept):
    data = awkward_data(1)
    model = br.Model(
        br.Gaussian(sigma=on_sigma), br.Laplace(0.25, 0.1, relative_to_noise=relative), intercept
    )
    fit = quiet_map(model, data)
    sigma = fit.scalars["sigma"]
    best = model.log_density(data, fit.coef, fit.intercept, sigma=sigma)
    assert fit.log_density == pytest.approx(best, rel=1e-13)
    rng = np.random.default_rng(2)
    for size in (1e-5, 1e-3, 0.1):
        for _ in range(30):
            coef = fit.coef + size * rng.normal(size=3)
            a = fit.intercept + (0 if intercept is None else size * rng.normal())
            moved = model.log_density(data, coef, a, sigma=sigma * np.exp(size * rng.normal()))
            assert moved < best


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize("relative", [False, True])
def test_kkt_of_every_coordinate_from_the_density_alone(on_sigma, relative):
    data = awkward_data(3)
    prior = br.Laplace(0.08, relative_to_noise=relative)
    fit = quiet_map(br.Model(br.Gaussian(sigma=on_sigma), prior), data)
    X, y, weights = used(data)
    sigma = fit.scalars["sigma"]
    theta = weights * (y - X @ fit.coef - fit.intercept) / sigma**2
    rate = 1 / 0.08 / (sigma if relative else 1.0)
    pull, zero = X.T @ theta, fit.coef == 0
    assert abs(theta.sum()) <= 1e-10 * np.abs(theta).sum()
    np.testing.assert_allclose(pull[~zero], rate * np.sign(fit.coef[~zero]), rtol=1e-10)
    assert np.all(np.abs(pull[zero]) <= rate)
    h = 1e-5

    def along(t):
        return fit.model.log_density(data, fit.coef, fit.intercept, sigma=sigma * np.exp(t))

    assert abs(along(h) - along(-h)) / (2 * h) <= 1e-6


def test_zeros_are_exact_and_proved_with_a_relative_prior():
    data = make_data(60, 8, seed=4)
    prior = br.Laplace(0.1, relative_to_noise=True)
    fit = quiet_map(br.Model(br.Gaussian(br.Jeffreys()), prior), data, tol=1e-12)
    assert 0 < fit.n_zeros < 8
    assert fit.certificate.zeros_proved
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.conditional.holds
    assert fit.modes == ()


# ---- global: against brute force ---------------------------------------------------------------

MIXED = {"x0": br.Laplace(0.05), "x1": br.Laplace(0.3, relative_to_noise=True), "x2": br.Flat()}


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize(
    "prior",
    [br.Laplace(0.06), br.Normal(0.1), br.Laplace(0.1, relative_to_noise=True), MIXED,
     {"x[01]": br.HalfNormal(0.1), "x2": br.Uniform(-0.2, 0.3)}],
    ids=["laplace", "normal", "relative", "mixed", "bounded"],
)  # fmt: skip
def test_every_mode_of_a_brute_force_grid_is_found(on_sigma, prior):
    data = make_data(20, 3, seed=5, noise=0.3)
    model = br.Model(br.Gaussian(sigma=on_sigma), prior)
    fit = quiet_map(model, data)
    grid = np.geomspace(0.05, 9.9, 250)
    log_density = np.array(
        [br.find_map(model.at_sigma(s), data).log_density + on_sigma.log_density(s) for s in grid]
    )
    peaks = np.flatnonzero(np.diff(np.sign(np.diff(log_density))) < 0) + 1
    found = [mode.scalars["sigma"] for mode in fit.modes] or [fit.scalars["sigma"]]
    assert len(peaks) == len(found)
    ratio = grid[1] / grid[0]
    for sigma, peak in zip(np.sort(found), grid[peaks], strict=True):
        assert 1 / ratio < sigma / peak < ratio
    assert log_density.max() <= fit.log_density + 1e-12 * abs(fit.log_density)
    if fit.modes:
        ranked = [mode.log_density for mode in fit.modes]
        assert ranked == sorted(ranked, reverse=True)
        assert fit.modes[0].scalars == fit.scalars


@pytest.mark.parametrize("on_sigma", [br.Flat(), br.HalfNormal(1.0), br.HalfCauchy(1.0)], ids=repr)
def test_relative_prior_reaches_one_mode_from_many_starts(on_sigma):
    data = make_data(12, 3, seed=6)
    model = br.Model(br.Gaussian(on_sigma), br.Normal(0.3, 0.2, relative_to_noise=True))
    fit = quiet_map(model, data)
    rng = np.random.default_rng(7)

    def objective(v):
        return -model.log_density(data, v[:3], v[3], sigma=float(np.exp(v[4])))

    for _ in range(12):
        start = np.append(rng.normal(0, 3, 4), rng.normal(0, 2))
        found = minimize(objective, start, method="BFGS", options={"gtol": 1e-6})
        np.testing.assert_allclose(found.x[:4], [*fit.coef, fit.intercept], atol=2e-4)
        assert np.exp(found.x[4]) == pytest.approx(fit.scalars["sigma"], rel=1e-4)


# ---- units and forms of the data ----------------------------------------------------------------


@pytest.mark.parametrize("target", ["joint", "marginal"])
@pytest.mark.parametrize("c", [1e-6, 250.0])
def test_units_of_y_and_sigma_together(target, c):
    data = make_data()
    one = quiet_map(br.Model(br.Gaussian(br.HalfNormal(1.5)), br.Laplace(0.3)), data, target=target)
    scaled = br.Data(data.X, c * data.y)
    model = br.Model(br.Gaussian(br.HalfNormal(1.5 * c)), br.Laplace(0.3 * c))
    other = quiet_map(model, scaled, target=target)
    np.testing.assert_allclose(other.coef, c * one.coef, rtol=1e-10)
    name = next(iter(one.scalars))
    assert other.scalars[name] == pytest.approx(c * one.scalars[name], rel=1e-12)


@pytest.mark.parametrize("target", ["joint", "marginal"])
@pytest.mark.parametrize("relative", [False, True])
def test_weights_offset_sparse_and_standardize(target, relative):
    data = awkward_data(8)
    X, y, weights = used(data)
    prior = br.Laplace(0.2, relative_to_noise=relative)
    model = br.Model(br.Gaussian(br.HalfCauchy(1.0)), prior, None)
    fit = quiet_map(model, data, target=target)
    root = np.sqrt(weights)
    rows = quiet_map(model, br.Data(X * root[:, None], y * root), target=target)
    np.testing.assert_allclose(fit.coef, rows.coef, rtol=1e-10, atol=1e-13)
    # A row's density of y is root s times that of its rescaled one.
    assert fit.log_density - rows.log_density == pytest.approx(np.sum(np.log(root)), rel=1e-10)
    standard = replace(model, intercept=br.Flat(), standardize=True)
    dense = quiet_map(standard, data, target=target)
    as_sparse = replace(data, X=sparse.csr_array(np.asarray(data.X)))
    np.testing.assert_allclose(
        quiet_map(standard, as_sparse, target=target).coef, dense.coef, rtol=1e-9
    )
    mean = weights @ X / weights.sum()
    deviation = np.sqrt(weights @ (X - mean) ** 2 / weights.sum())
    stated = br.Laplace(0.2 / deviation, relative_to_noise=relative)
    by_hand = quiet_map(replace(model, prior=stated, intercept=br.Flat()), data, target=target)
    np.testing.assert_allclose(dense.coef, by_hand.coef, rtol=1e-10)
    assert dense.log_density == pytest.approx(by_hand.log_density, rel=1e-12)


def test_constant_column_is_pinned_and_counts_for_nothing():
    data = make_data(20, 2)
    wider = br.Data(np.column_stack([data.X, np.full(20, 3.0)]), data.y)
    prior = br.Laplace(0.3, relative_to_noise=True)
    model = br.Model(br.Gaussian(br.Flat()), prior, standardize=True)
    narrow, wide = quiet_map(model, data), quiet_map(model, wider)
    assert wide.coef[2] == 0.0
    assert wide.scalars["sigma"] == pytest.approx(narrow.scalars["sigma"], rel=1e-12)


def test_more_columns_than_rows_under_a_relative_prior():
    data = make_data(15, 40, seed=9)
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(0.2, relative_to_noise=True))
    fit = quiet_map(model, data)
    assert fit.certificate.holds
    assert not fit.certificate.local
    assert fit.scalars["sigma"] > 0


# ---- results -----------------------------------------------------------------------------------


def test_estimate_says_which_mode_it_is():
    data = make_data()
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Laplace(0.4))
    fit = quiet_map(model, data)
    assert fit.target == "joint"
    assert "joint mode" in str(fit)
    assert "sigma" in str(fit.to_table())
    assert "local mode" in str(fit.certificate)
    as_dict = json.loads(json.dumps(fit.to_dict()))
    assert as_dict["scalars"]["sigma"] == fit.scalars["sigma"]
    assert as_dict["modes"][0]["log_density"] == fit.log_density
    given = br.find_map(model.at_sigma(fit.scalars["sigma"]), data)
    np.testing.assert_allclose(given.coef, fit.coef, rtol=1e-12)
    np.testing.assert_array_equal(fit.lambda1, given.lambda1)
    np.testing.assert_allclose(fit.predict(data.X), given.predict(data.X), rtol=1e-12)
    assert fit.conditional.holds


@pytest.mark.parametrize("relative", [False, True])
def test_an_uncertified_point_is_not_returned_silently(relative):
    data = make_data()
    prior = br.Laplace(0.4, relative_to_noise=relative)
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), prior)
    with pytest.raises(NotCertifiedError) as caught:
        br.find_map(model, data, target="joint", tol=1e-300)
    assert caught.value.estimate.scalars["sigma"] > 0
    fit = br.find_map(model, data, target="joint", tol=1e-300, on_failure="return")
    assert not fit.certificate.holds


# ---- the case that design and issue name ---------------------------------------------------------


def two_mode_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 12))
    truth = np.zeros(12)
    truth[:4] = [2.0, -1.5, 1.0, 0.5]
    return br.Data(X, X @ truth + 0.5 * rng.normal(size=60))


def test_absolute_prior_has_two_modes_and_says_so():
    model = br.Model(br.Gaussian(sigma=br.HalfNormal(5.0)), br.Laplace(0.05))
    with pytest.warns(
        LocalModesWarning, match="joint density has several local modes: 2 .*relative_to_noise=True"
    ):
        fit = br.find_map(model, two_mode_data(), target="joint")
    best, null = fit.modes
    assert np.count_nonzero(best.coef) == 4
    assert np.count_nonzero(null.coef) == 0
    assert best.scalars["sigma"] == pytest.approx(0.565302, abs=1e-6)
    assert null.scalars["sigma"] == pytest.approx(2.624090, abs=1e-6)
    assert best.log_density - null.log_density == pytest.approx(4.62932, abs=1e-4)


def test_a_narrower_prior_collapses_to_the_null_model_and_says_so():
    data = two_mode_data()
    model = br.Model(br.Gaussian(sigma=br.HalfNormal(5.0)), br.Laplace(0.04))
    with pytest.warns(LocalModesWarning, match="The best is the null model"):
        fit = br.find_map(model, data, target="joint")
    assert fit.n_zeros == 12
    model = replace(model, prior=br.Laplace(0.004))
    with pytest.warns(LocalModesWarning, match="the joint mode is the null model"):
        br.find_map(model, data, target="joint")
    relative = replace(model, prior=br.Laplace(0.05 / 0.57, relative_to_noise=True))
    fit = br.find_map(relative, data, target="joint")
    assert fit.n_zeros < 12
    assert not fit.certificate.local


def test_pymc_find_map_depends_on_its_start_without_a_warning():
    import pymc as pm

    data = two_mode_data()
    model = br.Model(br.Gaussian(sigma=br.HalfNormal(5.0)), br.Laplace(0.05))
    fit = quiet_map(model, data)
    pm_model = br.to_pymc(model, data)
    least_squares = np.linalg.lstsq(np.asarray(data.X), data.y, rcond=None)[0]
    start = {"coef": least_squares, "intercept": 0.0, "sigma": 0.5}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        own_start = pm.find_MAP(model=pm_model, progressbar=False)
        good_start = pm.find_MAP(start=start, model=pm_model, progressbar=False)
    kinds = UserWarning, RuntimeWarning
    said = [str(one.message) for one in caught if issubclass(one.category, kinds)]
    assert [text for text in said if "BLAS" not in text] == []
    densities = [
        model.log_density(data, at["coef"], float(at["intercept"]), sigma=float(at["sigma"]))
        for at in (own_start, good_start)
    ]
    assert own_start["sigma"] > 2.0
    assert good_start["sigma"] < 1.0
    assert densities[0] < densities[1] - 4.0
    assert max(densities) < fit.log_density  # and neither has an exact zero
    assert np.all(own_start["coef"] != 0)
    assert np.all(good_start["coef"] != 0)
