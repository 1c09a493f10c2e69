"""Coefficients of K classes as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesreg._tables import Table, number
from bayesreg._types import FloatArray

# More classes than this stand one below the other.
_SIDE_BY_SIDE = 8


def class_table(names: Sequence[str], values: FloatArray) -> Table:
    """A row per coefficient and a column per class; many classes: a row for each pair.

    ``values`` is (K, rows) for as many names as rows; exact zeros are shown as 0.
    """
    n_classes = len(values)
    if n_classes <= _SIDE_BY_SIDE:
        header = ("coefficient", *(f"class {k}" for k in range(n_classes)))
        rows = [(name, *(number(v, 6) for v in values[:, j])) for j, name in enumerate(names)]
        return Table(header, tuple(rows))
    pairs: list[tuple[str, ...]] = [
        (name, str(k), number(values[k, j], 6))
        for j, name in enumerate(names)
        for k in np.arange(n_classes).tolist()
    ]
    return Table(("coefficient", "class", "MAP"), tuple(pairs))
