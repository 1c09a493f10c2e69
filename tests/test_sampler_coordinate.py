"""Coefficients between bounds: against closed forms, quadrature, the mode, and far out of reach."""

import functools

import arviz_stats
import numpy as np
import pytest
from helpers import engine_draws, make_design
from scipy import stats

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    Horseshoe,
    InverseGamma,
    Jeffreys,
    Laplace,
    Model,
    Normal,
    StudentT,
    Truncated,
    Uniform,
    find_map,
    sample,
)
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior import coordinate, gibbs
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.densities import row_density, scaled_density
from bayesreg.posterior.protocol import Block, Setup
from bayesreg.posterior.target import pose


def draws_of(model, data, seed=1, draws=4000, tune=200, chains=2):
    return engine_draws(coordinate, model, data, seed, draws, tune, chains)


def z_of_mean(x, expected):
    """(mean - expected) / Monte Carlo standard error, for x of shape (chains, draws)."""
    return (np.mean(x) - expected) * np.sqrt(float(arviz_stats.ess(x, method="mean"))) / np.std(x)


def z_of_difference(x, y):
    """Of the means of two runs."""
    error = [np.std(part) / np.sqrt(float(arviz_stats.ess(part, method="mean"))) for part in (x, y)]
    return (np.mean(x) - np.mean(y)) / np.hypot(*error)


def p_value(x, cdf):
    """Of the distribution of x, thinned to nearly independent draws."""
    every = int(np.ceil(x.size / float(arviz_stats.ess(x, method="mean"))))
    return stats.kstest(x[:, :: max(1, every)].ravel(), cdf).pvalue


# --- closed forms -------------------------------------------------------------------------------


def one_column(n=8, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return Data(x[:, None], 0.4 * x + rng.normal(size=n))


def truncated(mean, deviation, low, high):
    return stats.truncnorm((low - mean) / deviation, (high - mean) / deviation, mean, deviation)


NORMALS = {
    "half-normal": (HalfNormal(0.7), 0.0, np.inf),
    "box": (Uniform(-0.3, 0.5), -0.3, 0.5),
    "far-below": (Truncated(Normal(0.7), upper=-6.0), -np.inf, -6.0),
    "far-above": (Truncated(Normal(0.7), lower=40.0), 40.0, np.inf),
    "narrow": (Truncated(Normal(0.7), lower=3.0, upper=3.0 + 1e-9), 3.0, 3.0 + 1e-9),
    "half-flat": (Truncated(Flat(), lower=0.2), 0.2, np.inf),
}


@pytest.mark.parametrize("name", NORMALS)
def test_one_coefficient_is_a_truncated_normal(name):
    prior, low, high = NORMALS[name]
    data = one_column()
    v = draws_of(Model(Gaussian(1.3), prior, None), data).v[:, :, 0]
    precision = data.X[:, 0] @ data.X[:, 0] / 1.3**2
    precision += 0.0 if name in ("box", "half-flat") else 1 / 0.7**2
    mean = data.X[:, 0] @ data.y / 1.3**2 / precision
    assert v.min() >= low
    assert v.max() <= high
    assert p_value(v, truncated(mean, precision**-0.5, low, high).cdf) > 1e-3


def test_orthant_probabilities():
    """Of a bivariate normal over all signs: P(both > 0) = 1/4 + asin(rho) / (2 pi)."""
    rho = -0.8
    X = np.linalg.cholesky(np.linalg.inv([[1.0, rho], [rho, 1.0]])).T
    data = Data(X, np.zeros(2))
    v = draws_of(Model(Gaussian(1.0), Uniform(-60, 60), None), data, draws=20_000).v
    positive = np.all(v > 0, axis=2).astype(float)
    assert abs(z_of_mean(positive, 0.25 + np.arcsin(rho) / (2 * np.pi))) < 4.5


def test_means_of_an_orthant():
    """E of the first of two positive standard normals with correlation rho, in closed form."""
    rho = 0.6
    X = np.linalg.cholesky(np.linalg.inv([[1.0, rho], [rho, 1.0]])).T
    v = draws_of(Model(Gaussian(1.0), Truncated(Flat(), 0.0), None), Data(X, np.zeros(2))).v
    share = 0.25 + np.arcsin(rho) / (2 * np.pi)
    expected = (1 + rho) / (2 * np.sqrt(2 * np.pi)) / share
    assert abs(z_of_mean(v[:, :, 0], expected)) < 4.5


# --- against quadrature -------------------------------------------------------------------------


def log_posterior(posterior, v, named):
    """With a flat intercept integrated out: at its best, times sigma."""
    problem = posterior.problem
    eta = v[:, : problem.p] @ problem.X.T + problem.offset
    constant = 0.0
    if problem.flat_intercept:
        share = problem.weights / np.sum(problem.weights)
        eta = eta + ((problem.y - eta) @ share)[:, None]
        constant = np.log(named["sigma"]) if "sigma" in named else 0.0
    terms = row_density(problem.likelihood, problem.y, problem.weights)(eta, named)
    prior = scaled_density(problem.penalty, v, posterior.factors(named), posterior.horseshoe)
    total = np.sum(terms, axis=1) + np.sum(prior, axis=1) + constant
    for name, density in posterior.scalars.items():
        total = total + density.log_density(named[name])
    return total


def panels(breaks, nodes=40):
    """Gauss-Legendre nodes and log weights between each two of the points."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    low, high = np.array(breaks[:-1])[:, None], np.array(breaks[1:])[:, None]
    return (low + (high - low) * (x + 1) / 2).ravel(), np.log((high - low) * w / 2).ravel()


def quadrature(model, data, axes):
    """First two moments of coefficients and of the logs of scalars, from ranges of both."""
    posterior = pose(model, data)
    nodes, weights = zip(*map(panels, axes), strict=True)
    mesh, log_w = (np.stack([part.ravel() for part in np.meshgrid(*parts, indexing="ij")], axis=1)
                   for parts in (nodes, weights))  # fmt: skip
    p, size = posterior.problem.p, posterior.problem.size
    v = np.zeros((len(mesh), size))
    v[:, :p] = mesh[:, :p]
    named = dict(zip(posterior.scalars, np.exp(mesh[:, p:].T), strict=True))
    log_p = log_posterior(posterior, v, named) + np.sum(mesh[:, p:], axis=1) + log_w.sum(axis=1)
    density = np.exp(log_p - np.max(log_p))
    density /= np.sum(density)
    return [np.sum(density * f(column)) for column in mesh.T for f in (lambda x: x, np.square)]


TWO = Data(
    np.array([[1.0, 0.9], [0.2, -0.1], [-1.0, -0.7], [0.5, 0.9], [-0.6, 0.1], [0.3, -0.8]]),
    np.array([1.1, -0.3, -0.5, 0.9, 0.4, -0.2]),
    weights=[1.0, 2.0, 0.5, 1.5, 1.0, 0.7],
)
ONE = Data(TWO.X[:, :1], TWO.y, weights=TWO.weights)
WIDE = Data(TWO.X[:1], TWO.y[:1])
S, T = InverseGamma(3.0, 2.0), InverseGamma(3.0, 1.0)
LOG = (-3.0, 0.0, 4.0)

CASES = {
    "exponential": (Model(Gaussian(0.8), Exponential(0.4)), TWO, [(0, 4), (0, 4)]),
    "half-normal-wide": (Model(Gaussian(0.8), HalfNormal(0.7), None), WIDE, [(0, 5), (0, 5)]),
    "box-wide": (Model(Gaussian(0.3), Uniform(-0.5, 1.0), None), WIDE, [(-0.5, 1), (-0.5, 1)]),
    "laplace": (Model(Gaussian(0.8), Laplace(0.4)), TWO, [(-5, 0, 5), (-5, 0, 5)]),
    "truncated-laplace": (
        Model(Gaussian(0.8), Truncated(Laplace(0.4, loc=0.2), lower=-0.4, upper=0.9)), TWO,
        [(-0.4, 0.9), (-0.4, 0.9)],
    ),
    "mixed": (
        Model(Gaussian(0.8), {"x0": Truncated(ElasticNet(0.4, 0.9), upper=0.3), "x1": Laplace(1)}),
        TWO, [(-6, 0, 0.3), (-6, 0, 8)],
    ),
    "with-flat": (
        Model(Gaussian(0.8), {"x0": Uniform(0.0, 0.5), "x1": Truncated(Flat(), lower=-0.2)}), TWO,
        [(0.0, 0.5), (-0.2, 6)],
    ),
    "student-t": (
        Model(Gaussian(0.8), Truncated(StudentT(3.0, 0.4, loc=0.2), lower=-0.3)), TWO,
        [(-0.3, 6), (-0.3, 6)],
    ),
    "sigma": (Model(Gaussian(S), Exponential(0.4)), ONE, [(0, 5), LOG]),
    "sigma-jeffreys": (Model(Gaussian(Jeffreys()), Exponential(0.4)), ONE, [(0, 8), (-3, 0, 6)]),
    "sigma-relative-off-loc": (
        Model(Gaussian(S), Truncated(ElasticNet(0.4, 2.0, 0.1, True), lower=0.3)), ONE,
        [(0.3, 8), LOG],
    ),
    "sigma-relative-tails": (
        Model(Gaussian(S), Truncated(StudentT(4.0, 0.4, relative_to_noise=True), lower=0.0)), ONE,
        [(0.0, 9), LOG],
    ),
    "scale": (
        Model(Gaussian(S), Truncated(Laplace(T), lower=0.0)), ONE, [(0, 8), LOG, (-3.5, 0, 4)],
    ),
    "scale-off-loc": (
        Model(Gaussian(0.8), Truncated(Laplace(T, loc=0.2), lower=0.5, upper=2.0)), ONE,
        [(0.5, 2), (-3.5, 0, 6)],
    ),
    "scale-inside": (
        Model(Gaussian(S), Truncated(Normal(T, 0.2, relative_to_noise=True), -0.4, 0.9)), ONE,
        [(-0.4, 0.9), LOG, (-3.5, 0, 6)],
    ),
    "scale-half-cauchy": (
        Model(Gaussian(0.8), Truncated(Normal(HalfCauchy(0.5)), lower=0.0), None), ONE,
        [(0, 1e-6, 1e-4, 1e-2, 0.1, 1, 5), (-16, -8, -4, 0, 4, 16)],
    ),
    "half-normal-scale": (Model(Gaussian(S), HalfNormal(T)), ONE, [(0, 8), LOG, (-3.5, 0, 4)]),
    "exponential-scale": (Model(Gaussian(0.8), Exponential(T)), ONE, [(0, 8), (-3.5, 0, 6)]),
    "student-t-scale": (
        Model(Gaussian(0.8), Truncated(StudentT(4.0, T), lower=0.0)), ONE,
        [(0, 1, 9), (-3.5, 0, 6)],
    ),
    "elastic-net-scale-off-loc": (
        Model(Gaussian(0.8), Truncated(ElasticNet(0.7, 1.0, scale=T), lower=0.3)), ONE,
        [(0.3, 8), (-3.5, 0, 6)],
    ),
}  # fmt: skip


@functools.cache
def expected_of(name):
    return quadrature(*CASES[name])


def quadrature_z(name, seed):
    model, data, _ = CASES[name]
    expected = expected_of(name)
    # Seeds differ by case as well: common random numbers would make the z depend on each other.
    found = draws_of(model, data, (seed, list(CASES).index(name)), draws=8000)
    parts = [found.v[:, :, j] for j in range(data.p)]
    parts += [np.log(values) for values in found.scalars.values()]
    functions = [part if k == 0 else part**2 for part in parts for k in range(2)]
    return [z_of_mean(x, mean) for x, mean in zip(functions, expected, strict=True)]


def test_against_quadrature():
    """Mean and second moment of every case: pooled z of the right size, no outlier."""
    z = {(name, seed): quadrature_z(name, seed) for name in CASES for seed in range(2)}
    pooled = np.concatenate(list(z.values()))
    assert pooled.size >= 100
    assert np.max(np.abs(pooled)) < 4.5, z
    assert 0.8 < np.sqrt(np.mean(pooled**2)) < 1.2, z


# --- against the mode, and against the other samplers -------------------------------------------

PRIORS_OF_MODES = [
    Exponential(0.4), HalfNormal(0.7), Uniform(-0.2, 0.3), Truncated(Laplace(0.4), upper=0.1),
    {"x[0-2]": Truncated(Normal(1.0), lower=0.3), "x[3-6]": Laplace(0.2)},
]  # fmt: skip


@pytest.mark.parametrize("prior", PRIORS_OF_MODES, ids=repr)
def test_at_a_tiny_sigma_all_draws_are_at_the_mode(prior):
    """Within some sd of the noise's; coefficients at a bound much nearer."""
    sigma = 1e-7
    X = make_design(40, 7)
    data = Data(X, X @ [0.5, -0.3, 0.2, 0.0, 0.4, -0.1, 0.3])
    model = Model(Gaussian(sigma), prior)
    fit = find_map(model, data)
    assert fit.certificate.holds
    v = draws_of(model, data, tune=500, draws=500).v
    deviation = sigma / np.sqrt(np.linalg.eigvalsh(np.cov(X.T) * 39)[0])
    assert np.max(np.abs(v[:, :, :7] - fit.coef)) < 10 * deviation


@pytest.mark.parametrize("shape", [(40, 5), (5, 9)])
@pytest.mark.parametrize("prior", [Laplace(0.4), ElasticNet(0.4, 0.7, loc=0.2)], ids=repr)
def test_without_bounds_it_agrees_with_gibbs(shape, prior):
    rng = np.random.default_rng(shape)
    X = rng.normal(size=shape)
    data = Data(X, X[:, 0] + rng.normal(size=shape[0]))
    model = Model(Gaussian(1.0), prior)
    one, two = draws_of(model, data).v, engine_draws(gibbs, model, data, draws=4000, seed=2).v
    for j in range(shape[1] + 1):
        for f in (np.asarray, np.abs):
            assert abs(z_of_difference(f(one[:, :, j]), f(two[:, :, j]))) < 4.5


def test_bounds_that_never_bind_change_nothing():
    data = Data(make_design(30, 4), np.random.default_rng(0).normal(size=30))
    free = draws_of(Model(Gaussian(1.0), Laplace(0.3)), data, seed=3).v
    bounded = draws_of(Model(Gaussian(1.0), Truncated(Laplace(0.3), -1e3, 1e3)), data, seed=4).v
    for j in range(5):
        assert abs(z_of_difference(free[:, :, j], bounded[:, :, j])) < 4.5


# --- extremes -----------------------------------------------------------------------------------

FAR = [
    (Uniform(-1e-3, 1e-3), 1e8), (Exponential(1e-6), -1e8), (HalfNormal(1.0), -1e12),
    (Truncated(Laplace(0.1), lower=5.0), -1e10), (Truncated(Normal(1e-8), lower=1.0), 0.0),
    (Truncated(Normal(0.1), lower=1e6), -1e6), (Uniform(1e6, 1e6 + 1e-6), 3.0),
    (Truncated(StudentT(1.0, 0.1), lower=100.0), -1e6), (Truncated(Horseshoe(0.1), 0.0), -1e6),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(20, 3), (3, 6)])
@pytest.mark.parametrize(("prior", "level"), FAR, ids=repr)
def test_data_far_outside_the_bounds(prior, level, shape):
    """Every draw a number within the bounds, and near the bound that the data press against."""
    X = make_design(*shape)
    data = Data(X, level * X[:, 0] + np.arange(shape[0]))
    for sigma in (1e-3, 1.0, HalfCauchy(1.0)):
        found = draws_of(Model(Gaussian(sigma), prior, None), data, draws=200, tune=50)
        penalty = pose(Model(Gaussian(sigma), prior, None), data).problem.penalty
        assert np.all(np.isfinite(found.v))
        assert np.all(found.v >= penalty.lower)
        assert np.all(found.v <= penalty.upper)
        if "sigma" in found.scalars:
            assert np.all(found.scalars["sigma"] > 0)
            assert np.all(np.isfinite(found.scalars["sigma"]))


def test_a_far_tail_has_its_distribution():
    """Beyond 1e6 standard deviations the excess over the bound is exponential."""
    data = Data(np.ones((1, 1)), [-1e6])
    v = draws_of(Model(Gaussian(1.0), Truncated(Flat(), lower=0.0), None), data).v[:, :, 0]
    assert p_value(v, stats.expon(scale=1e-6).cdf) > 1e-3


def test_nearly_everything_is_pinned():
    """One free coefficient among boxes of no width keeps its own posterior."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 6))
    data = Data(X, X @ np.arange(6.0) + rng.normal(size=30))
    prior = {"x[0-4]": Uniform(0.5, 0.5 + 1e-12), "x5": Normal(1.0)}
    v = draws_of(Model(Gaussian(1.0), prior, None), data).v
    np.testing.assert_allclose(v[:, :, :5], 0.5, atol=1e-11)
    precision = X[:, 5] @ X[:, 5] + 1.0
    mean = X[:, 5] @ (data.y - 0.5 * X[:, :5].sum(axis=1)) / precision
    assert p_value(v[:, :, 5], stats.norm(mean, precision**-0.5).cdf) > 1e-3


def test_zero_and_duplicate_columns_keep_their_prior():
    x = np.arange(8.0) - 3.5
    data = Data(np.column_stack([x, x, np.zeros(8)]), 0.5 * x)
    v = draws_of(Model(Gaussian(1.0), Exponential(0.5)), data, draws=8000).v
    assert p_value(v[:, :, 2], stats.expon(scale=0.5).cdf) > 1e-3
    assert abs(z_of_mean(v[:, :, 0] - v[:, :, 1], 0.0)) < 4.5


# --- what is refused; the engine ----------------------------------------------------------------


def test_refusals_say_why():
    data = TWO
    off_loc = Truncated(StudentT(3.0, 0.4, relative_to_noise=True), lower=0.2)
    assert "bound at loc" in coordinate.unsuited(pose(Model(Gaussian(S), off_loc), data))
    assert "Gaussian" in coordinate.unsuited(pose(Model(Bernoulli(), HalfNormal(1.0)),
                                                  Data(data.X, data.y > 0)))  # fmt: skip
    copies = Data(np.column_stack([TWO.X[:, 0], TWO.X[:, 0]]), TWO.y)
    model = Model(Gaussian(1.0), Truncated(Flat(), lower=0.0))
    with pytest.raises(ImproperPosteriorError, match="second bound"):
        draws_of(model, copies)


def test_it_is_chosen_for_bounds():
    model = Model(Gaussian(HalfNormal(1.0)), {"x0": HalfNormal(1.0), "x1": Laplace(HalfCauchy(1))})
    assert choose_sampler(pose(model, TWO), "auto").name == "coordinate"
    post = sample(Model(Gaussian(HalfNormal(1.0)), HalfNormal(1.0)), TWO, seed=1)
    assert post.attrs["sampler"] == "coordinate"
    assert post.attrs["rhat_max"] < 1.01
    assert np.all(post["posterior"]["coef"] >= 0)
    assert np.all(np.isfinite(post["sample_stats"]["lp"]))


@pytest.mark.parametrize("shape", [(20, 3), (3, 6)])
def test_blocks_do_not_change_the_draws(shape):
    X = make_design(*shape)
    model = Model(Gaussian(S), Truncated(Laplace(T), lower=-0.2))
    posterior = pose(model, Data(X, X[:, 0]))
    engine = coordinate.prepare(Setup(posterior, posterior.problem.start, 0))
    found = []
    for cuts in ([90], [1, 20, 69]):
        chain = engine.begin(np.random.SeedSequence(5))
        parts = []
        for count in cuts:
            block = Block.empty(count, posterior.problem.size, 2, 0)
            engine.advance(chain, block)
            chain.iteration += count
            parts.append(np.hstack([block.v, block.scalars]))
        found.append(np.vstack(parts))
    np.testing.assert_array_equal(*found)
