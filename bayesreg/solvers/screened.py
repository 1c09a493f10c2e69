"""A path of modes under a Gaussian likelihood with more columns than rows.

Only columns that leave their kink, or nearly do, enter a matrix of second moments.  At each point
the coefficients whose sign is not in doubt are eliminated (``elimination``); the few others make a
small problem.  One product with X then gives the pulls on all columns, and with them the duality
gap that ends the point or the signs to go on from.
"""

from __future__ import annotations

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.elimination import Elimination, Move, block_of
from bayesreg.solvers.newton import Curvature

# Points are solved together up to this ratio of penalties.
_AHEAD = 1.25
_POINTS_PER_BLOCK = 8
# Rounds at one point with the sure signs eliminated, and after those with none.
_ROUNDS, _MORE_ROUNDS = 30, 6
# Share of its slope that a pull must reach for a coefficient at its kink to be watched, and how
# many of these at most.
_NEARLY = 0.9
_WATCHED = 250
# Coefficients off their kink whose sign is taken to be in doubt.
_DOUBTFUL = 200
_COLUMNS_PER_PRODUCT = 256


def screening_pays(problem: Problem) -> bool:
    """Dense columns that all have a kink, more of them than rows."""
    p = problem.p
    return (
        isinstance(problem.likelihood, Gaussian)
        and not is_sparse(problem.X)
        and bool(np.all(problem.penalty.l1[:p] > 0))
    )


class ScreenedPath:
    """The state of the path: where it stands, and the moments of the columns in play."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.by_row = problem.weights / problem.likelihood.noise**2
        self.weight = float(np.sum(self.by_row))
        self.size = problem.p if problem.flat_intercept else problem.size
        self.mean = problem.X.T @ self.by_row / self.weight if problem.flat_intercept else None
        self.start = problem.start[: self.size]
        self.penalty = problem.penalty.take(slice(0, self.size))
        # In distances from where every coefficient is at its loc.
        self.from_start = Penalty(
            self.penalty.l1, self.penalty.l2, np.zeros(self.size),
            self.penalty.lower - self.start, self.penalty.upper - self.start,
        )  # fmt: skip
        self.d = np.zeros(self.size)
        losses, pulls = self._pulls(self.d[None])
        self.pull = self.cross = pulls[0]
        self.total = 2.0 * float(losses[0])
        self.columns = np.empty(0, dtype=np.intp)
        # Where in the moments each column stands; -1 for those that do not.
        self.position = np.full(self.size, -1)
        self.H = np.empty((0, 0))

    def points(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> FloatArray:
        """Distances from ``start`` at each pair of factors, one row each.

        ``tolerance`` is the gap in nats to aim for at each; where it is infinite, one round will
        do.
        """
        out = np.zeros((f.size, self.size))
        first, rounds = 0, 0
        while first < f.size:
            last = self._end_of_block(f, g, first) if rounds == 0 else first + 1
            along, settled = self._round(f[first:last], g[first:last], rounds < _ROUNDS)
            losses, pulls = self._pulls(along)
            rounds += 1
            for d, pull, loss in zip(along, pulls, losses, strict=True):
                self.d, self.pull = d, pull
                allowed = self.penalty.l1 / f[first] * (1 + 1e-12)
                missed = np.any((d == 0) & (np.abs(pull) > allowed))
                close = np.isinf(tolerance[first]) or (
                    self._gap(d, pull, float(loss), f[first], g[first]) <= tolerance[first]
                )
                if not (close or (settled and not missed) or rounds >= _ROUNDS + _MORE_ROUNDS):
                    break
                out[first] = d
                first, rounds = first + 1, 0
        return out

    def _end_of_block(self, f: FloatArray, g: FloatArray, first: int) -> int:
        """Points with one quadratic part, up to a ratio of penalties."""
        last = min(first + _POINTS_PER_BLOCK, int(np.searchsorted(f, _AHEAD * f[first])))
        if self.penalty.l2.any():
            last = min(last, int(np.searchsorted(g, g[first], side="right")))
        return max(first + 1, last)

    def _round(self, f: FloatArray, g: FloatArray, eliminate: bool) -> tuple[FloatArray, bool]:
        """Modes at the first of these points or more, if signs are as they seem from here.

        True when nothing stood in the way.
        """
        free, watched = self._choice(f[-1], eliminate)
        self._add(np.concatenate([free, watched]))
        kept = free.size - _DOUBTFUL if eliminate and free.size > _DOUBTFUL else 0
        sure, doubtful = free[:kept], np.concatenate([free[kept:], watched])
        known = self.columns.size
        elimination = Elimination.of(
            self.H[:known, :known], self.position[sure], self.position[doubtful], self.cross[sure],
            self.cross[doubtful], self._part(sure, g[0]), self._part(doubtful, g[0]),
            np.sign(self.d[sure]),
        )  # fmt: skip
        if elimination is None:
            return self._round(f, g, False)
        along = np.zeros((f.size, self.size))
        move = Move(self.d[sure], self.d[doubtful])
        for k, factor in enumerate(f.tolist()):
            found = elimination.minimum(factor, move)
            if found.crossed.any():
                if k > 0:
                    return along[:k], False
                found = elimination.part_of_the_way(factor, move, found)
                along[0, sure], along[0, doubtful] = found.sure, found.doubtful
                return along[:1], False
            along[k, sure], along[k, doubtful] = found.sure, found.doubtful
            move = found
        return along, True

    def _part(self, columns: IntArray, g: float) -> Penalty:
        part = self.from_start.take(columns)
        return Penalty(part.l1, part.l2 / g, part.loc, part.lower, part.upper)

    def _choice(self, f: float, eliminate: bool) -> tuple[IntArray, IntArray]:
        """Coefficients off their kink, the surest of their sign first, and those nearly off."""
        low, high = self.from_start.lower, self.from_start.upper
        off = np.flatnonzero(self.d)
        d = self.d[off]
        to_kink = np.where(self.penalty.l1[off] > 0, np.abs(d), np.inf)
        room = np.minimum(to_kink, np.minimum(d - low[off], high[off] - d))
        free = off[np.argsort(-room, kind="stable")]
        pull, slope = np.abs(self.pull), self.penalty.l1 / f
        held = np.flatnonzero((self.d == 0) & (pull > _NEARLY * slope))
        if held.size > _WATCHED and eliminate:
            strongest = np.argsort(slope[held] - pull[held], kind="stable")
            held = held[strongest[:_WATCHED]]
        return free, held

    def _gap(self, d: FloatArray, pull: FloatArray, loss: float, f: float, g: float) -> float:
        """The duality gap at the pulls, scaled towards 0 until they are feasible."""
        part = self.from_start
        penalty = Penalty(part.l1 / f, part.l2 / g, part.loc, part.lower, part.upper)
        alpha = penalty.dual_scalings(pull)[0]
        by_column = penalty.fenchel_young(d, alpha * pull)
        return (1.0 - alpha) ** 2 * loss + float(np.sum(by_column))

    def _add(self, wanted: IntArray) -> None:
        """Bring columns into the moments."""
        new = np.sort(wanted[self.position[wanted] < 0])
        if not new.size:
            return
        known, size = self.columns.size, self.columns.size + new.size
        if size > len(self.H):
            H = np.empty((size + size // 4, size + size // 4))
            H[:known, :known] = self.H[:known, :known]
            self.H = H
        self.columns = np.concatenate([self.columns, new])
        self.position[new] = np.arange(known, size)
        block = self.problem.block(new)
        centred = block if self.mean is None else block - self.mean[new]
        centred = self.by_row[:, None] * centred
        # The new columns being centred, the known ones need not be.
        self.H[known:size, known:size] = block.T @ centred
        for first in range(0, known, _COLUMNS_PER_PRODUCT):
            part = slice(first, min(first + _COLUMNS_PER_PRODUCT, known))
            product = self.problem.block(self.columns[part]).T @ centred
            self.H[part, known:size] = product
            self.H[known:size, part] = product.T

    def _residuals(self, d: FloatArray) -> FloatArray:
        """(n, k) residuals at the rows of d, a flat intercept at its optimum."""
        p = self.problem.p
        w = self.start + d
        residual = (self.problem.y - self.problem.offset)[:, None]
        moved = np.flatnonzero(np.any(w[:, :p] != 0, axis=0))
        if moved.size * 4 < p:
            residual = residual - design.product_over(self.problem.X, moved, w[:, moved].T)
        else:
            residual = residual - self.problem.X @ w[:, :p].T
        if self.mean is not None:
            return residual - self.by_row @ residual / self.weight
        return residual - w[:, p] if self.problem.has_intercept else residual

    def _pulls(self, d: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Losses and (k, size) pulls, minus the gradients of the loss, at the rows of d."""
        residual = self._residuals(d)
        by_row = self.by_row[:, None] * residual
        pulls = np.asarray(self.problem.X.T @ by_row).T
        if self.size > self.problem.p:
            pulls = np.concatenate([pulls, np.sum(by_row, axis=0)[:, None]], axis=1)
        return 0.5 * np.sum(residual * by_row, axis=0), pulls

    def extended(self, d: FloatArray) -> FloatArray:
        """Rows of d as extended vectors."""
        w = self.start + d
        if self.mean is None:
            return w
        target = (self.problem.y - self.problem.offset) @ self.by_row / self.weight
        return np.concatenate([w, (target - w @ self.mean)[:, None]], axis=1)

    def moments(self) -> tuple[IntArray, FloatArray]:
        """The columns off their kink, and their centred second moments."""
        columns = np.flatnonzero(self.d)
        return columns, block_of(self.H, self.position[columns])

    def curvature(self) -> Curvature:
        """The curvature over the columns off their kink, as Newton's method wants it."""
        known = Curvature.of(self.problem, self.problem.curvature_rows(self.problem.y))
        known.columns, known.hessian = self.moments()
        return known
