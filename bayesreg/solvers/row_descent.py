"""Proximal Newton by coordinate descent on the residuals, for priors with a kink at every column.

The loss is replaced by its quadratic model, the model is descended on the columns that may leave
their kink until most of its imbalance is gone, and so on until a bound on what is left of J is
small enough.  No square matrix is formed: a step costs the stored entries of the columns in play,
so that supports of any size can be reached.  Where the last digits are wanted and the support is
not too large, Newton's method takes over from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse, products_of_columns
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution

# Sweeps on one quadratic model, and the share of its imbalance that they may leave: a model is
# not worth more, the next one is better.
_EPOCHS, _LEFT = 30, 0.2
# With no more dense columns in play than this, sweeps over their second moments cost next to
# nothing.
_FEW, _EPOCHS_OF_FEW, _LEFT_OF_FEW = 128, 200, 1e-4
# A step goes this many times as far as the minimum over its coefficient.
_BEYOND = 1.4
# A row of less curvature than this, beside the largest, counts as having so much.
_LEAST = 1e-10
# Looser tolerances than the first do not ask for the last digits of the coefficients.  Others have
# them from Newton's method, which takes over at the second.
_LAST_DIGITS, _NEAR = 1e-8, 1e-6
# How far below what is asked the estimate of the gap has to be.
_SHARE = 0.3
# Quadratic models before Newton's method takes over whatever was reached.
_MODELS = 60
# Coefficients off their kink beyond which a square matrix of them is not formed, X being sparse.
_DENSE_NEWTON = 3000
# Of the quantities that the kernels know of a column, those that change with the point.
_D, _PULL, _QUANTITIES = 0, 5, 8
_TINY = float(np.finfo(float).tiny)
# Of J, a sum over rows, relative to its size.
_ROUNDING = 64 * float(np.finfo(float).eps)


def row_descent_pays(problem: Problem) -> bool:
    """A smooth convex loss, not quadratic; every column has a kink within its bounds."""
    penalty, p = problem.penalty, problem.p
    return (
        not isinstance(problem.likelihood, Gaussian)
        and problem.convex
        and penalty.is_separable
        and (problem.flat_intercept or not problem.has_intercept)
        and bool(np.all(penalty.l1[:p] > 0))
        and bool(np.all(problem.start == penalty.loc))
    )


def approach(
    problem: Problem, start: FloatArray, tol: float, half_null_deviance: float, max_iterations: int
) -> Solution:
    """The mode to within ``tol``, or near enough for Newton's method to take over.

    ``settled`` where the first was reached: for a loose ``tol``, or a support that is too large
    for Newton's method.
    """
    scale = half_null_deviance if half_null_deviance > 0 else 1.0
    loose = tol > _LAST_DIGITS
    aim = _SHARE * (tol if loose else _NEAR) * scale
    near = descend(problem, start, aim, min(max_iterations, _MODELS))
    if loose or not too_many_for_newton(problem, near.v):
        return replace(near, settled=loose and near.settled)
    # The last digits of the coefficients need a gap far below what is asked.
    last = descend(problem, near.v, 0.01 * tol * scale, max_iterations - near.iterations)
    return Solution(last.v, near.iterations + last.iterations, True)


def too_many_for_newton(problem: Problem, v: FloatArray) -> bool:
    """More coefficients off their kink than a square matrix of them is worth."""
    at_kink = (v == problem.penalty.loc) & (problem.penalty.l1 > 0)
    return is_sparse(problem.X) and int(np.count_nonzero(~at_kink)) > _DENSE_NEWTON


def descend(problem: Problem, v: FloatArray, aim: float, max_iterations: int) -> Solution:
    """Lower J from the extended vector v until it should be within ``aim`` nats of the least."""
    at = _State.at(problem, v)
    best, least = at.v, np.inf
    # What overflows lowers nothing: the last good point stays.
    with np.errstate(all="ignore"):
        for iteration in range(max_iterations):
            gap, full = _model_minimum(at, aim)
            if gap <= aim:
                return Solution(at.v, iteration, True)
            progress, least = gap < 0.7 * least, min(gap, least)
            best = at.v if gap == least else best
            # The gap falls on where J has no more digits to fall by.
            lower = (_level(at, full) if progress else None) or _lower(at, full)
            if lower is None:
                return Solution(best, iteration, False)
            at = lower
    return Solution(at.v, max_iterations, False)


@dataclass
class _State:
    """A point, the columns as the kernels see them, and how to sweep over them."""

    problem: Problem
    columns: FloatArray
    working: IntArray
    sweep: _Sweep
    v: FloatArray
    eta: FloatArray
    value: float

    @classmethod
    def at(cls, problem: Problem, v: FloatArray) -> _State:
        p, penalty = problem.p, problem.penalty
        columns = np.empty((p, _QUANTITIES))
        for row, part in enumerate((penalty.l1, penalty.l2, penalty.lower, penalty.upper)):
            columns[:, row + 1] = part[:p] if row < 2 else part[:p] - penalty.loc[:p]
        sweep = _SparseSweep(problem) if is_sparse(problem.X) else _DenseSweep(problem)
        eta = problem.linear_predictor(v)
        working = np.empty(p, dtype=np.int64)
        return cls(problem, columns, working, sweep, v, eta, _value(problem, v, eta))

    def moved(self, v: FloatArray, eta: FloatArray, value: float) -> _State:
        return replace(self, v=v, eta=eta, value=value)


def _lower(at: _State, full: FloatArray) -> _State | None:
    """The first of the points 1, 1/2, 1/4, ... of the way to ``full`` that is lower."""
    problem = at.problem
    for halving in range(40):
        v = full if halving == 0 else at.v + 0.5**halving * (full - at.v)
        eta = problem.linear_predictor(v)
        value = _value(problem, v, eta)
        if value < at.value:
            return at.moved(v, eta, value)
    return None


def _level(at: _State, full: FloatArray) -> _State | None:
    """``full``, unless J rises there by more than its rounding."""
    eta = at.problem.linear_predictor(full)
    value = _value(at.problem, full, eta)
    if value <= at.value + _ROUNDING * abs(at.value):
        return at.moved(full, eta, value)
    return None


def _value(problem: Problem, v: FloatArray, eta: FloatArray) -> float:
    """J of a point within the bounds."""
    penalty = problem.penalty
    d = np.abs(v - penalty.loc)
    return problem.loss(eta) + float(penalty.l1 @ d + 0.5 * (penalty.l2 @ (d * d)))


def _model_minimum(at: _State, aim: float) -> tuple[float, FloatArray]:
    """What J can still lose, about, and where descent on its quadratic model ends.

    The first is the duality gap at the gradient scaled to be feasible; where it is within ``aim``
    there is no descent.
    """
    from bayesreg._kernels.row_descent import survey

    problem, columns, p = at.problem, at.columns, at.problem.p
    h = problem.curvature_rows(at.eta)
    h = np.maximum(h, max(_LEAST * h.max(), _TINY))
    hr = -problem.gradient_rows(at.eta)
    total, weight = 0.0, np.inf
    if problem.has_intercept:
        total, weight = float(hr.sum()), float(h.sum())
    loc = problem.penalty.loc[:p]
    columns[:, _D] = at.v[:p] - loc
    columns[:, _PULL] = problem.X.T @ hr
    size, alpha, gap = survey(columns, at.working)
    gap += 0.5 * (1.0 - alpha) ** 2 * float(hr @ (hr / h)) + 0.5 * total * (total / weight)
    if gap <= aim:
        return gap, at.v
    left = at.sweep.run(h, hr, total, weight, columns, at.working[:size])
    full = at.v.copy()
    full[:p] = loc + columns[:, _D]
    if problem.has_intercept:
        full[-1] += left / weight
    return gap, full


class _Sweep(Protocol):
    """Descent on the quadratic model over chosen columns of a design."""

    def run(
        self, h: FloatArray, hr: FloatArray, total: float, weight: float, columns: FloatArray,
        working: IntArray,
    ) -> float:  # fmt: skip
        """Change the distances in ``columns``; the sum of h r that is left."""


class _SparseSweep:
    """Over a CSC matrix: the columns in play, times root h, are copied side by side."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X
        self.rows = np.empty(self.X.nnz, dtype=self.X.indices.dtype)
        self.values = np.empty(self.X.nnz)

    def run(
        self, h: FloatArray, hr: FloatArray, total: float, weight: float, columns: FloatArray,
        working: IntArray,
    ) -> float:  # fmt: skip
        from bayesreg._kernels.row_descent import scaled_columns, settle_sparse

        X, root = self.X, np.sqrt(h)
        ends = np.empty(working.size + 1, dtype=np.int64)
        scaled_columns(
            X.indptr, X.indices, X.data, root, working, ends, self.rows, self.values, columns
        )
        left: float = settle_sparse(
            ends, self.rows, self.values, hr / root, total, weight, columns, working, _LEFT,
            _EPOCHS, _BEYOND,
        )  # fmt: skip
        return left


class _DenseSweep:
    """Over a dense array: its columns in Fortran order, else copies of those in play."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X
        self.in_place = bool(self.X.flags.f_contiguous)

    def run(
        self, h: FloatArray, hr: FloatArray, total: float, weight: float, columns: FloatArray,
        working: IntArray,
    ) -> float:  # fmt: skip
        if working.size <= _FEW:
            return _settle_by_moments(self.X, h, total, weight, columns, working)
        from bayesreg._kernels.row_descent import settle_dense, weighted_columns

        X = self.X.T if self.in_place else np.ascontiguousarray(self.X[:, working].T)
        where = working if self.in_place else np.arange(working.size)
        weighted_columns(X, h, where, working, columns)
        left: float = settle_dense(
            X, h, hr, total, weight, columns, working, where, _LEFT, _EPOCHS, _BEYOND
        )
        return left


def _settle_by_moments(
    X: FloatArray,
    h: FloatArray,
    total: float,
    weight: float,
    columns: FloatArray,
    working: IntArray,
) -> float:
    """The same on the second moments, where columns are so few that a sweep is then for nothing."""
    from bayesreg._kernels.quadratic_descent import quadratic_descent

    H, sums = products_of_columns(X, working, h)
    part = columns[working]
    gradient = -part[:, _PULL]
    if np.isfinite(weight):
        H -= np.outer(sums, sums / weight)
        gradient += total / weight * sums
    d, centre = part[:, _D].copy(), np.zeros(working.size)
    l1, l2, lower, upper = np.ascontiguousarray(part[:, 1:5].T)
    quadratic_descent(H, gradient, d, l1, l2, centre, lower, upper, _EPOCHS_OF_FEW, _LEFT_OF_FEW)
    columns[working, _D] = d
    return total - float(sums @ (d - part[:, _D]))
