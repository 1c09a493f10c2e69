"""glum, four families: its optimum is our mode."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

SCALES = np.geomspace(0.1, 0.5, 7)
PRIORS = [
    br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6), br.Laplace(SCALES),
    br.Normal(SCALES), br.ElasticNet(SCALES, SCALES[::-1]),
]  # fmt: skip
LIKELIHOODS = [br.Gaussian(1.5), br.Bernoulli(), br.Poisson(), br.Gamma(phi=0.4)]
PROOFS = [
    Proof("glum.GeneralizedLinearRegressor",
          br.Model(likelihood, prior, intercept, standardize=standardize),
          make_data(likelihood, weights=weights), {"scale_predictors": scaled})
    for likelihood in LIKELIHOODS
    for prior in PRIORS
    for standardize, scaled in ((False, False), (False, True), (True, True))
    for intercept in (br.Flat(), None)
    for weights in (False, True)
    if intercept is not None or not scaled  # which glum refuses
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("glum", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
