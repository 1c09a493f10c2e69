"""The evidence along the scale from posterior expectations.

    d log p(y | t) / d log t = E_posterior[G] - E_prior[G],   G = d log p(w | t) / d log t + const

G is sum_j |w_j - loc_j| / (t b_j) for Laplace and sum_j ((w_j - loc_j) / (t tau_j))^2 for Normal
priors, relative ones further divided by sigma or sigma^2; E_prior[G] is then the number of columns,
and in general the derivative of the log normaliser.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.penalty import Penalty
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import Posterior, with_unknowns_at_one
from bayesreg.scales.controls import expectations
from bayesreg.scales.curve import Node
from bayesreg.scales.draws import parameters

# Step of the central difference of the log normaliser, in log t.
_STEP = 1e-3


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


def node(
    model: Model, data: Data, x: float, kinked: bool, posterior: Posterior, draws: Draws
) -> Node:
    """Slope and bend at log t = x, from draws of the model at its scale.

    d E_posterior[G] / dx = E_posterior[dG / dx] + Var_posterior(G).
    """
    drawn = parameters(posterior, draws)
    values = generator(model, data, posterior, drawn, kinked)
    wider, narrower = (model.rescaled(float(np.exp(s))) for s in (_STEP, -_STEP))
    moved = [generator(at, data, posterior, drawn, kinked) for at in (wider, narrower)]
    change = (moved[0] - moved[1]) / (2 * _STEP)
    spread = (values - np.mean(values)) ** 2
    found = expectations(np.stack([values, change + spread], axis=-1), posterior, draws)
    on_prior = [prior_expectation(at, data) for at in (narrower, model, wider)]
    bend = found.value[1] - (on_prior[2] - on_prior[0]) / (2 * _STEP)
    slope = found.value[0] - on_prior[1]
    return Node(x, float(slope), float(found.error[0]), float(bend))
