"""Polya-Gamma variates, and Gibbs sampling of logistic models with them.

Polson, Scott and Windle (2013, JASA 108:1339): with omega_i | eta_i ~ PG(m_i, eta_i),

    sigmoid(eta)^y sigmoid(-eta)^(m - y)  is  2^-m E exp(kappa eta - omega eta^2 / 2)

over omega ~ PG(m, 0), kappa = y - m / 2, so that given omega the coefficients u are normal with
precision X' Omega X + D and right-hand side X'(kappa - Omega offset). D has the
entries l2 + l1^2 s, s the mixing precision of a Laplace prior (:mod:`bayesreg._kernels.mixing`).

PG(1, z) is J / 4 with J of Devroye's alternating series (Devroye 2009, Statistics and Probability
Letters 79:2251), tilted by exp(-z^2 J / 8) here: with h = |z| / 2 and K = pi^2 / 8 + h^2 / 2 the
density lies below its first term on both sides of t = 0.64,

    x > t:  pi / 2 exp(-K x),             of mass  P = pi / (2 K) exp(-K t)
    x < t:  cosh-tilted inverse Gaussian of mean 1 / h,  of mass  Q = 2 exp(-h) P(IG(1 / h, 1) < t)

and partial sums of the series decide about acceptance exactly.
"""

from __future__ import annotations

import math

import numpy as np

from bayesreg._kernels.compiling import compiled
from bayesreg._kernels.dense import cholesky, solve_transposed, solve_upper
from bayesreg._kernels.mixing import inverse_gaussian

_T = 0.64


@compiled
def polya_gamma(z: float, rng: np.random.Generator) -> float:
    """A draw of PG(1, z)."""
    h = 0.5 * abs(z)
    rate = math.pi**2 / 8.0 + 0.5 * h * h
    right = _share_right(h, rate)
    while True:
        if rng.random() < right:
            x = _T + rng.standard_exponential() / rate
        else:
            x = _truncated_inverse_gaussian(h, rng)
        if _accepted(x, rng.random()):
            return 0.25 * x


@compiled
def _share_right(h: float, rate: float) -> float:
    """P / (P + Q): Q / P = 4 K / pi exp(K t) [exp(-h) Phi(b) + exp(h) Phi(a)].

    With a, b = -(t h +- 1) / sqrt t the exponents of both terms are pi^2 t / 8 - 1 / (2 t) once
    Phi(-x) = exp(-x^2 / 2) erfcx(x / sqrt 2) / 2.
    """
    root = math.sqrt(2.0 * _T)
    common = 0.5 * math.exp(math.pi**2 * _T / 8.0 - 0.5 / _T)
    both = _erfcx((1.0 - _T * h) / root) + _erfcx((1.0 + _T * h) / root)
    return 1.0 / (1.0 + 4.0 * rate / math.pi * common * both)


@compiled
def _erfcx(x: float) -> float:
    """exp(x^2) erfc(x); infinite far below 0."""
    if x > 20.0:
        return (1.0 - 0.5 / (x * x) * (1.0 - 1.5 / (x * x))) / (x * math.sqrt(math.pi))
    if x < -26.0:
        return np.inf
    return math.exp(x * x) * math.erfc(x)


@compiled
def _truncated_inverse_gaussian(h: float, rng: np.random.Generator) -> float:
    """An inverse Gaussian of mean 1 / h and shape 1, given that it is below t."""
    if h * _T < 1.0:
        # The inverse of a squared normal beyond 1 / sqrt t, thinned by exp(-h^2 x / 2).
        while True:
            e = rng.standard_exponential()
            if e * e > 2.0 * rng.standard_exponential() / _T:
                continue
            x = _T / (1.0 + _T * e) ** 2
            if rng.random() < math.exp(-0.5 * h * h * x):
                return x
    mean = 1.0 / h
    while True:
        y = mean * rng.standard_normal() ** 2
        # The smaller root of Michael, Schucany and Haas (1976), without a difference.
        x = mean / (1.0 + 0.5 * y + math.sqrt(y + 0.25 * y * y))
        if rng.random() * (mean + x) > mean:
            x = mean * mean / x
        if x <= _T:
            return x


@compiled
def _accepted(x: float, uniform: float) -> bool:
    """Whether uniform * a_0 lies below the limit of a_0 - a_1 + a_2 - ..."""
    total = _term(0, x)
    level = uniform * total
    n = 0
    while True:
        n += 1
        if n % 2 == 1:
            total -= _term(n, x)
            if level <= total:
                return True
        else:
            total += _term(n, x)
            if level > total:
                return False


@compiled
def _term(n: int, x: float) -> float:
    half = n + 0.5
    if x > _T:
        return math.pi * half * math.exp(-0.5 * half * half * math.pi**2 * x)
    return math.pi * half * (2.0 / (math.pi * x)) ** 1.5 * math.exp(-2.0 * half * half / x)


@compiled
def _mixing_precisions(
    u: np.ndarray, l1: np.ndarray, l2: np.ndarray, rng: np.random.Generator, precision: np.ndarray
) -> None:
    """Fill D given u; an entry with l1 = 0 has no mixing variable."""
    for j in range(u.size):
        precision[j] = l2[j]
        if l1[j] > 0.0:
            s = inverse_gaussian(l1[j] * abs(u[j]), rng.standard_normal(), rng.random())
            precision[j] += l1[j] * l1[j] * s


@compiled
def gibbs_logistic(
    X: np.ndarray,
    trials: np.ndarray,
    kappa: np.ndarray,
    offset: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
) -> int:
    """Iterate from u (changed in place); the iterations done: fewer when P was singular."""
    n, q = X.shape
    precision, omega = np.empty(q), np.empty(n)
    weighted, right = np.empty((n, q)), np.empty(n)
    for t in range(draws.shape[0]):
        eta = offset + np.dot(X, u)
        for i in range(n):
            omega[i] = 0.0
            for _ in range(trials[i]):
                omega[i] += polya_gamma(eta[i], rng)
            right[i] = kappa[i] - omega[i] * offset[i]
            for j in range(q):
                weighted[i, j] = omega[i] * X[i, j]
        _mixing_precisions(u, l1, l2, rng, precision)
        P = np.dot(weighted.T, X)
        for j in range(q):
            P[j, j] += precision[j]
        if not cholesky(P):
            return t
        u[:] = np.dot(X.T, right)
        solve_transposed(P, u)
        for j in range(q):
            u[j] += rng.standard_normal()
        solve_upper(P, u)
        draws[t] = u
    return int(draws.shape[0])
