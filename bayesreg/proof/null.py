"""The deviance of the model without coefficients: what a gap is measured by."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.likelihoods import is_smooth
from bayesreg.problem import Problem
from bayesreg.proof.corner_null import null_loss
from bayesreg.proof.null_intercept import best_intercept
from bayesreg.proof.null_rows import null_rows
from bayesreg.proof.refit import refit

_EPS = float(np.finfo(float).eps)


def null_deviance(problem: Problem, eta: FloatArray | None = None) -> float:
    """Twice the loss at w = loc beyond the least possible; 0 when that is only rounding.

    Intercept, offset and flat columns are at their optimum. ``eta``, the linear predictor of a
    point to be certified, spares a loss with corners a programme where all columns are flat.
    """
    if not is_smooth(problem.likelihood):
        return 2 * null_loss(problem, eta)
    v = problem.start.copy()
    flat = np.flatnonzero(problem.penalty.is_flat)
    v[flat] = 0.0
    if not np.any(flat < problem.p):
        problem = null_rows(problem)
    eta = refit(problem, problem.linear_predictor(v), flat)
    if problem.has_intercept and not problem.flat_intercept:
        eta = _penalised_intercept(problem, eta, flat)
    likelihood = problem.likelihood
    loss, least = likelihood.loss(problem.y, eta), likelihood.saturated_loss(problem.y)
    half = float(problem.weights @ np.maximum(loss - least, 0.0))
    magnitude = np.abs(eta) + np.abs(problem.offset)
    rounding = float(problem.curvature_rows(eta) @ (32 * _EPS * magnitude) ** 2)
    rounding += 4 * _EPS * float(problem.weights @ np.minimum(np.abs(loss), np.abs(least)))
    return 2 * half if half > rounding else 0.0


def _penalised_intercept(problem: Problem, eta: FloatArray, flat: IntArray) -> FloatArray:
    """Alternate between the flat columns and an intercept that has a proper prior."""
    prior = problem.penalty.take(slice(-1, None))
    current = float(problem.start[-1])
    for _ in range(50):
        without = eta - current

        def slope(a: float, without: FloatArray = without) -> float:
            return float(np.sum(problem.gradient_rows(without + a)))

        found = best_intercept(slope, prior)
        eta = refit(problem, without + found, flat)
        settled = abs(found - current) <= 1e-9 * (1.0 + abs(found))
        current = found
        if settled or not flat.size:
            break
    return eta
