"""Exact draws with sigma, a scale or both unknown: against dense quadrature.

Each draw is taken apart by the chain rule: the distribution function of sigma, that of the scale
given sigma, and the coefficients given both, made standard normal. Under the right law the first
two are uniform and the rest are independent standard normal numbers.
"""

from dataclasses import replace

import numpy as np
import pytest
from helpers import engine_draws
from scipy import stats

from bayesreg import (
    Data,
    Exponential,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Model,
    MultivariateNormal,
    Normal,
    Uniform,
)
from bayesreg.errors import ModelError
from bayesreg.posterior import exact
from bayesreg.posterior.protocol import Block, Chain, Setup
from bayesreg.posterior.target import pose
from bayesreg.priors.on_noise import noise_density

DRAWS = 4000


def make_case(n, p, seed=0):
    rng = np.random.default_rng([n, p, seed])
    X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
    y = 2.0 + X[:, 0] + 0.8 * rng.normal(size=n)
    return Data(X, y, weights=rng.uniform(0.4, 2.0, n), offset=rng.normal(size=n))


class Reference:
    """The posterior by dense linear algebra on contrasts, and a grid over the logarithms."""

    def __init__(self, model, data):
        post = pose(model, data)
        problem = post.problem
        self.post, self.flat = post, post.problem.penalty.is_flat
        root = np.sqrt(problem.weights) / problem.likelihood.noise
        X = root[:, None] * problem.block(np.arange(problem.size))
        proper = ~self.flat
        t = root * (problem.y - problem.offset) - X[:, proper] @ problem.penalty.loc[proper]
        self.X, self.t, self.proper = X, t, proper
        # An orthonormal basis of what flat coefficients cannot reach.
        Q = np.linalg.qr(X[:, self.flat], mode="complete")[0]
        H = Q[:, np.sum(self.flat) :]
        self.H_t, self.H_X = H.T @ t, H.T @ X[:, proper]
        self.deviation = 1.0 / np.sqrt(problem.penalty.l2[proper])

    def log_likelihood(self, sigma, scale):
        """log p(y | sigma, scale), up to a constant, for pairs."""
        scaled = self.H_X * (self.deviation * self.factors(sigma, scale)[:, self.proper])[:, None]
        noise = np.broadcast_to(self.noise(sigma), sigma.shape)[:, None, None]
        V = scaled @ scaled.transpose(0, 2, 1) + noise**2 * np.eye(len(self.H_t))
        quadratic = np.linalg.solve(V, self.H_t[:, None])[:, :, 0] @ self.H_t
        return -0.5 * np.linalg.slogdet(V)[1] - 0.5 * quadratic

    def noise(self, sigma):
        return 1.0 if self.post.sigma is None else sigma

    def factors(self, sigma, scale):
        scalars = {} if self.post.sigma is None else {"sigma": sigma}
        return self.post.factors(scalars | {part.name: scale for part in self.post.scales})

    def grid(self, sigmas, scales):
        """The joint density of (log sigma, log scale) on a grid."""
        sigma, scale = (part.ravel() for part in np.meshgrid(sigmas, scales, indexing="ij"))
        log_p = self.log_likelihood(sigma, scale)
        for prior, values in zip(
            [self.post.sigma, *(part.prior for part in self.post.scales)],
            [sigma, scale], strict=False,
        ):  # fmt: skip
            if prior is not None:
                log_p += prior.log_density(values) + np.log(values)
        p = np.exp(log_p - np.max(log_p))
        return (p / np.sum(p)).reshape(sigmas.size, scales.size)

    def standardised(self, v, sigma, scale):
        """Coefficients made standard normal by their conditional mean and covariance."""
        problem, noise = self.post.problem, np.broadcast_to(self.noise(sigma), sigma.shape)
        loc = np.where(self.flat, 0.0, problem.penalty.loc)
        prior = problem.penalty.l2 / self.factors(sigma, scale) ** 2
        precision = self.X.T @ self.X / noise[:, None, None] ** 2
        precision = precision + prior[:, :, None] * np.eye(problem.size)
        moment = (self.X.T @ self.t / noise[:, None] ** 2)[:, :, None]
        centred = v - loc - np.linalg.solve(precision, moment)[:, :, 0]
        return (centred[:, None] @ np.linalg.cholesky(precision))[:, 0]


def axis(prior, values):
    """A grid of logarithms over what was drawn, and beyond it where the prior has not ended."""
    if prior is None:
        return np.ones(1)
    bounds = noise_density(prior).lower, noise_density(prior).upper
    ends = np.clip([np.min(values) * np.exp(-1.5), np.max(values) * np.exp(1.5)], *bounds)
    return np.clip(np.geomspace(*ends, 161), *bounds)


def transforms(grid, sigmas, scales, sigma, scale):
    """P(sigma' <= sigma) and P(scale' <= scale | sigma), by interpolation in logarithms."""
    found = []
    rows = np.searchsorted(np.log(sigmas), np.log(sigma)).clip(1, max(1, sigmas.size - 1))
    if sigmas.size > 1:
        found.append(cumulative(np.log(sigmas), np.sum(grid, axis=1))(np.log(sigma)))
    if scales.size > 1:
        share = np.zeros(sigma.size)
        if sigmas.size > 1:
            left = np.log(sigmas)[rows - 1]
            share = (np.log(sigma) - left) / (np.log(sigmas)[rows] - left)
        first = grid[np.minimum(rows, sigmas.size - 1) - (sigmas.size > 1)]
        second = grid[np.minimum(rows, sigmas.size - 1)]
        conditional = first * (1 - share[:, None]) + second * share[:, None]
        found.append(cumulative(np.log(scales), conditional)(np.log(scale)))
    return found


def cumulative(x, p):
    """The distribution function of a density (or a row for each point) known on equal steps."""
    area = np.cumsum(0.5 * (p[..., 1:] + p[..., :-1]), axis=-1)
    area = np.concatenate([np.zeros((*p.shape[:-1], 1)), area], axis=-1) / area[..., -1:]

    def function(at):
        place = (at - x[0]) / (x[1] - x[0])
        k = np.clip(place.astype(int), 0, x.size - 2)
        rows = np.broadcast_to(area, (at.size, x.size))
        low, high = rows[np.arange(at.size), k], rows[np.arange(at.size), k + 1]
        return low + (place - k) * (high - low)

    return function


def p_values(model, data, seed=1, draws=DRAWS, sampler=exact):
    """Of every part of the chain rule: Kolmogorov-Smirnov, chi-square, correlation."""
    drawn = engine_draws(sampler, model, data, seed, draws // 2)
    v = drawn.v.reshape(-1, drawn.v.shape[2])
    ones = np.ones(len(v))
    sigma = drawn.scalars.get("sigma", ones[None]).ravel()
    scale = next((drawn.scalars[k].ravel() for k in drawn.scalars if k != "sigma"), ones)
    reference = Reference(model, data)
    sigmas = axis(reference.post.sigma, sigma)
    scales = axis(reference.post.scales[0].prior if reference.post.scales else None, scale)
    grid = reference.grid(sigmas, scales)
    uniform = transforms(grid, sigmas, scales, sigma, scale)
    found = [stats.kstest(part, "uniform").pvalue for part in uniform]
    z = reference.standardised(v, sigma, scale)
    found.append(stats.kstest(z.ravel(), "norm").pvalue)
    everything = np.column_stack([z, *(stats.norm.ppf(part) for part in uniform)])
    n, d = everything.shape
    C = everything.T @ everything / n - np.eye(d)
    found.append(stats.chi2.sf(n * np.sum(np.mean(everything, axis=0) ** 2), d))
    found.append(stats.chi2.sf(n / 2 * np.sum(C**2), d * (d + 1) / 2))
    return np.array(found)


ON_SIGMA = [
    Jeffreys(),
    Flat(),
    InverseGamma(1.5, 0.7),
    HalfNormal(0.7),
    HalfCauchy(0.5),
    Exponential(0.4),
    Uniform(0.3, 2.0),
]
ON_SCALE = [
    HalfCauchy(0.5),
    HalfNormal(1.0),
    Exponential(0.7),
    InverseGamma(1.0, 1.78),
    Uniform(0.1, 3.0),
    Flat(),
]
SHAPES = [(12, 3), (7, 9)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_unknown_sigma(on_sigma, relative, shape):
    if not relative and shape == (7, 9) and isinstance(on_sigma, Jeffreys):
        on_sigma = InverseGamma(0.1, 0.01)  # with 1 / sigma it would be improper
    model = Model(Gaussian(on_sigma), Normal(0.8, loc=0.2, relative_to_noise=relative))
    assert np.min(p_values(model, make_case(*shape))) > 1e-4


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("on_scale", ON_SCALE, ids=repr)
def test_unknown_scale(on_scale, shape):
    model = Model(Gaussian(0.9), Normal(on_scale, loc=0.2))
    assert np.min(p_values(model, make_case(*shape))) > 1e-4


BOTH = [
    (Jeffreys(), HalfCauchy(0.5)),
    (Flat(), HalfNormal(1.0)),
    (InverseGamma(1.5, 0.7), InverseGamma(1.0, 1.78)),
    (HalfNormal(0.7), HalfCauchy(0.5)),
    (HalfCauchy(0.5), Exponential(0.7)),
    (Exponential(0.4), Uniform(0.1, 3.0)),
    (Uniform(0.3, 2.0), HalfCauchy(0.5)),
    (Uniform(0.3, 2.0), Uniform(0.1, 3.0)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("on_sigma", "on_scale"), BOTH, ids=str)
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_both_unknown(on_sigma, on_scale, relative, shape):
    model = Model(Gaussian(on_sigma), Normal(on_scale, 0.2, relative_to_noise=relative))
    if not relative and shape == (7, 9) and isinstance(on_sigma, Jeffreys):
        model = Model(Gaussian(InverseGamma(0.1, 0.01)), model.prior)
    assert np.min(p_values(model, make_case(*shape), draws=2000)) > 1e-4


def covariance(k):
    return (0.6 ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))).tolist()


MIXED = {
    "proper-intercept-relative": (
        Jeffreys(),
        Normal(HalfCauchy(0.5)),
        Normal(2.0, 1.0, relative_to_noise=True),
    ),
    "proper-intercept-known-sigma": (0.8, Normal(HalfCauchy(0.5)), Normal(2.0, 1.0)),
    "proper-intercept-absolute": (HalfNormal(1.0), Normal(0.5), Normal(2.0, 1.0)),
    "fixed-absolute-beside-relative": (
        HalfNormal(1.0),
        {"x0": Normal(0.5), "x1": Normal(0.7, relative_to_noise=True), "x2": Flat()},
        Flat(),
    ),
    "scaled-beside-relative": (
        HalfNormal(1.0),
        {"x0": Normal(HalfCauchy(0.5)), "x[12]": Normal(0.7, 0.2, relative_to_noise=True)},
        None,
    ),
    "scaled-beside-fixed-known-sigma": (
        0.8,
        {"x0": Flat(), "x1": Normal(HalfCauchy(0.5)), "x2": Normal([0.7])},
        Flat(),
    ),
    "scale-of-the-intercept": (0.8, Normal(0.5), Normal(HalfCauchy(1.0))),
    "covariance": (Jeffreys(), MultivariateNormal(covariance(3), 0.2, True), Flat()),
    "covariance-absolute": (HalfNormal(1.0), MultivariateNormal(covariance(3)), Normal(1.0)),
    "covariance-beside-scale": (
        HalfNormal(1.0),
        {
            "x[01]": MultivariateNormal(covariance(2), 0.1, relative_to_noise=True),
            "x2": Normal(HalfCauchy(0.5), relative_to_noise=True),
        },
        Flat(),
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_priors(name):
    sigma, prior, intercept = MIXED[name]
    model = Model(Gaussian(sigma), prior, intercept)
    assert np.min(p_values(model, make_case(12, 3), draws=2000)) > 1e-4


def test_everything_flat_but_sigma():
    """Jeffreys and flat columns: sigma^2 is RSS over a chi-square of n - p - 1 degrees."""
    data = make_case(12, 3)
    model = Model(Gaussian(Jeffreys()), Flat())
    assert np.min(p_values(model, data)) > 1e-4
    reference = Reference(model, data)
    rss = float(reference.H_t @ reference.H_t)
    sigma = engine_draws(exact, model, data, draws=DRAWS).scalars["sigma"].ravel()
    assert stats.kstest(rss / sigma**2, stats.chi2(12 - 3 - 1).cdf).pvalue > 1e-3


@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
@pytest.mark.parametrize("on_sigma", [Jeffreys(), HalfNormal(0.7)], ids=repr)
def test_rows_in_place_of_contrasts_are_caught(monkeypatch, on_sigma, relative):
    """The classic mistake: n, not n - 1, after a flat intercept is integrated out."""
    from bayesreg.posterior import marginal

    right = marginal.reduce

    def wrong(posterior, kind):
        parts = right(posterior, kind)
        return replace(parts, contrasts=parts.contrasts + 1)

    monkeypatch.setattr(marginal, "reduce", wrong)
    model = Model(Gaussian(on_sigma), Normal(HalfCauchy(0.5), relative_to_noise=relative))
    assert np.min(p_values(model, make_case(12, 3))) < 1e-6


def test_a_wrong_scale_density_is_caught():
    """Power: a half-Cauchy hyperprior 1.3 times as wide fails the same test."""
    data = make_case(12, 3)
    told, meant = (
        Model(Gaussian(Jeffreys()), Normal(HalfCauchy(b), 0.2, True)) for b in (0.65, 0.5)
    )

    class Mutant:
        unsuited = staticmethod(exact.unsuited)

        @staticmethod
        def prepare(setup):
            return exact.prepare(replace(setup, posterior=pose(told, data)))

    assert np.min(p_values(meant, data, draws=8000, sampler=Mutant)) < 1e-4


@pytest.mark.parametrize(
    ("of_y", "of_X"), [(2.0**40, 1.0), (2.0**-40, 2.0**60), (1e60, 1e-30), (1e-60, 1e30)]
)
@pytest.mark.parametrize("on_sigma", [Jeffreys(), HalfNormal(0.7)], ids=repr)
def test_units_do_not_matter(on_sigma, of_y, of_X):
    """Everything measured in other units: the same draws."""
    data = make_case(12, 3)
    found = []
    for y, X in ((1.0, 1.0), (of_y, of_X)):
        sigma = HalfNormal(0.7 * y) if isinstance(on_sigma, HalfNormal) else on_sigma
        prior = Normal(HalfCauchy(0.5 / X), 0.2 * y / X, relative_to_noise=True)
        scaled = Data(data.X * X, data.y * y, weights=data.weights, offset=data.offset * y)
        drawn = engine_draws(exact, Model(Gaussian(sigma), prior), scaled, draws=50)
        unit = pose(Model(Gaussian(sigma), prior), scaled).problem.unit
        found.append((drawn.v[:, :, :3] * unit * (X / y), drawn.scalars["sigma"] / y))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-10)


@pytest.mark.parametrize("vague", [1e7, 1e14, 1e20])
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
@pytest.mark.parametrize("sigma", [HalfNormal(0.7), Jeffreys()], ids=repr)
def test_one_very_wide_prior_is_a_flat_one(vague, relative, sigma):
    """Judged by the posterior under a flat prior; the contrasts are one fewer then.

    The prior of x0 is as good as constant, but of a height that is sigma^-1 if relative: as if
    p(sigma) had one power less.
    """
    data = make_case(12, 3)
    wide = Model(Gaussian(sigma), Normal([vague, 0.8, 0.8], relative_to_noise=relative))
    rest = Normal(0.8, relative_to_noise=relative)
    flat = Model(Gaussian(sigma), {"x0": Flat(), "x[12]": rest})
    if relative:
        # Not a power of sigma away from any model: against a prior that is wide but harmless.
        flat = Model(Gaussian(sigma), Normal([1e4, 0.8, 0.8], relative_to_noise=True))

    class Wide:
        unsuited = staticmethod(exact.unsuited)

        @staticmethod
        def prepare(setup):
            return exact.prepare(replace(setup, posterior=pose(wide, data)))

    assert np.min(p_values(flat, data, sampler=Wide)) > 1e-4


def test_more_columns_than_rows_beside_one_very_wide_prior():
    data = make_case(7, 9)
    model = Model(Gaussian(HalfNormal(0.7)), Normal([1e9, *[0.8] * 8]))
    flat = Model(Gaussian(HalfNormal(0.7)), {"x0": Flat(), "x[1-8]": Normal(0.8)})

    class Wide:
        unsuited = staticmethod(exact.unsuited)

        @staticmethod
        def prepare(setup):
            return exact.prepare(replace(setup, posterior=pose(model, data)))

    assert np.min(p_values(flat, data, sampler=Wide)) > 1e-4
    with pytest.raises(ModelError, match=r"1e12 times wider.*Flat\(\)"):
        engine_draws(exact, Model(model.likelihood, Normal([1e15, *[0.8] * 8])), data)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_chain_goes_on_from_its_streams(shape):
    """All that a chain is lies in its streams; scalars do not depend on how blocks are cut."""
    model = Model(Gaussian(HalfNormal(0.7)), Normal(HalfCauchy(0.5)))
    posterior = pose(model, make_case(*shape))

    def advance(engine, chain, counts):
        blocks = [Block.empty(count, posterior.problem.size, 2, 0) for count in counts]
        for block in blocks:
            engine.advance(chain, block)
        return [np.concatenate([getattr(b, part) for b in blocks]) for part in ("v", "scalars")]

    engines = [exact.prepare(Setup(posterior, posterior.problem.start, 0)) for _ in range(2)]

    def begin():
        return engines[0].begin(np.random.SeedSequence(4))

    whole = advance(engines[0], begin(), [40, 40])
    chain = begin()
    first = advance(engines[0], chain, [40])
    assert not chain.state
    later = Chain({}, {name: np.random.default_rng(0) for name in chain.streams})
    for name, stream in chain.streams.items():
        later.streams[name].bit_generator.state = stream.bit_generator.state
    second = advance(engines[1], later, [40])
    for together, *parts in zip(whole, first, second, strict=True):
        np.testing.assert_array_equal(together, np.concatenate(parts))
    cut = advance(engines[0], begin(), [1, 30, 7, 42])
    np.testing.assert_array_equal(cut[1], whole[1])
    np.testing.assert_allclose(cut[0], whole[0], rtol=0, atol=1e-12)
