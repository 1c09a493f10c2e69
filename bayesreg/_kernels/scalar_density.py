"""Densities of a positive number s, as (code, parameters): log p and d log p / d log s.

A row of parameters is (constant, first, second, lower, upper), and on lower <= s <= upper

    FLAT, UNIFORM    log p = constant
    JEFFREYS         log p = -log s
    HALF_NORMAL      log p = constant - (s / first)^2 / 2
    EXPONENTIAL      log p = constant - s / first
    HALF_CAUCHY      log p = constant - log(1 + (s / first)^2)
    INVERSE_GAMMA    log p = constant - (2 first + 1) log s - second / s^2

All are densities in s itself: a move in log s adds log s.
"""

from __future__ import annotations

import numba
import numpy as np

FLAT, JEFFREYS, HALF_NORMAL, EXPONENTIAL, HALF_CAUCHY, INVERSE_GAMMA, UNIFORM = range(7)
CONSTANT, FIRST, SECOND, LOWER, UPPER = range(5)
#: Entries in a row of parameters.
WIDTH = 5
# Beyond this share of its scale 1 + (s / scale)^2 is (s / scale)^2 to rounding.
_FAR = 1e8


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_density(code: int, parameters: np.ndarray, s: float) -> float:
    """log p(s), its constant included; -inf outside the bounds and at s <= 0."""
    if not (s > 0.0 and s >= parameters[LOWER] and s <= parameters[UPPER]):
        return -np.inf
    constant = parameters[CONSTANT]
    if code == JEFFREYS:
        return -np.log(s)
    if code == INVERSE_GAMMA:
        order = 2.0 * parameters[FIRST] + 1.0
        return constant - order * np.log(s) - parameters[SECOND] / s / s
    if code in (FLAT, UNIFORM):
        return constant
    ratio = s / parameters[FIRST]
    if code == HALF_NORMAL:
        return constant - 0.5 * ratio * ratio
    if code == EXPONENTIAL:
        return constant - ratio
    if ratio > _FAR:
        return constant - 2.0 * np.log(ratio)
    return constant - np.log1p(ratio * ratio)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def elasticity(code: int, parameters: np.ndarray, s: float) -> float:
    """d log p / d log s inside the bounds; adding 1 gives the slope of the density in log s."""
    if code in (FLAT, UNIFORM):
        return 0.0
    if code == JEFFREYS:
        return -1.0
    if code == INVERSE_GAMMA:
        return 2.0 * parameters[SECOND] / s / s - 2.0 * parameters[FIRST] - 1.0
    ratio = s / parameters[FIRST]
    if code == HALF_NORMAL:
        return -ratio * ratio
    if code == EXPONENTIAL:
        return -ratio
    if ratio > _FAR:
        return -2.0
    return -2.0 * ratio * ratio / (1.0 + ratio * ratio)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_densities(codes: np.ndarray, parameters: np.ndarray, s: np.ndarray) -> float:
    """The sum of log p over independent numbers."""
    total = 0.0
    for k in range(s.size):
        total += log_density(codes[k], parameters[k], s[k])
    return total
