"""From slopes at nodes to the evidence curve, with an honest error.

Between nodes the slope S(x), x = log t, is a cubic spline, linear in the slopes, so that Monte
Carlo errors add in squares. The draws give S' too: the integral of the polynomial of degree 7 with
the values and derivatives at four nodes is of higher order, and its difference from the spline,
added up with its sign (at the largest it has been), is one estimate of the error of interpolation;
where the derivatives are noisy, the spline through every other node is a better one. Left of the
first node S is a polynomial in a power of t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray

# Nodes from which on every other one makes a spline of its own; the share of what that one is off
# by that the whole one is at most.
_FEWEST_TO_HALVE, _SAFE_SHARE = 8, 4.0


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
    total = np.sqrt(noise + _interpolation_error(nodes) ** 2 + left_out**2)
    return Curve(x, anchor + weights @ slope, total)


def _interpolation_error(nodes: list[Node]) -> FloatArray:
    """Of the integral up to each node: the less of two estimates, each of them an upper one.

    What the spline and the rule of higher order differ by, the noise of the bends in it and all;
    and what every other node alone would be off by, of which the error of a cubic spline is a
    sixteenth, a quarter at most where nodes are few. Less the noise of the slopes in both, which
    is counted by itself: the square of a difference d with standard error s is on average its
    true square plus s^2.
    """
    x, slope, error, bend = _columns(nodes)
    on_slope, on_bend = (np.cumsum(part, axis=0) for part in _interval_weights(x))
    apart = on_slope @ slope + on_bend @ bend
    by_bends = np.sqrt(np.maximum(apart**2 - on_slope**2 @ error**2, 0.0))
    found = np.maximum.accumulate(np.concatenate([[0.0], by_bends]))
    if x.size < _FEWEST_TO_HALVE:
        return found
    coarser = _weights_of_every_other(x) - _weights(x)
    squares = (coarser @ slope) ** 2 - coarser**2 @ error**2
    by_halves = np.maximum.accumulate(np.sqrt(np.maximum(squares, 0.0))) / _SAFE_SHARE
    return np.minimum(found, by_halves)


def _weights_of_every_other(x: FloatArray) -> FloatArray:
    """As :func:`_weights`, by a spline through every other node and the last."""
    from scipy.interpolate import CubicSpline

    kept = np.unique(np.append(np.arange(0, x.size, 2), x.size - 1))
    spline = CubicSpline(x[kept], np.eye(x.size)[kept], axis=0)
    return np.asarray(spline.antiderivative()(x) - spline.antiderivative()(x[0]))


def interval_errors(nodes: list[Node]) -> FloatArray:
    """The spline less a rule of higher order on each interval, in nats."""
    x, slope, _, bend = _columns(nodes)
    on_slope, on_bend = _interval_weights(x)
    return np.asarray(on_slope @ slope + on_bend @ bend)


def _interval_weights(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """:func:`interval_errors` as combinations of the slopes and of the bends."""
    k = x.size
    on_slope, on_bend = np.zeros((max(k - 1, 0), k)), np.zeros((max(k - 1, 0), k))
    if k < 2:
        return on_slope, on_bend
    for row in range(k - 1):
        window = slice(max(row - 1, 0), row + 3)
        values, derivatives = _hermite_weights(x[window], x[row], x[row + 1])
        on_slope[row, window], on_bend[row, window] = -values, -derivatives
    return on_slope + np.diff(_weights(x), axis=0), on_bend


def _hermite_weights(x: FloatArray, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """The integral from low to high of the polynomial with given values and derivatives at x."""
    centre, size = 0.5 * (low + high), high - low
    z = (x - centre) / size
    degree = np.arange(2 * x.size)
    powers = z[:, None] ** degree
    slopes = degree * z[:, None] ** np.maximum(degree - 1, 0)
    whole = np.where(degree % 2 == 0, 0.5**degree / (degree + 1.0), 0.0)
    weights = size * np.asarray(np.linalg.solve(np.vstack([powers, slopes]).T, whole), float)
    return weights[: x.size], size * weights[x.size :]


def _columns(nodes: list[Node]) -> tuple[FloatArray, ...]:
    """x, slope, error, bend."""
    table = [[n.x, n.slope, n.error, n.bend] for n in nodes]
    return tuple(np.array(table).T)


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
    term is about b / a times the second, as far as that is not noise.
    """
    weights = np.zeros(len(nodes))
    weights[0] = 1.0 / power
    if len(nodes) < 2:
        return weights, abs(nodes[0].slope) / power
    growth = np.exp(power * (nodes[1].x - nodes[0].x))
    # Of b u^2 at the first node.
    second = np.array([-1.0, 1.0 / growth]) / (growth - 1.0)
    weights[:2] -= second / (2.0 * power)
    slopes = np.array([nodes[0].slope, nodes[1].slope])
    noise = float(second**2 @ np.square([nodes[0].error, nodes[1].error]))
    size = float(np.sqrt(max(float(second @ slopes) ** 2 - noise, 0.0)))
    share = min(1.0, size / max(abs(nodes[0].slope), np.finfo(float).tiny))
    return weights, size * share / power
