"""The loss of successes s and failures f at log odds t, both any non-negative numbers:

    f log(1 + e^t) + s log(1 + e^-t)

Bernoulli, Binomial and (with y successes, alpha failures and log odds eta - log alpha) the
negative binomial likelihood are this one function.  Nothing overflows and no digits cancel,
whatever the sizes of s, f and t.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods._relative_entropy import exponential_smoothness, relative_entropy


def sigmoid(t: FloatArray) -> FloatArray:
    """1 / (1 + e^-t) without overflow and with full relative precision in both tails."""
    e = _small_odds(t)
    numerator = np.where(t >= 0, 1.0, e)
    e += 1.0
    numerator /= e
    return numerator


def variance(t: FloatArray) -> FloatArray:
    """sigmoid(t) sigmoid(-t) = e / (1 + e)^2 with e = e^-|t|."""
    e = _small_odds(t)
    below = 1.0 + e
    e /= below
    e /= below
    return e


def _small_odds(t: FloatArray) -> FloatArray:
    """e^-|t|, in one new array: of long vectors their memory costs more than the arithmetic."""
    e = np.abs(np.asarray(t, dtype=np.float64))
    np.negative(e, out=e)
    return np.exp(e, out=e)


def _both(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sigmoid(t) and sigmoid(-t), from one exponential."""
    e = np.exp(-np.abs(t))
    large, small = 1.0 / (1.0 + e), e / (1.0 + e)
    return np.where(t >= 0, large, small), np.where(t >= 0, small, large)


def loss(s: FloatArray, f: FloatArray | float, t: FloatArray) -> FloatArray:
    # log(1 + e^t) = log(1 + e^-|t|) + max(t, 0)
    return (s + f) * np.log1p(np.exp(-np.abs(t))) + np.where(t > 0, f * t, -s * t)


def gradient(s: FloatArray, f: FloatArray | float, t: FloatArray) -> FloatArray:
    """(s + f) mu - s, with mu the sigmoid; the two parts have one sign where s or f is 0."""
    up, down = _both(t)
    return f * up - s * down


def curvature(s: FloatArray, f: FloatArray | float, t: FloatArray) -> FloatArray:
    up, down = _both(t)
    return (s + f) * up * down


def saturated_loss(s: FloatArray, f: FloatArray | float) -> FloatArray:
    """At odds s / f; 0 in the limit where either is 0."""
    inner = (s > 0) & (f > 0)
    s, f = np.where(inner, s, 1.0), np.where(inner, f, 1.0)
    return np.where(inner, f * np.log1p(s / f) + s * np.log1p(f / s), 0.0)


def fenchel_young(
    s: FloatArray, f: FloatArray | float, t: FloatArray, shift: FloatArray
) -> FloatArray:
    """s + f times the relative entropy of Bernoulli(mu + shift / (s + f)) from Bernoulli(mu)."""
    up, down = ((s + f) * part for part in _both(t))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        more = np.where(shift == 0, 0.0, shift / up)
        less = np.where(shift == 0, 0.0, -shift / down)
        terms = up * relative_entropy(np.maximum(more, -1.0))
        terms = terms + down * relative_entropy(np.maximum(less, -1.0))
    # A few ulps outside the domain are rounding of the same boundary point.
    slack = 4 * np.finfo(float).eps
    inside = (up + shift >= -slack * up) & (down - shift >= -slack * down)
    return np.where(inside & ~np.isnan(terms), terms, np.inf)


def smoothness_within(
    s: FloatArray, f: FloatArray | float, t: FloatArray, excess: FloatArray
) -> FloatArray:
    """The least of three bounds: (s + f) / 4 by Pinsker, and one from each of the two entropies."""
    up, down = ((s + f) * part for part in _both(t))
    either = np.minimum(exponential_smoothness(up, excess), exponential_smoothness(down, excess))
    return np.minimum(0.25 * (s + f), either)
