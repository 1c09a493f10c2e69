"""Coordinate descent on weighted least squares plus a separable penalty, on the residuals.

    minimise  sum_i h_i (q_i - a - x_i d)^2 / 2 + sum_j l1_j |d_j| + l2_j d_j^2 / 2

over the columns in play.  The intercept a is eliminated (or absent): columns count as centred, by
carrying the sum of h r instead of changing them.  An epoch costs the stored entries of the
columns in play, however many there are; a square matrix of them is never formed.

``columns`` holds a row for every column of X, of eight quantities: one line of cache.  A step goes
beyond the minimum over its coefficient by the factor ``beyond`` (below 2, so that it still
descends) where that changes no sign: coefficients off their kink form a linear system, which
over-relaxation (Young 1954) solves in far fewer sweeps.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_D, _L1, _L2, _LOWER, _UPPER, _PULL, _SUM, _SQUARE = range(8)
#: Sweeps over the coefficients off their kink between two over all.
_SWEEPS = 10


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _step(columns: np.ndarray, j: int, pull: float, weight: float, beyond: float) -> float:
    """The step of d_j, ``pull`` being minus the slope of the quadratic."""
    old, l1, l2 = columns[j, _D], columns[j, _L1], columns[j, _L2]
    lower, upper = columns[j, _LOWER], columns[j, _UPPER]
    curvature = columns[j, _SQUARE] - columns[j, _SUM] ** 2 / weight
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
def _distance(columns: np.ndarray, j: int) -> float:
    """From the pull on d_j to the subdifferential of the penalty there."""
    d, l1 = columns[j, _D], columns[j, _L1]
    left = columns[j, _PULL] - columns[j, _L2] * d
    low = left + l1 if d <= 0.0 else left - l1
    high = left - l1 if d >= 0.0 else left + l1
    if high > 0.0 and d < columns[j, _UPPER]:
        return high
    if low < 0.0 and d > columns[j, _LOWER]:
        return -low
    return 0.0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _bracket(columns: np.ndarray, j: int, c: float) -> float:
    """l1 (|d| - |z|) - c (d - z), z the maximum of c z - l1 |z| within the bounds."""
    d, l1, z = columns[j, _D], columns[j, _L1], 0.0
    end = columns[j, _UPPER] if c > 0.0 else columns[j, _LOWER]
    if abs(c) > l1 and not math.isinf(end):
        z = end
    return max(l1 * (abs(d) - abs(z)) - c * (d - z), 0.0)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def survey(columns: np.ndarray, working: np.ndarray) -> tuple[int, float, float]:
    """Fill ``working`` with the columns off their kink or wanting to leave it; their number.

    Further the largest factor up to 1 that makes the pulls feasible as a dual point, and there the
    part of the duality gap that comes from the penalty.
    """
    size, steepest = 0, 1.0
    for j in range(columns.shape[0]):
        pull = columns[j, _PULL]
        if columns[j, _D] != 0.0 or _distance(columns, j) > 0.0:
            working[size] = j
            size += 1
        end = columns[j, _UPPER] if pull > 0.0 else columns[j, _LOWER]
        if columns[j, _L2] == 0.0 and math.isinf(end):
            steepest = max(steepest, abs(pull) / columns[j, _L1])
    alpha, gap = 1.0 / steepest, 0.0
    for at in range(size):
        j = working[at]
        if columns[j, _L2] > 0.0:
            distance = _distance(columns, j)
            gap += 0.5 * distance * (distance / columns[j, _L2])
        else:
            gap += _bracket(columns, j, alpha * columns[j, _PULL])
    return size, alpha, gap


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _most_to_win(columns: np.ndarray, working: np.ndarray) -> float:
    """Twice the nats that one coefficient can win, about."""
    most = 0.0
    for at in range(working.size):
        bent = columns[working[at], _SQUARE] + columns[working[at], _L2]
        if bent > 0.0:
            distance = _distance(columns, working[at])
            most = max(most, distance * (distance / bent))
    return most


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
        columns[working[at], _SUM], columns[working[at], _SQUARE] = total, square


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sparse_epoch(
    ends: np.ndarray, rows: np.ndarray, values: np.ndarray, residual: np.ndarray,
    total: float, weight: float, columns: np.ndarray, working: np.ndarray, order: np.ndarray,
    size: int, beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """One sweep; twice the nats of the best step that it took, and the new sum of h r."""
    worst = 0.0
    for index in range(size):
        at = order[index]
        j = working[at]
        pull = 0.0
        for entry in range(ends[at], ends[at + 1]):
            pull += values[entry] * residual[rows[entry]]
        pull -= total / weight * columns[j, _SUM]
        step = _step(columns, j, pull, weight, beyond)
        if step != 0.0:
            columns[j, _D] += step
            worst = max(worst, step * step * (columns[j, _SQUARE] + columns[j, _L2]))
            total -= step * columns[j, _SUM]
            for entry in range(ends[at], ends[at + 1]):
                residual[rows[entry]] -= step * values[entry]
    return worst, total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle_sparse(
    ends: np.ndarray, rows: np.ndarray, values: np.ndarray, residual: np.ndarray,
    total: float, weight: float, columns: np.ndarray, working: np.ndarray, left: float,
    epochs: int, beyond: float,
) -> float:  # fmt: skip
    """Sweep until the best step is down to the share ``left`` of what it could be at first.

    ``residual`` is root h times the residual, ``total`` the sum of h r, ``weight`` that of h,
    infinite without an intercept. Returns the sum of h r at the end.
    """
    every, off = np.arange(working.size), np.empty(working.size, dtype=np.int64)
    allowed = left * left * _most_to_win(columns, working)
    used = 0
    while used < epochs:
        worst, total = _sparse_epoch(
            ends, rows, values, residual, total, weight, columns, working, every, working.size, 1.0
        )
        used += 1
        if worst <= allowed:
            break
        count = _off_kink(columns, working, off)
        for _ in range(_SWEEPS):
            worst, total = _sparse_epoch(
                ends, rows, values, residual, total, weight, columns, working, off, count, beyond
            )
            used += 1
            if worst <= 0.25 * allowed or used >= epochs:
                break
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _off_kink(columns: np.ndarray, working: np.ndarray, off: np.ndarray) -> int:
    """Fill ``off`` with the places in the working set that are off their kink; their number."""
    count = 0
    for at in range(working.size):
        if columns[working[at], _D] != 0.0:
            off[count] = at
            count += 1
    return count


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def _dot(x: np.ndarray, r: np.ndarray) -> float:
    total = 0.0
    for i in range(r.size):
        total += x[i] * r[i]
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def weighted_columns(
    X: np.ndarray, h: np.ndarray, where: np.ndarray, working: np.ndarray, columns: np.ndarray
) -> None:
    """Sums of h x and h x^2 over the rows ``where`` of X, which are the columns ``working``."""
    for at in range(working.size):
        x = X[where[at]]
        total, square = 0.0, 0.0
        for i in range(h.size):
            total += h[i] * x[i]
            square += h[i] * x[i] * x[i]
        columns[working[at], _SUM], columns[working[at], _SQUARE] = total, square


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _dense_epoch(
    X: np.ndarray, h: np.ndarray, hr: np.ndarray, total: float, weight: float,
    columns: np.ndarray, working: np.ndarray, where: np.ndarray, order: np.ndarray, size: int,
    beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """As ``_sparse_epoch``, ``hr`` being h times the residual."""
    worst = 0.0
    for index in range(size):
        at = order[index]
        j, x = working[at], X[where[at]]
        pull = _dot(x, hr) - total / weight * columns[j, _SUM]
        step = _step(columns, j, pull, weight, beyond)
        if step != 0.0:
            columns[j, _D] += step
            worst = max(worst, step * step * (columns[j, _SQUARE] + columns[j, _L2]))
            total -= step * columns[j, _SUM]
            for i in range(hr.size):
                hr[i] -= step * x[i] * h[i]
    return worst, total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle_dense(
    X: np.ndarray, h: np.ndarray, hr: np.ndarray, total: float, weight: float,
    columns: np.ndarray, working: np.ndarray, where: np.ndarray, left: float, epochs: int,
    beyond: float,
) -> float:  # fmt: skip
    """As ``settle_sparse``; the columns ``working`` are the rows ``where`` of X."""
    every, off = np.arange(working.size), np.empty(working.size, dtype=np.int64)
    allowed = left * left * _most_to_win(columns, working)
    used = 0
    while used < epochs:
        worst, total = _dense_epoch(
            X, h, hr, total, weight, columns, working, where, every, working.size, 1.0
        )
        used += 1
        if worst <= allowed:
            break
        count = _off_kink(columns, working, off)
        for _ in range(_SWEEPS):
            worst, total = _dense_epoch(
                X, h, hr, total, weight, columns, working, where, off, count, beyond
            )
            used += 1
            if worst <= 0.25 * allowed or used >= epochs:
                break
    return total
