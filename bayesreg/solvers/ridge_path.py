"""Modes under a Gaussian likelihood and Normal priors at every scale, from one reduction.

In units of the prior's standard deviation the normal equations at factor g are

    (K + 1/g) z = b

for all g at once (``shifted``).  K is p x p from the moments of the data, or n x n from the
products of the rows, whichever is smaller.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.shifted import solve_shifted


def is_plain_ridge(problem: Problem) -> bool:
    """Normal priors on all coefficients, no bounds; the intercept flat or absent."""
    penalty = problem.penalty.take(slice(0, problem.p))
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    return (
        isinstance(problem.likelihood, Gaussian)
        and (problem.flat_intercept or not problem.has_intercept)
        and bool(np.all((penalty.l1 == 0) & (penalty.l2 > 0) & unbounded))
    )


def ridge_from_moments(moments: Moments, penalty: Penalty, g: FloatArray) -> FloatArray:
    """Distances from ``start`` at each factor, by the p x p matrix."""
    deviation = 1.0 / np.sqrt(penalty.l2)
    K = moments.gram * deviation
    K *= deviation[:, None]
    return solve_shifted(K, deviation * moments.cross, 1.0 / g) * deviation


def ridge_from_rows(problem: Problem, g: FloatArray) -> FloatArray:
    """Extended vectors at each factor, by the n x n matrix of row products."""
    p = problem.p
    by_row = problem.weights / problem.likelihood.noise**2
    root, l2 = np.sqrt(by_row), problem.penalty.l2[:p]
    mean = problem.X.T @ by_row / np.sum(by_row) if problem.flat_intercept else None
    start = problem.start[:p]
    residual = problem.y - problem.offset
    residual = residual - problem.X @ start if start.any() else residual
    if mean is not None:
        residual = residual - by_row @ residual / np.sum(by_row)
    K = problem.row_products(np.arange(p), 1.0 / l2, mean)
    K *= root
    K *= root[:, None]
    dual = solve_shifted(K, root * residual, 1.0 / g) * root
    v = np.empty((g.size, problem.size))
    w = v[:, :p]
    if is_sparse(problem.X):
        w[:] = (problem.X.T @ dual.T).T
    else:
        np.matmul(dual, problem.X, out=w)
    if mean is not None:
        w -= np.sum(dual, axis=1)[:, None] * mean
    w /= l2
    w += start
    if mean is not None:
        v[:, p] = by_row @ (problem.y - problem.offset) / np.sum(by_row) - w @ mean
    return v
