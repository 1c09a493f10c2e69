"""The minimum of J by Newton's method, directly where that goes, else step by step."""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.problem import Problem
from bayesreg.solvers.groups import minimise_by_widening
from bayesreg.solvers.newton import Curvature, Solution, minimise
from bayesreg.solvers.start import starting_point

DIRECT_ITERATIONS = 40


def settle(
    problem: Problem,
    names: tuple[str, ...],
    start: FloatArray,
    max_iterations: int,
    curvature: Curvature | None = None,
) -> Solution:
    """The minimum of J: directly where that goes, else one coefficient in or out at a time."""
    first = min(max_iterations, DIRECT_ITERATIONS)
    if _many_groups(problem) and np.all(problem.penalty.at_kink(start)[kinked(problem)]):
        solution = minimise_by_widening(problem, start, max_iterations)
    else:
        solution = minimise(problem, start, first, curvature=curvature)
    if not solution.settled and max_iterations > first:
        solution = _carefully(problem, names, solution, max_iterations - first)
    return solution


def _many_groups(problem: Problem) -> bool:
    return not problem.penalty.is_separable and problem.size > problem.n


def kinked(problem: Problem) -> BoolArray:
    """Extended columns whose penalty has a kink."""
    return problem.penalty.l1 > 0


def _carefully(
    problem: Problem, names: tuple[str, ...], direct: Solution, max_iterations: int
) -> Solution:
    """Start again with one coefficient in or out at a time, where there are kinks to cross.

    With more columns than rows and a weak penalty, many sets of columns fit nearly equally well
    and coordinate descent wanders among them. Groups are followed from narrow scales. Without
    kinks, go on from where it stopped.
    """
    has_kinks = bool(np.any(kinked(problem)))
    start = starting_point(problem, names) if has_kinks else direct.v
    if problem.penalty.is_separable:
        last = minimise(problem, start, max_iterations, one_at_a_time=has_kinks)
    else:
        last = minimise_by_widening(problem, start, max_iterations)
    best = last
    if not last.settled and problem.value(direct.v) < problem.value(last.v):
        best = direct
    return Solution(best.v, direct.iterations + last.iterations, last.settled)
