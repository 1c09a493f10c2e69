"""From a mode to a better one: other coefficients believed, the rest left where it is.

Moves, for a mode with the coefficients S in their slab (beyond the inflection of the tails):

* one of S goes to its spike, or hands over to one of the columns most like it;
* two of S go, and one column takes over from both;
* one column more, of those that the residuals ask for;
* one column alone.

Each is tried on the quadratic stand-in of the loss over the few coefficients that it frees, all
others held; the caller descends properly from the most promising.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem
from bayesreg.solvers.local_patterns import QuadraticLoss

# Of S: the largest that is searched, and the largest of which pairs are tried.
_MOST_IN_SLAB, _MOST_FOR_PAIRS = 40, 8
_PARTNERS, _ADDED, _ALONE = 3, 6, 12
_STEPS = 12
# Of a dense copy of X.
_MOST_ENTRIES = 20_000_000
# Points to descend from, and how far their stand-in may lie above the mode, in nats.
_MOST_STARTS, _MARGIN = 3, 0.5


@dataclass(frozen=True)
class _Move:
    """Columns that go to their spike, and columns that enter the slab."""

    out: tuple[int, ...]
    into: tuple[int, ...]


def swapped_starts(problem: Problem, v: FloatArray) -> list[FloatArray]:
    """The most promising points that one move leads to; empty where nothing can be told."""
    tails = problem.penalty.tails
    if tails is None or problem.n * problem.size > _MOST_ENTRIES:
        return []
    present = tails.present & ~problem.penalty.is_pinned
    far = np.abs(v - problem.penalty.loc) > tails.scale * np.sqrt(tails.nu)
    slab = np.flatnonzero(present & far)
    if slab.size > _MOST_IN_SLAB:
        return []
    return _Search(problem, v, slab, present).best()


class _Search:
    """The stand-in at one mode."""

    def __init__(self, problem: Problem, v: FloatArray, slab: IntArray, present: BoolArray) -> None:
        self.problem, self.v, self.slab, self.present = problem, v, slab, present
        # Coefficients without tails move along, where they are few.
        rest = np.flatnonzero(~present & ~problem.penalty.is_pinned)
        self.others = rest if rest.size <= _MOST_IN_SLAB else rest[rest == problem.p]
        eta = problem.linear_predictor(v)
        rows = problem.majorising_rows(eta)
        root = np.sqrt(np.maximum(rows, 0.0))
        self.Z = root[:, None] * problem.block(np.arange(problem.size))
        with np.errstate(divide="ignore", invalid="ignore"):
            self.r = np.where(root > 0, -problem.gradient_rows(eta) / root, 0.0)
        self.norm = np.sqrt(np.einsum("ij,ij->j", self.Z, self.Z))
        self.loc = problem.penalty.loc

    def best(self) -> list[FloatArray]:
        """Ends of the moves, the lowest first."""
        ends = [end for move in self._moves() if (end := self._end(move)) is not None]
        ends = sorted(ends, key=lambda end: end[0])[: 4 * _MOST_STARTS]
        kept: list[FloatArray] = []
        for change, moved in ends:
            apart = all(np.max(np.abs(moved - other) * self.norm) > 0.1 for other in kept)
            if change < _MARGIN and apart and len(kept) < _MOST_STARTS:
                kept.append(moved)
        return kept

    def _moves(self) -> Iterator[_Move]:
        slab = self.slab.tolist()
        for j in slab:
            yield _Move((j,), ())
            yield from (_Move((j,), (k,)) for k in self._partners([j]))
        for pair in combinations(slab, 2) if len(slab) <= _MOST_FOR_PAIRS else ():
            yield _Move(pair, ())
            yield from (_Move(pair, (k,)) for k in self._partners(list(pair)))
        yield from (_Move((), (k,)) for k in self._asked_for(self.r, _ADDED))
        everything = self._without(slab)
        yield from (_Move(tuple(slab), (k,)) for k in self._asked_for(everything, _ALONE))

    def _without(self, columns: list[int]) -> FloatArray:
        """Residuals once these columns are at their loc."""
        return self.r + self.Z[:, columns] @ (self.v - self.loc)[columns]

    def _partners(self, columns: list[int]) -> list[int]:
        """Those in their spike that could take over from these."""
        return self._asked_for(self._without(columns), _PARTNERS)

    def _asked_for(self, residual: FloatArray, most: int) -> list[int]:
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(self.present, np.abs(self.Z.T @ residual) / self.norm, 0.0)
        strongest = np.argsort(-np.nan_to_num(gain), kind="stable")[:most]
        chosen: list[int] = strongest[self.present[strongest]].tolist()
        return chosen

    def _end(self, move: _Move) -> tuple[float, FloatArray] | None:
        """Where the freed coefficients end, and by how much J has changed."""
        stay = [j for j in self.slab.tolist() if j not in move.out]
        into = [k for k in move.into if k not in stay]
        if not into and not move.out:
            return None
        free = np.array([*stay, *into, *self.others.tolist()], dtype=np.intp)
        gone = np.array([j for j in move.out if j not in into], dtype=np.intp)
        moved = self.v.copy()
        moved[gone] = self.problem.start[gone]
        if free.size:
            moved[free] = self._refitted(free, moved, into)
        step = moved - self.v
        touched = np.flatnonzero(step)
        fitted = self.Z[:, touched] @ step[touched]
        before = self.problem.penalty.value(self.v)
        change = 0.5 * float(fitted @ fitted) - float(self.r @ fitted)
        return change + self.problem.penalty.value(moved) - before, moved

    def _refitted(self, free: IntArray, moved: FloatArray, into: list[int]) -> FloatArray:
        """The stand-in's mode over the free coefficients, those in ``into`` believed at first."""
        block, gone = self.Z[:, free], np.flatnonzero(moved != self.v)
        gap = self.r - self.Z[:, gone] @ (moved - self.v)[gone]
        G = block.T @ block
        loss = QuadraticLoss(G, block.T @ gap + G @ self.v[free], self.problem.penalty.take(free))
        weights = loss.weights(moved[free][None])
        weights[:, np.isin(free, into)] *= 1e-6
        return loss.descend(loss.step(weights), _STEPS)[0]
