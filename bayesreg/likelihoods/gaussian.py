"""Gaussian likelihood, y_i ~ N(eta_i, sigma^2 / s_i): the twin of least squares.

loss(y, eta) = (y - eta)^2 / (2 sigma^2)
constant     = log sigma - log(s) / 2 + log(2 pi) / 2        (s is a precision weight)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray


@dataclass(frozen=True, repr=False)
class Gaussian:
    """Normal noise with standard deviation ``sigma`` (a number, in units of y).

    Raises
    ------
    ModelError, ModelTypeError
        When sigma is not a positive, finite number.
    """

    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", _checks.noise(self.sigma, "Gaussian sigma"))

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return self.sigma

    def check_target(self, y: FloatArray) -> None:
        """Every finite number is possible."""

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return 0.5 * ((y - eta) / self.sigma) ** 2

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        constant = math.log(self.sigma) + 0.5 * math.log(2 * math.pi)
        return constant - 0.5 * np.log(np.broadcast_to(weights, y.shape))

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return (eta - y) / self.sigma / self.sigma

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return np.full(eta.shape, 1.0 / self.sigma / self.sigma)

    def mean(self, eta: FloatArray) -> FloatArray:
        return eta

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        drawn: FloatArray = rng.normal(eta, self.sigma)
        return drawn

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Both directions increase the loss in the end."""
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """sigma^2 shift^2 / 2."""
        return 0.5 * (self.sigma * shift) ** 2

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        return self.curvature(y, eta)
