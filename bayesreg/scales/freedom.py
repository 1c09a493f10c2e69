"""Effective degrees of freedom of a penalised fit.

trace[(X_A' H X_A) (X_A' H X_A + L2)^-1] over the columns A off their kink, H the rows' curvature
at the mode, centred where the intercept is flat: the number of nonzero coefficients for a lasso
(Zou, Hastie and Tibshirani, 2007), sum d^2 / (d^2 + lambda) for ridge. The intercept is not
counted.
"""

from __future__ import annotations

import numpy as np

from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.problem import bind
from bayesreg.solvers import MapEstimate


def degrees_of_freedom(model: Model, data: Data, fit: MapEstimate) -> float:
    """At the mode ``fit`` of the model."""
    problem = bind(model, data.to_dense())
    v = problem.extended(fit.coef, fit.intercept)
    penalty = problem.penalty
    p = problem.p
    bounded = (v <= penalty.lower) | (v >= penalty.upper)
    active = np.flatnonzero(~(penalty.at_kink(v) | bounded)[:p])
    if not active.size:
        return 0.0
    h = problem.majorising_rows(problem.linear_predictor(v))
    X = problem.block(active)
    if problem.flat_intercept:
        X = X - (h @ X) / np.sum(h)
    scaled = np.sqrt(h)[:, None] * X
    l2 = penalty.majorant(v).l2[:p][active]
    if np.all(l2 == 0):
        return float(np.linalg.matrix_rank(scaled))
    gram = scaled.T @ scaled
    return float(np.trace(np.linalg.lstsq(gram + np.diag(l2), gram, rcond=None)[0]))
