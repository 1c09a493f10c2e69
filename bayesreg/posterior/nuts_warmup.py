"""What NUTS learns in its warm-up: the step size, and a correction of its coordinates.

The warm-up is cut into segments. In the first chains come in from their starts; the next ones collect
draws, and each ends with a change of coordinates; in the last the step size settles. Dual averaging
of the step begins anew in each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayesreg._types import FloatArray

#: Ends of the segments as shares of the warm-up, and whether draws are collected.
_SEGMENTS = ((0.15, False), (0.40, True), (0.80, True), (1.0, False))
#: A shorter warm-up only finds the step size.
_SHORTEST = 60
# More coordinates than this are corrected one by one.
_MOST_CORRELATED = 400


def segment(iteration: int, tune: int) -> tuple[int, bool]:
    """The end of the segment that an iteration is in, and whether it collects draws."""
    if iteration >= tune:
        return 2**62, False
    if tune < _SHORTEST:
        return tune, False
    for share, collects in _SEGMENTS:
        end = round(share * tune)
        if iteration < end:
            return end, collects
    return tune, False


def fresh_averaging(step: float) -> FloatArray:
    """The state of dual averaging: log step, its mean, the error's mean, where to shrink, count."""
    return np.array([math.log(step), math.log(step), 0.0, math.log(4.0 * step), 0.0])


def change_coordinates(state: dict[str, Any]) -> None:
    """Let the collected draws of q have unit covariance: T becomes T R, q becomes R^-1 q."""
    from scipy.linalg import solve_triangular

    R = covariance_factor(state["window"])
    if R.ndim == 1:
        state["T"] = state["T"] * R
        state["q"] = state["q"] / R
    else:
        state["T"] = np.ascontiguousarray(state["T"] @ R)
        state["q"] = solve_triangular(R, state["q"])


def covariance_factor(q: FloatArray) -> FloatArray:
    """R, upper triangular or a diagonal, with R R' a regularised covariance of the draws.

    An eigenvalue of the sample covariance that noise alone could give (between the edges of the
    Marchenko-Pastur law) counts as 1: what is not known to be wrong stays as it is.
    """
    count, size = q.shape
    if size > _MOST_CORRELATED:
        spread = np.var(q, axis=0, ddof=1)
        weight = count / (count + 5.0)
        return np.sqrt(weight * spread + (1.0 - weight))
    values, vectors = np.linalg.eigh(np.cov(q, rowvar=False).reshape(size, size))
    noise = math.sqrt(size / count)
    known = (values > (1.0 + noise) ** 2) | (values < max(0.0, 1.0 - noise) ** 2)
    kept = np.where(known, np.maximum(values, 1e-3), 1.0)
    S = (vectors * kept) @ vectors.T
    return np.ascontiguousarray(np.linalg.cholesky(S[::-1, ::-1])[::-1, ::-1])
