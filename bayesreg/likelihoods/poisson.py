"""Poisson likelihood with log link.

loss(y, eta) = e^eta - y eta,        constant = s log y!,        y = 0, 1, 2, ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods._relative_entropy import (
    exponential_fenchel_young,
    exponential_smoothness,
)


@dataclass(frozen=True, repr=False)
class Poisson:
    """Counts with mean e^eta."""

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    def check_target(self, y: FloatArray) -> None:
        wrong = np.flatnonzero((y < 0) | (y != np.floor(y)))
        if wrong.size:
            raise DataError(
                f"y must be counts 0, 1, 2, ... for Poisson(); found {float(y[wrong[0]])!r} in row "
                f"{wrong[0]} ({wrong.size} such rows). Rates belong in the offset: "
                "y = counts, offset = log(exposure)"
            )

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta) - y * eta

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        from scipy.special import gammaln

        constant: FloatArray = weights * gammaln(y + 1.0)
        return constant

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta) - y

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        return np.asarray(rng.poisson(np.exp(eta)), dtype=np.float64)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return y - y * np.log(np.where(y > 0, y, 1.0))

    def receding(self, y: FloatArray) -> FloatArray:
        """Down for y = 0, else neither."""
        return np.where(y == 0, -1.0, 0.0)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """The relative entropy of Poisson(mu + shift) from Poisson(mu)."""
        return exponential_fenchel_young(self.mean(eta), shift)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        """The largest mean that the excess allows."""
        return exponential_smoothness(self.mean(eta), excess)
