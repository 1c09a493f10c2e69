"""(Z'Z + D) x = b with D of either sign and many more columns than rows.

Under tails the columns P in the spike have D_P well above 0, and only the few others N do not.
With M = I + Z_P D_P^-1 Z_P' and t = Z_P D_P^-1 b_P (Woodbury)

    (Z_N' M^-1 Z_N + D_N) x_N = b_N - Z_N' M^-1 t,
    x_P = D_P^-1 (b_P - Z_P' M^-1 (t + Z_N x_N)),

and Z'Z + D is positive definite exactly where the matrix of the first line is.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray

# Of ||z_j||^2: the least D_j that Woodbury divides by without losing too many digits.
_WELL_ABOVE = 1e-5
# Least pivot of columns of unit length.
_PIVOT = 1e-7


def is_wide(rows: int, columns: int) -> bool:
    """Whether a matrix of all columns costs much more than one of all rows."""
    return columns > 100 and columns > 2 * rows


def solve_definite(A: FloatArray, b: FloatArray) -> FloatArray | None:
    """A^-1 b, or None where A is not safely positive definite."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    diagonal = np.diag(A)
    if not (np.all(np.isfinite(diagonal)) and np.all(diagonal > 0)):
        return None
    size = np.sqrt(diagonal)
    try:
        factor = cho_factor(A / size / size[:, None], lower=True, check_finite=False)
    except LinAlgError:
        return None
    if np.min(np.diag(factor[0]), initial=1.0) < _PIVOT:
        return None
    return cho_solve(factor, b / size if b.ndim == 1 else b / size[:, None], check_finite=False) / (
        size if b.ndim == 1 else size[:, None]
    )


class WideSystem:
    """Z (n, m) once, for many D."""

    def __init__(self, Z: FloatArray) -> None:
        self.Z = Z
        self.squares = np.einsum("ij,ij->j", Z, Z)

    def solve(self, D: FloatArray, b: FloatArray) -> FloatArray | None:
        """The solution, or None where the matrix is not safely positive definite.

        Also None where too many D_j are small for this way to pay.
        """
        large = _WELL_ABOVE * self.squares < D
        N = np.flatnonzero(~large)
        if N.size > 2 * len(self.Z) or not np.all(D + self.squares > 0):
            return None
        inverse = np.where(large, 1.0 / np.where(large, D, 1.0), 0.0)
        Z, Z_N = self.Z, self.Z[:, N]
        M = (Z * inverse) @ Z.T
        M[np.diag_indices_from(M)] += 1.0
        t = Z @ (inverse * b)
        solved = solve_definite(M, np.column_stack([t, Z_N]))
        if solved is None:
            return None
        schur = Z_N.T @ solved[:, 1:]
        schur[np.diag_indices_from(schur)] += D[N]
        x_N = solve_definite(schur, b[N] - Z_N.T @ solved[:, 0])
        if x_N is None:
            return None
        x = inverse * (b - Z.T @ (solved[:, 0] + solved[:, 1:] @ x_N))
        x[N] = x_N
        return x
