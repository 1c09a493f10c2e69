"""Is the mode the only point with its density?"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem


def mode_is_unique(problem: Problem, v: FloatArray) -> bool:
    """True when no other point attains the same objective.

    Coefficients that could move at no first-order cost are those without curvature whose
    gradient reaches the slope of their penalty; the mode is unique when their columns (centred
    by a flat intercept) are linearly independent. Tibshirani (2013), The lasso problem and
    uniqueness.
    """
    penalty = problem.penalty
    eta = problem.linear_predictor(v)
    pull = -problem.transposed_product(problem.gradient_rows(eta))
    low, high = penalty.subdifferential(v)
    slack = 1e-7 * np.maximum(penalty.l1, np.abs(pull))
    at_rest = (low < high) & (pull > low + slack) & (pull < high - slack)
    free = (penalty.l2 == 0) & ~penalty.is_pinned & ~at_rest
    columns = np.flatnonzero(free)
    if not columns.size:
        return True
    if columns.size > problem.n:
        return False
    h = problem.curvature_rows(eta)
    gram = problem.cross_products(columns, columns, h, None)
    size = np.sqrt(np.diag(gram))
    if np.any(size == 0):
        return False
    if _well_conditioned(gram / size / size[:, None]):
        return True
    block = problem.block(columns) * np.sqrt(h)[:, None]
    return bool(np.linalg.matrix_rank(block / np.linalg.norm(block, axis=0)) == columns.size)


def _well_conditioned(correlation: FloatArray) -> bool:
    """Condition number below 1e10, by LAPACK's estimate from the Cholesky factor."""
    from scipy.linalg.lapack import dpocon, dpotrf

    norm = np.linalg.norm(correlation, 1)
    factor, failed = dpotrf(correlation)
    if failed:
        return False
    reciprocal, _ = dpocon(factor, norm)
    return bool(reciprocal > 1e-10)
