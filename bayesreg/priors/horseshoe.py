"""Horseshoe prior: a scale mixture of normals with a pole at its centre.

w | s ~ Normal(0, scale s),  s ~ HalfCauchy(1)        (Carvalho, Polson and Scott 2010)

p(w) = exp(x) E1(x) / (sqrt(2 pi^3) scale),   x = (w - loc)^2 / (2 scale^2),
E1(x) = integral of exp(-t) / t from x to infinity
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError
from bayesreg.penalty import Penalty
from bayesreg.priors._scale import checked_scale, is_unknown, known_scale

_CONSTANT = 0.5 * np.log(2.0) + 1.5 * np.log(np.pi)


@dataclass(frozen=True, repr=False)
class Horseshoe:
    """Horseshoe prior. Its density is infinite at ``loc``, so that no posterior has a mode.

    Parameters
    ----------
    scale : float, one per coefficient, or a density of one number
        The global scale times the coefficient's unit.
    loc : float or one per coefficient
        Centre, where the density is infinite.
    relative_to_noise : bool
        The prior's scale is ``scale * sigma``; Gaussian likelihood only.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not positive and finite, or a value that is not a number.
    """

    scale: Any
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False

    def __post_init__(self) -> None:
        scale = checked_scale(self.scale, "Horseshoe scale", squared=True)
        if not is_unknown(scale) and np.any(np.isinf(scale)):
            raise ModelError("Horseshoe scale must be finite; a flat coefficient is Flat()")
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "loc", _checks.location(self.loc, "Horseshoe loc"))
        relative = _checks.flag(self.relative_to_noise, "Horseshoe relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)

    __repr__ = dataclass_text

    @property
    def log_concave(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """x + log E1(x) - log(sqrt(2 pi^3) scale); infinite at loc."""
        scale = np.asarray(known_scale(self.scale, "Horseshoe"), dtype=np.float64)
        z = (np.asarray(w, dtype=np.float64) - np.asarray(self.loc)) / scale
        return _log_scaled_integral(z) - _CONSTANT - np.log(scale)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """Refused: minus infinity at loc is no penalty."""
        raise ModelError(
            f"{self!r} cannot be stated as a penalty: its density is infinite at loc. It has no "
            "mode; sample(model, data) draws from its posterior. For a mode use "
            "Laplace(scale=...) or StudentT(nu=3, scale=...)"
        )

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> Horseshoe:
        return replace(
            self, scale=np.multiply(known_scale(self.scale, "Horseshoe"), np.sqrt(l2_factor))
        )

    @property
    def axis_scale(self) -> Any:
        return self.scale


def why_none(prior: object) -> str:
    """Why there is no mode under this prior, and what to do."""
    return (
        f"the density of {prior!r} is infinite at its loc, so that the posterior density is too, "
        "whatever the data. It is a prior for posterior means, not for modes. For a mode with "
        "exact zeros use Laplace(scale=...), for one with heavy tails StudentT(nu=3, scale=...)"
    )


def _log_scaled_integral(z: FloatArray) -> FloatArray:
    """log[exp(x) E1(x)] at x = z^2 / 2, by parts where E1 or x itself would leave the floats."""
    from scipy.special import exp1

    size = np.abs(z)
    near, far = size < 1e-8, size > 30.0
    x = 0.5 * np.where(near | far, 1.0, size) ** 2
    with np.errstate(divide="ignore"):
        # E1(x) = -gamma - log x + O(x)
        at_pole = np.log(np.log(2.0) - np.euler_gamma - 2.0 * np.log(np.where(near, size, 0.5)))
        # exp(x) E1(x) = (1 - 1/x + 2/x^2 - ...) / x, asymptotic: 12 terms at x > 450
        r = 2.0 / np.where(far, size, 30.0) / np.where(far, size, 30.0)
    series = np.ones_like(r)
    for k in range(12, 0, -1):
        series = 1.0 - k * r * series
    beyond = np.log(2.0) - 2.0 * np.log(np.where(far, size, 30.0)) + np.log(series)
    return np.where(near, at_pole, np.where(far, beyond, x + np.log(exp1(x))))
