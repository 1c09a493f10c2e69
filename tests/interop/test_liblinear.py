"""LIBLINEAR, its intercept free (-R), absent and penalised (-B): its optimum is our mode."""

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
    Proof(target, br.Model(likelihood, prior, intercept, standardize=standardize),
          make_data(likelihood), intercept="intercept")
    for target, likelihood, prior in [
        ("liblinear.LogisticRegression", br.Bernoulli(), LAPLACE),
        ("liblinear.LogisticRegression", br.Bernoulli(), NORMAL),
        ("liblinear.LogisticRegression", br.Bernoulli(), br.Laplace(SCALES)),
        ("liblinear.SVR", GAUSSIAN, NORMAL),
        ("liblinear.SVR", GAUSSIAN, br.Normal(SCALES)),
    ]
    for standardize in (False, True)
    for intercept in (br.Flat(), None, type(prior)(0.8))
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("liblinear", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
