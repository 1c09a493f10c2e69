"""Spark MLlib, on one thread: its optimum is our mode."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.conventions._quantities import QUANTITIES

from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

GAUSSIAN = br.Gaussian(1.5)
LAPLACE, NORMAL, NET = br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6)


def unbiased(prior, weights):
    """A prior on the columns divided by their unbiased sd, as LogisticRegression standardises."""
    data = make_data(br.Bernoulli(), weights=weights)
    sd = QUANTITIES["unbiased_sd_x"].of_data(data)
    return br.Model(br.Bernoulli(), type(prior)(prior.scale / np.asarray(sd)))


PROOFS = [
    Proof(target, br.Model(likelihood, prior, intercept), make_data(likelihood, weights=weights),
          intercept="intercept")
    for target, likelihood in [("spark.LinearRegression", GAUSSIAN),
                               ("spark.LogisticRegression", br.Bernoulli())]
    for prior in (LAPLACE, NORMAL, NET)
    for intercept, weights in ((br.Flat(), False), (None, True))
] + [
    Proof("spark.LinearRegression", br.Model(GAUSSIAN, prior, standardize=True),
          make_data(GAUSSIAN, weights=True), intercept="intercept")
    for prior in (LAPLACE, NORMAL, NET)
] + [
    Proof("spark.LogisticRegression", unbiased(prior, weights),
          make_data(br.Bernoulli(), weights=weights), intercept="intercept")
    for prior in (LAPLACE, NORMAL)
    for weights in (False, True)
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("spark", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
