"""Bernoulli likelihood with logit link: the twin of the logistic loss.

loss(y, eta) = log(1 + e^eta) - y eta,        y in {0, 1}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods import _logistic
from bayesreg.likelihoods._logistic import sigmoid


@dataclass(frozen=True, repr=False)
class Bernoulli:
    """Binary targets, 0 or 1 (or bool), with log odds eta."""

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    def check_target(self, y: FloatArray) -> None:
        wrong = np.flatnonzero((y != 0) & (y != 1))
        if wrong.size:
            raise DataError(
                f"y must be 0 or 1 for Bernoulli(); found {float(y[wrong[0]])!r} in row {wrong[0]} "
                f"({wrong.size} such rows). Recode the two classes as 0 and 1"
            )

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        # log(1 + e^eta) - y eta = log(1 + e^-|eta|) + max(eta, 0) - y eta
        return np.log1p(np.exp(-np.abs(eta))) + np.where(eta > 0, (1 - y) * eta, -y * eta)

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        # mu, and for y = 1 -(1 - mu): the small difference is formed directly.
        sign = 1.0 - 2.0 * y
        return sign * sigmoid(sign * eta)

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.variance(eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        return sigmoid(eta)

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        return (rng.random(np.shape(eta)) < sigmoid(eta)).astype(np.float64)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Up for y = 1, down for y = 0."""
        return np.where(y == 1, 1.0, -1.0)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """The relative entropy of Bernoulli(mu + shift) from Bernoulli(mu)."""
        return _logistic.fenchel_young(y, 1.0 - y, eta, shift)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        """Pinsker: KL(q, mu) >= 2 (q - mu)^2."""
        return np.full(eta.shape, 0.25)
