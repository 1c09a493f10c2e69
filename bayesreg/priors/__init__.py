"""Priors: one density per file, each known to the rest as a :class:`~bayesreg.penalty.Penalty`."""

from __future__ import annotations

from bayesreg.priors._protocol import Prior
from bayesreg.priors.cauchy import Cauchy
from bayesreg.priors.elastic_net import ElasticNet
from bayesreg.priors.flat import Flat
from bayesreg.priors.group_laplace import GroupLaplace
from bayesreg.priors.half import Exponential, HalfNormal, Uniform
from bayesreg.priors.horseshoe import Horseshoe
from bayesreg.priors.laplace import Laplace
from bayesreg.priors.multivariate_normal import MultivariateNormal
from bayesreg.priors.normal import Normal
from bayesreg.priors.positive import HalfCauchy, InverseGamma, Jeffreys
from bayesreg.priors.student_t import StudentT
from bayesreg.priors.truncated import Truncated

#: Every prior that a model text may name.
PRIORS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Cauchy,
        ElasticNet,
        Exponential,
        Flat,
        GroupLaplace,
        HalfNormal,
        Horseshoe,
        Laplace,
        MultivariateNormal,
        Normal,
        StudentT,
        Truncated,
        Uniform,
    )
}

#: Densities of a positive number only: of sigma, or of a scale. No priors of a coefficient.
SCALE_PRIORS: dict[str, type] = {
    kind.__name__: kind for kind in (HalfCauchy, InverseGamma, Jeffreys)
}

__all__ = [
    "PRIORS",
    "SCALE_PRIORS",
    "Cauchy",
    "ElasticNet",
    "Exponential",
    "Flat",
    "GroupLaplace",
    "HalfCauchy",
    "HalfNormal",
    "Horseshoe",
    "InverseGamma",
    "Jeffreys",
    "Laplace",
    "MultivariateNormal",
    "Normal",
    "Prior",
    "StudentT",
    "Truncated",
    "Uniform",
]
