"""Draws of sigma from its prior, and of whole data sets from the prior predictive."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import (
    Bernoulli,
    Binomial,
    Gamma,
    Gaussian,
    NegativeBinomial,
    Poisson,
    likelihood_of_rows,
)
from bayesreg.model import Model
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.target import with_unknowns_at_one
from bayesreg.priors import Exponential, Flat, HalfCauchy, HalfNormal, InverseGamma, Uniform
from bayesreg.scales.prior_draws import prior_draws, separable_draws

# exp of more than this is no count that a generator could draw.
_LARGEST_LOG_MEAN = 40.0


def sigma_draws(prior: Any, count: int, rng: np.random.Generator) -> FloatArray:
    """From a proper density of a positive number."""
    if isinstance(prior, HalfNormal):
        return np.asarray(np.abs(rng.normal(0.0, float(prior.scale), count)))
    if isinstance(prior, HalfCauchy):
        return np.asarray(prior.scale * np.tan(0.5 * np.pi * rng.random(count)))
    if isinstance(prior, Exponential):
        return np.asarray(rng.exponential(float(prior.scale), count))
    if isinstance(prior, InverseGamma):
        return np.asarray(np.sqrt(prior.scale / rng.gamma(prior.shape, 1.0, count)))
    if isinstance(prior, Uniform):
        return np.asarray(rng.uniform(float(prior.lower), float(prior.upper), count))  # type: ignore[arg-type]
    raise ModelError(f"{prior!r} is improper and has no draws")


def observed_spread(data: Data) -> float:
    """Weighted standard deviation of y."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    centre = np.average(data.y, weights=weights)
    return float(np.sqrt(np.average((data.y - centre) ** 2, weights=weights)))


def predictive_draws(
    model: Model, data: Data, sigma: FloatArray, count: int, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """y at the rows used, shape (count, rows), and what stands for the intercept."""
    rows = used_rows(data)
    noise = np.resize(sigma, count)
    w = _coefficients(model, data, noise, rng)
    eta = w @ data.X[rows].T
    if data.offset is not None:
        eta = eta + data.offset[rows]
    intercept, said = _intercepts(model, data, eta, noise, rng)
    eta = eta + intercept
    if isinstance(model.likelihood, Gaussian):
        root = np.ones(rows.size) if data.weights is None else np.sqrt(data.weights[rows])
        return rng.normal(eta, noise[:, None] / root), said
    trials = None if data.trials is None else data.trials[rows]
    likelihood = likelihood_of_rows(with_unknowns_at_one(model).likelihood, trials)
    if isinstance(likelihood, Poisson | NegativeBinomial | Gamma):
        eta = np.minimum(eta, _LARGEST_LOG_MEAN)
    return np.array([likelihood.draw(row, rng) for row in eta]), said


def _coefficients(
    model: Model, data: Data, noise: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """A row for each sigma, which only priors relative to the noise look at."""
    if np.ptp(noise) == 0 or not any(part.relative_to_noise for part in model.priors):
        return prior_draws(model, data, float(noise[0]), noise.size, rng)
    return np.concatenate([prior_draws(model, data, float(each), 1, rng) for each in noise])


def _intercepts(
    model: Model, data: Data, eta: FloatArray, noise: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """From a proper prior; a flat one has no draws, so that y's own level stands for it."""
    if model.intercept is None:
        return np.zeros((len(eta), 1)), "prior predictive without an intercept"
    if not isinstance(model.intercept, Flat):
        sigma = noise if model.intercept.relative_to_noise else np.ones(noise.size)
        u = rng.random((len(eta), 1, 1))
        drawn = np.concatenate([
            separable_draws(model.intercept.penalty(1, float(each)), own)
            for each, own in zip(sigma, u, strict=True)
        ])  # fmt: skip
        return drawn, f"prior predictive with the intercept drawn from {model.intercept!r}"
    level = _level(model, data)
    return level - np.mean(eta, axis=1, keepdims=True), (
        "prior predictive about the level of the observed y: the intercept's prior is flat"
    )


def _level(model: Model, data: Data) -> float:
    """The linear predictor at which the mean is that of y."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    mean = float(np.average(data.y, weights=weights))
    if isinstance(model.likelihood, Bernoulli | Binomial):
        trials = np.ones(data.y.size) if data.trials is None else data.trials
        successes = float(weights @ data.y) + 0.5
        return float(np.log(successes / (float(weights @ (trials - data.y)) + 0.5)))
    if isinstance(model.likelihood, Poisson | NegativeBinomial | Gamma):
        return float(np.log(max(mean, 1e-300)))
    return mean
