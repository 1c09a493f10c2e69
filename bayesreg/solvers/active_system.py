"""The linear system of an active set: free columns and the duals of the rows that are met.

    [ X   0 ] [dv]   [ z ]
    [ -l2 X'] [dd] = [-g ]

in columns and rows of unit size, with refinement by the caller.  Columns with curvature are
eliminated where they are many; where the system leaves a choice, its least solution is taken.
"""

from __future__ import annotations

import warnings

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.solvers.corners import Corners

# Columns with curvature are eliminated from the system beyond this many.
_DENSE = 400


class LinearSystem:
    """The linear system of an active set, in columns and rows of unit size.

    Columns with curvature are eliminated where they are many:

        [ K    B  ] [d]   [ z - X_q (g_q / l2) ]
        [ B'  -l2 ] [v] = [ -g                 ],    K = X_q l2^-1 X_q'.
    """

    def __init__(self, corners: Corners, rows: IntArray, free: IntArray) -> None:
        problem = corners.problem
        l2 = problem.penalty.l2[free]
        block = problem.block(free)[rows] if rows.size else np.zeros((0, free.size))
        self._many = free.size > _DENSE
        self._curved = (l2 > 0) if self._many or not rows.size else np.zeros(free.size, dtype=bool)
        self._l2, self._block = l2, block
        strong = block[:, self._curved]
        K = (strong / l2[self._curved]) @ strong.T
        B, h = block[:, ~self._curved], l2[~self._curved]
        self._matrix = np.block([[K, B], [B.T, -np.diag(h)]]) if h.size + rows.size else None
        self._rows = rows.size
        self._prepare()

    def _prepare(self) -> None:
        """Bring the symmetric matrix to unit rows, and factorise it where it is regular."""
        from scipy.linalg import lu_factor
        from scipy.linalg.lapack import dgecon

        if self._matrix is None or not self._matrix.size:
            self._factor = None
            return
        size = np.ones(self._matrix.shape[0])
        for _ in range(8):
            largest = np.max(np.abs(self._matrix) * size * size[:, None], axis=1)
            size = size / np.sqrt(np.where(largest > 0, largest, 1.0))
        self._size = size
        self._scaled = self._matrix * size * size[:, None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            factor = lu_factor(self._scaled, check_finite=False)
        norm = float(np.max(np.sum(np.abs(self._scaled), axis=0)))
        regular = dgecon(factor[0], norm)[0] > 1e-13
        self._factor = factor if regular else None

    def solve(self, z: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Changes of the free columns and of the duals of the rows."""
        from scipy.linalg import lu_solve

        v = np.zeros(self._l2.size)
        curved = self._curved
        right_curved = g[curved] / self._l2[curved]
        d = np.zeros(self._rows)
        if self._matrix is not None and self._matrix.size:
            right = np.concatenate([z - self._block[:, curved] @ right_curved, -g[~curved]])
            if self._factor is not None:
                found = lu_solve(self._factor, right * self._size, check_finite=False)
            else:
                found = _least_solution(self._scaled, right * self._size)
            found = found * self._size
            d, v[~curved] = found[: self._rows], found[self._rows :]
        v[curved] = right_curved + (self._block[:, curved].T @ d) / self._l2[curved]
        return v, d


def _least_solution(matrix: FloatArray, right: FloatArray) -> FloatArray:
    from scipy.linalg import lstsq

    solution: FloatArray = lstsq(matrix, right, cond=1e-11, lapack_driver="gelsy",
                                 check_finite=False)[0]  # fmt: skip
    return solution
