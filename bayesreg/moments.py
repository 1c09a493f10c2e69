"""Second moments of a Gaussian problem: all that its modes depend on, whatever their number.

    2 loss(d) = total - 2 cross'd + d' gram d,        d = v - start

in nats, with a flat intercept at its optimum for every d.  For n >= p they cost one pass over X
and serve every point of a path, every fold and every sampler.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments about ``start``, where every coefficient is at its loc.

    Attributes
    ----------
    gram : (k, k) array
        k = p with a flat intercept (eliminated) or without any, else p + 1.
    cross : (k,) array
    total : float
        Twice the loss at ``start``.
    start : (k,) array
    mean : (p,) array or None
        Weighted mean of the columns, where a flat intercept was eliminated.
    target_mean : float
        Weighted mean of y - offset; 0 where no intercept was eliminated.
    size : (k,) array
        Root of the raw second moment of each column.
    rounding : float
        Each moment of columns j and k is within ``rounding size_j size_k`` of the exact one.
    """

    gram: FloatArray
    cross: FloatArray
    total: float
    start: FloatArray
    mean: FloatArray | None
    target_mean: float
    size: FloatArray
    rounding: float

    def extended(self, d: FloatArray) -> FloatArray:
        """Rows of d as extended vectors, a flat intercept at its optimum."""
        w = self.start + d
        if self.mean is None:
            return w
        intercept = self.target_mean - w @ self.mean
        return np.concatenate([w, intercept[..., None]], axis=-1)


def moments(problem: Problem) -> Moments:
    """The moments of a problem with a Gaussian likelihood."""
    by_row = problem.weights / problem.likelihood.noise**2
    size = problem.p if problem.flat_intercept else problem.size
    start = problem.start[:size]
    target = problem.y - problem.offset
    residual = target - problem.X @ start[: problem.p] if np.any(start[: problem.p]) else target
    if problem.flat_intercept:
        return _about_the_mean(problem, by_row, start, target, residual)
    everything = np.arange(size)
    residual = residual - start[-1] if problem.has_intercept else residual
    gram = problem.cross_products(everything, everything, by_row, None)
    return Moments(
        gram=gram,
        cross=problem.transposed_product(by_row * residual),
        total=float(by_row @ residual**2),
        start=start,
        mean=None,
        target_mean=0.0,
        size=np.sqrt(np.diagonal(gram)),
        rounding=problem.n * _EPS,
    )


def _about_the_mean(
    problem: Problem,
    by_row: FloatArray,
    start: FloatArray,
    target: FloatArray,
    residual: FloatArray,
) -> Moments:
    """Moments of centred columns, by one product of the raw ones where that loses no digits."""
    weight = float(np.sum(by_row))
    residual = residual - by_row @ residual / weight
    rows = np.stack([by_row / weight, by_row * residual], axis=1)
    gram, sums, squares = design.centred_products(problem.X, by_row, rows)
    mean = sums[:, 0]
    return Moments(
        gram=gram,
        # The residual is centred, so that the columns need not be.
        cross=sums[:, 1] - mean * np.sum(rows[:, 1]),
        total=float(by_row @ residual**2),
        start=start,
        mean=mean,
        target_mean=float(by_row @ target) / weight,
        size=np.sqrt(squares),
        rounding=design.terms_in_a_sum(problem.n) * _EPS,
    )
