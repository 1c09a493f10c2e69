"""R's glmnet, all families: its optimum is our mode."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

SCALES = np.geomspace(0.1, 0.5, 7)
PRIORS = [
    br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6), br.Laplace(SCALES),
    br.Normal(SCALES),
]  # fmt: skip
FAMILIES = {br.Gaussian(1.5): ("gaussian", "gaussian()"), br.Bernoulli(): ("binomial",),
            br.Poisson(): ("poisson",)}  # fmt: skip

PROOFS = [
    Proof(
        "glmnet.glmnet", br.Model(likelihood, prior, intercept, standardize=standardize),
        make_data(likelihood, weights=weights), {"family": family},
        intercept="as.numeric(fit$a0)",
    )
    for likelihood, families in FAMILIES.items()
    for family in families
    for prior in PRIORS
    for standardize in (False, True)
    for intercept in (br.Flat(), None)
    for weights in (False, True)
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("glmnet", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
