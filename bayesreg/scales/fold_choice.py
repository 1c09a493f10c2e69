"""Choices by K folds: of the mode by its deviance, of the posterior by its density."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.posterior.progress import progress_bar
from bayesreg.scales.choice import Choice
from bayesreg.scales.cross_validation import Scores, mode_scores, posterior_scores
from bayesreg.scales.order import Order, end_of_axis

INTERVAL = "one standard error of the score"


def by_mode(order: Order) -> Choice:
    """The scale whose mode has the least deviance over folds."""
    # Without second moments a path finds the modes alone sooner.
    served = order.law is not None and order.law.moments is not None
    closed = order.closed_folds.get("cv_mode") if served else None
    scores = _modes_fitted(order) if closed is None else closed
    order.scores["cv_deviance"], order.scores["cv_error"] = scores.mean, scores.error
    return _chosen("cv", order, scores.mean, scores)


def by_posterior(order: Order) -> Choice:
    """The scale whose posterior has the largest log predictive density over folds."""
    closed = order.closed_folds.get("cv_posterior")
    scores = _posteriors_drawn(order) if closed is None else closed
    order.scores["cv_log_density"] = scores.mean
    order.scores["cv_log_density_error"] = scores.error
    return _chosen("cv-posterior", order, -scores.mean, scores)


def _modes_fitted(order: Order) -> Scores:
    total = len(order.splits) * order.log_t.size
    with progress_bar("cross-validation", total, order.progress) as bar:
        return mode_scores(
            order.model, order.data, order.axis, order.splits, order.hold, bar.advance
        )


def _posteriors_drawn(order: Order) -> Scores:
    count = len(order.splits) * order.log_t.size
    draws = max(250, order.draws // 4)
    with progress_bar("folds", count * order.chains * draws, order.progress) as bar:
        return posterior_scores(
            order.model, order.data, order.axis, order.splits, draws=draws, chains=order.chains,
            seed=order.seed, cores=order.cores, advance=bar.advance, hold=order.hold,
        )  # fmt: skip


def _chosen(method: str, order: Order, loss: FloatArray, scores: Scores) -> Choice:
    if not np.any(np.isfinite(loss)):
        raise ModelError(
            "at no scale of the axis do all folds have a mode; state sigma, or make the prior "
            "relative to it: relative_to_noise=True"
        )
    x, best = order.log_t, int(np.nanargmin(loss))
    error = scores.error[best]
    within = np.flatnonzero(loss <= loss[best] + (0.0 if np.isnan(error) else error))
    low = -np.inf if within[0] == 0 else float(x[within[0]])
    high = np.inf if within[-1] == x.size - 1 else float(x[within[-1]])
    boundary, note = end_of_axis(best, x.size, method == "cv" and order.begins_at_null)
    if np.isnan(error):
        note = "; ".join(filter(None, [note, "one split gives no standard error"]))
    lost = int(np.sum(~np.isfinite(loss)))
    if lost:
        note = "; ".join(filter(None, [note, f"{lost} scales were left out: a fold has no mode"]))
    simplest = float(x[within[0]])
    return order.choice(
        method, float(x[best]), (low, high), INTERVAL, note=note, boundary=boundary,
        one_standard_error=order.scale(simplest),
        one_standard_error_lambda=order.lambda_(simplest),
        one_standard_error_lambda_at_sigma=order.lambda_at_sigma(simplest),
    )  # fmt: skip
