"""Rows of a model of K classes at draws: linear predictors, log likelihoods, log priors.

What :class:`bayesreg.posterior.densities.Rows` is for one linear predictor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.coefficients import class_differences
from bayesreg.data import Data
from bayesreg.design import Design
from bayesreg.likelihoods import has_classes
from bayesreg.model import Model
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.densities import Parameters, parts, scaled_density, used_rows
from bayesreg.unknowns import with_unknowns_at_one


class ClassRows:
    """The rows that the model uses, ready for draws."""

    def __init__(self, model: Model, data: Data) -> None:
        assert has_classes(model.likelihood)
        rows = used_rows(data)
        self.weights = np.ones(rows.size) if data.weights is None else data.weights[rows]
        self.likelihood = model.likelihood
        self.count = rows.size
        self._n_classes = model.number_of_classes(data)
        self._X = data.X if rows.size == data.y.size else data.X[rows]
        self._y = data.y[rows]

    def parts(self, draws: int) -> list[slice]:
        """Draws, as many at a time as have linear predictors of a few MiB."""
        return list(parts(draws, self.count * self._n_classes))

    def linear_predictor(self, drawn: Parameters, part: slice) -> FloatArray:
        """eta of the draws of the only chain, shape (draws, n, K)."""
        intercept = None if drawn.intercept is None else drawn.intercept[0, part]
        return class_predictors(drawn.coef[0, part], intercept, self._X)

    def log_likelihood(
        self, drawn: Parameters, pointwise: bool
    ) -> tuple[FloatArray | None, FloatArray]:
        """log p(y_i | draw), shape (draws, n), if wanted, and its sum over rows; of one chain."""
        length = drawn.coef.shape[1]
        by_row = np.empty((length, self.count)) if pointwise else None
        total = np.empty(length)
        for part in self.parts(length):
            eta = self.linear_predictor(drawn, part)
            # Adding 0.0 turns the -0.0 of a certain class into 0.0.
            terms = 0.0 - self.weights * by_rows(self._loss, eta)
            total[part] = np.sum(terms, axis=1)
            if by_row is not None:
                by_row[part] = terms
        return by_row, total

    def _loss(self, eta: FloatArray) -> FloatArray:
        return self.likelihood.loss(np.tile(self._y, eta.shape[0] // self.count), eta)


def class_predictors(coef: FloatArray, intercept: FloatArray | None, X: Design) -> FloatArray:
    """(draws, n, K) from coefficients (draws, K, p), up to what all classes of a row share."""
    draws, n_classes, p = coef.shape
    W = class_differences(coef).reshape(-1, p)
    eta: FloatArray = np.asarray(W @ X.T).reshape(draws, n_classes, X.shape[0])
    if intercept is not None:
        eta = eta + intercept[:, :, None]
    return np.ascontiguousarray(eta.transpose(0, 2, 1))


def by_rows(function: Callable[[FloatArray], FloatArray], eta: FloatArray) -> FloatArray:
    """A function of (rows, K) at the rows of all draws, shape (draws, n)."""
    draws, n, n_classes = eta.shape
    return function(eta.reshape(-1, n_classes)).reshape(draws, n)


def class_log_prior(
    model: Model, data: Data, posterior: ClassPosterior, drawn: Parameters
) -> dict[str, FloatArray]:
    """log p of each coefficient and intercept given the scales, and of each scale.

    Flat and pinned entries count 0.
    """
    stated, p = with_unknowns_at_one(model), data.p
    factor = posterior.factors(drawn.scalars)[..., None, :]
    on_coef, on_intercept = stated.coefficient_penalty(data), stated.intercept_penalty()
    horseshoe = posterior.horseshoe
    found = {"coef": scaled_density(on_coef, drawn.coef, factor[..., :p], horseshoe[:p]) + 0.0}
    if drawn.intercept is not None and on_intercept is not None:
        column = drawn.intercept[..., None]
        last = scaled_density(on_intercept, column, factor[..., p:], horseshoe[p:])
        found["intercept"] = last[..., 0] + 0.0
    for name, prior in posterior.scalars.items():
        found[name] = np.asarray(prior.log_density(drawn.scalars[name]))
    return found
