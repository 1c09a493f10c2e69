"""Programs that use optax."""

from _printed import answer

answer("optax", "numpy")
