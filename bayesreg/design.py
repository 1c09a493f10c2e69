"""The design matrix, dense or sparse (CSC): the few products that everything else is made of.

A sparse matrix is never made dense: centring is carried along as a rank-one correction, and dense
blocks are formed only for columns or rows that the caller chose.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray

#: A float64 array (n, p), or a scipy.sparse.csc_array of the same.
Design: TypeAlias = Any

_ROWS_PER_BLOCK = 4096
_ROWS_PER_PRODUCT = 2048
_ENTRIES_PER_BLOCK = 32768
_COLUMNS_PER_PRODUCT = 512
# Beyond this ratio of raw to centred second moments the difference of the two has lost digits
# that a product of centred columns keeps.
_CENTRE_FIRST = 1e3


def is_sparse(X: Design) -> bool:
    """True for a scipy sparse array or matrix of any format."""
    return hasattr(X, "tocsc")


def column_squares(X: Design, by_row: FloatArray | None) -> FloatArray:
    """sum_i h_i x_ij^2 for each column; h = 1 for None."""
    if is_sparse(X):
        squares = X.data**2
        if by_row is None:
            return _by_column(np.add, X, squares)
        from scipy.sparse import csc_array

        sums: FloatArray = csc_array((squares, X.indices, X.indptr), shape=X.shape).T @ by_row
        return sums
    if by_row is None:
        return np.einsum("ij,ij->j", X, X, optimize=False)
    return np.einsum("ij,ij,i->j", X, X, by_row, optimize=False)


def dense_columns(X: Design, columns: IntArray) -> FloatArray:
    """The chosen columns as a new dense array."""
    return X[:, columns].toarray() if is_sparse(X) else X[:, columns]


def column_run(X: Design, first: int, last: int) -> Design:
    """Columns first to last - 1, not copied."""
    if not is_sparse(X):
        return X[:, first:last]
    from scipy.sparse import csc_array

    stored = slice(X.indptr[first], X.indptr[last])
    pointers = X.indptr[first : last + 1] - X.indptr[first]
    parts = (X.data[stored], X.indices[stored], pointers)
    return csc_array(parts, shape=(X.shape[0], last - first))


def product_over(X: Design, columns: IntArray, W: FloatArray) -> FloatArray:
    """X[:, columns] W, a few columns at a time: no large copy of them."""
    if is_sparse(X):
        product: FloatArray = X[:, columns] @ W
        return product
    product = np.zeros((X.shape[0], *W.shape[1:]))
    for first in range(0, columns.size, _COLUMNS_PER_PRODUCT):
        part = slice(first, first + _COLUMNS_PER_PRODUCT)
        product += X[:, columns[part]] @ W[part]
    return product


def used_rows(X: Design, used: BoolArray) -> Design:
    """The rows that are marked."""
    return X.tocsr()[np.flatnonzero(used)].tocsc() if is_sparse(X) else X[used]


def scaled_columns(X: Design, factor: FloatArray) -> Design:
    """A copy with column j multiplied by factor_j, in the order of X: sums keep their bits."""
    if is_sparse(X):
        scaled = X.copy()
        scaled.data = scaled.data * np.repeat(factor, np.diff(X.indptr))
        return scaled
    copy = np.array(X, order="K")
    copy *= factor
    return copy


def column_range(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and largest entry of each column of a dense X; NaN where there is one.

    Block by block, so that each is read from memory once.
    """
    n, p = X.shape
    low, high = np.full(p, np.inf), np.full(p, -np.inf)
    if X.flags.f_contiguous:
        step = max(1, _ENTRIES_PER_BLOCK // n)
        for first in range(0, p, step):
            columns = slice(first, first + step)
            X[:, columns].min(axis=0, out=low[columns])
            X[:, columns].max(axis=0, out=high[columns])
        return low, high
    step = max(1, _ENTRIES_PER_BLOCK // p)
    for first in range(0, n, step):
        rows = X[first : first + step]
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
    return low, high


def mixed_columns(X: Design, columns: IntArray, factor: FloatArray) -> Design:
    """A copy with the chosen columns replaced by X[:, columns] factor, dense within sparse."""
    if not is_sparse(X):
        copy = np.array(X, order="F")
        copy[:, columns] = copy[:, columns] @ factor
        return copy
    from scipy.sparse import csc_array, hstack

    others = np.setdiff1d(np.arange(X.shape[1]), columns)
    mixed = csc_array(X[:, columns].toarray() @ factor)
    order = np.argsort(np.concatenate([others, columns]))
    return csc_array(csc_array(hstack([X[:, others], mixed]))[:, order])


def largest_entries(X: Design) -> FloatArray:
    """max_i |x_ij| for each column."""
    if is_sparse(X):
        return _by_column(np.maximum, X, np.abs(X.data))
    low, high = column_range(X)
    return np.maximum(high, -low)


def _by_column(operation: np.ufunc, X: Design, entries: FloatArray) -> FloatArray:
    """An operation over the stored entries of each column; 0 where there are none."""
    filled = np.flatnonzero(np.diff(X.indptr))
    found = np.zeros(X.shape[1])
    if filled.size:
        found[filled] = operation.reduceat(entries, X.indptr[filled])
    return found


def cross_products(
    X: Design,
    left: IntArray,
    right: IntArray,
    by_row: FloatArray,
    mean: FloatArray | None,
) -> FloatArray:
    """sum_i h_i (x_ij - m_j)(x_ik - m_k) for j in ``left``, k in ``right``.

    ``mean`` is the h-weighted mean of the columns, or None for no centring; ``right`` must be the
    end of ``left``. Dense columns are centred before the product; sparse ones after it, by
    sum(h) m_j m_k.
    """
    if is_sparse(X):
        chosen = X[:, right].multiply(by_row[:, None]).tocsc()
        product = (X[:, left].T @ chosen).toarray()
        if mean is not None:
            product -= np.sum(by_row) * np.outer(mean[left], mean[right])
        return np.asarray(product)
    product = np.zeros((left.size, right.size))
    root = np.sqrt(by_row)
    everything = np.array_equal(left, np.arange(X.shape[1]))
    for first in range(0, X.shape[0], _ROWS_PER_BLOCK):
        rows = slice(first, first + _ROWS_PER_BLOCK)
        block = np.array(X[rows]) if everything else X[rows, left]
        if mean is not None:
            block -= mean[left]
        block *= root[rows, None]
        product += block.T @ block[:, left.size - right.size :]
    return product


def centred_products(
    X: Design, by_row: FloatArray, rows: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(X - m)' diag(h) (X - m), X' rows, and the second moments that the first was formed from.

    The first column of ``rows`` is h / sum(h), so that m is the first of the sums. The mean is
    taken out after the product, where that loses no digits.
    """
    raw, sums = raw_products(X, by_row, rows)
    mean = sums[:, 0]
    gram = raw - np.sum(by_row) * np.outer(mean, mean)
    squares = np.diagonal(raw)
    if np.any(squares > _CENTRE_FIRST * np.diagonal(gram)):
        columns = np.arange(X.shape[1])
        gram = cross_products(X, columns, columns, by_row, mean)
        squares = np.diagonal(gram)
    return gram, sums, squares


def raw_products(X: Design, by_row: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """X' diag(h) X and X' rows, block by block, so that each is read from memory once."""
    n, p = X.shape
    if is_sparse(X):
        everything = np.arange(p)
        return cross_products(X, everything, everything, by_row, None), X.T @ rows
    gram, sums = np.zeros((p, p)), np.zeros((p, rows.shape[1]))
    equal = bool(np.all(by_row == by_row[0]))
    for first in range(0, n, _ROWS_PER_PRODUCT):
        part = slice(first, first + _ROWS_PER_PRODUCT)
        block = X[part]
        sums += block.T @ rows[part]
        if not equal:
            block = np.sqrt(by_row[part, None]) * block
        gram += block.T @ block
    return by_row[0] * gram if equal else gram, sums


def products_of_columns(
    X: FloatArray, columns: IntArray, by_row: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """X_c' diag(h) X_c and X_c' h over some columns of a dense X, block by block."""
    gram, sums = np.zeros((columns.size, columns.size)), np.zeros(columns.size)
    root = np.sqrt(by_row)
    for first in range(0, X.shape[0], _ROWS_PER_PRODUCT):
        rows = slice(first, first + _ROWS_PER_PRODUCT)
        block = X[rows, columns] * root[rows, None]
        gram += block.T @ block
        sums += block.T @ root[rows]
    return gram, sums


def terms_in_a_sum(n: int) -> float:
    """What the rounding of one entry of :func:`raw_products` grows with."""
    return n if n <= _ROWS_PER_PRODUCT else _ROWS_PER_PRODUCT + n / _ROWS_PER_PRODUCT


def column_deviation(X: Design, weights: FloatArray) -> FloatArray:
    """Weighted population standard deviation of each column; exactly 0 for constant ones."""
    if is_sparse(X):
        return _sparse_deviation(X, weights)
    total = np.sum(weights)
    deviation = np.empty(X.shape[1])
    for j in range(X.shape[1]):
        centred = X[:, j] - X[0, j]
        size = np.max(np.abs(centred))
        if size == 0:
            deviation[j] = 0.0
            continue
        unit = centred / size
        mean = weights @ unit / total
        deviation[j] = size * np.sqrt(weights @ (unit - mean) ** 2 / total)
    return deviation


def _sparse_deviation(X: Design, weights: FloatArray) -> FloatArray:
    """sum over stored entries of s (x - m)^2, plus m^2 times the weight of the others."""
    total = np.sum(weights)
    size = largest_entries(X)
    unit = scaled_columns(X, 1.0 / np.where(size > 0, size, 1.0))
    mean = unit.T @ weights / total
    column = np.repeat(np.arange(X.shape[1]), np.diff(unit.indptr))
    by_entry = weights[unit.indices] * (unit.data - mean[column]) ** 2
    stored = np.bincount(column, by_entry, X.shape[1])
    stored_weight = np.bincount(column, weights[unit.indices], X.shape[1])
    rest = np.maximum(total - stored_weight, 0.0) * mean**2
    deviation = size * np.sqrt((stored + rest) / total)
    return np.where(_sparse_constant(unit), 0.0, deviation)


def _sparse_constant(X: Design) -> BoolArray:
    full = np.diff(X.indptr) == X.shape[0]
    low, high = (getattr(X, name)(axis=0).toarray().ravel() for name in ("min", "max"))
    constant: BoolArray = (low == high) & (full | (low == 0))
    return constant


def row_products(
    X: Design, columns: IntArray, by_column: FloatArray, mean: FloatArray | None
) -> FloatArray:
    """sum_j d_j (x_ij - m_j)(x_kj - m_j) for each pair of rows, over the chosen columns."""
    if not is_sparse(X):
        return _dense_row_products(X, columns, by_column, mean)
    chosen = X[:, columns]
    product = (scaled_columns(chosen, by_column) @ chosen.T).toarray()
    if mean is None:
        return product
    at_mean = chosen @ (by_column * mean)
    product -= at_mean[:, None] + at_mean
    product += mean @ (by_column * mean)
    return product


def _dense_row_products(
    X: FloatArray, columns: IntArray, by_column: FloatArray, mean: FloatArray | None
) -> FloatArray:
    """A few columns at a time, so that no second array of the size of X is made."""
    from scipy.linalg.blas import dsyrk

    n = X.shape[0]
    product = np.zeros((n, n), order="F")
    root = np.sqrt(by_column)
    everything = columns.size == X.shape[1] and bool(np.all(np.diff(columns) == 1))
    for first in range(0, columns.size, _COLUMNS_PER_PRODUCT):
        part = slice(first, first + _COLUMNS_PER_PRODUCT)
        chosen = columns[part]
        block = X[:, part] if everything else X[:, chosen]
        block = root[part] * (block if mean is None else block - mean[part])
        # The upper triangle is summed up in place.
        product = dsyrk(1.0, np.asfortranarray(block), beta=1.0, c=product, overwrite_c=1)
    for first in range(0, n, _COLUMNS_PER_PRODUCT):
        part = slice(first, first + _COLUMNS_PER_PRODUCT)
        corner = np.triu(product[part, part])
        product[part, part] = corner + np.triu(corner, 1).T
        product[part.stop :, part] = product[part, part.stop :].T
    return np.asarray(product)
