"""Cyclic block descent on a quadratic plus separable terms and Euclidean norms.

    minimise  r'd + d'A d / 2 + sum_j [l1_j |x_j - loc_j| + l2_j (x_j - loc_j)^2 / 2]
              + sum_G rate_G ||x_G||_2,                                     x = x0 + d

The first columns stand alone, the others are groups, one after the other.  ``r`` is kept equal to
the gradient of the quadratic at the current x.
"""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def minimise_block(
    b: np.ndarray, rate: float, values: np.ndarray, vectors: np.ndarray, out: np.ndarray
) -> bool:
    """argmin of b'x + x'Bx/2 + rate ||x||, B = V diag(values) V'; False where there is none.

    0 where ||b|| <= rate. Else x = -r (r B + rate I)^-1 b with r = ||x|| the root of

        || (rate + r values)^-1 V'b || = 1,

    whose reciprocal is increasing and concave in r: Newton from the left climbs to it.
    """
    size = b.size
    length = 0.0
    for i in range(size):
        length = math.hypot(length, b[i])
    if length <= rate:
        out[:] = 0.0
        return True
    along = np.zeros(size)
    for m in range(size):
        for i in range(size):
            along[i] += vectors[m, i] * b[m]
    top = values[size - 1]
    if not top > 0.0:
        return False
    r = (length - rate) / top
    for _ in range(200):
        norm2, slope = 0.0, 0.0
        for i in range(size):
            denominator = rate + r * values[i]
            share = along[i] / denominator
            norm2 += share * share
            slope += share * share * values[i] / denominator
        # Reciprocal: 1 / sqrt(norm2), derivative slope / norm2^(3/2).
        step = (norm2 - math.sqrt(norm2)) * math.sqrt(norm2) / slope if slope > 0.0 else math.inf
        if not math.isfinite(step):
            return False
        if step <= 4e-16 * r:
            break
        r += step
    for i in range(size):
        along[i] = -r * along[i] / (rate + r * values[i])
    for m in range(size):
        out[m] = 0.0
        for i in range(size):
            out[m] += vectors[m, i] * along[i]
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def group_descent(
    A: np.ndarray,
    r: np.ndarray,
    x: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    loc: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    ends: np.ndarray,
    rates: np.ndarray,
    values: np.ndarray,
    vectors: np.ndarray,
    epochs: int,
    relative_tolerance: float,
) -> int:
    """Change x and r in place; stop when an epoch's best step wins a negligible share.

    Group k is ``ends[k] ... ends[k + 1]``; ``values`` and the columns of ``vectors`` are the
    eigenvalues and eigenvectors of its block of A. Returns the epochs used.
    """
    first_best = 0.0
    for epoch in range(epochs):
        best = 0.0
        for j in range(ends[0]):
            best = max(best, _single_step(A, r, x, j, l1, l2, loc, lower, upper))
        for k in range(rates.size):
            best = max(best, _group_step(A, r, x, ends[k], ends[k + 1], rates[k], values, vectors))
        if epoch == 0:
            first_best = best
        if best <= relative_tolerance * first_best:
            return epoch + 1
    return epochs


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _single_step(
    A: np.ndarray,
    r: np.ndarray,
    x: np.ndarray,
    j: int,
    l1: np.ndarray,
    l2: np.ndarray,
    loc: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> float:
    """The exact minimum over one coefficient; what the step is worth."""
    curvature = A[j, j] + l2[j]
    old = x[j]
    z = A[j, j] * (old - loc[j]) - r[j]
    if curvature > 0.0:
        soft = math.copysign(max(abs(z) - l1[j], 0.0), z)
        new = loc[j] + soft / curvature
    else:
        new = loc[j] if l1[j] > 0.0 else old
    new = min(max(new, lower[j]), upper[j])
    step = new - old
    if step == 0.0:
        return 0.0
    x[j] = new
    for m in range(x.size):
        r[m] += step * A[j, m]
    return step * step * curvature


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _group_step(
    A: np.ndarray,
    r: np.ndarray,
    x: np.ndarray,
    first: int,
    end: int,
    rate: float,
    values: np.ndarray,
    vectors: np.ndarray,
) -> float:
    """The exact minimum over one group; what the step is worth."""
    size = end - first
    b, new = np.empty(size), np.empty(size)
    for i in range(size):
        b[i] = r[first + i]
        for m in range(size):
            b[i] -= A[first + i, first + m] * x[first + m]
    if not minimise_block(b, rate, values[first:end], vectors[:size, first:end], new):
        return 0.0
    won = 0.0
    for i in range(size):
        j = first + i
        step = new[i] - x[j]
        if step != 0.0:
            x[j] = new[i]
            for m in range(x.size):
                r[m] += step * A[j, m]
            won += step * step * A[j, j]
    return won
