"""Data: X, y, weights and offset as checked float64 arrays, with names.

Every way of passing data ends here or in an error that says what was found and where.  Values
are never altered: no centring, no scaling, no dropping of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Complex, Real
from typing import Any

import numpy as np

from bayesreg._checks import LARGEST, SMALLEST, shown
from bayesreg._frames import as_array, column_names, require_same_rows
from bayesreg._types import FloatArray
from bayesreg.design import Design, column_range, is_sparse, largest_entries
from bayesreg.errors import DataError, DataTypeError


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Data:
    """Observations for a regression.

    Parameters
    ----------
    X : (n, p) array, DataFrame (pandas, polars), pyarrow Table or scipy sparse matrix
        Numeric. float64 arrays, and CSC matrices of them with sorted indices, are used as they are
        (no copy), the rest is converted; sparse formats become CSC and are never made dense by
        ``find_map``.
    y : (n,) array or Series
        Target. What is possible depends on the likelihood, which checks it. Rows are matched by
        position; pandas indexes that say otherwise are refused.
    weights : (n,) array, optional
        Non-negative, not all 0. Precision weights for a Gaussian likelihood (variance
        sigma^2 / s_i), multipliers of the log likelihood otherwise.
    offset : (n,) array, optional
        Added to the linear predictor.
    names : sequence of p distinct strings, optional
        Default: the columns of a DataFrame or Table, else x0, x1, ...
    trials : (n,) array, optional
        Whole numbers of at least 1, for ``Binomial()``: y counts the successes among them.

    Raises
    ------
    DataError, DataTypeError
        Naming the argument, what was found, where, and what to do.
    """

    X: Design
    y: FloatArray
    weights: FloatArray | None
    offset: FloatArray | None
    names: tuple[str, ...]
    trials: FloatArray | None

    def __init__(
        self,
        X: Any,
        y: Any,
        weights: Any = None,
        offset: Any = None,
        names: Sequence[str] | None = None,
        trials: Any = None,
    ) -> None:
        matrix, entries = _matrix(X)
        n, p = matrix.shape
        given = {
            "X": matrix,
            "y": _vector(y, "y", n),
            "weights": None if weights is None else _weights(weights, n),
            "offset": None if offset is None else _vector(offset, "offset", n),
            "names": _names(column_names(X) if names is None else names, p),
            "trials": None if trials is None else _trials(trials, n),
        }
        require_same_rows(X=X, y=y, weights=weights, offset=offset, trials=trials)
        for name, value in given.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_entries", entries)

    @property
    def entries(self) -> tuple[FloatArray, FloatArray]:
        """Least and largest entry of each column, known since X was checked.

        Of a sparse X minus and plus the largest size.
        """
        entries: tuple[FloatArray, FloatArray] = self._entries  # type: ignore[attr-defined]
        return entries

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
        return int(self.X.shape[1])

    def to_dense(self) -> Data:
        """The same data with X as a dense array."""
        if not is_sparse(self.X):
            return self
        return Data(self.X.toarray(), self.y, self.weights, self.offset, self.names, self.trials)

    def __repr__(self) -> str:
        extra = [
            name for name in ("weights", "offset", "trials") if getattr(self, name) is not None
        ]
        extra += ["sparse"] if is_sparse(self.X) else []
        return f"Data(n={self.n}, p={self.p}{''.join(', ' + e for e in extra)})"


def _matrix(X: Any) -> tuple[Design, tuple[FloatArray, FloatArray]]:
    """X as it is used inside, with the range of its columns."""
    if is_sparse(X):
        return _sparse_matrix(X)
    matrix = _numbers(X, "X")
    _require_table(matrix.shape)
    with np.errstate(invalid="ignore"):
        low, high = column_range(matrix)
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        _require_finite(matrix, "X")
    return _read_only(matrix), (low, high)


def _require_table(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        hint = "; use X.reshape(-1, 1) for a single column" if len(shape) == 1 else ""
        raise DataError(f"X must be two-dimensional (n, p); got shape {shape}{hint}")
    if 0 in shape:
        raise DataError(f"X must have at least one row and one column; got shape {shape}")


def _sparse_matrix(X: Any) -> tuple[Design, tuple[FloatArray, FloatArray]]:
    """CSC in canonical form: float64, sorted, duplicates summed, no stored zeros.

    The arrays of the user's X where they are that already; the range is minus and plus the largest
    size of each column.
    """
    from scipy.sparse import csc_array

    _require_table(X.shape)
    if X.dtype.kind not in "biuf":
        raise DataTypeError(f"X must be real numbers; got a sparse matrix of dtype {X.dtype}")
    given = csc_array(X, dtype=np.float64)
    # A new object, so that its form is looked at and not remembered.
    parts = (np.ascontiguousarray(part) for part in (given.data, given.indices, given.indptr))
    matrix = csc_array(tuple(parts), shape=given.shape)
    if not (matrix.has_canonical_format and np.all(matrix.data)):
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    largest = largest_entries(matrix)
    if not np.all(np.isfinite(largest)):
        _require_finite_entries(matrix)
    for name in ("data", "indices", "indptr"):
        setattr(matrix, name, _read_only(getattr(matrix, name)))
    return matrix, (-largest, largest)


def _require_finite_entries(matrix: Design) -> None:
    bad = np.flatnonzero(~np.isfinite(matrix.data))
    row = matrix.indices[bad[0]]
    column = int(np.searchsorted(matrix.indptr, bad[0], side="right")) - 1
    raise DataError(
        f"X must be finite; found {float(matrix.data[bad[0]])!r} "
        f"{_position((int(row), column), 'X')} ({bad.size} entries that are NaN or infinite). "
        "Drop those rows or impute them"
    )


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
        raise DataError(
            f"{argument} has {vector.size} entries but X has {n} rows; give one entry per row, in "
            "the order of X (rows that were dropped from one must go from both)"
        )
    _require_finite(vector, argument)
    _require_moderate(vector, argument)
    return _read_only(vector)


def _weights(values: Any, n: int) -> FloatArray:
    weights = _vector(values, "weights", n)
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        first = negative[0]
        raise DataError(
            f"weights must not be negative; found {float(weights[first])!r} in row {first} "
            f"({negative.size} such rows)"
        )
    tiny = np.flatnonzero((weights > 0) & (weights < SMALLEST))
    if tiny.size:
        raise DataError(
            f"weights must be 0 or at least {SMALLEST:g}; found {float(weights[tiny[0]])!r} in "
            f"row {tiny[0]}. Multiply them all by one factor (and sigma by its root)"
        )
    if not weights.any():
        raise DataError("weights are all 0: no row is left to learn from")
    return weights


def _trials(values: Any, n: int) -> FloatArray:
    trials = _vector(values, "trials", n)
    # Beyond 2^53 neighbouring whole numbers are no longer told apart.
    wrong = np.flatnonzero((trials < 1) | (trials != np.floor(trials)) | (trials > 2.0**53))
    if wrong.size:
        raise DataError(
            f"trials must be whole numbers from 1 to 2^53; found {float(trials[wrong[0]])!r} in "
            f"row {wrong[0]} ({wrong.size} such rows). Drop rows without trials"
        )
    return trials


def _names(names: Any, p: int) -> tuple[str, ...]:
    if names is None:
        return _default_names(p)
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise DataTypeError(f"names must be a sequence of {p} strings; got {shown(names)}")
    listed = tuple(names)
    for j, name in enumerate(listed):
        if not isinstance(name, str):
            raise DataTypeError(f"names must be strings; names[{j}] is {shown(name)}")
    listed = tuple(str(name) for name in listed)
    if len(listed) != p:
        raise DataError(
            f"names has {len(listed)} entries but X has {p} columns; give one name per column, "
            "and none for the intercept"
        )
    if len(set(listed)) != p:
        twice = next(name for name in listed if listed.count(name) > 1)
        raise DataError(f"names must be distinct; {twice!r} occurs {listed.count(twice)} times")
    return listed


@lru_cache(maxsize=8)
def _default_names(p: int) -> tuple[str, ...]:
    return tuple([f"x{j}" for j in range(p)])


def _numbers(values: Any, argument: str) -> FloatArray:
    """``values`` as float64, refusing everything that would have to be guessed."""
    if values is None:
        raise DataTypeError(f"{argument} is None; pass an array of numbers")
    rows = values if isinstance(values, list | tuple) else ()
    if any(isinstance(part, np.ma.MaskedArray) for part in (values, *rows)):
        raise DataTypeError(
            f"{argument} is a masked array and its mask would be lost; "
            "drop or impute the masked entries first"
        )
    array = as_array(values, argument)
    if array.dtype.kind in "biuf":
        return np.asarray(array, dtype=np.float64)
    if array.dtype.kind == "O":
        return _from_objects(array, argument)
    kinds = {"c": "complex", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    if array.dtype.names:
        raise DataTypeError(
            f"{argument} must be real numbers; got a structured array with the fields "
            f"{', '.join(array.dtype.names)}. Convert it: "
            f"numpy.lib.recfunctions.structured_to_unstructured({argument})"
        )
    kind = kinds.get(array.dtype.kind, "other values")
    raise DataTypeError(
        f"{argument} must be real numbers; got {kind} (dtype {array.dtype}). "
        "Convert it to numbers explicitly"
    )


def _from_objects(array: Any, argument: str) -> FloatArray:
    numbers = np.empty(array.shape)
    for index, value in np.ndenumerate(array):
        numbers[index] = _from_object(value, index, argument)
    return numbers


def _from_object(value: Any, index: tuple[int, ...], argument: str) -> float:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return np.nan
    where = _position(index, argument)
    refused = str | bytes | np.datetime64 | np.timedelta64 | np.ma.core.MaskedConstant
    imaginary = isinstance(value, Complex) and not isinstance(value, Real)
    if isinstance(value, refused) or imaginary or not hasattr(value, "__float__"):
        raise DataTypeError(f"{argument} must be real numbers; found {shown(value)} {where}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataTypeError(
            f"{argument} must be real numbers; found {shown(value)} {where}: {error}"
        ) from error


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


def _require_moderate(vector: FloatArray, argument: str) -> None:
    """Entries whose squares are numbers."""
    beyond = np.flatnonzero(np.abs(vector) > LARGEST)
    if beyond.size:
        raise DataError(
            f"{argument} must be at most {LARGEST:g} in size, so that its squares are numbers; "
            f"found {float(vector[beyond[0]])!r} in row {beyond[0]}. Use other units"
        )


def _read_only(array: FloatArray) -> FloatArray:
    view = array.view()
    view.flags.writeable = False
    return view
