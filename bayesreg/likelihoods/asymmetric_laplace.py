"""Asymmetric Laplace likelihood: quantile regression.

density(y) = q (1 - q) / s exp(-rho_q(y - eta) / s),      rho_q(r) = r (q - 1[r < 0])

P(y < eta) = q, so the linear predictor is the q-quantile of y, not its mean.  The loss
rho_q(y - eta) / s is convex with a corner at eta = y: the mode interpolates some rows exactly.
Koenker and Machado (1999, JASA 94:1296); Yu and Moyeed (2001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import _dispersion


@dataclass(frozen=True, repr=False)
class AsymmetricLaplace:
    """Targets whose ``q``-quantile is the linear predictor.

    Parameters
    ----------
    q : float
        The quantile, strictly between 0 and 1; 0.5 is median regression.
    s : float or Prior
        Scale of the noise, in units of y: a residual costs q/s nats per unit above the
        predictor and (1 - q)/s below it. A weight multiplies the whole row. A prior on the
        positive numbers leaves s to ``find_map(..., target="joint")`` and to ``sample``.

    Raises
    ------
    ModelError, ModelTypeError
        When q is not between 0 and 1, or s neither a positive, finite number nor such a prior.
    """

    q: float
    s: _dispersion.Dispersion

    #: The loss has corners: no Newton step, and a mode may lie in many of them.
    smooth = False

    def __post_init__(self) -> None:
        q = _checks.positive_number(self.q, "AsymmetricLaplace q")
        if not q < 1:
            raise ModelError(
                f"AsymmetricLaplace q must lie strictly between 0 and 1, 0.5 for the median; "
                f"got {q!r}"
            )
        object.__setattr__(self, "q", q)
        checked = _dispersion.checked_noise(self.s, "AsymmetricLaplace s")
        object.__setattr__(self, "s", checked)

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    @property
    def dispersion_name(self) -> str:
        return "s"

    @property
    def dispersion(self) -> _dispersion.Dispersion:
        return self.s

    def with_dispersion(self, value: float) -> AsymmetricLaplace:
        return replace(self, s=value)

    @property
    def _scale(self) -> float:
        return _dispersion.number(self.s, self, "s")

    @property
    def slopes(self) -> tuple[float, float]:
        """d loss / d eta left and right of the corner: -q/s below y, (1 - q)/s above it."""
        return -self.q / self._scale, (1.0 - self.q) / self._scale

    def check_target(self, y: FloatArray) -> None:
        """Every finite number is possible."""

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        r = y - eta
        return np.where(r >= 0, self.q * r, (self.q - 1.0) * r) / self._scale

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        """weight (log s - log q - log(1 - q))."""
        constant = math.log(self._scale) - math.log(self.q) - math.log1p(-self.q)
        return np.broadcast_to(weights, y.shape) * constant

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """The slope of the side that eta is on; 0, which is a subgradient, at the corner."""
        below, above = self.slopes
        return np.where(eta < y, below, np.where(eta > y, above, 0.0))

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """q (1 - q) / s^2, the expected square of the slope.

        The second derivative is 0 or does not exist; this information takes its place where a
        size is wanted (starting metrics, natural steps), never in a proof.
        """
        return np.full(np.shape(eta), self.q * (1.0 - self.q) / self._scale / self._scale)

    def mean(self, eta: FloatArray) -> FloatArray:
        """E[y] = eta + s (1 - 2 q) / (q (1 - q)); eta itself is the q-quantile."""
        return eta + self._scale * (1.0 - 2.0 * self.q) / (self.q * (1.0 - self.q))

    def predict(self, eta: FloatArray) -> FloatArray:
        """The q-quantile: what a quantile regression is fitted for."""
        return eta

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        """eta + s (E1 / q - E2 / (1 - q)) with E1, E2 standard exponential."""
        up, down = rng.exponential(size=(2, *np.shape(eta)))
        drawn: FloatArray = eta + self._scale * (up / self.q - down / (1.0 - self.q))
        return drawn

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape)

    def receding(self, y: FloatArray) -> FloatArray:
        """Both directions increase the loss in the end."""
        return np.zeros(y.shape)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        """(y - eta) shift while the dual point stays between the two slopes, else infinite."""
        below, above = self.slopes
        u = self.gradient(y, eta) + shift
        slack = 4 * np.finfo(float).eps * np.maximum(-below, above)
        inside = (u >= below - slack) & (u <= above + slack)
        return np.where(inside, np.maximum((y - eta) * shift, 0.0), np.inf)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        """1 / (2 s |y - eta|): the shift is at most 1/s, and costs |y - eta| per unit."""
        with np.errstate(divide="ignore"):
            return 0.5 / self._scale / np.abs(y - eta)

    def dispersion_slope(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """1 - rho_q(y - eta) / s."""
        return 1.0 - self.loss(y, eta)
