"""(1 + x) log(1 + x) - x without cancellation: the relative entropy of mu (1 + x) from mu.

It is the Fenchel-Young gap of every loss whose curved part is mu = e^eta or mu = e^-eta.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray


def relative_entropy(x: FloatArray) -> FloatArray:
    """(1 + x) log(1 + x) - x for x >= -1, to full relative precision also near 0.

    Near 0 the series sum_k (-x)^k / (k (k - 1)), k = 2, 3, ..., as far as its terms are above the
    rounding of the first: 12 of them at |x| = 0.05.
    """
    x = np.asarray(x, dtype=np.float64)
    small = np.abs(x) < 0.05
    near = np.where(small, x, 0.0)
    series = _series(near)
    if np.all(small):
        return series
    far = np.where(small, 1.0, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        direct = np.where(far == -1.0, 1.0, (1.0 + far) * np.log1p(far) - far)
    return np.where(small, series, direct)


def _series(x: FloatArray) -> FloatArray:
    largest = float(np.max(np.abs(x), initial=0.0))
    last = next(k for k in range(3, 14) if k == 13 or largest ** (k - 1) < 1e-16 * k * (k + 1))
    total = np.full_like(x, 1.0 / (last * (last - 1)))
    for k in range(last - 1, 1, -1):
        total *= -x
        total += 1.0 / (k * (k - 1))
    total *= x
    total *= x
    return total


def exponential_fenchel_young(mu: FloatArray, shift: FloatArray) -> FloatArray:
    """mu ((1 + x) log(1 + x) - x) with x = shift / mu; infinite below x = -1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = np.where(shift == 0, 0.0, shift / mu)
        terms = mu * relative_entropy(np.maximum(x, -1.0))
    inside = (x >= -1.0 - 4 * np.finfo(float).eps) & ~np.isnan(terms)
    return np.where(inside, terms, np.inf)


def exponential_smoothness(mu: FloatArray, excess: FloatArray) -> FloatArray:
    """The largest mean that an excess of this relative entropy allows.

    Bernstein: (1+x) log(1+x) - x >= x^2 / (2 (1 + x/3)), so an excess of Y mu allows at
    most x = Y/3 + sqrt(Y^2/9 + 2 Y).
    """
    # mu (1 + x), multiplied out so that a mean of 0 (underflow) divides nothing.
    return mu + excess / 3 + np.hypot(excess / 3, np.sqrt(2 * mu * excess))
