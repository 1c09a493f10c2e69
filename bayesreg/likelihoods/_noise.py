"""sigma as a number, or the reason why there is none yet."""

from __future__ import annotations

from typing import Any

from bayesreg.errors import ModelError


def noise_prior(likelihood: Any) -> Any:
    """The density of a likelihood's sigma; None where sigma is a number, or there is none."""
    return getattr(likelihood, "noise_prior", None)


def known_noise(likelihood: Any) -> float:
    """sigma of a Gaussian likelihood, 1 for every other.

    Raises
    ------
    ModelError
        When sigma is a density.
    """
    prior = noise_prior(likelihood)
    if prior is None:
        return float(likelihood.noise)
    raise ModelError(
        f"sigma is unknown here (sigma ~ {prior!r}), and this needs it as a number, because the "
        "penalty that a prior amounts to depends on it. Find it: fit = find_map(model, data, "
        "target='joint'); then go on with model.at_sigma(fit.scalars['sigma']), or with a sigma "
        "of your own: model.at_sigma(...)"
    )
