"""Interior point method for quantile regression under separable convex priors.

Split each corner as z = up - down with up, down >= 0 and let d be its dual, so that the distances
of d to the ends of its box are sa = a - d and sb = b + d.  With target m for every product

    up sa = m,    down sb = m,    (v - lower) zl = m,    (upper - v) zu = m,

a Newton step eliminates all but v:

    (A'DA + l2 + zl/(v - lower) + zu/(upper - v)) dv
        = A'(d + D k) - l2 (v - loc) + m/(v - lower) - m/(upper - v),
    D = 1 / (up/sa + down/sb),    k = z - m/sa + m/sb,    dd = D (k - A dv).

Predictor and corrector as in Mehrotra (1992); for quantile regression Portnoy and Koenker (1997,
Statistical Science 12:279), whose Frisch-Newton method this is with kinks and bounds added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.solvers.corners import Corners, null_point
from bayesreg.solvers.normal_equations import NormalEquations

_BACK_OFF = 0.995
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Interior:
    """A strictly interior primal-dual point, or a step between two.

    ``sa`` and ``sb`` are the distances of d to the ends of its box, ``gap_low`` and ``gap_high``
    those of the bounded columns to their bounds: kept apart from d and v, so that they never
    round to 0. ``on_low`` and ``on_high`` are the multipliers of the bounds.
    """

    v: FloatArray
    up: FloatArray
    down: FloatArray
    d: FloatArray
    sa: FloatArray
    sb: FloatArray
    gap_low: FloatArray
    gap_high: FloatArray
    on_low: FloatArray
    on_high: FloatArray

    @property
    def complementarity(self) -> float:
        """The sum of all products: the duality gap of a feasible point, in nats."""
        total = self.up @ self.sa + self.down @ self.sb
        return float(total + self.gap_low @ self.on_low + self.gap_high @ self.on_high)

    @property
    def products(self) -> int:
        return 2 * self.up.size + self.gap_low.size + self.gap_high.size


@dataclass(frozen=True, eq=False)
class _Targets:
    """What each product should become."""

    up: FloatArray
    down: FloatArray
    low: FloatArray
    high: FloatArray


def starting_interior(corners: Corners, v: FloatArray | None = None) -> Interior:
    """d = 0 and the residuals of the null model, both sides opened by their typical size."""
    problem = corners.problem
    penalty = problem.penalty
    v = (null_point(problem) if v is None else v).copy()
    low, high = corners.bounded_below, corners.bounded_above
    z = corners.residuals(v)
    price = corners.above + corners.below
    paid = np.where(z > 0, corners.above * z, -corners.below * z)[: problem.n]
    typical = max(float(np.mean(paid)), 1e-8 * float(np.max(np.abs(z) * price)), _TINY)
    # A bounded column starts inside, a tenth of the box or of its natural step from the bound.
    width = penalty.upper - penalty.lower
    reach = typical / (penalty.l1 + np.sqrt(penalty.l2 * typical) + corners.column_price)
    room = 0.1 * np.minimum(width, 10.0 * reach)
    bounded = np.union1d(low, high)
    inner_low = np.where(np.isfinite(penalty.lower), penalty.lower + room, -np.inf)
    inner_high = np.where(np.isfinite(penalty.upper), penalty.upper - room, np.inf)
    v[bounded] = np.clip(v, inner_low, inner_high)[bounded]
    z = corners.residuals(v)
    opening = typical / price
    gap_low = np.maximum(v[low] - penalty.lower[low], _TINY)
    gap_high = np.maximum(penalty.upper[high] - v[high], _TINY)
    return Interior(
        v=v,
        up=np.maximum(z, 0.0) + opening,
        down=np.maximum(-z, 0.0) + opening,
        d=np.zeros(z.size),
        sa=corners.above.copy(),
        sb=corners.below.copy(),
        gap_low=gap_low,
        gap_high=gap_high,
        on_low=0.5 * typical / gap_low,
        on_high=0.5 * typical / gap_high,
    )


def improve(corners: Corners, point: Interior) -> Interior:
    """One predictor-corrector step."""
    D = 1.0 / (point.up / point.sa + point.down / point.sb)
    barrier = np.zeros(corners.problem.size)
    barrier[corners.bounded_below] += point.on_low / point.gap_low
    barrier[corners.bounded_above] += point.on_high / point.gap_high
    equations = NormalEquations(corners, D, barrier)
    mu = point.complementarity / point.products
    parts = (point.sa, point.sb, point.gap_low, point.gap_high)
    nothing = _Targets(*(np.zeros(part.size) for part in parts))
    affine = _newton_step(corners, point, equations, nothing)
    primal, dual = _step_lengths(corners, point, affine, 1.0)
    ahead = _moved(point, affine, primal, dual).complementarity / point.products
    centre = mu * min(1.0, max(ahead / mu, 0.0)) ** 3 if mu > 0 else 0.0
    targets = _Targets(
        up=centre - affine.up * affine.sa,
        down=centre - affine.down * affine.sb,
        low=centre - affine.gap_low * affine.on_low,
        high=centre - affine.gap_high * affine.on_high,
    )
    step = _newton_step(corners, point, equations, targets)
    primal, dual = _step_lengths(corners, point, step, _BACK_OFF)
    return _moved(point, step, primal, dual)


def _newton_step(
    corners: Corners, point: Interior, equations: NormalEquations, m: _Targets
) -> Interior:
    """The step that would bring every product to its target, to first order."""
    penalty = corners.problem.penalty
    low, high = corners.bounded_below, corners.bounded_above
    sa, sb = point.sa, point.sb
    k = corners.residuals(point.v) - m.up / sa + m.down / sb
    right = corners.transposed(point.d) - penalty.l2 * (point.v - penalty.loc)
    right[low] += m.low / point.gap_low
    right[high] -= m.high / point.gap_high
    d, v = equations.solve(k, right)
    return Interior(
        v=v,
        up=m.up / sa - point.up + point.up / sa * d,
        down=m.down / sb - point.down - point.down / sb * d,
        d=d,
        sa=-d,
        sb=d,
        gap_low=v[low],
        gap_high=-v[high],
        on_low=m.low / point.gap_low - point.on_low - point.on_low / point.gap_low * v[low],
        on_high=m.high / point.gap_high - point.on_high + point.on_high / point.gap_high * v[high],
    )


def _step_lengths(
    corners: Corners, point: Interior, step: Interior, back_off: float
) -> tuple[float, float]:
    """How far primal and dual may go; the same for both where curvature couples them."""
    primal = min(
        _longest(point.up, step.up),
        _longest(point.down, step.down),
        _longest(point.gap_low, step.gap_low),
        _longest(point.gap_high, step.gap_high),
    )
    dual = min(
        _longest(point.sa, step.sa),
        _longest(point.sb, step.sb),
        _longest(point.on_low, step.on_low),
        _longest(point.on_high, step.on_high),
    )
    primal, dual = min(1.0, back_off * primal), min(1.0, back_off * dual)
    if corners.quadratic:
        primal = dual = min(primal, dual)
    return primal, dual


def _longest(size: FloatArray, step: FloatArray) -> float:
    falling = step < 0
    return float(np.min(size[falling] / -step[falling], initial=np.inf))


def _moved(point: Interior, step: Interior, primal: float, dual: float) -> Interior:
    return Interior(
        v=point.v + primal * step.v,
        up=point.up + primal * step.up,
        down=point.down + primal * step.down,
        d=point.d + dual * step.d,
        sa=point.sa + dual * step.sa,
        sb=point.sb + dual * step.sb,
        gap_low=point.gap_low + primal * step.gap_low,
        gap_high=point.gap_high + primal * step.gap_high,
        on_low=point.on_low + dual * step.on_low,
        on_high=point.on_high + dual * step.on_high,
    )
