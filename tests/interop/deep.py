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
    """Plain; and of the first prior, or the last, one of each variant.

    Weighted, through the origin, with a Normal intercept where the target penalises it.
    """
    convention = next(one for one in br.targets() if one.name == target)
    found = []
    for name in convention.likelihoods:
        likelihood = LIKELIHOODS[name]
        priors = [prior for kind in convention.penalties for prior in PRIORS[kind]]
        cases = [(prior, br.Flat(), False) for prior in priors]
        cases += [(priors[0], br.Flat(), True), (priors[0], None, False)]
        cases += [(priors[-1], br.Normal(1.5), True)] if convention.penalises_intercept else []
        found += [
            Proof(target, br.Model(likelihood, prior, a), make_data(likelihood, weights=weights),
                  options, intercept, precision)
            for prior, a, weights in cases
        ]  # fmt: skip
    return found
