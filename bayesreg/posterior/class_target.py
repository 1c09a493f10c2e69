"""The posterior of a model of K classes as numbers: a bound problem, coefficients and nothing else.

Its vector of unknowns is V of :class:`~bayesreg.class_problem.ClassProblem`, one class after the
other: (w_1, a_1, w_2, a_2, ...). What all classes share of a flat column changes no probability:
the posterior is that of the differences, and draws are the ones that sum to 0 over the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.unknowns import unknowns


@dataclass(frozen=True, eq=False)
class ClassPosterior:
    """What there is to sample; see :class:`bayesreg.posterior.target.Posterior`."""

    problem: ClassProblem

    @property
    def size(self) -> int:
        """Length of the vector of unknowns: K times that of one class."""
        return self.problem.n_classes * self.problem.size

    @property
    def scalars(self) -> dict[str, Any]:
        """Nothing is random besides the coefficients."""
        return {}

    @property
    def only_coefficients(self) -> bool:
        return True

    def by_class(self, v: FloatArray) -> FloatArray:
        """(..., K, size) from vectors of unknowns (..., K size)."""
        return v.reshape(*v.shape[:-1], self.problem.n_classes, self.problem.size)


def pose_classes(model: Model, data: Data) -> ClassPosterior:
    """Resolve a model of K classes against data.

    Raises
    ------
    DataError, ModelError
        As :func:`~bayesreg.class_problem.bind_classes`; a prior scale that has a density.
    """
    scales = unknowns(model, data).scales
    if scales:
        raise ModelError(
            f"sample draws no prior scale beside coefficients of several classes; state "
            f"{scales[0].name} as a number, such as Laplace(scale=0.5)"
        )
    return ClassPosterior(bind_classes(model, data))
