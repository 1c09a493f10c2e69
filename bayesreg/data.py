"""Data: X, y, weights and offset as checked float64 arrays, with names.

Every way of passing data ends here or in an error that says what was found and where.  Values
are never altered: no centring, no scaling, no dropping of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataError, DataTypeError


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Data:
    """Observations for a regression.

    Parameters
    ----------
    X : (n, p) array or DataFrame
        Dense, numeric. float64 arrays are used as they are (no copy), the rest is converted.
    y : (n,) array or Series
        Target. What is possible depends on the likelihood, which checks it.
    weights : (n,) array, optional
        Non-negative, not all 0. Precision weights for a Gaussian likelihood (variance
        sigma^2 / s_i), multipliers of the log likelihood otherwise.
    offset : (n,) array, optional
        Added to the linear predictor.
    names : sequence of p distinct strings, optional
        Default: the columns of a DataFrame, else x0, x1, ...

    Raises
    ------
    DataError, DataTypeError
        Naming the argument, what was found, where, and what to do.
    """

    X: FloatArray
    y: FloatArray
    weights: FloatArray | None
    offset: FloatArray | None
    names: tuple[str, ...]

    def __init__(
        self,
        X: Any,
        y: Any,
        weights: Any = None,
        offset: Any = None,
        names: Sequence[str] | None = None,
    ) -> None:
        matrix = _matrix(X)
        n, p = matrix.shape
        given = {
            "X": matrix,
            "y": _vector(y, "y", n),
            "weights": None if weights is None else _weights(weights, n),
            "offset": None if offset is None else _vector(offset, "offset", n),
            "names": _names(getattr(X, "columns", None) if names is None else names, p),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def n(self) -> int:
        """Number of rows with a positive weight."""
        return int(self.y.size if self.weights is None else np.count_nonzero(self.weights))

    @property
    def total_weight(self) -> float:
        """N, the sum of the weights."""
        return float(self.y.size if self.weights is None else np.sum(self.weights))

    @property
    def p(self) -> int:
        return self.X.shape[1]

    def __repr__(self) -> str:
        extra = [name for name in ("weights", "offset") if getattr(self, name) is not None]
        return f"Data(n={self.n}, p={self.p}{''.join(', ' + e for e in extra)})"


def _matrix(X: Any) -> FloatArray:
    if hasattr(X, "tocsc"):
        raise DataTypeError(
            "X is a scipy sparse matrix, which this version does not take; pass X.toarray()"
        )
    matrix = _numbers(X, "X")
    if matrix.ndim != 2:
        hint = "; use X.reshape(-1, 1) for a single column" if matrix.ndim == 1 else ""
        raise DataError(f"X must be two-dimensional (n, p); got shape {matrix.shape}{hint}")
    if 0 in matrix.shape:
        raise DataError(f"X must have at least one row and one column; got shape {matrix.shape}")
    _require_finite(matrix, "X")
    return _read_only(matrix)


def _vector(values: Any, argument: str, n: int) -> FloatArray:
    vector = _numbers(values, argument)
    if vector.ndim == 2 and vector.shape[1] == 1 and hasattr(values, "columns"):
        vector = vector[:, 0]
    if vector.ndim != 1:
        raise DataError(
            f"{argument} must be one-dimensional; got shape {vector.shape}"
            + ("; use .ravel()" if vector.ndim == 2 and 1 in vector.shape else "")
        )
    if vector.size != n:
        raise DataError(f"{argument} has {vector.size} entries but X has {n} rows")
    _require_finite(vector, argument)
    return _read_only(vector)


def _weights(values: Any, n: int) -> FloatArray:
    weights = _vector(values, "weights", n)
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        raise DataError(
            f"weights must not be negative; found {weights[negative[0]]!r} in row {negative[0]} "
            f"({negative.size} such rows)"
        )
    if not weights.any():
        raise DataError("weights are all 0: no row is left to learn from")
    return weights


def _names(names: Any, p: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"x{j}" for j in range(p))
    if isinstance(names, str):
        raise DataTypeError(f"names must be a sequence of {p} strings; got the string {names!r}")
    listed = tuple(str(name) for name in names)
    if len(listed) != p:
        raise DataError(f"names has {len(listed)} entries but X has {p} columns")
    if len(set(listed)) != p:
        twice = next(name for name in listed if listed.count(name) > 1)
        raise DataError(f"names must be distinct; {twice!r} occurs {listed.count(twice)} times")
    return listed


def _numbers(values: Any, argument: str) -> FloatArray:
    """``values`` as float64, refusing everything that would have to be guessed."""
    if isinstance(values, np.ma.MaskedArray):
        raise DataTypeError(
            f"{argument} is a masked array and its mask would be lost; "
            "drop or impute the masked entries first"
        )
    if hasattr(values, "dtypes") and hasattr(values, "columns"):
        _require_numeric_columns(values, argument)
    array = _as_array(values, argument)
    if array.dtype.kind in "biuf":
        return np.asarray(array, dtype=np.float64)
    if array.dtype.kind == "O":
        return _from_objects(array, argument)
    kinds = {"c": "complex", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    raise DataTypeError(
        f"{argument} must be real numbers; got {kinds.get(array.dtype.kind, array.dtype)} "
        f"(dtype {array.dtype}). Convert it to numbers explicitly"
    )


def _as_array(values: Any, argument: str) -> Any:
    try:
        if hasattr(values, "to_numpy"):
            return _frame_array(values)
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataTypeError(
            f"{argument} cannot be read as an array of numbers: {error}. "
            "Pass a numeric array with rows of equal length"
        ) from error


def _frame_array(values: Any) -> Any:
    """A DataFrame or Series as an array; pandas' nullable missing values become NaN."""
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return values.to_numpy()


def _require_numeric_columns(frame: Any, argument: str) -> None:
    for name in frame.columns:
        dtype = str(frame[name].dtype)
        if dtype == "category" or "datetime" in dtype or "timedelta" in dtype:
            raise DataTypeError(
                f"{argument} column {name!r} has dtype {dtype}; code it as numbers first "
                "(for categories: one 0/1 column per level but one)"
            )


def _from_objects(array: Any, argument: str) -> FloatArray:
    numbers = np.empty(array.shape)
    for index, value in np.ndenumerate(array):
        if isinstance(value, str | bytes | complex) or not hasattr(value, "__float__"):
            if value is not None and type(value).__name__ not in ("NAType", "NaTType"):
                where = _position(index, argument)
                raise DataTypeError(f"{argument} must be real numbers; found {value!r} {where}")
            value = np.nan
        numbers[index] = float(value)
    return numbers


def _position(index: tuple[int, ...], argument: str) -> str:
    return "at row " + ", column ".join(str(i) for i in index) if index else f"in {argument}"


def _require_finite(array: FloatArray, argument: str) -> None:
    # A finite sum proves every entry finite without a second array of the size of X.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(array)):
            return
    bad = np.argwhere(~np.isfinite(array))
    if not len(bad):
        return
    found = array[tuple(bad[0])]
    what = "NaN (missing)" if np.isnan(found) else repr(float(found))
    raise DataError(
        f"{argument} must be finite; found {what} {_position(tuple(bad[0]), argument)} "
        f"({len(bad)} entries that are NaN or infinite). Drop those rows or impute them"
    )


def _read_only(array: FloatArray) -> FloatArray:
    view = array.view()
    view.flags.writeable = False
    return view
