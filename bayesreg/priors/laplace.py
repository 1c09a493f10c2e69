"""Laplace prior: the twin of the L1 penalty.

p(w) = exp(-|w - loc| / scale) / (2 scale)        sd = sqrt(2) scale
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.penalty import Penalty, unbounded
from bayesreg.priors._scale import checked_scale, is_unknown, known_scale


@dataclass(frozen=True, repr=False)
class Laplace:
    """Laplace (double exponential) prior.

    Parameters
    ----------
    scale : float or one per coefficient, or a density of one positive number
        b, in units of the coefficient; ``inf`` means flat there. The penalty is |w - loc| / b nats.
        Park and Casella's lambda^2 = 1 / b^2 ~ Gamma(r, rate delta) is ``InverseGamma(r, delta)``,
        which is that of b^2, with ``relative_to_noise=True``.
    loc : float or one per coefficient
        Centre; the mode puts coefficients exactly here.
    relative_to_noise : bool
        The scale is ``scale * sigma`` (Park and Casella, 2008); Gaussian likelihood only.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not positive or a value that is not a number.
    """

    scale: Any
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", checked_scale(self.scale, "Laplace scale"))
        object.__setattr__(self, "loc", _checks.location(self.loc, "Laplace loc"))
        relative = _checks.flag(self.relative_to_noise, "Laplace relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)

    __repr__ = dataclass_text

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-|w - loc| / b - log(2 b); 0 where the scale is infinite."""
        scale = np.asarray(known_scale(self.scale, "Laplace"), dtype=np.float64)
        density = -np.abs(np.asarray(w) - np.asarray(self.loc)) / scale - np.log(2 * scale)
        return np.where(np.isinf(scale), 0.0, density)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l1 = 1 / b."""
        scale = _checks.per_coefficient(known_scale(self.scale, "Laplace"), size, "Laplace scale")
        loc = _checks.per_coefficient(self.loc, size, "Laplace loc")  # type: ignore[arg-type]
        scale = scale * noise if self.relative_to_noise else scale
        with np.errstate(over="ignore"):
            return unbounded(1.0 / scale, np.zeros(size), loc)

    @property
    def has_kink(self) -> bool:
        return is_unknown(self.scale) or bool(np.any(np.isfinite(self.scale)))

    def rescaled(self, l1_factor: float, l2_factor: float) -> Laplace:
        return replace(self, scale=np.multiply(known_scale(self.scale, "Laplace"), l1_factor))

    @property
    def axis_scale(self) -> Any:
        return self.scale
