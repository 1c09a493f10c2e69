"""Cauchy prior: Student's t with one degree of freedom.

p(w) = 1 / (pi scale (1 + (w - loc)^2 / scale^2))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.penalty import Penalty, tailed
from bayesreg.priors._scale import checked_scale, known_scale
from bayesreg.priors.student_t import student_log_density


@dataclass(frozen=True, repr=False)
class Cauchy:
    """Cauchy prior: it lets single coefficients be large, at the price of several local modes.

    ``find_map`` lists those that it found; others may exist.

    Parameters
    ----------
    scale : float or one per coefficient, or a density of one positive number
        Half the interquartile range, in units of the coefficient; ``inf`` means flat there. The
        penalty is log(1 + (w - loc)^2 / scale^2) nats.
    loc : float or one per coefficient
        Centre.
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
        object.__setattr__(self, "scale", checked_scale(self.scale, "Cauchy scale", squared=True))
        object.__setattr__(self, "loc", _checks.location(self.loc, "Cauchy loc"))
        relative = _checks.flag(self.relative_to_noise, "Cauchy relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)

    __repr__ = dataclass_text

    @property
    def log_concave(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-log(pi scale) - log(1 + (w - loc)^2 / scale^2); 0 where the scale is infinite."""
        return student_log_density(w, 1.0, known_scale(self.scale, "Cauchy"), self.loc)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """Tails with nu = 1."""
        scale = _checks.per_coefficient(known_scale(self.scale, "Cauchy"), size, "Cauchy scale")
        loc = _checks.per_coefficient(self.loc, size, "Cauchy loc")  # type: ignore[arg-type]
        return tailed(1.0, scale * noise if self.relative_to_noise else scale, loc)

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> Cauchy:
        """Near its centre the penalty is quadratic: it goes with the l2 precisions."""
        return replace(
            self, scale=np.multiply(known_scale(self.scale, "Cauchy"), math.sqrt(l2_factor))
        )

    @property
    def axis_scale(self) -> Any:
        return self.scale
