"""The evidence along the scale from posterior expectations.

    d log p(y | t) / d log t = E_posterior[G] - E_prior[G],   G = - d log p(w | t) / d log t + const

G is sum_j |w_j - loc_j| / (t b_j) for Laplace and sum_j ((w_j - loc_j) / (t tau_j))^2 for Normal
priors, relative ones further divided by sigma or sigma^2; E_prior[G] is then the number of columns,
and in general the derivative of the log normaliser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.penalty import Penalty
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.target import Posterior, with_unknowns_at_one

# Step of the central difference of the log normaliser, in log t.
_STEP = 1e-5


def generator(
    model: Model, data: Data, posterior: Posterior, drawn: Parameters, kinked: bool
) -> FloatArray:
    """G at each draw, shape (chains, draws), for a model already at its scale."""
    penalty = with_unknowns_at_one(model).coefficient_penalty(data)
    factor = posterior.factors(drawn.scalars)[..., : data.p]
    loc = penalty.loc
    away = (drawn.coef - loc) / factor
    l2_power = 0.5 if kinked else 1.0
    if not isinstance(penalty, Penalty) or not penalty.is_separable:
        # A scale family: w'g(w), with the shares of a group summing to its norm.
        return np.sum(away * penalty.slope(loc + away), axis=-1)
    terms = penalty.l1 * np.abs(away) + l2_power * penalty.l2 * away**2
    if penalty.tails is not None:
        terms = terms + away * penalty.tails.slope(away)
    free = ~(penalty.is_flat | penalty.is_pinned)
    return np.sum(np.where(free, terms, 0.0), axis=-1)


def prior_expectation(model: Model, data: Data) -> float:
    """E_prior[G]: d (sum_j log Z_j) / d log t."""
    stated = with_unknowns_at_one(model)

    def log_normaliser(t: float) -> float:
        penalty = stated.rescaled(t).coefficient_penalty(data)
        free = ~(penalty.is_flat | penalty.is_pinned)
        return float(np.sum(np.where(free, penalty.log_normaliser(), 0.0)))

    up, down = log_normaliser(float(np.exp(_STEP))), log_normaliser(float(np.exp(-_STEP)))
    return (up - down) / (2 * _STEP)


@dataclass(frozen=True, eq=False)
class Curve:
    """log evidence at each node, and its Monte Carlo standard error."""

    log_evidence: FloatArray
    error: FloatArray


def integrate(log_t: FloatArray, slope: FloatArray, error: FloatArray, anchor: float) -> Curve:
    """The curve whose slope in log t is known at nodes, from ``anchor`` at t -> 0.

    Left of the first node the slope is taken to fall as t^2, the leading order of every prior
    whose scale goes to 0. Between nodes it is a cubic spline, so that the curve is linear in the
    slopes and errors of independent nodes add in squares.
    """
    weights = _weights(log_t)
    value = anchor + weights @ slope
    return Curve(value, np.sqrt(weights**2 @ error**2))


def _weights(log_t: FloatArray) -> FloatArray:
    """Rows: integrals up to each node as combinations of the slopes."""
    from scipy.interpolate import CubicSpline

    k = log_t.size
    weights = np.zeros((k, k))
    weights[:, 0] = 0.5
    if k > 1:
        spline = CubicSpline(log_t, np.eye(k), axis=0, bc_type="natural" if k < 4 else "not-a-knot")
        weights += spline.antiderivative()(log_t)
    return weights
