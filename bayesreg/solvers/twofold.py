"""Arithmetic in twice the working precision, from ordinary floating point alone.

A number is an unevaluated sum ``high + low`` with |low| at most half a unit in the last place of
``high``: about 106 bits.  Only the four operations of IEEE 754 are used, so that every machine
gives the same bits.  Dekker (1971), A floating-point technique for extending the available
precision; Ogita, Rump and Oishi (2005), Accurate sum and dot product.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from bayesreg._types import FloatArray

#: high and low parts
Twofold: TypeAlias = tuple[FloatArray, FloatArray]

# 2^27 + 1 splits 53 bits into two halves whose products are exact.
_SPLITTER = 134217729.0

# Products are formed in parts that stay in the cache.
_ENTRIES_AT_ONCE = 2**14


def two_sum(a: FloatArray, b: FloatArray) -> Twofold:
    """a + b exactly, as rounded sum and its error (Knuth)."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def two_product(a: FloatArray, b: FloatArray) -> Twofold:
    """a b exactly, as rounded product and its error (Dekker, Veltkamp)."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _split(a: FloatArray) -> Twofold:
    scaled = _SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def add(a: Twofold, b: Twofold) -> Twofold:
    """a + b to about 2^-104 of |a| + |b|."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def multiply(a: FloatArray, b: Twofold) -> Twofold:
    """a b to about 2^-104 of itself."""
    high, low = two_product(a, b[0])
    return two_sum(high, low + a * b[1])


def sum_rows(a: Twofold) -> Twofold:
    """The sum over the first axis, in pairs."""
    high, low = a
    while high.shape[0] > 1:
        half = high.shape[0] // 2
        paired = add((high[:half], low[:half]), (high[half : 2 * half], low[half : 2 * half]))
        odd = high.shape[0] - 2 * half
        high = np.concatenate([paired[0], high[2 * half :]]) if odd else paired[0]
        low = np.concatenate([paired[1], low[2 * half :]]) if odd else paired[1]
    return high[0], low[0]


def product(block: FloatArray, x: Twofold) -> Twofold:
    """block x for a (rows, columns) block."""
    high, low = x
    together = max(_ENTRIES_AT_ONCE // block.shape[0], 1)
    total = np.zeros(block.shape[0]), np.zeros(block.shape[0])
    for first in range(0, block.shape[1], together):
        chosen = slice(first, first + together)
        terms = multiply(block[:, chosen].T, (high[chosen, None], low[chosen, None]))
        total = add(total, sum_rows(terms))
    return total


def transposed_product(block: FloatArray, r: Twofold) -> Twofold:
    """block' r for a (rows, columns) block."""
    high, low = np.empty(block.shape[1]), np.empty(block.shape[1])
    together = max(_ENTRIES_AT_ONCE // block.shape[0], 1)
    for first in range(0, block.shape[1], together):
        chosen = slice(first, first + together)
        terms = multiply(block[:, chosen], (r[0][:, None], r[1][:, None]))
        high[chosen], low[chosen] = sum_rows(terms)
    return high, low
