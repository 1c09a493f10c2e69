"""Normal priors where a square matrix of columns or rows would cost too much: Newton's method, its
linear systems solved by conjugate gradients (``newton_system``).

Far from the mode a system is solved to a tenth, then as exactly as the quadratic model holds, in
the end to the rounding of the gradient.  Eisenstat and Walker (1996), Choosing the forcing terms in
an inexact Newton method.  Each gradient comes from X anew: for a Gaussian likelihood that is
iterative refinement.

Where the steps run out, or the rounding is not reached, the general method goes on from there.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian, is_smooth
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution
from bayesreg.solvers.newton_system import Columns, NewtonSystem, eliminated

_EPS = float(np.finfo(float).eps)

# Columns that are eliminated, at most.
_MOST_ELIMINATED = 50
# What a step costs in the multiply-adds that a factorisation does in the same time: for each stored
# entry of a sparse X and of a dense one, each entry of a vector, and in any case.
_SPARSE_ENTRY, _DENSE_ENTRY, _VECTOR_ENTRY, _CALLS = 80.0, 40.0, 200.0, 2e6
# A term of a product of two sparse matrices, in the same unit.
_SPARSE_TERM = 100.0
# Hessians that Newton's method takes for a likelihood that is not Gaussian, and the steps that have
# to be cheaper than these.
_HESSIANS, _STEPS = 5.0, 100.0
# What else an iteration does, in steps.
_OTHER_STEPS = 4
# Of the squared length of the residual, in the norm of the preconditioner, this much may be left.
_LEFT = 1e-2
# Beyond the expected rounding of that squared length it is not to be won, or should have been.
_AT_ROUNDING, _NEAR_ROUNDING = 4.0, 400.0
# A square matrix of more columns or rows than this is not formed: it would not fit into memory.
_LARGEST_ORDER = 40_000


def conjugate_gradients_pay(problem: Problem) -> bool:
    """Smooth with proper Normal priors, but for few columns, and a Hessian costs many steps."""
    penalty = problem.penalty
    if not (problem.convex and penalty.is_separable and is_smooth(problem.likelihood)):
        return False
    free = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    if np.any(penalty.l1) or not np.all(free | penalty.is_pinned):
        return False
    return eliminated(problem).size <= _MOST_ELIMINATED and _steps_allowed(problem) >= _STEPS


def hessian_fits(problem: Problem) -> bool:
    """The general method could go on from where the steps ran out."""
    return _order(problem) <= _LARGEST_ORDER


def _order(problem: Problem) -> int:
    """Of the square matrix that the general method factorises."""
    proper = np.all(problem.penalty.l2[: problem.p] > 0)
    return min(problem.n, problem.p) if proper else problem.p


def _steps_allowed(problem: Problem) -> float:
    """Steps that cost as much as the factorisations of the general method."""
    n, p, order = problem.n, problem.p, _order(problem)
    if is_sparse(problem.X):
        entries = float(problem.X.nnz)
        hessian = _SPARSE_TERM * entries**2 / max(n, p)
        step = _SPARSE_ENTRY * entries
    else:
        hessian, step = float(n * p * order), _DENSE_ENTRY * n * p
    hessian += order**3 / 3.0
    step += _VECTOR_ENTRY * (n + p) + _CALLS
    hessians = 1.0 if isinstance(problem.likelihood, Gaussian) else _HESSIANS
    return hessians * hessian / step


def minimise_by_conjugate_gradients(
    problem: Problem, start: FloatArray, aim: float, max_iterations: int
) -> Solution:
    """The minimum of J, to a duality gap of about ``aim`` nats or to the rounding of its gradient.

    ``settled`` is False where that was not reached; the point is no worse than ``start``.
    """
    left, last, system = _steps_allowed(problem), np.inf, None
    with np.errstate(all="ignore"):
        columns, v = Columns.of(problem), start
        for iteration in range(1, max_iterations + 1):
            eta = problem.linear_predictor(v)
            system = NewtonSystem.at(problem, columns, eta, system)
            if system is None:
                return Solution(v, iteration, False)
            gradient = system.gradient(v, eta)
            size, rounding = system.size(gradient), system.rounding(v, eta)
            if not np.isfinite(size):
                return Solution(start, iteration, False)
            near = size <= _NEAR_ROUNDING * rounding
            stalled = near and size > 0.25 * last
            if stalled or size <= _AT_ROUNDING * rounding or system.gap(gradient) <= aim:
                return Solution(_balanced(problem, v, eta), iteration, True)
            if left < 1:
                break
            wanted = max(0.1 * rounding, size * _forcing(problem, system, size))
            direction, steps = system.solve(gradient, wanted, 0.1 * aim, int(left))
            moved = _line_search(problem, v, eta, system.whole(direction, eta, v))
            if moved is None:
                break
            v, left, last = moved, left - steps - _OTHER_STEPS, size
    return Solution(v, iteration, False)


def _forcing(problem: Problem, system: NewtonSystem, size: float) -> float:
    """The part of ``size`` that the change of the curvature along the step leaves anyway."""
    if isinstance(problem.likelihood, Gaussian):
        return 0.0
    return min(_LEFT, size / float(np.sum(system.h)))


def _line_search(
    problem: Problem, v: FloatArray, eta: FloatArray, step: FloatArray
) -> FloatArray | None:
    """The first of the steps 1, 1/2, 1/4, ... that lowers J by a quarter of what it promises."""
    before = problem.value(v, eta)
    full = problem.linear_predictor(v + step)
    theta = problem.gradient_rows(eta)
    promise = float(theta @ (full - eta) + problem.penalty.slope(v) @ step)
    slack = 256 * _EPS * abs(before)
    for halving in range(60):
        share = 0.5**halving
        moved = v + share * step
        moved_eta = full if halving == 0 else eta + share * (full - eta)
        if problem.value(moved, moved_eta) <= before + 0.25 * share * min(promise, 0.0) + slack:
            return moved
    return None


def _balanced(problem: Problem, v: FloatArray, eta: FloatArray) -> FloatArray:
    """With the eliminated columns at their optimum: then they are no part of the gap."""
    columns, v = eliminated(problem), v.copy()
    beside = problem.block(columns)
    for _ in range(5 if columns.size else 0):
        h, theta = problem.curvature_rows(eta), problem.gradient_rows(eta)
        penalty = problem.penalty
        inner = beside.T @ (h[:, None] * beside) + np.diag(penalty.l2[columns])
        step = -np.linalg.solve(inner, beside.T @ theta + penalty.slope(v)[columns])
        if not np.all(np.isfinite(step)):
            break
        v[columns] += step
        eta = eta + beside @ step
        if np.max(np.abs(beside @ step)) <= 1e-8:
            break
    return v
