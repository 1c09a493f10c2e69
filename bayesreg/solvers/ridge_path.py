"""Modes under a Gaussian likelihood and Normal priors at every scale, from one eigendecomposition.

In units of the prior's standard deviation the normal equations at factor g are

    (K + 1/g) z = b,        K = Q diag(k) Q'

so that each scale costs a division by k + 1/g.  K is p x p from the moments of the data, or n x n
from the products of the rows, whichever is smaller.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem


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
    from scipy.linalg import eigh

    deviation = 1.0 / np.sqrt(penalty.l2)
    values, Q = eigh(moments.gram * np.outer(deviation, deviation), check_finite=False)
    rotated = Q.T @ (deviation * moments.cross)
    with np.errstate(divide="ignore"):
        z = rotated / (np.maximum(values, 0.0) + 1.0 / g[:, None])
    return (z @ Q.T) * deviation


def ridge_from_rows(problem: Problem, g: FloatArray) -> FloatArray:
    """Extended vectors at each factor, by the n x n matrix of row products."""
    from scipy.linalg import eigh

    p = problem.p
    by_row = problem.weights / problem.likelihood.noise**2
    root, l2 = np.sqrt(by_row), problem.penalty.l2[:p]
    mean = problem.X.T @ by_row / np.sum(by_row) if problem.flat_intercept else None
    start = problem.start[:p]
    residual = problem.y - problem.offset - problem.X @ start
    if mean is not None:
        residual = residual - by_row @ residual / np.sum(by_row)
    K = problem.row_products(np.arange(p), 1.0 / l2, mean) * np.outer(root, root)
    values, Q = eigh(K, check_finite=False)
    rotated = Q.T @ (root * residual)
    dual = (rotated / (np.maximum(values, 0.0) + 1.0 / g[:, None])) @ Q.T * root
    pulls = np.asarray(problem.X.T @ dual.T).T
    if mean is None:
        return start + pulls / l2
    w = start + (pulls - np.sum(dual, axis=1)[:, None] * mean) / l2
    target = by_row @ (problem.y - problem.offset) / np.sum(by_row)
    return np.concatenate([w, (target - w @ mean)[:, None]], axis=1)
