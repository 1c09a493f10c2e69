"""The cases of a deep-learning target: every likelihood, penalty, reduction and intercept."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve

__all__ = ["certified", "parameters", "proofs", "solve"]

GAUSSIAN, SCALES = br.Gaussian(1.5), np.geomspace(0.1, 0.5, 7)
LIKELIHOODS = {"Gaussian": GAUSSIAN, "Bernoulli": br.Bernoulli(), "Poisson": br.Poisson()}
PRIORS = {
    "L1": [br.Laplace(0.3), br.Laplace(SCALES)],
    "L2": [br.Normal(0.5), br.Normal(SCALES)],
    "elastic net": [br.ElasticNet(0.3, 0.6)],
}


def proofs(target: str, intercept: str, precision: float = 1e-8, **options: Any) -> list[Proof]:
    """Plain, weighted, through the origin, and with a Normal intercept where it can be had."""
    convention = next(one for one in br.targets() if one.name == target)
    found = []
    for name in convention.likelihoods:
        likelihood = LIKELIHOODS[name]
        for kind in convention.penalties:
            for k, prior in enumerate(PRIORS[kind]):
                variants = [(br.Flat(), False)] if k else [(br.Flat(), False), (br.Flat(), True)]
                variants += [] if k else [(None, False)]
                variants += [(br.Normal(1.5), True)] if convention.penalises_intercept and k else []
                found += [
                    Proof(target, br.Model(likelihood, prior, a),
                          make_data(likelihood, weights=weights), options, intercept, precision)
                    for a, weights in variants
                ]  # fmt: skip
    return found
