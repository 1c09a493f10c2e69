"""Losses of rows and their slopes in eta, for a likelihood given as a code and arrays.

With t = sign eta + shift for each row (and an unknown dispersion D):

    GAUSSIAN       loss = a (eta - b)^2 / 2                    a = s / sigma^2, b = y
    LOGISTIC       loss = (a + D c) log(1 + e^t) - b t         Bernoulli: a = s, b = s y, c = 0
                   Binomial: a = s m, b = s y.  NegativeBinomial: a = b = s y, c = s, t - log D
    EXPONENTIAL    loss = a (e^t - 1) - b t                    Poisson: a = s y (s where y = 0),
                   b = s y, shift = -log y (0).  Gamma: a = b = s / phi, sign = -1, shift = log y
    STUDENT_T      loss = a log(1 + (eta - b)^2 / (c D^2))     a = s (nu + 1) / 2, c = nu sigma^2
                   and D = 1, or c = nu and D = sigma
    ABSOLUTE       loss = a (eta - b) where eta > b, else c (b - eta)           AsymmetricLaplace

Poisson and Gamma losses are taken relative to their least value: no digit cancels for large counts.
"""

from __future__ import annotations

import numpy as np

from bayesreg._kernels.compiling import compiled, contracted
from bayesreg._kernels.vector_functions import (
    dot,
    exp_of_negative,
    expm1,
    sigmoid,
    softplus,
    total,
)

GAUSSIAN, LOGISTIC, EXPONENTIAL, STUDENT_T, ABSOLUTE = range(5)


@compiled
def row_losses(
    family: int,
    sign: float,
    dispersion: float,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    shift: np.ndarray,
    eta: np.ndarray,
    slope: np.ndarray,
    e: np.ndarray,
    power: np.ndarray,
    bits: np.ndarray,
    sums: np.ndarray,
) -> float:
    """The sum of losses; ``slope`` becomes d loss / d eta and ``eta`` is overwritten.

    ``e`` and ``power`` are scratch, ``bits`` the memory of ``power`` as integers. ``sums`` grows by
    d loss / d log D.
    """
    if family == LOGISTIC:
        return _logistic(dispersion, a, b, c, shift, eta, slope, e, power, bits, sums)
    if family == EXPONENTIAL:
        return _exponential(sign, a, b, shift, eta, slope, e, power, bits)
    if family == STUDENT_T:
        return _student_t(dispersion, a, b, c, eta, slope, sums)
    if family == ABSOLUTE:
        return _absolute(a, b, c, eta, slope)
    for i in range(eta.size):
        eta[i] -= b[i]
        slope[i] = a[i] * eta[i]
    return 0.5 * dot(eta, slope)


@contracted
def _logistic(
    dispersion: float,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    shift: np.ndarray,
    eta: np.ndarray,
    slope: np.ndarray,
    e: np.ndarray,
    power: np.ndarray,
    bits: np.ndarray,
    sums: np.ndarray,
) -> float:
    from_log = np.log(dispersion)
    for i in range(eta.size):
        eta[i] += shift[i] - from_log
    exp_of_negative(eta, e, power, bits)
    sigmoid(eta, e, slope)
    softplus(eta, e, power)
    for i in range(eta.size):
        slope[i] = (a[i] + dispersion * c[i]) * slope[i] - b[i]
    loss = dot(a, power) - dot(b, eta)
    if c[0] == 0.0:
        return loss
    by_dispersion = dispersion * dot(c, power)
    sums[0] += by_dispersion - total(slope)
    return loss + by_dispersion


@contracted
def _exponential(
    sign: float,
    a: np.ndarray,
    b: np.ndarray,
    shift: np.ndarray,
    eta: np.ndarray,
    slope: np.ndarray,
    e: np.ndarray,
    power: np.ndarray,
    bits: np.ndarray,
) -> float:
    for i in range(eta.size):
        eta[i] = sign * eta[i] + shift[i]
    expm1(eta, e, power, bits)
    for i in range(eta.size):
        slope[i] = sign * (a[i] * e[i] + (a[i] - b[i]))
    return dot(a, e) - dot(b, eta)


@compiled
def _student_t(
    dispersion: float,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    eta: np.ndarray,
    slope: np.ndarray,
    sums: np.ndarray,
) -> float:
    loss, by_dispersion, square = 0.0, 0.0, dispersion * dispersion
    for i in range(eta.size):
        r, width = eta[i] - b[i], c[i] * square
        u = r * r / width
        loss += a[i] * np.log1p(u)
        slope[i] = 2.0 * a[i] * (r / width) / (1.0 + u)
        by_dispersion += slope[i] * r
    sums[0] -= by_dispersion
    return loss


@compiled
def _absolute(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, eta: np.ndarray, slope: np.ndarray
) -> float:
    loss = 0.0
    for i in range(eta.size):
        r = eta[i] - b[i]
        slope[i] = a[i] if r > 0.0 else -c[i]
        loss += slope[i] * r
    return loss
