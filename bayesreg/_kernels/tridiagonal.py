"""The log density of t ~ N(0, alpha I + beta M) for many (alpha, beta): O(n) each.

Householder reflections Q make Q M Q' tridiagonal, once, and t becomes Q t. That costs a fraction
of an eigendecomposition and serves as well (Golub and Van Loan, Matrix Computations, 8.3.1).
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def tridiagonalise(M: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal and off-diagonal of Q M Q'; M is destroyed, t becomes Q t."""
    n = M.shape[0]
    off = np.zeros(n)
    v, product = np.empty(n), np.empty(n)
    for k in range(n - 2):
        square = 0.0
        for j in range(k + 1, n):
            v[j] = M[k, j]
            square += v[j] * v[j]
        length = np.sqrt(square)
        off[k] = v[k + 1]
        if square - v[k + 1] * v[k + 1] <= 0.0:
            continue
        off[k] = -length if v[k + 1] > 0.0 else length
        v[k + 1] -= off[k]
        half = 0.5 * (square + length * abs(M[k, k + 1]))
        # v'v = 2 (square + length |first|), so that I - v v' / (2 half) is the reflection.
        _reflect(M, t, v, product, k + 1, 2.0 * half)
    if n > 1:
        off[n - 2] = M[n - 2, n - 1]
    return np.diag(M).copy(), off


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reflect(
    M: np.ndarray, t: np.ndarray, v: np.ndarray, product: np.ndarray, first: int, half: float
) -> None:
    """M = H M H and t = H t from row ``first`` on, H = I - v v' / half, half = v'v / 2."""
    n = M.shape[0]
    product[first:] = 0.0
    along = 0.0
    for i in range(first, n):
        along += v[i] * t[i]
        for j in range(first, n):
            product[j] += M[i, j] * v[i]
    inner = 0.0
    for j in range(first, n):
        product[j] /= half
        inner += product[j] * v[j]
    for j in range(first, n):
        product[j] -= 0.5 * inner / half * v[j]
        t[j] -= along / half * v[j]
    for i in range(first, n):
        left, right = v[i], product[i]
        for j in range(first, n):
            M[i, j] -= left * product[j] + right * v[j]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def normal_log_density(
    diagonal: np.ndarray, off: np.ndarray, t: np.ndarray, alpha: float, beta: float
) -> float:
    """-log det(C) / 2 - t' C^-1 t / 2, C = alpha I + beta T; -inf where C is not positive."""
    total, above, pivot, carried = 0.0, 0.0, 1.0, 0.0
    for i in range(t.size):
        ratio = above / pivot
        carried = t[i] - ratio * carried
        pivot = alpha + beta * diagonal[i] - ratio * above
        if not pivot > 0.0:
            return -np.inf
        total -= np.log(pivot) + carried * carried / pivot
        above = beta * off[i]
    return 0.5 * total
