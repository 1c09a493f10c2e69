"""Which algorithm finds the mode of which model: the first row of METHODS that applies.

Every row states the models it is for and what its proof is.  ``find_map`` treats all of them
alike: a point whose certificate does not hold is never returned silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bayesreg import _checks
from bayesreg.data import Data
from bayesreg.errors import ModelError, NoModeError
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    estimated_dispersion,
    has_classes,
    noise_prior,
)
from bayesreg.model import Model, unknown_scales
from bayesreg.priors import Horseshoe
from bayesreg.priors.horseshoe import why_none
from bayesreg.solvers.estimate import MapEstimate


@dataclass(frozen=True)
class Options:
    """What the caller asked of the solver."""

    target: str | None = None
    tol: float = 1e-8
    max_iterations: int = 1000


def require_conditional(target: str | None) -> None:
    """Refuse a target where every parameter beside the coefficients is a number."""
    if target not in (None, "conditional"):
        raise ModelError(
            f"target must be None or 'conditional', got {_checks.shown(target)}: every parameter "
            "beside the coefficients is a number, so the mode over the coefficients is the only "
            "one there is"
        )


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


def _unknown_scale() -> Finder:
    from bayesreg.solvers.scale import refuse_unknown_scale

    return refuse_unknown_scale


def _unknown_sigma() -> Finder:
    from bayesreg.solvers.noise import find_with_unknown_sigma

    return find_with_unknown_sigma


def _interior_point() -> Finder:
    from bayesreg.solvers.quantile import find_quantile

    return find_quantile


def _dispersion() -> Finder:
    from bayesreg.solvers.dispersion import find_with_dispersion

    return find_with_dispersion


def _local() -> Finder:
    from bayesreg.solvers.local import find_locally

    return find_locally


def _no_mode() -> Finder:
    def refuse(model: Model, data: Data, options: Options) -> MapEstimate:
        pole = next(prior for prior in model.priors if isinstance(prior, Horseshoe))
        raise NoModeError(f"no mode: {why_none(pole)}")

    return refuse


def _class_newton() -> Finder:
    from bayesreg.solvers.classes import find_by_class_newton

    return find_by_class_newton


METHODS = (
    Method(
        "no-scale-mode",
        lambda model: bool(unknown_scales(model)),
        "a prior whose scale has a prior: no joint mode, it is refused",
        "none",
        _unknown_scale,
    ),
    Method(
        "profile-dispersion",
        lambda model: estimated_dispersion(model.likelihood) is not None,
        "NegativeBinomial, Gamma, StudentT or AsymmetricLaplace with a prior on its dispersion",
        "local: KKT residual, the dispersion's among them",
        _dispersion,
    ),
    Method(
        "no-mode",
        lambda model: any(isinstance(prior, Horseshoe) for prior in model.priors),
        "a Horseshoe prior: none has a mode, it is refused",
        "none",
        _no_mode,
    ),
    Method(
        "profile-noise",
        lambda model: noise_prior(model.likelihood) is not None,
        "Gaussian with a prior on its sigma; convex priors, separable or with a covariance",
        "duality gap where all priors are relative to the noise, else local: KKT residual",
        _unknown_sigma,
    ),
    Method(
        "interior-point",
        lambda model: isinstance(model.likelihood, AsymmetricLaplace),
        "quantile regression: asymmetric Laplace likelihood; convex priors, separable or with a "
        "covariance",
        "duality gap at the solver's dual point",
        _interior_point,
    ),
    Method(
        "local-newton",
        lambda model: not (model.log_concave or has_classes(model.likelihood)),
        "StudentT likelihood, StudentT or Cauchy priors: majorise and minimise, then Newton, "
        "from several starts",
        "local: KKT residual, no negative curvature",
        _local,
    ),
    Method(
        "proximal-newton-classes",
        lambda model: has_classes(model.likelihood),
        "a likelihood of K classes, separable convex priors",
        "duality gap",
        _class_newton,
    ),
    Method(
        "proximal-newton",
        lambda model: True,
        "a smooth convex likelihood; convex priors, separable, of groups, or with a covariance",
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
