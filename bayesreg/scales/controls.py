"""Variance that is known to be noise, taken out of posterior expectations.

For a field f over the free coefficients that vanishes at their bounds,

    E[ div f + f . d log p(v | y) / dv ] = 0

whatever the posterior (an integral of a divergence; a kink does not matter). A mean of draws is
corrected by its regression on such sums (Mira, Solgi and Imparato 2013, Statistics and Computing
23:653). Fields: each coefficient's distance from loc (from a bound, where it has one), each unit
vector, and each distance as a move of the intercept. Scaling all distances alone turns
E[D] - p into E[(w - loc)' d log L / dw], whose variance vanishes with the scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Dispersed, Gaussian
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.rank_statistics import rank_statistics
from bayesreg.posterior.target import Posterior

# Draws that a control must be worth: the regression costs one degree of freedom for each.
_DRAWS_PER_CONTROL = 20
# Numbers of the linear predictor held at a time: 8 MiB of them.
_NUMBERS_AT_A_TIME = 2**20
# Directions among the controls whose share of the variance is below this are rounding.
_ROUNDING = 1e-10
_TAILS = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Expectations:
    """Posterior means of k functions, and the Monte Carlo standard error of each."""

    value: FloatArray
    error: FloatArray


def expectations(values: FloatArray, posterior: Posterior, draws: Draws) -> Expectations:
    """Posterior means of functions of the draws, ``values`` of shape (chains, draws, k)."""
    controls = zero_means(posterior, draws)
    average = np.mean(values, axis=(0, 1))
    centred = values - average
    if controls.shape[-1]:
        flat = controls.reshape(-1, controls.shape[-1])
        spread = np.std(flat, axis=0)
        flat = flat[:, spread > 0] / spread[spread > 0]
        deviations = flat - np.mean(flat, axis=0)
        moments = deviations.T @ centred.reshape(len(flat), -1)
        slope = np.linalg.lstsq(deviations.T @ deviations, moments, rcond=_ROUNDING)[0]
        centred = centred - (flat @ slope).reshape(values.shape)
    count = values.shape[0] * values.shape[1]
    lost = np.sqrt(count / max(count - controls.shape[-1], 1))
    error = lost * rank_statistics(centred, _TAILS).mcse_mean
    return Expectations(average + np.mean(centred, axis=(0, 1)), np.asarray(error))


def zero_means(posterior: Posterior, draws: Draws) -> FloatArray:
    """Functions of the draws whose posterior mean is 0, shape (chains, draws, functions)."""
    problem = posterior.problem
    penalty, v = problem.penalty, draws.v
    free = np.flatnonzero(~penalty.is_pinned)
    field, divergence, bounded = _distances(posterior, v, free)
    slope = _slope(posterior, draws)[..., free]
    each = divergence + field * slope
    room = v.shape[0] * v.shape[1] // _DRAWS_PER_CONTROL
    if room < 1:
        return each[..., :0]
    if 3 * free.size > room:
        own = free < problem.p
        # The intercept apart: it has no share in what cancels.
        return np.concatenate([np.sum(each[..., own], axis=-1, keepdims=True), each[..., ~own]], -1)
    parts = [each, slope[..., ~bounded]]
    if problem.has_intercept and free[-1] == problem.p and not bounded[-1]:
        parts.append(field[..., :-1] * slope[..., -1:])
    return np.concatenate(parts, axis=-1)


def _distances(
    posterior: Posterior, v: FloatArray, free: np.ndarray
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """f_j(v_j) and its derivative, 0 at bounds; which entries are bounded."""
    penalty = posterior.problem.penalty
    lower, upper = penalty.lower[free], penalty.upper[free]
    v = v[..., free]
    below, above = np.isfinite(lower), np.isfinite(upper)
    from_lower = np.where(below, v - np.where(below, lower, 0.0), v - penalty.loc[free])
    to_upper = np.where(above, upper, 0.0) - v
    field = np.where(above, np.where(below, from_lower * to_upper, to_upper), from_lower)
    both = below & above
    one = np.where(above, -1.0, 1.0)
    return field, np.where(both, to_upper - from_lower, one), below | above


def _slope(posterior: Posterior, draws: Draws) -> FloatArray:
    """d log p(v, scalars | y) / dv at each draw."""
    penalty = posterior.problem.penalty
    factor = posterior.factors(draws.scalars)
    standard = penalty.loc + (draws.v - penalty.loc) / factor
    return _likelihood_slope(posterior, draws) - penalty.slope(standard) / factor


def _likelihood_slope(posterior: Posterior, draws: Draws) -> FloatArray:
    """d log p(y | v, scalars) / dv."""
    problem = posterior.problem
    v = draws.v.reshape(-1, problem.size)
    scalars = {name: values.ravel() for name, values in draws.scalars.items()}
    X = problem.block(np.arange(problem.size))
    if isinstance(problem.likelihood, Gaussian):
        by_row = problem.weights / problem.likelihood.noise**2
        if problem.n > problem.size:
            weighted = by_row[:, None] * X
            slope = (problem.y - problem.offset) @ weighted - v @ (X.T @ weighted)
        else:
            slope = (by_row * (problem.y - problem.offset - v @ X.T)) @ X
        if posterior.sigma is not None:
            slope /= scalars["sigma"][:, None] ** 2
        return slope.reshape(draws.v.shape)
    slope = np.empty(v.shape)
    for part in _parts(len(v), problem.n):
        eta = v[part] @ X.T + problem.offset
        pull = _pull(posterior, eta, {name: values[part] for name, values in scalars.items()})
        slope[part] = -(problem.weights * pull) @ X
    return slope.reshape(draws.v.shape)


def _pull(posterior: Posterior, eta: FloatArray, scalars: dict[str, FloatArray]) -> FloatArray:
    """The derivative of the loss in eta, a row per draw."""
    likelihood, y = posterior.problem.likelihood, posterior.problem.y
    if posterior.dispersion is None:
        return likelihood.gradient(y, eta)
    assert isinstance(likelihood, Dispersed)
    sizes = scalars[likelihood.dispersion_name]
    return np.stack([
        likelihood.with_dispersion(float(size)).gradient(y, row)
        for size, row in zip(sizes, eta, strict=True)
    ])  # fmt: skip


def _parts(count: int, width: int) -> Iterator[slice]:
    chunk = max(1, _NUMBERS_AT_A_TIME // max(width, 1))
    return (slice(first, first + chunk) for first in range(0, count, chunk))
