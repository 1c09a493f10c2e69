"""What a search over sigma needs of p(sigma): its log density and how fast that changes.

With t = log sigma, ``elasticity`` is e(sigma) = d log p / dt.  It falls as sigma grows for every
density here, so that for given residuals the equation for sigma has one root.

                  e(sigma)                            p ~ sigma^q at 0     p ~ sigma^-r at infinity
    Flat          0                                   q = 0                r = 0
    Jeffreys      -1                                  q = -1               r = 1
    HalfNormal    -(sigma / scale)^2                  q = 0                r = inf
    Exponential   -sigma / scale                      q = 0                r = inf
    HalfCauchy    -2 sigma^2 / (scale^2 + sigma^2)    q = 0                r = 2
    InverseGamma  -(2 shape + 1) + 2 scale / sigma^2  q = inf              r = 2 shape + 1
    Uniform       0 between its bounds                q = 0, inf if the lower bound is positive
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.priors.flat import Flat
from bayesreg.priors.half import Exponential, HalfNormal, Uniform
from bayesreg.priors.positive import HalfCauchy, InverseGamma, Jeffreys

#: The classes that may stand for sigma.
ON_NOISE = (Exponential, Flat, HalfCauchy, HalfNormal, InverseGamma, Jeffreys, Uniform)


@dataclass(frozen=True)
class NoiseDensity:
    """p(sigma) on ``lower`` < sigma < ``upper``.

    Attributes
    ----------
    log_density, elasticity, bend : functions of sigma, inside its bounds
        log p; e = d log p / d log sigma; d e / d log sigma, never positive.
    at_zero, at_infinity : float
        q and r of p ~ sigma^q at 0 and p ~ sigma^-r at infinity.
    proper : bool
    """

    log_density: Callable[[ScalarOrVector], FloatArray]
    elasticity: Callable[[Any], Any]
    bend: Callable[[Any], Any]
    at_zero: float = 0.0
    at_infinity: float = math.inf
    lower: float = 0.0
    upper: float = math.inf
    proper: bool = True


def checked_noise_prior(prior: Any, argument: str) -> Any:
    """A prior that may stand for sigma, as it is; anything else is refused with the reason.

    Raises
    ------
    ModelError, ModelTypeError
        A density that is not one of a positive number, or not of a single one.
    """
    names = ", ".join(sorted(kind.__name__ for kind in ON_NOISE))
    if isinstance(prior, type) and issubclass(prior, ON_NOISE):
        raise ModelTypeError(
            f"{argument} is the class {prior.__name__}; call it: {prior.__name__}(...)"
        )
    if not isinstance(prior, ON_NOISE):
        raise ModelTypeError(
            f"{argument} must be a positive number or a density of one ({names}); got "
            f"{_checks.shown(prior)} of type {type(prior).__name__}"
        )
    if isinstance(prior, Uniform):
        _checks.single(prior.upper, f"upper of the Uniform on {argument}")
        if _checks.single(prior.lower, f"lower of the Uniform on {argument}") < 0:
            raise ModelError(
                f"{argument} is positive, but {prior!r} reaches below 0; give lower >= 0"
            )
    elif isinstance(prior, HalfNormal | Exponential):
        name = f"scale of the {type(prior).__name__} on {argument}"
        _checks.noise(_checks.single(prior.scale, name), name)
    return prior


def noise_density(prior: Any) -> NoiseDensity:
    """The density of sigma that a prior stands for."""
    if isinstance(prior, Flat):
        return NoiseDensity(prior.log_density, _zero, _zero, at_infinity=0.0, proper=False)
    if isinstance(prior, Jeffreys):
        return NoiseDensity(
            prior.log_density, lambda s: _zero(s) - 1.0, _zero, -1.0, 1.0, proper=False
        )
    if isinstance(prior, Uniform):
        lower, upper = float(prior.lower), float(prior.upper)  # type: ignore[arg-type]
        at_zero = math.inf if lower > 0 else 0.0
        constant = -math.log(upper - lower)
        return NoiseDensity(
            lambda s: constant + _zero(s), _zero, _zero, at_zero, math.inf, lower, upper
        )
    if isinstance(prior, InverseGamma):
        order, rate = 2 * prior.shape + 1, 2 * prior.scale
        return NoiseDensity(
            prior.log_density,
            lambda s: rate / s**2 - order,
            lambda s: -2 * rate / s**2,
            math.inf,
            order,
        )
    scale = float(prior.scale)
    if isinstance(prior, HalfNormal):
        return NoiseDensity(
            prior.log_density, lambda s: -((s / scale) ** 2), lambda s: -2 * (s / scale) ** 2
        )
    if isinstance(prior, Exponential):
        return NoiseDensity(prior.log_density, lambda s: -s / scale, lambda s: -s / scale)
    return NoiseDensity(
        prior.log_density,
        lambda s: -2 / (1 + (scale / s) ** 2),
        lambda s: -4 / (scale / s + s / scale) ** 2,
        at_infinity=2.0,
    )


def _zero(s: Any) -> Any:
    return np.zeros(np.shape(s))
