"""Vowpal Wabbit --bfgs, in single precision: its optimum is our mode."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

GAUSSIAN = br.Gaussian(1.5)
LAPLACE, NORMAL, NET = br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6)
SCALES = np.geomspace(0.1, 0.5, 7)
PROOFS = [
    Proof("vowpalwabbit.bfgs", br.Model(likelihood, NORMAL, intercept),
          make_data(likelihood, weights=weights), intercept="intercept", precision=1e-8)
    for likelihood in (GAUSSIAN, br.Bernoulli())
    for intercept in (NORMAL, None)
    for weights in (False, True)
] + [
    Proof("vowpalwabbit.bfgs", br.Model(likelihood, br.Normal(SCALES), None), make_data(likelihood),
          intercept="intercept", precision=1e-7)
    for likelihood in (GAUSSIAN, br.Bernoulli())
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("vowpalwabbit", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
