"""Groups with more columns than rows: the mode followed from narrow scales to the one asked for.

Under a weak penalty many sets of groups fit nearly equally well, and block descent wanders among
them.  From the scale at which the first group leaves its loc each solution is a few groups away
from the next.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution, minimise

_WIDENING = 4.0
# Solutions on the way are starting points, nothing more.
_ITERATIONS_ON_THE_WAY = 3


def minimise_by_widening(problem: Problem, v: FloatArray, max_iterations: int) -> Solution:
    """Minimise J from a point with every group at its loc, through ever wider priors."""
    used = 0
    for factor in _narrower_scales(problem, v):
        room = min(_ITERATIONS_ON_THE_WAY, max_iterations - used - 1)
        if room < 1:
            break
        found = minimise(problem.at_scale(factor), v, room)
        v, used = found.v, used + found.iterations
    last = minimise(problem, v, max_iterations - used)
    return Solution(last.v, used + last.iterations, last.settled)


def _narrower_scales(problem: Problem, v: FloatArray) -> FloatArray:
    """Multiples of the scale below 1, from where a coefficient first wants to leave its kink."""
    gradient = problem.transposed_product(problem.gradient_rows(problem.linear_predictor(v)))
    steepest = float(np.max(problem.penalty.kink_ratio(gradient)))
    if not 1.0 < steepest < np.inf:
        return np.empty(0)
    steps = min(int(np.log(steepest) / np.log(_WIDENING)), 40)
    return _WIDENING ** -np.arange(float(steps), 0.0, -1.0)
