"""The points of a path, in the way that suits the model: at once, one by one, or at corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.null import null_deviance
from bayesreg.solvers.choice import Options
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.failure import act_on_failure
from bayesreg.solvers.gaussian import Along, path_at_once, prove_along
from bayesreg.solvers.knots import Knots
from bayesreg.solvers.local_path import local_estimates
from bayesreg.solvers.newton import Solution
from bayesreg.solvers.quantile import solve_corners
from bayesreg.solvers.solve import as_estimate, solve
from bayesreg.solvers.start import starting_point

if TYPE_CHECKING:
    pass
from bayesreg.solvers.map_path import Lazily

_POINTS_AT_A_TIME = 20


@dataclass(frozen=True)
class Task:
    """A path that was asked for; ``t`` are the factors of the scale, ascending."""

    problem: Problem
    model: Model
    data: Data
    t: FloatArray
    tol: float
    on_failure: str
    max_iterations: int


@dataclass(frozen=True)
class Points:
    """What the path consists of, in the order of ``t``."""

    coef: FloatArray
    intercept: FloatArray
    certificates: Sequence[Certificate]
    estimates: Sequence[MapEstimate]

    def up_to(self, k: int) -> Points:
        """The first k of them."""
        certificates = Lazily(k, self.certificates.__getitem__)
        estimates = Lazily(k, self.estimates.__getitem__)
        return Points(self.coef[:k], self.intercept[:k], certificates, estimates)

    @classmethod
    def of(cls, estimates: Sequence[MapEstimate]) -> Points:
        return cls(
            np.stack([estimate.coef for estimate in estimates]),
            np.array([estimate.intercept for estimate in estimates]),
            tuple(estimate.certificate for estimate in estimates),
            tuple(estimates),
        )


def points_of(task: Task, common: FloatArray) -> Points:
    """Every point of the path, in the way that suits the model."""
    if not is_smooth(task.problem.likelihood):
        return _at_corners(task)
    if not task.model.log_concave:
        return _locally(task)
    return _at_once(task, common) or _one_by_one(task)


def points_at_knots(task: Task, knots: Knots, max_nonzero: int | None) -> Points:
    """The points that came with the knots, certified together."""
    along = prove_along(task.problem, knots.moments, task.t, knots.v, task.tol)
    points = _certified(task, along)
    if max_nonzero is None:
        return points
    loc = task.problem.coefficient_penalty.loc
    beyond = np.flatnonzero(np.count_nonzero(points.coef != loc, axis=1) > max_nonzero)
    return points.up_to(int(beyond[0]) + 1) if beyond.size else points


def points_until(task: Task, common: FloatArray, max_nonzero: int) -> Points:
    """The points up to the first with more than so many coefficients off loc, a few at a time."""
    parts: list[Points] = []
    loc = task.problem.coefficient_penalty.loc
    for first in range(0, task.t.size, _POINTS_AT_A_TIME):
        block = slice(first, first + _POINTS_AT_A_TIME)
        parts.append(points_of(replace(task, t=task.t[block]), common[block]))
        beyond = np.flatnonzero(np.count_nonzero(parts[-1].coef != loc, axis=1) > max_nonzero)
        if beyond.size:
            parts[-1] = parts[-1].up_to(int(beyond[0]) + 1)
            break
    return Points(
        np.concatenate([part.coef for part in parts]),
        np.concatenate([part.intercept for part in parts]),
        tuple(chain.from_iterable(part.certificates for part in parts)),
        tuple(chain.from_iterable(part.estimates for part in parts)),
    )


def _one_by_one(task: Task) -> Points:
    """Each point by find_map's solver, from the point before."""
    half = null_deviance(task.problem) / 2
    start = starting_point(task.problem, task.data.names)
    estimates = []
    for factor in task.t.tolist():
        scaled = task.problem.at_scale(factor)
        estimates.append(_solve_at(task, scaled, factor, start, half))
        start = scaled.extended(estimates[-1].coef, estimates[-1].intercept)
    return Points.of(estimates)


def _at_corners(task: Task) -> Points:
    """Each point afresh: interior points gain nothing from a start at a vertex."""
    half = null_deviance(task.problem) / 2
    estimates = []
    for factor in task.t.tolist():
        scaled, model = task.problem.at_scale(factor), task.model.rescaled(factor)
        estimate = solve_corners(scaled, model, task.data.names, task.tol, task.max_iterations,
                                 half, check_unique=False)  # fmt: skip
        act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
        estimates.append(estimate)
    return Points.of(estimates)


def _locally(task: Task) -> Points:
    """The best local mode at each point."""
    options = Options(None, task.tol, task.max_iterations)
    estimates = []
    for estimate in local_estimates(task.model, task.data, task.t, options):
        act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
        estimates.append(estimate)
    return Points.of(estimates)


def _solve_at(
    task: Task, scaled: Problem, factor: float, start: FloatArray, half: float
) -> MapEstimate:
    model = task.model.rescaled(factor)
    estimate = solve(scaled, model, task.data.names, start, task.tol, task.max_iterations, half,
                     check_unique=False)  # fmt: skip
    act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
    return estimate


def _at_once(task: Task, common: FloatArray) -> Points | None:
    """All points together, where there is a quicker way than one by one; else None.

    Points that this does not certify are solved again, one by one.
    """
    along = path_at_once(task.problem, task.t, common, task.tol)
    return None if along is None else _certified(task, along)


def _certified(task: Task, along: Along) -> Points:
    """The points, those without a certificate solved again one by one."""
    problem, v, gaps = task.problem, along.v, along.gaps
    half = gaps.half_null_deviance
    coef, intercept = _user_coefficients(problem, v)
    repaired: dict[int, MapEstimate] = {}
    for k in np.flatnonzero(~gaps.holds).tolist():
        scaled = problem.at_scale(float(task.t[k]))
        repaired[k] = _solve_at(task, scaled, float(task.t[k]), v[k], half)
        coef[k], intercept[k] = repaired[k].coef, repaired[k].intercept

    def certificate(k: int) -> Certificate:
        return repaired[k].certificate if k in repaired else gaps.certificate(k)

    def estimate(k: int) -> MapEstimate:
        if k in repaired:
            return repaired[k]
        factor = float(task.t[k])
        return as_estimate(
            problem.at_scale(factor), task.model.rescaled(factor), task.data.names, v[k],
            Solution(v[k], 1, True), gaps.certificate(k),
        )  # fmt: skip

    k = task.t.size
    return Points(coef, intercept, Lazily(k, certificate), Lazily(k, estimate))


def _user_coefficients(problem: Problem, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of extended vectors on the user's columns."""
    coef = problem.user_coefficients(v[:, : problem.p])
    if not problem.has_intercept:
        return coef, np.zeros(len(v))
    return coef, v[:, problem.p] - coef @ problem.shift
