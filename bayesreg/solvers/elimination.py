"""A penalised quadratic with the coefficients whose sign is sure eliminated.

    minimise over (x, z)   q(x, z) + l1_B' |x| / f + (other terms),      q with matrix H, -cross

Where the signs s of x hold, x = H_BB^-1 (c_B - l1_B s / f - H_BN z), and what is left is a
penalised quadratic in the few doubtful z, with the Schur complement for its matrix,

    A = H_NN - W'W,    c(f) = c_N - W'(u - t / f),    R'R = H_BB,
    W = R^-T H_BN,     u = R^-T c_B,     t = R^-T (l1_B s),

for every f by one factorisation.  (l2 is part of H_BB here.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.penalty import Penalty
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

# Below this a pivot, of a matrix with a diagonal of ones, says that columns are dependent.
_DEPENDENT = 1e-7


@dataclass(frozen=True, eq=False)
class Move:
    """Where the sure and the doubtful coefficients are, or go."""

    sure: FloatArray
    doubtful: FloatArray
    crossed: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(frozen=True, eq=False)
class Elimination:
    """R in units of ``size``, and what follows from it; see above."""

    H: FloatArray
    sure: IntArray
    doubtful: IntArray
    cross: tuple[FloatArray, FloatArray]
    penalties: tuple[Penalty, Penalty]
    sign: FloatArray
    R: FloatArray
    size: FloatArray
    W: FloatArray
    u: FloatArray
    t: FloatArray
    A: FloatArray

    @staticmethod
    def of(
        H: FloatArray,
        sure: IntArray,
        doubtful: IntArray,
        cross_sure: FloatArray,
        cross_doubtful: FloatArray,
        penalty_sure: Penalty,
        penalty_doubtful: Penalty,
        sign: FloatArray,
    ) -> Elimination | None:
        """Of the given positions in H; None where the sure columns are dependent."""
        from scipy.linalg.lapack import dpotrf, dtrtrs

        from bayesreg._kernels.free_block import free_block, rectangle

        diagonal = H[sure, sure] + penalty_sure.l2
        if not np.all(diagonal > 0):
            return None
        size = np.sqrt(diagonal)
        block = np.empty((sure.size, sure.size))
        A = block_of(H, doubtful)
        R, W = block, np.empty((0, doubtful.size))
        u = t = np.empty(0)
        if sure.size:
            free_block(H, sure, size, block)
            # What is the lower triangle here is the upper one for LAPACK.
            R, failed = dpotrf(block.T, lower=0, overwrite_a=1, clean=0)
            if failed or np.min(np.diagonal(R)) < _DEPENDENT:
                return None
            right = np.empty((doubtful.size + 2, sure.size))
            rectangle(H, doubtful, sure, size, right)
            right[-2] = cross_sure / size
            right[-1] = penalty_sure.l1 * sign / size
            solved = dtrtrs(R, right.T, lower=0, trans=1, overwrite_b=1)[0]
            W, u, t = solved[:, :-2], solved[:, -2], solved[:, -1]
            A -= W.T @ W
        return Elimination(
            H, sure, doubtful, (cross_sure, cross_doubtful), (penalty_sure, penalty_doubtful),
            sign, R, size, W, u, t, A,
        )  # fmt: skip

    def minimum(self, f: float, start: Move) -> Move:
        """The minimum at this factor if the signs hold; ``crossed`` marks those that do not."""
        from scipy.linalg.lapack import dtrtrs

        part = self.penalties[1]
        penalty = Penalty(part.l1 / f, part.l2, part.loc, part.lower, part.upper)
        h = self.u - self.t / f
        cross = self.cross[1] - self.W.T @ h
        z = start.doubtful
        if z.size:
            z = minimise_quadratic(Quadratic(self.A, self.A @ z - cross, z), penalty)
        if not self.sure.size:
            return Move(start.sure, z, np.zeros(0, dtype=bool))
        x = dtrtrs(self.R, h - self.W @ z, lower=0)[0] / self.size
        met = self._met(x)
        return Move(x, z, x != met)

    def _met(self, x: FloatArray) -> FloatArray:
        """x, with coefficients that changed sign put on their kink, others within their bounds."""
        bounds = self.penalties[0]
        turned = (x * self.sign <= 0) & (bounds.l1 > 0)
        return np.where(turned, 0.0, np.clip(x, bounds.lower, bounds.upper))

    def part_of_the_way(self, f: float, start: Move, end: Move) -> Move:
        """The better of two: up to the first sign that changes, or all the way, with those that
        crossed put on what they met."""
        step, met = end.sure - start.sure, self._met(end.sure)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(end.crossed, (met - start.sure) / step, np.inf)
        first = int(np.argmin(shares))
        share = float(shares[first])
        up_to = start.sure + share * step
        up_to[first] = met[first]
        tries = (
            Move(up_to, start.doubtful + share * (end.doubtful - start.doubtful)),
            Move(met, end.doubtful),
        )
        return min(tries, key=lambda end: self._value(f, end))

    def _value(self, f: float, at: Move) -> float:
        """The objective, but for a constant."""
        d = np.zeros(len(self.H))
        d[self.sure], d[self.doubtful] = at.sure, at.doubtful
        value = 0.5 * float(d @ (self.H @ d))
        for part, cross, x in zip(self.penalties, self.cross, (at.sure, at.doubtful), strict=True):
            kinks, squares = float(np.sum(part.l1 * np.abs(x))), float(np.sum(part.l2 * x**2))
            value += kinks / f + 0.5 * squares - float(cross @ x)
        return value


def block_of(H: FloatArray, chosen: IntArray) -> FloatArray:
    """H over the chosen rows and columns, contiguous."""
    from bayesreg._kernels.free_block import square_block

    block = np.empty((chosen.size, chosen.size))
    square_block(H, chosen, block)
    return block
