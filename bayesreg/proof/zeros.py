"""Which zeros of a point are zeros of the mode: a safe ball around the dual point."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem
from bayesreg.proof.arithmetic import column_norms

_EPS = float(np.finfo(float).eps)


def zeros_proved(
    problem: Problem, v: FloatArray, eta: FloatArray, gradient: FloatArray, gap: float
) -> bool:
    """|x_j' theta| + ||x_j|| radius < l1_j for every coefficient at its kink or bound.

    In general: -x_j' theta is inside the subdifferential of g_j by more than ||x_j|| radius; of a
    group, ||(X_g' theta) / l1|| + ||(||x_j|| radius / l1_j)_j|| < 1.

    theta* of the mode lies within Bregman divergence ``gap`` of theta at the point, so that
    |x_j'(theta - theta*)| <= sqrt(2 gap sum_i s_i L_i x_ij^2), L_i bounding the curvature over
    that set. With a flat intercept both thetas sum to 0 and x_j may be centred.
    """
    penalty = problem.penalty
    low, high = penalty.subdifferential(v)
    zeros = (low < high) & ~penalty.is_pinned
    if not zeros.any():
        return True
    if not np.isfinite(gap):
        return False
    weights = problem.weights
    smoothness = problem.likelihood.smoothness_within(problem.y, eta, gap / weights)
    by_row = weights * smoothness
    total = np.sum(by_row)
    norm = column_norms(problem, by_row)
    # Rounding of the inner products themselves, with room to spare.
    rounding = 64 * _EPS * column_norms(problem, np.ones(problem.n))
    allowance = rounding * np.linalg.norm(problem.gradient_rows(eta))
    if problem.flat_intercept:
        mean = problem.transposed_product(by_row) / total
        centred = np.sqrt(np.maximum(norm**2 - mean**2 * total, 0.0) + 1e-12 * norm**2)
        norm = np.minimum(norm, centred)
        allowance = allowance + np.abs(mean * gradient[-1])
    reach = norm * np.sqrt(2 * gap) + allowance
    inside = penalty.strictly_inside(v, -gradient, reach)
    return bool(np.all(inside[zeros]))
