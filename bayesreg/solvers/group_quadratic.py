"""The quadratic subproblem with groups, solved exactly.

    minimise over v:  gradient'd + d'H d / 2 + penalty(v),   d = v - point,  penalty with groups

Block descent finds which groups are at loc and the signs of single coefficients; Newton steps on
what is left, where the norms are smooth, finish.  The two alternate until no group at its loc, and
no single coefficient at its kink, wants to leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.penalty import Penalty
from bayesreg.solvers.quadratic import Quadratic, solve_symmetric

_ROUNDS, _EPOCHS, _NEWTON_STEPS = 200, 12, 30


def minimise_grouped_quadratic(quadratic: Quadratic, penalty: GroupedPenalty) -> FloatArray:
    """argmin of the quadratic plus the penalty; groups at their loc are so exactly."""
    from bayesreg._kernels.group_descent import group_descent

    form = _standard_form(quadratic, penalty)
    x = form.start.copy()
    for _ in range(_ROUNDS):
        r = form.gradient + form.A @ (x - form.start)
        group_descent(
            form.A, r, x, form.single.l1, form.single.l2, form.single.loc, form.single.lower,
            form.single.upper, form.ends, form.rates, form.values, form.vectors, _EPOCHS, 1e-20,
        )  # fmt: skip
        x, settled = _newton(form, x)
        if settled and _nothing_wants_to_leave(form, x):
            break
    v = form.coefficients(_without_rounding_groups(form, x))
    # A column of zeros has nothing to win off its loc.
    return np.where((np.diagonal(quadratic.H) == 0) & (penalty.group >= 0), penalty.loc, v)


@dataclass(frozen=True)
class _StandardForm:
    """Single columns first, then group by group, where x = (v - loc) l1_j / rate.

    In a group the penalty is ``rate ||x||``: its rate is the largest of its l1, so that x is
    measured as v is. ``single`` is the penalty of the single columns.
    """

    A: FloatArray
    gradient: FloatArray
    start: FloatArray
    single: Penalty
    ends: IntArray
    rates: FloatArray
    values: FloatArray
    vectors: FloatArray
    order: IntArray
    unit: FloatArray
    loc: FloatArray

    @property
    def members(self) -> slice:
        return slice(int(self.ends[0]), None)

    @property
    def of_each(self) -> IntArray:
        """The number of the group of each member."""
        return np.repeat(np.arange(self.rates.size), np.diff(self.ends))

    def norms(self, x: FloatArray) -> FloatArray:
        return np.sqrt(np.add.reduceat(x[self.members] ** 2, self.ends[:-1] - self.ends[0]))

    def coefficients(self, x: FloatArray) -> FloatArray:
        """v of x; exactly loc for members at 0."""
        v = np.empty_like(x)
        v[self.order] = x
        members = self.order[self.members]
        v[members] = self.loc + x[self.members] * self.unit
        return v

    def slope(self, x: FloatArray) -> FloatArray:
        """The gradient of the penalty, 0 at kinks."""
        norm = self.norms(x)[self.of_each]
        direction = x[self.members] / np.where(norm > 0, norm, 1.0)
        on_single = self.single.slope(x[: self.ends[0]])
        return np.concatenate([on_single, self.rates[self.of_each] * direction])

    def change(self, x: FloatArray, d: FloatArray, r: FloatArray) -> float:
        """The objective at x + d minus that at x, where the quadratic has gradient r."""
        first = self.ends[0]
        quadratic = float(r @ d + 0.5 * (d @ (self.A @ d)))
        single = np.sum(self.single.values(x[:first] + d[:first]) - self.single.values(x[:first]))
        # ||x + d|| - ||x|| = (2 x'd + d'd) / (||x + d|| + ||x||)
        products = (2 * x + d)[self.members] * d[self.members]
        rise = np.add.reduceat(products, self.ends[:-1] - first)
        sums = self.norms(x) + self.norms(x + d)
        grouped = np.sum(self.rates * rise / np.where(sums > 0, sums, 1.0))
        return quadratic + float(single + grouped)


def _standard_form(quadratic: Quadratic, penalty: GroupedPenalty) -> _StandardForm:
    singles = np.flatnonzero(penalty.group < 0)
    members, sizes = penalty.members, penalty.sizes
    order = np.concatenate([singles, members])
    ends = singles.size + np.append(0, np.cumsum(sizes))
    rates = np.maximum.reduceat(penalty.l1[members], penalty.starts)
    unit = np.repeat(rates, sizes) / penalty.l1[members]
    scale = np.concatenate([np.ones(singles.size), unit])
    start = quadratic.point[order].copy()
    loc = penalty.loc[members]
    start[singles.size :] = (start[singles.size :] - loc) / unit
    A = np.ascontiguousarray(quadratic.H[np.ix_(order, order)] * scale * scale[:, None])
    values, vectors = np.zeros(order.size), np.zeros((int(np.max(sizes)), order.size))
    for first, end in pairwise(ends.tolist()):
        own = slice(first, end)
        found, basis = np.linalg.eigh(A[own, own])
        values[own], vectors[: end - first, own] = np.maximum(found, 0.0), basis
    single = penalty.take(singles)
    start[: singles.size] = np.clip(start[: singles.size], single.lower, single.upper)
    gradient = quadratic.gradient[order] * scale
    return _StandardForm(A, gradient, start, single, ends, rates, values, vectors, order, unit, loc)


def _free(form: _StandardForm, x: FloatArray) -> BoolArray:
    """Single coefficients off kink and bounds, and the members of groups off their loc."""
    single, alone = form.single, x[: form.ends[0]]
    free = ~single.at_kink(alone) & (alone > single.lower) & (alone < single.upper)
    return np.concatenate([free, (form.norms(x) > 0)[form.of_each]])


def _newton(form: _StandardForm, x: FloatArray) -> tuple[FloatArray, bool]:
    """Newton on the free coefficients; True when it ran to its end without meeting a kink."""
    last = np.inf
    for _ in range(_NEWTON_STEPS):
        free = np.flatnonzero(_free(form, x))
        if not free.size:
            return x, True
        r = form.gradient + form.A @ (x - form.start)
        slope = (r + form.slope(x))[free]
        step = np.zeros(x.size)
        step[free] = solve_symmetric(_curvature(form, x)[np.ix_(free, free)], -slope)
        decrement = -float(slope @ step[free])
        if not decrement < 0.5 * last:
            return x, True
        last = decrement
        moved, met_kink = _search(form, x, step, r)
        if moved is None or met_kink:
            return (x if moved is None else moved), False
        x = moved
    return x, False


def _curvature(form: _StandardForm, x: FloatArray) -> FloatArray:
    """A + diag(l2) + rate (I - u u') / ||x_G|| with u = x_G / ||x_G||."""
    curvature = form.A.copy()
    first = form.ends[0]
    curvature[np.arange(first), np.arange(first)] += form.single.l2
    for k in np.flatnonzero(form.norms(x) > 0):
        own = slice(form.ends[k], form.ends[k + 1])
        norm = np.linalg.norm(x[own])
        u = x[own] / norm
        curvature[own, own] += form.rates[k] / norm * (np.eye(u.size) - np.outer(u, u))
    return curvature


def _search(
    form: _StandardForm, x: FloatArray, step: FloatArray, r: FloatArray
) -> tuple[FloatArray | None, bool]:
    """The first of x + step, x + step / 2, ... that does not raise the objective.

    Single coefficients that would cross their kink or a bound stop there, groups that would turn
    round stop at their loc, which is reported.
    """
    single, first = form.single, form.ends[0]
    for halving in range(12):
        moved = x + 0.5**halving * step
        products = moved[form.members] * x[form.members]
        turned = np.add.reduceat(products, form.ends[:-1] - first) < 0
        moved[form.members] = np.where(turned[form.of_each], 0.0, moved[form.members])
        alone = moved[:first]
        crossed = (single.l1 > 0) & ((alone - single.loc) * (x[:first] - single.loc) < 0)
        kept = np.clip(np.where(crossed, single.loc, alone), single.lower, single.upper)
        met_kink = bool(turned.any()) or not np.array_equal(kept, alone)
        moved[:first] = kept
        d = moved - x
        allowed = 1e-15 * float(np.abs(r) @ np.abs(d))
        if form.change(x, d, r) <= allowed:
            return moved, met_kink
    return None, False


def _noise(form: _StandardForm, x: FloatArray) -> FloatArray:
    """Rounding of the gradient of the quadratic."""
    return 8e-16 * (np.abs(form.gradient) + np.abs(form.A) @ np.abs(x - form.start))


def _nothing_wants_to_leave(form: _StandardForm, x: FloatArray) -> bool:
    """No coefficient off the free set has a slope beyond its kink, to rounding."""
    r = form.gradient + form.A @ (x - form.start)
    noise, first = _noise(form, x), form.ends[0]
    free = _free(form, x)
    distance = form.single.subgradient_distance(x[:first], r[:first])
    at_rest = (distance <= noise[:first]) | free[:first]
    pull = form.norms(r) - form.rates
    return bool(np.all(at_rest) and np.all((pull <= form.norms(noise)) | (form.norms(x) > 0)))


def _without_rounding_groups(form: _StandardForm, x: FloatArray) -> FloatArray:
    """Put what is off its kink by rounding alone (a tie at a knot) onto it."""
    noise, first = _noise(form, x), form.ends[0]
    diagonal, single = np.diag(form.A), form.single
    x = x.copy()
    excess = np.abs(x[:first] - single.loc) * (diagonal[:first] + single.l2)
    ties = (single.l1 > 0) & (excess <= 15 * noise[:first])
    x[:first] = np.where(ties, np.clip(single.loc, single.lower, single.upper), x[:first])
    largest = np.maximum.reduceat(diagonal[form.members], form.ends[:-1] - first)
    small = form.norms(x) * largest <= 15 * form.norms(noise)
    x[form.members] = np.where(small[form.of_each], 0.0, x[form.members])
    return x
