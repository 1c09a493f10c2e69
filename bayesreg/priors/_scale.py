"""The scale of a prior: numbers, or a density of one number."""

from __future__ import annotations

from typing import Any

from bayesreg import _checks
from bayesreg.errors import ModelError


def checked_scale(value: Any, argument: str, squared: bool = False) -> Any:
    """A scale as numbers, or as a density of a positive number."""
    from bayesreg.priors.on_noise import ON_NOISE, checked_noise_prior

    kind = value if isinstance(value, type) else type(value)
    if issubclass(kind, ON_NOISE):
        return checked_noise_prior(value, argument)
    return _checks.scale(value, argument, squared)


def is_unknown(scale: Any) -> bool:
    """True of a density."""
    from bayesreg.priors.on_noise import ON_NOISE

    return isinstance(scale, ON_NOISE)


def known_scale(scale: Any, prior: str) -> Any:
    """The scale as numbers.

    Raises
    ------
    ModelError
        When it is a density.
    """
    if is_unknown(scale):
        raise ModelError(
            f"the scale of {prior} is unknown here (scale ~ {scale!r}), and this needs it as a "
            f"number: {prior}(scale=...). sample(model, data) draws from the "
            "posterior of the scale and the coefficients; one penalty it has not"
        )
    return scale
