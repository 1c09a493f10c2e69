"""Coefficients and intercepts from any software, as arrays of the right shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.errors import DataError, DataTypeError


def coefficient_vector(
    coef: Any, p: int, argument: str = "coef", entry: str = "column"
) -> FloatArray:
    """``coef`` as an array of length p."""
    array = np.ma.asanyarray(coef) if isinstance(coef, np.ma.MaskedArray) else np.asarray(coef)
    if array.shape == (1, p) and p > 1:
        array = array[0]  # as scikit-learn's classifiers have it
    if isinstance(array, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
        raise DataTypeError(f"{argument} must be real numbers; got {_checks.shown(coef)}")
    if array.shape != (p,):
        raise DataError(
            f"{argument} must have shape ({p},), one entry per {entry}; got {array.shape}"
        )
    return np.asarray(array, dtype=np.float64)


def coefficient_matrix(coef: Any, n_classes: int, p: int) -> FloatArray:
    """``coef`` as an array of shape (K, p)."""
    array = np.asarray(coef)
    if isinstance(coef, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
        raise DataTypeError(f"coef must be real numbers; got {_checks.shown(coef)}")
    if array.shape != (n_classes, p):
        raise DataError(
            f"coef must have shape ({n_classes}, {p}), a row per class and an entry per column; "
            f"got {array.shape}. (The number of classes is the largest code in y plus 1, unless "
            "Multinomial(classes=K) states it)"
        )
    return np.asarray(array, dtype=np.float64)


def class_intercepts(intercept: Any, n_classes: int) -> FloatArray:
    """``intercept`` as an array of length K; one number is meant for every class."""
    if np.ndim(intercept) == 0 and not isinstance(intercept, np.ma.MaskedArray):
        intercept = [intercept] * n_classes
    return coefficient_vector(intercept, n_classes, "intercept", "class")


def class_differences(coef: FloatArray) -> FloatArray:
    """coef (..., K, p), columns less their first entry where that is exact (Sterbenz).

    What all classes share cancels in a softmax, and may drown the rest in the rounding of X w.
    """
    low, high = coef.min(axis=-2, keepdims=True), coef.max(axis=-2, keepdims=True)
    with np.errstate(over="ignore"):
        near = ((low > 0) & (high <= 2 * low)) | ((high < 0) & (low >= 2 * high))
    return coef - np.where(near, coef[..., :1, :], 0.0) if near.any() else coef
