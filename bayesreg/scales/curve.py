"""From slopes at nodes to the evidence curve, with an honest error.

Between nodes the slope S(x), x = log t, is a cubic spline, linear in the slopes, so that Monte
Carlo errors add in squares. The draws give S' too: the integral of the polynomial of degree 7 with
the values and derivatives at four nodes is of higher order, and its difference from the spline,
added up with its sign (at the largest it has been), is the error of interpolation. Left of the
first node S is a polynomial in a power of t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray


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
    below, left_out = _tail(nodes, power)
    weights = _weights(x) + below
    noise = weights**2 @ error**2
    apart = np.concatenate([[0.0], np.abs(np.cumsum(interval_errors(nodes)))])
    interpolation = np.maximum.accumulate(apart)
    total = np.sqrt(noise + interpolation**2 + left_out**2)
    return Curve(x, anchor + weights @ slope, total)


def interval_errors(nodes: list[Node]) -> FloatArray:
    """The spline less a rule of higher order on each interval, in nats."""
    x, slope, _, bend = _columns(nodes)
    if x.size < 2:
        return np.empty(0)
    higher = []
    for k in range(x.size - 1):
        window = slice(max(k - 1, 0), k + 3)
        higher.append(_hermite_integral(x[window], slope[window], bend[window], x[k], x[k + 1]))
    return np.asarray(np.diff(_weights(x) @ slope) - np.array(higher))


def _hermite_integral(
    x: FloatArray, values: FloatArray, derivatives: FloatArray, low: float, high: float
) -> float:
    """From low to high, of the polynomial with these values and derivatives at x."""
    centre, size = 0.5 * (low + high), high - low
    z = (x - centre) / size
    degree = np.arange(2 * x.size)
    powers = z[:, None] ** degree
    slopes = degree * z[:, None] ** np.maximum(degree - 1, 0)
    right = np.concatenate([values, size * derivatives])
    coefficients = np.linalg.solve(np.vstack([powers, slopes]), right)
    whole = np.where(degree % 2 == 0, 0.5**degree / (degree + 1.0), 0.0)
    return float(size * (coefficients @ whole))


def _columns(nodes: list[Node]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    x, slope, error, bend = np.array([[n.x, n.slope, n.error, n.bend] for n in nodes]).T
    return x, slope, error, bend


def _weights(x: FloatArray) -> FloatArray:
    """Rows: integrals from the first node up to each as combinations of the slopes."""
    from scipy.interpolate import CubicSpline

    k = x.size
    if k < 2:
        return np.zeros((k, k))
    ends = "natural" if k < 4 else "not-a-knot"
    spline = CubicSpline(x, np.eye(k), axis=0, bc_type=ends)
    return np.asarray(spline.antiderivative()(x))


def _tail(nodes: list[Node], power: float) -> tuple[FloatArray, float]:
    """The integral left of the first node as a combination of slopes, and what it leaves out.

    With u = t^power the slope is a u + b u^2 + ...; a and b follow from two nodes, and the next
    term is about b / a times the second.
    """
    weights = np.zeros(len(nodes))
    weights[0] = 1.0 / power
    if len(nodes) < 2:
        return weights, abs(nodes[0].slope) / power
    growth = np.exp(power * (nodes[1].x - nodes[0].x))
    # Of b u^2 at the first node.
    second = np.array([-1.0, 1.0 / growth]) / (growth - 1.0)
    weights[:2] -= second / (2.0 * power)
    size = abs(float(second @ [nodes[0].slope, nodes[1].slope]))
    share = min(1.0, size / max(abs(nodes[0].slope), np.finfo(float).tiny))
    return weights, size * share / power
