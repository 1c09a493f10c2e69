"""Marginal modes: against direct integration and optimisation, and Jeffreys' closed form."""

import warnings

import numpy as np
import pytest
from scipy import integrate
from scipy.optimize import minimize

import bayesreg as br
from bayesreg.errors import LocalModesWarning
from bayesreg.priors.on_noise import noise_density
from bayesreg.solvers.noise_equation import MarginalEquation, noise_moments

ON_SIGMA = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.5),
    br.Exponential(2.0),
    br.HalfCauchy(0.7),
    br.InverseGamma(2.0, 1.5),
    br.Uniform(0.0, 2.0),
    br.Uniform(0.6, 10.0),
]


def make_data(n=9, p=2, seed=0):
    rng = np.random.default_rng([seed, n, p])
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3)
    y = 0.7 + X @ np.resize([1.2, -0.6], p) + 0.8 * rng.normal(size=n)
    return br.Data(X, y, weights=rng.uniform(0.5, 2.0, n), offset=rng.normal(size=n))


def quiet_map(model, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data, target="marginal")


def integrated(model, data, coef):
    """log of the integral of the joint density over log sigma, and over the intercept by hand.

    Over a flat intercept the density is a normal one: its peak times sqrt(2 pi) sigma / sqrt(S).
    """
    weights = data.weights
    residual = data.y - data.offset - data.X @ coef
    a = 0.0 if model.intercept is None else float(weights @ residual / weights.sum())
    t = np.linspace(-6.0, 9.0, 3001)
    values = []
    for sigma in np.exp(t):
        inside = np.isfinite(model.likelihood.noise_prior.log_density(sigma))
        value = model.log_density(data, coef, a, sigma=sigma) if inside else -np.inf
        if model.intercept is not None:
            value += 0.5 * np.log(2 * np.pi * sigma**2 / weights.sum())
        values.append(value + np.log(sigma))
    values = np.array(values)
    top = values.max()
    return top + np.log(integrate.trapezoid(np.exp(values - top), t))


@pytest.mark.parametrize("on_sigma", ON_SIGMA[:6], ids=repr)
@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=repr)
@pytest.mark.parametrize("relative", [False, True])
def test_log_density_is_the_integral(on_sigma, intercept, relative):
    data = make_data()
    prior = br.ElasticNet(0.3, 0.8, 0.1, relative_to_noise=relative)
    model = br.Model(br.Gaussian(sigma=on_sigma), prior, intercept)
    fit = quiet_map(model, data)
    expected = integrated(model, data, fit.coef)
    assert fit.log_density == pytest.approx(expected, rel=1e-9)


def test_the_integral_over_the_intercept_is_the_one_used():
    data = make_data()
    model = br.Model(br.Gaussian(br.HalfNormal(1.5)), br.Normal(0.5))
    fit = quiet_map(model, data)

    def density(a, t):
        sigma = float(np.exp(t))
        return np.exp(model.log_density(data, fit.coef, a, sigma=sigma) + t - fit.log_density)

    total, _ = integrate.dblquad(density, -4, 4, fit.intercept - 12, fit.intercept + 12)
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=repr)
@pytest.mark.parametrize("prior", [br.Normal, br.Laplace])
def test_jeffreys_closed_form(relative, intercept, prior):
    """RSS_c^(-m/2) exp(-penalty) with m = n - 1 contrasts, n without an intercept.

    Relative Normal: (RSS_c + sum w^2 / tau^2)^(-(m + p)/2).
    """
    data = make_data(12, 2, seed=1)
    if relative and prior is br.Laplace:
        prior = br.Normal
    model = br.Model(br.Gaussian(br.Jeffreys()), prior(0.4, relative_to_noise=relative), intercept)
    fit = quiet_map(model, data)
    weights, m = data.weights, 12 - (intercept is not None)

    def objective(w):
        residual = data.y - data.offset - data.X @ w
        if intercept is not None:
            residual = residual - weights @ residual / weights.sum()
        squares = weights @ residual**2
        if relative:
            return (m + 2) / 2 * np.log(squares + np.sum(w**2) / 0.4**2)
        penalty = np.sum(np.abs(w)) / 0.4 if prior is br.Laplace else np.sum(w**2) / 2 / 0.4**2
        return m / 2 * np.log(squares) + penalty

    at_mode = objective(fit.coef)
    rng = np.random.default_rng(3)
    for size in (1e-6, 1e-3, 0.1, 3.0):
        for _ in range(50):
            # Below rounding of the objective, steps cannot be told apart.
            assert objective(fit.coef + size * rng.normal(size=2)) >= at_mode - 1e-14 * abs(at_mode)
    other = fit.coef + 0.3
    before = fit.log_density
    expected = before - (objective(other) - at_mode)
    assert integrated(model, data, other) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize(
    "prior",
    [br.Normal(0.3), br.Laplace(0.25), br.Laplace(0.4, relative_to_noise=True),
     {"x0": br.Normal(0.5, relative_to_noise=True), "x1": br.Laplace(0.2)}],
    ids=["normal", "laplace", "relative", "relative-l2-with-absolute"],
)  # fmt: skip
def test_mode_of_the_integrated_density_by_direct_optimisation(on_sigma, prior):
    data = make_data(8, 2, seed=2)
    model = br.Model(br.Gaussian(sigma=on_sigma), prior)
    fit = quiet_map(model, data)
    density = noise_density(on_sigma)
    unit = br.bind(model.at_sigma(1.0), data)
    relative = np.array(
        [
            part.relative_to_noise
            for part in (prior.values() if isinstance(prior, dict) else [prior] * 2)
        ]
    )
    count = 7 + int(relative.sum())
    with np.errstate(divide="ignore"):
        ends = np.clip(np.log([density.lower, density.upper]), -5.0, 8.0)
    t = np.linspace(*ends, 2001)
    of_sigma = density.log_density(np.exp(t)) + (1 - count) * t
    l1, l2 = unit.penalty.l1[:2], unit.penalty.l2[:2]

    def objective(w):
        residual = data.y - data.offset - data.X @ w
        residual = residual - data.weights @ residual / data.weights.sum()
        B = data.weights @ residual**2 + np.sum(l2 * w**2 * relative)
        A = np.sum(l1 * np.abs(w) * relative)
        values = of_sigma - A * np.exp(-t) - B / 2 * np.exp(-2 * t)
        top = values.max()
        total = top + np.log(integrate.simpson(np.exp(values - top), x=t))
        return float(np.sum((l1 * np.abs(w) + l2 * w**2 / 2) * ~relative) - total)

    starts = [np.zeros(2), np.ones(2), -np.ones(2), np.array([1.5, -1.0]), fit.coef + 0.05]
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000}
    found = min(
        (minimize(objective, start, method="Nelder-Mead", options=options) for start in starts),
        key=lambda result: result.fun,
    )
    assert objective(fit.coef) <= found.fun + 1e-10
    np.testing.assert_allclose(fit.coef, found.x, atol=2e-5)
    equation = MarginalEquation(density, count, bool(np.any(l1 * relative)))
    residual = data.y - data.offset - data.X @ fit.coef - fit.intercept
    B = float(data.weights @ residual**2 + np.sum(l2 * fit.coef**2 * relative))
    A = float(np.sum(l1 * np.abs(fit.coef) * relative))
    assert equation.sigma(A, B) == pytest.approx(fit.scalars["effective_sigma"], rel=1e-9)


def test_effective_sigma_is_where_the_conditional_mode_is_this_point():
    data = make_data(20, 2, seed=4)
    for relative in (False, True):
        prior = br.Laplace(0.2, relative_to_noise=relative)
        model = br.Model(br.Gaussian(br.HalfCauchy(1.0)), prior)
        fit = quiet_map(model, data)
        given = br.find_map(model.at_sigma(fit.scalars["effective_sigma"]), data)
        np.testing.assert_allclose(given.coef, fit.coef, rtol=1e-11)
        # sigma is reported, sigma squared is used: a rounded root squared is off by two ulp
        np.testing.assert_array_max_ulp(given.lambda1, fit.lambda1, maxulp=4)


def test_several_marginal_modes_are_listed():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 12))
    y = X[:, :4] @ [2.0, -1.5, 1.0, 0.5] + 0.5 * rng.normal(size=60)
    model = br.Model(br.Gaussian(br.HalfNormal(5.0)), br.Laplace(0.05))
    data = br.Data(X, y)
    with pytest.warns(
        LocalModesWarning, match="the marginal density has several local modes: 2 were"
    ):
        fit = br.find_map(model, data, target="marginal")
    best, null = fit.modes
    assert best.log_density > null.log_density
    assert np.count_nonzero(null.coef) == 0


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize("count", [2, 40, 100_000])
@pytest.mark.parametrize(("A", "B"), [(0.0, 30.0), (12.0, 0.0), (5.0, 17.0), (0.0, 4e5)])
def test_moments_against_adaptive_quadrature(on_sigma, count, A, B):
    density = noise_density(on_sigma)
    moments = noise_moments(density, count, A, B)
    low = np.log(density.lower) if density.lower > 0 else -np.inf

    def exponent(t):
        return (1 - count) * t - A * np.exp(-t) - B / 2 * np.exp(-2 * t) + float(
            density.log_density(np.exp(t))
        )  # fmt: skip

    t = np.linspace(max(low, -14.0), min(np.log(density.upper), 40.0), 200_001)
    values = np.array([exponent(value) for value in t[::2000]])
    centre = t[::2000][int(np.argmax(values))]
    fine = minimize(lambda v: -exponent(v[0]), [centre], bounds=[(t[0], t[-1])]).x[0]
    top = exponent(fine)

    def moment(k):
        reach = 60.0 / np.sqrt(count) + (60.0 if count < 10 else 0.0)
        ends = max(t[0], fine - reach), min(t[-1] + 60 * np.isinf(density.upper), fine + reach)
        points = fine + np.array([-3, -1, 0, 1, 3]) / np.sqrt(count)
        inside = points[(points > ends[0]) & (points < ends[1])]
        value, _ = integrate.quad(
            lambda v: np.exp(exponent(v) - top - k * (v - fine)), *ends, points=inside,
            limit=2000, epsabs=0, epsrel=1e-11,
        )  # fmt: skip
        return value

    with np.errstate(over="ignore"):
        zeroth, first, second = (moment(k) for k in (0, 1, 2))
    scale = max(abs(top), 1.0)
    assert abs(moments.log_integral - top - np.log(zeroth)) <= 1e-12 * scale
    assert moments.first * np.exp(fine) == pytest.approx(first / zeroth, rel=1e-10)
    assert moments.second * np.exp(2 * fine) == pytest.approx(second / zeroth, rel=1e-10)
