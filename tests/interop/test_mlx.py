"""MLX on the CPU, in double precision: its optimum is our mode."""

import pytest

from .deep import certified, parameters, proofs, solve

pytestmark = pytest.mark.interop

PROOFS = proofs("mlx.SGD", 'layer["bias"].item() if "bias" in layer else 0.0')


@pytest.fixture(scope="module")
def found():
    return solve("mlx", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)
