"""From an interior point to the exact mode: which corners are met, and the linear system they make.

The interior point tells the corners that the mode meets (both sides closed, dual inside its box)
from the rest (one side open, dual at an end).  With F the columns off their kinks and bounds, I
the rows that are met exactly and everything else where it belongs, the mode solves

    [ X_IF   0     ] [v_F]   [ y_I - the fixed columns            ]
    [ -l2   X_IF'  ] [d_I] = [ l1 sign - l2 loc - X_NF' d_N       ]

as a correction of the interior point, the least one where the system leaves a choice: ties and
modes that are not unique stay in the middle of what is optimal, which keeps every dual inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.solvers.active_system import LinearSystem
from bayesreg.solvers.corners import Corners
from bayesreg.solvers.interior_point import Interior

_EPS = float(np.finfo(float).eps)
_REFINEMENTS = 4
# The active set is mended so often before more interior point steps are taken.
_CORRECTIONS = 6


@dataclass(frozen=True, eq=False)
class Vertex:
    """A primal point, a dual point, and whether together they are optimal to rounding."""

    v: FloatArray
    d: FloatArray
    optimal: bool


@dataclass(frozen=True, eq=False)
class _ActiveSet:
    """Which corners are met (data rows, then kinks), which bounds hold their columns.

    ``end`` is the dual of a corner that is not met: one of the ends of its box.
    """

    met: BoolArray
    end: FloatArray
    at_low: BoolArray
    at_high: BoolArray


@dataclass(frozen=True, eq=False)
class _Attempt:
    """The solution on an active set, before its duals are put into their boxes."""

    v: FloatArray
    d: FloatArray
    free: IntArray


def polish(corners: Corners, point: Interior) -> Vertex:
    """The exact solution on the active set that the interior point shows, read in two ways.

    Where it breaks an inequality, the corners that break it change sides, a few times at most.
    """
    for share in (0.0, 0.5):
        vertex = _polished(corners, point, _active_set(corners, point, share))
        if vertex.optimal:
            break
    return vertex


def _polished(corners: Corners, point: Interior, active: _ActiveSet) -> Vertex:
    for _ in range(_CORRECTIONS):
        attempt = _solved(corners, point, active)
        faults = _Faults(corners, attempt, active)
        if faults.none or not faults.any_to_mend:
            break
        active = faults.mended()
    if faults.none:
        attempt = _without_rounding_zeros(corners, active, attempt)
    d = np.clip(attempt.d, -corners.below, corners.above)
    return Vertex(attempt.v, d, faults.none)


def _without_rounding_zeros(corners: Corners, active: _ActiveSet, attempt: _Attempt) -> _Attempt:
    """Columns whose distance from their kink is rounding (ties, a knot of the path) put on it."""
    problem, n = corners.problem, corners.problem.n
    rounding = 64 * _EPS * float(np.max(_magnitude(corners, attempt.v)))
    reach = design.largest_entries(problem.X)
    reach = np.append(reach, 1.0) if problem.has_intercept else reach
    distance = np.abs(attempt.v - problem.penalty.loc) * reach
    tiny = (distance <= rounding)[corners.kinked] & ~active.met[n:]
    if not tiny.any():
        return attempt
    met, v = active.met.copy(), attempt.v.copy()
    met[n:] |= tiny
    v[corners.kinked[tiny]] = problem.penalty.loc[corners.kinked[tiny]]
    held = replace(active, met=met)
    other = _Attempt(v, attempt.d, _free_columns(corners, held))
    return other if _Faults(corners, other, held).none else attempt


def _solved(corners: Corners, point: Interior, active: _ActiveSet) -> _Attempt:
    """Corrections of the interior point, refined: residuals of rows and slopes of columns to 0."""
    problem, penalty = corners.problem, corners.problem.penalty
    v, d = _placed(corners, point, active)
    free = _free_columns(corners, active)
    rows = _independent_rows(corners, point, active, free)
    sign = np.zeros(problem.size)
    sign[corners.kinked] = -np.sign(d[problem.n :])
    system = LinearSystem(corners, rows, free)
    for _ in range(_REFINEMENTS):
        pull = problem.transposed_product(d[: problem.n])
        slope = pull - penalty.l2 * (v - penalty.loc) - penalty.l1 * sign
        change_v, change_d = system.solve(corners.residuals(v)[rows], slope[free])
        v[free] += change_v
        d[rows] += change_d
    return _Attempt(v, d, free)


def _active_set(corners: Corners, point: Interior, share: float) -> _ActiveSet:
    """A corner is met where its dual is relatively further from its box than z from 0.

    With ``share`` the typical z is taken as smaller, which suits corners of very low price.
    """
    problem = corners.problem
    price = corners.above + corners.below
    size = (point.up + point.down) * price
    mu = point.complementarity / point.products
    typical = _typical_size(corners, point, size) ** (1.0 - share) * (1e3 * mu) ** share
    met = np.minimum(point.sa, point.sb) / price > size / typical
    at_low, at_high = np.zeros(problem.size, dtype=bool), np.zeros(problem.size, dtype=bool)
    low, high, column = corners.bounded_below, corners.bounded_above, corners.column_price
    # The products are in nats: multiplier times gap; of the two the larger share decides.
    at_low[low] = point.on_low / column[low] > point.gap_low * column[low] / typical
    at_high[high] = point.on_high / column[high] > point.gap_high * column[high] / typical
    end = np.where(point.sa < point.sb, corners.above, -corners.below)
    return _ActiveSet(met, end, at_low, at_high & ~at_low)


def _typical_size(corners: Corners, point: Interior, size: FloatArray) -> float:
    """The median price, in nats, of the corners that are clearly not met."""
    mu = point.complementarity / point.products
    open_ones = size[size > 1e3 * mu]
    share = corners.value(point.v) / corners.problem.n
    return max(float(np.median(open_ones)) if open_ones.size else share, mu, 1e-300)


def _placed(corners: Corners, point: Interior, active: _ActiveSet) -> tuple[FloatArray, FloatArray]:
    """The interior point with everything that is decided put exactly where it belongs."""
    penalty, v = corners.problem.penalty, point.v.copy()
    v[active.at_low] = penalty.lower[active.at_low]
    v[active.at_high] = penalty.upper[active.at_high]
    held = corners.kinked[active.met[corners.problem.n :]]
    v[held] = penalty.loc[held]
    return v, np.where(active.met, point.d, active.end)


def _free_columns(corners: Corners, active: _ActiveSet) -> IntArray:
    free = np.zeros(corners.problem.size, dtype=bool)
    free[corners.moving] = True
    free[corners.kinked[active.met[corners.problem.n :]]] = False
    return np.flatnonzero(free & ~active.at_low & ~active.at_high)


def _independent_rows(
    corners: Corners, point: Interior, active: _ActiveSet, free: IntArray
) -> IntArray:
    """The met rows; where there are more than free columns, as many with the widest room."""
    from scipy.linalg import qr

    rows = np.flatnonzero(active.met[: corners.problem.n])
    if rows.size <= free.size or not free.size:
        return rows if free.size else rows[:0]
    room = np.minimum(point.sa, point.sb)[rows]
    block = corners.problem.block(free)[rows]
    size = np.linalg.norm(block, axis=0)
    scaled = block / np.where(size > 0, size, 1.0) * room[:, None]
    order = qr(scaled.T, mode="r", pivoting=True)[1]
    return rows[np.sort(order[: free.size])]


class _Faults:
    """Every condition of optimality, each to the rounding of its terms."""

    def __init__(self, corners: Corners, attempt: _Attempt, active: _ActiveSet) -> None:
        problem, penalty = corners.problem, corners.problem.penalty
        n, v, d, free = problem.n, attempt.v, attempt.d, attempt.free
        self._corners, self._active, self._attempt = corners, active, attempt
        price = corners.above + corners.below
        self._over = d > corners.above + 1e-12 * price
        self._under = d < -corners.below - 1e-12 * price
        z = corners.residuals(v)
        tolerance = np.zeros(z.size)
        tolerance[:n] = 256 * _EPS * _magnitude(corners, v)
        # Rows and kinks that are left must lie on the side that their dual says.
        self._crossed = ~active.met & (np.where(active.end > 0, -z, z) > tolerance)
        self._missed = active.met[:n] & (np.abs(z[:n]) > tolerance[:n])
        pull = problem.transposed_product(np.clip(d, -corners.below, corners.above)[:n])
        terms = _absolute_product(corners, np.abs(d[:n])) + penalty.l1
        low, high = penalty.subdifferential(v)
        # Duals are known to the rounding of their boxes, even where they vanish.
        least = _absolute_product(corners, np.minimum(corners.above, corners.below)[:n])
        slack = 512 * _EPS * terms + 4 * _EPS * least
        self._rises, self._falls = pull > high + slack, pull < low - slack
        self._below, self._above = v < penalty.lower, v > penalty.upper
        self._is_free = np.zeros(problem.size, dtype=bool)
        self._is_free[free] = True
        self._moving = np.zeros(problem.size, dtype=bool)
        self._moving[corners.moving] = True

    @property
    def none(self) -> bool:
        beside = (self._rises | self._falls | self._below | self._above) & self._moving
        on_corners = np.any(self._over | self._under | self._crossed)
        return not (on_corners or np.any(self._missed) or np.any(beside))

    @property
    def any_to_mend(self) -> bool:
        return bool(np.any(self._unbalanced | self._held) or np.any(self._changes))

    @property
    def _changes(self) -> BoolArray:
        return self._over | self._under | self._crossed

    @property
    def _held(self) -> BoolArray:
        """Columns on a kink or bound that the pull moves off it, or free ones past a bound."""
        outside = self._below | self._above
        return ((self._rises | self._falls) & ~self._is_free & self._moving) | outside

    @property
    def _unbalanced(self) -> BoolArray:
        """Free columns with a kink, where the free columns cannot be balanced."""
        kinked = np.zeros(self._is_free.size, dtype=bool)
        kinked[self._corners.kinked] = True
        broken = np.any((self._rises | self._falls) & self._is_free)
        return self._is_free & kinked if broken else np.zeros(kinked.size, dtype=bool)

    def mended(self) -> _ActiveSet:
        """Whatever breaks an inequality on the other side of it."""
        corners, active, n = self._corners, self._active, self._corners.problem.n
        kinked = corners.kinked
        met = (active.met | self._crossed) & ~(self._over | self._under)
        end = np.where(self._over, corners.above, active.end)
        end = np.where(self._under, -corners.below, end)
        held = self._held
        at_low = (active.at_low | self._below) & ~(held & self._rises)
        at_high = (active.at_high | self._above) & ~(held & self._falls)
        leaving = held[kinked] & ~at_low[kinked] & ~at_high[kinked] & active.met[n:]
        met[n:] &= ~leaving
        outwards = -np.sign(self._pull(kinked)) * corners.above[n:]
        end[n:] = np.where(leaving, outwards, end[n:])
        unbalanced = self._unbalanced
        if unbalanced.any() and not np.any(self._changes) and not held.any():
            v, loc = self._attempt.v, corners.problem.penalty.loc
            off = np.where(unbalanced, np.abs(v - loc) * corners.column_price, np.inf)
            met[n:] |= kinked == int(np.argmin(off))
        return _ActiveSet(met, end, at_low, at_high & ~at_low)

    def _pull(self, columns: IntArray) -> FloatArray:
        problem = self._corners.problem
        delta = problem.penalty.l2 * (self._attempt.v - problem.penalty.loc)
        return (problem.transposed_product(self._attempt.d[: problem.n]) - delta)[columns]


def _magnitude(corners: Corners, v: FloatArray) -> FloatArray:
    """|y| + |offset| + |X| |v|: the size of the terms of each residual."""
    problem = corners.problem
    terms = np.abs(problem.y) + np.abs(problem.offset) + abs(problem.X) @ np.abs(v[: problem.p])
    terms = terms + abs(v[-1]) if problem.has_intercept else terms
    return np.asarray(terms)


def _absolute_product(corners: Corners, by_row: FloatArray) -> FloatArray:
    problem = corners.problem
    product = abs(problem.X).T @ by_row
    return np.append(product, np.sum(by_row)) if problem.has_intercept else np.asarray(product)
