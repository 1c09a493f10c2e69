"""Densities of a positive number: of sigma, or of the scale of another prior.

Jeffreys:      p(s) = 1 / s                                                      (improper)
HalfCauchy:    p(s) = 2 / (pi scale (1 + (s / scale)^2))
InverseGamma:  s^2 ~ inverse gamma:  p(s) = 2 scale^shape / Gamma(shape)
                                            s^(-2 shape - 1) exp(-scale / s^2)

All are densities in s itself, so that modes over s are comparable; none is for a coefficient.
``HalfNormal``, ``Exponential``, ``Uniform`` and ``Flat`` serve for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector


@dataclass(frozen=True, repr=False)
class Jeffreys:
    """p(s) = 1 / s on s > 0: flat in log s, improper.

    A density of sigma only; as a prior of a coefficient it would be infinite at 0.
    """

    __repr__ = dataclass_text

    def log_density(self, s: ScalarOrVector) -> FloatArray:
        """-log s; -inf at and below 0."""
        return _where_positive(s, lambda positive: -np.log(positive))


@dataclass(frozen=True, repr=False)
class HalfCauchy:
    """Half-Cauchy: p(s) = 2 / (pi scale (1 + (s / scale)^2)) on s > 0.

    Parameters
    ----------
    scale : float
        The median, in units of s.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not a positive, finite number.
    """

    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _checks.noise(self.scale, "HalfCauchy scale"))

    __repr__ = dataclass_text

    def log_density(self, s: ScalarOrVector) -> FloatArray:
        """log(2 / (pi scale)) - log(1 + (s / scale)^2); -inf at and below 0."""
        constant = math.log(2 / math.pi) - math.log(self.scale)
        return _where_positive(s, lambda s: constant - np.log1p((s / self.scale) ** 2))


@dataclass(frozen=True, repr=False)
class InverseGamma:
    """Inverse gamma of the *square*: s^2 ~ InverseGamma(shape, scale), the density taken in s.

    p(s) = 2 scale^shape / Gamma(shape) s^(-2 shape - 1) exp(-scale / s^2): the conjugate prior
    of a noise variance. (A library's inverse gamma put on sigma itself is another prior.)

    Parameters
    ----------
    shape : float
    scale : float
        In units of s squared; s^2 has the mode scale / (shape + 1), s itself
        sqrt(2 scale / (2 shape + 1)).

    Raises
    ------
    ModelError, ModelTypeError
        For a parameter that is not a positive, finite number.
    """

    shape: float
    scale: float

    def __post_init__(self) -> None:
        for name in ("shape", "scale"):
            value = _checks.positive_number(getattr(self, name), f"InverseGamma {name}")
            object.__setattr__(self, name, value)

    __repr__ = dataclass_text

    def log_density(self, s: ScalarOrVector) -> FloatArray:
        """Of s, not of s squared; -inf at and below 0."""
        constant = math.log(2) + self.shape * math.log(self.scale) - math.lgamma(self.shape)

        def inside(s: FloatArray) -> FloatArray:
            return constant - (2 * self.shape + 1) * np.log(s) - self.scale / s**2

        return _where_positive(s, inside)


def _where_positive(s: ScalarOrVector, density: object) -> FloatArray:
    s = np.asarray(s, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(s > 0, density(np.where(s > 0, s, 1.0)), -np.inf)  # type: ignore[operator]
