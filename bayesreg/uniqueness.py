"""Is the mode the only point with its density?"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.independence import shown_independent
from bayesreg.problem import Problem

_MANY = 2000


def mode_is_unique(problem: Problem, v: FloatArray) -> bool:
    """True when no other point attains the same objective.

    Coefficients that could move at no first-order cost are those without curvature whose
    gradient reaches the slope of their penalty; the mode is unique when their columns (centred
    by a flat intercept) are linearly independent. A group moves along one direction only, its
    norm being curved in the others. Tibshirani (2013), The lasso problem and uniqueness.
    """
    penalty = problem.penalty
    eta = problem.linear_predictor(v)
    pull = -problem.transposed_product(problem.gradient_rows(eta))
    low, high = penalty.subdifferential(v)
    slack = 1e-7 * np.maximum(penalty.l1, np.abs(pull))
    at_rest = (low < high) & penalty.strictly_inside(v, pull, slack)
    free = (penalty.l2 == 0) & ~penalty.is_pinned & ~at_rest
    columns = np.flatnonzero(free)
    if not columns.size:
        return True
    rays = penalty.rays(pull, columns)
    directions = columns.size if rays is None else rays.shape[1]
    if directions > problem.n:
        return False
    h = problem.curvature_rows(eta)
    if is_sparse(problem.X) and columns.size > _MANY and _independent(problem, columns, h):
        return True
    if rays is None and shown_independent(problem, columns, h):
        return True
    gram = problem.cross_products(columns, columns, h, None)
    gram = gram if rays is None else rays.T @ gram @ rays
    size = np.sqrt(np.diag(gram))
    if np.any(size == 0):
        return False
    if _well_conditioned(gram / size / size[:, None]):
        return True
    block = problem.block(columns) * np.sqrt(h)[:, None]
    block = block if rays is None else block @ rays
    return bool(np.linalg.matrix_rank(block / np.linalg.norm(block, axis=0)) == directions)


def _well_conditioned(correlation: FloatArray) -> bool:
    """Condition number below 1e10, by LAPACK's estimate from the Cholesky factor."""
    from scipy.linalg.lapack import dpocon, dpotrf

    norm = np.linalg.norm(correlation, 1)
    factor, failed = dpotrf(correlation)
    if failed:
        return False
    reciprocal, _ = dpocon(factor, norm)
    return bool(reciprocal > 1e-10)


def _independent(problem: Problem, columns: IntArray, h: FloatArray) -> bool:
    """The least eigenvalue of the correlations is well above 0, by Lanczos; False: not shown."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    real = columns[columns < problem.p]
    Z = diags_array(np.sqrt(h)) @ problem.X[:, real]
    Z = Z @ diags_array(1.0 / np.sqrt(np.asarray(Z.power(2).sum(axis=0)).ravel()))
    ones = np.sqrt(h / np.sum(h))
    centred = columns.size > real.size
    sums = Z.T @ ones if centred else np.zeros(real.size)

    def product(x: FloatArray) -> FloatArray:
        return Z.T @ (Z @ x) - sums * (sums @ x)

    operator = LinearOperator((real.size, real.size), matvec=product, dtype=np.float64)
    try:
        least = eigsh(operator, 1, which="SA", tol=0.1, maxiter=60, return_eigenvectors=False,
                      v0=np.ones(real.size))  # fmt: skip
    except ArpackNoConvergence:
        return False
    return bool(least[0] > 1e-6)
