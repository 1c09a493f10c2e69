"""Exact draws of t = log sigma or t = log scale given the coefficients.

With s = e^t, mixing variables integrated out, the log density is

    h(t) = t + log p(s) - order t - linear / s - quadratic / (2 s^2) + sum of tails(t),

    tails(t) = -(nu + 1) / 2 log(1 + ratio / s^2)                    Student's t, ratio = x^2 / nu
               log(e^x E1(x)) at x = ratio / s^2                     horseshoe, ratio = x^2 / 2

Every term is concave in t: the log densities of :mod:`bayesreg.priors.on_noise` have a falling
elasticity, log(1 + e^-2t) is convex, and the log of a horseshoe variable is a sum of independent
variables of log-concave density. So the tangents at three points are a hat, and rejection from it
is exact (Gilks and Wild 1992, Applied Statistics 41:337, without refinement).

Where only one power of s is there, the tangent of log p alone leaves a gamma density of 1 / s or
of 1 / s^2, from which nearly every draw is accepted when the data say more than p does: that is
tried first.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.exponential_integral import scaled_exponential_integral
from bayesreg._kernels.scalar_density import LOWER, UPPER, elasticity, log_density

#: In ``Conditional.nu``: the tail of a horseshoe.
HORSESHOE_TAIL = 0.0
# |t| beyond which nothing is drawn: s^2 would leave the floats.
_EXTREME = 300.0
# Newton steps at most, and their length at most.
_STEPS, _LONGEST = 400, 2.0
# For the second derivative of log p, which only places the tangents.
_DIFFERENCE = 1e-3
# Draws from a gamma density before the tangents take over; no draw depends on which it was.
_TRIES = 4
# Floor of a gamma variate, whose reciprocal is taken.
_LEAST = 1e-300
_ROUNDING = 1e-15
# From here on three terms of the series of a horseshoe's slope are exact.
_MANY = 1e4


class Conditional(NamedTuple):
    """The terms of h but for p; ``tails`` of the entries of ``ratio`` and ``nu`` count."""

    order: float
    linear: float
    quadratic: float
    tails: int
    ratio: np.ndarray
    nu: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def value(terms: Conditional, code: int, parameters: np.ndarray, t: float) -> float:
    """h(t)."""
    inverse = np.exp(-t)
    total = log_density(code, parameters, np.exp(t)) + t - terms.order * t
    total -= (terms.linear + 0.5 * terms.quadratic * inverse) * inverse
    for k in range(terms.tails):
        x = terms.ratio[k] * inverse * inverse
        if terms.nu[k] == HORSESHOE_TAIL:
            total += np.log(scaled_exponential_integral(x))
        else:
            total -= 0.5 * (terms.nu[k] + 1.0) * np.log1p(x)
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def slopes(terms: Conditional, code: int, parameters: np.ndarray, t: float) -> tuple[float, float]:
    """h'(t) and about h''(t)."""
    s, inverse = np.exp(t), np.exp(-t)
    linear, quadratic = terms.linear * inverse, terms.quadratic * inverse * inverse
    steepness = elasticity(code, parameters, s)
    first = 1.0 + steepness - terms.order + linear + quadratic
    bend = elasticity(code, parameters, s * (1.0 + _DIFFERENCE)) - steepness
    second = bend / _DIFFERENCE - linear - 2.0 * quadratic
    for k in range(terms.tails):
        x = terms.ratio[k] * inverse * inverse
        if terms.nu[k] == HORSESHOE_TAIL:
            excess, bent = _horseshoe_slopes(x)
            first += 2.0 * excess
            second += 4.0 * bent
        else:
            share = 1.0 / (1.0 + x)
            first += (terms.nu[k] + 1.0) * (1.0 - share)
            second -= 2.0 * (terms.nu[k] + 1.0) * (1.0 - share) * share
    return first, second


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _horseshoe_slopes(x: float) -> tuple[float, float]:
    """r - x and x + x r - r^2 for r = 1 / (e^x E1(x)); by their series where the difference of
    large numbers would leave nothing."""
    if x > _MANY:
        y = 1.0 / x
        return 1.0 - y * (1.0 - y * (3.0 - 13.0 * y)), -y * (1.0 - 6.0 * y)
    r = 1.0 / scaled_exponential_integral(x)
    return r - x, x + x * r - r * r


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _near_mode(
    terms: Conditional, code: int, parameters: np.ndarray, t: float, low: float, high: float
) -> tuple[float, float]:
    """A point within about half a standard deviation of the mode, and that deviation."""
    deviation = _LONGEST
    for _ in range(_STEPS):
        first, second = slopes(terms, code, parameters, t)
        deviation = _LONGEST if second > -1.0 / _LONGEST**2 else 1.0 / np.sqrt(-second)
        step = min(max(first * deviation * deviation, -_LONGEST), _LONGEST)
        moved = min(max(t + step, low), high)
        if abs(moved - t) < 0.5 * deviation:
            return moved, deviation
        t = moved
    return t, deviation


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_log_scalar(
    terms: Conditional, code: int, parameters: np.ndarray, t: float, rng: np.random.Generator
) -> float:
    """An independent draw from exp(h); ``t`` is where the search for its mode begins."""
    if terms.tails == 0:
        if terms.linear == 0.0 and terms.quadratic > 0.0:
            drawn = _from_gamma(terms.order, 0.5 * terms.quadratic, 2.0, code, parameters, rng)
        elif terms.quadratic == 0.0 and terms.linear > 0.0:
            drawn = _from_gamma(terms.order, terms.linear, 1.0, code, parameters, rng)
        else:
            drawn = np.nan
        if not np.isnan(drawn):
            return drawn
    return _from_tangents(terms, code, parameters, t, rng)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _from_gamma(
    order: float,
    rate: float,
    power: float,
    code: int,
    parameters: np.ndarray,
    rng: np.random.Generator,
) -> float:
    """A draw from p(s) s^(1 - order) exp(-rate / s^power) in t; NaN when it came to nothing.

    With e the slope of log p at t0, log p(t) <= log p(t0) + e (t - t0): what is left is
    s^-power ~ Gamma((order - 1 - e) / power, rate).
    """
    if order <= 1.0:
        return np.nan
    at = np.exp(np.log(power * rate / order) / power)
    at = min(max(at, parameters[LOWER]), parameters[UPPER])
    slope = elasticity(code, parameters, at)
    shape = (order - 1.0 - slope) / power
    if not (shape > 0.0 and at > 0.0):
        return np.nan
    top = log_density(code, parameters, at) - slope * np.log(at)
    for _ in range(_TRIES):
        t = np.log(rate / max(rng.standard_gamma(shape), _LEAST)) / power
        if (
            log_density(code, parameters, np.exp(t)) - slope * t - top
            >= -rng.standard_exponential()
        ):
            return t
    return np.nan


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _from_tangents(
    terms: Conditional, code: int, parameters: np.ndarray, t: float, rng: np.random.Generator
) -> float:
    """By rejection from the tangents at three points."""
    low, high = -_EXTREME, _EXTREME
    # A bound's own logarithm may round to beyond it, where p is 0.
    if parameters[LOWER] > 0.0:
        low = max(low, np.log(parameters[LOWER]))
        low += _ROUNDING * (1.0 + abs(low))
    if parameters[UPPER] < np.inf:
        high = min(high, np.log(parameters[UPPER]))
        high -= _ROUNDING * (1.0 + abs(high))
    t = min(max(t, low), high)
    if not low < high:
        return t
    t, deviation = _near_mode(terms, code, parameters, t, low, high)
    # The hat of a normal density is least at sqrt(2) standard deviations.
    x, h, s = np.empty(3), np.empty(3), np.empty(3)
    for k in range(3):
        reach = (k - 1.0) * np.sqrt(2.0) * deviation
        x[k] = min(max(t + reach, low), high)
        s[k] = slopes(terms, code, parameters, x[k])[0]
        while (k == 0 and s[k] <= 0.0 and x[k] > low) or (k == 2 and s[k] >= 0.0 and x[k] < high):
            reach *= 2.0
            x[k] = min(max(t + reach, low), high)
            s[k] = slopes(terms, code, parameters, x[k])[0]
    for k in range(3):
        h[k] = value(terms, code, parameters, x[k])
    edges = _edges(x, h, s, low, high)
    while True:
        candidate, hat = _from_hat(x, h, s, edges, rng)
        if value(terms, code, parameters, candidate) + rng.standard_exponential() >= hat:
            return candidate


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _edges(x: np.ndarray, h: np.ndarray, s: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where neighbouring tangents meet, between the ends of the line."""
    edges = np.array([low, x[0], x[2], high])
    for k in range(2):
        drop = s[k] - s[k + 1]
        meet = 0.5 * (x[k] + x[k + 1])
        if drop > 0.0:
            meet = (h[k + 1] - h[k] - s[k + 1] * x[k + 1] + s[k] * x[k]) / drop
        edges[k + 1] = min(max(meet, x[k]), x[k + 1])
    return edges


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _from_hat(
    x: np.ndarray, h: np.ndarray, s: np.ndarray, edges: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """A draw from exp(tangent), piece by piece, and the height of the hat there."""
    mass = np.empty(3)
    for k in range(3):
        width = edges[k + 1] - edges[k]
        top = max(s[k] * (edges[k] - x[k]), s[k] * (edges[k + 1] - x[k])) + h[k] - h[1]
        fall = abs(s[k]) * width
        mass[k] = np.exp(top) * width * (1.0 if fall < 1e-8 else -np.expm1(-fall) / fall)
    pick = rng.random() * (mass[0] + mass[1] + mass[2])
    k = 0 if pick < mass[0] else (1 if pick < mass[0] + mass[1] else 2)
    fall, width = abs(s[k]) * (edges[k + 1] - edges[k]), edges[k + 1] - edges[k]
    uniform = rng.random()
    share = uniform
    if fall >= 1e-8:
        share = -np.log1p(uniform * np.expm1(-fall)) / fall
    draw = edges[k] + share * width if s[k] < 0.0 else edges[k + 1] - share * width
    return draw, h[k] + s[k] * (draw - x[k])
