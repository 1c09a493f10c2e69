"""Dense systems: own loops for the sizes at which they are faster than LAPACK."""

from __future__ import annotations

import numba
import numpy as np

# A pivot below this share of its diagonal is rounding: the matrix is singular to working
# precision.
_SINGULAR = 1e-13
# Up to here the loops win.
_SMALL = 80


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def cholesky(P: np.ndarray) -> bool:
    """Overwrite the upper triangle of P = R'R by R; False when P is singular to rounding.

    Raises
    ------
    numpy.linalg.LinAlgError
        In place of False, from LAPACK.
    """
    if P.shape[0] <= _SMALL:
        return _cholesky_by_rows(P)
    lower = np.linalg.cholesky(P)
    for k in range(P.shape[0]):
        if not lower[k, k] * lower[k, k] > _SINGULAR * P[k, k]:
            return False
    for k in range(P.shape[0]):
        for j in range(k, P.shape[0]):
            P[k, j] = lower[j, k]
    return True


@numba.njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def _cholesky_by_rows(P: np.ndarray) -> bool:
    """Row k of R at a time, four of the rows above it in one pass."""
    q = P.shape[0]
    for k in range(q):
        row, diagonal = P[k], P[k, k]
        i = 0
        while i + 4 <= k:
            a, b, c, d = P[i], P[i + 1], P[i + 2], P[i + 3]
            at_a, at_b, at_c, at_d = a[k], b[k], c[k], d[k]
            for j in range(k, q):
                row[j] -= at_a * a[j] + at_b * b[j] + at_c * c[j] + at_d * d[j]
            i += 4
        while i < k:
            above = P[i]
            at_k = above[k]
            for j in range(k, q):
                row[j] -= at_k * above[j]
            i += 1
        if not row[k] > _SINGULAR * diagonal:
            return False
        root = 1.0 / np.sqrt(row[k])
        for j in range(k, q):
            row[j] *= root
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
