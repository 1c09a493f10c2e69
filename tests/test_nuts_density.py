"""Compiled densities: against the model's own, and gradients against differences."""

import numpy as np
import pytest
from scipy import special

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Cauchy,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gamma,
    Gaussian,
    GroupLaplace,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Jeffreys,
    Laplace,
    Model,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Uniform,
)
from bayesreg._kernels import stirling
from bayesreg._kernels.posterior_density import BELOW, BOTH, NO_BOUND, potential, workspace
from bayesreg._kernels.vector_functions import exp_of_negative, expm1, sigmoid, softplus
from bayesreg.posterior.densities import log_likelihood, log_prior
from bayesreg.posterior.nuts_target import coordinates, unsuited, with_centring
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import pose
from bayesreg.scales.draws import parameters

N, P = 23, 3

#: Likelihood, which targets it takes.
LIKELIHOODS = {
    "gaussian": (Gaussian(1.3), "real"),
    "gaussian-unknown": (Gaussian(HalfNormal(2.0)), "real"),
    "gaussian-jeffreys": (Gaussian(Jeffreys()), "real"),
    "gaussian-uniform": (Gaussian(Uniform(0.2, 5.0)), "real"),
    "bernoulli": (Bernoulli(), "binary"),
    "binomial": (Binomial(), "trials"),
    "poisson": (Poisson(), "count"),
    "gamma": (Gamma(0.4), "positive"),
    "gamma-unknown": (Gamma(HalfCauchy(1.0)), "positive"),
    "negative-binomial": (NegativeBinomial(1.5), "count"),
    "negative-binomial-unknown": (NegativeBinomial(Exponential(2.0)), "count"),
    "student-t": (StudentT(4.0, sigma=0.8), "real"),
    "student-t-unknown": (StudentT(4.0, sigma=HalfNormal(1.0)), "real"),
    "student-t-uniform": (StudentT(1.5, sigma=Uniform(0.2, 5.0)), "real"),
    "asymmetric-laplace": (AsymmetricLaplace(0.3, 0.8), "real"),
    "asymmetric-laplace-unknown": (AsymmetricLaplace(0.3, HalfCauchy(1.0)), "real"),
    "asymmetric-laplace-jeffreys": (AsymmetricLaplace(0.7, Jeffreys()), "real"),
}

PRIORS = {
    "laplace": Laplace([0.3, 0.5, 1.0], loc=[0.1, 0.0, -0.2]),
    "normal": Normal(0.5, loc=0.3),
    "elastic-net": ElasticNet(0.3, 0.6, loc=0.2),
    "student-t": StudentT(3.0, scale=0.4, loc=0.1),
    "cauchy": Cauchy(0.3),
    "flat": Flat(),
    "half-normal": HalfNormal(0.4),
    "exponential": Exponential(0.3),
    "uniform": Uniform(-1.0, 2.0),
    "truncated": {
        "x0": Truncated(Laplace(0.3, loc=0.1), upper=0.3),
        "x1": Truncated(StudentT(3.0, scale=0.4), lower=-0.2),
        "x2": Truncated(ElasticNet(0.3, 0.6), lower=-1.0, upper=0.5),
    },
    "group": {"x[01]": GroupLaplace(0.4, loc=0.1), "x2": Laplace(0.5)},
    "covariance": MultivariateNormal(np.eye(3) * 0.2 + 0.1, loc=0.1),
    "unknown-laplace": Laplace(HalfCauchy(0.7), loc=0.1),
    "unknown-normal": Normal(InverseGamma(2.0, 1.0)),
    "unknown-uniform": Normal(Uniform(0.1, 3.0)),
    "two-unknown": {"x0": Flat(), "x1": Laplace(Exponential(1.0)), "x2": Normal(HalfNormal(0.7))},
    "half-unknown": {"x[01]": Truncated(Laplace(HalfNormal(0.5)), lower=0.0), "x2": Normal(1.0)},
    "unknown-others": {
        "x0": StudentT(3.0, HalfCauchy(0.4), loc=0.1),
        "x1": ElasticNet(0.3, 0.6, loc=0.2, scale=HalfNormal(0.7)),
        "x2": Exponential(HalfNormal(0.5)),
    },
    "unknown-group": {
        "x[01]": GroupLaplace(HalfCauchy(0.7), loc=0.1),
        "x2": HalfNormal(Jeffreys()),
    },
    "horseshoe": Horseshoe(0.2, loc=0.1),
    "horseshoe-unknown": Horseshoe(HalfCauchy(0.3)),
}

INTERCEPTS = (Flat(), Laplace(1.0, loc=0.5), Normal(HalfNormal(1.0)), None)

#: Under a Gaussian likelihood alone.
RELATIVE = {
    "relative": Laplace(0.4, relative_to_noise=True),
    "relative-unknown": Normal(HalfCauchy(0.5), loc=0.1, relative_to_noise=True),
    "relative-group": GroupLaplace(0.4, relative_to_noise=True),
    "relative-horseshoe": Horseshoe(0.3, relative_to_noise=True),
    "relative-tails": StudentT(3.0, scale=0.4, relative_to_noise=True),
}


def make_data(kind, seed=0):
    rng = np.random.default_rng([seed, 7])
    X = rng.normal(size=(N, P))
    X[:, 2] += 1.0
    y = {
        "real": 0.5 * X[:, 0] + rng.normal(size=N),
        "binary": (rng.random(N) < 0.5) * 1.0,
        "trials": rng.integers(0, 6, N) * 1.0,
        "count": rng.poisson(2.0, N) * 1.0,
        "positive": rng.gamma(2.0, 1.0, N),
    }[kind]
    weights = rng.uniform(0.3, 2.0, N)
    weights[3] = 0.0
    trials = rng.integers(5, 9, N) if kind == "trials" else None
    return Data(X, y, weights=weights, offset=0.3 * rng.normal(size=N), trials=trials)


def cases():
    for i, (name, (likelihood, kind)) in enumerate(LIKELIHOODS.items()):
        priors = PRIORS | (RELATIVE if isinstance(likelihood, Gaussian) else {})
        for j, (prior_name, prior) in enumerate(priors.items()):
            intercept = INTERCEPTS[(i + j) % len(INTERCEPTS)]
            yield pytest.param(likelihood, prior, intercept, kind, id=f"{name}-{prior_name}")


def centred_halfway(found):
    """Some centring, wherever there is a scale to be centred by."""
    t = found.target
    governed = np.zeros(t.loc.size, dtype=bool)
    governed[t.governed] = True
    share = np.where(governed & (t.bound == NO_BOUND), np.linspace(0.0, 1.0, t.loc.size), 0.0)
    return with_centring(found, share)


def log_jacobian(found, u):
    """log |d(v, s, local scales) / du|, by the textbook derivatives."""
    t, d = found.target, found.free.size
    numbers, log_numbers = found.numbers(u[None, d:])
    lower, upper = t.parameters[:, 3], t.parameters[:, 4]
    x = u[d:]
    share = special.expit(x)
    with np.errstate(invalid="ignore"):
        bounded = np.log((upper - lower) * share * (1 - share))
    total = np.sum(np.where(np.isfinite(upper), bounded, np.log(numbers[0])))
    log_factor = np.zeros(d)
    np.add.at(log_factor, t.governed, log_numbers[0][t.governing])
    for j in range(d):
        if t.bound[j] == NO_BOUND:
            total += t.centring[j] * log_factor[j]
        elif t.bound[j] == BOTH:
            share = special.expit(u[j])
            total += np.log((t.upper[j] - t.lower[j]) * share * (1 - share))
        else:
            total += u[j]
    return total


def log_posterior(model, data, posterior, found, u):
    """log p(y, coef, intercept, scalars, local scales) of the model itself."""
    v, scalars = found.read(u[None])
    draws = Draws(v[None], {n: scalars[None, :, k] for k, n in enumerate(posterior.scalars)})
    drawn = parameters(posterior, draws)
    total = float(np.sum(log_likelihood(model, data, drawn)))
    parts = log_prior(model, data, posterior, drawn)
    if not posterior.horseshoe.any():
        return total + float(sum(np.sum(part) for part in parts.values()))
    # With the local scales beside the coefficients: Normal given them, half-Cauchy themselves.
    total += float(sum(np.sum(part) for name, part in parts.items() if name != "coef"))
    local = found.numbers(u[None, found.free.size :])[0][0, len(posterior.scalars) :]
    factor = posterior.factors({n: scalars[:, k] for k, n in enumerate(posterior.scalars)})
    penalty = posterior.problem.penalty
    factor = np.broadcast_to(factor, (1, penalty.size))[0, : data.p]
    scale = factor * local[: data.p] / np.sqrt(penalty.l2[: data.p])
    z = (drawn.coef[0, 0] - penalty.loc[: data.p]) / scale
    total += float(np.sum(-0.5 * z**2 - np.log(scale) - 0.5 * np.log(2 * np.pi)))
    return total + float(np.sum(np.log(2 / np.pi) - np.log1p(local**2)))


@pytest.mark.parametrize(("likelihood", "prior", "intercept", "kind"), list(cases()))
def test_density_and_gradient(likelihood, prior, intercept, kind):
    """Differences of the potential are those of the model's log density and the Jacobian."""
    data = make_data(kind)
    model = Model(likelihood, prior, intercept)
    posterior = pose(model, data)
    assert unsuited(posterior) is None
    for found in (coordinates(posterior), centred_halfway(coordinates(posterior))):
        t = found.target
        w, rng = workspace(t), np.random.default_rng(1)
        gradient = np.empty(found.size)
        points = 0.7 * rng.normal(size=(4, found.size))
        ours = [potential(t, w, u, gradient) for u in points]
        theirs = [
            -log_posterior(model, data, posterior, found, u) - log_jacobian(found, u)
            for u in points
        ]
        np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-9, atol=1e-9)
        step = 1e-6 * np.eye(found.size)
        scratch = np.empty(found.size)
        potential(t, w, points[0], gradient)
        differences = [
            (potential(t, w, points[0] + h, scratch) - potential(t, w, points[0] - h, scratch))
            / 2e-6
            for h in step
        ]
        np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=2e-6)


def test_standardised_and_pinned_columns():
    """A constant column under standardize is pinned; its share stays in the linear predictor."""
    data = make_data("binary")
    X = np.array(data.X)
    X[:, 1] = 3.0
    model = Model(Bernoulli(), Laplace(0.5, loc=0.2), standardize=True)
    data = Data(X, data.y)
    posterior = pose(model, data)
    found = coordinates(posterior)
    assert found.free.tolist() == [0, 2, 3]
    w, gradient = workspace(found.target), np.empty(3)
    points = np.random.default_rng(0).normal(size=(3, 3))
    ours = [potential(found.target, w, u, gradient) for u in points]
    theirs = [-log_posterior(model, data, posterior, found, u) for u in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-10)


def test_large_counts_lose_no_digit():
    """Counts of 1e14: the potential a millionth of a posterior sd away moves by half of 1e-12."""
    y = np.full(5, 1e14)
    data = Data(np.zeros((5, 1)), y)
    found = coordinates(pose(Model(Poisson(), Normal(1.0)), data))
    w, gradient = workspace(found.target), np.empty(2)
    sd = 1 / np.sqrt(5e14)
    value = [
        potential(found.target, w, np.array([0.0, np.log(1e14) + k * sd]), gradient)
        for k in (0.0, 1.0, -1.0)
    ]
    rounding = 5e14 * np.spacing(np.log(1e14)) ** 2
    assert value[1] - value[0] == pytest.approx(0.5, abs=10 * np.spacing(32.0) / sd + rounding)
    assert value[2] - value[0] == pytest.approx(0.5, abs=10 * np.spacing(32.0) / sd + rounding)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Poisson(), NegativeBinomial(2.0)], ids=str)
@pytest.mark.parametrize("eta", [-1e4, -700.0, 700.0, 1e4])
def test_far_out_the_potential_is_never_a_wrong_number(likelihood, eta):
    """Huge linear predictors: right, or too large to be visited; never NaN, never too small."""
    data = Data(np.ones((4, 1)), np.array([0.0, 1.0, 0.0, 1.0]))
    model = Model(likelihood, Normal(1e6), None)
    found = coordinates(pose(model, data))
    value = potential(found.target, workspace(found.target), np.array([eta]), np.empty(1))
    expected = pose(model, data).problem.value(np.array([eta]))
    if expected < 1e300:
        zero = pose(model, data).problem.value(np.array([0.0]))
        ours = potential(found.target, workspace(found.target), np.zeros(1), np.empty(1))
        assert value - ours == pytest.approx(expected - zero, rel=1e-12)
    else:
        assert value > 1e300


# --- the functions beneath --------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 30.0, 700.0])
def test_vector_functions(size):
    x = np.random.default_rng(3).uniform(-size, size, 1000)
    power = np.empty(1000)
    bits, out, e = power.view(np.int64), np.empty(1000), np.empty(1000)
    expm1(x, out, power, bits)
    np.testing.assert_allclose(out, np.expm1(x), rtol=1e-15)
    exp_of_negative(x, e, power, bits)
    np.testing.assert_allclose(e, np.exp(-np.abs(x)), rtol=1e-15)
    sigmoid(x, e, out)
    np.testing.assert_allclose(out, special.expit(x), rtol=1e-15)
    softplus(x, e, out)
    np.testing.assert_allclose(out, np.logaddexp(0.0, x), rtol=1e-15)


@pytest.mark.parametrize("x", [1e-8, 0.3, 1.0, 9.5, 10.0, 300.0, 1e9])
def test_stirling_parts(x):
    direct = special.gammaln(x) - ((x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi))
    tolerance = 4 * np.spacing(abs(special.gammaln(x)) + x)
    assert stirling.correction(x) == pytest.approx(direct, rel=1e-13, abs=tolerance)
    slope = special.digamma(x) - np.log(x) + 0.5 / x
    assert stirling.correction_slope(x) == pytest.approx(
        slope, rel=1e-12, abs=4 * np.spacing(abs(np.log(x)) + 1 / x)
    )
    for k in (0.0, 1.0, 7.0):
        factors = x + np.arange(k)
        assert stirling.log_rising(x, k) == pytest.approx(
            np.sum(np.log(factors)), rel=1e-13, abs=1e-14
        )
        assert stirling.log_rising_slope(x, k) == pytest.approx(np.sum(1 / factors), rel=1e-13)


def test_what_has_no_compiled_density_says_so():
    data = make_data("positive")
    foreign = Model(Gamma(Truncated(Normal(1.0), lower=0.0)), Normal(1.0))
    assert "phi" in unsuited(pose(foreign, data))
    moving = Model(Poisson(), Truncated(Laplace(HalfCauchy(1.0)), lower=-1.0))
    assert "bound" in unsuited(pose(moving, make_data("count")))
    at_centre = Model(Poisson(), Truncated(Laplace(HalfCauchy(1.0), loc=-1.0), lower=-1.0))
    assert unsuited(pose(at_centre, make_data("count"))) is None
    assert coordinates(pose(at_centre, make_data("count"))).target.bound[0] == BELOW
    constant = Data(np.full((5, 1), 2.0), np.arange(5.0))
    pinned = Model(Gaussian(1.0), Normal(1.0), None, standardize=True)
    assert "nothing" in unsuited(pose(pinned, constant))
