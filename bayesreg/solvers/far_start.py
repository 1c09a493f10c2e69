"""Where to begin when the centre of the prior is far out for the likelihood.

With every coefficient at its loc, X loc may lie where the loss overflows, or where it is a straight
line with no curvature left (a saturated sigmoid): there Newton's quadratic model says nothing.
J along the ray t loc, 0 <= t <= 1, is convex; its best point over t = 1, 1/2, 1/4, ..., 0 is not
far out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem

# X loc is as far from data as powers of two of any float: the ray is followed this far down.
_HALVINGS = 200
# Coefficients off their kink cost a square matrix of them.
_LARGEST = 3000
# The rows' own Newton steps promise this many times what there is to win.
_SATURATED = 1e6


def brought_near(
    problem: Problem, v: FloatArray, complete: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """The start v, or where J is saturated there the best point between it and 0.

    ``complete`` puts a flat intercept where it belongs; the bounds are kept.
    """
    movable = int(np.count_nonzero(v[: problem.p]))
    at_zero = not (v[: problem.p] if problem.flat_intercept else v).any()
    if at_zero or movable > _LARGEST or isinstance(problem.likelihood, Gaussian):
        return v
    if not _is_saturated(problem, v):
        return v
    best, least = v, problem.value(v)
    for candidate in _along_the_ray(problem):
        candidate = complete(candidate)
        value = problem.value(candidate)
        if value < least:
            best, least = candidate, value
        elif np.isfinite(least):
            break  # convex along the ray: it only rises from here
    return best


def _along_the_ray(problem: Problem) -> Iterator[FloatArray]:
    penalty = problem.penalty
    for halving in range(1, _HALVINGS):
        yield np.clip(problem.start * 0.5**halving, penalty.lower, penalty.upper)
    yield np.clip(np.zeros(problem.size), penalty.lower, penalty.upper)


def _is_saturated(problem: Problem, v: FloatArray) -> bool:
    """J overflows, or the loss is nearly straight: sum g^2 / 2h is far above the loss itself."""
    eta = problem.linear_predictor(v)
    value = problem.value(v, eta)
    if not np.isfinite(value):
        return True
    g, h = problem.gradient_rows(eta), problem.majorising_rows(eta)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        promised = float(np.sum(np.where(g != 0, 0.5 * g * g / h, 0.0)))
    straight = not promised <= _SATURATED * (1.0 + abs(problem.loss(eta)))
    return straight or value > _SATURATED * (1.0 + abs(problem.loss(problem.offset)))
