"""The block of a matrix that belongs to chosen coefficients, copied row by row."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def free_block(H: np.ndarray, free: np.ndarray, size: np.ndarray, block: np.ndarray) -> None:
    """The lower triangle of ``block``: H over ``free``, rows and columns divided by ``size``.

    ``size`` is the root of the diagonal that is wanted, so that its entries become 1.
    """
    by_size = 1.0 / size
    for a in range(free.size):
        row = H[free[a]]
        for b in range(a):
            block[a, b] = row[free[b]] * by_size[b] * by_size[a]
        block[a, a] = 1.0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def square_block(H: np.ndarray, chosen: np.ndarray, block: np.ndarray) -> None:
    """block = H over ``chosen``, symmetric."""
    for a in range(chosen.size):
        row = H[chosen[a]]
        for b in range(chosen.size):
            block[a, b] = row[chosen[b]]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def rectangle(
    H: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: np.ndarray, block: np.ndarray
) -> None:
    """The first rows of ``block``: H over ``rows`` and ``columns``, columns divided by ``size``."""
    by_size = 1.0 / size
    for a in range(rows.size):
        row = H[rows[a]]
        for b in range(columns.size):
            block[a, b] = row[columns[b]] * by_size[b]
