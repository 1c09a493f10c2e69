"""(A'DA + diagonal)^-1 for the interior point method: p x p, or n x n where p > n.

A'DA = X'D_X X + diag(D_kinks).  Columns are brought to a common size by the diagonal; a flat
intercept is eliminated first, so that the matrix is formed from centred columns.  A trace of the
diagonal is added where it is singular, and steps of refinement with X itself take it out again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.solvers.corners import Corners

_REFINEMENTS = 3
# Beyond this share of the price of a column its dual equation is not met to rounding.
_EXACT = 1e-13
# Rows with this many times the median weight are kept out of the Gram matrix.
_HEAVY = 1e3


class NormalEquations:
    """Factorised once, solved twice."""

    def __init__(self, corners: Corners, D: FloatArray, barrier: FloatArray) -> None:
        problem = corners.problem
        self._corners, self._D = corners, D
        self._diagonal = problem.penalty.l2 + barrier
        self._by_row = D[: problem.n]
        on_kinks = np.zeros(problem.size)
        on_kinks[corners.kinked] = D[problem.n :]
        self._added = self._diagonal + on_kinks
        self._eliminated = problem.flat_intercept
        last = corners.moving[-1:] == problem.size - 1 if self._eliminated else np.zeros(0)
        self._columns = corners.moving[:-1] if np.any(last) else corners.moving
        self._total = float(np.sum(self._by_row))
        self._mean = problem.X.T @ self._by_row / self._total if self._eliminated else None
        self._graded = False
        self._solve_columns = self._factorise()

    def solve(self, right: FloatArray) -> FloatArray:
        """The solution as an extended vector, 0 on pinned columns."""
        solution, left = self._refined(right)
        if left > _EXACT and not self._graded and self._corners.moving.size <= self._by_row.size:
            self._graded, self._mean = True, None
            self._columns = self._corners.moving
            self._solve_columns = self._factorise_graded()
            other, other_left = self._refined(right)
            solution = other if other_left < left else solution
        return solution

    def _refined(self, right: FloatArray) -> tuple[FloatArray, float]:
        """The solution and what is left of the right side, in units of the columns' prices."""
        moving, price = self._corners.moving, self._corners.column_price
        best, least, solution = np.zeros(right.size), np.inf, self._solve_once(right)
        for _ in range(_REFINEMENTS + 1):
            left = right - self._product(solution)
            size = float(np.max(np.abs(left[moving]) / price[moving], initial=0.0))
            if not size < least:
                break
            stalled = size > 0.5 * least
            best, least = solution, size
            if stalled or size <= 1e-3 * _EXACT:
                break
            solution = solution + self._solve_once(left)
        return best, least

    def _product(self, v: FloatArray) -> FloatArray:
        corners = self._corners
        return corners.transposed(self._D * corners.forward(v)) + self._diagonal * v

    def _solve_once(self, right: FloatArray) -> FloatArray:
        solution = np.zeros(right.size)
        if self._mean is None:
            solution[self._columns] = self._solve_columns(right[self._columns])
            return solution
        reduced = right[:-1] - self._mean * right[-1]
        solution[self._columns] = self._solve_columns(reduced[self._columns])
        solution[-1] = right[-1] / self._total - self._mean @ solution[:-1]
        return solution

    def _factorise(self) -> Callable[[FloatArray], FloatArray]:
        columns, problem = self._columns, self._corners.problem
        if not columns.size:
            return lambda right: right
        if columns.size <= problem.n:
            gram = problem.cross_products(columns, columns, self._by_row, self._mean)
            gram[np.diag_indices_from(gram)] += self._added[columns]
            return scaled_solver(gram)
        return self._in_rows()

    def _factorise_graded(self) -> Callable[[FloatArray], FloatArray]:
        """R'R = A'DA + diagonal by QR of the heavy rows on top of the Cholesky factor of the rest.

        Near the mode the rows that are met outweigh the others by many orders: their Gram matrix
        would drown the rest. Heaviest rows first and columns pivoted, as weighted least squares
        asks for (Cox and Higham, 1998).
        """
        from scipy.linalg import qr, solve_triangular

        columns, problem = self._columns, self._corners.problem
        heavy = self._by_row > _HEAVY * np.median(self._by_row)
        usual = np.median(self._added[columns])
        on_diagonal = self._added[columns]
        apart = on_diagonal > _HEAVY * max(usual, 1e-300)
        light = problem.cross_products(columns, columns, np.where(heavy, 0.0, self._by_row), None)
        light[np.diag_indices_from(light)] += np.where(apart, 0.0, on_diagonal)
        size = np.sqrt(np.maximum(np.diag(light), 1e-300))
        scaled = light / size / size[:, None]
        scaled[np.diag_indices_from(scaled)] += 1e-14
        bottom = _cholesky_factor(scaled) * size
        rows = np.flatnonzero(heavy)
        top = problem.block(columns)[rows] * np.sqrt(self._by_row[rows])[:, None]
        stacked = np.vstack([top, np.diag(np.sqrt(on_diagonal))[apart], bottom])
        stacked = stacked[np.argsort(-np.max(np.abs(stacked), axis=1), kind="stable")]
        R, order = qr(stacked, mode="r", pivoting=True, check_finite=False)
        R = R[: columns.size]

        def solve(right: FloatArray) -> FloatArray:
            solution = np.empty(columns.size)
            half = solve_triangular(R, right[order], trans="T", check_finite=False)
            solution[order] = solve_triangular(R, half, check_finite=False)
            return solution

        return solve

    def _in_rows(self) -> Callable[[FloatArray], FloatArray]:
        """Columns of large diagonal are eliminated into the rows, the light ones B on top of it.

        K = D^-1 + X_H Delta_H^-1 X_H';   (Delta_B + X_B'K^-1 X_B) v_B = r_B - X_B'K^-1 X_H r_H/Delta_H;
        v_H = (r_H - X_H'K^-1 (X_H r_H / Delta_H + X_B v_B)) / Delta_H.
        """
        columns, problem, mean = self._columns, self._corners.problem, self._mean
        light = self._light_columns()
        heavy, on_top = columns[~light], columns[light]
        delta, delta_top = self._added[heavy], self._added[on_top]
        inner = problem.row_products(heavy, 1.0 / delta, mean)
        inner[np.diag_indices_from(inner)] += 1.0 / self._by_row
        solve_inner = scaled_solver(inner)
        block = problem.block(on_top)
        if mean is not None:
            block -= mean[on_top]
        through = solve_inner(block) if on_top.size else block
        solve_top = scaled_solver(block.T @ through + np.diag(delta_top))

        def solve(right: FloatArray) -> FloatArray:
            spread = np.zeros(problem.size)
            spread[heavy] = right[~light] / delta
            at_rows = problem.centred_product(spread, mean)
            top = solve_top(right[light] - through.T @ at_rows)
            inside = solve_inner(at_rows + block @ top)
            back = problem.transposed_product(inside)[heavy]
            if mean is not None:
                back = back - mean[heavy] * np.sum(inside)
            solution = np.empty(columns.size)
            solution[~light] = (right[~light] - back) / delta
            solution[light] = top
            return solution

        return solve

    def _light_columns(self) -> BoolArray:
        """At most n columns whose diagonal is far below the usual, flat ones among them."""
        added = self._added[self._columns]
        usual = float(np.median(added[added > 0])) if np.any(added > 0) else 1.0
        light = (added < 1e-3 * usual) | (added == 0)
        most = max(self._corners.problem.n, int(np.count_nonzero(added == 0)))
        if np.count_nonzero(light) > most:
            light = np.zeros(added.size, dtype=bool)
            light[np.argsort(added, kind="stable")[:most]] = True
        return light


def scaled_solver(matrix: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """A^-1 by Cholesky on a unit diagonal, with as much added to it as it takes."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    if not matrix.size:
        return lambda right: right
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    size = np.where(size > 0, size, 1.0)
    scaled = matrix / size / size[:, None]
    added = 1e-14
    while True:
        shifted = scaled.copy()
        shifted[np.diag_indices_from(shifted)] += added
        try:
            factor = cho_factor(shifted, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            added *= 100.0
            if added > 1.0:
                raise
            continue
        return lambda right: (
            cho_solve(factor, (right.T / size).T, check_finite=False).T / size
        ).T


def _cholesky_factor(matrix: FloatArray) -> FloatArray:
    """Upper R with R'R = matrix; by eigenvalues where rounding leaves it indefinite."""
    from scipy.linalg import LinAlgError, cholesky, eigh

    try:
        factor: FloatArray = cholesky(matrix, check_finite=False)
        return factor
    except LinAlgError:
        values, vectors = eigh(matrix, check_finite=False)
        return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
