"""What is random in a model besides its coefficients, and the model with all of that at 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.columns import prior_columns
from bayesreg.data import Data
from bayesreg.likelihoods import Dispersed, estimated_dispersion, noise_prior
from bayesreg.model import Model, relative_to_noise
from bayesreg.priors import Horseshoe, Normal, Truncated
from bayesreg.priors.on_noise import ON_NOISE


@dataclass(frozen=True, eq=False)
class RandomScale:
    """A scale with a density of its own.

    Attributes
    ----------
    name : str
        ``scale``; of a mapping ``scale[key]``; of the intercept's prior ``scale[intercept]``.
    prior : density of a positive number
    columns : (size,) array of bool
        The entries of the extended vector whose prior scale it multiplies.
    """

    name: str
    prior: Any
    columns: BoolArray


@dataclass(frozen=True, eq=False)
class Unknowns:
    """What is random besides the coefficients.

    Attributes
    ----------
    sigma : density or None
        Of the noise of a Gaussian likelihood; None where it is a number.
    dispersion : density or None
        Of the likelihood's ``dispersion_name``; None where it is a number, or there is none.
    scales : tuple of RandomScale
    relative : (size,) array of bool
        Whose prior scale is a multiple of sigma.
    horseshoe : (size,) array of bool
        Where the prior is Normal(scale s_j) with s_j ~ HalfCauchy(1).
    """

    sigma: Any
    dispersion: Any
    scales: tuple[RandomScale, ...]
    relative: BoolArray
    horseshoe: BoolArray

    def factors(self, scalars: Mapping[str, FloatArray]) -> FloatArray:
        """What multiplies each prior scale at draws of the scalars, shape (..., size)."""
        shape = next((np.shape(values) for values in scalars.values()), ())
        factor = np.ones((*shape, self.relative.size))
        if self.sigma is not None:
            factor[..., self.relative] *= scalars["sigma"][..., None]
        for scale in self.scales:
            factor[..., scale.columns] *= scalars[scale.name][..., None]
        return factor


def unknowns(model: Model, data: Data) -> Unknowns:
    """What is random in a model of these columns; ``size`` is p, and 1 for an intercept."""
    p = data.p
    size = p + (model.intercept is not None)
    relative = np.zeros(size, dtype=bool)
    relative[:] = relative_to_noise(model, data)
    horseshoe = np.zeros(size, dtype=bool)
    scales = []
    for name, prior, columns in _placed(model, data, p):
        horseshoe[columns] = isinstance(_inner(prior), Horseshoe)
        density = getattr(_inner(prior), "scale", None)
        if isinstance(density, ON_NOISE):
            governed = np.zeros(size, dtype=bool)
            governed[columns] = True
            scales.append(RandomScale(name, density, governed))
    sigma, dispersion = noise_prior(model.likelihood), estimated_dispersion(model.likelihood)
    return Unknowns(sigma, dispersion, tuple(scales), relative, horseshoe)


def with_unknowns_at_one(model: Model) -> Model:
    """Numbers in place of densities: every unknown at 1, Horseshoe as Normal of its scale."""
    if noise_prior(model.likelihood) is not None:
        model = model.at_sigma(1.0)
    likelihood = model.likelihood
    if isinstance(likelihood, Dispersed) and estimated_dispersion(likelihood) is not None:
        model = replace(model, likelihood=likelihood.with_dispersion(1.0))
    prior, intercept = model.prior, model.intercept
    return replace(
        model,
        prior={key: _stated(part) for key, part in prior.items()}
        if isinstance(prior, Mapping)
        else _stated(prior),
        intercept=None if intercept is None else _stated(intercept),
    )


def _stated(prior: Any) -> Any:
    if isinstance(prior, Truncated):
        return replace(prior, prior=_stated(prior.prior))
    if isinstance(getattr(prior, "scale", None), ON_NOISE):
        prior = replace(prior, scale=1.0)
    if isinstance(prior, Horseshoe):
        return Normal(prior.scale, loc=prior.loc, relative_to_noise=prior.relative_to_noise)
    return prior


def _inner(prior: Any) -> Any:
    """What a Truncated holds."""
    return prior.prior if isinstance(prior, Truncated) else prior


def _placed(model: Model, data: Data, p: int) -> list[tuple[str, Any, Any]]:
    """Each prior with the name of its scale and the extended columns that it governs."""
    mapped = isinstance(model.prior, Mapping)
    keys = list(model.prior) if isinstance(model.prior, Mapping) else [""]
    placed: list[tuple[str, Any, Any]] = [
        (f"scale[{key}]" if mapped else "scale", prior, columns)
        for key, (prior, columns) in zip(keys, prior_columns(model.prior, data.names), strict=True)
    ]
    if model.intercept is not None:
        placed.append(("scale[intercept]", model.intercept, np.array([p])))
    return placed
