"""Draws from a density on cells, each with a distribution function as a Chebyshev series."""

from __future__ import annotations

import numba
import numpy as np

# Newton steps at most; bisection alone would reach rounding in 53.
_STEPS = 60
_ARRIVED = 1e-12


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def series(distribution: np.ndarray, density: np.ndarray, y: float) -> tuple[float, float]:
    """sum_k a_k T_k(y) of both, by Clenshaw's recurrence; ``density`` is shorter by one."""
    top = density.size
    ahead, beyond = distribution[top], 0.0
    slope_ahead, slope_beyond = 0.0, 0.0
    for k in range(top - 1, 0, -1):
        ahead, beyond = distribution[k] + 2.0 * y * ahead - beyond, ahead
        slope_ahead, slope_beyond = density[k] + 2.0 * y * slope_ahead - slope_beyond, slope_ahead
    value = distribution[0] + y * ahead - beyond
    return value, density[0] + y * slope_ahead - slope_beyond


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _quantile(
    distribution: np.ndarray, density: np.ndarray, goal: float, y: float, tolerance: float
) -> float:
    """Where the distribution function of one cell is ``goal``: Newton's method, kept in bounds."""
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        value, rate = series(distribution, density, y)
        excess = value - goal
        if abs(excess) <= tolerance:
            break
        if excess > 0.0:
            high = y
        else:
            low = y
        moved = y - excess / rate if rate > 0.0 else low - 1.0
        if not low < moved < high:
            moved = 0.5 * (low + high)
        if abs(moved - y) <= _ARRIVED:
            break
        y = moved
    return y


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill_guide(
    before: np.ndarray, distribution: np.ndarray, density: np.ndarray, guide: np.ndarray
) -> None:
    """Quantiles of each cell at equal steps of its mass, from -1 to 1: where to begin."""
    steps = guide.shape[1] - 1
    for k in range(guide.shape[0]):
        mass = before[k + 1] - before[k]
        guide[k, 0], guide[k, steps] = -1.0, 1.0
        for i in range(1, steps):
            goal = mass * i / steps
            guide[k, i] = _quantile(distribution[k], density[k], goal, guide[k, i - 1], 1e-6 * mass)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def inverse(
    left: np.ndarray,
    right: np.ndarray,
    before: np.ndarray,
    distribution: np.ndarray,
    density: np.ndarray,
    guide: np.ndarray,
    uniform: np.ndarray,
    x: np.ndarray,
) -> None:
    """Fill x with the quantiles of ``uniform``.

    Cell k is [left, right], ``before[k]`` the mass of the cells before it (with the whole mass
    last); in it the distribution function is before[k] + series(distribution[k]) and its
    derivative series(density[k]), both in y from -1 to 1.
    """
    tolerance, steps = _ARRIVED * before[-1], guide.shape[1] - 1
    for i in range(x.size):
        goal = uniform[i] * before[-1]
        k = min(np.searchsorted(before, goal, side="right") - 1, left.size - 1)
        goal -= before[k]
        place = steps * goal / (before[k + 1] - before[k])
        step = min(int(place), steps - 1)
        y = guide[k, step] + (place - step) * (guide[k, step + 1] - guide[k, step])
        y = _quantile(distribution[k], density[k], goal, y, tolerance)
        x[i] = 0.5 * (left[k] + right[k] + y * (right[k] - left[k]))
