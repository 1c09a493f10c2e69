"""The posterior of a model of K classes as numbers: a bound problem, and what scales are random.

Its vector of unknowns is V of :class:`~bayesreg.class_problem.ClassProblem`, one class after the
other: (w_1, a_1, w_2, a_2, ...). What all classes share of a flat column changes no probability:
the posterior is that of the differences, and draws are the ones that sum to 0 over the classes.
A random scale is one number for all classes, as is the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.unknowns import Unknowns, unknowns, with_unknowns_at_one


@dataclass(frozen=True, eq=False)
class ClassPosterior(Unknowns):
    """What there is to sample; see :class:`bayesreg.posterior.target.Posterior`.

    Of the unknowns only scales occur, and all arrays are of one class's extended vector.

    Attributes
    ----------
    problem : ClassProblem
    """

    problem: ClassProblem

    @property
    def size(self) -> int:
        """Length of the vector of unknowns: K times that of one class."""
        return self.problem.n_classes * self.problem.size

    @property
    def scalars(self) -> dict[str, Any]:
        """The densities of the scales, by name."""
        return {scale.name: scale.prior for scale in self.scales}

    @property
    def only_coefficients(self) -> bool:
        return not self.scales

    def by_class(self, v: FloatArray) -> FloatArray:
        """(..., K, size) from vectors of unknowns (..., K size)."""
        return v.reshape(*v.shape[:-1], self.problem.n_classes, self.problem.size)


def pose_classes(model: Model, data: Data) -> ClassPosterior:
    """Resolve a model of K classes against data, with the unknown scales apart.

    Raises
    ------
    DataError, ModelError
        As :func:`~bayesreg.class_problem.bind_classes`.
    """
    found = unknowns(model, data)
    if found.horseshoe.any():
        raise ModelError(
            f"{model.likelihood!r} takes log-concave priors only, and Horseshoe is not; take a "
            "Laplace, Normal or ElasticNet prior"
        )
    problem = bind_classes(with_unknowns_at_one(model), data)
    return ClassPosterior(**vars(found), problem=problem)
