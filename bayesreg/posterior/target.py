"""The posterior as numbers: a bound problem, and what is random besides its coefficients.

With every unknown at 1 the model is an ordinary :class:`~bayesreg.problem.Problem`. An unknown
sigma enters as Gaussian noise of that size and as a factor of every prior scale that is relative
to it; an unknown scale as a factor of the prior scales that it governs:

    (w_j - loc_j) / (scale_j factor_j)  has the density of the problem's prior at scale_j,
    factor_j = sigma^[relative_j] * product of the scales that govern j
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.unknowns import RandomScale, unknowns, with_unknowns_at_one

__all__ = ["Posterior", "RandomScale", "pose", "with_unknowns_at_one"]


@dataclass(frozen=True, eq=False)
class Posterior:
    """What there is to sample.

    Attributes
    ----------
    problem : Problem
        The model with sigma, the dispersion and every unknown scale at 1, and Normal priors of
        the same scale in place of Horseshoe priors.
    sigma : density or None
        Of the noise of a Gaussian likelihood; None where it is a number.
    dispersion : density or None
        Of the likelihood's ``dispersion_name``; None where it is a number, or there is none.
    scales : tuple of RandomScale
    relative : (size,) array of bool
        Whose prior scale is a multiple of sigma.
    horseshoe : (size,) array of bool
        Where the prior is Normal(scale s_j) with s_j ~ HalfCauchy(1).
    """

    problem: Problem
    sigma: Any
    dispersion: Any
    scales: tuple[RandomScale, ...]
    relative: BoolArray
    horseshoe: BoolArray

    @property
    def size(self) -> int:
        """Length of the extended vector."""
        return self.problem.size

    @property
    def scalars(self) -> dict[str, Any]:
        """The densities of sigma, the dispersion and the scales, by name, in this order."""
        named = {} if self.sigma is None else {"sigma": self.sigma}
        if self.dispersion is not None:
            named[self.problem.likelihood.dispersion_name] = self.dispersion  # type: ignore[attr-defined]
        return named | {scale.name: scale.prior for scale in self.scales}

    @property
    def only_coefficients(self) -> bool:
        """True where nothing else is random and every prior is one of the problem's own."""
        return not self.scalars and not self.horseshoe.any()

    def factors(self, scalars: Mapping[str, FloatArray]) -> FloatArray:
        """``factor_j`` for draws of the scalars, shape (..., size)."""
        shape = next((np.shape(values) for values in scalars.values()), ())
        factor = np.ones((*shape, self.problem.size))
        if self.sigma is not None:
            factor[..., self.relative] *= scalars["sigma"][..., None]
        for scale in self.scales:
            factor[..., scale.columns] *= scalars[scale.name][..., None]
        return factor


def pose(model: Model, data: Data) -> Posterior:
    """Resolve a model against data, with the unknowns apart.

    Raises
    ------
    DataError, ModelError
        As :func:`~bayesreg.problem.bind`.
    """
    problem = bind(with_unknowns_at_one(model), data)
    found = unknowns(model, data)
    return Posterior(
        problem, found.sigma, found.dispersion, found.scales, found.relative, found.horseshoe
    )
