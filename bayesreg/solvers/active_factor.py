"""A Cholesky factor of the moments of the columns off their kink, one column in or out at a time.

    D^-1 G D^-1 = L L',        D = diag(G)^(1/2)

so that a pivot near 0 means a column that the others make up, whatever its units.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray

# Squared pivot of a column of unit length below which it is taken to depend on the others.
_DEPENDENT = 1e-12


class ActiveFactor:
    """L and D of the columns so far, in the order in which they came."""

    def __init__(self) -> None:
        self.size = 0
        self._L = np.empty((16, 16), order="F")
        self._norm = np.empty(16)

    def add(self, cross: FloatArray, square: float) -> bool:
        """Bring in a column by its products with the others and itself; False if dependent."""
        from scipy.linalg.blas import dtrsv

        k = self.size
        if not square > 0:
            return False
        norm = float(np.sqrt(square))
        row = cross / self._norm[:k] / norm
        if k:
            row = dtrsv(self._L[:k, :k], row, lower=1)
        pivot = 1.0 - float(row @ row)
        if not pivot > _DEPENDENT:
            return False
        self._make_room()
        self._L[k, :k], self._L[:k, k], self._L[k, k] = row, 0.0, np.sqrt(pivot)
        self._norm[k] = norm
        self.size = k + 1
        return True

    def remove(self, i: int) -> None:
        """Take out column i: those after it are turned back into a triangle by rotations."""
        k, L = self.size, self._L
        L[i : k - 1, :k] = L[i + 1 : k, :k]
        self._norm[i : k - 1] = self._norm[i + 1 : k]
        for j in range(i, k - 1):
            radius = np.hypot(L[j, j], L[j, j + 1])
            cosine, sine = L[j, j] / radius, L[j, j + 1] / radius
            left, right = L[j : k - 1, j].copy(), L[j : k - 1, j + 1]
            L[j : k - 1, j] = cosine * left + sine * right
            L[j : k - 1, j + 1] = cosine * right - sine * left
        self.size = k - 1

    def solve(self, b: FloatArray) -> FloatArray:
        """G^-1 b."""
        from scipy.linalg.lapack import dpotrs

        k = self.size
        if not k:
            return np.zeros(0)
        norm = self._norm[:k]
        return np.asarray(dpotrs(self._L[:k, :k], b / norm, lower=1)[0]) / norm

    def _make_room(self) -> None:
        if self.size < self._norm.size:
            return
        room = 2 * self.size
        L, norm = np.empty((room, room), order="F"), np.empty(room)
        L[: self.size, : self.size] = self._L
        norm[: self.size] = self._norm
        self._L, self._norm = L, norm
