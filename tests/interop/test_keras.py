"""Keras and TensorFlow: the optimum is our mode."""

import pytest

from .deep import certified, parameters, proofs, solve

pytestmark = pytest.mark.interop

BIAS = "layer.get_weights()[1][0] if layer.use_bias else 0.0"
PROOFS = [
    *proofs("keras.L2", BIAS),
    *proofs("keras.L1", BIAS),
    *proofs("keras.L1L2", BIAS),
    *proofs("keras.SGD", BIAS, momentum=0.9),
    *proofs("tensorflow.l2_loss", 'a.numpy() if "a" in globals() else 0.0'),
]


@pytest.fixture(scope="module")
def found():
    return solve("keras", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
