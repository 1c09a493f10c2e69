"""From slopes at nodes to the evidence curve, with an honest error.

Between nodes the slope S(x), x = log t, is a cubic spline. Its integral is compared with the
trapezoidal rule corrected by S' (an independent rule of the same order, h^4), which the draws give
as well: three times the difference, added up with its sign (at the largest it has been), is the
error of interpolation. Left of the first node S falls as t^power.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray

# The error of the spline may be a few times its difference from the other rule.
_CAUTION = 3.0


@dataclass(frozen=True)
class Node:
    """The slope of the evidence at one scale.

    Attributes
    ----------
    x : float
        log t.
    slope, error : float
        d log p(y | t) / d log t, and its Monte Carlo standard error.
    bend : float
        The derivative of the slope.
    """

    x: float
    slope: float
    error: float
    bend: float


@dataclass(frozen=True, eq=False)
class Curve:
    """log evidence at each node and its standard error: Monte Carlo, interpolation, left tail."""

    x: FloatArray
    log_evidence: FloatArray
    error: FloatArray

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value and error at some of the nodes."""
        place = np.searchsorted(self.x, x)
        return self.log_evidence[place], self.error[place]


def integrate(nodes: list[Node], anchor: float, power: float) -> Curve:
    """The curve from ``anchor`` at t -> 0; nodes in ascending order."""
    x, slope, error, _ = _columns(nodes)
    weights = _weights(x, power)
    noise = weights**2 @ error**2
    apart = np.concatenate([[0.0], np.abs(np.cumsum(interval_errors(nodes)))])
    interpolation = _CAUTION * np.maximum.accumulate(apart)
    tail = _tail_error(nodes, power)
    return Curve(x, anchor + weights @ slope, np.sqrt(noise + interpolation**2 + tail**2))


def interval_errors(nodes: list[Node]) -> FloatArray:
    """The difference of two rules on each interval, in nats."""
    x, slope, _, bend = _columns(nodes)
    if x.size < 2:
        return np.empty(0)
    h = np.diff(x)
    trapezoids = 0.5 * h * (slope[1:] + slope[:-1]) - h**2 / 12 * np.diff(bend)
    return np.asarray(np.diff(_weights(x, 1.0) @ slope) - trapezoids)


def _columns(nodes: list[Node]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    x, slope, error, bend = np.array([[n.x, n.slope, n.error, n.bend] for n in nodes]).T
    return x, slope, error, bend


def _weights(x: FloatArray, power: float) -> FloatArray:
    """Rows: integrals up to each node as combinations of the slopes."""
    from scipy.interpolate import CubicSpline

    k = x.size
    weights = np.zeros((k, k))
    weights[:, 0] = 1.0 / power
    if k > 1:
        ends = "natural" if k < 4 else "not-a-knot"
        spline = CubicSpline(x, np.eye(k), axis=0, bc_type=ends)
        weights += spline.antiderivative()(x)
    return weights


def _tail_error(nodes: list[Node], power: float) -> float:
    """What the tail would be under the power that the first two nodes show."""
    first = nodes[0]
    law = first.slope / power
    if len(nodes) < 2 or abs(first.slope) < 3 * first.error:
        return abs(law)
    second = nodes[1]
    if first.slope * second.slope <= 0:
        return abs(law)
    seen = np.log(second.slope / first.slope) / (second.x - first.x)
    return abs(law - first.slope / float(np.clip(seen, 0.25 * power, 4 * power)))
