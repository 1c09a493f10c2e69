"""Likelihoods: one per file, each a convex loss of the linear predictor."""

from __future__ import annotations

from bayesreg.likelihoods._protocol import Likelihood, is_smooth, predicted
from bayesreg.likelihoods.asymmetric_laplace import AsymmetricLaplace
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.likelihoods.poisson import Poisson

#: Every likelihood that a model text may name.
LIKELIHOODS: dict[str, type] = {
    kind.__name__: kind for kind in (AsymmetricLaplace, Bernoulli, Gaussian, Poisson)
}

__all__ = [
    "LIKELIHOODS",
    "AsymmetricLaplace",
    "Bernoulli",
    "Gaussian",
    "Likelihood",
    "Poisson",
    "is_smooth",
    "predicted",
]
