"""Gaussian likelihood, y_i ~ N(eta_i, sigma^2 / s_i): the twin of least squares.

loss(y, eta) = (y - eta)^2 / (2 sigma^2)
constant     = log sigma - log(s) / 2 + log(2 pi) / 2        (s is a precision weight)

sigma is a number, or a density of one: then no loss has a value until sigma does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.likelihoods._noise import known_noise
from bayesreg.priors.on_noise import checked_noise_prior


@dataclass(frozen=True, repr=False)
class Gaussian:
    """Normal noise with standard deviation ``sigma``, in units of y.

    Parameters
    ----------
    sigma : float, or a density of a positive number
        ``HalfNormal``, ``Exponential``, ``Uniform``, ``HalfCauchy``, ``InverseGamma``,
        ``Jeffreys`` (p = 1 / sigma) or ``Flat`` (p = 1 on sigma > 0). With a density, say which
        mode is meant: ``find_map(model, data, target=...)``.

    Raises
    ------
    ModelError, ModelTypeError
        When sigma is neither a positive, finite number nor such a density.
    """

    sigma: Any

    def __post_init__(self) -> None:
        is_number = isinstance(self.sigma, Real | str | bytes | np.ndarray) or self.sigma is None
        check = _checks.noise if is_number else checked_noise_prior
        object.__setattr__(self, "sigma", check(self.sigma, "Gaussian sigma"))

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        """sigma; NaN where it is a density, until ``Model.at_sigma`` states it."""
        return self.sigma if isinstance(self.sigma, float) else math.nan

    @property
    def noise_prior(self) -> Any:
        """The density of sigma, None where sigma is a number."""
        return None if isinstance(self.sigma, float) else self.sigma

    def check_target(self, y: FloatArray) -> None:
        """Every finite number is possible."""

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return 0.5 * ((y - eta) / known_noise(self)) ** 2

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        constant = math.log(known_noise(self)) + 0.5 * math.log(2 * math.pi)
        return constant - 0.5 * np.log(np.broadcast_to(weights, y.shape))

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return (eta - y) / known_noise(self) / known_noise(self)

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return np.full(eta.shape, 1.0 / known_noise(self) / known_noise(self))

    def mean(self, eta: FloatArray) -> FloatArray:
        return eta

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        drawn: FloatArray = rng.normal(eta, known_noise(self))
        return drawn

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Both directions increase the loss in the end."""
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """sigma^2 shift^2 / 2."""
        return 0.5 * (known_noise(self) * shift) ** 2

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        return self.curvature(y, eta)
