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

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.solvers.corners import Corners
from bayesreg.solvers.interior_point import Interior

_EPS = float(np.finfo(float).eps)
# Columns with curvature are eliminated from the system beyond this many.
_DENSE = 400


@dataclass(frozen=True, eq=False)
class Vertex:
    """A primal point, a dual point, and whether together they are optimal to rounding."""

    v: FloatArray
    d: FloatArray
    optimal: bool


@dataclass(frozen=True, eq=False)
class _ActiveSet:
    """Which rows are met, which kinks and bounds hold their columns."""

    rows: BoolArray
    kinks: BoolArray
    at_low: BoolArray
    at_high: BoolArray


def polish(corners: Corners, point: Interior) -> Vertex:
    """The exact solution on the active set that the interior point shows."""
    active = _active_set(corners, point)
    v, d = _placed(corners, point, active)
    free = _free_columns(corners, active)
    rows = _independent_rows(corners, point, active, free)
    sign = _kink_sides(corners, d)
    system = _System(corners, rows, free)
    for _ in range(4):
        pull = corners.problem.transposed_product(d[: corners.problem.n])
        delta = v - corners.problem.penalty.loc
        slope = pull - corners.problem.penalty.l2 * delta - corners.problem.penalty.l1 * sign
        residual = corners.residuals(v)[rows]
        change_v, change_d = system.solve(residual, slope[free])
        v[free] += change_v
        d[rows] += change_d
    return _judged(corners, v, d, active, free, sign)


def _active_set(corners: Corners, point: Interior) -> _ActiveSet:
    """A corner is met where its dual is relatively further from its box than z from 0."""
    problem = corners.problem
    price = corners.above + corners.below
    size = (point.up + point.down) * price
    typical = _typical_size(corners, point, size)
    met = np.minimum(point.sa, point.sb) / price > size / typical
    at_low, at_high = np.zeros(problem.size, dtype=bool), np.zeros(problem.size, dtype=bool)
    # The products are in nats: multiplier times gap; of the two the larger share decides.
    low, high = corners.bounded_below, corners.bounded_above
    column_price = np.maximum(np.abs(problem.transposed_product(np.abs(point.d[: problem.n]))),
                              1e-300)  # fmt: skip
    at_low[low] = point.on_low / column_price[low] > point.gap_low * column_price[low] / typical
    at_high[high] = point.on_high / column_price[high] > point.gap_high * column_price[high] / typical
    return _ActiveSet(met[: problem.n], met[problem.n :], at_low, at_high & ~at_low)


def _typical_size(corners: Corners, point: Interior, size: FloatArray) -> float:
    """The median price, in nats, of the corners that are clearly not met."""
    mu = point.complementarity / point.products
    open_ones = size[size > 1e3 * mu]
    share = corners.value(point.v) / corners.problem.n
    return max(float(np.median(open_ones)) if open_ones.size else share, mu, 1e-300)


def _placed(
    corners: Corners, point: Interior, active: _ActiveSet
) -> tuple[FloatArray, FloatArray]:
    """The interior point with everything that is decided put exactly where it belongs."""
    penalty, v = corners.problem.penalty, point.v.copy()
    v[active.at_low] = penalty.lower[active.at_low]
    v[active.at_high] = penalty.upper[active.at_high]
    held = corners.kinked[active.kinks]
    v[held] = penalty.loc[held]
    met = np.concatenate([active.rows, active.kinks])
    end = np.where(point.sa < point.sb, corners.above, -corners.below)
    return v, np.where(met, point.d, end)


def _free_columns(corners: Corners, active: _ActiveSet) -> IntArray:
    free = np.zeros(corners.problem.size, dtype=bool)
    free[corners.moving] = True
    free[corners.kinked[active.kinks]] = False
    return np.flatnonzero(free & ~active.at_low & ~active.at_high)


def _kink_sides(corners: Corners, d: FloatArray) -> FloatArray:
    """sign(v - loc) of kinked columns off their kink: minus the sign of their dual."""
    sign = np.zeros(corners.problem.size)
    sign[corners.kinked] = -np.sign(d[corners.problem.n :])
    return sign


def _independent_rows(
    corners: Corners, point: Interior, active: _ActiveSet, free: IntArray
) -> IntArray:
    """The met rows; where there are more than free columns, as many with the widest room."""
    from scipy.linalg import qr

    rows = np.flatnonzero(active.rows)
    if rows.size <= free.size or not free.size:
        return rows if free.size else rows[:0]
    room = np.minimum(point.sa, point.sb)[rows]
    block = corners.problem.block(free)[rows]
    size = np.linalg.norm(block, axis=0)
    scaled = block / np.where(size > 0, size, 1.0) * room[:, None]
    order = qr(scaled.T, mode="r", pivoting=True)[1]
    return rows[np.sort(order[: free.size])]


class _System:
    """The linear system of an active set, in columns and rows of unit size.

    Columns with curvature are eliminated where they are many:

        [ K    B  ] [d]   [ z - X_q (g_q / l2) ]
        [ B'  -l2 ] [v] = [ -g                 ],    K = X_q l2^-1 X_q'.
    """

    def __init__(self, corners: Corners, rows: IntArray, free: IntArray) -> None:
        problem = corners.problem
        l2 = problem.penalty.l2[free]
        block = problem.block(free)[rows] if rows.size else np.zeros((0, free.size))
        self._many = free.size > _DENSE
        self._curved = (l2 > 0) if self._many or not rows.size else np.zeros(free.size, dtype=bool)
        self._l2, self._block = l2, block
        strong = block[:, self._curved]
        K = (strong / l2[self._curved]) @ strong.T
        B, h = block[:, ~self._curved], l2[~self._curved]
        self._matrix = np.block([[K, B], [B.T, -np.diag(h)]]) if h.size + rows.size else None
        self._rows = rows.size
        self._prepare()

    def _prepare(self) -> None:
        """Bring the symmetric matrix to unit rows, and factorise it where it is regular."""
        from scipy.linalg import lu_factor
        from scipy.linalg.lapack import dgecon

        if self._matrix is None or not self._matrix.size:
            self._factor = None
            return
        size = np.ones(self._matrix.shape[0])
        for _ in range(8):
            largest = np.max(np.abs(self._matrix) * size * size[:, None], axis=1)
            size = size / np.sqrt(np.where(largest > 0, largest, 1.0))
        self._size = size
        self._scaled = self._matrix * size * size[:, None]
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            factor = lu_factor(self._scaled, check_finite=False)
        norm = float(np.max(np.sum(np.abs(self._scaled), axis=0)))
        regular = dgecon(factor[0], norm)[0] > 1e-13
        self._factor = factor if regular else None

    def solve(self, z: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Changes of the free columns and of the duals of the rows."""
        from scipy.linalg import lu_solve

        v = np.zeros(self._l2.size)
        curved = self._curved
        right_curved = g[curved] / self._l2[curved]
        d = np.zeros(self._rows)
        if self._matrix is not None and self._matrix.size:
            right = np.concatenate([z - self._block[:, curved] @ right_curved, -g[~curved]])
            if self._factor is not None:
                found = lu_solve(self._factor, right * self._size, check_finite=False)
            else:
                found = _least_solution(self._scaled, right * self._size)
            found = found * self._size
            d, v[~curved] = found[: self._rows], found[self._rows :]
        v[curved] = right_curved + (self._block[:, curved].T @ d) / self._l2[curved]
        return v, d


def _least_solution(matrix: FloatArray, right: FloatArray) -> FloatArray:
    from scipy.linalg import lstsq

    solution: FloatArray = lstsq(matrix, right, cond=1e-11, lapack_driver="gelsy",
                                 check_finite=False)[0]  # fmt: skip
    return solution


def _judged(
    corners: Corners,
    v: FloatArray,
    d: FloatArray,
    active: _ActiveSet,
    free: IntArray,
    sign: FloatArray,
) -> Vertex:
    """Put duals into their boxes and check every condition to the rounding of its terms."""
    problem, penalty = corners.problem, corners.problem.penalty
    n = problem.n
    price = corners.above + corners.below
    clipped = np.clip(d, -corners.below, corners.above)
    boxed = bool(np.all(np.abs(clipped - d) <= 1e-9 * price))
    d = clipped
    z = corners.residuals(v)[:n]
    magnitude = _magnitude(corners, v)
    met, tolerance = active.rows, 256 * _EPS * magnitude
    wrong_side = np.where(d[:n] > 0, -z, z) > tolerance
    rows_hold = np.all(np.abs(z[met]) <= tolerance[met]) and not np.any(wrong_side & ~met)
    pull = problem.transposed_product(d[:n])
    terms = _absolute_product(corners, np.abs(d[:n])) + penalty.l1
    slack = 1e-11 * terms
    off = free[(penalty.l1 > 0)[free]]
    sides_hold = np.all((v[off] - penalty.loc[off]) * sign[off] >= 0)
    inside = np.all((v[free] >= penalty.lower[free]) & (v[free] <= penalty.upper[free]))
    distance = penalty.subgradient_distance(v, -pull)
    stationary = np.all(distance[corners.moving] <= slack[corners.moving])
    return Vertex(v, d, bool(boxed and rows_hold and sides_hold and inside and stationary))


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
