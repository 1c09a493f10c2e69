"""statsmodels: its optimum is our mode, and where its coordinate descent is not at one."""

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve, wrong_optimum

#: What SLSQP reaches with any acc, on some cases.
SLSQP = 1e-6

pytestmark = pytest.mark.interop

GAUSSIAN, SCALES = br.Gaussian(1.5), np.geomspace(0.1, 0.5, 7)
LAPLACE, NORMAL, NET = br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6)
PRIORS = [LAPLACE, NORMAL, NET, br.Laplace(SCALES), br.Normal(SCALES)]
INTERCEPTS = (br.Flat(), None)
OURS = "intercept"

LINEAR = [
    Proof(f"statsmodels.{kind}", br.Model(GAUSSIAN, prior, intercept),
          make_data(GAUSSIAN, weights=kind == "WLS"), intercept=OURS)
    for kind in ("OLS", "WLS")
    for prior in PRIORS
    for intercept in INTERCEPTS
] + [
    Proof("statsmodels.OLS", br.Model(GAUSSIAN, prior, standardize=True), make_data(GAUSSIAN),
          intercept=OURS)
    for prior in (LAPLACE, NORMAL)
]  # fmt: skip
GLM = [
    Proof("statsmodels.GLM", br.Model(likelihood, prior, intercept),
          make_data(likelihood, weights=weights), intercept=OURS, precision=SLSQP)
    for likelihood in (br.Bernoulli(), br.Poisson())
    for prior in (LAPLACE, NORMAL, br.Laplace(SCALES))
    for intercept in INTERCEPTS
    for weights in (False, True)
]  # fmt: skip
DISCRETE = [
    Proof(target, br.Model(likelihood, prior, intercept), make_data(likelihood), intercept=OURS,
          precision=SLSQP)
    for target, likelihood in [("statsmodels.Logit", br.Bernoulli()),
                               ("statsmodels.Poisson", br.Poisson())]
    for prior in (LAPLACE, br.Laplace(SCALES))
    for intercept in (*INTERCEPTS, br.Laplace(0.8))
]  # fmt: skip
DESCENT = [
    Proof("statsmodels.GLM", br.Model(likelihood, prior, intercept),
          make_data(likelihood), {"method": "elastic_net"}, intercept=OURS)
    for likelihood in (br.Bernoulli(), br.Poisson())
    for prior in (LAPLACE, NET)
    for intercept in INTERCEPTS
]  # fmt: skip
PROOFS = [*LINEAR, *GLM, *DISCRETE, *DESCENT]

#: Under the zero_tol that the library has by default a coefficient that was 0 once stays 0.
FROZEN = [
    Proof("statsmodels.OLS", br.Model(GAUSSIAN, LAPLACE, standardize=True), make_data(GAUSSIAN),
          intercept=OURS, edits=(("zero_tol=-1.0", "zero_tol=1e-08"),)),
    Proof("statsmodels.WLS", br.Model(GAUSSIAN, LAPLACE), make_data(GAUSSIAN, weights=True),
          intercept=OURS, edits=(("zero_tol=-1.0", "zero_tol=1e-08"),)),
    *(
        Proof("statsmodels.GLM", br.Model(br.Poisson(), prior), make_data(br.Poisson()),
              {"method": "elastic_net"}, intercept=OURS,
              edits=(("zero_tol=-1.0", "zero_tol=1e-10"),))
        for prior in (LAPLACE, NET)
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("statsmodels", [*PROOFS, *FROZEN])


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)


@pytest.mark.parametrize("proof", parameters(FROZEN))
def test_coordinate_descent_as_it_comes_ends_elsewhere(proof, found, record_property):
    wrong_optimum(proof, found, record_property)
