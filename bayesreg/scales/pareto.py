"""Pareto-smoothed importance sampling, all rows at a time.

Vehtari, Simpson, Gelman, Yao and Gabry (2024, JMLR 25:72): the M largest weights are replaced by
quantiles of the generalised Pareto distribution fitted to them (Zhang and Stephens, 2009), whose
shape k says whether the weights can be trusted.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray

# The prior of the fit: quantile factor of Zhang and Stephens, and k ~ 0.5 counted as ten draws.
_QUANTILE_FACTOR, _DRAWS_OF_PRIOR, _PRIOR_SHAPE = 3.0, 10.0, 0.5
# Fewer tail draws are not fitted.
_FEWEST = 5


def smoothed_log_weights(log_weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Normalised, smoothed log weights, in the order given, and k of each row.

    Parameters
    ----------
    log_weights : (rows, draws) array
        Raw; any constant may be added to a row.
    """
    x = log_weights - np.max(log_weights, axis=1, keepdims=True)
    draws = x.shape[1]
    tail = _tail_length(draws)
    k = np.full(x.shape[0], np.inf)
    if tail >= _FEWEST:
        order = np.argpartition(x, draws - tail - 1, axis=1)[:, draws - tail - 1 :]
        largest = np.take_along_axis(x, order, axis=1)
        rank = np.argsort(largest, axis=1)
        order = np.take_along_axis(order, rank, axis=1)
        largest = np.take_along_axis(largest, rank, axis=1)
        smoothed, k = _smoothed_tail(largest[:, 0], largest[:, 1:])
        np.put_along_axis(x, order[:, 1:], smoothed, axis=1)
    x -= np.log(np.sum(np.exp(x), axis=1, keepdims=True))
    return x, k


def _tail_length(draws: int) -> int:
    return int(min(draws / 5.0, 3.0 * np.sqrt(draws)))


def _smoothed_tail(cutoff: FloatArray, tail: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log weights of the tail, ascending, from what they were above the cutoff; and k."""
    base = np.exp(np.maximum(cutoff, np.log(np.finfo(float).tiny)))
    above = np.exp(tail) - base[:, None]
    # Rows whose largest weights are equal have no tail to smooth: they are fine as they are.
    constant = above[:, -1] <= 1e-10 * base
    above = np.where(constant[:, None], np.arange(1.0, tail.shape[1] + 1.0), above)
    k, sigma = _fit(np.maximum(above, np.finfo(float).tiny))
    probability = (np.arange(tail.shape[1]) + 0.5) / tail.shape[1]
    steps = -np.log1p(-probability)
    shape = np.where(np.abs(k) < 1e-12, 1e-12, k)[:, None]
    quantiles = sigma[:, None] * np.expm1(shape * steps) / shape
    smoothed = np.minimum(np.log(quantiles + base[:, None]), 0.0)
    return np.where(constant[:, None], tail, smoothed), np.where(constant, -np.inf, k)


def _fit(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """k and sigma of each row of ascending exceedances: the posterior mean over a grid of b."""
    n = x.shape[1]
    count = 30 + int(np.sqrt(n))
    quartile = x[:, int(n / 4 + 0.5) - 1]
    grid = 1.0 - np.sqrt(count / (np.arange(1.0, count + 1.0) - 0.5))
    b = grid / (_QUANTILE_FACTOR * quartile[:, None]) + 1.0 / x[:, -1:]
    k = np.empty_like(b)
    for j in range(count):
        k[:, j] = np.mean(np.log1p(-b[:, j, None] * x), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_profile = n * (np.log(-b / k) - k - 1.0)
    weight = np.exp(log_profile - np.nanmax(log_profile, axis=1, keepdims=True))
    weight = np.where(np.isnan(weight), 0.0, weight)
    weight /= np.sum(weight, axis=1, keepdims=True)
    weight = np.where(weight < 10 * np.finfo(float).eps, 0.0, weight)
    best = np.sum(b * weight, axis=1) / np.sum(weight, axis=1)
    shape = np.mean(np.log1p(-best[:, None] * x), axis=1)
    sigma = -shape / best
    return (n * shape + _DRAWS_OF_PRIOR * _PRIOR_SHAPE) / (n + _DRAWS_OF_PRIOR), sigma
