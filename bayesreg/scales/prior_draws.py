"""Independent draws of the coefficients from their prior.

Random numbers are turned into draws by increasing functions, so that the same generator at another
scale gives the same draws at that scale: differences between scales have little noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.columns import prior_columns
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model, column_deviation
from bayesreg.penalty import Penalty
from bayesreg.priors import GroupLaplace, Horseshoe, MultivariateNormal


def prior_draws(
    model: Model, data: Data, sigma: float, count: int, rng: np.random.Generator
) -> FloatArray:
    """Draws of shape (count, p) on the original columns, with the noise at ``sigma``.

    Raises
    ------
    ModelError
        For flat priors, which have no draws.
    """
    w = np.empty((count, data.p))
    for prior, columns in prior_columns(model.prior, data.names):
        noise = sigma if prior.relative_to_noise else 1.0
        w[:, columns] = _draws(prior, columns, noise, data, count, rng)
    if not model.standardize:
        return w
    deviation = column_deviation(data)
    return np.where(deviation > 0, w / np.where(deviation > 0, deviation, 1.0), 0.0)


def _draws(
    prior: Any, columns: Any, noise: float, data: Data, count: int, rng: np.random.Generator
) -> FloatArray:
    size = len(columns)
    if isinstance(prior, Horseshoe):
        local = np.tan(0.5 * np.pi * rng.random((count, size)))
        z = rng.standard_normal((count, size))
        return np.asarray(prior.loc) + noise * np.asarray(prior.scale) * local * z
    if isinstance(prior, GroupLaplace | MultivariateNormal):
        return _joint(prior, size, noise, count, rng)
    penalty = prior.penalty(size, noise)
    if np.any(penalty.is_flat):
        j = int(np.flatnonzero(penalty.is_flat)[0])
        raise ModelError(
            f"column {data.names[columns[j]]!r} has a flat prior, which has no draws; give it a "
            "proper one, such as Normal(scale=...)"
        )
    return separable_draws(penalty, rng.random((count, size)))


def separable_draws(penalty: Any, u: FloatArray) -> FloatArray:
    """The quantile u of exp(-l1 |x| - l2 x^2 / 2) or of Student's t, x = w - loc, in bounds."""
    if np.all(penalty.is_pinned):
        return np.broadcast_to(penalty.lower, u.shape)
    low, high = (_cumulated(penalty, end - penalty.loc) for end in (penalty.lower, penalty.upper))
    w = penalty.loc + _quantile(penalty, low + (high - low) * u)
    even = (penalty.l1 == 0) & (penalty.l2 == 0)
    if penalty.tails is not None:
        even &= ~penalty.tails.present
    span = np.where(even, penalty.upper - penalty.lower, 0.0)
    return np.where(even, np.where(even, penalty.lower, 0.0) + span * u, w)


def _cumulated(penalty: Penalty, x: FloatArray) -> FloatArray:
    """The distribution function without bounds, about the centre."""
    from scipy.stats import t as student

    tail = 0.5 * _survival_of_size(penalty, np.abs(x))
    whole = np.where(x < 0, tail, 1.0 - tail)
    if penalty.tails is None:
        return whole
    with_tails = student.cdf(x / penalty.tails.scale, penalty.tails.nu)
    return np.where(penalty.tails.present, with_tails, whole)


def _survival_of_size(penalty: Penalty, x: FloatArray) -> FloatArray:
    """P(|w - loc| > x): of a normal beyond l1 / l2, cut there; of an exponential where l2 = 0."""
    from scipy.special import log_ndtr

    l1, l2 = penalty.l1, penalty.l2
    root = np.sqrt(np.where(l2 > 0, l2, 1.0))
    with np.errstate(invalid="ignore"):
        normal = np.exp(log_ndtr(-(l1 / root + root * x)) - log_ndtr(-l1 / root))
        exponential = np.exp(-np.where(l1 > 0, l1, 1.0) * x)
    return np.where(np.isinf(x), 0.0, np.where(l2 > 0, normal, exponential))


def _quantile(penalty: Penalty, u: FloatArray) -> FloatArray:
    from scipy.special import log_ndtr, ndtri_exp
    from scipy.stats import t as student

    l1, l2 = penalty.l1, penalty.l2
    tail = np.log(2.0 * np.minimum(u, 1.0 - u))
    root = np.sqrt(np.where(l2 > 0, l2, 1.0))
    normal = (-ndtri_exp(tail + log_ndtr(-l1 / root)) - l1 / root) / root
    exponential = -tail / np.where(l1 > 0, l1, 1.0)
    x = np.sign(u - 0.5) * np.where(l2 > 0, normal, exponential)
    if penalty.tails is None:
        return x
    present = penalty.tails.present
    nu, scale = (np.where(present, part, 1.0) for part in (penalty.tails.nu, penalty.tails.scale))
    return np.where(present, scale * student.ppf(u, nu), x)


def _joint(prior: Any, size: int, noise: float, count: int, rng: np.random.Generator) -> FloatArray:
    z = rng.standard_normal((count, size))
    if isinstance(prior, MultivariateNormal):
        factor = np.linalg.cholesky(np.asarray(prior.covariance, dtype=np.float64))
        return np.asarray(prior.loc) + noise * z @ factor.T
    penalty = prior.penalty(size, noise)
    w = np.zeros((count, size))
    # A column in no group is a group of its own.
    alone = np.flatnonzero(penalty.group < 0)
    label = penalty.group.copy()
    label[alone] = size + alone
    for each in np.unique(label):
        members = np.flatnonzero(label == each)
        if not penalty.l1[members[0]]:
            raise ModelError("a group with a flat prior has no draws; give every group a scale")
        # p(w) ~ exp(-|w| / b): a direction at random and a length that is gamma.
        length = rng.gamma(members.size, 1.0 / penalty.l1[members[0]], (count, 1))
        own = z[:, members]
        w[:, members] = length * own / np.linalg.norm(own, axis=1, keepdims=True)
    return penalty.loc + w
