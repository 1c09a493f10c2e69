"""The lasso's path from one knot to the next: which coefficient leaves or meets its loc, and when.

With the coefficients A off their loc, signs s, d = w - loc and c = Z'(residual) the pulls,

    d_A(lam - delta) = d_A(lam) + delta q,     G_AA q = s_A l1_A
    c(lam - delta)   = c(lam)   - delta a,     a = Z' Z_A q       (a_A = s_A l1_A)

until some |c_j| reaches lam l1_j or some d_j reaches 0.  Osborne, Presnell and Turlach (2000);
Efron et al. (2004).  Where several do so at once, the q that follows is the optimum of

    q' G q / 2 - (s l1)' q      over A and the tied, with s_j q_j >= 0 for the tied.

A knot costs one product with X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.errors import ModelError
from bayesreg.penalty import Penalty
from bayesreg.solvers.active_factor import ActiveFactor
from bayesreg.solvers.column_products import ColumnProducts
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

# Knots within this share of lam are one knot; a column that nears its bound more slowly does not.
_SAME = 1e-10
# The path is followed down to this share of the first lam: beyond lies rounding.
_LEAST = 1e-12
# Pulls are formed afresh after so many knots, at which rounding has added up.
_FRESH = 16
# Steps of no length before the columns are taken to be beyond telling apart.
_STALLED = 30


@dataclass(frozen=True, eq=False)
class Knot:
    """A knot: the ratio lam, and the coefficients off their loc with their distances from it."""

    lam: float
    columns: IntArray
    d: FloatArray


class Homotopy:
    """The state at one lam; ``advance`` moves it to the next knot."""

    def __init__(self, products: ColumnProducts, l1: FloatArray, rank: int) -> None:
        self.products, self.l1, self.rank = products, l1, rank
        self.pull = products.cross.copy()
        self.first = self.lam = float(np.max(np.abs(self.pull) / l1))
        self.active: list[int] = []
        self.sign = np.zeros(l1.size)
        self.d = np.zeros(0)
        self.factor = ActiveFactor()
        # Columns that the active ones make up.
        self.dependent = np.zeros(l1.size, dtype=bool)
        self.stale = self.stalled = 0
        if self.lam > 0:
            self._change(np.zeros(0, dtype=np.intp), self._tied())

    def advance(self) -> Knot | None:
        """The next knot at a smaller lam; None where the path has no more."""
        while self.active:
            q = self.factor.solve((self.sign * self.l1)[self.active])
            response = self.products.response(self.active, q)
            step, event = self._step(q, response)
            if not self.lam - step > _LEAST * self.first:
                return None
            self._require_progress(step)
            if self._move(q, response, step, event):
                return self.knot()
        return None

    def knot(self) -> Knot:
        """Where the path stands."""
        columns, off = np.array(self.active, dtype=np.intp), self.d != 0
        return Knot(self.lam, columns[off], self.d[off])

    def _step(self, q: FloatArray, response: FloatArray) -> tuple[float, int]:
        """How far lam falls until something happens, and to which coefficient."""
        with np.errstate(divide="ignore", invalid="ignore"):
            shrinking = q * self.sign[self.active] < 0
            leaves = np.where(shrinking, np.maximum(-self.d / q, 0.0), np.inf)
        i = int(np.argmin(leaves))
        least, event = float(leaves[i]), self.active[i]
        if len(self.active) < self.rank:
            meets = self._meets(response)
            j = int(np.argmin(meets))
            if meets[j] < least:
                least, event = float(meets[j]), j
        return least, event

    def _meets(self, response: FloatArray) -> FloatArray:
        """How far lam falls until the pull on each coefficient at its loc reaches lam l1."""
        bound, least = self.lam * self.l1, np.full(self.l1.size, np.inf)
        for pull, rate in ((self.pull, response), (-self.pull, -response)):
            closing = self.l1 - rate
            with np.errstate(divide="ignore", invalid="ignore"):
                meets = np.maximum(bound - pull, 0.0) / closing
            least = np.minimum(least, np.where(closing > _SAME * self.l1, meets, np.inf))
        least[self.active] = np.inf
        least[self.dependent] = np.inf
        return least

    def _move(self, q: FloatArray, response: FloatArray, step: float, event: int) -> bool:
        """Go there and change the active set; False where it stayed as it was."""
        self.lam -= step
        self.pull -= step * response
        self._solve()
        self.stale += 1
        if self.stale >= _FRESH:
            self.pull, self.stale = self.products.pulls(self.active, self.d), 0
        self.pull[self.active] = self.lam * (self.sign * self.l1)[self.active]
        toward = self.d * self.sign[self.active] <= _SAME * self.lam * np.abs(q)
        leaving = toward & (q * self.sign[self.active] < 0)
        joining = self._tied()
        if event in self.active:
            leaving[self.active.index(event)] = True
        elif event not in joining:
            joining = np.append(joining, event)
        return self._change(np.flatnonzero(leaving), joining)

    def _solve(self) -> None:
        """d_A at lam, refined once by the pulls that it leaves."""
        active, bound = self.active, self.lam * (self.sign * self.l1)[self.active]
        d = self.factor.solve(self.products.cross[active] - bound)
        self.d = d + self.factor.solve(self.products.active_pulls(active, d) - bound)

    def _tied(self) -> IntArray:
        """Coefficients at their loc whose pull is at its bound."""
        near = self.lam * self.l1 - np.abs(self.pull) <= _SAME * self.lam * self.l1
        near[self.active] = False
        if len(self.active) >= self.rank:
            near[:] = False
        return np.flatnonzero(near & ~self.dependent)

    def _change(self, leaving: IntArray, joining: IntArray) -> bool:
        """Positions that leave the active set, columns that join it."""
        before = list(self.active)
        gone = [self.active[i] for i in leaving]
        self.sign[joining] = np.sign(self.pull[joining])
        if len(gone) + joining.size > 1:
            stay = set(self._untied(gone, joining).tolist())
            leaving = np.array([i for i in leaving if self.active[i] not in stay], dtype=np.intp)
            self.d[[i for i, j in enumerate(before) if j in gone]] = 0.0
            self.sign[[j for j in joining if j not in stay]] = 0.0
            joining = np.array([j for j in joining if j in stay], dtype=np.intp)
        for i in leaving[::-1].tolist():
            self._remove(i)
        for j in joining.tolist():
            self._add(j)
        return before != self.active

    def _untied(self, gone: list[int], joining: IntArray) -> IntArray:
        """Which of several tied coefficients are off their loc below this lam."""
        columns = self.active + joining.tolist()
        tied = np.isin(columns, gone) | (np.arange(len(columns)) >= len(self.active))
        sign, zero = self.sign[columns], np.zeros(len(columns))
        penalty = Penalty(
            zero, zero, zero, np.where(tied & (sign > 0), 0.0, -np.inf),
            np.where(tied & (sign < 0), 0.0, np.inf),
        )  # fmt: skip
        gram = self.products.among(columns, columns)
        q = minimise_quadratic(Quadratic(gram, -sign * self.l1[columns], zero), penalty)
        return np.array(columns, dtype=np.intp)[tied & (q != 0)]

    def _add(self, j: int) -> None:
        row = self.products.among([j], [*self.active, j])[0]
        if not self.factor.add(row[:-1], float(row[-1])):
            self.dependent[j] = True
            self.sign[j] = 0.0
            return
        self.active.append(j)
        self.d = np.append(self.d, 0.0)

    def _remove(self, i: int) -> None:
        self.factor.remove(i)
        self.sign[self.active.pop(i)] = 0.0
        self.d = np.delete(self.d, i)
        self.dependent[:] = False

    def _require_progress(self, step: float) -> None:
        self.stalled = 0 if step > _SAME * self.lam else self.stalled + 1
        if self.stalled > _STALLED:
            raise ModelError(
                "the columns are so nearly dependent that the knots of the path cannot be told "
                "apart; give scales as numbers instead"
            )
