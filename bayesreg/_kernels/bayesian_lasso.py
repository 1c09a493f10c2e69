"""Gibbs sampling of  exp(-||t - A u||^2 / 2 - sum_j l1_j |u_j| + l2_j u_j^2 / 2).

A Laplace density is a scale mixture of normals (Andrews and Mallows 1974; Park and Casella 2008):
with s_j the mixing precision of l1_j u_j,

    u | s  is normal with precision  A'A + D,  D = diag(l2_j + l1_j^2 s_j),  and mean P^-1 A't
    s | u  is inverse-Gaussian with mean 1 / (l1_j |u_j|) and shape 1, independently

Random numbers come from a numpy Generator, used in the order of iterations: a chain does not
depend on how its iterations are divided among calls.
"""

from __future__ import annotations

import numba
import numpy as np

# A pivot below this share of its diagonal is rounding: the matrix is singular to working
# precision.
_SINGULAR = 1e-13
# Floor of a squared standard normal, reached with probability below 1e-50: 1 / 0 at u = 0.
_TINY = 1e-100


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def inverse_gaussian(kappa: float, z: float, uniform: float) -> float:
    """An inverse-Gaussian variate of mean 1 / kappa and shape 1 (Levy for kappa = 0).

    Michael, Schucany and Haas (1976) solve (1 - x kappa)^2 / x = z^2 and choose between its two
    roots. The smaller one is written without a difference,

        x = 1 / (kappa + y / 2 + sqrt(y kappa + y^2 / 4)),   y = z^2,

    taken with probability 1 / (1 + kappa x); the other is 1 / (kappa^2 x).
    """
    y = max(z * z, _TINY)
    x = 1.0 / (kappa + 0.5 * y + np.sqrt(y * kappa + 0.25 * y * y))
    if uniform * (1.0 + kappa * x) <= 1.0:
        return x
    return 1.0 / (kappa * (kappa * x))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_precisions(
    u: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    rng: np.random.Generator,
    precision: np.ndarray,
) -> None:
    """Fill D given u; an entry with l1 = 0 has no mixing variable."""
    for j in range(u.size):
        precision[j] = l2[j]
        if l1[j] > 0.0:
            s = inverse_gaussian(l1[j] * abs(u[j]), rng.standard_normal(), rng.random())
            precision[j] += l1[j] * l1[j] * s


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def cholesky(P: np.ndarray) -> bool:
    """Overwrite the upper triangle of P = R'R by R; False when P is singular to rounding.

    Not LAPACK's: its rounding may change with the number of threads, and with it every draw.
    """
    q = P.shape[0]
    for k in range(q):
        diagonal = P[k, k]
        for i in range(k):
            factor = P[i, k]
            for j in range(k, q):
                P[k, j] -= factor * P[i, j]
        if not P[k, k] > _SINGULAR * diagonal:
            return False
        root = np.sqrt(P[k, k])
        for j in range(k, q):
            P[k, j] /= root
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


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gibbs_gram(
    gram: np.ndarray,
    moment: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
) -> int:
    """Iterate from u (changed in place) with A'A and A't: the cost does not depend on n.

    Returns the iterations done: fewer than ``draws`` has rows when P was singular to rounding.
    """
    q = u.size
    P = np.empty((q, q))
    precision = np.empty(q)
    for t in range(draws.shape[0]):
        draw_precisions(u, l1, l2, rng, precision)
        P[:] = gram
        for j in range(q):
            P[j, j] += precision[j]
        if not cholesky(P):
            return t
        # u = R^-1 (R'^-1 A't + z) has mean P^-1 A't and covariance P^-1.
        u[:] = moment
        solve_transposed(P, u)
        for j in range(q):
            u[j] += rng.standard_normal()
        solve_upper(P, u)
        draws[t] = u
    return int(draws.shape[0])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gibbs_rows(
    design: np.ndarray,
    target: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
) -> int:
    """The same with one factorisation of size n: O(n^2 q) an iteration, for q > n.

    Bhattacharya, Chakraborty and Mallick (2016, Biometrika 103:985): with B = A D^(-1/2),
    z ~ N(0, I_q) and e ~ N(0, I_n),

        u = D^(-1/2) [ z + B' (B B' + I)^-1 (t - B z - e) ].
    """
    n, q = design.shape
    precision = np.empty(q)
    B = np.empty((n, q))
    z = np.empty(q)
    for t in range(draws.shape[0]):
        draw_precisions(u, l1, l2, rng, precision)
        for i in range(n):
            for j in range(q):
                B[i, j] = design[i, j] / np.sqrt(precision[j])
        M = np.dot(B, B.T)
        for i in range(n):
            M[i, i] += 1.0
        if not cholesky(M):
            return t
        for j in range(q):
            z[j] = rng.standard_normal()
        residual = target - np.dot(B, z)
        for i in range(n):
            residual[i] -= rng.standard_normal()
        solve_transposed(M, residual)
        solve_upper(M, residual)
        u[:] = (z + np.dot(B.T, residual)) / np.sqrt(precision)
        draws[t] = u
    return int(draws.shape[0])
