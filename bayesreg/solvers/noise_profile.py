"""Every local minimum along sigma of a profile over conditional modes.

At each sigma the coefficients are the conditional mode; the sign of the profile's slope there comes
from ``noise_equation``.  No mode lies outside the range searched:

* above:  2 A sigma + B <= B_0, the residual of the point that costs no penalty, so that
  slope(sigma, B_0 / (2 sigma), B_0) > 0 proves that the profile rises from there on;
* below:  A only grows as sigma falls and B is at least its floor over all coefficients, so that
  slope(sigma, A(sigma), floor) < 0 proves that it falls all the way to sigma.

In between, B of the conditional mode can only rise and A only fall, so that the ends of an interval
bound the slope inside it: intervals are halved until that proves them free of roots, or they are
narrow and their ends decide.  Each sign change from - to + is a local minimum.
(Where relative L1 and absolute penalties mix, A and B need not be monotone; a fine grid stands in.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import NoModeError
from bayesreg.moments import Moments, moments
from bayesreg.priors.on_noise import NoiseDensity
from bayesreg.problem import Problem
from bayesreg.solvers.gaussian import moments_pay
from bayesreg.solvers.newton import Curvature
from bayesreg.solvers.noise_equation import (
    JointEquation,
    MarginalEquation,
    root_in_sigma,
    root_of_rising,
)
from bayesreg.solvers.noise_family import Family
from bayesreg.solvers.settle import settle
from bayesreg.solvers.start import starting_point

# Widths in log sigma: of the first intervals, of a grid without bounds, and where halving ends.
_STEP, _FINE_STEP, _NARROW = 0.2, 0.02, 2e-4


@dataclass(frozen=True)
class Point:
    """A conditional mode: its sigma, its coefficients, its A and B."""

    sigma: float
    v: FloatArray
    A: float
    B: float


@dataclass(eq=False)
class Profile:
    """Conditional modes along sigma, each computed once from its nearest neighbour."""

    family: Family
    equation: JointEquation | MarginalEquation
    names: tuple[str, ...]
    max_iterations: int
    points: dict[float, Point] = field(default_factory=dict)
    iterations: int = 0
    settled: bool = True
    moments: Moments | None = field(init=False)

    def __post_init__(self) -> None:
        unit = self.family.unit
        self.moments = moments(unit) if moments_pay(unit) else None

    @property
    def density(self) -> NoiseDensity:
        return self.equation.density

    def at(self, sigma: float) -> Point:
        """The conditional mode at sigma."""
        if sigma not in self.points:
            problem = self.family.at(sigma)
            if self.points:
                near = min(self.points, key=lambda known: abs(np.log(known / sigma)))
                start = self.points[near].v
            else:
                start = starting_point(problem, self.names)
            curvature = self.curvature(problem, sigma)
            found = settle(problem, self.names, start, self.max_iterations, curvature)
            self.iterations = max(self.iterations, found.iterations)
            self.settled = self.settled and found.settled
            A, B = self.family.slope_part(found.v), self.family.square_part(found.v)
            self.points[sigma] = Point(sigma, found.v, A, B)
        return self.points[sigma]

    def curvature(self, problem: Problem, sigma: float) -> Curvature | None:
        """X'X / sigma^2 from that at sigma = 1, where it was worth having."""
        if self.moments is None:
            return None
        gram = self.moments.gram / sigma / sigma
        return Curvature.known(problem, replace(self.moments, gram=gram))

    def slope(self, point: Point) -> float:
        return self.equation.slope(point.sigma, point.A, point.B)

    def minima(self) -> list[Point]:
        """Every local minimum, in order of rising sigma."""
        grid = self._grid()
        found = []
        if self.slope(grid[0]) > 0:  # only where the support ends: it rises from its lower end on
            found.append(grid[0])
        brackets = [
            bracket for left, right in pairwise(grid) for bracket in self._brackets(left, right)
        ]
        found += [self._refined(*bracket) for bracket in brackets]
        if self.slope(grid[-1]) <= 0:
            found.append(self._polished(grid[-1]))
        return found

    def _grid(self) -> list[Point]:
        """Points from below the least sigma at which a mode can lie to the greatest, rising."""
        sigma, points = self._greatest(), []
        step = _STEP if self.family.is_monotone else _FINE_STEP
        lower = max(self.density.lower, 0.0)
        while True:
            point = self.at(sigma)
            points.append(point)
            if self.equation.slope(sigma, point.A, self._floor) < 0 or sigma <= lower:
                return points[::-1]
            if sigma <= 1e-13 * np.sqrt(self.family.magnitude / np.sum(self.family.unit.weights)):
                raise NoModeError(f"no mode: {exact_fit_reason()}")
            sigma = max(sigma * float(np.exp(-step)), lower)

    @property
    def _floor(self) -> float:
        """What B cannot fall below."""
        family = self.family
        if family.is_monotone and not family.has_slope and not family.has_absolute:
            return next(iter(self.points.values())).B  # the same coefficients at every sigma
        return family.floor

    def _greatest(self) -> float:
        """Beyond this sigma the profile rises."""
        v = starting_point(self.family.at(1.0), self.names)
        null = self.family.square_part(v)

        def slope(sigma: float) -> float:
            A = 0.5 * null / sigma if self.family.has_slope else 0.0
            return self.equation.slope(sigma, A, null)

        start = float(np.sqrt(null / self.family.unit.n))
        return root_in_sigma(slope, self.density, start) * (1.0 if self._ends_here else 1.001)

    @property
    def _ends_here(self) -> bool:
        return np.isfinite(self.density.upper)

    def _brackets(self, left: Point, right: Point) -> list[tuple[Point, Point]]:
        """Narrow intervals over which the slope turns from - to +, within one interval."""
        low_end, high_end = self.slope(left), self.slope(right)
        turns = low_end <= 0 < high_end
        width = float(np.log(right.sigma / left.sigma))
        if not self.family.is_monotone or width <= _NARROW:
            return [(left, right)] if turns else []
        least = self.equation.slope(left.sigma, left.A, right.B)
        most = self.equation.slope(right.sigma, right.A, left.B)
        if least > 0 or most < 0:
            return []
        middle = self.at(float(np.sqrt(left.sigma) * np.sqrt(right.sigma)))
        return self._brackets(left, middle) + self._brackets(middle, right)

    def _refined(self, left: Point, right: Point) -> Point:
        """The root in a bracket, to rounding."""
        t = root_of_rising(
            lambda t: self.slope(self.at(float(np.exp(t)))),
            float(np.log(left.sigma)),
            float(np.log(right.sigma)),
        )
        return self._polished(self.at(float(np.exp(t))))

    def _polished(self, point: Point) -> Point:
        """Alternate between the equation for sigma at given residuals and the conditional mode."""
        for _ in range(4):
            moved = self.at(self.equation.sigma(point.A, point.B))
            if not abs(self.slope(moved)) < abs(self.slope(point)):
                break
            point = moved
        return point


def exact_fit_reason() -> str:
    """Why there is no mode where the data can be fitted without residual."""
    return (
        "the data can be fitted without residual by coefficients whose prior density does not "
        "vanish with sigma, and p(sigma) does not vanish at 0, so that the density is unbounded "
        "as sigma goes to 0 (with an absolute prior: p >= n - 1 with an intercept, p >= n "
        "without; with one relative to the noise: intercept and flat columns alone fit y). Give "
        "sigma a prior that vanishes at 0, such as InverseGamma(shape, scale) or Uniform(lower, "
        "upper) with lower > 0; or state sigma, Gaussian(sigma=...), for the conditional mode; "
        "or, where p is what fits, make the prior relative_to_noise=True"
    )
