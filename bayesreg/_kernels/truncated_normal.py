"""One coefficient given all else:  exp(slope u - precision u^2 / 2 - kink |u|),  low <= u <= high.

Normal between two bounds, with a kink at 0 where there is a Laplace prior (Hans 2009, Biometrika
96:835). Every piece is written from the end where it is highest,

    u = low + x,   exp(-fall x - precision x^2 / 2),   fall = precision low - slope >= 0,

so that nothing is lost however far in the tail the bounds are, and precision = 0 (a column of
zeros) is no special case: there the piece is exponential. Draws are by rejection from an
exponential of the best rate (Robert 1995, Statistics and Computing 5:121), a normal or a uniform
density; about every second candidate is taken at worst.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)
_ROOT_PI = math.sqrt(math.pi)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_ROOT_HALF = math.sqrt(0.5)
# Beyond this five terms of the asymptotic series of erfcx are exact to rounding.
_FAR = 25.0
# Nodes and weights on [0, 1] of the Gauss-Legendre rule for pieces that hardly fall.
_NODES, _WEIGHTS = (
    (np.polynomial.legendre.leggauss(10)[0] + 1.0) / 2.0,
    (np.polynomial.legendre.leggauss(10)[1] / 2.0),
)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def erfcx(x: float) -> float:
    """exp(x^2) erfc(x) for x >= 0."""
    if x < _FAR:
        return math.exp(x * x) * math.erfc(x)
    r = 0.5 / x / x
    return (1.0 - r * (1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r)))) / (x * _ROOT_PI)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _falling_mass(fall: float, precision: float, length: float) -> float:
    """Integral of exp(-fall x - precision x^2 / 2) from 0 to length; fall >= 0."""
    if length < np.inf:
        drop = (fall + 0.5 * precision * length) * length
        if drop < 1.0:
            total = 0.0
            for k in range(_NODES.size):
                x = _NODES[k] * length
                total += _WEIGHTS[k] * math.exp(-(fall + 0.5 * precision * x) * x)
            return total * length
        left = math.exp(-drop)
    else:
        left = 0.0
    root = math.sqrt(precision)
    if fall > 1e8 * root:
        return (1.0 - left) / fall
    whole = erfcx(_ROOT_HALF * fall / root)
    if left > 0.0:
        whole -= left * erfcx(_ROOT_HALF * (fall / root + root * length))
    return _ROOT_HALF_PI * whole / root


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_mass(low: float, high: float, slope: float, precision: float) -> float:
    """log of the integral of exp(slope u - precision u^2 / 2) from low to high."""
    if slope - precision * low <= 0.0 and low > -np.inf:
        top = (slope - 0.5 * precision * low) * low
        return top + math.log(_falling_mass(precision * low - slope, precision, high - low))
    if slope - precision * high >= 0.0 and high < np.inf:
        top = (slope - 0.5 * precision * high) * high
        return top + math.log(_falling_mass(slope - precision * high, precision, high - low))
    mode = slope / precision
    both = _falling_mass(0.0, precision, mode - low) + _falling_mass(0.0, precision, high - mode)
    return 0.5 * slope * mode + math.log(both)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw_falling(fall: float, precision: float, length: float, rng: np.random.Generator) -> float:
    """A draw of x from exp(-fall x - precision x^2 / 2) on [0, length]; fall >= 0."""
    if length < np.inf and (fall + 0.5 * precision * length) * length < 1.0:
        while True:
            x = length * rng.random()
            if rng.standard_exponential() >= (fall + 0.5 * precision * x) * x:
                return x
    rate = 0.5 * (fall + math.sqrt(fall * fall + 4.0 * precision))
    # exp(-rate x) lies above the target when both touch at ``best``, or at the end.
    best = min(1.0 / rate, length)
    excess = rate - fall
    top = (excess - 0.5 * precision * best) * best
    while True:
        x = _truncated_exponential(rate, length, rng)
        if rng.standard_exponential() >= top - (excess - 0.5 * precision * x) * x:
            return x


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _truncated_exponential(rate: float, length: float, rng: np.random.Generator) -> float:
    """A draw from exp(-rate x) on [0, length], by the inverse of its distribution function."""
    if rate * length > 40.0:
        return min(rng.standard_exponential() / rate, length)
    x: float = -math.log1p(rng.random() * math.expm1(-rate * length)) / rate
    return min(x, length)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_between(
    low: float, high: float, slope: float, precision: float, rng: np.random.Generator
) -> float:
    """A draw from exp(slope u - precision u^2 / 2) on [low, high]."""
    if slope - precision * low <= 0.0 and low > -np.inf:
        fall = precision * low - slope
        return min(low + _draw_falling(fall, precision, high - low, rng), high)
    if slope - precision * high >= 0.0 and high < np.inf:
        fall = slope - precision * high
        return max(high - _draw_falling(fall, precision, high - low, rng), low)
    mode, deviation = slope / precision, 1.0 / math.sqrt(precision)
    if high - low < _ROOT_TWO_PI * deviation:
        while True:
            u = low + (high - low) * rng.random()
            if rng.standard_exponential() >= 0.5 * precision * (u - mode) * (u - mode):
                return min(u, high)
    while True:
        u = mode + deviation * rng.standard_normal()
        if low <= u <= high:
            return u


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_kinked(
    low: float,
    high: float,
    slope: float,
    kink: float,
    precision: float,
    rng: np.random.Generator,
) -> float:
    """A draw from exp(slope u - kink |u| - precision u^2 / 2) on [low, high]."""
    if kink == 0.0:
        return draw_between(low, high, slope, precision, rng)
    if low >= 0.0:
        return draw_between(low, high, slope - kink, precision, rng)
    if high <= 0.0:
        return draw_between(low, high, slope + kink, precision, rng)
    right = log_mass(0.0, high, slope - kink, precision)
    left = log_mass(low, 0.0, slope + kink, precision)
    if rng.random() * (1.0 + math.exp(min(left - right, 700.0))) < 1.0:
        return draw_between(0.0, high, slope - kink, precision, rng)
    return draw_between(low, 0.0, slope + kink, precision, rng)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_prior_mass(low: float, high: float, l1: float, l2: float) -> float:
    """log of the integral of exp(-l1 |x| - l2 x^2 / 2) from low to high."""
    if low >= 0.0:
        return log_mass(low, high, -l1, l2)
    if high <= 0.0:
        return log_mass(low, high, l1, l2)
    right, left = log_mass(0.0, high, -l1, l2), log_mass(low, 0.0, l1, l2)
    top = max(right, left)
    return top + math.log(math.exp(right - top) + math.exp(left - top))
