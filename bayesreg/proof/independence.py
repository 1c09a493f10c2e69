"""Are columns linearly independent, shown in single precision on some of the rows?

Columns that are independent on some rows are so on all of them, and eigenvalues well above the
rounding of single precision are above 0 whatever that rounding did.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.problem import Problem

# Fewer columns than this are quickly done exactly.
_WORTH = 100
_ROWS_PER_COLUMN = 2
# A lower bound on the least eigenvalue of the correlations. Their rounding in single precision is
# at most 6e-8 (n + 4) per entry, and of random sign.
_LEAST = 1e-3


def shown_independent(problem: Problem, columns: IntArray, h: FloatArray) -> bool:
    """True where the extended columns, times root h, are independent; False: not shown."""
    if columns.size < _WORTH or is_sparse(problem.X) or not np.all(h > 0):
        return False
    rows = slice(0, _ROWS_PER_COLUMN * columns.size)
    block = problem.block(columns, rows)
    with np.errstate(all="ignore"):
        single = block.astype(np.float32)
        gram = single.T @ single
        size = np.sqrt(np.diagonal(gram))
        correlation = gram / size / size[:, None]
    return bool(np.all(np.isfinite(correlation))) and _least_eigenvalue_above(correlation)


def _least_eigenvalue_above(correlation: FloatArray) -> bool:
    """1 / |inverse|_1, LAPACK's estimate from the Cholesky factor, exceeds the bound."""
    from scipy.linalg.lapack import spocon, spotrf

    norm = np.max(np.sum(np.abs(correlation), axis=0))
    factor, failed = spotrf(correlation.T, overwrite_a=1, clean=0)
    if failed:
        return False
    reciprocal, _ = spocon(factor, norm)
    return bool(reciprocal * norm > _LEAST)
