"""Newton directions for K classes by conjugate gradients, where the Hessian would be too large.

For priors without kinks and bounds. A product with the Hessian takes two products with X per class:

    (H D)_k = X' [s p_k (e_k - sum_l p_l e_l)] + l2 D_k,    e_k = X D_k
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem

_MOST_STEPS = 1000


def conjugate_direction(
    problem: ClassProblem,
    V: FloatArray,
    chance: FloatArray,
    gradient: FloatArray,
    curvature: FloatArray,
) -> FloatArray:
    """An approximate Newton direction (K, size), more exact the nearer the mode is."""
    penalty = problem.penalty
    free = ~penalty.is_pinned
    # What all classes share of a flat entry is rounding: the Hessian says nothing of it.
    slope = problem.centred(np.where(free, gradient + penalty.slope(V), 0.0))
    scale = curvature + penalty.l2
    scale = np.where(scale > 0, scale, 1.0)
    steepness = float(np.sum(slope * slope / scale))
    direction = np.zeros(V.shape)
    rest = -slope
    search = rest / scale
    energy = steepness
    # Accuracy in step with progress: the decrement is about the nats still to win.
    wanted = steepness * min(1e-2, steepness / max(1.0, abs(problem.value(V))), 1.0) ** 2
    for _ in range(_MOST_STEPS):
        product = np.where(free, _hessian_product(problem, chance, search), 0.0)
        curved = float(np.sum(search * product))
        if not curved > 0:
            break
        length = energy / curved
        direction += length * search
        rest = problem.centred(rest - length * product)
        improved = float(np.sum(rest * rest / scale))
        if improved <= max(wanted, 1e-24 * steepness):
            break
        search = rest / scale + (improved / energy) * search
        energy = improved
    return problem.centred(direction)


def _hessian_product(problem: ClassProblem, chance: FloatArray, D: FloatArray) -> FloatArray:
    by_row = problem.linear_predictors(D)
    mean = np.sum(chance * by_row, axis=1)[:, None]
    weighted = problem.weights[:, None] * chance * (by_row - mean)
    return problem.transposed_product(weighted) + problem.penalty.l2 * D
