"""(1 + x) log(1 + x) - x without cancellation: the relative entropy of mu (1 + x) from mu."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray


def relative_entropy(x: FloatArray) -> FloatArray:
    """(1 + x) log(1 + x) - x for x >= -1, to full relative precision also near 0.

    Near 0 the series sum_k (-x)^k / (k (k - 1)), k = 2, 3, ...: at |x| < 0.05 its 12th term is
    below the rounding of the first.
    """
    x = np.asarray(x, dtype=np.float64)
    small = np.abs(x) < 0.05
    near = np.where(small, x, 0.0)
    series = np.zeros_like(near)
    for k in range(13, 1, -1):
        series = 1.0 / (k * (k - 1)) - near * series
    far = np.where(small, 1.0, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        direct = np.where(far == -1.0, 1.0, (1.0 + far) * np.log1p(far) - far)
    return np.where(small, near**2 * series, direct)
