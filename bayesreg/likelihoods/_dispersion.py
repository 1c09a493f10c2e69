"""Likelihoods with a dispersion that is a number, or a prior when it is to be found."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bayesreg._types import FloatArray
from bayesreg.dispersion import Density, Dispersion, checked, checked_noise, number
from bayesreg.likelihoods._protocol import Likelihood

__all__ = [
    "Dispersed",
    "Dispersion",
    "checked",
    "checked_noise",
    "estimated_dispersion",
    "number",
    "require_numbers",
]


@runtime_checkable
class Dispersed(Protocol):
    """A likelihood with one positive parameter beside eta."""

    @property
    def dispersion_name(self) -> str:
        """The argument's name: phi, alpha, s; sigma of a StudentT."""
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
        number(likelihood.dispersion, likelihood, likelihood.dispersion_name)
