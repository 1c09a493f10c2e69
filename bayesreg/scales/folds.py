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
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import Bernoulli
from bayesreg.model import Model, column_deviation


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


def make_folds(model: Model, data: Data, folds: Any) -> tuple[Model, list[Fold]]:
    """The model without ``standardize``, and the folds of the data in its units.

    Parameters
    ----------
    folds : int, splitter of scikit-learn, or iterable of (train, test) positions
        An integer means consecutive blocks, as in scikit-learn; stratified for Bernoulli data.

    Raises
    ------
    ModelError, DataError
        For folds that cannot be made, or a training set without rows of positive weight.
    """
    model, data = in_standard_units(model, data)
    found = []
    for train, test in _splits(model, data, folds):
        found.append(Fold(data, _positions(train, data), _positions(test, data)))
    return model, found


def _positions(rows: Any, data: Data) -> IntArray:
    """From 0 on, of some rows at least."""
    rows = np.asarray(rows)
    found: IntArray = np.arange(data.y.size)[rows]
    if not found.size:
        raise DataError("a fold has no rows; give fewer folds, or splits that are not empty")
    return found


def number_of_folds(model: Model, data: Data, folds: Any) -> int:
    """How many there will be; 0 where only making them tells."""
    if isinstance(folds, int) and not isinstance(folds, bool):
        return folds
    count = getattr(folds, "get_n_splits", None)
    return int(count(data.X, data.y)) if callable(count) else len(folds) if _sized(folds) else 0


def _sized(folds: Any) -> bool:
    return hasattr(folds, "__len__")


def in_standard_units(model: Model, data: Data) -> tuple[Model, Data]:
    """The same predictions from columns that are divided by their deviation already."""
    if not model.standardize:
        return model, data
    deviation = column_deviation(data)
    constant = deviation == 0
    # A constant column stays at loc, and says nothing beside a flat intercept.
    X = np.where(constant, 0.0, data.X / np.where(constant, 1.0, deviation))
    scaled = Data(X, data.y, data.weights, data.offset, data.names, data.trials)
    return replace(model, standardize=False), scaled


def take_rows(data: Data, rows: IntArray) -> Data:
    """Some of the rows."""
    weights, offset, trials = (
        None if part is None else part[rows] for part in (data.weights, data.offset, data.trials)
    )
    return Data(data.X[rows], data.y[rows], weights, offset, data.names, trials)


def _splits(model: Model, data: Data, folds: Any) -> Iterable[tuple[Any, Any]]:
    from sklearn.model_selection import check_cv

    if isinstance(folds, bool | str) or folds is None:
        raise ModelError(
            f"folds must be a whole number of at least 2, a splitter or pairs of positions; "
            f"got {_checks.shown(folds)}"
        )
    if isinstance(folds, int | np.integer) and not 2 <= folds <= data.n:
        raise ModelError(f"folds must be between 2 and the number of rows, {data.n}; got {folds}")
    splitter = check_cv(folds, data.y, classifier=isinstance(model.likelihood, Bernoulli))
    return splitter.split(data.X, data.y)


def row_log_density(model: Model, data: Data, coef: FloatArray, intercept: float) -> FloatArray:
    """log p(y_i | coef, intercept) for each row; NaN where its weight is 0."""
    terms = model.log_likelihood(data, coef, intercept)
    return terms if data.weights is None else np.where(data.weights > 0, terms, np.nan)
