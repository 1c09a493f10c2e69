"""The share of variance that the linear predictor explains, and what the rest of it is.

    R2 = V / (V + e),   V = weighted variance of X w over the rows

    Gaussian                         e = sigma^2 (weighted rows: sigma^2 n / sum s)
    StudentT, AsymmetricLaplace      e = the variance of their noise
    Bernoulli, Binomial (logit)      e = pi^2 / 3: McKelvey and Zavoina (1975)
    Poisson, NegativeBinomial (log)  e = log(1 + variance / m^2), m the mean count:
                                     log(1 + 1 / m) and log(1 + 1 / m + 1 / alpha)
    Gamma (log)                      e = trigamma(1 / phi), the variance of log y

The last three are on the scale of the linear predictor (Nakagawa, Johnson and Schielzeth, 2017,
J. R. Soc. Interface 14:20170213).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.design import Design
from bayesreg.errors import ModelError
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Gamma,
    Gaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
    estimated_dispersion,
)
from bayesreg.model import Model


def variance_of_predictor(X: Design, weights: FloatArray, w: FloatArray) -> FloatArray:
    """V for draws of the coefficients, shape (draws,)."""
    share = weights / np.sum(weights)
    used = share > 0
    X, share = X[used], share[used]
    largest = np.max(np.abs(X), axis=0)
    X = X - share @ X
    # What is left of a constant column is the rounding of its mean.
    X = np.where(np.abs(X) > 16 * np.finfo(float).eps * largest, X, 0.0) * np.sqrt(share)[:, None]
    if X.shape[0] > X.shape[1]:
        # R'R = X'X: as many rows as columns will do.
        X = np.linalg.qr(X, mode="r")
    found: FloatArray = np.sum((w @ X.T) ** 2, axis=1)
    return found


def rest_of_variance(model: Model, data: Data) -> tuple[float, str]:
    """e, and what it rests on, of likelihoods with nothing unknown; of a Gaussian at sigma = 1.

    Raises
    ------
    ModelError
        Where the noise has no variance, or is not known.
    """
    likelihood = model.likelihood
    if estimated_dispersion(likelihood) is not None:
        raise ModelError(
            f"R2 needs the noise, and a parameter of {likelihood!r} is unknown; state a number "
            "that you believe in for it"
        )
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    if isinstance(likelihood, Gaussian):
        return data.n / float(np.sum(weights)), "R2 = V / (V + sigma^2), V the variance of X w"
    if isinstance(likelihood, Bernoulli | Binomial):
        return np.pi**2 / 3, "R2 of the log odds, with noise pi^2 / 3 (McKelvey and Zavoina)"
    if isinstance(likelihood, Poisson | NegativeBinomial):
        mean = float(np.average(data.y, weights=weights))
        if mean <= 0:
            raise ModelError("every count is 0, so that R2 of the log mean has no scale")
        alpha = float(getattr(likelihood, "alpha", np.inf))
        formula = "1/m" if np.isinf(alpha) else "1/m + 1/alpha"
        return float(np.log1p(1.0 / mean + 1.0 / alpha)), (
            f"R2 of the log mean, with noise log(1 + {formula}) at the mean count m = {mean:.3g}"
        )
    return _other(likelihood)


def _other(likelihood: Any) -> tuple[float, str]:
    if isinstance(likelihood, Gamma):
        dispersion: Any = likelihood.phi
        from scipy.special import polygamma

        return float(polygamma(1, 1.0 / dispersion)), "R2 of log y, with noise trigamma(1 / phi)"
    if isinstance(likelihood, StudentT):
        sigma: Any = likelihood.sigma
        nu = float(likelihood.nu)
        if nu <= 2:
            raise ModelError(
                f"the noise of {likelihood!r} has no variance (nu <= 2), so that there is no R2; "
                "elicit with Gaussian(sigma=...) of about the same middle half"
            )
        return sigma**2 * nu / (nu - 2.0), "R2 = V / (V + sigma^2 nu / (nu - 2))"
    if isinstance(likelihood, AsymmetricLaplace):
        scale: Any = likelihood.s
        q, s = float(likelihood.q), float(scale)
        variance = s**2 * (1 - 2 * q + 2 * q**2) / (q * (1 - q)) ** 2
        return variance, "R2 = V / (V + the variance of the noise)"
    raise ModelError(f"there is no R2 for {likelihood!r}; state the scale in its own units")
