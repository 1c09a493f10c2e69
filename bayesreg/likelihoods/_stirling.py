"""Logarithms of gamma functions whose large parts cancel, without subtracting them.

    log Gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + correction(x)
    digamma(x)   = log x + correction'(x) - 1 / (2 x)

For x >= 10 the corrections are the Stirling series (Abramowitz and Stegun 6.1.41 and 6.3.18);
their first neglected terms are below 1e-17 there.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray

#: B_2k / (2k (2k - 1)), k = 1, 2, ...
_COEFFICIENTS = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156,
    -3617 / 122400,
)  # fmt: skip
_FROM = 10.0


def correction(x: FloatArray) -> FloatArray:
    """log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2 for x > 0."""
    from scipy.special import gammaln

    x = np.asarray(x, dtype=np.float64)
    large, small = np.maximum(x, _FROM), np.minimum(x, _FROM)
    with np.errstate(under="ignore"):
        series = sum(c * (1 / large) ** (2 * k + 1) for k, c in enumerate(_COEFFICIENTS))
    direct = gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * np.log(2 * np.pi)
    return np.where(x >= _FROM, series, direct)


def digamma_correction(x: FloatArray) -> FloatArray:
    """digamma(x) - log x for x > 0."""
    from scipy.special import digamma

    x = np.asarray(x, dtype=np.float64)
    large, small = np.maximum(x, _FROM), np.minimum(x, _FROM)
    with np.errstate(under="ignore"):
        slopes = [(2 * k + 1) * c * (1 / large) ** (2 * k + 2) for k, c in enumerate(_COEFFICIENTS)]
        series = -sum(slopes) - 0.5 / large
    return np.where(x >= _FROM, series, digamma(small) - np.log(small))


def log_rising(x: FloatArray, k: FloatArray) -> FloatArray:
    """log Gamma(x + k) - log Gamma(x) for x > 0, k >= 0: log of x (x + 1) ... (x + k - 1)."""
    from scipy.special import gammaln

    x, k = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(k, dtype=np.float64))
    large, small = np.maximum(x, _FROM), np.minimum(x, _FROM)
    far = (large - 0.5) * np.log1p(k / large) + k * (np.log(large + k) - 1.0)
    far = far + correction(large + k) - correction(large)
    return np.where(x >= _FROM, far, gammaln(small + k) - gammaln(small))
