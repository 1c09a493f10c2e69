"""Priors: one density per file, each known to the rest as a :class:`~bayesreg.penalty.Penalty`."""

from __future__ import annotations

from bayesreg.priors._protocol import Prior
from bayesreg.priors.elastic_net import ElasticNet
from bayesreg.priors.flat import Flat
from bayesreg.priors.group_laplace import GroupLaplace
from bayesreg.priors.half import Exponential, HalfNormal, Uniform
from bayesreg.priors.laplace import Laplace
from bayesreg.priors.multivariate_normal import MultivariateNormal
from bayesreg.priors.normal import Normal
from bayesreg.priors.truncated import Truncated

#: Every prior that a model text may name.
PRIORS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        ElasticNet,
        Exponential,
        Flat,
        GroupLaplace,
        HalfNormal,
        Laplace,
        MultivariateNormal,
        Normal,
        Truncated,
        Uniform,
    )
}

__all__ = [
    "PRIORS",
    "ElasticNet",
    "Exponential",
    "Flat",
    "GroupLaplace",
    "HalfNormal",
    "Laplace",
    "MultivariateNormal",
    "Normal",
    "Prior",
    "Truncated",
    "Uniform",
]
