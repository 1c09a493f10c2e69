"""log det and quadratic form of I + ratio^2 A A', from the singular values of A.

With A = U diag(d) V' and c = U't, for each ratio

    log_determinant = sum_i log(1 + ratio^2 d_i^2)
    squares         = rest + sum_i c_i^2 / (1 + ratio^2 d_i^2),     rest = |t - U c|^2
"""

from __future__ import annotations

import numba
import numpy as np

# Products of factors below it are multiplied before a logarithm is taken of them.
_LARGE = 1e100


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def components(
    ratio: np.ndarray,
    d: np.ndarray,
    c: np.ndarray,
    rest: float,
    log_determinant: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Fill both for each ratio."""
    for k in range(ratio.size):
        logarithms, product, total = 0.0, 1.0, rest
        for i in range(d.size):
            size = ratio[k] * d[i]
            factor = 1.0 + size * size
            total += c[i] * c[i] / factor
            if factor > _LARGE:
                logarithms += 2.0 * np.log(size)
                continue
            product *= factor
            if product > _LARGE:
                logarithms += np.log(product)
                product = 1.0
        log_determinant[k] = logarithms + np.log(product)
        squares[k] = total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def coordinates(
    ratio: np.ndarray, size: np.ndarray, d: np.ndarray, c: np.ndarray, shrunk: bool, z: np.ndarray
) -> None:
    """Overwrite normal variates z, a row per draw, by draws of V'u.

    V'u = ratio^2 d c / (1 + ratio^2 d^2) + size ratio z / sqrt(1 + ratio^2 d^2); with ``shrunk``
    less size ratio z, which is added elsewhere together with what lies outside the rows of V'.
    """
    for k in range(z.shape[0]):
        for i in range(z.shape[1]):
            spread = ratio[k] * d[i]
            factor = 1.0 + spread * spread
            noise = 1.0 / np.sqrt(factor)
            if shrunk:
                noise -= 1.0
            z[k, i] = ratio[k] * (spread / factor * c[i] + size[k] * noise * z[k, i])
