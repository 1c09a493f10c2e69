"""Small dense systems: own loops, which are faster than LAPACK below about a hundred columns."""

from __future__ import annotations

import numba
import numpy as np

# A pivot below this share of its diagonal is rounding: the matrix is singular to working
# precision.
_SINGULAR = 1e-13


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def cholesky(P: np.ndarray) -> bool:
    """Overwrite the upper triangle of P = R'R by R; False when P is singular to rounding."""
    q = P.shape[0]
    for k in range(q):
        diagonal = P[k, k]
        for i in range(k):
            factor = P[i, k]
            for j in range(k, q):
                P[k, j] -= factor * P[i, j]
        if not P[k, k] > _SINGULAR * diagonal:
            return False
        root = 1.0 / np.sqrt(P[k, k])
        for j in range(k, q):
            P[k, j] *= root
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve_transposed(R: np.ndarray, b: np.ndarray) -> None:
    """Overwrite b by R'^-1 b, R upper triangular."""
    for k in range(b.size):
        b[k] /= R[k, k]
        for j in range(k + 1, b.size):
            b[j] -= R[k, j] * b[k]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve_upper(R: np.ndarray, b: np.ndarray) -> None:
    """Overwrite b by R^-1 b, R upper triangular."""
    for k in range(b.size - 1, -1, -1):
        total = b[k]
        for j in range(k + 1, b.size):
            total -= R[k, j] * b[j]
        b[k] = total / R[k, k]
