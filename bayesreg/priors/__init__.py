"""Priors: one density per file, each known to the rest as a :class:`~bayesreg.penalty.Penalty`."""

from __future__ import annotations

from bayesreg.priors._protocol import Prior
from bayesreg.priors.elastic_net import ElasticNet
from bayesreg.priors.flat import Flat
from bayesreg.priors.laplace import Laplace
from bayesreg.priors.normal import Normal

#: Every prior that a model text may name.
PRIORS: dict[str, type] = {kind.__name__: kind for kind in (ElasticNet, Flat, Laplace, Normal)}

__all__ = ["PRIORS", "ElasticNet", "Flat", "Laplace", "Normal", "Prior"]
