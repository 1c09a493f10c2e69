"""Likelihoods: one per file, each a convex loss of the linear predictor."""

from __future__ import annotations

from bayesreg.likelihoods._protocol import ClassLikelihood, Likelihood
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.likelihoods.multinomial import Multinomial
from bayesreg.likelihoods.poisson import Poisson

#: Every likelihood that a model text may name.
LIKELIHOODS: dict[str, type] = {
    kind.__name__: kind for kind in (Bernoulli, Gaussian, Multinomial, Poisson)
}

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "ClassLikelihood",
    "Gaussian",
    "Likelihood",
    "Multinomial",
    "Poisson",
]
