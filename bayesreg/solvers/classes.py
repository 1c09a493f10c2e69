"""find_map for likelihoods of K classes: Newton, certificate, the user's units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.data import Data
from bayesreg.errors import DataError, NoModeError
from bayesreg.model import Model
from bayesreg.proof.existence_classes import why_no_class_mode
from bayesreg.proof.point import certify_class_point
from bayesreg.proof.uniqueness_classes import class_mode_is_unique
from bayesreg.solvers.choice import Options, require_conditional
from bayesreg.solvers.class_newton import ClassSolution, minimise_classes
from bayesreg.solvers.estimate import MapEstimate

_DIRECT_ITERATIONS = 40


def find_by_class_newton(model: Model, data: Data, options: Options) -> MapEstimate:
    """The mode under a likelihood of K classes and separable convex priors."""
    require_conditional(options.target)
    problem = bind_classes(model, data)
    start = class_start(problem, data.names)
    return solve_classes(problem, model, data.names, start, options)


def class_start(problem: ClassProblem, names: tuple[str, ...]) -> FloatArray:
    """Every coefficient at its loc, flat intercepts at their optimum there.

    A loc is the same for all classes, so that it says nothing: a_k = log(share of class k).
    """
    V = problem.start.copy()
    V[:, problem.penalty.is_flat] = 0.0
    if problem.flat_intercept:
        if np.any(problem.class_weights == 0):
            raise NoModeError(f"no mode: {why_no_class_mode(problem, names)}")
        log_share = np.log(problem.class_weights / np.sum(problem.class_weights))
        V[:, -1] = log_share - log_share.mean()
    return V


def solve_classes(
    problem: ClassProblem,
    model: Model,
    names: tuple[str, ...],
    start: FloatArray,
    options: Options,
    half_null_deviance: float | None = None,
    check_unique: bool = True,
) -> MapEstimate:
    """Minimise, certify, and put the result into the user's units."""
    solution = _minimised(problem, names, start, options.max_iterations)
    coef, intercept = problem.coefficients(solution.V)
    if not (np.all(np.isfinite(coef)) and np.all(np.isfinite(intercept))):
        j = int(np.argmin(np.all(np.isfinite(coef), axis=0)))
        raise DataError(
            f"the coefficients of column {names[j]!r} are beyond the range of floating point; "
            "measure that column in other units"
        )
    # What is reported is what is certified.
    V = problem.extended(coef, intercept)
    certificate = certify_class_point(problem, V, options.tol, half_null_deviance)
    coef.flags.writeable = intercept.flags.writeable = False
    penalty = problem.penalty.take(slice(0, problem.p)).in_units(1.0 / problem.unit)
    return MapEstimate(
        coef=coef,
        intercept=intercept,
        certificate=certificate,
        log_density=-(problem.value(V) + problem.constants),
        names=names,
        model=model,
        l1=penalty.l1,
        l2=penalty.l2,
        loc=penalty.loc,
        unique=not (check_unique and certificate.holds) or class_mode_is_unique(problem, V),
        iterations=solution.iterations,
        settled=solution.settled,
        classes=tuple(range(problem.n_classes)),
    )


def _minimised(
    problem: ClassProblem, names: tuple[str, ...], start: FloatArray, max_iterations: int
) -> ClassSolution:
    """Newton; where coordinate descent wandered among kinks, again one entry at a time.

    Without a mode to run to, there is no use in going on.
    """
    first = min(max_iterations, _DIRECT_ITERATIONS)
    direct = minimise_classes(problem, start, first)
    if direct.settled or max_iterations == first or why_no_class_mode(problem, names):
        return direct
    kinked = bool(np.any(problem.penalty.l1 > 0))
    rest = minimise_classes(problem, direct.V, max_iterations - first, one_at_a_time=kinked)
    return replace(rest, iterations=first + rest.iterations)
