"""Coordinate descent on weighted least squares plus a separable penalty, on the residuals.

    minimise  sum_i h_i (q_i - a - x_i d)^2 / 2 + sum_j l1_j |d_j| + l2_j d_j^2 / 2

over the columns in play.  The intercept a is eliminated (or absent): columns count as centred, by
carrying the sum S of h r instead of changing them.  An epoch costs the stored entries of the columns
in play, however many there are; a square matrix of them is never formed.

``columns`` holds one row per quantity and one column per column in play; a step goes beyond the
minimum over its coefficient by the factor ``beyond`` (below 2, so that it still descends) where
that changes no sign: coefficients off their kink form a linear system, which over-relaxation
(Young 1954) solves in far fewer sweeps.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_D, _L1, _L2, _LOWER, _UPPER, _SUM, _SQUARE = range(7)
#: Sweeps over the coefficients off their kink between two over all.
_SWEEPS = 10


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _step(columns: np.ndarray, j: int, pull: float, weight: float, beyond: float) -> float:
    """The step of d_j, ``pull`` being minus the slope of the quadratic."""
    old, l1, l2 = columns[_D, j], columns[_L1, j], columns[_L2, j]
    lower, upper = columns[_LOWER, j], columns[_UPPER, j]
    curvature = columns[_SQUARE, j] - columns[_SUM, j] ** 2 / weight
    bent = curvature + l2
    z = curvature * old + pull
    if bent <= 0.0:
        new = 0.0 if l1 > 0.0 else old
    elif z > l1:
        new = (z - l1) / bent
    elif z < -l1:
        new = (z + l1) / bent
    else:
        new = 0.0
    new = min(max(new, lower), upper)
    further = old + beyond * (new - old)
    if further * old > 0.0 and new != 0.0 and lower <= further <= upper:
        return further - old
    return new - old


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scaled_columns(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, root: np.ndarray,
    working: np.ndarray, ends: np.ndarray, rows: np.ndarray, values: np.ndarray,
    columns: np.ndarray,
) -> None:  # fmt: skip
    """diag(root) X over the working set, stored one column after the other; its sums and squares.

    The sum of a column is that of h x = root (root x).
    """
    end = 0
    ends[0] = 0
    for at in range(working.size):
        total, square = 0.0, 0.0
        for entry in range(indptr[working[at]], indptr[working[at] + 1]):
            i = indices[entry]
            value = root[i] * data[entry]
            rows[end] = i
            values[end] = value
            total += root[i] * value
            square += value * value
            end += 1
        ends[at + 1] = end
        columns[_SUM, at], columns[_SQUARE, at] = total, square


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sparse_epoch(
    ends: np.ndarray, rows: np.ndarray, values: np.ndarray, residual: np.ndarray,
    total: float, weight: float, columns: np.ndarray, order: np.ndarray, size: int,
    beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """One sweep; twice the nats of the best step that it took, and the new sum of h r."""
    worst = 0.0
    for at in range(size):
        j = order[at]
        pull = 0.0
        for entry in range(ends[j], ends[j + 1]):
            pull += values[entry] * residual[rows[entry]]
        pull -= total / weight * columns[_SUM, j]
        step = _step(columns, j, pull, weight, beyond)
        if step != 0.0:
            columns[_D, j] += step
            worst = max(worst, step * step * (columns[_SQUARE, j] + columns[_L2, j]))
            total -= step * columns[_SUM, j]
            for entry in range(ends[j], ends[j + 1]):
                residual[rows[entry]] -= step * values[entry]
    return worst, total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle_sparse(
    ends: np.ndarray, rows: np.ndarray, values: np.ndarray, residual: np.ndarray,
    total: float, weight: float, columns: np.ndarray, tolerance: float, epochs: int,
    beyond: float,
) -> tuple[int, float]:  # fmt: skip
    """Sweep until no step wins more than half of ``tolerance`` in nats.

    ``residual`` is root h times the residual, ``total`` the sum of h r, ``weight`` that of h,
    infinite without an intercept. Returns the columns visited and the sum of h r.
    """
    size = columns.shape[1]
    every, off = np.arange(size), np.empty(size, dtype=np.int64)
    used, visited = 0, 0
    while used < epochs:
        worst, total = _sparse_epoch(
            ends, rows, values, residual, total, weight, columns, every, size, 1.0
        )
        used += 1
        visited += size
        if worst <= tolerance:
            break
        count = off_kink(columns, off)
        for _ in range(_SWEEPS):
            worst, total = _sparse_epoch(
                ends, rows, values, residual, total, weight, columns, off, count, beyond
            )
            used += 1
            visited += count
            if worst <= 0.25 * tolerance or used >= epochs:
                break
    return visited, total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def off_kink(columns: np.ndarray, off: np.ndarray) -> int:
    """Fill ``off`` with the columns off their kink or without one; their number."""
    count = 0
    for j in range(columns.shape[1]):
        if columns[_D, j] != 0.0 or columns[_L1, j] == 0.0:
            off[count] = j
            count += 1
    return count


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def _dot(x: np.ndarray, r: np.ndarray) -> float:
    total = 0.0
    for i in range(r.size):
        total += x[i] * r[i]
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def weighted_columns(X: np.ndarray, h: np.ndarray, working: np.ndarray, columns: np.ndarray) -> None:
    """Sums of h x and h x^2 over the rows of X that the working set names."""
    for at in range(working.size):
        x = X[working[at]]
        total, square = 0.0, 0.0
        for i in range(h.size):
            total += h[i] * x[i]
            square += h[i] * x[i] * x[i]
        columns[_SUM, at], columns[_SQUARE, at] = total, square


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _dense_epoch(
    X: np.ndarray, h: np.ndarray, hr: np.ndarray, total: float, weight: float,
    columns: np.ndarray, working: np.ndarray, order: np.ndarray, size: int, beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """As ``_sparse_epoch``, ``hr`` being h times the residual."""
    worst = 0.0
    for at in range(size):
        j = order[at]
        x = X[working[j]]
        pull = _dot(x, hr) - total / weight * columns[_SUM, j]
        step = _step(columns, j, pull, weight, beyond)
        if step != 0.0:
            columns[_D, j] += step
            worst = max(worst, step * step * (columns[_SQUARE, j] + columns[_L2, j]))
            total -= step * columns[_SUM, j]
            for i in range(hr.size):
                hr[i] -= step * x[i] * h[i]
    return worst, total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle_dense(
    X: np.ndarray, h: np.ndarray, hr: np.ndarray, total: float, weight: float,
    columns: np.ndarray, working: np.ndarray, tolerance: float, epochs: int, beyond: float,
) -> tuple[int, float]:  # fmt: skip
    """As ``settle_sparse``; the columns are the rows of X that ``working`` names."""
    size = columns.shape[1]
    every, off = np.arange(size), np.empty(size, dtype=np.int64)
    used, visited = 0, 0
    while used < epochs:
        worst, total = _dense_epoch(
            X, h, hr, total, weight, columns, working, every, size, 1.0
        )
        used += 1
        visited += size
        if worst <= tolerance:
            break
        count = off_kink(columns, off)
        for _ in range(_SWEEPS):
            worst, total = _dense_epoch(
                X, h, hr, total, weight, columns, working, off, count, beyond
            )
            used += 1
            visited += count
            if worst <= 0.25 * tolerance or used >= epochs:
                break
    return visited, total
