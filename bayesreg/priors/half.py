"""Priors on the non-negative half line, and the uniform one.

HalfNormal:   p(w) = 2 exp(-w^2 / (2 scale^2)) / sqrt(2 pi scale^2),   w >= 0
Exponential:  p(w) = exp(-w / scale) / scale,                          w >= 0
Uniform:      p(w) = 1 / (upper - lower),                              lower <= w <= upper
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError
from bayesreg.penalty import Penalty, bounded
from bayesreg.priors._scale import checked_scale, known_scale
from bayesreg.priors.flat import Flat
from bayesreg.priors.laplace import Laplace
from bayesreg.priors.normal import Normal

_ABOVE = np.zeros(1), np.full(1, np.inf)


@dataclass(frozen=True, repr=False)
class HalfNormal:
    """Normal(0, scale) folded to w >= 0: ridge with non-negative coefficients."""

    scale: Any

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "scale", checked_scale(self.scale, "HalfNormal scale", squared=True)
        )

    __repr__ = dataclass_text

    @property
    def relative_to_noise(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """log 2 + the Normal log density; -inf below 0."""
        density = math.log(2) + Normal(known_scale(self.scale, "HalfNormal")).log_density(w)
        return np.where(np.asarray(w) >= 0, density, -np.inf)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l2 = 1 / tau^2 on w >= 0."""
        return bounded(Normal(known_scale(self.scale, "HalfNormal")).penalty(size), *_ABOVE)

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> HalfNormal:
        return replace(
            self, scale=np.multiply(known_scale(self.scale, "HalfNormal"), math.sqrt(l2_factor))
        )

    @property
    def axis_scale(self) -> Any:
        return self.scale


@dataclass(frozen=True, repr=False)
class Exponential:
    """Exponential with mean ``scale``: the lasso with non-negative coefficients."""

    scale: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", checked_scale(self.scale, "Exponential scale"))

    __repr__ = dataclass_text

    @property
    def relative_to_noise(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-w / scale - log scale; -inf below 0."""
        density = math.log(2) + Laplace(known_scale(self.scale, "Exponential")).log_density(w)
        return np.where(np.asarray(w) >= 0, density, -np.inf)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l1 = 1 / scale on w >= 0."""
        return bounded(Laplace(known_scale(self.scale, "Exponential")).penalty(size), *_ABOVE)

    @property
    def has_kink(self) -> bool:
        return Laplace(self.scale).has_kink

    def rescaled(self, l1_factor: float, l2_factor: float) -> Exponential:
        return replace(self, scale=np.multiply(known_scale(self.scale, "Exponential"), l1_factor))

    @property
    def axis_scale(self) -> Any:
        return self.scale


@dataclass(frozen=True, repr=False)
class Uniform:
    """Constant between two finite bounds, 0 outside: least squares in a box."""

    lower: ScalarOrVector
    upper: ScalarOrVector

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            value = _checks.location(getattr(self, name), f"Uniform {name}")
            object.__setattr__(self, name, value)
        if np.any(np.asarray(self.lower) >= np.asarray(self.upper)):
            raise ModelError(
                f"Uniform lower must be below upper; got {self.lower!r} and {self.upper!r}"
            )

    __repr__ = dataclass_text

    @property
    def relative_to_noise(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-log(upper - lower) between the bounds."""
        w, lower, upper = (np.asarray(part, float) for part in (w, self.lower, self.upper))
        return np.where((w >= lower) & (w <= upper), -np.log(upper - lower), -np.inf)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """Bounds and nothing else."""
        lower, upper = (
            _checks.per_coefficient(getattr(self, name), size, f"Uniform {name}")
            for name in ("lower", "upper")
        )
        return bounded(Flat().penalty(size), lower, upper)

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> Uniform:
        return self

    @property
    def axis_scale(self) -> float:
        return math.inf
