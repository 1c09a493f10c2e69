"""K-fold scores along the scale: the mode's deviance, the posterior's log predictive density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.posterior.densities import log_likelihood
from bayesreg.scales.axis import Axis
from bayesreg.scales.draws import Advance, draws_along
from bayesreg.scales.folds import Fold, make_folds, row_log_density
from bayesreg.solvers import find_map, find_map_path


@dataclass(frozen=True, eq=False)
class Scores:
    """Means over the rows of each fold, a row per fold and a column per scale.

    ``mean`` gives every fold the same weight, as scikit-learn's and glmnet's cross-validation do;
    ``error`` is the standard error of that mean.
    """

    by_fold: FloatArray

    @property
    def mean(self) -> FloatArray:
        return np.asarray(self.by_fold.mean(axis=0))

    @property
    def error(self) -> FloatArray:
        folds = len(self.by_fold)
        return np.asarray(self.by_fold.std(axis=0, ddof=1) / np.sqrt(folds))


def fold_factors(axis: Axis, train: Data, whole: Data, hold: str) -> FloatArray:
    """What the scales are multiplied by in a fold.

    ``hold="prior"`` keeps the prior. ``hold="alpha"`` keeps lambda / N, the strength beside a mean
    loss (scikit-learn's Lasso): the prior is then wider in a fold, by N / N_fold.
    """
    if hold == "prior":
        return axis.factors
    ratio = whole.total_weight / train.total_weight
    return axis.factors * (ratio if axis.kinked else np.sqrt(ratio))


def check_hold(hold: Any) -> str:
    if hold not in ("prior", "alpha"):
        raise ModelError(
            f"hold must be 'prior' (the prior is the same in every fold) or 'alpha' (lambda / N "
            f"is, as in LassoCV); got {hold!r}"
        )
    return str(hold)


def mode_scores(model: Model, data: Data, axis: Axis, folds: Any, hold: str = "prior") -> Scores:
    """Mean deviance, -2 log p(y_i | mode of the other folds), of the rows of each fold."""
    stated, parts = make_folds(model, data, folds)
    rows = []
    for fold in parts:
        factors = fold_factors(axis, fold.train, data, hold)
        scores = []
        for fitted, coef, intercept in _modes(stated, fold.train, factors):
            terms = -2.0 * row_log_density(fitted, fold.test, coef, intercept)
            scores.append(float(np.nanmean(terms)))
        rows.append(scores)
    return Scores(np.array(rows))


def _modes(model: Model, train: Data, factors: FloatArray) -> Any:
    """(model with numbers only, coef, intercept) at each factor."""
    unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
    if unknown is not None:
        for t in factors:
            fit = find_map(model.rescaled(float(t)), train, target="joint")
            yield fit.model, fit.coef, fit.intercept
        return
    path = find_map_path(model, train, factors * model.axis_scale(train))
    for k in range(len(path)):
        yield model, path.coef[k], float(path.intercept[k])


def posterior_scores(
    model: Model,
    data: Data,
    axis: Axis,
    folds: Any,
    *,
    draws: int,
    chains: int,
    seed: int,
    cores: int,
    advance: Advance,
) -> Scores:
    """Mean log predictive density, log of the mean over draws of p(y_i | draw)."""
    from scipy.special import logsumexp

    stated, parts = make_folds(model, data, folds)
    models = [stated.rescaled(float(t)) for t in axis.factors]
    rows = []
    for number, fold in enumerate(parts):
        scores = []
        along = draws_along(
            models, fold.train, [None] * len(models), draws=draws, chains=chains,
            seed=seed + number + 1, cores=cores, advance=advance,
        )  # fmt: skip
        for at, (_, drawn) in zip(models, along, strict=True):
            terms = log_likelihood(at, fold.test, drawn)
            mixed = logsumexp(terms, axis=(0, 1)) - np.log(draws * chains)
            scores.append(float(np.mean(mixed)))
        rows.append(scores)
    return Scores(np.array(rows))


__all__ = ["Fold", "Scores", "check_hold", "fold_factors", "mode_scores", "posterior_scores"]
