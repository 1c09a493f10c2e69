"""PyTorch: its optimum is our mode; AdamW's is not."""

import pytest

from .deep import certified, parameters, proofs, solve

pytestmark = pytest.mark.interop

PROOFS = [
    *proofs("torch.SGD", "layer.bias.item() if layer.bias is not None else 0.0"),
    *proofs("torch.Adam", "layer.bias.item() if layer.bias is not None else 0.0"),
    *proofs("torch.penalty", "layer.bias.item() if layer.bias is not None else 0.0"),
]


@pytest.fixture(scope="module")
def found():
    return solve("torch", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
