"""Cross-validated predictive densities without a draw: one decomposition per fold.

    p(y_i | other folds) = sum_k weight_k Normal(y_i; mean_ik, sigma_k^2 (variance_ik + 1 / s_i))

over the nodes k of an unknown sigma, or with one node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.scales.axis import Axis
from bayesreg.scales.closed_form import law_of
from bayesreg.scales.cross_validation import Scores
from bayesreg.scales.folds import Fold, make_folds
from bayesreg.scales.noise_mixture import noise_mixture
from bayesreg.scales.normal_law import AffinePart, NormalLaw


def closed_posterior_scores(model: Model, data: Data, axis: Axis, folds: Any) -> Scores | None:
    """Mean log predictive density of the rows of each fold; None where draws are needed."""
    stated, parts = make_folds(model, data, folds)
    rows = []
    for fold in parts:
        law = law_of(stated, fold.train)
        if law is None or law.posterior.problem.blocks:
            return None
        rows.append(_fold_scores(law, fold, axis.factors))
    return Scores(np.array(rows))


def _fold_scores(law: NormalLaw, fold: Fold, factors: FloatArray) -> list[float]:
    problem, test = law.posterior.problem, fold.test
    used = np.arange(test.y.size) if test.weights is None else np.flatnonzero(test.weights)
    weights = np.ones(used.size) if test.weights is None else test.weights[used]
    offset = np.zeros(used.size) if test.offset is None else test.offset[used]
    X = test.X[used]
    if problem.shift.any() or np.any(problem.unit != 1.0):
        X = (X - problem.shift) * problem.unit
    part = law.predictors(X, offset)
    precision = weights / problem.likelihood.noise**2
    if law.posterior.sigma is None:
        each = _given_one_sigma(law, part, test.y[used], precision, factors)
        return [float(value) for value in np.mean(each, axis=1)]
    return [
        float(np.mean(_log_density(law, part, test.y[used], precision, float(t)))) for t in factors
    ]


def _given_one_sigma(
    law: NormalLaw, part: AffinePart, y: FloatArray, precision: FloatArray, factors: FloatArray
) -> FloatArray:
    """At all scales together, shape (factors, rows)."""
    variance = law.variance(part, factors) + 1.0 / precision
    residual = y - law.mean(part, factors)
    density: FloatArray = -0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    return density


def _log_density(
    law: NormalLaw, part: AffinePart, y: FloatArray, precision: FloatArray, t: float
) -> FloatArray:
    from scipy.special import logsumexp

    mixture = noise_mixture(law, t)
    ratio = law.ratio(t, mixture.sigma)
    if np.all(ratio == ratio[0]):
        ratio = ratio[:1]
    spread = law.variance(part, ratio) + 1.0 / precision
    variance = mixture.sigma[:, None] ** 2 * spread
    density = -0.5 * (np.log(2 * np.pi * variance) + (y - law.mean(part, ratio)) ** 2 / variance)
    found: FloatArray = logsumexp(mixture.log_weights[:, None] + density, axis=0)
    return found
