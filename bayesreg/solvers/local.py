"""The modes of a posterior that is not log-concave: several starts, local certificates.

For Student-t likelihoods, Student-t and Cauchy priors.  The distinct local modes that were found
are listed, best first.  Others may exist: that none is better cannot be proved, and the certificate
says "local".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import DataError, ModelError, NoModeError
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.point import certify_point
from bayesreg.proof.stationarity import least_curvature
from bayesreg.solvers.choice import Options, require_conditional
from bayesreg.solvers.estimate import LocalMode, MapEstimate
from bayesreg.solvers.local_descent import (
    LocalPoint,
    descend,
    majorant_curvature,
    ways_off_a_saddle,
)
from bayesreg.solvers.local_starts import starting_points
from bayesreg.solvers.local_swaps import swapped_starts

# Two points closer than this in natural units, with values this close, are one mode.
_SAME_PLACE, _SAME_VALUE = 1e-4, 1e-11

# Searches for a better mode from the best so far.
_ROUNDS = 12

# Below this the scaled Hessian is singular: a ridge of points attains the same density.
_SINGULAR = 1e-10


def find_locally(model: Model, data: Data, options: Options) -> MapEstimate:
    """The best of the local modes found, the others in ``modes``."""
    require_conditional(options.target)
    problem = bind(model, data)
    return best_of(problem, model, data.names, starting_points(problem, data.names), options)


def best_of(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    starts: Iterable[FloatArray],
    options: Options,
) -> MapEstimate:
    """The estimate at the best local mode that the starts lead to."""
    if not problem.penalty.is_separable:
        raise ModelError(
            "GroupLaplace beside a likelihood or prior that is not log-concave has no solver; "
            "give its columns a Laplace prior, or use Gaussian noise and log-concave priors"
        )
    reason = why_no_mode(problem, names)
    if reason is not None:
        raise NoModeError(f"no mode: {reason}")
    points = _modes_and_better(problem, starts, options.max_iterations)
    best = points[0]
    coef, intercept = _reported(problem, best.v, names)
    rounded = problem.shift.any() or bool(problem.blocks)
    v = problem.extended(coef, intercept) if rounded else best.v
    ties = len(points) > 1 and _same_value(best, points[1])
    penalty = problem.coefficient_penalty
    certificate = certify_point(problem, v, options.tol)
    return MapEstimate(
        coef=coef,
        intercept=intercept,
        certificate=certificate,
        log_density=-(problem.value(v) + problem.constants),
        names=names,
        model=model,
        l1=penalty.l1,
        l2=penalty.l2,
        loc=penalty.loc,
        unique=not (ties or certificate.least_curvature < _SINGULAR),
        iterations=best.steps,
        settled=best.settled,
        modes=tuple(_mode(problem, point, names) for point in points),
    )


def _modes_and_better(
    problem: Problem, starts: Iterable[FloatArray], max_steps: int
) -> list[LocalPoint]:
    """The modes that the starts lead to, and those that swaps from the best one lead to."""
    points = local_modes(problem, starts, max_steps)
    for _ in range(_ROUNDS):
        best = points[0]
        points = local_modes(problem, swapped_starts(problem, best.v), max_steps, points)
        if points[0] is best:
            break
    return points


def local_modes(
    problem: Problem,
    starts: Iterable[FloatArray],
    max_steps: int,
    known: Sequence[LocalPoint] = (),
) -> list[LocalPoint]:
    """Distinct local modes, best first; where none settled, the best point reached.

    ``known`` ones stay in the list.
    """
    found = list(known)
    for start in starts:
        if not np.isfinite(problem.value(np.clip(start, problem.penalty.lower,
                                                 problem.penalty.upper))):  # fmt: skip
            continue
        for point in _off_saddles(problem, descend(problem, start, max_steps), max_steps):
            if not any(_same_mode(problem, point, other) for other in found):
                found.append(point)
    settled = [point for point in found if point.settled]
    found = sorted(settled or found, key=lambda point: point.value)
    return found if settled else found[:1]


def _off_saddles(problem: Problem, point: LocalPoint, max_steps: int) -> list[LocalPoint]:
    """The point itself, or the modes on both sides of it when it is a saddle."""
    waiting, modes = [point], []
    for _ in range(20):
        if not waiting:
            break
        current = waiting.pop()
        sides = ways_off_a_saddle(problem, current) if current.settled else []
        waiting += [descend(problem, side, max_steps) for side in sides]
        if not sides:
            modes.append(current)
    return modes


def _same_mode(problem: Problem, one: LocalPoint, other: LocalPoint) -> bool:
    """Near in the natural unit of every coefficient; along a ridge the value alone decides."""
    if not _same_value(one, other):
        return False
    eta = problem.linear_predictor(one.v)
    distance = np.abs(one.v - other.v) * np.sqrt(majorant_curvature(problem, one.v, eta))
    if np.max(distance, initial=0.0) <= _SAME_PLACE:
        return True
    return is_ridge(problem, one.v)


def is_ridge(problem: Problem, v: FloatArray) -> bool:
    """Whether points beside a mode attain the same density."""
    return least_curvature(problem, v) < _SINGULAR


def _same_value(one: LocalPoint, other: LocalPoint) -> bool:
    return abs(one.value - other.value) <= _SAME_VALUE * max(1.0, abs(one.value))


def _mode(problem: Problem, point: LocalPoint, names: tuple[str, ...]) -> LocalMode:
    coef, intercept = _reported(problem, point.v, names)
    return LocalMode(coef, intercept, {}, -(point.value + problem.constants))


def _reported(problem: Problem, v: FloatArray, names: tuple[str, ...]) -> tuple[FloatArray, float]:
    """The user's coefficients and intercept; an error where they are no floats."""
    coef, intercept = problem.coefficients(v)
    if not (np.all(np.isfinite(coef)) and np.isfinite(intercept)):
        j = int(np.argmin(np.isfinite(coef)))
        raise DataError(
            f"the coefficient of column {names[j]!r} is beyond the range of floating point; "
            "measure that column in other units"
        )
    coef.flags.writeable = False
    return coef, intercept
