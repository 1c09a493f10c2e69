"""celer: its optimum is our mode.  Its gap is measured against ||y||^2/n (Lasso) and n log 2."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve, upward

pytestmark = pytest.mark.interop

GAUSSIAN, SCALES = br.Gaussian(1.5), np.geomspace(0.1, 0.5, 7)
LINEAR = [
    ("celer.Lasso", br.Laplace(0.3)),
    ("celer.Lasso", br.Laplace(SCALES)),
    ("celer.ElasticNet", br.Laplace(0.3)),
    ("celer.ElasticNet", br.ElasticNet(0.3, 0.6)),
    ("celer.ElasticNet", br.ElasticNet(SCALES, np.sqrt(SCALES))),
]
PROOFS = [
    Proof(target, br.Model(GAUSSIAN, prior, intercept), make_data(GAUSSIAN))
    for target, prior in LINEAR
    for intercept in (br.Flat(), None)
] + [
    Proof(target, br.Model(GAUSSIAN, prior, intercept),
          upward(make_data(GAUSSIAN)))
    for target, prior in [("celer.Lasso", br.Exponential(0.3)),
                          ("celer.Lasso", br.Exponential(SCALES)),
                          ("celer.ElasticNet",
                           br.Truncated(br.ElasticNet(0.3, 0.6), lower=0.0))]
    for intercept in (br.Flat(), None)
] + [
    Proof("celer.Lasso", br.Model(GAUSSIAN, br.Laplace(0.3), standardize=True),
          make_data(GAUSSIAN)),
    Proof("celer.ElasticNet", br.Model(GAUSSIAN, br.Laplace(0.3), standardize=True),
          make_data(GAUSSIAN)),
    *(
        Proof("celer.LogisticRegression", br.Model(br.Bernoulli(), prior, None, standardize=std),
              make_data(br.Bernoulli()))
        for prior, std in [(br.Laplace(0.3), False), (br.Laplace(SCALES), False),
                           (br.Laplace(0.3), True)]
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("celer", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)


def test_another_prior_is_told_apart(found):
    """The certificate is not blind: 1% in the scale is seen."""
    answer = found.by_name[PROOFS[0].name]
    other = replace(PROOFS[0].model, prior=br.Laplace(0.303))
    intercept = float(answer.values["intercept"])
    assert br.certify(other, PROOFS[0].data, answer.values["coef"], intercept).relative_gap > 1e-6
