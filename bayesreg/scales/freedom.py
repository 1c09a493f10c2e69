"""Effective degrees of freedom of a penalised fit.

trace[(X_A' H X_A) (X_A' H X_A + L2)^-1] over the columns A off their kink, H the rows' curvature
at the mode, beside the intercept (centred where that is flat): the number of nonzero coefficients
for a lasso (Zou, Hastie and Tibshirani, 2007), sum d^2 / (d^2 + lambda) for ridge. The intercept
is not counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import Dispersed
from bayesreg.model import Model
from bayesreg.problem import Problem, bind

if TYPE_CHECKING:
    from bayesreg.scales.modes import Modes


def freedom_along(model: Model, data: Data, factors: FloatArray, found: Modes) -> FloatArray:
    """At each mode; NaN where there is none."""
    freedom = np.full(factors.size, np.nan)
    problem: Problem | None = None
    for k in np.flatnonzero(~np.isnan(found.coef).any(axis=1)):
        if problem is None or found.scalars:
            problem = bind(_at_mode(model, found, int(k)), data)
        v = problem.extended(found.coef[k], float(found.intercept[k]))
        freedom[k] = degrees_of_freedom(problem.at_scale(float(factors[k])), v)
    return freedom


def _at_mode(model: Model, found: Modes, k: int) -> Model:
    """Sigma or the dispersion as the number that it is at mode k."""
    for name, values in found.scalars.items():
        if name == "sigma":
            return model.at_sigma(float(values[k]))
        likelihood = model.likelihood
        assert isinstance(likelihood, Dispersed)
        return replace(model, likelihood=likelihood.with_dispersion(float(values[k])))
    return model


def degrees_of_freedom(problem: Problem, v: FloatArray) -> float:
    """At the mode v."""
    penalty = problem.penalty
    p = problem.p
    bounded = (v <= penalty.lower) | (v >= penalty.upper)
    active = np.flatnonzero(~(penalty.at_kink(v) | bounded)[:p])
    if not active.size:
        return 0.0
    h = problem.majorising_rows(problem.linear_predictor(v))
    X = problem.block(active)
    l2 = penalty.majorant(v).l2[:p][active]
    if problem.has_intercept and not problem.flat_intercept:
        return _beside_intercept(problem, v, X, h, l2)
    if problem.flat_intercept:
        X = X - (h @ X) / np.sum(h)
    scaled = np.sqrt(h)[:, None] * X
    if np.all(l2 == 0):
        return float(np.linalg.matrix_rank(scaled))
    gram = scaled.T @ scaled
    return float(np.trace(np.linalg.lstsq(gram + np.diag(l2), gram, rcond=None)[0]))


def _beside_intercept(
    problem: Problem, v: FloatArray, X: FloatArray, h: FloatArray, l2: FloatArray
) -> float:
    """The share of the coefficients in the trace with a penalised intercept among the columns."""
    penalty, last = problem.penalty, problem.size - 1
    q = X.shape[1]
    if not (penalty.at_kink(v)[last] or v[last] in (penalty.lower[last], penalty.upper[last])):
        X = np.column_stack([X, np.ones(len(X))])
        l2 = np.append(l2, penalty.majorant(v).l2[last])
    gram = (h[:, None] * X).T @ X
    hat = np.linalg.lstsq(gram + np.diag(l2), gram, rcond=None)[0]
    return float(np.trace(hat[:q, :q]))
