"""Likelihoods: one per file, each a convex loss of the linear predictor."""

from __future__ import annotations

from bayesreg.likelihoods._noise import known_noise, noise_prior
from bayesreg.likelihoods._protocol import Likelihood
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.likelihoods.poisson import Poisson

#: Every likelihood that a model text may name.
LIKELIHOODS: dict[str, type] = {kind.__name__: kind for kind in (Bernoulli, Gaussian, Poisson)}

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Gaussian",
    "Likelihood",
    "Poisson",
    "known_noise",
    "noise_prior",
]
