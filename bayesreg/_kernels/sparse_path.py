"""Modes of penalised least squares at a sequence of penalties, by coordinate descent on residuals.

    minimise  sum_i h_i (y_i - a - x_i d)^2 / 2 + sum_j l1_j |d_j| / f + l2_j d_j^2 / (2 g)

for consecutive pairs (f, g), X sparse by columns (CSC).  The intercept a is eliminated (or absent):
columns count as centred, by carrying the sum S of h r instead of changing them.  An epoch costs
the stored entries of the columns in play.
"""

from __future__ import annotations

import numba
import numpy as np

_D, _L1, _L2, _LOWER, _UPPER, _SUM, _SQUARE, _LAST = range(8)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def pull_of(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, hr: np.ndarray, j: int
) -> float:
    """x_j' (h r)."""
    total = 0.0
    for at in range(indptr[j], indptr[j + 1]):
        total += data[at] * hr[indices[at]]
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sparse_epoch(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, h: np.ndarray, hr: np.ndarray,
    total: np.ndarray, weight: float, columns: np.ndarray, working: np.ndarray, size: int,
    f: float, g: float,
) -> float:  # fmt: skip
    """One sweep over the working set; the largest distance from stationarity met.

    ``hr`` is h times the residual and ``total[0]`` its sum; ``weight`` is the sum of h, infinite
    without an intercept.
    """
    d, l1, l2 = columns[_D], columns[_L1], columns[_L2]
    worst = 0.0
    for at_j in range(size):
        j = working[at_j]
        curvature = columns[_SQUARE, j] - columns[_SUM, j] ** 2 / weight
        pull = pull_of(indptr, indices, data, hr, j) - total[0] / weight * columns[_SUM, j]
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
        new = min(max(new, columns[_LOWER, j]), columns[_UPPER, j])
        step = new - old
        if step != 0.0:
            d[j] = new
            worst = max(worst, abs(step) * bent)
            total[0] -= step * columns[_SUM, j]
            for at in range(indptr[j], indptr[j + 1]):
                hr[indices[at]] -= step * data[at] * h[indices[at]]
    return worst


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def settle(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, h: np.ndarray, hr: np.ndarray,
    total: np.ndarray, weight: float, columns: np.ndarray, working: np.ndarray, size: int,
    f: float, g: float, tolerance: float, epochs: int,
) -> int:  # fmt: skip
    """Epochs until the gap over the working set should be within ``tolerance``; their number.

    Sweeps over the coefficients off their kink take turns with sweeps over all.
    """
    active = np.empty(size, dtype=np.int64)
    used = 0
    while used < epochs:
        worst = sparse_epoch(
            indptr, indices, data, h, hr, total, weight, columns, working, size, f, g
        )
        used += 1
        count = 0
        spread = 0.0
        for at in range(size):
            j = working[at]
            if columns[_D, j] != 0.0 or columns[_L1, j] == 0.0:
                active[count] = j
                count += 1
                spread += abs(columns[_D, j])
        allowed = 0.25 * tolerance / spread if spread > 0.0 else tolerance
        if worst <= allowed:
            break
        for _ in range(10):
            used += 1
            worst = sparse_epoch(
                indptr, indices, data, h, hr, total, weight, columns, active, count, f, g
            )
            if worst <= 0.5 * allowed:
                break
    return used


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def all_pulls(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, hr: np.ndarray, total: float,
    weight: float, columns: np.ndarray, pulls: np.ndarray,
) -> None:  # fmt: skip
    """The pull on every column."""
    for j in range(pulls.size):
        pulls[j] = pull_of(indptr, indices, data, hr, j) - total / weight * columns[_SUM, j]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gap_over(
    h: np.ndarray, hr: np.ndarray, total: float, weight: float, columns: np.ndarray,
    pulls: np.ndarray, working: np.ndarray, size: int, f: float, g: float,
) -> float:  # fmt: skip
    """The duality gap over the working set, but for rounding."""
    excess, linear, inner = 0.0, 0.0, 0.0
    for at in range(size):
        j = working[at]
        d, slope = columns[_D, j], columns[_L1, j] / f
        pull = pulls[j] - columns[_L2, j] / g * d
        outward = (d <= columns[_LOWER, j] and pull < 0.0) or (
            d >= columns[_UPPER, j] and pull > 0.0
        )
        if outward:
            continue
        inner += pulls[j] * d
        if columns[_L2, j] > 0.0:
            at_kink = max(abs(pull) - slope, 0.0)
            distance = at_kink if d == 0.0 else abs(pull - slope * np.sign(d))
            linear += 0.5 * distance * distance * g / columns[_L2, j]
        else:
            linear += slope * abs(d) - pull * d
            if slope > 0.0:
                excess = max(excess, (abs(pull) - slope) / slope)
    loss = 0.0
    for i in range(h.size):
        if h[i] > 0.0:
            loss += hr[i] * hr[i] / h[i]
    loss = 0.5 * (loss - total * total / weight)
    scaling = 1.0 / (1.0 + excess)
    return linear + (1.0 - scaling) * inner + (1.0 - scaling) ** 2 * loss


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sparse_path(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, h: np.ndarray, hr: np.ndarray,
    total: np.ndarray, weight: float, columns: np.ndarray, f: np.ndarray, g: np.ndarray,
    tolerance: np.ndarray, epochs: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Fill out[k] with d at each pair (f, g); ``columns`` holds one row per quantity."""
    p = columns.shape[1]
    pulls = np.empty(p)
    working = np.empty(p, dtype=np.int64)
    listed = np.zeros(p, dtype=np.bool_)
    last_hr = hr.copy()
    last_total = total[0]
    size = 0
    bounded = False
    for j in range(p):
        if columns[_LOWER, j] > -np.inf or columns[_UPPER, j] < np.inf:
            bounded = True
    all_pulls(indptr, indices, data, hr, total[0], weight, columns, pulls)
    for k in range(f.size):
        if k > 1 and not bounded:
            share = (1.0 / f[k] - 1.0 / f[k - 1]) / (1.0 / f[k - 1] - 1.0 / f[k - 2])
            for at in range(size):
                j = working[at]
                here = columns[_D, j]
                columns[_D, j] = here + share * (here - columns[_LAST, j])
                columns[_LAST, j] = here
            for i in range(hr.size):
                here = hr[i]
                hr[i] = here + share * (here - last_hr[i])
                last_hr[i] = here
            here = total[0]
            total[0] = here + share * (here - last_total)
            last_total = here
        elif k == 1:
            columns[_LAST] = columns[_D]
            last_hr[:] = hr
            last_total = total[0]
        missed = True
        aim = 8.0 * tolerance[k]
        used = 0
        while missed and used < epochs:
            for j in range(p):
                if not listed[j] and abs(pulls[j]) > columns[_L1, j] / f[k]:
                    listed[j] = True
                    working[size] = j
                    size += 1
            used += settle(
                indptr, indices, data, h, hr, total, weight, columns, working, size, f[k], g[k],
                aim, epochs,
            )  # fmt: skip
            all_pulls(indptr, indices, data, hr, total[0], weight, columns, pulls)
            missed = False
            for j in range(p):
                if not listed[j] and abs(pulls[j]) > columns[_L1, j] / f[k]:
                    missed = True
                    break
            if not missed:
                gap = gap_over(h, hr, total[0], weight, columns, pulls, working, size, f[k], g[k])
                missed = gap > tolerance[k]
                aim *= 0.25
        for at in range(size):
            out[k, working[at]] = columns[_D, working[at]]
