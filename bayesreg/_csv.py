"""A CSV file as a DataFrame, or an error that says which line is wrong.

pandas alone would take extra fields for row names, rename columns that occur twice, unpack archives
and fetch addresses; none of that is wanted from a path given on a command line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayesreg.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path) -> pd.DataFrame:
    """The table in a comma-separated text file with one header line.

    Raises
    ------
    DataError
        With the path, the line where there is one, and the remedy.
    """
    import pandas as pd

    text = _file_text(path)
    _check_table(text, path)
    try:
        # One type per column, and never a column as row names.
        return pd.read_csv(io.StringIO(text), index_col=False, low_memory=False)
    except (ValueError, OverflowError) as error:
        raise _not_csv(path, error) from None


def _file_text(path: Path) -> str:
    """As it is: nothing is unpacked or fetched."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise DataError(f"no file {str(path)!r}; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{str(path)!r} is a directory; give a CSV file") from None
    except PermissionError:
        raise DataError(f"{str(path)!r} may not be read; check its permissions") from None
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{str(path)!r} cannot be read: {reason}; check the path") from None
    except ValueError as error:
        raise _not_csv(path, error) from None


def _check_table(text: str, path: Path) -> None:
    """A header of distinct names, and as many fields in every row."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = ((reader.line_num, row) for row in reader if len(row) > 1 or "".join(row).strip())
        _, header = next(rows, (0, []))
        _check_header(header, path)
        for line, row in rows:
            if len(row) != len(header):
                raise DataError(
                    f"{str(path)!r}, line {line}: {len(row)} fields, but the header names "
                    f"{len(header)} columns; give every row one field for each column (a name for "
                    "row labels too)"
                )
    except csv.Error as error:
        raise _not_csv(path, f"line {reader.line_num}: {error}") from None


def _check_header(header: Sequence[str], path: Path) -> None:
    if not header:
        raise _not_csv(path, "it is empty")
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise DataError(
            f"{str(path)!r} has {header.count(twice)} columns called {twice!r}; rename them so "
            "that the names are distinct"
        )
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise DataError(
                f"{str(path)!r} has the one column {header[0]!r}, which looks like several "
                f"separated by {name}; save it with commas (and decimal points)"
            )


def _not_csv(path: Path, reason: object) -> DataError:
    return DataError(
        f"{str(path)!r} cannot be read as CSV: {str(reason).strip()}. Give UTF-8 text with a "
        "header line and commas, not compressed"
    )
