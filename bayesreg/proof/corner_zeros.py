"""Proof of exact zeros where the loss has corners.

A small gap bounds how far a coefficient can be from its kink, but not that it is on it: the dual
of a linear programme is not strongly concave.  What proves it is the active set.  With F the
columns off their kinks and I the rows on their corners, the mode of this active set solves

    [ l2  -X_IF' ] [v_F]
    [ X_IF    0  ] [d_I] = ...

If that matrix is regular, the point and its dual solve it up to residuals e, and every strict
inequality of the optimality conditions (rows on their side, duals inside their box, coefficients
off their kink, pulls inside the kinks) holds by more than |inverse| |e| can change, then the exact
solution has this active set, satisfies the conditions strictly, and is the one mode: its zeros are
the zeros of the point.  Anything less is not a proof, and False is returned: ties in y, modes that
are not unique, a pull that just reaches its kink, more than 2000 columns and rows in the system.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem
from bayesreg.proof.corner_gap import absolute_product, magnitude

_EPS = float(np.finfo(float).eps)
_LARGEST = 2000


def corner_zeros_proved(
    problem: Problem, v: FloatArray, eta: FloatArray, theta: FloatArray
) -> bool:
    """Every coefficient at its kink or bound is there in the mode as well."""
    penalty = problem.penalty
    low, high = penalty.subdifferential(v)
    zeros = (low < high) & ~penalty.is_pinned
    if not zeros.any():
        return True
    free = np.flatnonzero((low == high) & ~penalty.is_pinned)
    rounding = 32 * _EPS * magnitude(problem, v)
    met = np.abs(problem.y - eta) <= 32 * rounding
    rows = np.flatnonzero(met)
    if rows.size > free.size or rows.size + free.size > _LARGEST:
        return False
    if not _off_rows_at_their_slope(problem, eta, theta, met):
        return False
    left = problem.transposed_product(theta) + low
    noise = (
        64 * _EPS * (absolute_product(problem, theta) + np.where(zeros, penalty.l1, np.abs(low)))
    )
    residual = np.concatenate([np.abs(left[free]) + noise[free],
                               np.abs(problem.y - eta)[rows] + rounding[rows]])  # fmt: skip
    inverse = _inverse(problem, free, rows)
    if inverse is None:
        return False
    error = 2.0 * (np.abs(inverse) @ residual)
    error_v, error_d = error[: free.size], error[free.size :]
    return (
        _rows_keep_their_side(problem, eta, met, rounding, free, error_v)
        and _duals_stay_inside(problem, theta, rows, error_d)
        and _free_stay_free(problem, v, free, error_v)
        and _pulls_stay_inside(problem, theta, zeros, rows, error_d, noise, (low, high))
    )


def _off_rows_at_their_slope(
    problem: Problem, eta: FloatArray, theta: FloatArray, met: BoolArray
) -> bool:
    slope = problem.weights * problem.likelihood.gradient(problem.y, eta)
    return bool(np.all(np.abs(theta - slope)[~met] <= 4 * _EPS * np.abs(slope[~met])))


def _inverse(problem: Problem, free: IntArray, rows: IntArray) -> FloatArray | None:
    """The inverse of the matrix above, through a scaled one; None where it is too near singular."""
    block = problem.block(free)[rows] if free.size else np.zeros((rows.size, 0))
    matrix = np.block(
        [[np.diag(problem.penalty.l2[free]), -block.T], [block, np.zeros((rows.size,) * 2)]]
    )
    size = np.ones(matrix.shape[0])
    for _ in range(8):
        largest = np.max(np.abs(matrix) * size * size[:, None], axis=1, initial=0.0)
        size = size / np.sqrt(np.where(largest > 0, largest, 1.0))
    scaled = matrix * size * size[:, None]
    if not scaled.size:
        return scaled
    if not np.all(np.isfinite(scaled)) or not np.linalg.cond(scaled) < 1e11:
        return None
    return np.asarray(np.linalg.inv(scaled) * size * size[:, None])


def _rows_keep_their_side(
    problem: Problem,
    eta: FloatArray,
    met: BoolArray,
    rounding: FloatArray,
    free: IntArray,
    error: FloatArray,
) -> bool:
    change = np.zeros(problem.size)
    change[free] = error
    reach = abs(problem.X) @ change[: problem.p] + rounding
    reach = reach + change[-1] if problem.has_intercept else reach
    return bool(np.all(np.abs(problem.y - eta)[~met] > reach[~met]))


def _duals_stay_inside(
    problem: Problem, theta: FloatArray, rows: IntArray, error: FloatArray
) -> bool:
    low, high = problem.likelihood.slopes  # type: ignore[attr-defined]
    weights, inner = problem.weights[rows], theta[rows]
    return bool(np.all((inner - error > weights * low) & (inner + error < weights * high)))


def _free_stay_free(problem: Problem, v: FloatArray, free: IntArray, error: FloatArray) -> bool:
    part, w = problem.penalty.take(free), v[free]
    off_kink = (part.l1 == 0) | (np.abs(w - part.loc) > error)
    return bool(np.all(off_kink & (w - error > part.lower) & (w + error < part.upper)))


def _pulls_stay_inside(
    problem: Problem,
    theta: FloatArray,
    zeros: BoolArray,
    rows: IntArray,
    error: FloatArray,
    noise: FloatArray,
    slopes: tuple[FloatArray, FloatArray],
) -> bool:
    c = -problem.transposed_product(theta)
    change = np.zeros(problem.n)
    change[rows] = error
    reach = absolute_product(problem, change) + noise
    low, high = slopes
    return bool(np.all(((c - reach > low) & (c + reach < high))[zeros]))
