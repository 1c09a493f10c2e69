"""Likelihoods: one per file, each a loss of the linear predictor, nearly always convex."""

from __future__ import annotations

from bayesreg.likelihoods._dispersion import (
    Dispersed,
    estimated_dispersion,
    require_numbers,
)
from bayesreg.likelihoods._noise import known_noise, noise_prior
from bayesreg.likelihoods._protocol import (
    ClassLikelihood,
    Likelihood,
    NonConvexLikelihood,
    has_classes,
    is_smooth,
    predicted,
)
from bayesreg.likelihoods._trials import likelihood_of_rows
from bayesreg.likelihoods.asymmetric_laplace import AsymmetricLaplace
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.binomial import Binomial
from bayesreg.likelihoods.gamma import Gamma
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.likelihoods.multinomial import Multinomial
from bayesreg.likelihoods.negative_binomial import NegativeBinomial
from bayesreg.likelihoods.poisson import Poisson
from bayesreg.priors.student_t import StudentT

#: Every likelihood that a model text may name.
LIKELIHOODS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        AsymmetricLaplace,
        Bernoulli,
        Binomial,
        Gamma,
        Gaussian,
        Multinomial,
        NegativeBinomial,
        Poisson,
        StudentT,
    )
}

__all__ = [
    "LIKELIHOODS",
    "AsymmetricLaplace",
    "Bernoulli",
    "Binomial",
    "ClassLikelihood",
    "Dispersed",
    "Gamma",
    "Gaussian",
    "Likelihood",
    "Multinomial",
    "NegativeBinomial",
    "NonConvexLikelihood",
    "Poisson",
    "StudentT",
    "estimated_dispersion",
    "has_classes",
    "is_smooth",
    "known_noise",
    "likelihood_of_rows",
    "noise_prior",
    "predicted",
    "require_numbers",
]
