"""Normal prior: the twin of the L2 penalty.

p(w) = exp(-(w - loc)^2 / (2 scale^2)) / sqrt(2 pi scale^2)        scale is the sd
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.penalty import Penalty, unbounded
from bayesreg.priors._scale import checked_scale, known_scale


@dataclass(frozen=True, repr=False)
class Normal:
    """Normal (Gaussian) prior.

    Parameters
    ----------
    scale : float or one per coefficient, or a density of one positive number
        tau, a standard deviation in units of the coefficient; ``inf`` means flat there.
        The penalty is (w - loc)^2 / (2 tau^2) nats.
    loc : float or one per coefficient
        Centre, towards which coefficients shrink.
    relative_to_noise : bool
        The scale is ``scale * sigma``; Gaussian likelihood only.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not positive or a value that is not a number.
    """

    scale: Any
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", checked_scale(self.scale, "Normal scale", squared=True))
        object.__setattr__(self, "loc", _checks.location(self.loc, "Normal loc"))
        relative = _checks.flag(self.relative_to_noise, "Normal relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)

    __repr__ = dataclass_text

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-(w - loc)^2 / (2 tau^2) - log(2 pi tau^2) / 2; 0 where the scale is infinite."""
        scale = np.asarray(known_scale(self.scale, "Normal"), dtype=np.float64)
        z = (np.asarray(w) - np.asarray(self.loc)) / scale
        density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi) - np.log(scale)
        return np.where(np.isinf(scale), 0.0, density)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l2 = 1 / tau^2."""
        scale = _checks.per_coefficient(known_scale(self.scale, "Normal"), size, "Normal scale")
        loc = _checks.per_coefficient(self.loc, size, "Normal loc")  # type: ignore[arg-type]
        scale = scale * noise if self.relative_to_noise else scale
        with np.errstate(over="ignore"):
            return unbounded(np.zeros(size), 1.0 / scale / scale, loc)

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> Normal:
        return replace(
            self, scale=np.multiply(known_scale(self.scale, "Normal"), math.sqrt(l2_factor))
        )

    @property
    def axis_scale(self) -> Any:
        return self.scale
