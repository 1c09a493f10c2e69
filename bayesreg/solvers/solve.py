"""A problem minimised, certified, and put into the user's units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.errors import (
    DataError,
)
from bayesreg.model import Model
from bayesreg.problem import Problem
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.null import null_deviance
from bayesreg.proof.point import certify_point
from bayesreg.proof.uniqueness import mode_is_unique
from bayesreg.solvers.conjugate_gradients import (
    conjugate_gradients_pay,
    hessian_fits,
    minimise_by_conjugate_gradients,
)
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.newton import Curvature, Solution
from bayesreg.solvers.refine import is_affordable, is_needed, refine
from bayesreg.solvers.row_descent import approach, row_descent_pays, too_many_for_newton
from bayesreg.solvers.settle import DIRECT_ITERATIONS, settle

# Relative gap from which on coefficients are worth all of their digits: the default.
TO_ROUNDING = 1e-8


def solve(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    start: FloatArray,
    tol: float,
    max_iterations: int,
    half_null_deviance: float | None = None,
    check_unique: bool = True,
    curvature: Curvature | None = None,
    near: Solution | None = None,
) -> MapEstimate:
    """Minimise, certify, and put the result into the user's units.

    What another method found, ``near``, is only certified where it settled and that suffices; else
    Newton's method goes on from there.
    """
    if near is None and row_descent_pays(problem):
        if half_null_deviance is None:
            half_null_deviance = null_deviance(problem) / 2
        near = approach(problem, start, tol, half_null_deviance, max_iterations)
    elif near is None and conjugate_gradients_pay(problem):
        if half_null_deviance is None:
            half_null_deviance = null_deviance(problem) / 2
        # As accurate as was asked; to the last digit by default.
        aim = 0.3 * tol * half_null_deviance if tol > TO_ROUNDING else 0.0
        near = minimise_by_conjugate_gradients(problem, start, aim, max_iterations)
    done = Solution(start, 1, too_many_for_newton(problem, start)) if near is None else near
    if done.settled:
        v = reported(problem, names, done)[2]
        certificate = certify_point(problem, v, tol, half_null_deviance)
        if certificate.holds:
            return certified(problem, model, names, v, certificate, done=done,
                             check_unique=check_unique)  # fmt: skip
    solution = _onwards(problem, names, start, near, max_iterations, curvature)
    may_refine = problem.penalty.is_separable and (
        solution.settled or max_iterations > DIRECT_ITERATIONS
    )
    # Whoever asks for less than the default has no use for a twelfth digit.
    refined = may_refine and tol <= TO_ROUNDING and is_needed(problem, solution.v)
    solution = _refined(problem, solution) if refined else solution
    v = reported(problem, names, solution)[2]
    certificate = certify_point(problem, v, tol, half_null_deviance)
    if may_refine and not refined and not certificate.holds and is_affordable(problem, v):
        solution = _refined(problem, solution)
        v = reported(problem, names, solution)[2]
        certificate = certify_point(problem, v, tol, half_null_deviance)
    known = None if curvature is None else (curvature.columns, curvature.hessian)
    unique = not (check_unique and certificate.holds) or mode_is_unique(problem, v, known)
    return as_estimate(problem, model, names, v, solution, certificate, unique)


def certified(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    v: FloatArray,
    certificate: Certificate,
    moments: tuple[IntArray, FloatArray] | None = None,
    done: Solution | None = None,
    check_unique: bool = True,
) -> MapEstimate:
    """The estimate at a point that was proved to be good enough."""
    unique = not check_unique or mode_is_unique(problem, v, moments)
    done = Solution(v, 1, True) if done is None else done
    return as_estimate(problem, model, names, v, done, certificate, unique)


def _onwards(
    problem: Problem,
    names: tuple[str, ...],
    start: FloatArray,
    near: Solution | None,
    max_iterations: int,
    curvature: Curvature | None,
) -> Solution:
    if near is None:
        return settle(problem, names, start, max_iterations, curvature)
    stopped = conjugate_gradients_pay(problem) and not hessian_fits(problem)
    if near.iterations >= max_iterations or stopped:
        return replace(near, settled=False)
    last = settle(problem, names, near.v, max_iterations - near.iterations, curvature)
    return replace(last, iterations=near.iterations + last.iterations)


def as_estimate(
    problem: Problem,
    model: Model,
    names: tuple[str, ...],
    v: FloatArray,
    solution: Solution,
    certificate: Certificate,
    unique: bool = True,
) -> MapEstimate:
    """An extended vector in the user's units, with all that belongs to it."""
    coef, intercept = problem.coefficients(v)
    coef.flags.writeable = False
    penalty = problem.coefficient_penalty
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
        unique=unique,
        iterations=solution.iterations,
        settled=solution.settled,
    )


def _refined(problem: Problem, solution: Solution) -> Solution:
    """The solution to its last digit where nearly dependent columns allow it, else as it is."""
    point = refine(problem, solution.v)
    if point is None:
        return solution
    return Solution(point[0], solution.iterations, True)


def reported(
    problem: Problem, names: tuple[str, ...], solution: Solution
) -> tuple[FloatArray, float, FloatArray]:
    """Coefficients and intercept in the user's units, and the extended vector that they are."""
    coef, intercept = problem.coefficients(solution.v)
    if not (np.all(np.isfinite(coef)) and np.isfinite(intercept)):
        j = int(np.argmin(np.isfinite(coef)))
        raise DataError(
            f"the coefficient of column {names[j]!r} is beyond the range of floating point; "
            "measure that column in other units"
        )
    # What is reported is what is certified: undoing a shift or a covariance may round.
    rounded = problem.shift.any() or bool(problem.blocks)
    v = problem.extended(coef, intercept) if rounded else solution.v
    return coef, intercept, v
