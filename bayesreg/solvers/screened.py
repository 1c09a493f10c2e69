"""A path of modes under a Gaussian likelihood with more columns than rows.

Only columns that may leave their kink enter a matrix of second moments, a few points of the path
ahead; the gradients of all columns at those points, by one product with X, then tell which were
missed.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Curvature
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

# Columns are chosen this far ahead, as a ratio of penalties.
_AHEAD = 1.25
_POINTS_PER_BLOCK = 8
# On the way to a point, and at it before exact solves take over.
_EPOCHS_PASSING, _EPOCHS = 6, 40
# Share of its slope that a pull must reach for a coefficient at its kink to be watched.
_NEARLY = 0.9


def screening_pays(problem: Problem) -> bool:
    """Dense columns that all have a kink, more of them than rows."""
    p = problem.p
    return (
        isinstance(problem.likelihood, Gaussian)
        and not is_sparse(problem.X)
        and bool(np.all(problem.penalty.l1[:p] > 0))
    )


class ScreenedPath:
    """The state of the path: the columns in play, their moments, and where they stand."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.by_row = problem.weights / problem.likelihood.noise**2
        self.weight = float(np.sum(self.by_row))
        self.size = problem.p if problem.flat_intercept else problem.size
        self.penalty = problem.penalty.take(slice(0, self.size))
        self.mean = problem.X.T @ self.by_row / self.weight if problem.flat_intercept else None
        self.start = problem.start.copy()
        self.pull = self._pulls(np.zeros((1, self.size)))[:, 0]
        residual = self._residuals(np.zeros((1, self.size)))[:, 0]
        self.total = float(self.by_row @ residual**2)
        self.columns = np.empty(0, dtype=np.intp)
        self.cross = self.pull.copy()
        self.H = np.empty((0, 0))
        self.block = np.empty((problem.n, 0), order="F")
        self.vectors = np.empty((8, 0))
        self.order = np.empty(0, dtype=np.int64)
        self.front = 0

    def points(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> FloatArray:
        """Distances from ``start`` at each pair of factors, one row each.

        ``tolerance`` is the gap in nats to aim for at each; where it is infinite, a few epochs of
        descent will do.
        """
        out = np.zeros((f.size, self.size))
        first = 0
        while first < f.size:
            last = min(first + _POINTS_PER_BLOCK, int(np.searchsorted(f, _AHEAD * f[first])))
            last = max(first + 1, last)
            block = slice(first, last)
            self._add(np.flatnonzero(np.abs(self.pull) > self.penalty.l1 / f[last - 1]))
            while True:
                out[block] = self._solve(f[block], g[block], tolerance[block])
                pulls = self._pulls(out[block])
                allowed = self.penalty.l1[:, None] / f[block] * (1 + 1e-12)
                missed = np.abs(pulls) > allowed
                missed[self.columns] = False
                if not missed.any():
                    break
                self._add(np.flatnonzero(missed.any(axis=1)))
            self.pull = pulls[:, -1]
            first = last
        return out

    def _add(self, wanted: IntArray) -> None:
        """Bring columns into the moments."""
        new = np.setdiff1d(wanted, self.columns, assume_unique=True)
        if not new.size:
            return
        known, size = self.columns.size, self.columns.size + new.size
        every = np.concatenate([self.columns, new])
        if size > len(self.H):
            self._grow(known, size + size // 3)
        self.block[:, known:size] = self.problem.block(new)
        centred = self.block[:, known:size]
        if self.mean is not None:
            centred = centred - self.mean[new]
        # The new columns being centred, the known ones need not be.
        product = self.block[:, :size].T @ (self.by_row[:, None] * centred)
        self.H[:known, known:size] = product[:known][self.order]
        self.H[known:size, :known] = self.H[:known, known:size].T
        self.H[known:size, known:size] = product[known:]
        part = self.penalty.take(new)
        here, nothing = self.start[new], np.zeros(new.size)
        added = np.stack([
            nothing, -self.pull[new], part.l1, part.l2, part.lower - here, part.upper - here,
            nothing, nothing,
        ])  # fmt: skip
        self.vectors = np.concatenate([self.vectors, added], axis=1)
        self.order = np.concatenate([self.order, np.arange(known, size)])
        self.columns = every

    def _grow(self, known: int, capacity: int) -> None:
        H, block = np.empty((capacity, capacity)), np.empty((self.problem.n, capacity), order="F")
        H[:known, :known] = self.H[:known, :known]
        block[:, :known] = self.block[:, :known]
        self.H, self.block = H, block

    def _solve(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> FloatArray:
        """The points of one block, on the columns in play."""
        from bayesreg._kernels.gram_path import gram_path, refresh

        out = np.zeros((f.size, self.columns.size))
        cross = self.cross[self.columns]
        refresh(self.H, self.vectors, cross, self.order, self.front, 0)
        point, tries = 0, 0
        while point < f.size:
            stopped, self.front = gram_path(
                self.H, self.vectors, self.order, self.front, cross, self.total, f, g,
                np.where(np.isinf(tolerance), 0.0, tolerance), epochs_for(tolerance), point, out,
            )  # fmt: skip
            if stopped == f.size:
                break
            tries = tries + 1 if stopped == point else 0
            point = stopped
            if np.isfinite(tolerance[point]):
                finish(self.H, self.vectors, self.front, float(f[point]), float(g[point]))
                refresh(self.H, self.vectors, cross, self.order, self.front, 0)
            if tries > 6 or np.isinf(tolerance[point]):
                out[point, self.order] = self.vectors[0]
                point, tries = point + 1, 0
        full = np.zeros((f.size, self.size))
        full[:, self.columns] = out
        return full

    def _residuals(self, d: FloatArray) -> FloatArray:
        """(n, k) residuals at the rows of d, a flat intercept at its optimum."""
        p = self.problem.p
        w = self.start[: self.size] + d
        moved = np.flatnonzero(np.any(w[:, :p] != 0, axis=0))
        if moved.size * 4 < p:
            fitted = self.problem.X[:, moved] @ w[:, moved].T
        else:
            fitted = self.problem.X @ w[:, :p].T
        residual = (self.problem.y - self.problem.offset)[:, None] - fitted
        if self.mean is not None:
            return residual - self.by_row @ residual / self.weight
        return residual - w[:, p] if self.problem.has_intercept else residual

    def _pulls(self, d: FloatArray) -> FloatArray:
        """(size, k): minus the gradient of the loss at the rows of d."""
        by_row = self.by_row[:, None] * self._residuals(d)
        pulls: FloatArray = self.problem.X.T @ by_row
        if self.size > self.problem.p:
            return np.concatenate([pulls, np.sum(by_row, axis=0)[None]])
        return pulls

    def extended(self, d: FloatArray) -> FloatArray:
        """Rows of d as extended vectors."""
        w = self.start[: self.size] + d
        if self.mean is None:
            return w
        target = (self.problem.y - self.problem.offset) @ self.by_row / self.weight
        return np.concatenate([w, (target - w @ self.mean)[:, None]], axis=1)

    def curvature(self) -> Curvature:
        """The curvature over the columns off their kink, as Newton's method wants it."""
        known = Curvature.of(self.problem, self.problem.curvature_rows(self.problem.y))
        off = np.flatnonzero(self.vectors[0])
        columns = self.columns[self.order[off]]
        known.columns = np.sort(columns)
        known.hessian = block_of(self.H, off[np.argsort(columns)])
        return known


def epochs_for(tolerance: FloatArray) -> IntArray:
    """Epochs of descent allowed at each point."""
    return np.where(np.isinf(tolerance), _EPOCHS_PASSING, _EPOCHS)


def finish(H: FloatArray, vectors: FloatArray, front: int, f: float, g: float) -> None:
    """Solve for the coefficients in front exactly, where descent is too slow.

    Those at their kink that are far from wanting to leave stay out; whether one of them does
    after all is seen in the next sweep.
    """
    d, r, l1, l2, lower, upper = (row[:front] for row in vectors[:6])
    chosen = np.flatnonzero((d != 0) | (np.abs(r) > _NEARLY * l1 / f))
    penalty = Penalty(l1 / f, l2 / g, np.zeros(front), lower, upper).take(chosen)
    block = block_of(H, chosen)
    d[chosen] = minimise_quadratic(Quadratic(block, r[chosen], d[chosen]), penalty)


def block_of(H: FloatArray, chosen: IntArray) -> FloatArray:
    """H over the chosen rows and columns, contiguous."""
    from bayesreg._kernels.free_block import square_block

    block = np.empty((chosen.size, chosen.size))
    square_block(H, chosen, block)
    return block
