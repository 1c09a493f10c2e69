"""Penalised least squares on the residuals of a sparse X, by accelerated coordinate descent.

    minimise  sum_i h_i (y_i - a - x_i d)^2 / 2 + sum_j l1_j |d_j| / f + l2_j d_j^2 / (2 g)

over the columns of a working set, X sparse by columns (CSC).  Rows are scaled by the roots of h,
and ``residual`` with them.  The intercept a is eliminated (or absent): columns count as centred,
by carrying the sum of h r instead of changing them.  An epoch costs the stored entries of the
columns in play; a few epochs are extrapolated to where they lead (Anderson 1965; for coordinate
descent Bertrand and Massias 2021), which the objective has to confirm.

Row numbers and pointers are unsigned: a signed index costs a test for negative ones at each use.
"""

from __future__ import annotations

import numba
import numpy as np

_D, _L1, _L2, _LOWER, _UPPER, _SUM, _SQUARE = range(7)
# Epochs from which one extrapolation is made, and extrapolations between sweeps over all columns.
_DEPTH = 5
_ROUNDS = 4


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def copy_columns(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, root: np.ndarray, working: np.ndarray,
    pointers: np.ndarray, own_rows: np.ndarray, own_data: np.ndarray,
) -> None:  # fmt: skip
    """The chosen columns, scaled, side by side: descent runs through memory in order."""
    at = 0
    pointers[0] = 0
    for k in range(working.size):
        for source in range(indptr[working[k]], indptr[working[k] + 1]):
            own_rows[at] = rows[source]
            own_data[at] = data[source] * root[rows[source]]
            at += 1
        pointers[k + 1] = at


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sweep(
    pointers: np.ndarray, rows: np.ndarray, data: np.ndarray, residual: np.ndarray,
    total: np.ndarray, weight: float, columns: np.ndarray, chosen: np.ndarray, size: int,
    f: float, g: float,
) -> float:  # fmt: skip
    """One sweep over the first ``size`` of ``chosen``; the largest distance from stationarity met.

    ``total[0]`` is the sum of h r; ``weight`` that of h, infinite without an intercept.
    """
    d, l1, l2 = columns[_D], columns[_L1], columns[_L2]
    lower, upper, sums, squares = columns[_LOWER], columns[_UPPER], columns[_SUM], columns[_SQUARE]
    inner = total[0]
    worst = 0.0
    for at_j in range(size):
        j = chosen[at_j]
        first, last = pointers[j], pointers[j + 1]
        pull = 0.0
        for at in range(first, last):
            pull += data[at] * residual[rows[at]]
        pull -= inner / weight * sums[j]
        curvature = squares[j]
        slope = l1[j] / f
        old = d[j]
        z = curvature * old + pull
        bent = curvature + l2[j] / g
        if bent <= 0.0:
            new = 0.0 if slope > 0.0 else old
        elif z > slope:
            new = (z - slope) / bent
        elif z < -slope:
            new = (z + slope) / bent
        else:
            new = 0.0
        new = min(max(new, lower[j]), upper[j])
        step = new - old
        if step != 0.0:
            d[j] = new
            worst = max(worst, abs(step) * bent)
            inner -= step * sums[j]
            for at in range(first, last):
                residual[rows[at]] -= step * data[at]
    total[0] = inner
    return worst


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def objective(
    residual: np.ndarray, total: float, weight: float, columns: np.ndarray,
    chosen: np.ndarray, size: int, f: float, g: float,
) -> float:  # fmt: skip
    """Loss and penalty of the chosen coefficients, the others being 0."""
    loss = 0.0
    for i in range(residual.size):
        loss += residual[i] * residual[i]
    penalty = 0.0
    for at in range(size):
        j = chosen[at]
        d = columns[_D, j]
        penalty += columns[_L1, j] / f * abs(d) + 0.5 * columns[_L2, j] / g * d * d
    return 0.5 * (loss - total * total / weight) + penalty


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mixing_weights(past: np.ndarray, size: int, mixing: np.ndarray) -> bool:
    """Weights c, sum c = 1, for which the differences of the past combine to the least norm."""
    depth = mixing.size
    G = np.empty((depth, depth))
    for a in range(depth):
        for b in range(a + 1):
            inner = 0.0
            for at in range(size):
                inner += (past[a + 1, at] - past[a, at]) * (past[b + 1, at] - past[b, at])
            G[a, b] = inner
            G[b, a] = inner
    jitter = 0.0
    for a in range(depth):
        jitter += 1e-12 * G[a, a]
    for a in range(depth):
        G[a, a] += jitter
        mixing[a] = 1.0
    # G c = 1 by elimination; G is positive definite.
    for a in range(depth):
        if not G[a, a] > 0.0:
            return False
        for b in range(a + 1, depth):
            share = G[b, a] / G[a, a]
            for k in range(a, depth):
                G[b, k] -= share * G[a, k]
            mixing[b] -= share * mixing[a]
    summed = 0.0
    for a in range(depth - 1, -1, -1):
        for k in range(a + 1, depth):
            mixing[a] -= G[a, k] * mixing[k]
        mixing[a] /= G[a, a]
        summed += mixing[a]
    if not abs(summed) > 0.0:
        return False
    for a in range(depth):
        mixing[a] /= summed
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def extrapolate(
    residual: np.ndarray, total: np.ndarray, weight: float, columns: np.ndarray,
    chosen: np.ndarray, size: int, f: float, g: float, past: np.ndarray,
    past_residual: np.ndarray, past_total: np.ndarray,
) -> None:  # fmt: skip
    """Move to where the last epochs lead, if that is lower; residuals follow, being linear."""
    mixing = np.empty(past_total.size - 1)
    if not mixing_weights(past, size, mixing):
        return
    before = objective(residual, total[0], weight, columns, chosen, size, f, g)
    for at in range(size):
        columns[_D, chosen[at]] = 0.0
    residual[:] = 0.0
    total[0] = 0.0
    for a in range(mixing.size):
        for at in range(size):
            columns[_D, chosen[at]] += mixing[a] * past[a + 1, at]
        for i in range(residual.size):
            residual[i] += mixing[a] * past_residual[a + 1, i]
        total[0] += mixing[a] * past_total[a + 1]
    if not objective(residual, total[0], weight, columns, chosen, size, f, g) < before:
        for at in range(size):
            columns[_D, chosen[at]] = past[mixing.size, at]
        residual[:] = past_residual[mixing.size]
        total[0] = past_total[mixing.size]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def residual_descent(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, root: np.ndarray,
    residual: np.ndarray, total: np.ndarray, weight: float, columns: np.ndarray,
    working: np.ndarray, f: float, g: float, tolerance: float, epochs: int,
) -> int:  # fmt: skip
    """Epochs until the gap over the working set should be within ``tolerance``; their number.

    ``columns`` holds d, l1, l2, lower, upper, sums and centred squares of the working set, d being
    changed in place.  Sweeps over the coefficients off 0 take turns with sweeps over all.
    """
    size = working.size
    stored = 0
    bounded = False
    for k in range(size):
        stored += indptr[working[k] + 1] - indptr[working[k]]
        bounded |= columns[_LOWER, k] > -np.inf or columns[_UPPER, k] < np.inf
    pointers = np.empty(size + 1, dtype=np.uint32)
    own_rows = np.empty(stored, dtype=np.uint32)
    own_data = np.empty(stored)
    copy_columns(indptr, rows, data, root, working, pointers, own_rows, own_data)
    everything = np.arange(size)
    active = np.empty(size, dtype=np.int64)
    past = np.empty((_DEPTH + 1, size))
    past_residual = np.empty((_DEPTH + 1, residual.size))
    past_total = np.empty(_DEPTH + 1)
    used = 0
    while used < epochs:
        worst = sweep(pointers, own_rows, own_data, residual, total, weight, columns, everything,
                      size, f, g)  # fmt: skip
        used += 1
        count = 0
        spread = 0.0
        for k in range(size):
            if columns[_D, k] != 0.0:
                active[count] = k
                count += 1
                spread += abs(columns[_D, k])
        # The gap is about the largest distance from stationarity times the sum of |d|, and that
        # distance is smaller after a sweep than what the sweep met.
        allowed = tolerance / spread if spread > 0.0 else tolerance
        if worst <= allowed:
            break
        for _ in range(_ROUNDS):
            for at in range(count):
                past[0, at] = columns[_D, active[at]]
            past_residual[0] = residual
            past_total[0] = total[0]
            for epoch in range(1, _DEPTH + 1):
                worst = sweep(pointers, own_rows, own_data, residual, total, weight, columns,
                              active, count, f, g)  # fmt: skip
                used += 1
                if worst <= 0.5 * allowed:
                    break
                for at in range(count):
                    past[epoch, at] = columns[_D, active[at]]
                past_residual[epoch] = residual
                past_total[epoch] = total[0]
            if worst <= 0.5 * allowed:
                break
            if not bounded:
                extrapolate(residual, total, weight, columns, active, count, f, g, past,
                            past_residual, past_total)  # fmt: skip
    return used


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def four_pulls(
    indptr: np.ndarray, rows: np.ndarray, data: np.ndarray, by_row: np.ndarray, out: np.ndarray
) -> None:
    """out = X' by_row for four columns at once: X is read from memory once for all of them."""
    for j in range(out.shape[1]):
        first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
        for at in range(indptr[j], indptr[j + 1]):
            x = data[at]
            i = rows[at]
            first += x * by_row[i, 0]
            second += x * by_row[i, 1]
            third += x * by_row[i, 2]
            fourth += x * by_row[i, 3]
        out[0, j] = first
        out[1, j] = second
        out[2, j] = third
        out[3, j] = fourth
