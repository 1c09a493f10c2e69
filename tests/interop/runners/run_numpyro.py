"""Programs that use numpyro."""

from _printed import answer

answer("numpyro", "jax")
