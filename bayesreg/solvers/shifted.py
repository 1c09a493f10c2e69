"""(K + s I)^-1 b for many shifts s, from one reduction of K to tridiagonal form.

With K = Q T Q', T tridiagonal,  (K + s I)^-1 b = Q (T + s I)^-1 Q' b:  linear time for each shift
and one product with Q for all of them.  An eigendecomposition would go on from T for longer than
it took to get there.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray


def solve_shifted(K: FloatArray, b: FloatArray, shifts: FloatArray) -> FloatArray:
    """(K + s I)^-1 b for each positive s, one row each; K, positive semidefinite, is destroyed."""
    from scipy.linalg.lapack import dptsv, dsytrd, dsytrd_lwork

    n = b.size
    if n == 1:
        return b / (K[0, 0] + shifts[:, None])
    work = int(dsytrd_lwork(n, lower=1)[0])
    # K is symmetric: its transpose is in LAPACK's order.
    packed, diagonal, beside, tau, _ = dsytrd(K.T, lower=1, lwork=work, overwrite_a=1)
    # From the second row on, with the entries of the next column's first row at its end.
    reflectors = packed.ravel(order="K")[1 : 1 + n * (n - 1)].reshape((n, n - 1), order="F")
    right = _times_reflectors(reflectors, tau, b[:, None], "T")[:, 0]
    solved = np.empty((n, shifts.size), order="F")
    for k, shift in enumerate(shifts.tolist()):
        solved[:, k], failed = dptsv(diagonal + shift, beside, right)[2:]
        if failed:
            # Rounding has pushed an eigenvalue of T below -s.
            solved[:, k] = _least_solution(diagonal, beside, right, shift)
    return _times_reflectors(reflectors, tau, solved, "N").T


def _times_reflectors(
    reflectors: FloatArray, tau: FloatArray, B: FloatArray, trans: str
) -> FloatArray:
    """Q B or Q' B; Q leaves the first entry alone."""
    from scipy.linalg.lapack import dormqr

    product = np.array(B, order="F")
    rest = np.asfortranarray(B[1:])
    work = int(dormqr("L", trans, reflectors, tau, rest, -1)[1][0])
    product[1:] = dormqr("L", trans, reflectors, tau, rest, work)[0]
    return product


def _least_solution(
    diagonal: FloatArray, beside: FloatArray, right: FloatArray, shift: float
) -> FloatArray:
    """By eigenvalues, those below 0 taken for the rounding of 0."""
    from scipy.linalg import eigh_tridiagonal

    values, vectors = eigh_tridiagonal(diagonal, beside, check_finite=False)
    solution: FloatArray = vectors @ ((vectors.T @ right) / (np.maximum(values, 0.0) + shift))
    return solution
