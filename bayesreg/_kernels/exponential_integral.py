"""exp(x) E1(x), E1(x) = integral of exp(-t) / t from x to infinity: the horseshoe's marginal."""

from __future__ import annotations

import numba
import numpy as np

_EULER_GAMMA = 0.5772156649015329
_EPSILON = 2.0**-52


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scaled_exponential_integral(x: float) -> float:
    """To rounding, for x > 0: the power series up to 1, the continued fraction beyond.

    Abramowitz and Stegun 5.1.11; the even part of 5.1.22, evaluated by Lentz's method.
    """
    if x <= 1.0:
        total, term = -_EULER_GAMMA - np.log(x), -1.0
        for k in range(1, 30):
            term *= -x / k
            total += term / k
        return np.exp(x) * total
    b = x + 1.0
    d = 1.0 / b
    c, fraction = 1e300, d
    for k in range(1, 500):
        b += 2.0
        d = 1.0 / (b - k * k * d)
        c = b - k * k / c
        fraction *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            break
    return fraction
