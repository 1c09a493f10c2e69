"""Priors: one density per file, each known to the rest as a :class:`~bayesreg.penalty.Penalty`."""

from __future__ import annotations

from bayesreg.priors._protocol import Prior
from bayesreg.priors.elastic_net import ElasticNet
from bayesreg.priors.flat import Flat
from bayesreg.priors.half import Exponential, HalfNormal, Uniform
from bayesreg.priors.laplace import Laplace
from bayesreg.priors.normal import Normal
from bayesreg.priors.positive import HalfCauchy, InverseGamma, Jeffreys
from bayesreg.priors.truncated import Truncated

#: Every prior that a model text may name.
PRIORS: dict[str, type] = {
    kind.__name__: kind
    for kind in (ElasticNet, Exponential, Flat, HalfNormal, Laplace, Normal, Truncated, Uniform)
}

#: Densities of a positive number only: of sigma, or of a scale. No priors of a coefficient.
SCALE_PRIORS: dict[str, type] = {
    kind.__name__: kind for kind in (HalfCauchy, InverseGamma, Jeffreys)
}

__all__ = [
    "PRIORS",
    "SCALE_PRIORS",
    "ElasticNet",
    "Exponential",
    "Flat",
    "HalfCauchy",
    "HalfNormal",
    "InverseGamma",
    "Jeffreys",
    "Laplace",
    "Normal",
    "Prior",
    "Truncated",
    "Uniform",
]
