"""The mode of the coefficients beside a dispersion held at a number, convex or not.

Where a prior has Student-t tails the problem is not convex, and Newton's method for convex ones
may go round in circles on it: there the descent of :mod:`bayesreg.solvers.local` takes its place.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.proof.point import certify_point
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.local import is_ridge, local_modes
from bayesreg.solvers.newton import Solution
from bayesreg.solvers.quantile import minimise_corners, solve_corners
from bayesreg.solvers.settle import settle
from bayesreg.solvers.solve import as_estimate, reported, solve
from bayesreg.solvers.start import starting_point


def require_solvable(problem: Problem) -> None:
    """Refuse groups beside what is not convex, and priors that a loss with corners cannot have.

    Raises
    ------
    ModelError
    """
    if not is_smooth(problem.likelihood):
        require_supported_penalty(problem)
    if not (problem.convex or problem.penalty.is_separable):
        raise ModelError(
            "GroupLaplace beside a likelihood or prior that is not log-concave has no solver; "
            "give its columns a Laplace prior, or the others a log-concave one"
        )


def conditional_mode(
    problem: Problem, names: tuple[str, ...], start: FloatArray, max_iterations: int
) -> Solution:
    """The mode, or where there may be several the one in whose valley ``start`` lies."""
    if not is_smooth(problem.likelihood):
        corners = minimise_corners(problem, max_iterations)
        return Solution(corners.v, corners.iterations, corners.settled)
    if problem.convex:
        return settle(problem, names, start, max_iterations)
    if not np.isfinite(problem.value(start)):
        start = starting_point(problem, names)
    point = local_modes(problem, [start], max_iterations)[0]
    return Solution(point.v, point.steps, point.settled)


def conditional_estimate(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    start: FloatArray,
    tol: float,
    max_iterations: int,
) -> MapEstimate:
    """The same, certified and in the user's units."""
    if not is_smooth(problem.likelihood):
        return solve_corners(problem, model, names, tol, max_iterations)
    if problem.convex:
        return solve(problem, model, names, start, tol, max_iterations)
    solution = conditional_mode(problem, names, start, max_iterations)
    v = reported(problem, names, solution)[2]
    certificate = certify_point(problem, v, tol)
    unique = not is_ridge(problem, v)
    return as_estimate(problem, model, names, v, solution, certificate, unique)
