"""exp and log of arrays, in loops that a compiler turns into vector instructions.

No output may be one of the inputs: then the compiled loop falls back to one entry at a time.

A call of the C library's exp or log per entry costs five times as much as these. Neither branches
nor looks anything up; both are right to about two units in the last place.
"""

from __future__ import annotations

import numpy as np

from bayesreg._kernels.compiling import compiled, contracted, reassociated

# x log2(e) + _ROUND has x log2(e), rounded to an integer, in its last bits.
_ROUND = 6755399441055744.0
_LOG2_E = 1.4426950408889634
# log 2 in two parts: products of the first with integers up to 2^20 are exact.
_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LARGEST, _SMALLEST = 709.0, -708.0
_LOG_2 = 0.6931471805599453


# Only "contract" (multiply and add in one rounding): reassociation would cancel _ROUND.
@contracted
def expm1(x: np.ndarray, out: np.ndarray, power: np.ndarray, bits: np.ndarray) -> None:
    """out = e^x - 1, x clipped to where e^x is a normal number; NaN gives NaN.

    ``power`` is scratch of the same length and ``bits`` its memory as integers.
    With x = k log 2 + r, |r| <= log(2) / 2:  e^x - 1 = 2^k (e^r - 1) + (2^k - 1).
    """
    n = x.size
    for i in range(n):
        a = min(max(x[i], _SMALLEST), _LARGEST)
        shifted = a * _LOG2_E + _ROUND
        power[i] = shifted
        k = shifted - _ROUND
        r = (a - k * _LOG2_HIGH) - k * _LOG2_LOW
        series = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        series = series * r + 0.5
        out[i] = (series * r) * r + r
    for i in range(n):
        bits[i] = (bits[i] + 1023) << 52
    for i in range(n):
        out[i] = out[i] * power[i] + (power[i] - 1.0)


@contracted
def exp_of_negative(x: np.ndarray, out: np.ndarray, power: np.ndarray, bits: np.ndarray) -> None:
    """out = e^-|x|, at least the smallest normal number; otherwise as ``expm1``."""
    n = x.size
    for i in range(n):
        a = max(-abs(x[i]), _SMALLEST)
        shifted = a * _LOG2_E + _ROUND
        power[i] = shifted
        k = shifted - _ROUND
        r = (a - k * _LOG2_HIGH) - k * _LOG2_LOW
        series = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        series = series * r + 0.5
        series = series * r + 1.0
        out[i] = series * r + 1.0
    for i in range(n):
        bits[i] = (bits[i] + 1023) << 52
    for i in range(n):
        out[i] *= power[i]


@contracted
def softplus(t: np.ndarray, e: np.ndarray, out: np.ndarray) -> None:
    """out = log(1 + e^t), given e = e^-|t|:  max(t, 0) + log(1 + e).

    log u = log 2 [u > sqrt 2] + 2 atanh(s),  s = (f - 1) / (f + 1),  f = u or u / 2,
    so that |s| <= 0.172 and ten terms of the series are exact to rounding.
    """
    for i in range(t.size):
        far = e[i] > 0.41421356237309515
        s = (e[i] - 1.0) / (e[i] + 3.0) if far else e[i] / (e[i] + 2.0)
        z = s * s
        series = z * (1.0 / 21.0) + 1.0 / 19.0
        series = series * z + 1.0 / 17.0
        series = series * z + 1.0 / 15.0
        series = series * z + 1.0 / 13.0
        series = series * z + 1.0 / 11.0
        series = series * z + 1.0 / 9.0
        series = series * z + 1.0 / 7.0
        series = series * z + 1.0 / 5.0
        series = series * z + 1.0 / 3.0
        log_u = 2.0 * s + 2.0 * (s * z) * series + (_LOG_2 if far else 0.0)
        out[i] = log_u + 0.5 * (t[i] + abs(t[i]))


@contracted
def sigmoid(t: np.ndarray, e: np.ndarray, out: np.ndarray) -> None:
    """out = 1 / (1 + e^-t), given e = e^-|t|."""
    for i in range(t.size):
        large = 1.0 / (1.0 + e[i])
        out[i] = large if t[i] >= 0.0 else e[i] * large


# Loops, for an array expression takes a second to compile.
@compiled
def fill(value: float, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] = value


@compiled
def copy(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.size):
        out[i] = x[i]


@compiled
def add(x: np.ndarray, out: np.ndarray) -> None:
    """out += x."""
    for i in range(x.size):
        out[i] += x[i]


@compiled
def add_both(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """out = x + y."""
    for i in range(x.size):
        out[i] = x[i] + y[i]


@compiled
def scale_by(factor: float, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] *= factor


# Sums may be reordered: that is what makes them vector instructions.
@reassociated
def dot(x: np.ndarray, y: np.ndarray) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@reassociated
def total(x: np.ndarray) -> float:
    found = 0.0
    for i in range(x.size):
        found += x[i]
    return found


@reassociated
def times(X: np.ndarray, v: np.ndarray, out: np.ndarray) -> None:
    """out = X v, X with contiguous rows."""
    for i in range(X.shape[0]):
        found = 0.0
        for j in range(X.shape[1]):
            found += X[i, j] * v[j]
        out[i] = found


@reassociated
def add_transposed(X: np.ndarray, r: np.ndarray, out: np.ndarray) -> None:
    """out += X' r, X with contiguous rows; four rows at a time."""
    n, d = X.shape
    whole = n - n % 4
    for i in range(0, whole, 4):
        first, second, third, fourth = X[i], X[i + 1], X[i + 2], X[i + 3]
        r_first, r_second, r_third, r_fourth = r[i], r[i + 1], r[i + 2], r[i + 3]
        for j in range(d):
            out[j] += (r_first * first[j] + r_second * second[j]) + (
                r_third * third[j] + r_fourth * fourth[j]
            )
    for i in range(whole, n):
        for j in range(d):
            out[j] += r[i] * X[i, j]
