"""Gamma likelihood with log link: mean mu = e^eta, variance phi mu^2, shape 1 / phi.

p(y) = (y / (phi mu))^(1/phi) e^(-y / (phi mu)) / (y Gamma(1/phi)),        y > 0

loss(y, eta) = (r - 1 - log r) / phi,    r = y / mu
constant     = s [log y + log(2 pi phi) / 2 + Stirling's correction at 1 / phi]

The loss is measured from its least value, so that nothing large cancels as phi goes to 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods import _dispersion
from bayesreg.likelihoods._relative_entropy import (
    exponential_fenchel_young,
    exponential_smoothness,
)


@dataclass(frozen=True, repr=False)
class Gamma:
    """Positive targets with mean e^eta and a constant coefficient of variation, sqrt(phi).

    Parameters
    ----------
    phi : float or Prior
        Dispersion, 1 / shape; 1 is the exponential distribution. A prior on the positive numbers
        leaves it to ``find_map(..., target="joint")``.

    Raises
    ------
    ModelError, ModelTypeError
        When phi is neither a positive, finite number nor such a prior.
    """

    phi: _dispersion.Dispersion

    def __post_init__(self) -> None:
        object.__setattr__(self, "phi", _dispersion.checked(self.phi, "Gamma phi"))

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    @property
    def dispersion_name(self) -> str:
        return "phi"

    @property
    def dispersion(self) -> _dispersion.Dispersion:
        return self.phi

    def with_dispersion(self, value: float) -> Gamma:
        return replace(self, phi=value)

    @property
    def _shape(self) -> float:
        return 1.0 / _dispersion.number(self.phi, self, "phi")

    def check_target(self, y: FloatArray) -> None:
        wrong = np.flatnonzero(y <= 0)
        if wrong.size:
            raise DataError(
                f"y must be positive for {self!r}; found {float(y[wrong[0]])!r} in row {wrong[0]} "
                f"({wrong.size} such rows). Drop those rows, or model them apart: 0 has no "
                "logarithm"
            )

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        log_ratio = np.log(y) - eta
        with np.errstate(over="ignore"):
            return self._shape * (np.expm1(log_ratio) - log_ratio)

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        from bayesreg.likelihoods._stirling import correction

        k = self._shape
        by_shape = 0.5 * math.log(2 * math.pi / k) + float(correction(np.array(k)))
        return weights * (np.log(y) + by_shape)

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return -self._shape * np.expm1(np.log(y) - eta)

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return self._shape * np.exp(np.log(y) - eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        unit = np.asarray(rng.gamma(self._shape, 1.0 / self._shape, np.shape(eta)))
        # A small shape draws zeros by underflow; they stand for the smallest positive number.
        return np.maximum(unit * np.exp(eta), np.finfo(float).tiny)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Both directions increase the loss in the end."""
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """That of a Poisson mean y / (phi mu), in the other direction."""
        return exponential_fenchel_young(self.curvature(y, eta), -shift)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        return exponential_smoothness(self.curvature(y, eta), excess)

    def dispersion_slope(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """-loss + k [log k - digamma(k)]: that is k (log r + 1 - r + log k - digamma(k))."""
        from bayesreg.likelihoods._stirling import digamma_correction

        k = self._shape
        return -self.loss(y, eta) - k * float(digamma_correction(np.array(k)))
