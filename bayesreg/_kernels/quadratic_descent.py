"""Cyclic coordinate descent on a quadratic plus a separable penalty, with the matrix at hand.

    minimise  r'd + d'H d / 2 + sum_j l1_j |v_j - loc_j| + l2_j (v_j - loc_j)^2 / 2,   v = v0 + d

``r`` is kept equal to the gradient of the quadratic at the current v.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def quadratic_descent(
    H: np.ndarray,
    r: np.ndarray,
    v: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    loc: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    epochs: int,
    relative_tolerance: float,
) -> int:
    """Change v and r in place; stop when an epoch's best step wins a negligible share.

    Shares are of the best step of the first epoch. Returns the epochs used.
    """
    first_best = 0.0
    for epoch in range(epochs):
        best = 0.0
        for j in range(v.size):
            curvature = H[j, j] + l2[j]
            old = v[j]
            z = H[j, j] * (old - loc[j]) - r[j]
            if curvature > 0.0:
                if z > l1[j]:
                    new = loc[j] + (z - l1[j]) / curvature
                elif z < -l1[j]:
                    new = loc[j] + (z + l1[j]) / curvature
                else:
                    new = loc[j]
            else:
                new = loc[j] if l1[j] > 0.0 else old
            new = min(max(new, lower[j]), upper[j])
            step = new - old
            if step != 0.0:
                v[j] = new
                for k in range(v.size):
                    r[k] += step * H[j, k]
                best = max(best, step * step * curvature)
        if epoch == 0:
            first_best = best
        if best <= relative_tolerance * first_best:
            return epoch + 1
    return epochs
