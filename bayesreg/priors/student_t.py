"""Student-t: a density of noise (robust regression) or of a coefficient (heavy-tailed prior).

p(x) = G((nu+1)/2) / (G(nu/2) sqrt(pi nu) scale) (1 + (x - loc)^2 / (nu scale^2))^(-(nu+1)/2)

As a likelihood x is y_i, its centre eta_i and its scale sigma; as a prior x is w_j.  It is one
density under one name, and the argument says which: ``sigma`` belongs to noise, ``scale`` to a
prior, as everywhere.  Written without a name the second argument means what its place asks for.
Neither use is log-concave: modes are local (:mod:`bayesreg.solvers.local`).
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.dispersion import Dispersion, checked_noise, number
from bayesreg.errors import ModelError
from bayesreg.penalty import Penalty, tailed
from bayesreg.priors._scale import checked_scale, is_unknown, known_scale
from bayesreg.tails import (
    tail_curvature,
    tail_log_normaliser,
    tail_slope,
    tail_value,
    tail_weight,
)


@dataclass(frozen=True, repr=False)
class StudentT:
    """Student's t with ``nu`` degrees of freedom, of noise or of coefficients.

    Parameters
    ----------
    nu : float
        Degrees of freedom; 1 is Cauchy, and as nu grows the density becomes normal.
    scale : float or one per coefficient, or a density of one positive number
        Of a prior, in units of the coefficient; ``inf`` means flat there. The penalty is
        (nu + 1) / 2 log(1 + (w - loc)^2 / (nu scale^2)) nats.
    loc : float or one per coefficient
        Centre of a prior.
    relative_to_noise : bool
        The prior's scale is ``scale * sigma``; Gaussian likelihood only.
    sigma : float or Prior
        Of a likelihood: the scale of y - eta, in units of y; its sd is sigma sqrt(nu / (nu - 2))
        where nu > 2. A prior on the positive numbers, such as HalfNormal(1.0), leaves it to
        ``find_map(..., target="joint")`` and to ``sample``. Give ``sigma`` or ``scale``, not both.
        Weights multiply the whole nll.

    Raises
    ------
    ModelError, ModelTypeError
        For a nu, scale or sigma that is not positive, or both scale and sigma, or neither.

    Examples
    --------
    >>> import bayesreg as br
    >>> br.Model(br.StudentT(nu=4, sigma=1.0), br.StudentT(nu=3, scale=0.5))
    Model(likelihood=StudentT(nu=4.0, sigma=1.0), prior=StudentT(nu=3.0, scale=0.5))
    """

    nu: float
    scale: Any = None
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False
    _: KW_ONLY
    sigma: Dispersion | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nu", degrees_of_freedom(self.nu, "StudentT nu"))
        if (self.scale is None) == (self.sigma is None):
            raise ModelError(
                "StudentT takes either sigma, for noise: StudentT(nu=4, sigma=1.0), or scale, for "
                f"a prior: StudentT(nu=4, scale=1.0); got "
                f"{'neither' if self.scale is None else 'both'}"
            )
        if self.scale is not None:
            scale = checked_scale(self.scale, "StudentT scale", squared=True)
            object.__setattr__(self, "scale", scale)
        else:
            sigma = checked_noise(self.sigma, "StudentT sigma")
            object.__setattr__(self, "sigma", sigma)
        object.__setattr__(self, "loc", _checks.location(self.loc, "StudentT loc"))
        relative = _checks.flag(self.relative_to_noise, "StudentT relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)
        if self.sigma is not None and (relative or self.loc != 0.0):
            raise ModelError(
                "StudentT with sigma is the density of noise around eta, without loc and "
                "relative_to_noise; a prior takes scale in place of sigma"
            )

    __repr__ = dataclass_text

    @property
    def log_concave(self) -> bool:
        return False

    # ---- which of the two ------------------------------------------------------------------

    def as_likelihood(self) -> StudentT:
        """The density of noise; ``StudentT(4, 1.0)`` without a name becomes sigma = 1."""
        if self.sigma is not None:
            return self
        single = isinstance(self.scale, float) or is_unknown(self.scale)
        if not single or self.loc != 0.0 or self.relative_to_noise:
            raise ModelError(
                f"{self!r} is a prior; as the likelihood write StudentT(nu={self.nu!r}, "
                "sigma=...) with one number sigma, the scale of y - eta"
            )
        return StudentT(self.nu, sigma=self.scale)

    def as_prior(self) -> StudentT:
        """The density of coefficients; an error when it is that of noise."""
        if self.scale is None:
            raise ModelError(
                f"{self!r} is a likelihood: sigma is the scale of noise. As a prior write "
                f"StudentT(nu={self.nu!r}, scale={self.sigma!r})"
            )
        return self

    # ---- as a prior ------------------------------------------------------------------------

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """log p(w); 0 where the scale is infinite."""
        return student_log_density(w, self.nu, self._scale, self.loc)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """Tails with these nu and scale around loc."""
        scale = _checks.per_coefficient(self._scale, size, "StudentT scale")
        loc = _checks.per_coefficient(self.loc, size, "StudentT loc")  # type: ignore[arg-type]
        return tailed(self.nu, scale * noise if self.relative_to_noise else scale, loc)

    @property
    def has_kink(self) -> bool:
        return False

    def rescaled(self, l1_factor: float, l2_factor: float) -> StudentT:
        """Near its centre the penalty is quadratic: it goes with the l2 precisions."""
        return replace(self, scale=np.multiply(self._scale, math.sqrt(l2_factor)))

    @property
    def axis_scale(self) -> Any:
        return self.as_prior().scale

    @property
    def _scale(self) -> Any:
        """The scale as numbers."""
        return known_scale(self.as_prior().scale, "StudentT")

    # ---- as a likelihood -------------------------------------------------------------------

    @property
    def noise(self) -> float:
        return 1.0

    @property
    def dispersion_name(self) -> str:
        return "sigma"

    @property
    def dispersion(self) -> Dispersion:
        if self.sigma is None:
            raise AttributeError(f"{self!r} is a prior, and a prior has no dispersion")
        return self.sigma

    def with_dispersion(self, value: float) -> StudentT:
        return StudentT(self.nu, sigma=value)

    @property
    def _sigma(self) -> float:
        return number(self.as_likelihood().dispersion, self, "sigma")

    def check_target(self, y: FloatArray) -> None:
        """Every finite number is possible."""

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return tail_value(eta - y, self.nu, self._sigma)

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        constant = tail_log_normaliser(np.array(self.nu), np.array(self._sigma))
        return np.broadcast_to(weights, y.shape) * constant

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return tail_slope(eta - y, self.nu, self._sigma)

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """Negative where a residual exceeds sigma sqrt(nu)."""
        return tail_curvature(eta - y, self.nu, self._sigma)

    def majorising_curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """(nu + 1) / (nu sigma^2 + r^2): the weight of a row in reweighted least squares."""
        return tail_weight(eta - y, self.nu, self._sigma)

    def mean(self, eta: FloatArray) -> FloatArray:
        """eta: the mean where nu > 1, and the median always."""
        return eta

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        drawn: FloatArray = eta + self._sigma * rng.standard_t(self.nu, np.shape(eta))
        return drawn

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Both directions increase the loss without end."""
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """Infinite but at u = 0, and the loss there: logarithmic growth has no other conjugate."""
        dual = self.gradient(y, eta) + shift
        return np.where(dual == 0, self.loss(y, eta), np.inf)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        """No bound: the loss is not convex."""
        return np.full(eta.shape, np.inf)

    def dispersion_slope(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """nu (1 - z^2) / (nu + z^2), z = (y - eta) / sigma: from 1 at z = 0 down to -nu."""
        z = np.abs(y - eta) / self._sigma
        near, far = np.minimum(z, 1.0), 1.0 / np.maximum(z, 1.0)
        inside = (1.0 - near) * (1.0 + near) / (self.nu + near**2)
        outside = (far - 1.0) * (far + 1.0) / (self.nu * far**2 + 1.0)
        return self.nu * np.where(z <= 1.0, inside, outside)


def in_place(part: Any, place: str) -> Any:
    """A part of a model as the ``"likelihood"`` or ``"prior"`` that its place asks for."""
    if not isinstance(part, StudentT):
        return part
    return part.as_likelihood() if place == "likelihood" else part.as_prior()


def student_log_density(
    w: ScalarOrVector, nu: float, scale: Any, loc: ScalarOrVector
) -> FloatArray:
    """log p(w) of Student's t; 0 where the scale is infinite."""
    scale = np.asarray(scale, dtype=np.float64)
    finite = np.where(np.isinf(scale), 1.0, scale)
    distance = np.asarray(w, dtype=np.float64) - np.asarray(loc)
    constant = tail_log_normaliser(np.array(nu), finite)
    return np.where(np.isinf(scale), 0.0, -tail_value(distance, nu, finite) - constant)


def degrees_of_freedom(value: Any, argument: str) -> float:
    """A positive number whose root and inverse are numbers."""
    number = _checks.positive_number(value, argument)
    if not 1e-100 <= number <= 1e100:
        raise ModelError(
            f"{argument} must lie between 1e-100 and 1e+100; got {number!r}. Beyond that it is "
            "a normal density: say Normal(...) or Gaussian(...)"
        )
    return number
