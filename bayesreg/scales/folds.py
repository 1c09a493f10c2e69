"""Cross-validation folds of Data, with the prior fixed over them.

``standardize`` is resolved on all rows first: a fold keeps the prior of the whole, whatever the
spread of its own columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray, IntArray
from bayesreg.data import Data
from bayesreg.errors import BayesregError, DataError, ModelError
from bayesreg.likelihoods import Bernoulli
from bayesreg.model import Model, column_deviation
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.target import with_unknowns_at_one


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to fit and rows to predict, as positions in the whole."""

    whole: Data
    fitted: IntArray
    predicted: IntArray

    @cached_property
    def train(self) -> Data:
        return take_rows(self.whole, self.fitted)

    @cached_property
    def test(self) -> Data:
        return take_rows(self.whole, self.predicted)


#: Rows to fit and rows to predict, for each fold.
Splits = list[tuple[IntArray, IntArray]]


def make_folds(model: Model, data: Data, folds: Any) -> tuple[Model, list[Fold]]:
    """The model without ``standardize``, and the folds of the data in its units.

    ``folds`` as in :func:`find_splits`, or what it found.
    """
    splits = find_splits(model, data, folds)
    model, data = in_standard_units(model, data)
    return model, [Fold(data, train, test) for train, test in splits]


def find_splits(model: Model, data: Data, folds: Any) -> Splits:
    """Positions of the rows of each fold, without rows of weight 0.

    Parameters
    ----------
    folds : int, splitter of scikit-learn, or iterable of (train, test) positions
        An integer means consecutive blocks of the rows of positive weight, as in scikit-learn;
        stratified for Bernoulli data.

    Raises
    ------
    ModelError, DataError
        For folds that cannot be made, or that leave no row to fit or to predict.
    """
    used = used_rows(data)
    counted = isinstance(folds, int | np.integer)
    rows = used if counted else np.arange(data.y.size)
    try:
        found = [
            (_positions(rows, train, used), _positions(rows, test, used))
            for train, test in _pairs(model, data.X[rows], data.y[rows], folds)
        ]
    except BayesregError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{_WHAT_FOLDS_ARE}; got {_checks.shown(folds)}: {error}") from None
    if not found:
        raise ModelError(f"{_WHAT_FOLDS_ARE}; got none, or an iterator that was used up before")
    return found


_WHAT_FOLDS_ARE = (
    "folds must be a whole number of at least 2, a splitter or pairs (train, test) of positions"
)


def _pairs(model: Model, X: Any, y: FloatArray, folds: Any) -> Iterable[tuple[Any, Any]]:
    from sklearn.model_selection import check_cv

    if isinstance(folds, bool | str) or folds is None:
        raise ModelError(f"{_WHAT_FOLDS_ARE}; got {_checks.shown(folds)}")
    if isinstance(folds, int | np.integer) and not 2 <= folds <= y.size:
        raise ModelError(f"folds must be between 2 and the number of rows, {y.size}; got {folds}")
    splitter = check_cv(folds, y, classifier=isinstance(model.likelihood, Bernoulli))
    pairs: Iterable[tuple[Any, Any]] = splitter.split(X, y)
    return pairs


def _positions(rows: IntArray, chosen: Any, used: IntArray) -> IntArray:
    """From 0 on in the whole, of some rows of positive weight at least."""
    chosen = np.asarray(chosen)
    found: IntArray = rows[chosen] if chosen.size else rows[:0]
    found = found[np.isin(found, used)]
    if not found.size:
        raise DataError(
            "a fold has no rows of positive weight to fit, or none to predict; give fewer folds, "
            "or splits that have some on both sides"
        )
    return found


def in_standard_units(model: Model, data: Data) -> tuple[Model, Data]:
    """The same predictions from columns that are divided by their deviation already."""
    if not model.standardize:
        return model, data
    deviation = column_deviation(data)
    constant = deviation == 0
    # A constant column stays at loc: what it adds is an offset.
    X = np.where(constant, 0.0, data.X / np.where(constant, 1.0, deviation))
    offset = data.offset
    if constant.any():
        loc = with_unknowns_at_one(model).coefficient_penalty(data).loc
        held = data.X[:, constant] @ loc[constant]
        offset = held if offset is None else offset + held
    scaled = Data(X, data.y, data.weights, offset, data.names, data.trials)
    return replace(model, standardize=False), scaled


def take_rows(data: Data, rows: IntArray) -> Data:
    """Some of the rows."""
    weights, offset, trials = (
        None if part is None else part[rows] for part in (data.weights, data.offset, data.trials)
    )
    return Data(data.X[rows], data.y[rows], weights, offset, data.names, trials)


def row_log_density(model: Model, data: Data, coef: FloatArray, intercept: float) -> FloatArray:
    """log p(y_i | coef, intercept) for each row; NaN where its weight is 0."""
    terms = model.log_likelihood(data, coef, intercept)
    return terms if data.weights is None else np.where(data.weights > 0, terms, np.nan)
