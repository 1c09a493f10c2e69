"""What other libraries hold numbers in: pandas, polars and pyarrow, known by their interface only.

Their columns' names, their dtypes, their values as arrays, and the labels of their rows.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import numpy as np

from bayesreg.errors import DataError, DataTypeError

# Column types that convert to float64 without reinterpretation; numpy would also turn dates,
# categories and digits in text into numbers.
_NUMERIC = re.compile(r"(torch\.|sparse\[)?(u?int\d|float|double|half|bool|decimal|object)", re.I)


def column_names(X: Any) -> tuple[str, ...] | None:
    """Columns of a frame or table as text (unnamed ones are numbered by pandas); else None."""
    columns = getattr(X, "column_names" if _is_arrow_table(X) else "columns", None)
    return None if columns is None else tuple(str(name) for name in columns)


def as_array(values: Any, argument: str) -> Any:
    """Anything that holds numbers as a numpy array of whatever dtype."""
    _require_values(values, argument)
    _require_numeric_dtypes(values, argument)
    try:
        if _is_arrow_table(values):
            return np.column_stack([np.asarray(values.column(j)) for j in range(_width(values))])
        if hasattr(values, "to_numpy") and not _is_arrow_array(values):
            return _frame_array(values)
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataTypeError(
            f"{argument} cannot be read as an array of numbers: {error}. "
            "Pass a numeric array with rows of equal length"
        ) from error


def require_same_rows(**parts: Any) -> None:
    """Refuse pandas objects whose rows are labelled differently: they are read by position.

    An index that only counts, 0, 1, ..., says nothing unless the other holds those labels in
    another order.
    """
    labelled = {name: part.index for name, part in parts.items() if _has_labels(part)}
    for (first, one), (second, two) in combinations(labelled.items(), 2):
        if one is two or len(one) != len(two) or one.equals(two):
            continue
        shuffled = bool(np.all(two.isin(one)) and np.all(one.isin(two)))
        if not shuffled and (_only_counts(one) or _only_counts(two)):
            continue
        row = next((i for i in range(len(one)) if one[i] != two[i]), 0)
        what = "the same labels in another order" if shuffled else "different labels"
        remedy = f"pass {second}.reindex({first}.index)" if shuffled else "select the same rows"
        raise DataError(
            f"the indexes of {first} and {second} hold {what}: {one[row]!r} and {two[row]!r} in "
            f"row {row}. Rows are taken by position: {remedy} if they belong together by label, "
            f"pass {second}.to_numpy() if they do by position"
        )


def require_column_order(values: Any, names: tuple[str, ...], argument: str) -> None:
    """Refuse a Series (or a frame with a row per class) whose labels are not the columns."""
    labels = getattr(values, "columns", getattr(values, "index", None))
    if labels is None or not hasattr(labels, "equals") or _only_counts(labels):
        return
    found = tuple(str(label) for label in labels)
    if len(found) != len(names) or found == names:
        return
    j = next(j for j in range(len(names)) if found[j] != names[j])
    raise DataError(
        f"{argument} is labelled {found[j]!r} where the data have column {names[j]!r}; entries "
        f"are taken by position. Pass {argument}[list(data.names)] for that order, or "
        f"{argument}.to_numpy() if it is in order already"
    )


def _is_arrow_table(values: Any) -> bool:
    return hasattr(values, "column_names") and hasattr(values, "schema")


def _is_arrow_array(values: Any) -> bool:
    return hasattr(values, "type") and not hasattr(values, "dtype") and hasattr(values, "__array__")


def _width(table: Any) -> int:
    """Columns of an arrow table, of which there must be one at least to be stacked."""
    if not table.column_names:
        raise ValueError("it has no columns")
    return len(table.column_names)


def _has_labels(values: Any) -> bool:
    return hasattr(getattr(values, "index", None), "equals")


def _only_counts(index: Any) -> bool:
    """A default index: 0, 1, ..."""
    return (getattr(index, "start", None), getattr(index, "step", None)) == (0, 1)


def _require_values(values: Any, argument: str) -> None:
    kind = type(values).__name__
    if hasattr(values, "collect") and not (hasattr(values, "to_numpy") or _is_arrow_table(values)):
        raise DataTypeError(
            f"{argument} is a {kind}, which holds a query and no numbers yet; call .collect()"
        )
    if isinstance(values, dict):
        table = f"make a table of its columns: pandas.DataFrame({argument})"
        remedy = table if argument == "X" else f"pass list({argument}.values())"
        raise DataTypeError(f"{argument} must be real numbers; got a dict; {remedy}")


def _frame_array(values: Any) -> Any:
    """A DataFrame or Series as an array; pandas' nullable missing values become NaN."""
    if any("object" in str(dtype) for _, dtype in _dtypes(values)):
        return values.to_numpy()
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return values.to_numpy()


def _dtypes(values: Any) -> list[tuple[str, Any]]:
    """What is to be called what in a message, and its dtype; empty for plain arrays and lists."""
    if _is_arrow_table(values):
        named = zip(values.column_names, values.schema.types, strict=True)
        return [(f" column {name!r}", kind) for name, kind in named]
    if _is_arrow_array(values):
        return [("", values.type)]
    if hasattr(values, "columns") and hasattr(values, "dtypes"):
        named = zip(values.columns, values.dtypes, strict=True)
        return [(f" column {name!r}", dtype) for name, dtype in named]
    if hasattr(values, "dtype") and not isinstance(values.dtype, np.dtype):
        return [("", values.dtype)]
    return [("", values.dtype)] if hasattr(values, "to_numpy") else []


def _require_numeric_dtypes(values: Any, argument: str) -> None:
    for name, dtype in _dtypes(values):
        if not _NUMERIC.match(str(dtype).lstrip("<>=|")):
            raise DataTypeError(
                f"{argument}{name} has dtype {dtype}; code it as real numbers first "
                "(for categories: one 0/1 column per level but one)"
            )
