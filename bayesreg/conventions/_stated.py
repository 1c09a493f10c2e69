"""The likelihood that a conversion is for, as far as the caller or the target says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bayesreg import _checks
from bayesreg._estimated import Estimated
from bayesreg._text import nearest
from bayesreg.conventions import _nats
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._setting import NOISE, Setting
from bayesreg.errors import ConversionError, ModelTypeError
from bayesreg.likelihoods import (
    LIKELIHOODS,
    ClassLikelihood,
    Likelihood,
    noise_prior,
    require_numbers,
)


@dataclass(frozen=True)
class Stated:
    """A likelihood as far as it is known: its name, the scale of its noise, the rest."""

    name: str
    noise: float | None = None
    shape: Mapping[str, Any] = field(default_factory=dict)


def stated(likelihood: Likelihood | ClassLikelihood) -> Stated:
    name = type(likelihood).__name__
    if noise_prior(likelihood) is not None:
        raise ConversionError(
            f"sigma is unknown (sigma ~ {noise_prior(likelihood)!r}), but the penalty that a prior "
            "amounts to depends on it. Say which sigma is meant: Gaussian(sigma=...), or for the "
            "one at a joint mode model.at_sigma(find_map(model, data, "
            "target='joint').scalars['sigma'])"
        )
    require_numbers(likelihood)
    noise = getattr(likelihood, NOISE[name]) if name in NOISE else None
    return Stated(name, noise, _nats.shape_of(likelihood))


def likelihood_of(
    possible: tuple[str, ...],
    wanted: Likelihood | ClassLikelihood | str | None,
    with_sigma: bool,
    origin: Convention,
    usual: str | None,
    favoured: tuple[str, ...] = (),
) -> Stated:
    """Which likelihood is meant; of several that are possible, one of the favoured.

    Parameters
    ----------
    with_sigma : bool
        Whether sigma was given or is to be estimated, which only a Gaussian has.
    usual : str or None
        What the parameters or data say, where the caller says nothing.
    """
    possible = (*possible, *origin.without_model)
    if wanted is None and usual is not None:
        chosen = Stated(usual)
    else:
        open_to = tuple(name for name in possible if name in favoured) or possible
        chosen = _wanted(wanted, open_to, with_sigma, origin)
    if chosen.name not in possible:
        raise ConversionError(
            f"{origin.name} is for {' or '.join(possible)} data, not {chosen.name}"
        )
    if with_sigma and NOISE.get(chosen.name) != "sigma":
        raise ConversionError(
            f"sigma was given, but {origin.name} is {chosen.name} here, which has no sigma"
        )
    return chosen


def at_sigma(chosen: Stated, sigma: float | None) -> Stated:
    """The likelihood with the sigma that was given or estimated."""
    if sigma is None:
        return chosen
    if not isinstance(sigma, Estimated):
        sigma = _checks.positive_number(sigma, "sigma")
    if chosen.noise not in (None, sigma):
        raise ConversionError(f"sigma={sigma!r} contradicts likelihood=Gaussian({chosen.noise!r})")
    return replace(chosen, noise=sigma)


def _wanted(
    wanted: Likelihood | ClassLikelihood | str | None,
    possible: tuple[str, ...],
    with_sigma: bool,
    origin: Convention,
) -> Stated:
    if isinstance(wanted, str):
        if wanted not in LIKELIHOODS:
            raise ConversionError(f"no likelihood {wanted!r}.{nearest(wanted, LIKELIHOODS)}")
        return Stated(wanted)
    if isinstance(wanted, Likelihood | ClassLikelihood) and not isinstance(wanted, type):
        return stated(wanted)
    if wanted is not None:
        raise ModelTypeError(
            "likelihood must be a likelihood such as Bernoulli(), or its name; "
            f"got {_checks.shown(wanted)}"
        )
    if len(possible) == 1:
        return Stated(possible[0])
    if with_sigma and "Gaussian" in possible:
        return Stated("Gaussian")
    loss = " or its 'loss' among the parameters," if "loss" in origin.defaults else ""
    raise ConversionError(
        f"{origin.name} leaves the likelihood open ({', '.join(possible)}), so it must be said: "
        f"pass likelihood={possible[-1]!r} (or another of these),{loss} or sigma= for Gaussian"
    )


def stated_noise(origin: Convention, setting: Setting) -> float | None:
    """The noise of the model to return, also where the formula could do without."""
    name = NOISE.get(setting.likelihood)
    if name is None:
        return None
    given = setting.known.get(name)
    return given if isinstance(given, Estimated) else setting.on_behalf_of(origin).number(name)
