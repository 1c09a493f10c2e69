"""Densities of sigma and of unknown scales as arrays, for compiled kernels.

The formulas are those of :mod:`bayesreg.priors.positive` and :mod:`bayesreg.priors.half`; what
the columns mean stands in :mod:`bayesreg._kernels.scalar_density`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.priors import Exponential, Flat, HalfCauchy, HalfNormal, InverseGamma, Jeffreys
from bayesreg.priors.on_noise import noise_density


@dataclass(frozen=True, eq=False)
class ScalarDensities:
    """Independent densities of positive numbers.

    Attributes
    ----------
    codes : (k,) array of int
    parameters : (k, 5) array
        Rows (constant, first, second, lower, upper).
    """

    codes: IntArray
    parameters: FloatArray


def encode(priors: Iterable[Any]) -> ScalarDensities:
    """The densities, each one of ``ON_NOISE``, in their order."""
    from bayesreg._kernels.scalar_density import WIDTH

    rows = [_row(prior) for prior in priors]
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    parameters = np.array([row for _, row in rows], dtype=np.float64).reshape(-1, WIDTH)
    return ScalarDensities(codes, parameters)


def _row(prior: Any) -> tuple[int, tuple[float, ...]]:
    code, constant, first, second = _formula(prior)
    density = noise_density(prior)
    return code, (constant, first, second, density.lower, density.upper)


def _formula(prior: Any) -> tuple[int, float, float, float]:
    """Code, constant, first and second parameter."""
    from bayesreg._kernels import scalar_density as kernel

    if isinstance(prior, Flat):
        return kernel.FLAT, 0.0, 1.0, 0.0
    if isinstance(prior, Jeffreys):
        return kernel.JEFFREYS, 0.0, 1.0, 0.0
    if isinstance(prior, InverseGamma):
        shape, rate = prior.shape, prior.scale
        constant = math.log(2) + shape * math.log(rate) - math.lgamma(shape)
        return kernel.INVERSE_GAMMA, constant, shape, rate
    if isinstance(prior, HalfNormal | Exponential | HalfCauchy):
        scale = float(prior.scale)
        code, constant = {
            HalfNormal: (kernel.HALF_NORMAL, 0.5 * math.log(2 / math.pi)),
            Exponential: (kernel.EXPONENTIAL, 0.0),
            HalfCauchy: (kernel.HALF_CAUCHY, math.log(2 / math.pi)),
        }[type(prior)]
        return code, constant - math.log(scale), scale, 0.0
    return kernel.UNIFORM, -math.log(float(prior.upper) - float(prior.lower)), 1.0, 0.0
