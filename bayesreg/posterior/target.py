"""The posterior as numbers: a bound problem, and what is random besides its coefficients.

With every unknown at 1 the model is an ordinary :class:`~bayesreg.problem.Problem`. An unknown
sigma enters as Gaussian noise of that size and as a factor of every prior scale that is relative
to it; an unknown scale as a factor of the prior scales that it governs:

    (w_j - loc_j) / (scale_j factor_j)  has the density of the problem's prior at scale_j,
    factor_j = sigma^[relative_j] * product of the scales that govern j
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.unknowns import RandomScale, Unknowns, unknowns, with_unknowns_at_one

__all__ = ["Posterior", "RandomScale", "pose", "with_unknowns_at_one"]


@dataclass(frozen=True, eq=False)
class Posterior(Unknowns):
    """What there is to sample: the unknowns, and the problem with all of them at 1.

    Attributes
    ----------
    problem : Problem
        With Normal priors of the same scale in place of Horseshoe priors.
    """

    problem: Problem

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


def pose(model: Model, data: Data) -> Posterior:
    """Resolve a model against data, with the unknowns apart.

    Raises
    ------
    DataError, ModelError
        As :func:`~bayesreg.problem.bind`.
    """
    problem = bind(with_unknowns_at_one(model), data)
    return Posterior(**vars(unknowns(model, data)), problem=problem)
