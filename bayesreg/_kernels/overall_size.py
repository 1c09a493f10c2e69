"""The overall size of a Gaussian model at a given ratio: integrals and draws of t = log sigma.

    h(t) = power t - squares e^(-2 t) / 2 + sum_k log p_k(factor_k e^t)

Every density of :mod:`bayesreg.priors.on_noise` has a falling elasticity d log p / d t, so that
h is concave: one mode, and tangents lie above it. Where every p_k is a power of s times
exp(-rate / s^2), e^(-2 t) has a gamma distribution.

``rows`` are parameters with their bounds left open; ``ends`` holds the logarithms of the bounds.
"""

from __future__ import annotations

import numba
import numpy as np

from bayesreg._kernels.scalar_density import (
    CONSTANT,
    EXPONENTIAL,
    FIRST,
    FLAT,
    HALF_CAUCHY,
    HALF_NORMAL,
    INVERSE_GAMMA,
    JEFFREYS,
    SECOND,
    elasticity,
    log_density,
)

# Below its maximum by this much the integrand is left out: e^-46 = 1e-20 of its height.
_DEPTH = 46.0
# Panels of a Gauss rule are at most this long, in units of t: the integrands are analytic
# within pi / 2 of the real line (half-Cauchy; the others everywhere).
_PANEL = 1.0
_LEAST_PANELS = 3
# |t| beyond which a density is followed no further: e^t times a ratio stays a number.
_FARTHEST = 345.0
# Steps of the searches for a mode and for the ends of an integral: Newton's cover 1 / 2 of t each
# where sigma^2 dominates, and 700 are all that floating point holds.
_STEPS = 2000


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_conjugate(codes: np.ndarray) -> bool:
    """Whether every density is a power times exp(-rate / s^2)."""
    found = True
    for code in codes:
        found = found and code in (FLAT, JEFFREYS, INVERSE_GAMMA)
    return found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _size(t: float) -> float:
    return float(np.exp(min(max(t, -_FARTHEST), _FARTHEST)))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def height(
    t: float, power: float, squares: float, codes: np.ndarray, rows: np.ndarray, factor: np.ndarray
) -> float:
    """h(t)."""
    s = _size(t)
    total = power * t - 0.5 * squares / s / s
    for k in range(codes.size):
        total += log_density(codes[k], rows[k], factor[k] * s)
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def slope(
    t: float, power: float, squares: float, codes: np.ndarray, rows: np.ndarray, factor: np.ndarray
) -> float:
    """h'(t)."""
    s = _size(t)
    total = power + squares / s / s
    for k in range(codes.size):
        total += elasticity(codes[k], rows[k], factor[k] * s)
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bend(
    t: float, squares: float, codes: np.ndarray, rows: np.ndarray, factor: np.ndarray
) -> float:
    """h''(t), never positive."""
    s = _size(t)
    total = -2.0 * squares / s / s
    for k in range(codes.size):
        first, size = rows[k, FIRST], factor[k] * s
        ratio = size / first
        if codes[k] == HALF_NORMAL:
            total -= 2.0 * ratio * ratio
        elif codes[k] == EXPONENTIAL:
            total -= ratio
        elif codes[k] == HALF_CAUCHY:
            total -= 4.0 / (ratio + 1.0 / ratio) ** 2
        elif codes[k] == INVERSE_GAMMA:
            total -= 4.0 * rows[k, SECOND] / size / size
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def support(ends: np.ndarray, factor: np.ndarray) -> tuple[float, float]:
    """The ends of t, infinite where there are none."""
    low, high = -np.inf, np.inf
    for k in range(factor.size):
        low = max(low, ends[k, 0] - np.log(factor[k]))
        high = min(high, ends[k, 1] - np.log(factor[k]))
    return low, high


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_mode(
    low: float,
    high: float,
    power: float,
    squares: float,
    codes: np.ndarray,
    rows: np.ndarray,
    factor: np.ndarray,
) -> float:
    """The root of h' between the ends, to a tenth of a standard deviation; else an end."""
    start = 0.5 * np.log(squares / -power) if squares > 0.0 and power < 0.0 else 0.0
    t = min(max(start, low), high)
    left, right, stride = low, high, 1.0
    for _ in range(_STEPS):
        rise = slope(t, power, squares, codes, rows, factor)
        if rise == 0.0:
            return t
        if rise > 0.0:
            left = t
        else:
            right = t
        curvature = bend(t, squares, codes, rows, factor)
        # Newton's step inside the bracket, or a growing stride where the bracket is open.
        finite = -np.inf < curvature < 0.0 and abs(rise) < np.inf
        moved = t - rise / curvature if finite else np.inf * rise
        stride *= 2.0
        moved = min(max(moved, t - stride), t + stride)
        if not left <= moved <= right:
            end = right if rise > 0.0 else left
            moved = 0.5 * (left + right) if right - left < np.inf else end
        if abs(moved - t) ** 2 * -curvature < 0.01 and abs(moved - t) < 0.1:
            return moved
        t = moved
    return t


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_end(
    mode: float,
    limit: float,
    power: float,
    squares: float,
    codes: np.ndarray,
    rows: np.ndarray,
    factor: np.ndarray,
) -> float:
    """A point towards ``limit`` where h lies between one and 1.3 depths below its mode."""
    side = 1.0 if limit > mode else -1.0
    top = height(mode, power, squares, codes, rows, factor)
    near, far, reach = 0.0, abs(limit - mode), 1.0
    if far < np.inf and top - height(limit, power, squares, codes, rows, factor) < _DEPTH:
        return limit
    for _ in range(_STEPS):
        drop = top - height(mode + side * reach, power, squares, codes, rows, factor)
        if _DEPTH <= drop <= 1.3 * _DEPTH:
            break
        if drop < _DEPTH:
            near = reach
        else:
            far = reach
        reach = 0.5 * (near + far) if far < np.inf else 2.0 * reach
    return mode + side * reach


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_integral(
    power: float,
    squares: float,
    codes: np.ndarray,
    rows: np.ndarray,
    ends: np.ndarray,
    factor: np.ndarray,
    nodes: np.ndarray,
    weights: np.ndarray,
    log_gamma: float,
) -> float:
    """log of the integral of exp(h); -inf where the support is empty."""
    if is_conjugate(codes):
        return _conjugate_integral(power, squares, codes, rows, factor, log_gamma)
    low, high = support(ends, factor)
    if not low < high:
        return -np.inf
    mode = find_mode(low, high, power, squares, codes, rows, factor)
    top = height(mode, power, squares, codes, rows, factor)
    if not top > -np.inf:
        return -np.inf
    total = 0.0
    for limit in (low, high):
        end = find_end(mode, limit, power, squares, codes, rows, factor)
        panels = max(_LEAST_PANELS, int(np.ceil(abs(end - mode) / _PANEL)))
        half = 0.5 * (end - mode) / panels
        for panel in range(panels):
            centre = mode + (2 * panel + 1) * half
            for i in range(nodes.size):
                t = centre + half * nodes[i]
                drop = height(t, power, squares, codes, rows, factor) - top
                # More than the mode's is the rounding of heights beyond 1e16.
                total += abs(half) * weights[i] * np.exp(min(drop, 1.0))
    return top + np.log(total)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _conjugate(
    power: float, squares: float, codes: np.ndarray, rows: np.ndarray, factor: np.ndarray
) -> tuple[float, float, float]:
    """(constant, power, squares) with every density multiplied in."""
    constant = 0.0
    for k in range(codes.size):
        order = 0.0
        if codes[k] == JEFFREYS:
            order = 1.0
        elif codes[k] == INVERSE_GAMMA:
            order = 2.0 * rows[k, FIRST] + 1.0
            squares += 2.0 * rows[k, SECOND] / factor[k] / factor[k]
        constant += rows[k, CONSTANT] - order * np.log(factor[k])
        power -= order
    return constant, power, squares


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _conjugate_integral(
    power: float,
    squares: float,
    codes: np.ndarray,
    rows: np.ndarray,
    factor: np.ndarray,
    log_gamma: float,
) -> float:
    """Gamma(a) (squares / 2)^-a / 2 with a = -power / 2, every density multiplied in."""
    constant, power, squares = _conjugate(power, squares, codes, rows, factor)
    if not (power < 0.0 and squares > 0.0):
        return np.inf
    return constant + log_gamma + 0.5 * power * np.log(0.5 * squares) - np.log(2.0)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_integrals(
    power: float,
    squares: np.ndarray,
    codes: np.ndarray,
    rows: np.ndarray,
    ends: np.ndarray,
    ratio: np.ndarray,
    by_ratio: np.ndarray,
    nodes: np.ndarray,
    weights: np.ndarray,
    log_gamma: float,
    out: np.ndarray,
) -> None:
    """One integral for each ratio; ``factor_k`` is the ratio where ``by_ratio``, else 1."""
    factor = np.ones(codes.size)
    for i in range(ratio.size):
        for k in range(codes.size):
            factor[k] = ratio[i] if by_ratio[k] else 1.0
        out[i] = log_integral(
            power, squares[i], codes, rows, ends, factor, nodes, weights, log_gamma
        )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_sizes(
    power: float,
    squares: np.ndarray,
    codes: np.ndarray,
    rows: np.ndarray,
    ends: np.ndarray,
    ratio: np.ndarray,
    by_ratio: np.ndarray,
    rng: np.random.Generator,
    out: np.ndarray,
) -> None:
    """A draw of e^t for each ratio."""
    conjugate = is_conjugate(codes)
    factor = np.ones(codes.size)
    for i in range(ratio.size):
        for k in range(codes.size):
            factor[k] = ratio[i] if by_ratio[k] else 1.0
        if conjugate:
            _, total_power, total = _conjugate(power, squares[i], codes, rows, factor)
            out[i] = np.sqrt(0.5 * total / rng.standard_gamma(-0.5 * total_power))
        else:
            out[i] = np.exp(draw_log_size(power, squares[i], codes, rows, ends, factor, rng))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_log_size(
    power: float,
    squares: float,
    codes: np.ndarray,
    rows: np.ndarray,
    ends: np.ndarray,
    factor: np.ndarray,
    rng: np.random.Generator,
) -> float:
    """An exact draw from exp(h) by rejection from its tangents at three points."""
    low, high = support(ends, factor)
    x, h, s = np.empty(3), np.empty(3), np.empty(3)
    x[1] = find_mode(low, high, power, squares, codes, rows, factor)
    curvature = -bend(x[1], squares, codes, rows, factor)
    deviation = 1.0 / np.sqrt(max(curvature, 0.01))
    for k in (0, 2):
        # The hat of a normal density is least at sqrt(2) standard deviations.
        side, reach, limit = k - 1.0, np.sqrt(2.0) * deviation, (low if k == 0 else high)
        x[k] = x[1] + side * min(reach, abs(limit - x[1]))
        while side * slope(x[k], power, squares, codes, rows, factor) >= 0.0 and x[k] != limit:
            reach *= 2.0
            x[k] = x[1] + side * min(reach, abs(limit - x[1]))
            if reach >= abs(limit - x[1]):
                x[k] = limit
    for k in range(3):
        h[k] = height(x[k], power, squares, codes, rows, factor)
        s[k] = slope(x[k], power, squares, codes, rows, factor)
    first = _meeting(x, h, s, 0)
    second = _meeting(x, h, s, 1)
    edges = (low, first, second, high)
    while True:
        t, hat = _from_hat(x, h, s, edges, rng)
        if height(t, power, squares, codes, rows, factor) + rng.standard_exponential() >= hat:
            return t


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _meeting(x: np.ndarray, h: np.ndarray, s: np.ndarray, k: int) -> float:
    """Where the tangents at x[k] and x[k + 1] meet."""
    drop = s[k] - s[k + 1]
    if not drop > 1e-12 * (abs(s[k]) + abs(s[k + 1])):
        return 0.5 * (x[k] + x[k + 1])
    meet = x[k] + (h[k + 1] - h[k] - s[k + 1] * (x[k + 1] - x[k])) / drop
    return min(max(meet, x[k]), x[k + 1])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _from_hat(
    x: np.ndarray,
    h: np.ndarray,
    s: np.ndarray,
    edges: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """A draw from the exponential of the lowest tangent, and the height of that tangent."""
    mass, peak = np.empty(3), np.empty(3)
    for k in range(3):
        width = edges[k + 1] - edges[k]
        peak[k] = edges[k] if s[k] < 0.0 else edges[k + 1]
        fall = abs(s[k]) * width
        share = width if fall < 1e-8 else -np.expm1(-fall) / abs(s[k])
        mass[k] = 0.0 if width <= 0.0 else np.exp(h[k] - h[1] + s[k] * (peak[k] - x[k])) * share
    pick = rng.random() * (mass[0] + mass[1] + mass[2])
    k = 0 if pick < mass[0] else (1 if pick < mass[0] + mass[1] else 2)
    width = edges[k + 1] - edges[k]
    fall, uniform = abs(s[k]) * width, rng.random()
    step = uniform * width if fall < 1e-8 else -np.log1p(uniform * np.expm1(-fall)) / abs(s[k])
    t = peak[k] + (step if peak[k] == edges[k] else -step)
    return t, h[k] + s[k] * (t - x[k])
