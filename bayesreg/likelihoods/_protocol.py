"""What a likelihood is: a (nearly always convex) loss of the linear predictor, row by row.

A row of weight s contributes ``s * loss(y, eta) + constant(y, s)`` nats to the objective; the
sum of both is minus the full log density, so that it equals scipy's and PyMC's.
"""

from __future__ import annotations

from typing import Protocol, TypeGuard, runtime_checkable

from bayesreg._types import FloatArray


@runtime_checkable
class Likelihood(Protocol):
    """The interface of :mod:`bayesreg.likelihoods`; see ``CONTRIBUTING.md`` for adding one."""

    @property
    def noise(self) -> float:
        """sigma of a Gaussian likelihood, 1 for every other: the factor of the penalty twin."""
        ...

    def check_target(self, y: FloatArray) -> None:
        """Raise ``DataError`` unless every y is a possible observation."""
        ...

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """The part of the negative log density that depends on eta."""
        ...

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        """The rest of the negative log density, for a row of the given weight."""
        ...

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """d loss / d eta."""
        ...

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """d2 loss / d eta2."""
        ...

    def mean(self, eta: FloatArray) -> FloatArray:
        """E[y] at the linear predictor."""
        ...

    def draw(self, eta: FloatArray, rng: object) -> FloatArray:
        """Random targets at the linear predictor."""
        ...

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        """The least loss that any eta attains (in the limit, where none does)."""
        ...

    def receding(self, y: FloatArray) -> FloatArray:
        """Sign of the change of eta along which the loss never increases; 0 where both do.

        A model has no mode when unpenalised columns can follow these signs in every row.
        """
        ...

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """loss(eta) + loss*(u) - u eta for the dual point u = gradient(eta) + shift.

        Non-negative, 0 only for ``shift = 0``, infinite outside the domain of the conjugate.
        """
        ...

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        """A bound L with (u - gradient(eta))^2 <= 2 L excess.

        It must hold for every dual point u whose Bregman divergence from gradient(eta) is at
        most ``excess``; infinity is a valid answer.
        """
        ...


@runtime_checkable
class NonConvexLikelihood(Likelihood, Protocol):
    """A likelihood whose loss is not convex in eta; modes under it are local."""

    @property
    def log_concave(self) -> bool:
        """False; a likelihood without this attribute is log-concave."""
        ...

    def majorising_curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """h >= 0 with loss(t) <= loss(eta) + gradient (t - eta) + h (t - eta)^2 / 2 for all t."""
        ...


def has_classes(likelihood: object) -> TypeGuard[ClassLikelihood]:
    """True for a likelihood of K linear predictors.

    By the one attribute that tells: isinstance of a protocol costs more than a small problem.
    """
    return hasattr(likelihood, "number_of_classes")


@runtime_checkable
class ClassLikelihood(Protocol):
    """A convex loss of K linear predictors, one per class: eta has shape (n, K).

    Coefficients are K vectors and intercepts K numbers; :mod:`bayesreg.class_problem` takes the
    place of :mod:`bayesreg.problem`. Methods that share a name with :class:`Likelihood` mean the
    same, gradients and shifts having the shape of eta.
    """

    @property
    def noise(self) -> float:
        """1: there is no sigma."""
        ...

    def check_target(self, y: FloatArray) -> None:
        """Raise ``DataError`` unless every y is the code of a class."""
        ...

    def number_of_classes(self, y: FloatArray) -> int:
        """K."""
        ...

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray: ...

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray: ...

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray: ...

    def probabilities(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """p and 1 - p of every class, (n, K) each."""
        ...

    def mean(self, eta: FloatArray) -> FloatArray: ...

    def draw(self, eta: FloatArray, rng: object) -> FloatArray: ...

    def saturated_loss(self, y: FloatArray) -> FloatArray: ...

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray: ...


def is_smooth(likelihood: Likelihood) -> bool:
    """False for a loss with corners, which says so by an attribute ``smooth = False``.

    Such a loss has ``slopes``, the least and the largest subgradient of a row, and its
    ``curvature`` is the expected information: a size, not a second derivative.
    """
    return bool(getattr(likelihood, "smooth", True))


def predicted(likelihood: Likelihood | ClassLikelihood, eta: FloatArray) -> FloatArray:
    """What ``predict`` returns: E[y], unless the likelihood has a ``predict`` of its own."""
    found: FloatArray = getattr(likelihood, "predict", likelihood.mean)(eta)
    return found
