"""optax: its optimum is our mode."""

import pytest
from helpers import make_data

import bayesreg as br

from .deep import GAUSSIAN, certified, parameters, proofs, solve
from .proof import Proof

pytestmark = pytest.mark.interop

BIAS = 'jax.device_get(parameters.get("b", 0.0))'
PROOFS = [
    *proofs("optax.add_decayed_weights", BIAS),
    Proof("optax.add_decayed_weights", br.Model(GAUSSIAN, br.Normal(0.5)), make_data(GAUSSIAN),
          {"loss": "l2_loss", "reduction": "sum"}, BIAS),
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("optax", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
