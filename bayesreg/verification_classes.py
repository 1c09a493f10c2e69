"""The checks of :mod:`bayesreg.verification` for likelihoods of K classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.proof.certify import certify
from bayesreg.solvers import MapEstimate


class Outcome(NamedTuple):
    """The fields of :class:`bayesreg.verification.Check`."""

    name: str
    passed: bool | None
    figure: float | None
    limit: float | None
    detail: str


def class_checks(
    model: Model, data: Data, fit: MapEstimate, rng: np.random.Generator
) -> tuple[Outcome, ...]:
    """Certificate, gradient, random points and PyMC's density."""
    problem = bind_classes(model, data)
    found = certify(model, data, fit.coef, fit.intercept, tol=fit.certificate.tol)
    return (
        Outcome("certificate", found.holds, found.relative_gap, found.tol, str(found)),
        _gradient_by_differences(model, data, problem, fit, rng),
        _no_point_beats_the_mode(problem, fit, rng),
        _pymc_density(model, data, problem, fit, rng),
    )


def _gradient_by_differences(
    model: Model, data: Data, problem: ClassProblem, fit: MapEstimate, rng: np.random.Generator
) -> Outcome:
    """model.gradient along random directions from a random point off every kink.

    The step is 1e-4 natural ones; differences are relative to the sum of the sizes of all terms.
    """
    spread = _spread(problem, fit)
    penalty = problem.penalty
    V = _near(problem, fit, spread, rng)
    exact = _gradient(model, data, problem, V)
    room = np.minimum(V - penalty.lower, penalty.upper - V)
    room = np.minimum(room, np.where(penalty.l1 > 0, np.abs(V - penalty.loc), np.inf))
    moving = (room > 0) & ~penalty.is_pinned
    worst = 0.0
    for _ in range(30):
        step = rng.choice([-1.0, 1.0], size=V.shape) * np.minimum(1e-4 * spread, 0.1 * room)
        step = np.where(moving, step, 0.0)
        change = _log_density(model, data, problem, V + step)
        change -= _log_density(model, data, problem, V - step)
        terms = float(np.sum((np.abs(exact) + 1.0 / spread) * np.abs(step)))
        if terms > 0:
            worst = max(worst, abs(change - 2 * float(np.sum(exact * step))) / terms)
    detail = f"largest relative difference along 30 random directions {worst:.1e}"
    return Outcome("gradient by differences", bool(worst <= 1e-5), worst, 1e-5, detail)


def _no_point_beats_the_mode(
    problem: ClassProblem, fit: MapEstimate, rng: np.random.Generator
) -> Outcome:
    mode = problem.extended(fit.coef, fit.intercept)
    at_mode, spread = problem.value(mode), _spread(problem, fit)
    best = np.inf
    for share in np.tile(np.geomspace(1e-4, 1.0, 9), 50):
        point = mode + share * (_near(problem, fit, spread, rng) - mode)
        best = min(best, problem.value(point) - at_mode)
    limit = fit.certificate.gap + 1e-13 * abs(at_mode)
    detail = f"of 450 random points the best lies {best:.2e} nats below the mode's log posterior"
    return Outcome("no point beats the mode", bool(best >= -limit), -best, limit, detail)


def _pymc_density(
    model: Model, data: Data, problem: ClassProblem, fit: MapEstimate, rng: np.random.Generator
) -> Outcome:
    """PyMC's joint log density equals ours at 20 random points."""
    from bayesreg.pymc import log_density_function

    name, spread, worst = "PyMC log density", _spread(problem, fit), 0.0
    try:
        density = log_density_function(model, data)
    except ModelError as reason:
        return Outcome(name, None, None, None, str(reason))
    for _ in range(20):
        V = problem.centred(_near(problem, fit, spread, rng))
        coef, intercept = problem.coefficients(V)
        ours = model.log_density(data, coef, intercept)
        worst = max(worst, abs(density(coef, intercept) - ours) / max(1.0, abs(ours)))
    detail = f"largest relative difference at 20 random points {worst:.1e}"
    return Outcome(name, bool(worst <= 1e-10), worst, 1e-10, detail)


def _gradient(model: Model, data: Data, problem: ClassProblem, V: FloatArray) -> FloatArray:
    """model.gradient in the coordinates of the problem."""
    in_coef, in_intercept = model.gradient(data, *problem.coefficients(V))
    if problem.has_intercept:
        in_coef = in_coef - np.outer(in_intercept, problem.shift)
    exact = in_coef * problem.unit
    return np.column_stack([exact, in_intercept]) if problem.has_intercept else exact


def _log_density(model: Model, data: Data, problem: ClassProblem, V: FloatArray) -> float:
    return model.log_density(data, *problem.coefficients(V))


def _spread(problem: ClassProblem, fit: MapEstimate) -> FloatArray:
    """One over the root curvature at the mode: the unit of a natural step."""
    V = problem.extended(fit.coef, fit.intercept)
    h = problem.curvature_rows(problem.linear_predictors(V))
    curvature = problem.column_squares(h) + problem.penalty.l1**2 + problem.penalty.l2
    return np.asarray(1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0)))


def _near(
    problem: ClassProblem, fit: MapEstimate, spread: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """A random point about one natural step from the mode, inside the bounds."""
    V = problem.extended(fit.coef, fit.intercept)
    moved = V + rng.normal(size=V.shape) * spread
    return np.clip(moved, problem.penalty.lower, problem.penalty.upper)
