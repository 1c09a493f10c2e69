"""MASS::lm.ridge: its optimum is our mode."""

import pytest
from claims import model_for
from helpers import make_data

import bayesreg as br

from .proof import Proof, certified, parameters, solve

pytestmark = pytest.mark.interop

GAUSSIAN = br.Gaussian(1.5)
DATA = make_data(GAUSSIAN)
NORMAL = br.Normal(0.5)
PROOFS = [
    Proof("MASS.lm_ridge", br.Model(GAUSSIAN, NORMAL, standardize=True), DATA,
          intercept="coef(fit)[1]"),
    Proof("MASS.lm_ridge", model_for("MASS.lm_ridge", GAUSSIAN, NORMAL, DATA, None), DATA,
          intercept="0"),
    Proof("MASS.lm_ridge", model_for("MASS.lm_ridge", GAUSSIAN, NORMAL, DATA), DATA,
          intercept="coef(fit)[1]"),
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("MASS", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
