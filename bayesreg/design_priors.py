"""Priors that are made of the data's own columns: Zellner's g, and what dropout amounts to."""

from __future__ import annotations

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import Likelihood
from bayesreg.likelihoods.bernoulli import Bernoulli
from bayesreg.likelihoods.gaussian import Gaussian
from bayesreg.priors import MultivariateNormal, Normal


def zellner_prior(data: Data, g: float, *, centred: bool = True) -> MultivariateNormal:
    """Zellner's g: w | sigma ~ Normal(0, g sigma^2 (Xc' S Xc)^-1), relative to the noise.

    With a Gaussian likelihood and a flat intercept the mode is g / (1 + g) times least squares,
    whatever sigma is. No ridge has it, unless the columns are uncorrelated and of one scale.

    Parameters
    ----------
    data : Data
        Xc are its columns less their means, S its weights.
    g : float
        How many times the information of the data outweighs the prior; n for the unit-information
        prior.
    centred : bool
        False for a model without intercept: X itself.

    Raises
    ------
    DataError
        For columns that are linearly dependent: the prior has no covariance then.

    Notes
    -----
    Source: Zellner (1986), On assessing prior distributions and Bayesian regression analysis with
    g-prior distributions.
    """
    g = _checks.positive_number(g, "g")
    X, s = data.to_dense().X, _weights(data)
    if centred:
        X = X - s @ X / np.sum(s)
    root = np.sqrt(s)[:, None] * X
    scale = np.linalg.norm(root, axis=0)
    if np.any(scale == 0) or np.linalg.matrix_rank(root / scale) < data.p:
        raise DataError(
            "zellner_prior needs columns that are linearly independent (after centring); some are "
            "constant, or a combination of others. Leave them out, or use Normal(tau)"
        )
    inverse = np.linalg.pinv(root / scale)
    covariance = inverse @ inverse.T / scale[:, None] / scale
    covariance = g * (covariance + covariance.T) / 2
    return MultivariateNormal(covariance, relative_to_noise=True)


def dropout_prior(
    data: Data,
    rate: float,
    likelihood: Likelihood,
    *,
    coef: FloatArray | None = None,
    intercept: float | None = None,
) -> Normal:
    """The Normal prior that dropping inputs of a linear layer amounts to, a scale per column.

    tau_j^2 = (1 - rate) / (rate sum_i s_i x_ij^2 nll''(eta_i))

    Exact for Gaussian (nll'' = 1 / sigma^2): the expectation of the objective over the masks is
    the penalised one.  For Bernoulli nll'' = p_i (1 - p_i) depends on the coefficients, and the
    expectation is this only to second order in x_ij w_j; the prior is the one at the given
    coefficients, by default at the null model, where p_i is the mean of y.

    Parameters
    ----------
    data : Data
    rate : float
        Probability that an input is dropped; what stays is divided by 1 - rate.
    likelihood : Gaussian or Bernoulli
    coef, intercept : array and float, optional
        Where Bernoulli is approximated.

    Raises
    ------
    ModelError
        For another likelihood, or a rate that is not between 0 and 1.
    DataError
        For a column that is 0 throughout.

    Notes
    -----
    Source: Wager, Wang and Liang (2013), Dropout training as adaptive regularization.
    """
    rate = _checks.positive_number(rate, "rate")
    if rate >= 1:
        raise ModelError(f"rate must be below 1, or nothing is left; got {rate!r}")
    X, s = data.to_dense().X, _weights(data)
    squares = (s * _curvature(data, likelihood, coef, intercept)) @ X**2
    if np.any(squares == 0):
        raise DataError(
            f"column {data.names[int(np.argmin(squares))]!r} is 0 throughout, so that dropout does "
            "not touch its coefficient; leave it out"
        )
    return Normal(np.sqrt((1.0 - rate) / (rate * squares)))


def _curvature(
    data: Data, likelihood: Likelihood, coef: FloatArray | None, intercept: float | None
) -> FloatArray:
    if isinstance(likelihood, Gaussian):
        return np.full(data.y.size, 1.0 / likelihood.noise**2)
    if not isinstance(likelihood, Bernoulli):
        raise ModelError(
            "dropout of inputs is a prior for a Gaussian likelihood, and nearly one for "
            f"Bernoulli; got {likelihood!r}. Nearest: Normal(tau) with find_map"
        )
    if coef is None:
        s = _weights(data)
        mean = float(s @ data.y / np.sum(s))
        return np.full(data.y.size, mean * (1.0 - mean))
    eta = data.to_dense().X @ np.asarray(coef) + (intercept or 0.0)
    return likelihood.curvature(data.y, eta)


def _weights(data: Data) -> FloatArray:
    return np.ones(data.y.size) if data.weights is None else data.weights
