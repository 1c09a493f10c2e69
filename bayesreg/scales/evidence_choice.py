"""The scale at which the evidence is largest, with its uncertainty.

Normal priors: log p(y | t) in closed form. Others by its derivatives in x = log t,

    f'(x)  = E_posterior[G] - E_prior[G]
    f''(x) = E_posterior[dG / dx] + Var_posterior[G] - d E_prior[G] / dx

(:mod:`bayesreg.scales.identity`), both from one run: first at nodes over the whole axis, so that
the largest of several peaks is found, then by Newton's method inside the bracket. A step of it with
the posterior held is Park and Casella's (2008) EM. The supremum may lie at scale 0 or infinity.

The range is where log p(y | t) lies within half a nat of its largest value: one standard deviation
of log t where the likelihood of it is normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.progress import progress_bar
from bayesreg.scales.axis import make_axis
from bayesreg.scales.choice import Choice
from bayesreg.scales.closed_evidence import log_evidence_of_scale
from bayesreg.scales.draws import Advance
from bayesreg.scales.identity import generator, prior_expectation
from bayesreg.scales.order import Order

# How far the nodes reach beyond the axis at first, how far apart they are, in log t.
_MARGIN, _APART = 1.5, 0.75
# More nodes on a side where the slope says that the peak lies beyond, at most so many times.
_MORE, _TIMES = 4, 3
# Beyond a slope this small per unit of log t, nothing is left to win.
_LEVEL = 0.02
# Newton steps, and where they end: a shift of log t.
_STEPS, _CLOSE = 12, 0.01
# Draws of the runs at the peak, as multiples of those at the nodes.
_EFFORT = 8
# Step in log t of the derivative of G with the draws held.
_STEP = 1e-3
# Where the range ends, in nats below the largest value.
_DROP = 0.5
INTERVAL = "half a nat of log evidence (one sd)"


@dataclass(frozen=True)
class Node:
    """The evidence's derivatives at x = log t, and the Monte Carlo error of the slope."""

    x: float
    slope: float
    bend: float
    error: float


@dataclass(frozen=True, eq=False)
class Peak:
    """Where the evidence is largest.

    Attributes
    ----------
    log_t : float
        Minus infinity or infinity where it still rises there.
    low, high : float
        Ends of the range; infinite where it is open.
    error : float
        Monte Carlo error of ``log_t``; 0 in closed form.
    x, curve, curve_error : (k,) arrays
        log p(y | t), up to a constant, and its Monte Carlo error, at x = log t.
    """

    log_t: float
    low: float
    high: float
    error: float
    x: FloatArray
    curve: FloatArray
    curve_error: FloatArray

    @property
    def boundary(self) -> str:
        """ "0", "infinity", or empty for a peak in between."""
        if np.isfinite(self.log_t):
            return ""
        return "0" if self.log_t < 0 else "infinity"


def by_evidence(order: Order) -> Choice:
    """Marginal maximum likelihood."""
    closed = None if order.law is None else log_evidence_of_scale(order.law)
    low, high = _ends(order)
    if closed is None:
        peak = _by_draws(order, low, high)
        order.scores["log_evidence"] = np.interp(order.log_t, peak.x, peak.curve)
        order.scores["log_evidence_error"] = np.interp(order.log_t, peak.x, peak.curve_error)
    else:
        peak = closed_peak(closed, low, high)
        order.scores["log_evidence"] = closed(order.log_t)
        order.scores["log_evidence_error"] = np.zeros(order.log_t.size)
    note = _BOUNDARY.get(peak.boundary, "")
    if peak.error > 0:
        note = f"Monte Carlo error {100 * peak.error:.2g}% of the scale"
    return order.choice(
        "evidence", peak.log_t, (peak.low, peak.high), INTERVAL, note=note,
        boundary=peak.boundary, monte_carlo_error=peak.error,
    )  # fmt: skip


def _ends(order: Order) -> tuple[float, float]:
    """Of the axis given and of the one that the data suggest."""
    usual = np.log(make_axis(order.model, order.data, None, 2).factors)
    return min(order.log_t[0], usual[0]), max(order.log_t[-1], usual[-1])


_BOUNDARY = {
    "0": "boundary: the evidence is largest at scale 0, every coefficient at its loc",
    "infinity": "boundary: the evidence still rises as the scale goes to infinity",
}


def closed_peak(log_evidence: Callable[[FloatArray], FloatArray], low: float, high: float) -> Peak:
    """Of a function known to rounding, looked for from ``low`` to ``high`` and beyond."""
    x, values = _reaching(log_evidence, low - 4.0, high + 4.0)
    best = int(np.argmax(values))
    rounding = 1e-10 * (1.0 + abs(float(values[best])))
    if values[best] - values[0] <= rounding:
        return _peak(x, values, -np.inf)
    if values[best] - values[-1] <= rounding:
        return _peak(x, values, np.inf)
    at = _maximiser(log_evidence, float(x[best - 1]), float(x[best + 1]))
    top = float(log_evidence(np.array([at]))[0])
    order = np.argsort(np.append(x, at))
    return _peak(np.append(x, at)[order], np.append(values, top)[order], at, log_evidence)


def _reaching(
    f: Callable[[FloatArray], FloatArray], low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    """Values on a grid that goes on until the function is level at both ends or falls there."""
    x = np.linspace(low, high, max(2, int(np.ceil((high - low) / 0.1))) + 1)
    values = f(x)
    for _ in range(12):
        step = x[1] - x[0]
        more = step * np.arange(1, 41)
        if values[0] - values[1] > _LEVEL * step * 1e-3 and np.argmax(values) < x.size - 1:
            before = x[0] - more[::-1]
            x, values = np.concatenate([before, x]), np.concatenate([f(before), values])
        elif values[-1] - values[-2] > _LEVEL * step * 1e-3:
            x, values = np.concatenate([x, x[-1] + more]), np.concatenate([values, f(x[-1] + more)])
        else:
            break
    return x, values


def _maximiser(f: Callable[[FloatArray], FloatArray], low: float, high: float) -> float:
    """Inside a bracket, by bisection of the sign of a central difference.

    The difference is taken wide enough that rounding of f does not decide it.
    """
    h = 1e-4

    def slope(x: float) -> float:
        left, right = f(np.array([x - h, x + h]))
        return float(right - left)

    from scipy.optimize import brentq

    if slope(low) <= 0 or slope(high) >= 0:
        return 0.5 * (low + high)
    return float(brentq(slope, low, high, xtol=1e-12))


def _peak(
    x: FloatArray, values: FloatArray, at: float,
    exact: Callable[[FloatArray], FloatArray] | None = None, error: float = 0.0,
    errors: FloatArray | None = None,
) -> Peak:  # fmt: skip
    """With the range where the curve lies within half a nat of its top."""
    top = int(np.argmax(values))
    target = float(values[top]) - _DROP
    low = _crossing(x[: top + 1][::-1], values[: top + 1][::-1], target, exact)
    high = _crossing(x[top:], values[top:], target, exact)
    return Peak(
        at, -np.inf if low is None else low, np.inf if high is None else high, error, x, values,
        np.zeros(x.size) if errors is None else errors,
    )  # fmt: skip


def _crossing(
    x: FloatArray, values: FloatArray, target: float,
    exact: Callable[[FloatArray], FloatArray] | None,
) -> float | None:  # fmt: skip
    """Where the curve first falls to the target on the way from its top; None where it stays."""
    below = np.flatnonzero(values <= target)
    if not below.size or below[0] == 0:
        return None
    k = int(below[0])
    if exact is not None:
        from scipy.optimize import brentq

        ends = sorted((float(x[k - 1]), float(x[k])))
        return float(brentq(lambda s: float(exact(np.array([s]))[0]) - target, *ends, xtol=1e-10))
    share = (values[k - 1] - target) / (values[k - 1] - values[k])
    return float(x[k - 1] + share * (x[k] - x[k - 1]))


#: (x, effort) -> derivatives there.
Look = Callable[[float, int], Node]


def _by_draws(order: Order, low: float, high: float) -> Peak:
    low, high = low - _MARGIN, high + _MARGIN
    nodes = np.linspace(low, high, int(np.ceil((high - low) / _APART)) + 1)
    total = (nodes.size + 3 + 3 * _EFFORT) * order.chains * order.draws
    with progress_bar("evidence", total, order.progress) as bar:
        return slope_peak(_look(order, bar.advance), nodes)


def _look(order: Order, advance: Advance) -> Look:
    fewer = max(250, order.draws // 4)
    streams = count(1)

    def look(x: float, effort: int) -> Node:
        # Random numbers of its own: errors of the slopes must not add up along the curve.
        model, posterior, drawn = order.drawn(x, effort * fewer, advance, stream=next(streams))
        data, kinked = order.data, order.axis.kinked

        def away(shift: float) -> FloatArray:
            at = model.rescaled(float(np.exp(shift))) if shift else model
            values = generator(at, data, posterior, drawn, kinked)
            return values - prior_expectation(at, data)

        values = away(0.0)
        moved = float(np.mean(away(_STEP)) - np.mean(away(-_STEP))) / (2 * _STEP)
        return Node(x, float(values.mean()), moved + float(np.var(values)), _error(values))

    return look


def slope_peak(look: Look, nodes: FloatArray) -> Peak:
    """Of a function known by its derivatives, with Monte Carlo errors."""
    seen = _followed(look, [look(float(x), 1) for x in nodes])
    if _boundary(*_integrated(seen)):
        # Before an end is called the best, it is looked at well.
        seen = [look(node.x, _EFFORT) for node in seen]
    x, curve, errors = _integrated(seen)
    boundary = _boundary(x, curve, errors)
    if boundary:
        return _peak(x, curve, boundary, errors=errors)
    best = int(np.argmax(curve))
    found = _newton(look, seen, float(x[best]))
    x, curve, errors = _integrated(sorted([*seen, found], key=lambda node: node.x))
    # Newton's last step is not looked at again: its error is below that of the draws.
    at = found.x - found.slope / found.bend
    return _peak(x, curve, at, error=found.error / -found.bend, errors=errors)


def _boundary(x: FloatArray, curve: FloatArray, errors: FloatArray) -> float:
    """Minus or plus infinity where that end is as good as the top, within two errors; else 0."""
    best = int(np.argmax(curve))
    if curve[best] - curve[0] <= 2 * errors[best]:
        return -np.inf
    error = np.sqrt(errors[-1] ** 2 - errors[best] ** 2)
    return np.inf if curve[best] - curve[-1] <= 2 * error else 0.0


def _followed(look: Look, seen: list[Node]) -> list[Node]:
    """More nodes on the sides where the evidence still rises outwards."""
    for _ in range(_TIMES):
        first, last = seen[0], seen[-1]
        if first.slope < -_LEVEL - 2 * first.error and not _any_rise(seen):
            more = [look(first.x - _APART * k, 1) for k in range(_MORE, 0, -1)]
            seen = [*more, *seen]
        elif abs(last.slope) > _LEVEL + 2 * last.error and not _has_fallen(seen):
            seen = [*seen, *(look(last.x + _APART * k, 1) for k in range(1, _MORE + 1))]
        else:
            break
    return seen


def _has_fallen(seen: list[Node]) -> bool:
    """The range ends before the last node."""
    curve = _integrated(seen)[1]
    return bool(curve[-1] < np.max(curve) - 2 * _DROP)


def _any_rise(seen: list[Node]) -> bool:
    return any(node.slope > 2 * node.error for node in seen)


def _integrated(seen: list[Node]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x, the curve by the cubic with these slopes and bends, and its error, on a fine grid.

    Left of the first node the slope falls as t^2, the leading order of every prior whose scale
    goes to 0.
    """
    from scipy.interpolate import CubicHermiteSpline

    nodes, slopes, bends, errors = (
        np.array([getattr(node, name) for node in seen]) for name in ("x", "slope", "bend", "error")
    )
    fine = np.union1d(np.linspace(nodes[0], nodes[-1], 40 * nodes.size), nodes)
    curve = CubicHermiteSpline(nodes, slopes, bends).antiderivative()(fine)
    before = np.linspace(nodes[0] - 4.0, nodes[0], 41)[:-1]
    rise = 0.5 * slopes[0]
    x = np.concatenate([before, fine])
    values = np.concatenate([rise * np.exp(2 * (before - nodes[0])), rise + curve])
    steps = 0.5 * np.diff(nodes)
    share = np.append(steps, 0.0) + np.append(0.0, steps)
    deviation = np.sqrt(np.cumsum((share * errors) ** 2))
    return x, values, np.interp(x, nodes, deviation)


def _newton(look: Look, seen: list[Node], start: float) -> Node:
    """The root of the slope between the nodes on both sides of ``start``."""
    low = max(node.x for node in seen if node.x <= start)
    high = min(node.x for node in seen if node.x >= start)
    x = start
    for _ in range(_STEPS):
        node = look(x, _EFFORT)
        low, high = (x, high) if node.slope > 0 else (low, x)
        step = -node.slope / node.bend if node.bend < 0 else np.inf
        if abs(step) < max(_CLOSE, 2 * node.error / abs(node.bend)) and node.bend < 0:
            return node
        x = x + step if low < x + step < high else 0.5 * (low + high)
    return node


def _error(values: FloatArray) -> float:
    from arviz_stats import mcse

    return float(mcse(np.ascontiguousarray(values), method="mean"))
