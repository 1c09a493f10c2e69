"""K-fold scores along the scale: the mode's deviance, the posterior's log predictive density.

The prior is the same in every fold: b does not tighten with the fold size.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import LocalModesWarning, ModelError, NoModeError, NotUniqueWarning
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, Rows, log_likelihood
from bayesreg.scales.axis import Axis
from bayesreg.scales.draws import Advance, draws_along
from bayesreg.scales.folds import Fold, make_folds, row_log_density
from bayesreg.solvers import MapEstimate, find_map, find_map_path


@dataclass(frozen=True, eq=False)
class Scores:
    """Means over the rows of each fold, a row per fold and a column per scale.

    ``mean`` gives every fold the same weight, as scikit-learn's and glmnet's cross-validation do;
    ``error`` is the standard error of that mean, NaN with a single fold. A scale at which some
    fold has no mode has the score NaN.
    """

    by_fold: FloatArray

    @property
    def mean(self) -> FloatArray:
        return np.asarray(self.by_fold.mean(axis=0))

    @property
    def error(self) -> FloatArray:
        folds, scales = self.by_fold.shape
        if folds < 2:
            return np.full(scales, np.nan)
        return np.asarray(self.by_fold.std(axis=0, ddof=1) / np.sqrt(folds))


def fold_factors(axis: Axis, fold: Fold, hold: str) -> FloatArray:
    """What the scales are multiplied by in a fold.

    ``hold="prior"`` keeps the prior. ``hold="alpha"`` keeps lambda / N, the strength beside a mean
    loss (scikit-learn's Lasso): the prior is then wider in a fold, by N / N_fold.
    """
    if hold == "prior":
        return axis.factors
    ratio = fold.whole.total_weight / fold.train.total_weight
    return axis.factors * (ratio if axis.kinked else np.sqrt(ratio))


def check_hold(hold: Any) -> str:
    if not isinstance(hold, str) or hold not in ("prior", "alpha"):
        raise ModelError(
            f"hold must be 'prior' (the prior is the same in every fold) or 'alpha' (lambda / N "
            f"is, as in LassoCV); got {_checks.shown(hold)}"
        )
    return str(hold)


def mode_scores(
    model: Model, data: Data, axis: Axis, folds: Any, hold: str = "prior",
    advance: Advance = lambda count: None,
) -> Scores:  # fmt: skip
    """Mean deviance, -2 log p(y_i | mode of the other folds), of the rows of each fold.

    With sigma or a dispersion unknown the mode is the joint one, with its own sigma.
    """
    stated, parts = make_folds(model, data, folds)
    rows: list[FloatArray] = []
    for fold in parts:
        factors = fold_factors(axis, fold, hold)
        with warnings.catch_warnings():
            # Any of several points of the same density, or the best of the local modes found.
            warnings.simplefilter("ignore", NotUniqueWarning)
            warnings.simplefilter("ignore", LocalModesWarning)
            if noise_prior(model.likelihood) or estimated_dispersion(model.likelihood):
                rows.append(_of_joint_modes(stated, fold, factors, advance))
                continue
            path = find_map_path(stated, fold.train, factors * stated.axis_scale(fold.train))
        rows.append(mean_deviances(stated, fold, path.coef, path.intercept))
        advance(factors.size)
    return Scores(np.array(rows))


def mean_deviances(model: Model, fold: Fold, coef: FloatArray, intercept: FloatArray) -> FloatArray:
    """Of the fold's test rows at many modes, a row of ``coef`` each; of no row NaN."""
    rows = Rows(model, fold.test)
    if not rows.count:
        return np.full(len(coef), np.nan)
    total = rows.log_likelihood(Parameters(coef[None], intercept[None]), False)[1]
    return np.asarray(-2.0 * total / rows.count)


def _of_joint_modes(model: Model, fold: Fold, factors: FloatArray, advance: Advance) -> FloatArray:
    scores = []
    for t in factors:
        mode = _joint_mode(model.rescaled(float(t)), fold.train)
        scores.append(np.nan if mode is None else _deviance(fold, *mode))
        advance(1)
    return np.array(scores)


def _deviance(fold: Fold, model: Model, coef: FloatArray, intercept: float) -> float:
    return -2.0 * float(np.nanmean(row_log_density(model, fold.test, coef, intercept)))


#: (model with numbers only, coef, intercept); None where there is no mode.
_Mode = tuple[Model, FloatArray, float] | None


def _joint_mode(model: Model, train: Data) -> _Mode:
    try:
        fit: MapEstimate = find_map(model, train, target="joint")
    except NoModeError:
        return None
    sigma = fit.scalars.get("sigma")
    # A dispersion that was found stands in the model already.
    stated = fit.model if sigma is None else model.at_sigma(float(sigma))
    return stated, fit.coef, float(fit.intercept)


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
    hold: str = "prior",
) -> Scores:
    """Mean log predictive density, log of the mean over draws of p(y_i | draw)."""
    from scipy.special import logsumexp

    stated, parts = make_folds(model, data, folds)
    rows = []
    for number, fold in enumerate(parts):
        models = [stated.rescaled(float(t)) for t in fold_factors(axis, fold, hold)]
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


__all__ = [
    "Fold",
    "Scores",
    "check_hold",
    "fold_factors",
    "mean_deviances",
    "mode_scores",
    "posterior_scores",
]
