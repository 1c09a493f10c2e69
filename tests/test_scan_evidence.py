"""log p(y | scale): quadrature, bridge sampling and the closed form, with every kind of model."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import logsumexp

import bayesreg as br
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import pose
from bayesreg.scales.axis import make_axis
from bayesreg.scales.curve import Node
from bayesreg.scales.curve import integrate as integrated
from bayesreg.scales.draws import parameters
from bayesreg.scales.identity import generator, node
from bayesreg.scales.modes import find_modes
from bayesreg.scales.nodes import STEP, between
from bayesreg.scales.null_evidence import log_null_evidence
from bayesreg.scales.sampled import Sampling, sampled_columns

SCALES = np.array([0.2, 0.8, 2.0])


def sampling(seed=1, draws=1000):
    return Sampling(draws, 4, seed, 1, lambda count: None)


def sampled_evidence(model, data, scales=SCALES, seed=1, draws=1000):
    """The curve from draws, whether or not there is a closed form."""
    axis = make_axis(model, data, scales, 0)
    found = find_modes(model, data, axis)
    columns, _ = sampled_columns(
        model, data, axis, found, sampling(seed, draws), rope=None, mass=0.95, loo=False
    )
    return np.asarray(columns["log_evidence"][1]), np.asarray(columns["log_evidence_error"][1])


def within(value, error, expected, most=0.06):
    """The error is a standard error, and small enough to mean something."""
    assert np.all(error < most), error
    assert np.all(np.abs(value - expected) < 4 * error + 1e-6), (value - expected, error)


def rows(p=1, n=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.3
    return X, X @ np.linspace(0.9, -0.4, p) + 0.5 + 0.7 * rng.standard_normal(n)


def log_prior_of(prior, w, t, sigma=1.0):
    if isinstance(prior, br.Laplace):
        return stats.laplace.logpdf(w, prior.loc, prior.scale * t * sigma)
    return stats.norm.logpdf(w, prior.loc, prior.scale * t * sigma)


def grid_evidence(model, data, t, likelihood, sigma_grid=None, on_sigma=None, a_grid=None):
    """log of the integral over coefficient, intercept and sigma, by sums on dense grids.

    ``likelihood(eta, sigma)``: log p(y | eta, sigma) for eta of shape (..., n).
    """
    prior = model.prior
    w = np.concatenate([
        np.linspace(-4, 0, 801)[:-1] + prior.loc, prior.loc + np.linspace(0, 4, 801)
    ])  # fmt: skip
    a = np.zeros(1) if model.intercept is None else a_grid
    offset = 0.0 if data.offset is None else data.offset
    on_a = np.zeros(a.size)
    if isinstance(model.intercept, br.Normal | br.Laplace):
        on_a = log_prior_of(model.intercept, a, 1.0)
    inner = []
    for sigma in [1.0] if sigma_grid is None else sigma_grid:
        size = sigma if prior.relative_to_noise else 1.0
        on_w = log_prior_of(prior, w, t, size)
        each = []
        for k, intercept in enumerate(a):
            values = likelihood(w[:, None] * data.X[:, 0] + intercept + offset, sigma) + on_w
            each.append(on_a[k] + log_simpson(values, w))
        inner.append(each[0] if model.intercept is None else log_simpson(np.array(each), a))
    if sigma_grid is None:
        return inner[0]
    x = np.log(sigma_grid)
    values = np.array(inner) + np.array([float(on_sigma.log_density(s)) for s in sigma_grid]) + x
    return log_simpson(values, x)


def log_simpson(values, x):
    """Kinks lie on nodes that begin a panel."""
    top = np.max(values)
    return top + np.log(integrate.simpson(np.exp(values - top), x=x))


def gaussian(data):
    weights = np.ones(data.y.size) if data.weights is None else data.weights

    def log_density(eta, sigma):
        return np.sum(stats.norm.logpdf(data.y, eta, sigma / np.sqrt(weights)), axis=-1)

    return log_density


def known(likelihood, prior, *, weights=None, offset=None, intercept=None):
    X, y = rows()
    return br.Model(likelihood, prior, intercept), br.Data(X, y, weights, offset)


WEIGHTS = np.linspace(0.4, 1.9, 12)
OFFSET = np.linspace(-0.5, 0.7, 12)
A_GRID = np.linspace(-3.0, 4.0, 401)


@pytest.mark.parametrize(
    ("prior", "more"),
    [
        (br.Laplace(1.0), {}),
        (br.Laplace(1.0, loc=0.3), {"weights": WEIGHTS, "offset": OFFSET}),
        (br.Laplace(1.0), {"intercept": br.Flat()}),
        (br.Laplace(1.0), {"intercept": br.Normal(0.8), "offset": OFFSET}),
        (br.Laplace(1.0), {"intercept": br.Laplace(0.8), "weights": WEIGHTS}),
        (br.Normal(1.0), {"intercept": br.Flat(), "weights": WEIGHTS}),
    ],
)
def test_against_quadrature_with_a_known_sigma(prior, more):
    model, data = known(br.Gaussian(0.7), prior, **more)
    value, error = sampled_evidence(model, data)
    expected = [
        grid_evidence(model, data, t, lambda eta, _: gaussian(data)(eta, 0.7), a_grid=A_GRID)
        for t in SCALES
    ]
    within(value, error, np.array(expected))


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("on_sigma", [br.Jeffreys(), br.HalfNormal(1.0)])
def test_against_quadrature_with_an_unknown_sigma(relative, on_sigma):
    prior = br.Laplace(1.0, relative_to_noise=relative)
    model, data = known(br.Gaussian(on_sigma), prior)
    value, error = sampled_evidence(model, data)
    sigma = np.exp(np.linspace(-1.7, 1.6, 81))
    expected = [
        grid_evidence(model, data, t, gaussian(data), sigma_grid=sigma, on_sigma=on_sigma)
        for t in SCALES
    ]
    within(value, error, np.array(expected))


def test_against_quadrature_in_two_dimensions():
    X, y = rows(p=2)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(0.7), br.Laplace([1.0, 0.5]), intercept=None)
    value, error = sampled_evidence(model, data)
    w = np.concatenate([np.linspace(-4, 0, 401)[:-1], np.linspace(0, 4, 401)])
    expected = []
    for t in SCALES:
        eta = w[:, None, None] * X[:, 0] + w[None, :, None] * X[:, 1]
        joint = np.sum(stats.norm.logpdf(y, eta, 0.7), axis=-1)
        joint = joint + stats.laplace.logpdf(w, 0, t)[:, None]
        joint = joint + stats.laplace.logpdf(w, 0, 0.5 * t)
        expected.append(log_simpson(np.array([log_simpson(row, w) for row in joint]), w))
    within(value, error, np.array(expected))


def grid_draws(log_density, edges, count, seed):
    """Draws from a density of (w, a) that is taken to be constant within cells."""
    rng = np.random.default_rng(seed)
    middles = [0.5 * (e[1:] + e[:-1]) for e in edges]
    widths = [np.diff(e) for e in edges]
    mesh = np.meshgrid(*middles, indexing="ij")
    values = log_density(*mesh) + np.log(np.multiply.outer(*widths))
    share = np.exp(values - logsumexp(values)).ravel()
    cells = np.unravel_index(rng.choice(share.size, size=count, p=share), values.shape)
    v = np.stack([
        middle[cell] + width[cell] * (rng.random(count) - 0.5)
        for middle, width, cell in zip(middles, widths, cells, strict=True)
    ], axis=-1)  # fmt: skip
    return Draws(v.reshape(4, count // 4, -1), {}, {})


def cell_edges(t):
    """Fine beside 0, where the prior has its kink, and out to where no posterior here reaches."""
    near = np.linspace(0.0, 3 * t, 61)
    far = np.geomspace(3 * t, 3 * t + 3.0, 161)[1:]
    half = np.concatenate([near, far])
    return np.concatenate([-half[:0:-1], half]), np.linspace(-2.5, 2.5, 101)


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
@pytest.mark.parametrize("prior", [br.Laplace(1.0), br.Normal(1.0)])
def test_other_likelihoods_against_quadrature(family, prior):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((12, 1))
    eta = 0.9 * X[:, 0] + 0.2
    if family == "bernoulli":
        likelihood, y = br.Bernoulli(), (rng.random(12) < 1 / (1 + np.exp(-eta))).astype(float)
    else:
        likelihood, y = br.Poisson(), rng.poisson(np.exp(eta)).astype(float)
    model, data = br.Model(likelihood, prior), br.Data(X, y)

    def log_likelihood(eta, _=None):
        if family == "bernoulli":
            return np.sum(stats.bernoulli.logpmf(y, 1 / (1 + np.exp(-eta))), axis=-1)
        return np.sum(stats.poisson.logpmf(y, np.exp(eta)), axis=-1)

    axis = make_axis(model, data, SCALES, 0)
    x = np.log(axis.factors)
    nodes = []
    for k, place in enumerate([*np.arange(x[0] - 4.0, x[0], 0.25), *x, *between(x)]):
        at = model.rescaled(float(np.exp(place)))

        def log_density(w, a, t=place):
            return log_likelihood(w[..., None] * X[:, 0] + a[..., None]) + log_prior_of(
                prior, w, np.exp(t)
            )

        draws = grid_draws(log_density, cell_edges(np.exp(place)), 4000, k)
        nodes.append(node(at, data, float(place), axis.kinked, pose(at, data), draws))
    nodes = sorted(nodes, key=lambda n: n.x)
    value, error = integrated(nodes, log_null_evidence(model, data), 2.0).at(x)
    expected = [grid_evidence(model, data, t, log_likelihood, a_grid=A_GRID) for t in SCALES]
    within(value, error, np.array(expected))


def bridge(G_low, G_high, p, step):
    """log Z(t e^step) / Z(t) for Laplace priors from draws of D at both (Meng and Wong 1996).

    The ratio of the two unnormalised densities at a draw is e^(-p step) exp(D - D e^-step), D at t.
    """
    low = -p * step + G_low * (1 - np.exp(-step))
    D = G_high * np.exp(step)
    high = -p * step + D * (1 - np.exp(-step))
    r = 0.0
    for _ in range(200):
        above = logsumexp(low - np.logaddexp(low, r)) - np.log(low.size)
        below = logsumexp(-np.logaddexp(high, r)) - np.log(high.size)
        r = above - below
    return r


def test_against_bridge_sampling_along_the_scale():
    """Five correlated columns and an unknown sigma: no quadrature, but neighbours overlap."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 5)) @ (np.eye(5) + 0.4)
    y = X @ [1.0, -0.5, 0.0, 0.3, 0.0] + rng.standard_normal(40)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(1.0, relative_to_noise=True))
    value, error = sampled_evidence(model, data, [0.1, 1.0])
    x = np.linspace(np.log(0.1), 0.0, 11)
    expectations = []
    for k, place in enumerate(x):
        at = model.rescaled(float(np.exp(place)))
        posterior, draws = sampling(9, 2000).at(at, data, None, 2000, k)
        drawn = parameters(posterior, draws)
        expectations.append(generator(at, data, posterior, drawn, True).ravel())
    steps = [bridge(a, b, 5, x[1] - x[0]) for a, b in pairwise(expectations)]
    spread = 2 * np.sqrt(sum(np.var(e) for e in expectations) / 8000) * (x[1] - x[0])
    assert abs((value[1] - value[0]) - np.sum(steps)) < 4 * np.hypot(error[1], spread)
    assert error[1] < 0.1


@pytest.mark.parametrize(
    "model",
    [
        br.Model(br.Gaussian(1.0), br.Normal(1.0)),
        br.Model(br.Gaussian(1.0), br.Normal([1.0, 2.0, 1.0, 0.5]), intercept=br.Normal(2.0)),
        br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True)),
        br.Model(br.Gaussian(br.HalfCauchy(1.0)), br.Normal(1.0)),
    ],
)
def test_the_identity_agrees_with_the_closed_form_for_normal_priors(model):
    X, y = rows(p=4, n=30)
    data = br.Data(X, y, WEIGHTS.repeat(3)[:30])
    value, error = sampled_evidence(model, data)
    exact = br.scan_scales(model, data, SCALES, progress=False)["log_evidence"].values
    within(value, error, exact)


def test_scales_far_apart_get_nodes_in_between():
    """Two scales a factor 50 apart: the curve is that of many."""
    X, y = rows(p=3, n=30)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(0.7), br.Laplace(1.0))
    few, few_error = sampled_evidence(model, data, [0.05, 2.5], seed=1)
    many, many_error = sampled_evidence(model, data, np.geomspace(0.05, 2.5, 40), seed=2)
    assert np.diff(np.log([0.05, 2.5]))[0] > 10 * STEP
    assert np.all(np.abs(few - many[[0, -1]]) < 4 * np.hypot(few_error, many_error[[0, -1]]))


def smooth_curve(x):
    """A slope like that of ten Normal coefficients, its derivative and its integral."""
    d = np.geomspace(0.5, 400.0, 10)
    share = 1 / (1 + np.exp(-2 * x)[:, None] / d)
    pull = 3.0
    slope = np.sum(-share + 2 * pull * share * (1 - share), axis=1)
    bend = np.sum((-1 + 2 * pull * (1 - 2 * share)) * 2 * share * (1 - share), axis=1)
    whole = np.sum(0.5 * np.log1p(-share) + pull * share, axis=1)
    return slope, bend, whole


@pytest.mark.parametrize("step", [0.25, 0.5, 1.0])
def test_the_error_of_interpolation_is_seen(step):
    """Without Monte Carlo noise the stated error covers the true one, and both fall as h^4."""
    x = np.arange(-8.0, 3.0, step)
    slope, bend, whole = smooth_curve(x)
    nodes = [Node(*row, 0.0, b) for *row, b in zip(x, slope, bend, strict=True)]
    curve = integrated(nodes, 0.0, 2.0)
    off = np.abs(curve.log_evidence - whole)
    assert np.max(off) < 0.3 * step**4
    assert np.all(off <= 1.2 * curve.error + 1e-6)


def test_the_stated_error_is_that_of_independent_runs():
    """Laplace, where the runs differ most: neither too large an error nor too small."""
    X, y = rows(p=4, n=30)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(0.5), br.Laplace(1.0))
    runs = [sampled_evidence(model, data, [0.05], seed=seed, draws=100) for seed in range(16)]
    value, error = (np.array(part)[:, 0] for part in zip(*runs, strict=True))
    ratio = np.std(value, ddof=1) / np.sqrt(np.mean(error**2))
    assert 0.5 < ratio < 1.5, ratio
