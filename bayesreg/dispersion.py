"""A positive parameter of a likelihood: a number, or a density when it is to be found."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError, ModelTypeError

#: Squares and products of a dispersion stay numbers between these.
LARGEST, SMALLEST = 1e100, 1e-100


@runtime_checkable
class Density(Protocol):
    """All that is asked of a dispersion's prior."""

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """Log density at each entry of ``w``; -inf below 0."""
        ...


Dispersion: TypeAlias = float | Density


def number(value: Dispersion, likelihood: object, name: str) -> float:
    """The dispersion as a number, or a ModelError."""
    if isinstance(value, float):
        return value
    raise ModelError(
        f"{likelihood!r} leaves {name} to be found, and here it must be a number. "
        f'find_map(model, data, target="joint") finds it: its estimate.model has the number. Or '
        f"state one, such as {name}=2.0"
    )


def checked(value: Any, argument: str) -> Dispersion:
    """A positive number, or a prior on the positive numbers; Flat() counts on those alone."""
    if _is_density(value, argument):
        _require_positive_support(value, argument)
        return value
    found = _checks.positive_number(value, argument)
    if not SMALLEST <= found <= LARGEST:
        raise ModelError(
            f"{argument} must lie between {SMALLEST:g} and {LARGEST:g}, so that products stay "
            f"numbers; got {_checks.shown(found)}"
        )
    return found


def checked_noise(value: Any, argument: str) -> Dispersion:
    """The same for the scale of y - eta, in the units of y."""
    if _is_density(value, argument):
        return checked(value, argument)
    return _checks.noise(value, argument)


def _is_density(value: Any, argument: str) -> bool:
    if isinstance(value, type) and hasattr(value, "log_density"):
        raise ModelTypeError(f"{argument} is the class {value.__name__}; call it")
    # A whole model has a log density too, but of data.
    return isinstance(value, Density) and not hasattr(value, "likelihood")


def _require_positive_support(prior: Density, argument: str) -> None:
    # Priors stand above this layer.
    if type(prior).__name__ == "Flat":
        return  # improper anyway: 1 on the positive numbers
    if hasattr(getattr(getattr(prior, "prior", prior), "scale", None), "log_density"):
        raise ModelTypeError(
            f"the scale of {prior!r} on {argument} must be a number: densities are stated one "
            "within another only once"
        )
    if getattr(prior, "relative_to_noise", False):
        raise ModelError(f"{argument} has no noise sd to be relative to; got {prior!r}")
    below = np.asarray(prior.log_density(-np.geomspace(1e-12, 1e12, 97)[:, None]))
    if below.shape[1:] != (1,):
        raise ModelError(
            f"{argument} is one number, but {prior!r} has {below.shape[-1]} entries; give one"
        )
    if np.any(below > -np.inf):
        raise ModelError(
            f"{argument} is positive, but {prior!r} has density below 0. Give a prior on the "
            "positive numbers: HalfNormal(scale=1.0), Exponential(scale=1.0), or "
            "Truncated(prior, lower=0)"
        )
