"""A dispersion that is a number, or a prior when it is to be found beside the coefficients."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods._protocol import Likelihood
from bayesreg.priors import Flat

#: Squares and products of a dispersion stay numbers between these.
LARGEST, SMALLEST = 1e100, 1e-100


@runtime_checkable
class Density(Protocol):
    """All that is asked of a dispersion's prior."""

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """Log density at each entry of ``w``; -inf below 0."""
        ...


Dispersion: TypeAlias = float | Density


@runtime_checkable
class Dispersed(Protocol):
    """A likelihood with one positive parameter beside eta."""

    @property
    def dispersion_name(self) -> str:
        """The argument's name: phi, alpha."""
        ...

    @property
    def dispersion(self) -> Dispersion:
        """The argument: a number, or its prior."""
        ...

    def with_dispersion(self, value: float) -> Likelihood:
        """The same likelihood with the number."""
        ...

    def dispersion_slope(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """d nll / d log(dispersion) of each row, constants included."""
        ...


def estimated_dispersion(likelihood: object) -> Density | None:
    """The prior of a dispersion that is to be found; None where there is none."""
    # The attribute first: isinstance of a protocol is slow, and most likelihoods have none.
    if not hasattr(likelihood, "dispersion"):
        return None
    value = likelihood.dispersion if isinstance(likelihood, Dispersed) else None
    return None if value is None or isinstance(value, float) else value


def require_numbers(likelihood: object) -> None:
    """Refuse a likelihood whose dispersion is a distribution, with what does take it."""
    if hasattr(likelihood, "dispersion") and isinstance(likelihood, Dispersed):
        number(likelihood.dispersion, repr(likelihood), likelihood.dispersion_name)


def number(value: Dispersion, likelihood: str, name: str) -> float:
    """The dispersion as a number, or a ModelError."""
    if isinstance(value, float):
        return value
    raise ModelError(
        f"{likelihood} leaves {name} to be found, and here it must be a number. "
        f'find_map(model, data, target="joint") finds it: its estimate.model has the number. Or '
        f"state one, such as {name}=2.0"
    )


def checked(value: Any, argument: str) -> Dispersion:
    """A positive number, or a prior on the positive numbers; Flat() counts on those alone."""
    if isinstance(value, type) and hasattr(value, "log_density"):
        raise ModelTypeError(f"{argument} is the class {value.__name__}; call it")
    # A whole model has a log density too, but of data.
    if isinstance(value, Density) and not hasattr(value, "likelihood"):
        _require_positive_support(value, argument)
        return value
    found = _checks.positive_number(value, argument)
    if not SMALLEST <= found <= LARGEST:
        raise ModelError(
            f"{argument} must lie between {SMALLEST:g} and {LARGEST:g}, so that products stay "
            f"numbers; got {_checks.shown(found)}"
        )
    return found


def _require_positive_support(prior: Density, argument: str) -> None:
    if isinstance(prior, Flat):
        return  # improper anyway: 1 on the positive numbers
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
