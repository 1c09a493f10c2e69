"""A path of modes under a Gaussian likelihood with a sparse X, by descent on the residuals.

The columns in play are too many for a square matrix of them, but have few entries each.  Those that
may leave their kink are taken from the pulls at the point before; the pulls on all columns then
tell which were missed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem

_EPOCHS = 2000
# Share of its slope that a pull must have for its column to be taken into the working set.
_NEARLY = 0.9
# The gap at which a point on the way is left, as a share of the loss at the start.
_PASSING = 0.1
# Entries that the compiled loops can number.
_MOST_ENTRIES = 2**32


def residual_descent_pays(problem: Problem) -> bool:
    """A sparse X whose columns all have a kink; the intercept flat or absent."""
    return (
        isinstance(problem.likelihood, Gaussian)
        and is_sparse(problem.X)
        and problem.X.nnz < _MOST_ENTRIES
        and (problem.flat_intercept or not problem.has_intercept)
        and bool(np.all(problem.penalty.l1[: problem.p] > 0))
    )


class SparsePath:
    """Residuals and columns of a sparse problem, and where descent on them stands."""

    def __init__(self, problem: Problem) -> None:
        p = problem.p
        by_row = problem.weights / problem.likelihood.noise**2
        self.problem = problem
        self.by_row = by_row
        self.root = np.sqrt(by_row)
        self.weight = float(np.sum(by_row)) if problem.flat_intercept else np.inf
        self.penalty = problem.penalty.take(slice(0, p))
        self.start = problem.start[:p]
        self.sums = problem.X.T @ by_row
        squares = problem.column_squares(by_row)[:p]
        self.squares = np.maximum(squares - self.sums**2 / self.weight, 0.0)
        residual = problem.y - problem.offset
        if np.any(self.start):
            residual = residual - problem.X @ self.start
        if problem.flat_intercept:
            residual = residual - by_row @ residual / self.weight
        self.residual = self.root * residual
        self.total = float(self.residual @ self.residual)
        self.d = np.zeros(p)
        self.pull = self._pulls()
        self.bounded = bool(
            np.any(np.isfinite(self.penalty.lower)) or np.any(np.isfinite(self.penalty.upper))
        )

    def points(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> Any:
        """Distances from ``start`` at each pair of factors, as the rows of a sparse matrix.

        ``tolerance`` is the gap in nats to aim for at each; where it is infinite, a look will do.
        """
        from scipy.sparse import csr_array

        columns, values = [], []
        for k in range(f.size):
            if k > 1 and not self.bounded:
                self._extrapolate(f[k - 2 : k + 1])
            else:
                self._remember()
            self._solve(float(f[k]), float(g[k]), float(tolerance[k]))
            columns.append(np.flatnonzero(self.d))
            values.append(self.d[columns[-1]])
        ends = np.cumsum([0, *(part.size for part in columns)])
        parts = (np.concatenate(values), np.concatenate(columns), ends)
        return csr_array(parts, shape=(f.size, self.d.size))

    def _remember(self) -> None:
        self.last = self.d.copy(), self.residual.copy()

    def _extrapolate(self, f: FloatArray) -> None:
        """Go on in a straight line from the last point, as modes do between changes of sign."""
        (before, here, there), (d, residual) = 1.0 / f, self.last
        self._remember()
        if here != before:
            share = (there - here) / (here - before)
            self.d += share * (self.d - d)
            self.residual += share * (self.residual - residual)

    def _solve(self, f: float, g: float, tolerance: float) -> None:
        """The mode at one pair of factors, from where the last one left the state."""
        slope = self.penalty.l1 / f
        passing = np.isinf(tolerance)
        aim = 0.5 * _PASSING * self.total if passing else tolerance
        used = 0
        while used < _EPOCHS:
            size = np.abs(self.pull)
            working = np.flatnonzero((size > _NEARLY * slope) | (self.d != 0.0))
            used += self._descend(working, f, g, aim, _EPOCHS - used)
            self.pull = self._pulls()
            if passing:
                return
            missed = np.abs(self.pull) > slope
            missed[working] = False
            if not missed.any():
                if self._gap(working, f, g) <= tolerance:
                    return
                aim *= 0.25

    def _descend(self, working: IntArray, f: float, g: float, aim: float, epochs: int) -> int:
        """Descent over the working set; the epochs that it took."""
        from bayesreg._kernels.residual_descent import residual_descent

        X, penalty, start = self.problem.X, self.penalty, self.start[working]
        columns = np.stack([
            self.d[working], penalty.l1[working], penalty.l2[working],
            penalty.lower[working] - start, penalty.upper[working] - start,
            self.sums[working], self.squares[working],
        ])  # fmt: skip
        used = residual_descent(
            _unsigned(X.indptr), _unsigned(X.indices), X.data, self.root, self.residual,
            np.array([self.root @ self.residual]), self.weight, columns, working, f, g, aim, epochs,
        )  # fmt: skip
        self.d[working] = columns[0]
        return int(used)

    def _pulls(self) -> FloatArray:
        """Minus the gradient of the loss."""
        by_row = self.root * self.residual
        pull: FloatArray = self.problem.X.T @ by_row
        return pull - np.sum(by_row) / self.weight * self.sums

    def _gap(self, working: IntArray, f: float, g: float) -> float:
        """The duality gap over the working set, but for rounding."""
        penalty, d, pull = self.penalty.take(working), self.d[working], self.pull[working]
        slope, bend = penalty.l1 / f, penalty.l2 / g
        own = pull - bend * d
        start = self.start[working]
        outward = (start + d <= penalty.lower) & (own < 0) | (start + d >= penalty.upper) & (
            own > 0
        )
        curved = bend > 0
        beyond = np.maximum(np.abs(own) - slope, 0.0)
        distance = np.where(d == 0.0, beyond, np.abs(own - slope * np.sign(d)))
        straight = slope * np.abs(d) - own * d
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(curved, 0.5 * distance**2 / bend, straight)
        excess = float(np.max(np.where(curved | outward, 0.0, beyond / slope), initial=0.0))
        inner = float(np.sum(np.where(outward, 0.0, pull * d)))
        total = float(self.root @ self.residual)
        loss = 0.5 * (float(self.residual @ self.residual) - total**2 / self.weight)
        rest = excess / (1.0 + excess)
        return float(np.sum(np.where(outward, 0.0, terms))) + rest * inner + rest**2 * loss

    def extended(self, d: Any) -> FloatArray:
        """Rows of d as extended vectors, in a new array."""
        problem, p = self.problem, self.problem.p
        v = np.zeros((d.shape[0], problem.size))
        rows = np.repeat(np.arange(d.shape[0]), np.diff(d.indptr))
        v[rows, d.indices] = d.data
        if np.any(self.start):
            v[:, :p] += self.start
        if problem.flat_intercept:
            target = (problem.y - problem.offset) @ self.by_row
            v[:, p] = (target - d @ self.sums - self.start @ self.sums) / self.weight
        return v


def _unsigned(numbers: IntArray) -> IntArray:
    """The same numbers without a sign: looked at, not copied, where they have 32 bits."""
    if numbers.dtype == np.int32:
        return numbers.view(np.uint32)
    return numbers.astype(np.uint32)
