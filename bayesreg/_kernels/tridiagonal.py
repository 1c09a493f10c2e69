"""The log density of t ~ N(0, alpha I + beta M) for many (alpha, beta): O(n) each.

Householder reflections Q make Q M Q' tridiagonal, once, and t becomes Q t. That costs a fraction
of an eigendecomposition and serves as well (Golub and Van Loan, Matrix Computations, 8.3.1).
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def tridiagonalise(M: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal and off-diagonal of Q M Q'; M is destroyed, t becomes Q t.

    Reflection k subtracts v w' + w v' from M. That waits until reflection k + 1 needs M v, so that
    each passes through the upper triangle once.
    """
    n = M.shape[0]
    diagonal, off = np.empty(n), np.zeros(n)
    v, w, last_v, last_w = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for k in range(n):
        diagonal[k] = M[k, k] - 2.0 * last_v[k] * last_w[k]
        square = 0.0
        for j in range(k + 1, n):
            v[j] = M[k, j] - last_v[k] * last_w[j] - last_w[k] * last_v[j]
            square += v[j] * v[j]
            w[j] = 0.0
        if k + 1 == n:
            break
        head = v[k + 1]
        off[k] = head
        half = 0.0
        if k + 2 < n and square > head * head:
            length = np.sqrt(square)
            off[k] = -length if head > 0.0 else length
            v[k + 1] -= off[k]
            half = square + length * abs(head)
        else:
            for j in range(k + 1, n):
                v[j] = 0.0
        _subtract_and_multiply(M, k + 1, last_v, last_w, v, w)
        if half > 0.0:
            _reflect(k + 1, half, v, w, t)
        v, last_v = last_v, v
        w, last_w = last_w, w
    return diagonal, off


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reflect(first: int, half: float, v: np.ndarray, w: np.ndarray, t: np.ndarray) -> None:
    """From w = M v: the w of the update, and t = H t, with H = I - v v' / half, half = v'v / 2."""
    inner, along = 0.0, 0.0
    for j in range(first, v.size):
        w[j] /= half
        inner += w[j] * v[j]
        along += v[j] * t[j]
    for j in range(first, v.size):
        w[j] -= 0.5 * inner / half * v[j]
        t[j] -= along / half * v[j]


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[untyped-decorator]
def _subtract_and_multiply(
    M: np.ndarray,
    first: int,
    last_v: np.ndarray,
    last_w: np.ndarray,
    v: np.ndarray,
    w: np.ndarray,
) -> None:
    """M -= last_v last_w' + last_w last_v' and w = M v, from ``first`` on; two rows in one pass."""
    n = v.size
    i = first
    if (n - first) % 2 == 1:
        M[i, i] -= 2.0 * last_v[i] * last_w[i]
        inner = M[i, i] * v[i]
        for j in range(i + 1, n):
            x = M[i, j] - last_v[i] * last_w[j] - last_w[i] * last_v[j]
            M[i, j] = x
            w[j] += x * v[i]
            inner += x * v[j]
        w[i] += inner
        i += 1
    while i < n:
        one, two = M[i], M[i + 1]
        v1, w1, c1 = last_v[i], last_w[i], v[i]
        v2, w2, c2 = last_v[i + 1], last_w[i + 1], v[i + 1]
        one[i] -= 2.0 * v1 * w1
        one[i + 1] -= v1 * w2 + w1 * v2
        two[i + 1] -= 2.0 * v2 * w2
        inner1 = one[i] * c1 + one[i + 1] * c2
        inner2 = one[i + 1] * c1 + two[i + 1] * c2
        for j in range(i + 2, n):
            x = one[j] - v1 * last_w[j] - w1 * last_v[j]
            y = two[j] - v2 * last_w[j] - w2 * last_v[j]
            one[j], two[j] = x, y
            w[j] += x * c1 + y * c2
            inner1 += x * v[j]
            inner2 += y * v[j]
        w[i] += inner1
        w[i + 1] += inner2
        i += 2


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
