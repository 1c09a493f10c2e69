"""Is the mode the only point with its density?"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem


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
    gram = problem.cross_products(columns, columns, h, None)
    gram = gram if rays is None else rays.T @ gram @ rays
    size = np.sqrt(np.diag(gram))
    if np.any(size == 0):
        return False
    smallest = np.linalg.eigvalsh(gram / size / size[:, None])[0]
    if smallest > 1e-12:
        return True
    block = problem.block(columns) * np.sqrt(h)[:, None]
    block = block if rays is None else block @ rays
    return bool(np.linalg.matrix_rank(block / np.linalg.norm(block, axis=0)) == directions)
