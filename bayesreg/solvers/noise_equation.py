"""The equation that sigma solves beside the conditional mode, for each meaning of "the MAP".

Both targets are the least value over sigma of an objective whose coefficients are the conditional
mode at that sigma; with t = log sigma its slope along the profile has the sign of

    joint:     N - e(sigma) - A / sigma - B / sigma^2            N = n + k          (d phi / d t)
    marginal:  sigma E[sigma^-2] / E[sigma^-1] - 1   where relative priors have an L1 part,
               sigma^2 E[sigma^-2] - 1               else

A, B as in ``noise_family``, e the elasticity of p(sigma), E over p(sigma | v, y) with the
intercept integrated out.  The joint one is the envelope theorem.  The marginal objective is a
concave function of (A, B) plus absolute penalties; its tangent there is the conditional objective
with weights E[sigma^-1] and E[sigma^-2] / 2, so that its stationary points are conditional modes
too, at an effective sigma.

Each slope rises with sigma and falls as A or B grow: at given residuals there is one root, and
bounds on A and B bound the slope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.priors.on_noise import NoiseDensity

#: Where a search for sigma ends.
SMALLEST, LARGEST = 1e-90, 1e90
# exp(-50) of the peak is below rounding.
_DROP = 50.0


@dataclass(frozen=True)
class JointEquation:
    """Mode over (intercept, coefficients, sigma), the density taken in sigma."""

    density: NoiseDensity
    count: int

    def slope(self, sigma: float, A: float, B: float) -> float:
        """d phi / d log sigma."""
        elasticity = float(self.density.elasticity(sigma))
        return self.count - elasticity - A / sigma - B / sigma / sigma

    def sigma(self, A: float, B: float) -> float:
        """The best sigma at given residuals: sqrt(B / N) for A = 0 and flat sigma."""
        start = np.sqrt(B / self.count) if B > 0 else A / self.count
        return root_in_sigma(lambda sigma: self.slope(sigma, A, B), self.density, start)

    def bend(self, sigma: float, A: float, B: float) -> float:
        """The second derivative in log sigma at given coefficients."""
        own = float(self.density.bend(sigma))
        return A / sigma + 2 * B / sigma / sigma - own


@dataclass(frozen=True)
class MarginalEquation:
    """Mode of p(coefficients | y), a flat intercept and sigma integrated out."""

    density: NoiseDensity
    count: int
    has_slope: bool

    def slope(self, sigma: float, A: float, B: float) -> float:
        """Of the sign of the derivative along the profile."""
        if self._gathers_at_zero(A, B):
            return np.inf
        moments = noise_moments(self.density, self.count, A, B)
        if self.has_slope:
            return sigma * moments.second / moments.first - 1.0
        return sigma * sigma * moments.second - 1.0

    def _gathers_at_zero(self, A: float, B: float) -> bool:
        """Without residuals sigma^-n p(sigma) has no integral: sigma = 0 takes all, E is infinite.

        E[sigma^-2] already is where that of sigma^-n alone is finite.
        """
        return A == 0.0 and B == 0.0 and self.density.at_zero <= self.count + 1

    def sigma(self, A: float, B: float) -> float:
        """The effective sigma at given residuals."""
        moments = noise_moments(self.density, self.count, A, B)
        if self.has_slope:
            return moments.first / moments.second
        return moments.second**-0.5


def root_in_sigma(slope: Callable[[float], float], density: NoiseDensity, start: float) -> float:
    """The root of a rising function of sigma, or the end of the support beside it."""
    low, high = max(density.lower, SMALLEST), min(density.upper, LARGEST)
    near = float(np.clip(start, low, high)) if start > 0 else float(np.clip(1.0, low, high))
    ends = [near, near]
    factor = 2.0
    while ends[0] > low and slope(ends[0]) > 0:
        ends[0] = max(ends[0] / factor, low)
        factor *= 2.0
    factor = 2.0
    while ends[1] < high and slope(ends[1]) < 0:
        ends[1] = min(ends[1] * factor, high)
        factor *= 2.0
    if slope(ends[0]) >= 0:
        return ends[0]
    if slope(ends[1]) <= 0:
        return ends[1]
    t = root_of_rising(lambda t: slope(float(np.exp(t))), *np.log(ends))
    return float(np.clip(np.exp(t), low, high))


def root_of_rising(function: Callable[[float], float], low: float, high: float) -> float:
    """The root between two points, or the one of them that rounding has put beyond it."""
    from scipy.optimize import brentq

    if function(low) >= 0:
        return low
    if function(high) <= 0:
        return high
    return float(brentq(function, low, high, xtol=1e-15, rtol=1e-15))


@dataclass(frozen=True)
class Moments:
    """log of the integral over sigma, E[sigma^-1] and E[sigma^-2]."""

    log_integral: float
    first: float
    second: float


def noise_moments(density: NoiseDensity, count: int, A: float, B: float) -> Moments:
    """Moments of sigma^-count exp(-A / sigma - B / (2 sigma^2)) p(sigma) over sigma.

    In t = log sigma the integrand is log-concave and analytic: Gauss-Legendre panels of the
    width of its peak, as far out as it is above exp(-50) of it, are exact to rounding.
    """

    def exponent(t: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            small = A * np.exp(-t) + 0.5 * B * np.exp(-2 * t)
            inside = np.asarray(density.log_density(np.exp(t)))
            return np.where(np.isinf(small), -np.inf, (1 - count) * t - small + inside)

    def falling(sigma: float) -> float:
        rest = A / sigma + B / sigma / sigma
        return count - 1 - float(density.elasticity(sigma)) - rest

    start = np.sqrt(B / count) if B > 0 else A / count
    peak = root_in_sigma(falling, density, start)
    t, bend = float(np.log(peak)), 2 * B / peak**2 + A / peak - float(density.bend(peak))
    width = min(0.5, 1.5 / np.sqrt(max(bend, 1e-300)), 3.0 / max(abs(falling(peak)), 1e-300))
    nodes, by_node = np.polynomial.legendre.leggauss(16)
    low, high = (_reach(exponent, t, side * width, density) for side in (-1, 1))
    edges = np.linspace(low, high, max(2, 1 + int(np.ceil((high - low) / width))))
    half = np.diff(edges) / 2
    points = (edges[:-1] + half)[:, None] + half[:, None] * nodes
    values = exponent(points)
    top = float(np.max(values))
    mass = np.exp(values - top) * half[:, None] * by_node
    total = float(np.sum(mass))
    inverse = np.exp(t - points)
    return Moments(
        top + float(np.log(total)),
        float(np.sum(mass * inverse)) / total / peak,
        float(np.sum(mass * inverse**2)) / total / peak / peak,
    )


def _reach(
    exponent: Callable[[FloatArray], FloatArray], t: float, step: float, density: NoiseDensity
) -> float:
    """How far from the peak the integrand is above rounding, or the end of the support."""
    with np.errstate(divide="ignore"):
        ends = np.log([density.lower, density.upper])
    top = float(exponent(np.array([t]))[0])
    far = t
    for _ in range(100_000):
        far += step
        if not ends[0] < far < ends[1]:
            return float(np.clip(far, *ends))
        # E[sigma^-2] weighs the left tail by exp(-2 (far - t)).
        if float(exponent(np.array([far]))[0]) - top + 2 * max(t - far, 0.0) < -_DROP:
            break
    return far
