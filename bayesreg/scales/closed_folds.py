"""Cross-validation without a draw: one decomposition per fold serves every scale.

    p(y_i | other folds) = sum_k weight_k Normal(y_i; mean_ik, sigma_k^2 (variance_ik + 1 / s_i))

over the nodes k of an unknown sigma, or with one node. The second moments of a fold are those of
all rows less those of the rows it leaves out, where that keeps their digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.moments import Moments, moments, moments_without
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.target import Posterior, pose
from bayesreg.scales.axis import Axis
from bayesreg.scales.closed_form import law_of
from bayesreg.scales.closed_modes import closed_modes
from bayesreg.scales.cross_validation import Scores, fold_factors, mean_deviances
from bayesreg.scales.folds import Fold, make_folds
from bayesreg.scales.noise_mixture import noise_mixture
from bayesreg.scales.normal_law import AffinePart, NormalLaw, moments_serve


def closed_scores(
    model: Model, data: Data, axis: Axis, folds: Any, law: NormalLaw, hold: str = "prior"
) -> dict[str, Scores] | None:
    """``cv_posterior``: mean log predictive density of the rows of each fold.

    And ``cv_mode``, the mean deviance of the mode, where every fold's modes come from its law.
    None where draws are needed. ``law``: of all rows.
    """
    if law.posterior.problem.blocks:
        return None
    stated, parts = make_folds(model, data, folds)
    by_mode: list[FloatArray] | None = []
    by_posterior = []
    for fold, found in _laws(stated, parts, None if model.standardize else law.moments):
        factors = fold_factors(axis, fold, hold)
        by_posterior.append(_fold_scores(found, fold, factors))
        modes = None if by_mode is None else closed_modes(found, factors)
        if modes is None or by_mode is None:
            by_mode = None
        else:
            by_mode.append(mean_deviances(stated, fold, modes.coef, modes.intercept))
    scores = {} if by_mode is None else {"cv_mode": Scores(np.array(by_mode))}
    return scores | {"cv_posterior": Scores(np.array(by_posterior))}


def _laws(
    model: Model, parts: list[Fold], known: Moments | None
) -> Iterator[tuple[Fold, NormalLaw]]:
    """Every fold with the law of its training rows; ``known`` are the moments of all rows."""
    posterior = pose(model, parts[0].whole)
    if known is None and moments_serve(posterior):
        known = moments(posterior.problem)
    for fold in parts:
        law = None if known is None else _law_without(posterior, known, fold)
        law = law_of(model, fold.train) if law is None else law
        assert law is not None
        yield fold, law


def _law_without(posterior: Posterior, whole: Moments, fold: Fold) -> NormalLaw | None:
    """From what all rows and the rows left out have; None where the fold is better summed up."""
    left_out = _left_out(fold)
    if left_out is None or 2 * left_out.size > posterior.problem.n:
        return None
    known = moments_without(posterior.problem, whole, left_out)
    if known is None:
        return None
    return NormalLaw.of_moments(posterior, known, np.delete(posterior.problem.weights, left_out))


def _left_out(fold: Fold) -> IntArray | None:
    """Which of the rows of positive weight are not fitted; None where some are fitted twice."""
    times = np.bincount(fold.fitted, minlength=fold.whole.y.size)[used_rows(fold.whole)]
    return None if np.any(times > 1) else np.flatnonzero(times == 0)


def _fold_scores(law: NormalLaw, fold: Fold, factors: FloatArray) -> list[float]:
    problem, test = law.posterior.problem, fold.test
    used = np.arange(test.y.size) if test.weights is None else np.flatnonzero(test.weights)
    weights = np.ones(used.size) if test.weights is None else test.weights[used]
    offset = np.zeros(used.size) if test.offset is None else test.offset[used]
    X = test.X if used.size == test.y.size else test.X[used]
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
