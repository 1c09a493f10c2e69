"""scikit-learn's estimators made of estimators: a Pipeline with a StandardScaler, a search.

A penalty on the coefficients u_j of standardised columns is the model with ``standardize=True``:
w_j = u_j / sd_j, with the population sd.  The centring does not show, as long as a flat intercept
takes it up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.conventions._nats import Nats, bounded_like, is_nonnegative, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError
from bayesreg.model import column_deviation

_FITTED_ALONE = (
    "Nearest: transform the columns first, and pass the last step alone with Data of the "
    "transformed columns"
)


def unwrapped(estimator: Any) -> tuple[Any, Any]:
    """The estimator inside, and the StandardScaler before it or None.

    Raises
    ------
    ConversionError
        For a search that holds no fitted best estimator.
    NoEquivalentError
        For a Pipeline whose other steps are not one StandardScaler.
    """
    if not is_sklearn(estimator):
        return estimator, None
    if type(estimator).__name__.endswith("SearchCV"):
        if not hasattr(estimator, "best_estimator_"):
            raise ConversionError(
                f"this {type(estimator).__name__} has no best_estimator_: it is not fitted, or has "
                "refit=False. Fit it, or pass the estimator with best_params_ set"
            )
        return unwrapped(estimator.best_estimator_)
    if type(estimator).__name__ != "Pipeline" or not hasattr(estimator, "steps"):
        return estimator, None
    steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
    if not steps:
        raise ConversionError("this Pipeline has no estimator; add one as its last step")
    inner, scaler = unwrapped(steps[-1])
    others = [*steps[:-1], *([] if scaler is None else [scaler])]
    for step in others:
        if type(step).__name__ != "StandardScaler" or not is_sklearn(step) or len(others) > 1:
            raise NoEquivalentError(
                f"this Pipeline has the step {type(step).__name__} before its estimator"
                f"{' beside other steps' if len(others) > 1 else ''}: its coefficients are those "
                f"of other columns. {_FITTED_ALONE}"
            )
    return inner, others[0] if others else None


def search_of(estimator: Any) -> Any:
    """The search that holds the estimator, or None."""
    if not is_sklearn(estimator):
        return None
    if type(estimator).__name__.endswith("SearchCV"):
        return estimator
    steps = getattr(estimator, "steps", None)
    return search_of(steps[-1][1]) if steps else None


def is_sklearn(estimator: Any) -> bool:
    """Whether the class is scikit-learn's own."""
    return type(estimator).__module__.split(".")[0] == "sklearn"


def standardizes(scaler: Any, nats: Nats, data: Data | None, target: str) -> bool:
    """Whether the prior is one on standardised columns.

    Raises
    ------
    ConversionError
        When the scaler's standard deviations are not those of the data with their weights.
    NoEquivalentError
        When centring moves a prior of the intercept, or there is none to take it up.
    """
    if scaler is None:
        return False
    flat = nats.intercept is not None and not nats.has_proper_intercept
    if scaler.with_mean and not flat:
        state = "no intercept" if nats.intercept is None else "a penalised intercept"
        raise NoEquivalentError(
            f"this Pipeline centres the columns, and its {target} has {state}: that prior is at "
            "the mean of the columns, not at 0. Nearest: StandardScaler(with_mean=False), or a "
            "free intercept"
        )
    if not scaler.with_std:
        return False
    if data is not None:
        _require_its_deviation(scaler, data, flat)
    return True


def _require_its_deviation(scaler: Any, data: Data, flat: bool) -> None:
    deviation = column_deviation(data)
    variance = getattr(scaler, "var_", None)
    if variance is None and data.weights is not None:
        raise ConversionError(
            "this Pipeline is not fitted, and whether its StandardScaler will see the weights of "
            "the data cannot be known. Pass the fitted Pipeline"
        )
    if variance is not None and not np.allclose(
        np.sqrt(variance), deviation, rtol=1e-8, atol=1e-12 * float(np.max(deviation, initial=0.0))
    ):
        raise ConversionError(
            "this Pipeline's StandardScaler has other standard deviations than data: they are "
            "other rows, or it was fitted without their weights. Pass the data it was fitted to, "
            "and fit it with standardscaler__sample_weight= as well as the estimator's own"
        )
    if np.any(deviation == 0) and not flat:
        raise NoEquivalentError(
            f"column {int(np.argmin(deviation))} is constant, and without a flat intercept "
            "StandardScaler leaves it in the model. Nearest: leave the column out"
        )


def on_original_columns(nats: Nats, setting: Setting) -> Nats:
    """|u_j| / b = sd_j |w_j| / b:  l1_j = l1 sd_j,  l2_j = l2 sd_j^2."""
    sd = np.asarray(setting.quantity("sd_x"))
    if np.any(sd == 0):
        raise NoEquivalentError(
            f"column {int(np.argmin(sd))} is constant: standardised, it is 0. Nearest: leave the "
            "column out"
        )
    penalty = per_column(nats.penalty.l1 * sd, nats.penalty.l2 * sd**2)
    if is_nonnegative(nats.penalty):
        penalty = bounded_like(penalty, lower=0.0)
    return replace(nats, penalty=penalty)
