"""Flat prior: p(w) = 1 everywhere, improper, no penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.penalty import Penalty, unbounded


@dataclass(frozen=True, repr=False)
class Flat:
    """Improper uniform density on the whole line; the default for the intercept."""

    __repr__ = dataclass_text

    @property
    def relative_to_noise(self) -> bool:
        return False

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        return np.zeros(np.shape(w))

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        zero = np.zeros(size)
        return unbounded(zero, zero.copy(), zero.copy())

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> Flat:
        return self

    @property
    def axis_scale(self) -> float:
        return math.inf
