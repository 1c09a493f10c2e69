"""The linear systems of the interior point method.

    [ D^-1   A ] [ d ]   [ k ]                 A = [X; kinks],  diagonal = l2 and barriers
    [ -A'    B ] [ v ] = [ r ]                 B = diag(diagonal)

Kinks are eliminated into the diagonal, then for n >= p the rows: (X'D_X X + Delta) v = X'D k + r;
for p > n the columns: (D^-1 + X Delta^-1 X') d = k - X r / Delta.  A flat intercept is
eliminated first, so that Gram matrices are formed from centred columns.  Refinement is that of
the whole system: near the mode D spans many orders, and d = D (k - A v) alone would lose the dual.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.solvers.corners import Corners
from bayesreg.solvers.factors import graded_solver, scaled_solver

_REFINEMENTS = 3
# Beyond this share of the price of a column its dual equation is not met to rounding.
_EXACT = 1e-13

#: (k, r) to (d, v) on the rows and the extended columns.
Solver = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


class NormalEquations:
    """Factorised once, solved for several right sides."""

    def __init__(self, corners: Corners, D: FloatArray, barrier: FloatArray) -> None:
        problem = corners.problem
        self._corners, self._by_row = corners, D[: problem.n]
        self._on_kinks = D[problem.n :]
        self._diagonal = problem.penalty.l2 + barrier
        self._delta = self._diagonal.copy()
        self._delta[corners.kinked] += self._on_kinks
        self._graded = corners.moving.size > problem.n  # nothing further to fall back on
        self._solver = self._in_columns() if not self._graded else self._in_rows()

    def solve(self, k: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """d on all corners and v as an extended vector, 0 on pinned columns."""
        n, kinked = self._corners.problem.n, self._corners.kinked
        eliminated = r.copy()
        eliminated[kinked] += self._on_kinks * k[n:]
        d, v, left = self._refined(k[:n], eliminated)
        if left > _EXACT and not self._graded:
            self._graded = True
            self._solver = self._in_graded_columns()
            other = self._refined(k[:n], eliminated)
            d, v = other[:2] if other[2] < left else (d, v)
        return np.concatenate([d, self._duals_of_kinks(k[n:], r, d, v)]), v

    def _duals_of_kinks(
        self, k: FloatArray, r: FloatArray, d: FloatArray, v: FloatArray
    ) -> FloatArray:
        """D (k - v), or where D is large what stationarity leaves: the more exact of the two."""
        kinked = self._corners.kinked
        direct = self._on_kinks * (k - v[kinked])
        left = self._diagonal * v - r - self._corners.problem.transposed_product(d)
        heavy = self._on_kinks > self._delta[kinked] - self._on_kinks + self._squares[kinked]
        return np.where(heavy, left[kinked], direct)

    @property
    def _squares(self) -> FloatArray:
        return self._corners.problem.column_squares(self._by_row)

    def _refined(self, k: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """d, v and what is left of the dual equations, in units of the columns' prices."""
        problem, price = self._corners.problem, self._corners.column_price
        moving = self._corners.moving
        d, v = self._solver(k, r)
        best = (d, v, np.inf)
        for _ in range(_REFINEMENTS + 1):
            left_rows = k - d / self._by_row - problem.centred_product(v, None)
            left = r + problem.transposed_product(d) - self._delta * v
            size = float(np.max(np.abs(left[moving]) / price[moving], initial=0.0))
            if not size < best[2]:
                break
            stalled = size > 0.5 * best[2]
            best = (d, v, size)
            if stalled or size <= 1e-3 * _EXACT:
                break
            more_d, more_v = self._solver(left_rows, left)
            d, v = d + more_d, v + more_v
        return best

    def _in_columns(self) -> Solver:
        """X'D X + Delta by Cholesky, columns centred where the intercept is flat."""
        corners, problem = self._corners, self._corners.problem
        columns, mean, total = corners.moving, None, 1.0
        if problem.flat_intercept:
            columns, total = columns[:-1], float(np.sum(self._by_row))
            mean = problem.X.T @ self._by_row / total
        gram = problem.cross_products(columns, columns, self._by_row, mean)
        gram[np.diag_indices_from(gram)] += self._delta[columns]
        inverse = scaled_solver(gram)

        def solve(k: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
            right = problem.transposed_product(self._by_row * k) + r
            v = np.zeros(problem.size)
            if mean is None:
                v[columns] = inverse(right[columns])
            else:
                v[columns] = inverse((right[:-1] - mean * right[-1])[columns])
                v[-1] = right[-1] / total - mean @ v[:-1]
            return self._by_row * (k - problem.centred_product(v, None)), v

        return solve

    def _in_graded_columns(self) -> Solver:
        """The same matrix by QR of its heavy rows: exact where Cholesky drowns the light ones."""
        problem, columns = self._corners.problem, self._corners.moving
        inverse = graded_solver(problem, columns, self._by_row, self._delta[columns])

        def solve(k: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
            v = np.zeros(problem.size)
            v[columns] = inverse((problem.transposed_product(self._by_row * k) + r)[columns])
            return self._by_row * (k - problem.centred_product(v, None)), v

        return solve

    def _in_rows(self) -> Solver:
        """Columns of large diagonal are eliminated into the rows, the light ones B kept on top.

        K = D^-1 + X_H Delta_H^-1 X_H',   (Delta_B + X_B'K^-1 X_B) v_B = r_B + X_B'K^-1 k',
        d = K^-1 (k' - X_B v_B),   v_H = (r_H + X_H'd) / Delta_H,   k' = k - X_H r_H / Delta_H.
        """
        problem, columns = self._corners.problem, self._corners.moving
        delta, light = self._regular_diagonal()
        heavy, on_top = columns[~light], columns[light]
        inner = problem.row_products(heavy, 1.0 / delta[~light], None)
        inner[np.diag_indices_from(inner)] += 1.0 / self._by_row
        inverse = scaled_solver(inner)
        block = problem.block(on_top)
        through = inverse(block) if on_top.size else block
        on_top_inverse = scaled_solver(block.T @ through + np.diag(delta[light]))

        def solve(k: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
            v = np.zeros(problem.size)
            v[heavy] = r[heavy] / delta[~light]
            reduced = k - problem.centred_product(v, None)
            top = on_top_inverse(r[on_top] + through.T @ reduced)
            d = inverse(reduced - block @ top)
            pull = problem.transposed_product(d)
            v[heavy] = (r[heavy] + pull[heavy]) / delta[~light]
            v[on_top] = top
            return d, v

        return solve

    def _regular_diagonal(self) -> tuple[FloatArray, BoolArray]:
        """The diagonal, a trace added to flat columns; and which columns are far below the usual.

        A flat column is its own proximal centre: the trace vanishes with the step.
        """
        corners, delta = self._corners, self._delta[self._corners.moving]
        flat = delta == 0
        calm = np.minimum(self._by_row, np.median(self._by_row))
        squares = corners.problem.column_squares(calm)[corners.moving]
        delta = np.where(flat, 1e-8 * squares + 1e-300, delta)
        usual = float(np.median(delta))
        light = delta < 1e-3 * usual
        most = corners.problem.n
        if np.count_nonzero(light) > most:
            light = np.zeros(delta.size, dtype=bool)
            light[np.argsort(delta, kind="stable")[:most]] = True
        return delta, light
