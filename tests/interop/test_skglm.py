"""skglm: its optimum is our mode."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve, upward

pytestmark = pytest.mark.interop

GAUSSIAN, SCALES = br.Gaussian(1.5), np.geomspace(0.1, 0.5, 7)
NET = br.ElasticNet(0.3, 0.6)
LINEAR = [
    ("skglm.Lasso", br.Laplace(0.3), False),
    ("skglm.Lasso", br.Laplace(0.3), True),
    ("skglm.WeightedLasso", br.Laplace(SCALES), False),
    ("skglm.WeightedLasso", br.Laplace(0.3), True),
    ("skglm.ElasticNet", br.Laplace(0.3), False),
    ("skglm.ElasticNet", br.Normal(0.5), False),
    ("skglm.ElasticNet", NET, False),
    ("skglm.ElasticNet", NET, True),
]
LOGISTIC = [(br.Laplace(0.3), False), (br.Normal(0.5), False), (NET, False), (NET, True)]
PROOFS = [
    Proof(target, br.Model(GAUSSIAN, prior, intercept, standardize=standardize),
          make_data(GAUSSIAN))
    for target, prior, standardize in LINEAR
    for intercept in (br.Flat(), None)
] + [
    Proof(target, br.Model(GAUSSIAN, prior, intercept),
          upward(make_data(GAUSSIAN)))
    for target, prior in [("skglm.Lasso", br.Exponential(0.3)),
                          ("skglm.WeightedLasso", br.Exponential(SCALES)),
                          ("skglm.ElasticNet",
                           br.Truncated(br.ElasticNet(0.3, 0.6), lower=0.0))]
    for intercept in (br.Flat(), None)
] + [
    Proof("skglm.SparseLogisticRegression",
          br.Model(br.Bernoulli(), prior, intercept, standardize=standardize),
          make_data(br.Bernoulli()))
    for prior, standardize in LOGISTIC
    for intercept in (br.Flat(), None)
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("skglm", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
