"""StudentT and AsymmetricLaplace noise of unknown scale: density, mode, posterior, refusals."""

import json
import math
import re
import warnings

import numpy as np
import pytest
from helpers import make_data as tabled_data
from scipy import stats
from scipy.optimize import minimize

import bayesreg as br
from bayesreg.errors import (
    ConversionError,
    DataError,
    ImproperPosteriorError,
    LocalModesWarning,
    ModelError,
    ModelTypeError,
    NoModeError,
)
from bayesreg.posterior.densities import Parameters, log_likelihood
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.target import pose
from bayesreg.spec import from_dict, from_text, to_dict
from bayesreg.wording import describe

STUDENT, LAPLACE = br.StudentT(4.0, sigma=0.8), br.AsymmetricLaplace(0.3, 0.6)
NOISES = [STUDENT, br.StudentT(1.0, sigma=2.0), br.StudentT(60.0, sigma=0.1), LAPLACE]
SCALES = [
    br.HalfNormal(1.0),
    br.HalfCauchy(0.5),
    br.InverseGamma(3.0, 1.5),
    br.Uniform(0.05, 9.0),
    br.Truncated(br.Normal(0.5), lower=0),
    br.Jeffreys(),
    br.Flat(),
]


def with_prior(likelihood, prior):
    if isinstance(likelihood, br.StudentT):
        return br.StudentT(likelihood.nu, sigma=prior)
    return br.AsymmetricLaplace(likelihood.q, prior)


def make_data(n=60, p=3, outliers=5, seed=0, weights=False):
    rng = np.random.default_rng([seed, n, p])
    X = rng.normal(size=(n, p))
    y = 0.5 + X @ np.resize([1.0, 0.0, -2.0], p) + 0.7 * rng.standard_t(4, n)
    y[:outliers] += 12.0
    return br.Data(X, y, weights=rng.uniform(0.3, 2.5, n) if weights else None)


def laplace_log_density(y, eta, q, s):
    r = y - eta
    return math.log(q) + math.log1p(-q) - math.log(s) - r * (q - (r < 0)) / s


# --- densities ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", 10.0 ** np.arange(-6, 7))
def test_the_density_at_draws_of_the_scale_is_that_of_the_textbook(scale):
    data = make_data(weights=True)
    coef, a = np.array([0.7, -0.1, -1.0]), 0.3
    eta = a + data.X @ coef
    for likelihood in NOISES:
        name = likelihood.dispersion_name
        model = br.Model(with_prior(likelihood, br.HalfNormal(1.0)), br.Normal(1.0))
        drawn = Parameters(coef[None, None], np.full((1, 1), a), {name: np.full((1, 1), scale)})
        ours = log_likelihood(model, data, drawn)[0, 0]
        if name == "sigma":
            theirs = stats.t.logpdf(data.y, likelihood.nu, loc=eta, scale=scale)
        else:
            theirs = laplace_log_density(data.y, eta, likelihood.q, scale)
        np.testing.assert_allclose(ours, data.weights * theirs, rtol=1e-12)


@pytest.mark.parametrize("scale", 10.0 ** np.arange(-6, 7))
@pytest.mark.parametrize("likelihood", NOISES, ids=repr)
def test_the_slope_in_log_scale_is_that_of_differences(likelihood, scale):
    y = np.array([-3.0, -0.2, 0.0, 0.9999, 1.0, 4.0, 250.0])
    eta, h = np.zeros(y.size), 1e-4

    def nll(log_scale):
        at = likelihood.with_dispersion(math.exp(log_scale))
        return at.loss(y, eta) + at.constant(y, np.ones(y.size))

    t = math.log(scale)
    by_difference = (8 * (nll(t + h) - nll(t - h)) - (nll(t + 2 * h) - nll(t - 2 * h))) / (12 * h)
    found = likelihood.with_dispersion(scale).dispersion_slope(y, eta)
    # Rounding of the values: what they are made of, over the step.
    size = np.abs(nll(t)) + 20.0
    assert np.all(np.abs(found - by_difference) <= 1e-9 * np.abs(found) + 1e-11 * size)


def test_the_slope_of_extreme_residuals_is_a_number():
    far = br.StudentT(4.0, sigma=1e-100).dispersion_slope(np.array([1e200, 0.0]), np.zeros(2))
    np.testing.assert_array_equal(far, [-4.0, 1.0])


# --- the joint mode -------------------------------------------------------------------------------


def joint_log_density(model, prior, data, z):
    """log p(y, coef, intercept, d) at z = (coef, intercept, log d)."""
    d = math.exp(z[-1])
    stated = br.Model(model.likelihood.with_dispersion(d), model.prior, model.intercept)
    on_d = 0.0 if isinstance(prior, br.Flat) else float(np.ravel(prior.log_density(d))[0])
    return stated.log_density(data, z[:-2], z[-2]) + on_d


@pytest.mark.parametrize("prior", SCALES, ids=repr)
@pytest.mark.parametrize("likelihood", [STUDENT, LAPLACE], ids=repr)
@pytest.mark.parametrize("coefficients", [br.Normal(1.0), br.Laplace(0.5), br.Flat()], ids=repr)
def test_the_joint_mode_is_stationary_and_beats_its_surroundings(likelihood, prior, coefficients):
    data = make_data(weights=True)
    model = br.Model(with_prior(likelihood, prior), coefficients)
    fit = br.find_map(model, data, target="joint")
    name = likelihood.dispersion_name
    d = fit.scalars[name]
    assert fit.certificate.local
    assert fit.certificate.holds
    assert fit.certificate.kkt_residual < 1e-6
    assert fit.conditional.holds
    assert fit.model.likelihood == likelihood.with_dispersion(d)
    z = np.array([*fit.coef, fit.intercept, math.log(d)])
    best = joint_log_density(model, prior, data, z)
    assert fit.log_density == pytest.approx(best, rel=1e-12)
    h = 1e-4
    at = [joint_log_density(model, prior, data, z + k * h * np.eye(5)[4]) for k in (-2, -1, 1, 2)]
    assert abs((8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h)) < 1e-7
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-2, 0.1, 0.5, 2.0):
        for _ in range(40):
            assert joint_log_density(model, prior, data, z + size * rng.normal(size=5)) < best


@pytest.mark.parametrize("likelihood", [STUDENT, LAPLACE], ids=repr)
def test_the_joint_mode_beats_a_grid_over_the_scale(likelihood):
    """The conditional mode at each of many scales, found by the certified conditional solver."""
    prior, data = br.HalfNormal(1.0), make_data()
    model = br.Model(with_prior(likelihood, prior), br.Normal(1.0))
    fit = br.find_map(model, data, target="joint")
    values = []
    for d in np.geomspace(0.05, 20.0, 41):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LocalModesWarning)
            given = br.find_map(br.Model(likelihood.with_dispersion(d), br.Normal(1.0)), data)
        values.append(given.log_density + float(prior.log_density(d)))
    assert max(values) <= fit.log_density + 1e-9
    assert max(values) > fit.log_density - 0.2


def test_the_joint_mode_is_what_a_general_optimiser_finds():
    prior, data = br.HalfNormal(1.0), make_data()
    model = br.Model(br.StudentT(4.0, sigma=prior), br.Normal(1.0))
    fit = br.find_map(model, data, target="joint")
    peer = minimize(lambda z: -joint_log_density(model, prior, data, z), np.zeros(5), method="BFGS")
    np.testing.assert_allclose(fit.coef, peer.x[:3], atol=1e-4)
    assert fit.scalars["sigma"] == pytest.approx(math.exp(peer.x[-1]), rel=1e-4)


@pytest.mark.parametrize(("first", "best"), [(30, 4.0), (26, 4.0), (22, -4.0)])
def test_two_lines_and_the_better_supported_one_is_returned(first, best):
    """Rows of two regressions: with nu = 0.4 more than 2/7 of the rows make a mode of their own."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    y = np.where(np.arange(50) < first, 4.0 * x, -4.0 * x) + 0.05 * rng.normal(size=50)
    model = br.Model(br.StudentT(0.4, sigma=br.HalfNormal(1.0)), br.Normal(5.0), None)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = br.find_map(model, br.Data(x[:, None], y), target="joint")
    assert fit.coef[0] == pytest.approx(best, abs=0.05)
    heights = [mode.log_density for mode in fit.modes]
    assert heights == sorted(heights, reverse=True)
    several = [str(w.message) for w in said if w.category is LocalModesWarning]
    assert bool(several) == (len(fit.modes) > 1)
    if first == 26:
        assert fit.modes[1].coef[0] == pytest.approx(-4.0, abs=0.05)
        assert "state sigma as a number" in several[0]


def test_a_better_valley_than_two_sweeps_find():
    """Bad leverage: against the conditional modes of many starts at a grid of scales."""
    rng = np.random.default_rng(13)
    X = rng.normal(size=(24, 2))
    X[:9, 0] += 8 * rng.choice([-1, 1])
    y = X @ [1.0, -1.0] + 0.1 * rng.normal(size=24)
    y[:9] = -2 * X[:9, 0] + 5 + 0.3 * rng.normal(size=9)
    data, prior = br.Data(X, y), br.HalfNormal(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        model = br.Model(br.StudentT(0.6, sigma=prior), br.Normal(5.0))
        fit = br.find_map(model, data, target="joint")
        for sigma in fit.scalars["sigma"] * np.geomspace(0.2, 5.0, 9):
            stated = br.Model(br.StudentT(0.6, sigma=sigma), br.Normal(5.0))
            given = br.find_map(stated, data).log_density + float(prior.log_density(sigma))
            assert given <= fit.log_density + 1e-9


def test_no_target_says_which_there_is():
    for likelihood, name in ((STUDENT, "sigma"), (LAPLACE, "s")):
        model = br.Model(with_prior(likelihood, br.HalfNormal(1.0)), br.Normal(1.0))
        with pytest.raises(ModelError, match=f"{name} to be found.*target=.joint"):
            br.find_map(model, make_data())
        with pytest.raises(ModelError, match=r"marginal.*is not for it"):
            br.find_map(model, make_data(), target="marginal")


def test_priors_without_a_solver_beside_them_are_refused():
    data = make_data()
    model = br.Model(br.AsymmetricLaplace(0.5, br.HalfNormal(1.0)), br.Cauchy(1.0))
    with pytest.raises(ModelError, match="Cauchy priors beside"):
        br.find_map(model, data, target="joint")
    model = br.Model(br.StudentT(4.0, sigma=br.HalfNormal(1.0)), br.GroupLaplace(1.0))
    with pytest.raises(ModelError, match="GroupLaplace beside a likelihood or prior"):
        br.find_map(model, data, target="joint")
    both = br.Model(br.StudentT(4.0, sigma=br.HalfNormal(1.0)), br.Cauchy(1.0))
    assert br.find_map(both, data, target="joint").certificate.holds


# --- densities without a bound --------------------------------------------------------------------


def ladder(n, p, fitted):
    """y an exact linear function of X in so many rows, noise in the others."""
    rng = np.random.default_rng([n, p, fitted])
    X = rng.normal(size=(n, p))
    y = 0.5 + X.sum(axis=1)
    y[fitted:] += 3.0 * rng.normal(size=n - fitted)
    return br.Data(X, y)


def power_of_density(model, data, v, scale):
    """d log p / d log s at s, with the coefficients held."""
    prior, h = model.likelihood.dispersion, 0.1
    value = [joint_log_density(model, prior, data, np.array([*v, math.log(scale) + k]))
             for k in (-h, h)]  # fmt: skip
    return (value[1] - value[0]) / (2 * h)


@pytest.mark.parametrize(
    ("fitted", "unbounded"), [(23, ""), (24, "does not fall"), (25, "grows like sigma^-5 ")]
)
def test_exact_rows_make_the_density_unbounded_where_the_powers_say(fitted, unbounded):
    """p ~ sigma^(nu (n - k) - k): with nu = 4 and n = 30 it falls to 0 up to k = 23."""
    data = ladder(30, 2, fitted)
    model = br.Model(br.StudentT(4.0, sigma=br.HalfNormal(1.0)), br.Normal(5.0))
    power = 4 * (30 - fitted) - fitted
    at = power_of_density(model, data, [1.0, 1.0, 0.5], 1e-6)
    assert at == pytest.approx(power, abs=1e-3)
    if not unbounded:
        assert br.find_map(model, data, target="joint").scalars["sigma"] > 1e-3
        return
    with pytest.raises(
        NoModeError, match=f"rows of total weight {fitted} exactly.*{re.escape(unbounded)}"
    ):
        br.find_map(model, data, target="joint")
    held = br.Model(br.StudentT(4.0, sigma=br.InverseGamma(2.0, 0.1)), br.Normal(5.0))
    assert br.find_map(held, data, target="joint").certificate.holds


@pytest.mark.parametrize(
    ("n", "nu", "unbounded"),
    [(4, 5.0, "all rows"), (5, 3.0, "rows of total weight 4"), (5, 5.0, None)],
)
def test_as_many_coefficients_as_rows_nearly(n, nu, unbounded):
    """Three coefficients and an intercept fit any four rows, and nu (n - 4) may be below 4."""
    data = make_data(n=n, p=3, outliers=0)
    model = br.Model(br.StudentT(nu, sigma=br.HalfNormal(1.0)), br.Normal(1.0))
    if unbounded is None:
        assert br.find_map(model, data, target="joint").certificate.holds
        return
    with pytest.raises(NoModeError, match=f"{unbounded} exactly"):
        br.find_map(model, data, target="joint")


def test_weights_count_as_so_many_rows():
    """Two rows of weight 18, two coefficients: sigma^-36 against sigma^4 of each other row."""
    base = make_data(n=10, p=1, outliers=0)
    weights = np.where(np.arange(10) < 2, 18.0, 1.0)
    data = br.Data(base.X, base.y, weights=weights)
    model = br.Model(br.StudentT(4.0, sigma=br.HalfNormal(1.0)), br.Normal(1.0))
    with pytest.raises(NoModeError, match="rows of total weight 36 exactly"):
        br.find_map(model, data, target="joint")
    # Integrated, with a rank of 2: 4 * 8 - 36 + 2 = -2, and 1 for d sigma.
    with pytest.raises(ImproperPosteriorError, match=r"sigma goes to 0.*sigma\^-2 once"):
        br.sample(model, data, seed=1)
    lighter = br.Data(base.X, base.y, weights=np.where(weights > 1, 17.0, 1.0))
    require_proper(pose(model, lighter), lighter.names)


def test_asymmetric_laplace_is_unbounded_where_all_rows_are_fitted():
    exact = ladder(12, 2, 12)
    for prior in (br.HalfNormal(1.0), br.Jeffreys()):
        model = br.Model(br.AsymmetricLaplace(0.5, prior), br.Normal(5.0))
        with pytest.raises(NoModeError, match="all rows exactly"):
            br.find_map(model, exact, target="joint")
        with pytest.raises(ImproperPosteriorError, match="s goes to 0"):
            br.sample(model, exact, seed=1)
    nearly = ladder(12, 2, 11)
    model = br.Model(br.AsymmetricLaplace(0.5, br.HalfNormal(1.0)), br.Normal(5.0))
    assert br.find_map(model, nearly, target="joint").certificate.holds
    held = br.Model(br.AsymmetricLaplace(0.5, br.InverseGamma(2.0, 0.1)), br.Normal(5.0))
    assert br.find_map(held, exact, target="joint").certificate.holds


def few_rows(n):
    """n rows, an intercept alone: m(s) by quadrature over it."""
    return br.Data(np.zeros((n, 1)), np.array([0.0, 1.0, 2.5, 2.7, 7.0, 8.0])[:n])


@pytest.mark.parametrize("noise", ["student", "laplace"])
@pytest.mark.parametrize(
    ("n", "prior", "improper"),
    [
        (1, br.HalfNormal(1.0), False),
        (1, br.Jeffreys(), True),
        (1, br.Flat(), True),
        (2, br.Flat(), True),
        (2, br.Jeffreys(), False),
        (3, br.Flat(), False),
    ],
    ids=str,
)
def test_flat_intercept_beside_an_improper_scale(noise, n, prior, improper):
    """m(s) ~ s^-(n - 1) as s goes to infinity; p(s) ~ 1 or 1 / s."""
    named = {"student": br.StudentT(4.0, sigma=prior), "laplace": br.AsymmetricLaplace(0.3, prior)}
    model, data = br.Model(named[noise], br.Normal(1.0)), few_rows(n)
    if improper:
        with pytest.raises(ImproperPosteriorError, match=r"goes to (0|infinity)"):
            br.sample(model, data, seed=1)
    else:
        require_proper(pose(model, data), data.names)


@pytest.mark.parametrize(
    ("nu", "ties", "n", "improper"),
    [(1.0, 3, 6, False), (1.0, 4, 6, True), (1.0, 4, 5, True), (4.0, 4, 6, False)],
)
def test_ties_as_fernandez_and_steel_say(nu, ties, n, improper):
    """Under 1 / sigma, k = 1 flat coefficient and s equal targets: proper where nu (n - s) > s - k.

    The integral over the intercept is checked: its power in sigma is that of the formula.
    """
    y = np.concatenate([np.zeros(ties), np.arange(1.0, n - ties + 1)])
    power = nu * (n - ties) - ties + 1
    assert improper == (power <= 0)
    a = np.concatenate([[0.0], np.geomspace(1e-12, 1e3, 6000)])
    a = np.concatenate([-a[:0:-1], a])
    integral = []
    for sigma in (1e-5, 1e-4):
        log_p = stats.t.logpdf(y[:, None], nu, loc=a, scale=sigma).sum(axis=0)
        integral.append(np.log(np.trapezoid(np.exp(log_p - log_p.max()), a)) + log_p.max())
    assert (integral[1] - integral[0]) / np.log(10.0) == pytest.approx(power, abs=0.02)
    model = br.Model(br.StudentT(nu, sigma=br.Jeffreys()), br.Normal(1.0))
    data = br.Data(np.zeros((n, 1)), y)
    if improper:
        with pytest.raises(ImproperPosteriorError, match=f"rows of total weight {ties} exactly"):
            br.sample(model, data, seed=1)
    else:
        require_proper(pose(model, data), data.names)


def test_unknown_scales_at_0_leave_the_other_columns_to_fit():
    """Seven equal targets of eight under one flat intercept, the columns at their loc."""
    rng = np.random.default_rng(2)
    data = br.Data(rng.normal(size=(8, 6)), np.append(np.zeros(7), 1.0))
    noise = br.StudentT(4.0, sigma=br.HalfNormal(1.0))
    # 4 - 7 + 1 + 1 = -1 and one more for p(scale) at 0: the integral does not converge.
    with pytest.raises(ImproperPosteriorError, match="sigma goes to 0"):
        br.sample(br.Model(noise, br.Normal(br.HalfCauchy(1.0))), data, seed=1)
    require_proper(pose(br.Model(noise, br.Normal(1.0)), data), data.names)


# --- the posterior --------------------------------------------------------------------------------


def z_of_mean(draws, expected):
    import arviz_stats

    error = np.std(draws) / np.sqrt(float(arviz_stats.ess(draws, method="mean")))
    return (np.mean(draws) - expected) / error


def by_quadrature(model, data, log_rows):
    """E and sd of log of the scale, and E of the intercept, on a grid of both."""
    t, a = np.meshgrid(np.linspace(-3.5, 4.5, 1201), np.linspace(-9.0, 9.0, 2401), indexing="ij")
    log_p = sum(s * log_rows(y, a, np.exp(t)) for y, s in zip(data.y, data.weights, strict=True))
    log_p = log_p + t + model.likelihood.dispersion.log_density(np.exp(t))
    log_p += model.intercept.log_density(a)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    assert max(p[0].sum(), p[-1].sum(), p[:, 0].sum(), p[:, -1].sum()) < 1e-5
    return [np.sum(p * t), np.sum(p * t**2), np.sum(p * a), np.sum(p * (a > 0.0))]


@pytest.mark.parametrize("noise", ["student", "laplace"])
def test_the_posterior_of_scale_and_intercept_against_quadrature(noise):
    rng = np.random.default_rng(5)
    y, weights = rng.standard_t(2, 12), rng.uniform(0.4, 2.0, 12)
    data, prior = br.Data(np.zeros((12, 1)), y, weights=weights), br.HalfCauchy(0.7)
    if noise == "student":
        likelihood = br.StudentT(3.0, sigma=prior)

        def log_rows(y, eta, s):
            return stats.t.logpdf((y - eta) / s, 3.0) - np.log(s)
    else:
        likelihood = br.AsymmetricLaplace(0.3, prior)

        def log_rows(y, eta, s):
            return np.log(0.21 / s) - (y - eta) * (0.3 - (y < eta)) / s

    model = br.Model(likelihood, br.Normal(1.0), br.Laplace(2.0, loc=0.2))
    expected = by_quadrature(model, data, log_rows)
    post = br.sample(model, data, seed=3, draws=4000)
    assert post.attrs["sampler"] == "nuts"
    t = np.log(post["posterior"][likelihood.dispersion_name].values)
    a = post["posterior"]["intercept"].values
    z = [z_of_mean(x, e) for x, e in zip((t, t**2, a, (a > 0.0) * 1.0), expected, strict=True)]
    assert np.max(np.abs(z)) < 4.0, z


def test_more_columns_than_rows_are_sampled_without_a_mode():
    """No joint mode, a proper posterior: chains begin away from the exact fits and agree."""
    data = make_data(n=20, p=40, outliers=0)
    for likelihood in (STUDENT, LAPLACE):
        model = br.Model(with_prior(likelihood, br.HalfNormal(1.0)), br.Laplace(0.3))
        post = br.sample(model, data, seed=4, draws=2000)
        assert "map_estimate" not in post.children
        assert post.attrs["divergences"] <= 8
        worst = post["diagnostics"].to_dataset().sel(diagnostic="rhat")
        assert float(worst[likelihood.dispersion_name]) < 1.02


@pytest.mark.parametrize("likelihood", [STUDENT, LAPLACE], ids=repr)
def test_what_a_result_says_of_the_scale(likelihood):
    name, data = likelihood.dispersion_name, make_data(weights=True)
    prior = br.HalfNormal(1.0)
    model = br.Model(with_prior(likelihood, prior), br.Normal(2.0))
    post = br.sample(model, data, seed=1, draws=800, posterior_predictive=True)
    draws = post["posterior"]
    assert name in post["diagnostics"]
    np.testing.assert_allclose(post["log_prior"][name], prior.log_density(draws[name].values))
    # The penalty of such a likelihood is on no scale of noise: it is a number.
    assert "lambda2" not in draws
    np.testing.assert_array_equal(post["constant_data"]["lambda2"], np.full(3, 0.25))
    fit = br.find_map(model, data, target="joint")
    np.testing.assert_array_equal(fit.lambda2, np.full(3, 0.25))
    assert post["map_estimate"][name].item() == fit.scalars[name]
    table = br.compare(fit, post)
    assert name in table.which_map
    with pytest.raises(DataError, match="different data"):
        br.compare(br.find_map(model, make_data(seed=8), target="joint"), post)
    drawn = br.predict(post, np.zeros((2, 3)), seed=1)["posterior_predictive"]["y"].values
    centred = drawn - draws["intercept"].values[..., None]
    quantile = np.quantile(centred / draws[name].values[..., None], 0.3)
    expected = 0.0 if name == "s" else stats.t.ppf(0.3, 4)
    assert quantile == pytest.approx(expected, abs=0.06)


def test_pymc_samples_the_same_model():
    data, model = make_data(), br.Model(br.StudentT(4, sigma=br.HalfNormal(1.0)), br.Normal(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = br.sample(model, data, seed=1, draws=500, chains=2, sampler="pymc")
    ours = br.sample(model, data, seed=1)
    for x in ("sigma", "intercept"):
        a, b = (post["posterior"][x].values for post in (ours, theirs))
        assert abs(a.mean() - b.mean()) < 0.15 * a.std()


# --- round trips, words and refusals --------------------------------------------------------------


@pytest.mark.parametrize("prior", SCALES, ids=repr)
@pytest.mark.parametrize("likelihood", [STUDENT, LAPLACE], ids=repr)
def test_specs_come_back(likelihood, prior):
    model = br.Model(with_prior(likelihood, prior), br.Laplace(0.5))
    assert from_text(repr(model), "model") == model
    assert from_dict(json.loads(json.dumps(to_dict(model))), "model") == model


def test_a_scale_that_is_no_scale_is_refused_with_what_is_meant():
    for wrong in (br.Normal(1.0), br.Truncated(br.Normal(1.0), lower=-1.0)):
        with pytest.raises(ModelError, match="StudentT sigma is positive"):
            br.StudentT(4, sigma=wrong)
        with pytest.raises(ModelError, match="AsymmetricLaplace s is positive"):
            br.AsymmetricLaplace(0.5, wrong)
    with pytest.raises(ModelTypeError, match="call it"):
        br.StudentT(4, sigma=br.HalfNormal)
    unnamed = br.Model(br.StudentT(4, br.HalfNormal(1.0)), br.Normal(1.0))
    assert unnamed.likelihood == br.StudentT(4, sigma=br.HalfNormal(1.0))
    with pytest.raises(ModelError, match="has 2 entries"):
        br.AsymmetricLaplace(0.5, br.HalfNormal([1.0, 2.0]))


@pytest.mark.parametrize("likelihood", [STUDENT, LAPLACE], ids=repr)
def test_where_a_number_is_needed_it_is_asked_for(likelihood):
    model = br.Model(with_prior(likelihood, br.HalfNormal(1.0)), br.Laplace(0.5))
    data, name = make_data(), likelihood.dispersion_name
    for call in (
        lambda: br.verify(model, data),
        lambda: br.bind(model, data),
        lambda: br.to_penalty(model, "sklearn.QuantileRegressor", data),
        lambda: br.find_map_path(model, data),
        lambda: model.log_density(data, np.zeros(3)),
    ):
        with pytest.raises((ModelError, ConversionError), match=f"{name}|StudentT"):
            call()
    fit = br.find_map(model, data, target="joint")
    assert br.verify(fit.model, data).passed


def test_the_density_with_sigma_stated():
    data, prior = make_data(), br.HalfNormal(1.0)
    model = br.Model(br.StudentT(4, sigma=prior), br.Normal(1.0))
    stated = model.at_sigma(0.7)
    assert stated.likelihood == br.StudentT(4, sigma=0.7)
    found = model.log_density(data, np.ones(3), 0.1, sigma=0.7)
    alone = stated.log_density(data, np.ones(3), 0.1)
    assert found == pytest.approx(alone + float(prior.log_density(0.7)))
    with pytest.raises(ModelError, match="no unknown sigma"):
        stated.log_density(data, np.ones(3), sigma=0.7)
    with pytest.raises(ModelError, match="no sigma"):
        br.Model(LAPLACE, br.Normal(1.0)).at_sigma(1.0)


def test_the_model_in_words():
    data = make_data()
    for likelihood, words in (
        (br.StudentT(4, sigma=br.Jeffreys()), "sigma ~ Jeffreys() (p = 1 / sigma, improper)"),
        (br.AsymmetricLaplace(0.5, br.HalfNormal(1.0)), "s ~ HalfNormal(scale=1.0)"),
        (br.Gamma(br.HalfNormal(1.0)), "phi ~ HalfNormal(scale=1.0)"),
    ):
        positive = tabled_data(br.Gamma(0.4)) if isinstance(likelihood, br.Gamma) else data
        text = describe(br.Model(likelihood, br.Laplace(0.5)), positive)
        assert words in text
        assert "lambda1 = 1 / b = 2" in text


def test_the_evidence_of_the_null_model_against_quadrature():
    """log p(y) with every coefficient at its loc, over intercept and scale on a grid."""
    from bayesreg.scales.null_evidence import log_null_evidence

    data = make_data(n=15, outliers=1)
    t, a = np.linspace(-5.0, 5.0, 1501), np.linspace(-12.0, 12.0, 2401)
    for likelihood in (STUDENT, LAPLACE):
        prior = br.HalfNormal(1.0)
        model = br.Model(with_prior(likelihood, prior), br.Normal(1.0), br.Normal(2.0))
        log_p = np.empty((t.size, a.size))
        for i, s in enumerate(np.exp(t)):
            at = likelihood.with_dispersion(float(s))
            rows = -at.loss(data.y, a[:, None]) - at.constant(data.y, np.ones(15))
            log_p[i] = rows.sum(axis=1) + float(prior.log_density(s)) + t[i]
        log_p += model.intercept.log_density(a)
        mass = np.trapezoid(np.trapezoid(np.exp(log_p - log_p.max()), a, axis=1), t)
        expected = np.log(mass) + log_p.max()
        assert log_null_evidence(model, data) == pytest.approx(expected, abs=1e-4)


def test_choosing_a_scale_beside_an_unknown_sigma():
    """Evidence, cross-validation and a scan take the sigma of StudentT for what it is."""
    data = make_data(n=30)
    model = br.Model(br.StudentT(4.0, sigma=br.HalfNormal(1.0)), br.Normal(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = br.scan_scales(model, data, scales=[0.3, 3.0], draws=100, chains=2, seed=1)
    assert "map_sigma" in study
    assert "map_lambda" not in study
    np.testing.assert_allclose(study["lambda"], np.array([0.3, 3.0]) ** -2.0)


def test_rows_of_no_weight_are_left_out():
    data = make_data()
    weights = np.where(np.arange(60) % 3 == 0, 0.0, 1.0)
    used = weights > 0
    model = br.Model(br.AsymmetricLaplace(0.5, br.HalfNormal(1.0)), br.Laplace(0.5))
    one = br.find_map(model, br.Data(data.X, data.y, weights=weights), target="joint")
    other = br.find_map(model, br.Data(data.X[used], data.y[used]), target="joint")
    assert one.scalars["s"] == pytest.approx(other.scalars["s"], rel=1e-12)
