"""Normal priors where a square matrix of columns or rows would cost too much: Newton's method, its
linear systems solved by conjugate gradients.

Columns without a prior and the intercept, B, are eliminated from each system: with h the curvature
of the rows and P = I - B (B'hB + L_B)^-1 B'h the step d in the other coefficients solves

    (X' h P X + L) d = -g,        g = X' P' s dloss/deta + L (w - loc).

For a flat intercept alone P subtracts the weighted mean, so that columns far from 0 cost nothing.
A product with the matrix takes one with X and one with X'; the diagonal is the preconditioner.
Nocedal and Wright (2006), Numerical optimization, 7.1; Eisenstat and Walker (1996), Choosing the
forcing terms in an inexact Newton method: far from the mode a system is solved to a tenth, then
as exactly as the quadratic model holds, in the end to the rounding of the gradient.

Where the steps run out, or the rounding is not reached, the general method goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.design import column_squares, is_sparse
from bayesreg.likelihoods import Gaussian, is_smooth
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution

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
_HESSIANS, _STEPS = 5.0, 150.0
# Of the squared length of the residual, in the norm of the preconditioner, this much may be left.
_LEFT = 1e-2
# Beyond the expected rounding of that squared length it is not to be won, or should have been.
_AT_ROUNDING, _NEAR_ROUNDING = 4.0, 400.0


def conjugate_gradients_pay(problem: Problem) -> bool:
    """Smooth with proper Normal priors, but for few columns, and a Hessian costs many steps."""
    penalty = problem.penalty
    if not (problem.convex and penalty.is_separable and is_smooth(problem.likelihood)):
        return False
    free = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    if np.any(penalty.l1) or not np.all(free | penalty.is_pinned):
        return False
    return _eliminated(problem).size <= _MOST_ELIMINATED and _steps_allowed(problem) >= _STEPS


def _eliminated(problem: Problem) -> IntArray:
    """The intercept and the columns without a prior."""
    out = (problem.penalty.l2 == 0) & ~problem.penalty.is_pinned
    if problem.has_intercept:
        out[problem.p] = not problem.penalty.is_pinned[problem.p]
    return np.flatnonzero(out)


def _steps_allowed(problem: Problem) -> float:
    """Steps that cost as much as the factorisations of the general method."""
    n, p = problem.n, problem.p
    proper = problem.penalty.l2[:p] > 0
    order = min(n, p) if np.all(proper) else p
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
    squares, v = _Squares.of(problem), start
    with np.errstate(all="ignore"):
        for iteration in range(1, max_iterations + 1):
            eta = problem.linear_predictor(v)
            system = _System.at(problem, squares, eta, system)
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
            wanted = max(0.1 * rounding, size * system.forcing(size))
            direction, steps = system.solve(-gradient, wanted, aim, int(left))
            moved = _line_search(problem, v, eta, system.whole(direction, eta, v))
            if moved is None:
                break
            v, left, last = moved, left - steps, size
    return Solution(v, max_iterations, False)


# ---------------------------------------------------------------------------------- the systems


@dataclass(frozen=True)
class _Squares:
    """The squares of the entries of X, of a sparse one kept."""

    X: Any

    @classmethod
    def of(cls, problem: Problem) -> _Squares:
        X = problem.X
        if not is_sparse(X):
            return cls(X)
        from scipy.sparse import csc_array

        return cls(csc_array((X.data**2, X.indices, X.indptr), shape=X.shape))

    def by_column(self, by_row: FloatArray) -> FloatArray:
        """sum_i h_i x_ij^2"""
        sums: FloatArray
        sums = self.X.T @ by_row if is_sparse(self.X) else column_squares(self.X, by_row)
        return sums

    def by_row(self, by_column: FloatArray) -> FloatArray:
        """sum_j d_j x_ij^2"""
        sums: FloatArray
        sums = self.X @ by_column if is_sparse(self.X) else column_squares(self.X.T, by_column)
        return sums


@dataclass(frozen=True)
class _System:
    """The Hessian at a point, the columns of ``beside`` eliminated; 0 for them and pinned ones.

    Attributes
    ----------
    h : (n,) array
    columns, beside : (k,) extended columns that are eliminated, and as an (n, k) array
    factor
        Of B'hB + L_B; None without such columns.
    l2, diagonal : (p,) arrays
        Of the coefficients that are not eliminated.
    leverage : (n,) array
        sum_j x_ij^2 / diagonal_j
    """

    problem: Problem
    h: FloatArray
    columns: IntArray
    beside: FloatArray
    factor: Any
    kept: BoolArray
    l2: FloatArray
    diagonal: FloatArray
    leverage: FloatArray

    @classmethod
    def at(
        cls, problem: Problem, squares: _Squares, eta: FloatArray, last: _System | None
    ) -> _System | None:
        """None where the eliminated columns have no curvature or are dependent."""
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        h = problem.curvature_rows(eta)
        if last is not None and np.array_equal(h, last.h):
            return last
        p, penalty = problem.p, problem.penalty
        columns = _eliminated(problem)
        kept = ~penalty.is_pinned[:p]
        kept[columns[columns < p]] = False
        beside = problem.block(columns) if last is None else last.beside
        of_columns = squares.by_column(h)
        diagonal, factor = of_columns, None
        if columns.size:
            weighted = h[:, None] * beside
            inner = beside.T @ weighted + np.diag(penalty.l2[columns])
            size = np.sqrt(np.diagonal(inner))
            try:
                factor = cho_factor(inner / size / size[:, None]), size
            except (LinAlgError, ValueError):
                return None
            across = (problem.X.T @ weighted) / size
            through = np.sum(across * cho_solve(factor[0], across.T).T, axis=1)
            diagonal = np.maximum(of_columns - through, _EPS * of_columns)
        diagonal = np.where(kept, diagonal + penalty.l2[:p], np.inf)
        leverage = squares.by_row(1.0 / diagonal)
        l2 = np.where(kept, penalty.l2[:p], np.inf)
        return cls(problem, h, columns, beside, factor, kept, l2, diagonal, leverage)

    def _best_beside(self, slope: FloatArray) -> FloatArray:
        """(B'hB + L_B)^-1 slope"""
        from scipy.linalg import cho_solve

        factor, size = self.factor
        found: FloatArray = cho_solve(factor, slope / size, check_finite=False) / size
        return found

    def _projected(self, e: FloatArray) -> FloatArray:
        """P e"""
        if self.factor is None:
            return e
        return e - self.beside @ self._best_beside(self.beside.T @ (self.h * e))

    def product(self, d: FloatArray) -> FloatArray:
        """(X' h P X + L) d"""
        problem = self.problem
        moved = self.h * self._projected(problem.X @ d)
        product = problem.X.T @ moved + problem.penalty.l2[: problem.p] * d
        return np.where(self.kept, product, 0.0)

    def gradient(self, v: FloatArray, eta: FloatArray) -> FloatArray:
        """Of the coefficients that are not eliminated, the others at the optimum of the model."""
        problem, theta = self.problem, self.problem.gradient_rows(eta)
        slope = problem.penalty.slope(v)
        if self.factor is not None:
            pull = self.beside.T @ theta + slope[self.columns]
            theta = theta - self.h * (self.beside @ self._best_beside(pull))
        return np.where(self.kept, problem.X.T @ theta + slope[: problem.p], 0.0)

    def size(self, r: FloatArray) -> float:
        """Squared length in the norm of the preconditioner: about twice the nats to be won."""
        return float(np.sum(r * r / self.diagonal))

    def gap(self, r: FloatArray) -> float:
        """sum_j r_j^2 / (2 l2_j): the bound of the certificate."""
        return float(np.sum(r * r / self.l2)) / 2.0

    def rounding(self, v: FloatArray, eta: FloatArray) -> float:
        """What ``size`` of a gradient is that is nothing but rounding.

        That of a row's theta is about eps (|theta| + h |eta|).
        """
        p, theta = self.problem.p, self.problem.gradient_rows(eta)
        of_rows = self.leverage @ (theta**2 + (self.h * eta) ** 2)
        slope = self.problem.penalty.slope(v)[:p]
        return _EPS**2 * float(of_rows + np.sum(slope**2 / self.diagonal))

    def forcing(self, size: float) -> float:
        """The part of ``size`` that the change of the curvature along the step leaves anyway."""
        if isinstance(self.problem.likelihood, Gaussian):
            return 0.0
        return min(_LEFT, size / float(np.sum(self.h)))

    def solve(
        self, right: FloatArray, wanted: float, aim: float, most: int
    ) -> tuple[FloatArray, int]:
        """Conjugate gradients until ``size`` of the residual, or its gap, is as asked."""
        d, rest = np.zeros(right.size), right
        search = rest / self.diagonal
        energy = float(rest @ search)
        for step in range(1, most + 1):
            product = self.product(search)
            curved = float(search @ product)
            if not curved > 0:
                break
            length = energy / curved
            d = d + length * search
            rest = rest - length * product
            ahead = rest / self.diagonal
            left = float(rest @ ahead)
            if not left > wanted or (aim > 0 and self.gap(rest) <= 0.1 * aim):
                break
            search = ahead + (left / energy) * search
            energy = left
        return d, step

    def whole(self, d: FloatArray, eta: FloatArray, v: FloatArray) -> FloatArray:
        """The step in all coefficients: the eliminated ones at the optimum of the model."""
        problem = self.problem
        step = np.zeros(problem.size)
        step[: problem.p] = d
        if self.factor is not None:
            moved = problem.gradient_rows(eta) + self.h * (problem.X @ d)
            pull = self.beside.T @ moved + problem.penalty.slope(v)[self.columns]
            step[self.columns] = -self._best_beside(pull)
        return step


# ------------------------------------------------------------------------------------ the steps


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
    columns = _eliminated(problem)
    beside, v = problem.block(columns), v.copy()
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
