"""Likelihoods: one per file, each a loss of the linear predictor, nearly always convex."""

from __future__ import annotations

from bayesreg.likelihoods._protocol import Likelihood, NonConvexLikelihood
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.likelihoods.poisson import Poisson
from bayesreg.student_t import StudentT

#: Every likelihood that a model text may name.
LIKELIHOODS: dict[str, type] = {
    kind.__name__: kind for kind in (Bernoulli, Gaussian, Poisson, StudentT)
}

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Gaussian",
    "Likelihood",
    "NonConvexLikelihood",
    "Poisson",
    "StudentT",
]
