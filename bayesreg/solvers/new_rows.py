"""New rows to predict at: the columns of a fit, in its order."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._frames import column_names
from bayesreg.data import Data
from bayesreg.errors import DataError


def new_rows(
    X: Any, offset: Any, names: tuple[str, ...], needs_offset: bool, say_names: str, **more: Any
) -> Data:
    """Rows as checked data, without a target; 0 where there is no offset.

    ``say_names`` is how the user writes ``names``; ``more`` is given to :class:`Data`.

    Raises
    ------
    DataError, DataTypeError
        Naming what cannot be used and where.
    """
    if offset is None and needs_offset:
        raise DataError(
            "the data of the fit had an offset, and predictions need that of the rows of X: "
            "pass offset= (one number, or one per row; offset=0.0 for none)"
        )
    offset = 0.0 if offset is None else offset
    _refuse_one_row(X, len(names))
    rows = _rows(X)
    one_number = not np.iterable(offset) or isinstance(offset, str | bytes)
    each = np.full(rows, offset) if one_number else offset
    data = Data(X, np.zeros(rows), offset=each, **more)
    if data.p != len(names):
        raise DataError(
            f"X has {data.p} columns, but the fit is on {len(names)} "
            f"({_some(names)}); pass those columns, in this order"
        )
    if column_names(X) is not None and _reordered(data.names, names):
        is_arrow = hasattr(X, "column_names")
        chosen = f"X.select(list({say_names}))" if is_arrow else f"X[list({say_names})]"
        raise DataError(
            f"X has the columns of the fit in another order ({_some(data.names)} instead of "
            f"{_some(names)}); pass {chosen}"
        )
    return data


def _refuse_one_row(X: Any, p: int) -> None:
    """A single row is no table, nor the one column that Data takes it for."""
    listed = isinstance(X, list | tuple) and all(np.ndim(entry) == 0 for entry in X)
    if (len(X),) == (p,) if listed else getattr(X, "shape", None) == (p,):
        raise DataError(
            f"X must be two-dimensional (m, {p}); got shape ({p},), one row: use "
            "numpy.asarray(X).reshape(1, -1)"
        )


def _rows(X: Any) -> int:
    """How many rows X has, 0 where it has none; Data says what is wrong then."""
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else 0
    return len(X) if hasattr(X, "__len__") else 0


def _reordered(found: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return found != names and set(found) == set(names)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
