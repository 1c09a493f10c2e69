"""The mode under an asymmetric Laplace likelihood: interior point, then the exact active set.

minimise  sum_i s_i rho_q(y_i - offset_i - a - x_i w) / s + g(w) + g_a(a)

The interior point method runs until its point shows the active set; the linear system of that set
gives the mode to rounding, with exact zeros and exactly interpolated rows, and a dual point that
the certificate checks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.proof.point import certify_point
from bayesreg.solvers.choice import Options, require_conditional
from bayesreg.solvers.corner_uniqueness import corner_mode_is_unique
from bayesreg.solvers.corners import Corners, as_corners, null_point
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.interior_point import Interior, improve, starting_interior
from bayesreg.solvers.newton import Solution
from bayesreg.solvers.solve import as_estimate, reported
from bayesreg.solvers.vertex import polish

# From this share of J on the interior point is asked for its active set.
_READY = 1e-5
# Far below the rounding of J: penalties that weak beside the loss are decided only here.
_DONE = 1e-250
_STALLED = 8
# Where the data can be fitted exactly J itself vanishes; this share of its start stands in.
_LEAST_VALUE = 1e-6


@dataclass(frozen=True, eq=False)
class CornerSolution:
    """A primal and a dual point; ``settled`` when nothing is left to win but rounding."""

    v: FloatArray
    theta: FloatArray
    iterations: int
    settled: bool


def find_quantile(model: Model, data: Data, options: Options) -> MapEstimate:
    """The mode under an asymmetric Laplace likelihood and separable convex priors."""
    require_conditional(options.target)
    problem = bind(model, data)
    require_supported_penalty(problem)
    return solve_corners(problem, model, data.names, options.tol, options.max_iterations)


def solve_corners(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    tol: float,
    max_iterations: int,
    half_null_deviance: float | None = None,
    check_unique: bool = True,
) -> MapEstimate:
    """Minimise, certify by the solver's dual point, and put the result into the user's units."""
    corners = minimise_corners(problem, max_iterations)
    solution = Solution(corners.v, corners.iterations, corners.settled)
    v = reported(problem, names, solution)[2]
    certificate = certify_point(problem, v, tol, half_null_deviance, dual=corners.theta)
    unique = not (check_unique and certificate.holds) or corner_mode_is_unique(
        problem, corners.v, corners.theta
    )
    return as_estimate(problem, model, names, v, solution, certificate, unique)


def minimise_corners(problem: Problem, max_iterations: int) -> CornerSolution:
    """Interior point steps until the active set they show solves the problem exactly."""
    corners = as_corners(problem)
    start = null_point(problem)
    if problem.value(start) == 0.0:
        return CornerSolution(start, np.zeros(problem.n), 0, True)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        return _minimise(corners, max_iterations)


def _minimise(corners: Corners, max_iterations: int) -> CornerSolution:
    point = starting_interior(corners)
    floor = max(_LEAST_VALUE * corners.value(point.v), 1e-300)
    best, least, smallest, stalled = point, np.inf, np.inf, 0
    for iteration in range(1, max_iterations + 1):
        moved = improve(corners, point)
        if not _usable(moved):
            break
        point = moved
        share = point.complementarity / max(corners.value(point.v), floor)
        # Far from the mode J may fall faster than the products do: that is progress too.
        falling = share < 0.9 * least or point.complementarity < 0.9 * smallest
        smallest = min(smallest, point.complementarity)
        stalled = 0 if falling else stalled + 1
        if share < least:
            best, least = point, share
        if share < _READY:
            vertex = polish(corners, point)
            if vertex.optimal:
                return CornerSolution(vertex.v, -vertex.d[: corners.problem.n], iteration, True)
        if share < _DONE or stalled >= _STALLED:
            break
    v = np.clip(best.v, corners.problem.penalty.lower, corners.problem.penalty.upper)
    only_rounding = best.complementarity <= 1e-15 * corners.value(v)
    return CornerSolution(v, -best.d[: corners.problem.n], iteration, only_rounding)


def _usable(point: Interior) -> bool:
    return bool(np.all(np.isfinite(point.v)) and np.isfinite(point.complementarity))
