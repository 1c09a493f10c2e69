"""The Gaussian problem at every sigma, without binding it anew for each.

    -log p(y, v | sigma) = n log sigma + k log sigma + B(v) / (2 sigma^2) + A(v) / sigma
                           + absolute penalties(v) + const

    B = sum_i s_i r_i^2 + sum_relative l2_j (v_j - m_j)^2,      A = sum_relative l1_j |v_j - m_j|

with l1, l2 of the priors that are relative to the noise as they stand at sigma = 1; k counts
those of them that are densities (neither flat nor pinned): each is 1 / sigma times a function of
v / sigma.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Gaussian
from bayesreg.model import Model, relative_to_noise
from bayesreg.problem import Problem, bind
from bayesreg.solvers.least_squares import least_squares

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Family:
    """A problem at sigma = 1, and which of its entries are relative to the noise."""

    unit: Problem
    relative: BoolArray

    def at(self, sigma: float, l1_per_relative: float | None = None) -> Problem:
        """The problem at sigma; the relative l1 rates are divided by it, unless stated."""
        slope = 1.0 / sigma if l1_per_relative is None else l1_per_relative
        penalty = self.unit.penalty
        scaled = replace(
            penalty,
            l1=np.where(self.relative, penalty.l1 * slope, penalty.l1),
            l2=np.where(self.relative, penalty.l2 / sigma / sigma, penalty.l2),
        )
        return replace(self.unit, likelihood=Gaussian(sigma=sigma), penalty=scaled)

    def slope_part(self, v: FloatArray) -> float:
        """A(v)."""
        penalty = self.unit.penalty
        distance = np.abs(v - penalty.loc)
        return float(np.sum(np.where(self.relative, penalty.l1 * distance, 0.0)))

    def square_part(self, v: FloatArray) -> float:
        """B(v)."""
        penalty = self.unit.penalty
        residual = self.unit.y - self.unit.linear_predictor(v)
        squares = np.where(self.relative, penalty.l2 * (v - penalty.loc) ** 2, 0.0)
        return float(self.unit.weights @ residual**2 + np.sum(squares))

    def absolute_part(self, v: FloatArray) -> float:
        """The penalties that do not depend on sigma."""
        return float(np.sum(np.where(self.relative, 0.0, self.unit.penalty.values(v))))

    @cached_property
    def k(self) -> int:
        """How many densities of a coefficient carry a factor 1 / sigma."""
        penalty = self.unit.penalty
        return int(np.count_nonzero(self.relative & ~penalty.is_flat & ~penalty.is_pinned))

    @cached_property
    def has_slope(self) -> bool:
        """Some relative prior has an L1 part: A is not 0 throughout."""
        penalty = self.unit.penalty
        return bool(np.any(self.relative & (penalty.l1 > 0) & ~penalty.is_pinned))

    @cached_property
    def has_absolute(self) -> bool:
        """Some penalty does not move with sigma."""
        penalty = self.unit.penalty
        sized = (penalty.l1 > 0) | (penalty.l2 > 0)
        return bool(np.any(~self.relative & sized & ~penalty.is_pinned))

    @cached_property
    def is_convex(self) -> bool:
        """J is jointly convex in (w / sigma, 1 / sigma) and has no bounds but those at a loc."""
        penalty = self.unit.penalty
        bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
        absolute_bounds = np.any(~self.relative & bounded & ~penalty.is_pinned)
        return not (self.has_absolute or absolute_bounds)

    @property
    def is_monotone(self) -> bool:
        """Along sigma, B of the conditional optimum can only rise and A only fall.

        True of a convex objective with one weight to vary: B / 2 + sigma A alone, or B against
        penalties that stay.
        """
        return not (self.has_slope and self.has_absolute)

    @cached_property
    def magnitude(self) -> float:
        """sum_i s_i y_i^2, with the offset beside y: what residuals are small beside."""
        size = np.abs(self.unit.y) + np.abs(self.unit.offset)
        return float(self.unit.weights @ size**2)

    def is_rounding(self, squares: float) -> bool:
        """Whether a sum of squared residuals is 0 but for rounding."""
        return squares <= _ROUNDING**2 * self.magnitude

    @cached_property
    def fits_exactly(self) -> bool:
        """Some v has B = A = 0: a fit without residual, relative coefficients at their loc."""
        return self.is_rounding(self._least_at_rest)

    @cached_property
    def _least_at_rest(self) -> float:
        """The least sum of squares with every relative coefficient at its loc."""
        return least_squares(self.unit, ~self.relative, np.zeros(self.unit.size))

    @cached_property
    def floor(self) -> float:
        """The least B that any v attains."""
        if not self.relative.any():
            return 0.0 if self.fits_exactly else self._least_at_rest
        on_squares = np.where(self.relative, self.unit.penalty.l2, 0.0)
        floor = least_squares(self.unit, np.ones(self.unit.size, dtype=bool), on_squares)
        return 0.0 if self.is_rounding(floor) else floor


def noise_family(model: Model, data: Data) -> Family:
    """Bind a model with unknown sigma.

    Raises
    ------
    ModelError
        A relative prior with a bound away from its loc: its normaliser would change with sigma.
        A penalty of groups.
    """
    unit = bind(model.at_sigma(1.0), data)
    if not unit.penalty.is_separable:
        raise ModelError(
            "GroupLaplace beside an unknown sigma has no solver. State sigma: "
            "find_map(model.at_sigma(...), data); or give its columns a Laplace prior"
        )
    relative = relative_to_noise(model, data)
    penalty = unit.penalty
    for bound in (penalty.lower, penalty.upper):
        moving = relative & np.isfinite(bound) & (bound != penalty.loc) & ~penalty.is_pinned
        if moving.any():
            j = int(np.argmax(moving))
            where = repr(data.names[j]) if j < data.p else "the intercept"
            raise ModelError(
                f"the prior of {where} is relative to the noise and bounded away from its loc: "
                "with sigma unknown its normaliser changes with sigma, which is not supported. "
                "State the scale in absolute units, or bound it at its loc"
            )
    return Family(unit, relative)
