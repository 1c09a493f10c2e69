"""Exact draws with sigma, a scale or both unknown: against dense quadrature.

Each draw is taken apart by the chain rule: the distribution function of sigma, that of the scale
given sigma, and the coefficients given both, made standard normal. Under the right law the first
two are uniform and the rest are independent standard normal numbers.
"""

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
from bayesreg.posterior import exact
from bayesreg.posterior.target import pose

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
        """log p(y | sigma, scale), up to a constant, one pair at a time."""
        factors = self.factors(np.atleast_1d(sigma), np.atleast_1d(scale))
        found = []
        for k, factor in enumerate(factors):
            columns = self.H_X * (self.deviation * factor[self.proper])
            V = columns @ columns.T + self.noise(sigma, k) ** 2 * np.eye(len(self.H_t))
            found.append(-0.5 * np.linalg.slogdet(V)[1])
            found[-1] -= 0.5 * self.H_t @ np.linalg.solve(V, self.H_t)
        return np.array(found)

    def noise(self, sigma, k):
        return 1.0 if self.post.sigma is None else np.atleast_1d(sigma)[k]

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
        problem, z = self.post.problem, np.empty_like(v)
        factors = self.factors(sigma, scale)
        loc = np.where(self.flat, 0.0, problem.penalty.loc)
        for k in range(len(v)):
            noise = self.noise(sigma, k)
            precision = self.X.T @ self.X / noise**2
            prior = problem.penalty.l2 / factors[k] ** 2
            precision += np.diag(prior)
            mean = loc + np.linalg.solve(precision, self.X.T @ self.t / noise**2)
            z[k] = np.linalg.cholesky(precision).T @ (v[k] - mean)
        return z


def axis(of_grid, values):
    """A grid of logarithms over what was drawn, and beyond it."""
    if of_grid is None:
        return np.ones(1)
    low, high = np.log(np.min(values)) - 1.5, np.log(np.max(values)) + 1.5
    return np.exp(np.linspace(low, high, 241))


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
        found.append(np.array([
            cumulative(np.log(scales), row)(np.log(s))
            for row, s in zip(conditional, scale, strict=True)
        ]))  # fmt: skip
    return found


def cumulative(x, p):
    """The distribution function of a density known at equally spaced points (trapezia)."""
    area = np.append(0.0, np.cumsum(0.5 * (p[1:] + p[:-1])))
    return lambda at: np.interp(at, x, area / area[-1])


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
