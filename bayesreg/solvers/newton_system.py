"""The linear system of a Newton step under Normal priors, solved by conjugate gradients.

The intercept and columns without a prior, B, are eliminated. With h the curvature of the rows and
C C' = B'hB + L_B the step d in the other coefficients, whose precisions are L, solves

    (X' sqrt(h) Q sqrt(h) X + L) d = -g,    Q = I - W W',    W = sqrt(h) B C^-T.

For a flat intercept alone Q takes out the weighted mean: columns far from 0 cost nothing.  With
more columns than rows the system is solved in the space of the rows (Woodbury),

    d = -(g - X' sqrt(h) T u) / L,    (I + T K T) u = T sqrt(h) X (g / L),    T T = Q,
    K = sqrt(h) X L^-1 X' sqrt(h),

where rows of very different curvature are brought to one scale by the diagonal; else as it stands.
A step takes one product with X and one with X'.  Nocedal and Wright (2006), Numerical optimization,
algorithm 5.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.design import column_squares, is_sparse
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)
# Curvatures that differ by this part from those that the diagonal was formed with have another.
_CHANGED = 0.5
# Residuals that are carried along have no digits beyond this part of their squared length.
_DIGITS = 1e-26


@dataclass(frozen=True, eq=False)
class Columns:
    """What does not change from point to point.

    Attributes
    ----------
    squares
        Squared entries of a sparse X; X itself where it is dense.
    eliminated, beside : (k,) extended columns, and as an (n, k) array
    kept : (p,) mask
        Neither eliminated nor pinned.
    l2 : (p,) array
        Infinite for those that are not kept: their share of any sum below is 0.
    of_rows : (n,) array
        sum_j x_ij^2 / l2_j
    """

    squares: Any
    eliminated: IntArray
    beside: FloatArray
    kept: BoolArray
    l2: FloatArray
    of_rows: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> Columns:
        X, p, penalty = problem.X, problem.p, problem.penalty
        columns = eliminated(problem)
        kept = ~penalty.is_pinned[:p]
        kept[columns[columns < p]] = False
        l2 = np.where(kept, penalty.l2[:p], np.inf)
        squares = X
        if is_sparse(X):
            from scipy.sparse import csc_array

            squares = csc_array((X.data**2, X.indices, X.indptr), shape=X.shape)
        of_rows = _row_sums(squares, 1.0 / l2) if problem.n < p else np.empty(0)
        return cls(squares, columns, problem.block(columns), kept, l2, of_rows)


def eliminated(problem: Problem) -> IntArray:
    """The intercept and the columns without a prior."""
    out = problem.penalty.l2 == 0
    if problem.has_intercept:
        out[problem.p] = True
    return np.flatnonzero(out & ~problem.penalty.is_pinned)


def _column_sums(squares: Any, by_row: FloatArray) -> FloatArray:
    """sum_i h_i x_ij^2"""
    sums: FloatArray
    sums = squares.T @ by_row if is_sparse(squares) else column_squares(squares, by_row)
    return sums


def _row_sums(squares: Any, by_column: FloatArray) -> FloatArray:
    """sum_j d_j x_ij^2"""
    sums: FloatArray
    sums = squares @ by_column if is_sparse(squares) else column_squares(squares.T, by_column)
    return sums


@dataclass(frozen=True, eq=False)
class Eliminated:
    """W and C of the eliminated columns, in units of ``size``; Q and T.

    ``basis``: orthonormal, of the columns of W.
    """

    W: FloatArray
    C: FloatArray
    size: FloatArray
    share: FloatArray
    basis: FloatArray

    @classmethod
    def of(cls, columns: Columns, root: FloatArray, l2: FloatArray) -> Eliminated | None:
        """None where they have no curvature or are dependent."""
        from scipy.linalg import LinAlgError, cholesky, eigh, solve_triangular

        weighted = root[:, None] * columns.beside
        size = np.sqrt(np.sum(weighted**2, axis=0) + l2)
        weighted /= size
        prior = np.diag(l2 / size**2)
        try:
            C = cholesky(weighted.T @ weighted + prior, lower=True)
        except (LinAlgError, ValueError):
            return None
        W = solve_triangular(C, weighted.T, lower=True).T
        # T = I - W V diag(1 / (1 + sqrt(e))) V' W', e and V the eigenvalues of I - W'W.
        rest = solve_triangular(C, solve_triangular(C, prior, lower=True).T, lower=True)
        e, V = eigh(rest) if prior.any() else (np.zeros(size.size), np.eye(size.size))
        share = (V / (1.0 + np.sqrt(np.maximum(e, 0.0)))) @ V.T
        return cls(W, C, size, share, np.linalg.qr(W)[0])

    def half(self, slope: FloatArray) -> FloatArray:
        """C^-1 slope"""
        from scipy.linalg import solve_triangular

        found: FloatArray
        found = solve_triangular(self.C, slope / self.size, lower=True, check_finite=False)
        return found

    def step(self, slope: FloatArray) -> FloatArray:
        """-(C C')^-1 slope"""
        from scipy.linalg import solve_triangular

        back = solve_triangular(self.C, self.half(slope), trans=1, lower=True, check_finite=False)
        return -np.asarray(back) / self.size

    def projected(self, u: FloatArray) -> FloatArray:
        return u - self.W @ (u @ self.W)

    def square_root(self, u: FloatArray) -> FloatArray:
        return u - self.W @ (self.share @ (u @ self.W))

    def divided(self, u: FloatArray, diagonal: FloatArray) -> FloatArray:
        """By the diagonal, apart from what lies along the eliminated columns."""
        along = self.basis @ (u @ self.basis)
        ahead = (u - along) / diagonal
        return along + ahead - self.basis @ (ahead @ self.basis)


@dataclass(frozen=True, eq=False)
class NewtonSystem:
    """The Hessian at a point.

    Attributes
    ----------
    diagonal : (p,) array
        About that of the matrix of the system: residuals are measured by it.
    formed_with : (n,) array
        The curvatures that ``diagonal`` was formed with.
    leverage : (n,) array
        sum_j x_ij^2 / diagonal_j
    """

    problem: Problem
    columns: Columns
    h: FloatArray
    root: FloatArray
    out: Eliminated
    diagonal: FloatArray
    formed_with: FloatArray
    leverage: FloatArray

    @classmethod
    def at(
        cls, problem: Problem, columns: Columns, eta: FloatArray, last: NewtonSystem | None
    ) -> NewtonSystem | None:
        """None where an eliminated column has no curvature, or they are dependent."""
        h = problem.curvature_rows(eta)
        if last is not None and np.array_equal(h, last.h):
            return last
        root = np.sqrt(h)
        out = Eliminated.of(columns, root, problem.penalty.l2[columns.eliminated])
        if out is None:
            return None
        if last is not None and np.sum(np.abs(h - last.formed_with)) <= _CHANGED * np.sum(h):
            known = last.diagonal, last.formed_with, last.leverage
            return cls(problem, columns, h, root, out, *known)
        of_columns = _column_sums(columns.squares, h)
        across = problem.X.T @ (root[:, None] * out.W)
        inside = np.maximum(of_columns - np.sum(across**2, axis=1), _EPS * of_columns)
        diagonal = inside + columns.l2
        leverage = _row_sums(columns.squares, 1.0 / diagonal)
        return cls(problem, columns, h, root, out, diagonal, h, leverage)

    def gradient(self, v: FloatArray, eta: FloatArray) -> FloatArray:
        """Of the coefficients that are kept, the others at the optimum of the quadratic model."""
        problem, theta = self.problem, self.problem.gradient_rows(eta)
        slope = problem.penalty.slope(v)
        pull = self.columns.beside.T @ theta + slope[self.columns.eliminated]
        theta = theta - self.root * (self.out.W @ self.out.half(pull))
        return self._kept(problem.X.T @ theta + slope[: problem.p])

    def _kept(self, of_columns: FloatArray) -> FloatArray:
        return np.where(self.columns.kept, of_columns, 0.0)

    def size(self, r: FloatArray) -> float:
        """Squared length of a residual in units of the diagonal: the nats to be won, roughly."""
        return float(np.sum(r * r / self.diagonal))

    def gap(self, r: FloatArray) -> float:
        """sum_j r_j^2 / (2 l2_j): the bound of the certificate."""
        return float(np.sum(r * r / self.columns.l2)) / 2.0

    def rounding(self, v: FloatArray, eta: FloatArray) -> float:
        """What ``size`` of a gradient is that is nothing but rounding.

        That of a row's theta is about eps (|theta| + h |eta|).
        """
        p, theta = self.problem.p, self.problem.gradient_rows(eta)
        of_rows = self.leverage @ (theta**2 + (self.h * eta) ** 2)
        slope = self.problem.penalty.slope(v)[:p]
        return _EPS**2 * float(of_rows + np.sum(slope**2 / self.diagonal))

    def solve(
        self, gradient: FloatArray, wanted: float, aim: float, most: int
    ) -> tuple[FloatArray, int]:
        """d, until ``size`` or ``gap`` of what is left is as asked, and the steps it took."""

        def share(rest: FloatArray) -> float:
            """Of what is left, how much may be."""
            return float(max(np.divide(wanted, self.size(rest)), np.divide(aim, self.gap(rest))))

        by_rows = self.problem.n < self.problem.p
        solve = self._solve_by_rows if by_rows else self._solve_by_columns
        return solve(gradient, share, most)

    def _solve_by_columns(
        self, gradient: FloatArray, share: Callable[[FloatArray], float], most: int
    ) -> tuple[FloatArray, int]:
        X, precision = self.problem.X, self.problem.penalty.l2[: self.problem.p]
        d, rest = np.zeros(gradient.size), -gradient
        search = rest / self.diagonal
        energy = rest @ search
        least = _DIGITS * energy
        for step in range(1, most + 1):
            moved = self.root * self.out.projected(self.root * (X @ search))
            product = self._kept(X.T @ moved + precision * search)
            length = energy / (search @ product)
            if not 0 < length < np.inf:
                return d, step
            d += length * search
            rest -= length * product
            ahead = rest / self.diagonal
            left = rest @ ahead
            if not (share(rest) < 1.0 and left > least):
                return d, step
            search = ahead + (left / energy) * search
            energy = left
        return d, most

    def _solve_by_rows(
        self, gradient: FloatArray, share: Callable[[FloatArray], float], most: int
    ) -> tuple[FloatArray, int]:
        """What is left in the space of the columns, X' sqrt(h) T rest, is looked at seldom."""
        X, T, l2 = self.problem.X, self.out.square_root, self.columns.l2
        diagonal = 1.0 + self.h * self.columns.of_rows
        rest = T(self.root * (X @ (gradient / l2)))
        u = np.zeros(rest.size)
        ahead = self.out.divided(rest, diagonal)
        search, energy = ahead, rest @ ahead
        least, look_at = _DIGITS * energy, energy * share(gradient)
        step = 0
        while step < most:
            step += 1
            product = search + T(self.root * (X @ ((X.T @ (self.root * T(search))) / l2)))
            length = energy / (search @ product)
            if not 0 < length < np.inf:
                break
            u += length * search
            rest -= length * product
            ahead = self.out.divided(rest, diagonal)
            left = rest @ ahead
            if not left > max(look_at, least):
                in_columns = self._kept(X.T @ (self.root * T(rest)))
                may_be_left = share(in_columns)
                if not (may_be_left < 1.0 and left > least):
                    break
                look_at = left * min(0.5, may_be_left)
            search = ahead + (left / energy) * search
            energy = left
        return -(gradient - self._kept(X.T @ (self.root * T(u)))) / l2, step

    def whole(self, d: FloatArray, eta: FloatArray, v: FloatArray) -> FloatArray:
        """The step in all coefficients: the eliminated ones at the optimum of the model."""
        problem, columns = self.problem, self.columns.eliminated
        step = np.zeros(problem.size)
        step[: problem.p] = d
        if columns.size:
            # Of the point that comes next: problem keeps its product with X.
            moved = problem.linear_predictor(v + step) - eta
            theta = problem.gradient_rows(eta) + self.h * moved
            pull = self.columns.beside.T @ theta + problem.penalty.slope(v)[columns]
            step[columns] = self.out.step(pull)
        return step
