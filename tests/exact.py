"""Modes in exact or 60-digit arithmetic, from the floats that the model sees."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np


def solve(A, b):
    """A^-1 b by elimination, in whatever arithmetic the entries have."""
    n = len(A)
    M = [[*row, right] for row, right in zip(A, b, strict=True)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(M[k][i]))
        M[i], M[pivot] = M[pivot], M[i]
        for k in range(i + 1, n):
            factor = M[k][i] / M[i][i]
            M[k] = [a - factor * c for a, c in zip(M[k], M[i], strict=True)]
    x = [M[0][0] * 0] * n
    for i in reversed(range(n)):
        x[i] = (M[i][n] - sum(M[i][k] * x[k] for k in range(i + 1, n))) / M[i][i]
    return x


def _normal_equations(X, weights, l2):
    k = len(X[0])
    return [
        [
            sum(s * row[i] * row[j] for s, row in zip(weights, X, strict=True))
            + (l2[i] if i == j else 0)
            for j in range(k)
        ]
        for i in range(k)
    ]


def gaussian_mode(X, y, weights, l2, slope):
    """argmin of sum s (y - Xv)^2 / 2 + slope'v + l2 v^2 / 2, as fractions."""
    X = [[Fraction(v) for v in row] for row in X.tolist()]
    y, weights, l2, slope = ([Fraction(float(v)) for v in part] for part in (y, weights, l2, slope))
    right = [
        sum(s * row[j] * t for s, row, t in zip(weights, X, y, strict=True)) - slope[j]
        for j in range(len(l2))
    ]
    return solve(_normal_equations(X, weights, l2), right)


def gaussian_value(X, y, weights, l2, v):
    """sum s (y - Xv)^2 / 2 + l2 v^2 / 2 as a fraction."""
    v = [Fraction(entry) for entry in v]
    residuals = [
        Fraction(t) - sum(Fraction(x) * w for x, w in zip(row, v, strict=True))
        for t, row in zip(y.tolist(), X.tolist(), strict=True)
    ]
    data = sum(Fraction(s) * r * r for s, r in zip(weights.tolist(), residuals, strict=True))
    return (data + sum(Fraction(float(a)) * w * w for a, w in zip(l2, v, strict=True))) / 2


def newton_mode(mean, curvature, X, y, weights, l2, start):
    """argmin of sum s loss(y, Xv) + l2 v^2 / 2 by Newton in 60 digits.

    ``mean(eta)`` and ``curvature(mean)`` are those of a likelihood with canonical link.
    """
    with localcontext() as context:
        context.prec = 60
        X = [[Decimal(v) for v in row] for row in X.tolist()]
        y, weights, l2, v = ([Decimal(float(e)) for e in part] for part in (y, weights, l2, start))
        for _ in range(50):
            eta = [sum(a * b for a, b in zip(row, v, strict=True)) for row in X]
            mu = [mean(e) for e in eta]
            theta = [s * (m - t) for s, m, t in zip(weights, mu, y, strict=True)]
            left = [
                sum(r * row[j] for r, row in zip(theta, X, strict=True)) + l2[j] * v[j]
                for j in range(len(v))
            ]
            by_row = [s * curvature(m) for s, m in zip(weights, mu, strict=True)]
            step = solve(_normal_equations(X, by_row, l2), [-g for g in left])
            v = [a + b for a, b in zip(v, step, strict=True)]
            if max(abs(d / a) for a, d in zip(v, step, strict=True)) < Decimal(10) ** -25:
                return np.array([float(entry) for entry in v])
    raise AssertionError("Newton in 60 digits did not converge")


def digits(found, exact):
    """The least log relative error over the entries, at most 16."""
    found, exact = np.asarray(found, dtype=float), np.array([float(v) for v in exact])
    error = np.abs(found - exact) / np.where(exact == 0, 1.0, np.abs(exact))
    return float(np.min(-np.log10(np.maximum(error, 1e-16))))
