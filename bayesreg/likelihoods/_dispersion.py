"""A dispersion that is a number, or a prior when it is to be found beside the coefficients."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods._protocol import Likelihood
from bayesreg.priors import Prior

#: Squares and products of a dispersion stay numbers between these.
LARGEST, SMALLEST = 1e100, 1e-100

Dispersion: TypeAlias = float | Prior


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


def estimated_dispersion(likelihood: object) -> Prior | None:
    """The prior of a dispersion that is to be found; None where there is none."""
    if isinstance(likelihood, Dispersed) and isinstance(likelihood.dispersion, Prior):
        return likelihood.dispersion
    return None


def require_numbers(likelihood: Likelihood) -> None:
    """Refuse a likelihood whose dispersion is a distribution, with what does take it."""
    if isinstance(likelihood, Dispersed):
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
    """A positive number, or a prior with all of its density on the positive numbers."""
    if isinstance(value, Prior) and not isinstance(value, type):
        _require_positive_support(value, argument)
        return value
    found = _checks.positive_number(value, argument)
    if not SMALLEST <= found <= LARGEST:
        raise ModelError(
            f"{argument} must lie between {SMALLEST:g} and {LARGEST:g}, so that products stay "
            f"numbers; got {found!r}"
        )
    return found


def _require_positive_support(prior: Prior, argument: str) -> None:
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
