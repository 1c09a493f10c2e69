"""Elastic-net prior: the normalised product of a Laplace and a Normal density.

p(w) = exp(-|w - loc| / b - (w - loc)^2 / (2 tau^2)) / Z
Z    = tau sqrt(2 pi) erfcx(tau / (sqrt(2) b)),      erfcx(x) = exp(x^2) erfc(x)

with b and tau both multiplied by ``scale``, which may be a density: their ratio stays.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelTypeError
from bayesreg.penalty import Penalty, log_normaliser, unbounded
from bayesreg.priors._scale import checked_scale, is_unknown, known_scale


@dataclass(frozen=True, repr=False)
class ElasticNet:
    """Elastic-net prior: L1 slope 1 / laplace_scale, L2 curvature 1 / normal_scale^2.

    Parameters
    ----------
    laplace_scale, normal_scale : float or one per coefficient
        b and tau of the two factors; ``inf`` switches that factor off.
    loc : float or one per coefficient
        Centre of both.
    relative_to_noise : bool
        Both scales are multiplied by sigma; Gaussian likelihood only.
    scale : float or one per coefficient, or a density of one positive number
        Multiplies both scales. A number is multiplied into them; a density leaves their common
        size unknown at a fixed ratio: ``ElasticNet(1.0, 2.0, scale=HalfCauchy(0.5))``.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not positive or a value that is not a number.
    """

    laplace_scale: ScalarOrVector
    normal_scale: ScalarOrVector
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False
    _: KW_ONLY
    scale: Any = 1.0

    def __post_init__(self) -> None:
        scale = checked_scale(self.scale, "ElasticNet scale", squared=True)
        for name in ("laplace_scale", "normal_scale"):
            squared = name == "normal_scale"
            _require_numbers(getattr(self, name), name)
            value = _checks.scale(getattr(self, name), f"ElasticNet {name}", squared)
            if not is_unknown(scale) and scale != 1.0:
                product = np.multiply(value, scale)
                value = _checks.scale(product, f"ElasticNet {name} times scale", squared)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "scale", scale if is_unknown(scale) else 1.0)
        object.__setattr__(self, "loc", _checks.location(self.loc, "ElasticNet loc"))
        relative = _checks.flag(self.relative_to_noise, "ElasticNet relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)

    __repr__ = dataclass_text

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """-|w - loc| / b - (w - loc)^2 / (2 tau^2) - log Z."""
        known_scale(self.scale, "ElasticNet")
        b, tau = np.asarray(self.laplace_scale), np.asarray(self.normal_scale)
        distance = np.abs(np.asarray(w) - np.asarray(self.loc))
        constant = log_normaliser(1.0 / b, 1.0 / tau / tau)
        density: FloatArray = -distance / b - 0.5 * (distance / tau) ** 2 - constant
        return density

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l1 = 1 / b, l2 = 1 / tau^2."""
        known_scale(self.scale, "ElasticNet")
        factor = noise if self.relative_to_noise else 1.0
        b, tau, loc = (
            _checks.per_coefficient(getattr(self, name), size, f"ElasticNet {name}")
            for name in ("laplace_scale", "normal_scale", "loc")
        )
        b, tau = b * factor, tau * factor
        with np.errstate(over="ignore"):
            return unbounded(1.0 / b, 1.0 / tau / tau, loc)

    @property
    def has_kink(self) -> bool:
        return bool(np.any(np.isfinite(self.laplace_scale)))

    def rescaled(self, l1_factor: float, l2_factor: float) -> ElasticNet:
        known_scale(self.scale, "ElasticNet")
        return replace(
            self,
            laplace_scale=np.multiply(self.laplace_scale, l1_factor),
            normal_scale=np.multiply(self.normal_scale, math.sqrt(l2_factor)),
        )

    @property
    def axis_scale(self) -> ScalarOrVector:
        return self.laplace_scale


def _require_numbers(value: Any, name: str) -> None:
    if is_unknown(value):
        raise ModelTypeError(
            f"ElasticNet {name} must be a number: one of its two scales alone cannot be unknown. "
            f"State their ratio and leave their common size unknown: ElasticNet(1.0, 2.0, "
            f"scale={value!r})"
        )
