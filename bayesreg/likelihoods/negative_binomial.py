"""Negative binomial likelihood with log link: mean mu = e^eta, variance mu + mu^2 / alpha.

With t = eta - log alpha, y successes and alpha failures at log odds t:

loss(y, eta) = (y + alpha) log(1 + e^t) - y t
constant     = s [log Gamma(alpha) + log y! - log Gamma(y + alpha)],        y = 0, 1, 2, ...

It tends to the Poisson likelihood as alpha goes to infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods import _dispersion, _logistic
from bayesreg.likelihoods._logistic import sigmoid


@dataclass(frozen=True, repr=False)
class NegativeBinomial:
    """Counts with mean e^eta that vary more than Poisson's.

    Parameters
    ----------
    alpha : float or Prior
        The variance is mu + mu^2 / alpha: small alpha is much overdispersion. A prior on the
        positive numbers leaves it to ``find_map(..., target="joint")``.

    Raises
    ------
    ModelError, ModelTypeError
        When alpha is neither a positive, finite number nor such a prior.
    """

    alpha: _dispersion.Dispersion

    def __post_init__(self) -> None:
        checked = _dispersion.checked(self.alpha, "NegativeBinomial alpha")
        object.__setattr__(self, "alpha", checked)

    __repr__ = dataclass_text

    @property
    def noise(self) -> float:
        return 1.0

    @property
    def dispersion_name(self) -> str:
        return "alpha"

    @property
    def dispersion(self) -> _dispersion.Dispersion:
        return self.alpha

    def with_dispersion(self, value: float) -> NegativeBinomial:
        return replace(self, alpha=value)

    @property
    def _failures(self) -> float:
        return _dispersion.number(self.alpha, self, "alpha")

    def _log_odds(self, eta: FloatArray) -> FloatArray:
        return eta - math.log(self._failures)

    def check_target(self, y: FloatArray) -> None:
        wrong = np.flatnonzero((y < 0) | (y != np.floor(y)))
        if wrong.size:
            raise DataError(
                f"y must be counts 0, 1, 2, ... for {self!r}; found {float(y[wrong[0]])!r} in row "
                f"{wrong[0]} ({wrong.size} such rows). Rates belong in the offset: "
                "y = counts, offset = log(exposure)"
            )

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.loss(y, self._failures, self._log_odds(eta))

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        from scipy.special import gammaln

        from bayesreg.likelihoods._stirling import log_rising

        constant: FloatArray = gammaln(y + 1.0) - log_rising(np.array(self._failures), y)
        return weights * constant

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.gradient(y, self._failures, self._log_odds(eta))

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.curvature(y, self._failures, self._log_odds(eta))

    def mean(self, eta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        """Poisson counts whose means are gamma distributed."""
        alpha = self._failures
        mean = np.exp(eta) * rng.gamma(alpha, 1.0 / alpha, np.shape(eta))
        return np.asarray(rng.poisson(mean), dtype=np.float64)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return _logistic.saturated_loss(y, self._failures)

    def receding(self, y: FloatArray) -> FloatArray:
        """Down for y = 0, else neither."""
        return np.where(y == 0, -1.0, 0.0)

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        return _logistic.fenchel_young(y, self._failures, self._log_odds(eta), shift)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        return _logistic.smoothness_within(y, self._failures, self._log_odds(eta), excess)

    def dispersion_slope(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        """alpha [z - log(1 + z) - (c(alpha + y) - c(alpha))], z = (y - mu) / (alpha + mu).

        c(x) = digamma(x) - log x. For large alpha every part is of the order 1 / alpha^2.
        """
        from bayesreg.likelihoods._stirling import digamma_correction

        alpha, t = self._failures, self._log_odds(eta)
        z = sigmoid(-t) * (y / alpha) - sigmoid(t)
        log_share = np.log1p(y / alpha) - np.logaddexp(0.0, t)  # log(1 + z)
        excess = np.where(np.abs(z) < _SMALL, _excess_near_0(z), z - log_share)
        rise = digamma_correction(alpha + y) - digamma_correction(np.array(alpha))
        return alpha * (excess - rise)


_SMALL = 0.02


def _excess_near_0(z: FloatArray) -> FloatArray:
    """z - log(1 + z) by its series sum_k (-z)^k / k from k = 2, for abs(z) < 0.02."""
    z = np.clip(z, -_SMALL, _SMALL)
    series = np.zeros_like(z)
    for k in range(10, 1, -1):
        series = 1.0 / k - z * series
    return z**2 * series
