"""Truncated prior: any prior on an interval, renormalised.

p(w) = p_inner(w) / Z,   lower <= w <= upper,   Z = the inner prior's mass there
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.penalty import Penalty, bounded
from bayesreg.priors._protocol import Prior
from bayesreg.priors.group_laplace import GroupLaplace
from bayesreg.priors.multivariate_normal import MultivariateNormal
from bayesreg.priors.student_t import in_place


@dataclass(frozen=True, repr=False)
class Truncated:
    """Bounds on any prior: ``Truncated(Laplace(0.5), lower=0)`` keeps coefficients from below 0.

    Parameters
    ----------
    prior : Prior
        Its loc may lie outside the bounds; the mode is then pulled towards the nearer one.
    lower, upper : float or one per coefficient
        Infinite by default.

    Raises
    ------
    ModelError, ModelTypeError
        For bounds that leave nothing between them, or no prior to bound.
    """

    prior: Any
    lower: ScalarOrVector = -math.inf
    upper: ScalarOrVector = math.inf

    def __post_init__(self) -> None:
        if isinstance(self.prior, type) or not isinstance(self.prior, Prior):
            raise ModelTypeError(
                f"Truncated prior must be a prior such as Laplace(scale=1.0); got {self.prior!r}"
            )
        if isinstance(self.prior, GroupLaplace | MultivariateNormal):
            raise ModelError(
                f"Truncated bounds coefficients one by one, and {type(self.prior).__name__} is a "
                "joint density of several; bound a Laplace, Normal or ElasticNet prior instead"
            )
        object.__setattr__(self, "prior", in_place(self.prior, "prior"))
        for name in ("lower", "upper"):
            value = _checks.bound(getattr(self, name), f"Truncated {name}")
            object.__setattr__(self, name, value)
        if np.any(np.asarray(self.lower) >= np.asarray(self.upper)):
            raise ModelError(
                f"Truncated lower must be below upper; got {self.lower!r} and {self.upper!r}"
            )

    __repr__ = dataclass_text

    @property
    def relative_to_noise(self) -> bool:
        return bool(self.prior.relative_to_noise)

    @property
    def log_concave(self) -> bool:
        return bool(getattr(self.prior, "log_concave", True))

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """log p_inner(w) - log Z; -inf outside the bounds."""
        w = np.asarray(w, dtype=np.float64)
        size = max(_entries(self), _entries(self.prior))
        inner = self.prior.penalty(size).log_normaliser()
        share = self.penalty(size).log_normaliser() - inner
        density = self.prior.log_density(w) - (share[0] if size == 1 else share)
        inside = (w >= np.asarray(self.lower)) & (w <= np.asarray(self.upper))
        return np.where(inside, density, -np.inf)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """The inner penalty between the bounds."""
        lower, upper = (
            _checks.per_coefficient(getattr(self, name), size, f"Truncated {name}")
            for name in ("lower", "upper")
        )
        return bounded(self.prior.penalty(size, noise), lower, upper)

    @property
    def has_kink(self) -> bool:
        return bool(self.prior.has_kink)

    def rescaled(self, l1_factor: float, l2_factor: float) -> Truncated:
        return replace(self, prior=self.prior.rescaled(l1_factor, l2_factor))

    @property
    def axis_scale(self) -> ScalarOrVector:
        scale: ScalarOrVector = self.prior.axis_scale
        return scale


def _entries(prior: object) -> int:
    """Length of the prior's vectors, 1 when all its parameters are single numbers."""
    return max((len(part) for part in vars(prior).values() if isinstance(part, tuple)), default=1)
