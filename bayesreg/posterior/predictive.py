"""Targets drawn from the likelihood at draws of the posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Dispersed, Gaussian


def draw_targets(
    likelihood: Any,
    eta: FloatArray,
    scalars: Mapping[str, FloatArray],
    weights: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """One y for each draw and row; the likelihood has its unknowns at 1.

    Weights are precisions under Gaussian noise, y_i ~ N(eta_i, sigma^2 / s_i); elsewhere they
    weigh rows and say nothing about a new y.
    """
    if isinstance(likelihood, Gaussian):
        sigma = scalars["sigma"][:, None] if "sigma" in scalars else likelihood.noise
        return eta + sigma / np.sqrt(weights) * rng.standard_normal(eta.shape)
    name = likelihood.dispersion_name if isinstance(likelihood, Dispersed) else None
    if name not in scalars:
        drawn: FloatArray = likelihood.draw(eta, rng)
        return drawn
    values = [likelihood.with_dispersion(float(value)) for value in scalars[name]]
    return np.stack([at.draw(row, rng) for at, row in zip(values, eta, strict=True)])
