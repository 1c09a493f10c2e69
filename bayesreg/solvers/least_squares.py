"""The least sum of squares that coefficients inside their bounds attain.

It is a proof's lower bound, so that dependent columns must not spoil it: they are told by their
singular values, and what is left is taken from the residual, not from the coefficients.
"""

from __future__ import annotations

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)

# A sparse design of fewer entries is solved as a dense one, which is exact.
_DENSE_ENTRIES = 1_000_000

# Of the gradient beside the target, columns of unit length: beyond it bvls has not arrived.
_STATIONARY = 1e-9


def least_squares(problem: Problem, movable: BoolArray, l2: FloatArray) -> float:
    """min of sum_i s_i r_i^2 + sum_j l2_j (v_j - loc_j)^2 over the movable entries, in bounds.

    A lower bound of it (0) where an iterative method does not arrive.
    """
    penalty = problem.penalty
    columns = np.flatnonzero(movable & ~penalty.is_pinned)
    root = np.sqrt(problem.weights)
    target = root * (problem.y - problem.linear_predictor(problem.start))
    if not columns.size:
        return float(target @ target)
    low, high = (
        bound[columns] - problem.start[columns] for bound in (penalty.lower, penalty.upper)
    )
    pull = np.sqrt(l2[columns])
    away = pull * (penalty.loc - problem.start)[columns]
    if design.is_sparse(problem.X) and problem.n * columns.size > _DENSE_ENTRIES:
        return _sparse_squares(problem, columns, root, pull, np.append(target, away), low, high)
    block = problem.block(columns) * root[:, None]
    size = np.hypot(np.linalg.norm(block, axis=0), pull)
    size = np.where(size > 0, size, 1.0)
    if np.any(pull > 0):
        block, target = np.vstack([block, np.diag(pull)]), np.append(target, away)
    residual = _residual(block / size, target, low * size, high * size)
    return float(residual @ residual)


def _residual(A: FloatArray, b: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """b - A x at the best x between the bounds; the columns of A have unit length."""
    if np.all(np.isinf(low)) and np.all(np.isinf(high)):
        return _beyond_span(A, b)
    from scipy.optimize import lsq_linear

    found = lsq_linear(A, b, (low, high), "bvls")
    best = _finished(A, b, found.x, low, high)
    if found.optimality > _STATIONARY * np.linalg.norm(b):
        other = lsq_linear(A, b, (low, high), "trf", tol=1e-14, max_iter=1000)
        residual = _finished(A, b, other.x, low, high)
        best = min(best, residual, key=np.linalg.norm)
    return best


def _beyond_span(A: FloatArray, b: FloatArray) -> FloatArray:
    """b less its projection on the columns of A; twice, which is enough (Kahan)."""
    for _ in range(2):
        b = b - A @ np.linalg.lstsq(A, b, rcond=max(A.shape) * _EPS)[0]
    return b


def _finished(
    A: FloatArray, b: FloatArray, x: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """The residual at x, the entries inside their bounds solved for once more."""
    residual = b - A @ x
    inside = (x > low) & (x < high)
    if not inside.any():
        return residual
    step = np.zeros(x.size)
    step[inside] = np.linalg.lstsq(A[:, inside], residual, rcond=max(A.shape) * _EPS)[0]
    moved = np.clip(x + step, low, high)
    return min(residual, b - A @ moved, key=np.linalg.norm)


def _sparse_squares(
    problem: Problem,
    columns: IntArray,
    root: FloatArray,
    pull: FloatArray,
    target: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> float:
    """The same with a sparse design, which stays sparse."""
    from scipy.optimize import lsq_linear
    from scipy.sparse import csc_array, diags_array, hstack, vstack
    from scipy.sparse.linalg import lsmr

    parts = [problem.X[:, columns[columns < problem.p]]]
    if np.any(columns >= problem.p):
        parts.append(csc_array(np.ones((problem.n, 1))))
    block = vstack([diags_array(root) @ hstack(parts), diags_array(pull)]).tocsc()
    size = np.sqrt(np.asarray(block.power(2).sum(axis=0)).ravel())
    block = (block @ diags_array(1.0 / np.where(size > 0, size, 1.0))).tocsc()
    if np.all(np.isinf(low)) and np.all(np.isinf(high)):
        found = lsmr(block, target, atol=1e-14, btol=1e-14, conlim=0, maxiter=5000)
        solution, arrived = found[0], found[1] != 7
    else:
        result = lsq_linear(block, target, (low * size, high * size), "trf", tol=1e-14)
        solution, arrived = result.x, result.status > 0
    residual = target - block @ solution
    return float(residual @ residual) if arrived else 0.0
