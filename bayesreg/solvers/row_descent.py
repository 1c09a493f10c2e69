"""Proximal Newton by coordinate descent on the residuals, for priors with a kink at every column.

The loss is replaced by its quadratic model, the model is descended on the columns that may leave
their kink until most of its imbalance is gone, and so on until a bound on what is left of J is
small enough.  No square matrix is formed: a step costs the stored entries of the columns in play,
so that supports of any size can be reached.  Where the last digits are wanted and the support is
not too large, Newton's method takes over from here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution

# Sweeps on one quadratic model, and the share of its imbalance that they may leave: a model is
# not worth more, the next one is better.
_EPOCHS, _LEFT = 30, 0.2
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
# Rows of the array that the kernel works on.
_L2, _SQUARE, _QUANTITIES = 2, 6, 7


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
    sweeps = _SparseSweeps(problem) if is_sparse(problem.X) else _DenseSweeps(problem)
    eta = problem.linear_predictor(v)
    value = problem.value(v, eta)
    # What overflows lowers nothing: the last good point stays.
    with np.errstate(all="ignore"):
        for iteration in range(max_iterations):
            model = _Model(problem, v, eta)
            if model.gap() <= aim:
                return Solution(v, iteration, True)
            moved, moved_eta, moved_value = _lower(problem, v, model.minimum(sweeps), value)
            if not moved_value < value:
                return Solution(v, iteration, False)
            v, eta, value = moved, moved_eta, moved_value
    return Solution(v, max_iterations, False)


def _lower(
    problem: Problem, v: FloatArray, full: FloatArray, value: float
) -> tuple[FloatArray, FloatArray, float]:
    """The first of the points 1, 1/2, 1/4, ... of the way to ``full`` that is lower than v."""
    moved = full
    for halving in range(40):
        moved = full if halving == 0 else v + 0.5**halving * (full - v)
        eta = problem.linear_predictor(moved)
        moved_value = problem.value(moved, eta)
        if moved_value < value:
            break
    return moved, eta, moved_value


class _Model:
    """The quadratic model of J at a point, a flat intercept eliminated.

    Attributes
    ----------
    h, hr : (n,) arrays
        Curvatures of the rows, and these times the residuals of the model: minus the gradient.
    total, weight : float
        The sum of ``hr`` and that of ``h``; 0 and infinity where no intercept is eliminated.
    d, pull, distance : (p,) arrays
        From loc, minus the gradient, and how far that is from the subdifferential.
    """

    def __init__(self, problem: Problem, v: FloatArray, eta: FloatArray) -> None:
        p = problem.p
        self.problem, self.v = problem, v
        self.penalty = problem.penalty.take(slice(0, p)) if problem.has_intercept else problem.penalty
        h = problem.curvature_rows(eta)
        self.h = np.maximum(h, _LEAST * np.max(h))
        self.hr = -problem.gradient_rows(eta)
        self.total, self.weight = 0.0, np.inf
        self.pull = problem.X.T @ self.hr
        if problem.has_intercept:
            self.total, self.weight = float(np.sum(self.hr)), float(np.sum(self.h))
        self.d = v[:p] - self.penalty.loc
        self.distance = self.penalty.subgradient_distance(v[:p], -self.pull)

    def gap(self) -> float:
        """What J can still lose, about: the duality gap at the gradient scaled to be feasible."""
        penalty, d = self.penalty, self.d
        curved = penalty.l2 > 0
        endless = np.isinf(np.where(self.pull > 0, penalty.upper, penalty.lower))
        steepest = float(np.max(np.where(endless & ~curved, np.abs(self.pull), 0.0) / penalty.l1))
        alpha = 1.0 / max(1.0, steepest)
        size = penalty.l1 * np.abs(d)
        linear = np.maximum(size - alpha * self.pull * d, 0.0)
        if curved.any():
            by_curvature = 0.5 * self.distance**2 / np.where(curved, penalty.l2, 1.0)
            linear = np.where(curved, by_curvature, linear)
        rows = 0.5 * (1.0 - alpha) ** 2 * np.sum(self.hr**2 / self.h)
        return float(np.sum(linear) + rows + 0.5 * self.total**2 / np.float64(self.weight))

    def minimum(self, sweeps: _Sweeps) -> FloatArray:
        """Where descent on the model ends, as an extended vector."""
        working = np.flatnonzero((self.d != 0.0) | (self.distance > 0.0))
        part, d = self.penalty.take(working), self.d[working]
        columns = np.empty((_QUANTITIES, working.size))
        columns[0], columns[1], columns[2] = d, part.l1, part.l2
        columns[3], columns[4] = part.lower - part.loc, part.upper - part.loc
        total = sweeps.run(self, working, columns)
        full = self.v.copy()
        full[working] = part.loc + columns[0]
        if self.problem.has_intercept:
            full[-1] += total / self.weight
        return full


    def tolerance(self, working: IntArray, columns: FloatArray) -> float:
        """Twice the nats that a step may still win when descent on the model ends."""
        bent = columns[_SQUARE] + columns[_L2]
        wins = np.where(bent > 0, self.distance[working] ** 2 / bent, 0.0)
        return _LEFT**2 * float(np.max(wins, initial=0.0))


class _Sweeps(Protocol):
    """Descent over chosen columns of a design."""

    def run(self, model: _Model, working: IntArray, columns: FloatArray) -> float:
        """Change the first row of ``columns``; the sum of h r that is left."""


class _SparseSweeps:
    """Over a CSC matrix: the columns in play, times root h, are copied side by side."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X
        self.rows = np.empty(self.X.nnz, dtype=self.X.indices.dtype)
        self.values = np.empty(self.X.nnz)

    def run(self, model: _Model, working: IntArray, columns: FloatArray) -> float:
        from bayesreg._kernels.row_descent import scaled_columns, settle_sparse

        X, root = self.X, np.sqrt(model.h)
        ends = np.empty(working.size + 1, dtype=np.int64)
        scaled_columns(
            X.indptr, X.indices, X.data, root, working, ends, self.rows, self.values, columns
        )
        _, total = settle_sparse(
            ends, self.rows, self.values, model.hr / root, model.total, model.weight, columns,
            model.tolerance(working, columns), _EPOCHS, _BEYOND,
        )  # fmt: skip
        return total


class _DenseSweeps:
    """Over a dense array: its columns as they are in Fortran order, else copies of those in play."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X
        self.in_place = bool(self.X.flags.f_contiguous)

    def run(self, model: _Model, working: IntArray, columns: FloatArray) -> float:
        from bayesreg._kernels.row_descent import settle_dense, weighted_columns

        X = self.X.T if self.in_place else np.ascontiguousarray(self.X[:, working].T)
        where = working if self.in_place else np.arange(working.size)
        weighted_columns(X, model.h, where, columns)
        _, total = settle_dense(
            X, model.h, model.hr.copy(), model.total, model.weight, columns, where,
            model.tolerance(working, columns), _EPOCHS, _BEYOND,
        )  # fmt: skip
        return total
