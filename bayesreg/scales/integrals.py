"""One-dimensional integrals of exp(log f), to rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bayesreg._types import FloatArray

#: Vectorised log of an integrand: (k,) -> (k,).
LogIntegrand = Callable[[FloatArray], FloatArray]

# What lies this many nats below the largest value is left out.
_NEGLIGIBLE = 50.0
_PANELS, _NODES = 48, 16


def log_integral(
    log_f: LogIntegrand,
    centre: float,
    width: float,
    *,
    lower: float = -np.inf,
    upper: float = np.inf,
    breaks: Sequence[float] = (),
) -> float:
    """log of the integral of exp(log_f) over (lower, upper), unimodal and smooth between breaks.

    Parameters
    ----------
    log_f : LogIntegrand
    centre, width : float
        About where its peak is, and how wide.
    lower, upper : float
    breaks : sequence of float
        Kinks.
    """
    low = _edge(log_f, centre, width, -1.0, lower)
    high = _edge(log_f, centre, width, 1.0, upper)
    cuts = [low, *sorted(c for c in breaks if low < c < high), high]
    edges = np.unique(np.concatenate([
        np.linspace(a, b, _PANELS + 1) for a, b in pairwise(cuts)
    ]))  # fmt: skip
    if edges.size <= _PANELS // 2:
        # The peak is narrower than the numbers about it are apart: exp of a parabola.
        top = float(np.asarray(log_f(np.array([centre])))[0])
        return top + 0.5 * float(np.log(2 * np.pi)) + float(np.log(width))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges) / 2
    x = (edges[:-1] + half)[:, None] + half[:, None] * nodes
    values = np.asarray(log_f(x.ravel())).reshape(x.shape) + np.log(half[:, None] * weights)
    largest = float(np.max(values))
    if not np.isfinite(largest):
        return largest
    return largest + float(np.log(np.sum(np.exp(values - largest))))


def _edge(log_f: LogIntegrand, centre: float, width: float, sign: float, bound: float) -> float:
    """Where the integrand has become negligible, or the bound."""
    steps = centre + sign * width * np.concatenate([[0.0], np.geomspace(0.5, 1e6, 120)])
    inside = steps[(steps - bound) * sign < 0] if np.isfinite(bound) else steps
    values = np.asarray(log_f(inside))
    peak = int(np.argmax(values))
    small = np.flatnonzero(values[peak:] < values[peak] - _NEGLIGIBLE)
    if small.size:
        return float(inside[peak + small[0]])
    return float(bound) if np.isfinite(bound) else float(inside[-1])
