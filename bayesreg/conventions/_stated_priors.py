"""What the libraries share in which a prior is stated as it is: one scale, or one per coefficient.

    pm.Laplace(0, b), dist.Laplace(0, b), double_exponential(0, b):   l1 = 1 / b
    pm.Normal(0, tau), dist.Normal(0, tau), normal(0, tau):           l2 = 1 / tau^2

A scale of inf stands for a flat prior.  No formula needs sigma, but most of them estimate it, and a
penalty is only what it is at a sigma that is stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._types import FloatArray
from bayesreg.conventions import _parameters
from bayesreg.conventions._nats import L1, Nats, free_intercept, per_column, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.penalty import Penalty

LIKELIHOODS = ("Gaussian", "Bernoulli", "Poisson")

Factor = Callable[[Mapping[str, Any], Setting], FloatArray]


def scales_of(nats: Nats, kind: str, target: str) -> FloatArray:
    """b or tau of the coefficients, inf where all are flat."""
    penalty = nats.penalty
    with np.errstate(divide="ignore", over="ignore"):
        scales = 1.0 / penalty.l1 if kind == L1 else 1.0 / np.sqrt(penalty.l2)
    flat = np.isinf(scales)
    if flat.any() and not flat.all():
        raise NoEquivalentError(
            f"{target} is one family for all coefficients, and the prior is flat on some of them. "
            "Nearest: bayesreg.to_pymc, which writes such a prior; or a wide scale there"
        )
    return scales


def penalty_of(scales: FloatArray, kind: str) -> Penalty:
    with np.errstate(over="ignore"):
        rates = 1.0 / scales if kind == L1 else 1.0 / scales**2
    nothing = np.zeros(scales.shape)
    return per_column(rates, nothing) if kind == L1 else per_column(nothing, rates)


def positive_scales(value: Any, name: str, setting: Setting) -> FloatArray:
    """One number above 0, or one per coefficient; inf is flat."""
    if np.ndim(value) == 0:
        return np.array([_parameters.positive(value, name, setting.target)])
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 1 or not values.size or not np.all(values > 0):
        raise ConversionError(
            f"{setting.target}: {name} must be a positive number, or one per coefficient; got "
            f"{value!r}"
        )
    return setting.fitting(values, name)


def stated(scales: FloatArray) -> Any:
    """A number, or a list of one per coefficient."""
    return float(scales[0]) if np.all(scales == scales[0]) else scales.tolist()


def intercept_scale(nats: Nats, target: str) -> dict[str, Any]:
    """``intercept_sigma``: absent for a flat intercept, None without one, else its Normal sd."""
    if nats.intercept is None:
        return {"intercept_sigma": None}
    if not nats.has_proper_intercept:
        return {}
    own = nats.intercept
    if own.l1[0] > 0:
        raise NoEquivalentError(
            f"{target} is written here with an intercept that is flat or Normal(0, sigma). "
            "Nearest: bayesreg.to_pymc, which writes any prior of the intercept"
        )
    return {"intercept_sigma": float(1.0 / np.sqrt(own.l2[0]))}


def intercept_penalty(value: Any, target: str) -> Penalty | None:
    """The inverse of :func:`intercept_scale`."""
    if value is None:
        return None
    scale = _parameters.positive(value, "intercept_sigma", target)
    return uniform() if math.isinf(scale) else uniform(l2=1.0 / scale**2)


def refuse_location(value: Any, name: str, target: str) -> None:
    """A prior that is not centred at 0."""
    try:
        centres = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        centres = np.array(np.nan)
    if value is None or np.any(np.isnan(centres)):
        raise ConversionError(
            f"{target}: {name} must be a number, or one per coefficient; got {shown(value)}"
        )
    if np.any(centres != 0):
        raise NoEquivalentError(
            f"{target} with {name}={value!r} shrinks towards {value!r}, and a penalty shrinks "
            f"towards 0. Nearest: {name}=0 with y - X m in place of y; or the model itself, "
            "Model(likelihood, Laplace(scale, loc=...)), for find_map"
        )


def plain_formulas(kind: str, scale: str, location: str) -> tuple[Any, Any]:
    """encode and decode of a prior on the coefficients as they are, and on the intercept."""

    def encode(nats: Nats, setting: Setting) -> dict[str, Any]:
        scales = scales_of(nats, kind, setting.target)
        return {scale: stated(scales), **intercept_scale(nats, setting.target)}

    def decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
        refuse_location(parameters[location], location, setting.target)
        scales = positive_scales(parameters[scale], scale, setting)
        intercept = intercept_penalty(parameters["intercept_sigma"], setting.target)
        return Nats(setting.likelihood, penalty_of(scales, kind), intercept)

    return encode, decode


def on_centred_columns(
    kind: str, scale: str, factor: Factor, options: Any = None,
    location: str = "location",
) -> Any:  # fmt: skip
    """encode and decode where the library's intercept is that of centred columns: flat or none.

    The prior on coefficient j has the scale ``parameters[scale] * factor_j``; ``options`` says the
    parameters besides.
    """

    def encode(nats: Nats, setting: Setting) -> dict[str, Any]:
        others = options(setting) if options else {}
        scales = scales_of(nats, kind, setting.target) / factor(others, setting)
        absent = {"intercept": False} if nats.intercept is None else {}
        return {scale: stated(scales), **others, **absent}

    def decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
        refuse_location(parameters[location], location, setting.target)
        scales = positive_scales(parameters[scale], scale, setting)
        there = _parameters.switch(parameters["intercept"], "intercept", setting.target)
        penalty = penalty_of(scales * factor(parameters, setting), kind)
        return Nats(setting.likelihood, penalty, free_intercept(there))

    return encode, decode


def no_object(what: str) -> Callable[[Mapping[str, Any], Setting], Any]:
    """A build that says where the object comes from."""

    def build(arguments: Mapping[str, Any], setting: Setting) -> Any:
        raise NoEquivalentError(f"{what}. Nearest: run .code")

    return build


def numbers(value: Any, wrap: str) -> str:
    """Program text of a scale: a number, or a vector inside ``wrap``, with {} for its entries."""
    if not isinstance(value, list):
        return repr(float(value))
    return wrap.format(", ".join(repr(float(entry)) for entry in value))


SIGMA_NOTE = (
    "sigma is stated, as a penalty needs it to be; with sigma unknown there is no one penalty, and "
    "the joint mode is another point"
)
MODE_NOTE = (
    "a sampler's posterior mean is not this mode, and under a Laplace prior it has no zeros; "
    "find_map gives the mode itself"
)
CENTRED_NOTE = (
    "its own intercept prior is on the intercept at the mean of the columns (they are centred "
    "inside), not at x = 0; flat is the same in both"
)
WEIGHTS_NOTE = (
    "weights are precisions of a Gaussian, else multiples of the log likelihood; leave out rows of "
    "weight 0, whose sigma would be infinite"
)
