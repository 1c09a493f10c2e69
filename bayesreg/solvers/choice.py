"""Which algorithm finds the mode of which model: the first row of METHODS that applies.

Every row states the models it is for and what its proof is.  ``find_map`` treats all of them
alike: a point whose certificate does not hold is never returned silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import AsymmetricLaplace
from bayesreg.model import Model
from bayesreg.solvers.estimate import MapEstimate


@dataclass(frozen=True)
class Options:
    """What the caller asked of the solver."""

    target: str | None = None
    tol: float = 1e-8
    max_iterations: int = 1000


#: Finds the estimate; it may raise NoModeError itself.
Finder = Callable[[Model, Data, Options], MapEstimate]


@dataclass(frozen=True)
class Method:
    """One algorithm and the models that it is for."""

    name: str
    applies: Callable[[Model], bool]
    models: str
    proof: str
    load: Callable[[], Finder]


def _newton() -> Finder:
    from bayesreg.solvers.mode import find_by_newton

    return find_by_newton


def _interior_point() -> Finder:
    from bayesreg.solvers.quantile import find_quantile

    return find_quantile


METHODS = (
    Method(
        "interior-point",
        lambda model: isinstance(model.likelihood, AsymmetricLaplace),
        "quantile regression: asymmetric Laplace likelihood, separable convex priors",
        "duality gap at the solver's dual point",
        _interior_point,
    ),
    Method(
        "proximal-newton",
        lambda model: True,
        "a smooth convex likelihood, separable convex priors",
        "duality gap",
        _newton,
    ),
)


def choose_method(model: Model) -> Method:
    """The first method that applies."""
    for method in METHODS:
        if method.applies(model):
            return method
    raise ModelError(f"no method finds the mode of {model!r}")
