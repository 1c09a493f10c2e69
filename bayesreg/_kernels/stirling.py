"""log Gamma in parts, for compiled kernels; the formulas of :mod:`bayesreg.likelihoods._stirling`.

    log Gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + correction(x)

By the recurrence correction(x) = correction(x + 1) + (x + 1/2) log(1 + 1/x) - 1 the argument is
brought to 10 or more, where the Stirling series is exact to rounding.
"""

from __future__ import annotations

import numpy as np

from bayesreg._kernels.compiling import compiled

_FROM = 10.0


@compiled
def correction(x: float) -> float:
    """log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2."""
    total = 0.0
    while x < _FROM:
        total += (x + 0.5) * np.log1p(1.0 / x) - 1.0
        x += 1.0
    z = 1.0 / (x * x)
    series = -3617.0 / 122400.0
    series = series * z + 1.0 / 156.0
    series = series * z - 691.0 / 360360.0
    series = series * z + 1.0 / 1188.0
    series = series * z - 1.0 / 1680.0
    series = series * z + 1.0 / 1260.0
    series = series * z - 1.0 / 360.0
    series = series * z + 1.0 / 12.0
    return total + series / x


@compiled
def correction_slope(x: float) -> float:
    """d correction / dx = digamma(x) - log x + 1 / (2 x)."""
    total = 0.0
    while x < _FROM:
        total += np.log1p(1.0 / x) - (x + 0.5) / (x * (x + 1.0))
        x += 1.0
    z = 1.0 / (x * x)
    series = 15.0 * 3617.0 / 122400.0
    series = series * z - 13.0 / 156.0
    series = series * z + 11.0 * 691.0 / 360360.0
    series = series * z - 9.0 / 1188.0
    series = series * z + 7.0 / 1680.0
    series = series * z - 5.0 / 1260.0
    series = series * z + 3.0 / 360.0
    series = series * z - 1.0 / 12.0
    return total + series * z


@compiled
def log_rising(x: float, k: float) -> float:
    """log Gamma(x + k) - log Gamma(x) for k >= 0."""
    log_ratio = np.log1p(k / x)
    return (x - 0.5) * log_ratio + k * (np.log(x + k) - 1.0) + correction(x + k) - correction(x)


@compiled
def log_rising_slope(x: float, k: float) -> float:
    """d log_rising / dx = digamma(x + k) - digamma(x)."""
    difference = correction_slope(x + k) - correction_slope(x)
    return np.log1p(k / x) + 0.5 * k / (x * (x + k)) + difference
