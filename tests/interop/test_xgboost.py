"""XGBoost gblinear, in single precision: its optimum is our mode."""

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
    Proof("xgboost.gblinear", br.Model(likelihood, prior, standardize=standardize),
          make_data(likelihood, weights=weights), intercept="intercept", precision=1e-8)
    for likelihood in (GAUSSIAN, br.Bernoulli(), br.Poisson())
    for prior, standardize in [(LAPLACE, False), (NORMAL, False), (NET, False), (LAPLACE, True),
                               (br.Normal(SCALES), False)]
    for weights in (False, True)
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("xgboost", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
