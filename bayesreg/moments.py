"""Second moments of a Gaussian problem: all that its modes depend on, whatever their number.

    2 loss(d) = total - 2 cross'd + d' gram d,        d = v - start

in nats, with a flat intercept at its optimum for every d.  For n >= p they cost one pass over X
and serve every point of a path, every fold and every sampler.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)
# The whole may be so many times what is left of it: less than a digit is lost.
_MOST_OF_IT = 4.0


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


def moments_without(problem: Problem, whole: Moments, left_out: IntArray) -> Moments | None:
    """The moments of the other rows, from those of all rows less those of ``left_out``.

    About the mean m and the mean residual of all rows, with s, q and u the sums of h (x - m),
    h (x - m) r and h r over the rows left out, and w the weight of the others,

        gram - gram_out - s s' / w,     cross - q - s u / w,     total - sum h r^2 - u^2 / w

    The intercept must be flat or absent. None where what is left is so little of the whole that
    digits would be lost: the others are then better summed themselves.
    """
    out = _sums(problem, whole, left_out)
    everything = float(np.sum(problem.weights)) / problem.likelihood.noise**2
    weight = everything - out.weight
    if not weight > 0:
        return None
    gram, cross, total = whole.gram - out.gram, whole.cross - out.cross, whole.total - out.total
    mean, target_mean, raw = None, 0.0, np.diagonal(gram)
    if whole.mean is not None:
        gram -= np.outer(out.columns, out.columns) / weight
        cross = cross - out.columns * (out.residual / weight)
        total -= out.residual**2 / weight
        mean = whole.mean - out.columns / weight
        moved = mean - whole.mean
        target_mean = whole.target_mean - out.residual / weight + float(whole.start @ moved)
        raw = np.diagonal(gram) + weight * mean**2
    before = whole.size**2
    if not (total > 0 and np.all(out.raw <= before * (1 + 1e-6)) and np.all(raw >= 0)):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.where(before > 0, before / raw, 1.0)
    growth = max(float(np.max(shrunk, initial=1.0)), whole.total / total)
    if not growth <= _MOST_OF_IT:
        return None
    own = (design.terms_in_a_sum(left_out.size) + 16) * _EPS
    return Moments(
        gram=gram, cross=cross, total=total, start=whole.start, mean=mean,
        target_mean=target_mean, size=np.sqrt(raw), rounding=growth * (whole.rounding + own),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Sums:
    """Over some rows, about the mean and the mean residual of all; ``raw`` about 0."""

    gram: FloatArray
    cross: FloatArray
    total: float
    columns: FloatArray
    residual: float
    weight: float
    raw: FloatArray


def _sums(problem: Problem, whole: Moments, rows: IntArray) -> _Sums:
    by_row, X = problem.weights[rows] / problem.likelihood.noise**2, problem.X[rows]
    r = problem.y[rows] - problem.offset[rows]
    r = r - X @ whole.start if np.any(whole.start) else r
    if whole.mean is not None:
        r = r - (whole.target_mean - float(whole.start @ whole.mean))
    weight, residual = float(np.sum(by_row)), float(by_row @ r)
    gram, sums = design.raw_products(X, by_row, np.stack([by_row, by_row * r], axis=1))
    raw, columns, cross = np.diagonal(gram).copy(), sums[:, 0], sums[:, 1]
    if whole.mean is not None:
        m = whole.mean
        gram -= np.outer(columns, m)
        gram -= np.outer(m, columns - weight * m)
        columns, cross = columns - weight * m, cross - m * residual
    return _Sums(gram, cross, float(by_row @ r**2), columns, residual, weight, raw)
