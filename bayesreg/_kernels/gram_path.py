"""Modes of a penalised quadratic at a sequence of penalties, by coordinate descent on its matrix.

    minimise  d'H d / 2 - cross'd + sum_j l1_j |d_j| / f + l2_j d_j^2 / (2 g),   lower <= d <= upper

for consecutive pairs (f, g); d is the distance of the coefficients from their loc.  Throughout
``r = H d - cross``.  Coefficients that have ever left 0 are kept in front, by swapping rows and
columns of H, so that an epoch costs the square of their number and runs through memory in order.
Where descent is slow, a Newton step on the current signs finishes.
"""

from __future__ import annotations

import numba
import numpy as np

_D, _R, _L1, _L2, _LOWER, _UPPER, _D_LAST, _R_LAST = range(8)

# Up to here a Cholesky factor made in this file costs no more than the epochs that it saves.
_NEWTON_SIZE = 160
# ... and up to here next to nothing: every point ends with a Newton step, exact to rounding.
_POLISH_SIZE = 40
_EPOCHS_BETWEEN_CHECKS = 2


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def swap(H: np.ndarray, vectors: np.ndarray, order: np.ndarray, i: int, j: int) -> None:
    """Exchange coefficients i and j in H, in every row of ``vectors`` and in ``order``."""
    if i == j:
        return
    for k in range(order.size):
        H[i, k], H[j, k] = H[j, k], H[i, k]
    for k in range(order.size):
        H[k, i], H[k, j] = H[k, j], H[k, i]
    for row in range(vectors.shape[0]):
        vectors[row, i], vectors[row, j] = vectors[row, j], vectors[row, i]
    order[i], order[j] = order[j], order[i]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def epoch(H: np.ndarray, vectors: np.ndarray, front: int, f: float, g: float) -> None:
    """One sweep over the coefficients in front, with r kept up to date there."""
    d, r, l1, l2 = vectors[_D], vectors[_R], vectors[_L1], vectors[_L2]
    lower, upper = vectors[_LOWER], vectors[_UPPER]
    for j in range(front):
        curvature = H[j, j] + l2[j] / g
        slope = l1[j] / f
        old = d[j]
        z = H[j, j] * old - r[j]
        if curvature <= 0.0:
            new = 0.0 if slope > 0.0 else old
        elif z > slope:
            new = (z - slope) / curvature
        elif z < -slope:
            new = (z + slope) / curvature
        else:
            new = 0.0
        new = min(max(new, lower[j]), upper[j])
        step = new - old
        if step != 0.0:
            d[j] = new
            row = H[j]
            for k in range(front):
                r[k] += step * row[k]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gap_estimate(vectors: np.ndarray, front: int, f: float, g: float, loss: float) -> float:
    """About the duality gap: sum_j |d_j| times the distance of j from stationarity, plus what
    scaling the dual point by the largest excess costs.
    """
    d, r, l1, l2 = vectors[_D], vectors[_R], vectors[_L1], vectors[_L2]
    lower, upper = vectors[_LOWER], vectors[_UPPER]
    linear = 0.0
    excess = 0.0
    inner = 0.0
    for j in range(front):
        slope = l1[j] / f
        pull = -r[j] - l2[j] / g * d[j]
        at_kink = max(abs(pull) - slope, 0.0)
        distance = at_kink if d[j] == 0.0 else abs(pull - slope * np.sign(d[j]))
        if (d[j] <= lower[j] and pull < 0.0) or (d[j] >= upper[j] and pull > 0.0):
            continue
        if l2[j] > 0.0:
            linear += 0.5 * distance * distance * g / l2[j]
        else:
            linear += abs(d[j]) * distance
            if slope > 0.0:
                excess = max(excess, (abs(pull) - slope) / slope)
            elif distance > 0.0:
                excess = max(excess, 1.0)
        inner += abs(r[j] * d[j])
    return linear + excess * inner + excess * excess * loss


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def newton_on_signs(H: np.ndarray, vectors: np.ndarray, front: int, f: float, g: float) -> bool:
    """A Newton step with the signs held, up to the first that changes; False where it cannot."""
    d, r, l1, l2 = vectors[_D], vectors[_R], vectors[_L1], vectors[_L2]
    lower, upper = vectors[_LOWER], vectors[_UPPER]
    free = np.empty(front, dtype=np.int64)
    size = 0
    for j in range(front):
        at_kink = d[j] == 0.0 and l1[j] > 0.0
        if not at_kink and lower[j] < d[j] < upper[j]:
            free[size] = j
            size += 1
    if size == 0 or size > _NEWTON_SIZE:
        return False
    L = np.empty((size, size))
    step = np.empty(size)
    for a in range(size):
        j = free[a]
        for b in range(a + 1):
            total = H[j, free[b]]
            if a == b:
                total += l2[j] / g
            diagonal = total
            for k in range(b):
                total -= L[a, k] * L[b, k]
            if a == b:
                if not total > 1e-12 * diagonal:
                    return False
                L[a, a] = np.sqrt(total)
            else:
                L[a, b] = total / L[b, b]
        total = -(r[j] + l1[j] / f * np.sign(d[j]) + l2[j] / g * d[j])
        for k in range(a):
            total -= L[a, k] * step[k]
        step[a] = total / L[a, a]
    for a in range(size - 1, -1, -1):
        total = step[a]
        for k in range(a + 1, size):
            total -= L[k, a] * step[k]
        step[a] = total / L[a, a]
    share = 1.0
    breaking = -1
    for a in range(size):
        j = free[a]
        if l1[j] > 0.0 and d[j] * (d[j] + step[a]) < 0.0:
            here = -d[j] / step[a]
        elif d[j] + step[a] > upper[j]:
            here = (upper[j] - d[j]) / step[a]
        elif d[j] + step[a] < lower[j]:
            here = (lower[j] - d[j]) / step[a]
        else:
            continue
        if here < share:
            share = here
            breaking = a
    for a in range(size):
        j = free[a]
        old = d[j]
        new = old + share * step[a]
        if a == breaking:
            if l1[j] > 0.0 and old * (old + step[a]) < 0.0:
                new = 0.0
            else:
                new = upper[j] if step[a] > 0.0 else lower[j]
        change = new - old
        d[j] = new
        row = H[j]
        for k in range(front):
            r[k] += change * row[k]
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def refresh(
    H: np.ndarray, vectors: np.ndarray, cross: np.ndarray, order: np.ndarray, front: int, first: int
) -> None:
    """r = H d - cross for the entries from ``first`` on; d is 0 beyond ``front``."""
    d, r = vectors[_D], vectors[_R]
    for k in range(first, d.size):
        r[k] = -cross[order[k]]
    for j in range(front):
        if d[j] != 0.0:
            row = H[j]
            for k in range(first, d.size):
                r[k] += d[j] * row[k]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def extrapolate(vectors: np.ndarray, share: float) -> None:
    """Go on in a straight line from the last point through this one, as the modes do between
    changes of sign: d (and with it r) moves by ``share`` of its last change.
    """
    for row, last in ((_D, _D_LAST), (_R, _R_LAST)):
        for k in range(vectors.shape[1]):
            here = vectors[row, k]
            vectors[row, k] = here + share * (here - vectors[last, k])
            vectors[last, k] = here


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bring_forward(
    H: np.ndarray, vectors: np.ndarray, order: np.ndarray, front: int, f: float
) -> int:
    """Move coefficients that want to leave their kink into the front; its new length."""
    for j in range(front, order.size):
        if abs(vectors[_R, j]) > vectors[_L1, j] / f:
            swap(H, vectors, order, front, j)
            front += 1
    return front


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gram_path(
    H: np.ndarray,
    vectors: np.ndarray,
    order: np.ndarray,
    front: int,
    cross: np.ndarray,
    total: float,
    f: np.ndarray,
    g: np.ndarray,
    tolerance: np.ndarray,
    epochs: np.ndarray,
    first: int,
    out: np.ndarray,
) -> tuple[int, int]:
    """Fill out[k] for k = first, ... until the end or until descent is too slow.

    ``vectors`` holds d, r, l1, l2, lower, upper and two rows of its own, in the order of
    ``order``; d is 0 beyond ``front``; ``total`` is twice the loss at d = 0. Returns the point at
    which it stopped (len(out) when done) and the front.
    """
    bounded = np.any(vectors[_LOWER] > -np.inf) or np.any(vectors[_UPPER] < np.inf)
    for k in range(first, out.shape[0]):
        used = 0
        if k > first and not bounded:
            last = 1.0 / f[k - 2] if k > first + 1 else np.inf
            extrapolate(vectors, (1.0 / f[k] - 1.0 / f[k - 1]) / (1.0 / f[k - 1] - last))
        front = bring_forward(H, vectors, order, front, f[k])
        while True:
            small = False
            while used < epochs[k]:
                for _ in range(_EPOCHS_BETWEEN_CHECKS):
                    epoch(H, vectors, front, f[k], g[k])
                used += _EPOCHS_BETWEEN_CHECKS
                quadratic = 0.0
                for j in range(front):
                    quadratic += vectors[_D, j] * (vectors[_R, j] - cross[order[j]])
                loss = max(0.5 * (total + quadratic), 0.0)
                if gap_estimate(vectors, front, f[k], g[k], loss) <= tolerance[k]:
                    small = True
                    break
                if used >= 8:
                    newton_on_signs(H, vectors, front, f[k], g[k])
            if front <= _POLISH_SIZE:
                newton_on_signs(H, vectors, front, f[k], g[k])
            refresh(H, vectors, cross, order, front, front)
            before = front
            front = bring_forward(H, vectors, order, front, f[k])
            if not small:
                return k, front
            if front == before:
                break
        for j in range(order.size):
            out[k, order[j]] = vectors[_D, j]
    return out.shape[0], front
