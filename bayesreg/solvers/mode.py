"""find_map: the posterior mode, certified or not returned silently."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.data import Data
from bayesreg.errors import (
    DataError,
    LocalModesWarning,
    NoModeError,
    NotUniqueWarning,
)
from bayesreg.likelihoods import Gaussian
from bayesreg.model import Model, require_model_and_data
from bayesreg.problem import Problem, bind
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.null import null_deviance
from bayesreg.proof.null_rows import null_rows
from bayesreg.proof.point import certify_point
from bayesreg.proof.uniqueness import mode_is_unique
from bayesreg.solvers.choice import Options, choose_method, require_conditional
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.failure import act_on_failure, check_options
from bayesreg.solvers.far_start import brought_near
from bayesreg.solvers.gaussian import warm_start
from bayesreg.solvers.groups import minimise_by_widening
from bayesreg.solvers.modes import local_modes_words
from bayesreg.solvers.newton import Curvature, Solution, minimise
from bayesreg.solvers.refine import is_affordable, is_needed, refine
from bayesreg.solvers.row_descent import approach, row_descent_pays, too_many_for_newton
from bayesreg.solvers.tall import minimise_by_sampling, sampling_pays

_DIRECT_ITERATIONS = 40
# Relative gap from which on coefficients are worth all of their digits: the default.
_TO_ROUNDING = 1e-8
# Multiply-adds of a Hessian below which the certificate would rather factorise than stop early.
_SMALL = 2e7
# Slopes beyond the range of floating point keep their sign.
_STEEPEST = 1e300


def find_map(
    model: Model,
    data: Data,
    *,
    target: str | None = None,
    tol: float = 1e-8,
    on_failure: str = "raise",
    max_iterations: int = 1000,
) -> MapEstimate:
    """The mode of the posterior, with a proof of optimality.

    Minimises  sum_i s_i loss(y_i, offset_i + a + x_i w) + sum_j |w_j - m_j| / b_j
    + (w_j - m_j)^2 / (2 tau_j^2), in nats, or with the terms of other priors.

    Parameters
    ----------
    model, data
        The posterior.
    target : None, "conditional", "joint" or "marginal"
        Which mode. With every parameter beside the coefficients a number there is only the
        conditional one. With sigma unknown, ``Gaussian(sigma=HalfNormal(1.0))``, say which:
        "joint", over (intercept, coefficients, sigma) with the density taken in sigma itself,
        found globally; or "marginal", over the coefficients with intercept and sigma integrated
        out. ``NegativeBinomial(alpha=HalfNormal(1.0))`` and ``Gamma(phi=...)`` need "joint".
    tol : float
        Relative duality gap at which the certificate holds. By default the coefficients are found
        to rounding all the same; with a looser one, Normal priors and many more rows than columns
        the solver stops as soon as the gap is reached.
    on_failure : {"raise", "warn", "return"}
        What to do with a point whose certificate does not hold.
    max_iterations : int
        Newton iterations allowed.

    Returns
    -------
    MapEstimate
        ``coef``, ``intercept``, ``certificate``, ...

    Raises
    ------
    NotCertifiedError
        The certificate does not hold; the estimate is in ``error.estimate``.
    NoModeError
        The posterior has no mode (separation under a flat prior, one class only, ...).

    Warns
    -----
    NotUniqueWarning
        Other points attain the same density.
    LocalModesWarning
        Several local modes were found; all are in ``modes``. Or, with sigma unknown, the null
        model wins.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> fit = br.find_map(br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0)), data)
    >>> round(float(fit.coef[0]), 12), round(fit.intercept, 12), fit.certificate.holds
    (0.5, 0.5, True)
    """
    check_options(target, tol, on_failure, max_iterations)
    require_model_and_data(model, data)
    find = choose_method(model).load()
    estimate = find(model, data, Options(target, tol, max_iterations))
    act_on_failure(estimate, data, on_failure, max_iterations)
    words = local_modes_words(estimate, data)
    if words is not None:
        warnings.warn(words, LocalModesWarning, stacklevel=2)
    if not estimate.unique:
        warnings.warn(
            "the mode is not unique: several points attain the same density (linearly dependent "
            "columns under a flat prior or a pure L1; a quantile between two observations; local "
            "modes of equal height). One of them is returned; where columns or a quantile are the "
            "cause, an ElasticNet or Normal prior makes it unique",
            NotUniqueWarning,
            stacklevel=2,
        )
    return estimate


def find_by_newton(model: Model, data: Data, options: Options) -> MapEstimate:
    """The mode under a smooth convex likelihood and convex priors."""
    require_conditional(options.target)
    problem = bind(model, data)
    start = starting_point(problem, data.names)
    if sampling_pays(problem):
        return _from_samples(problem, model, data.names, start, options)
    near = warm_start(problem, start, options.tol)
    if near.certificate is not None and near.certificate.holds:
        return certified(problem, model, data.names, near.v, near.certificate, near.moments)
    return solve(problem, model, data.names, near.v, options.tol, options.max_iterations,
                 curvature=near.curvature)  # fmt: skip


def _from_samples(
    problem: Problem, model: Model, names: tuple[str, ...], start: FloatArray, options: Options
) -> MapEstimate:
    """As accurate as was asked; to the last digit by default, and where that costs little."""
    half = null_deviance(problem) / 2
    stops_early = options.tol > _TO_ROUNDING and problem.n * problem.size**2 > _SMALL
    aim = 0.3 * options.tol * half if stops_early else 0.0
    near = minimise_by_sampling(problem, start, aim, options.max_iterations)
    return solve(problem, model, names, start, options.tol, options.max_iterations, half,
                 near=near)  # fmt: skip


def starting_point(problem: Problem, names: tuple[str, ...]) -> FloatArray:
    """Every coefficient at its loc, a flat intercept at its optimum there.

    Nearer to 0 where the likelihood overflows at loc or has no curvature there.
    """
    v = problem.start.copy()
    if not problem.flat_intercept:
        v = brought_near(problem, v, lambda candidate: candidate)
        eta = problem.linear_predictor(v)
        if not np.isfinite(problem.loss(eta)):
            raise DataError(
                f"the likelihood of {problem.likelihood!r} overflows at the centre of the prior: "
                f"offset reaches {np.max(np.abs(problem.offset)):.3g}, and with the columns "
                f"{np.max(np.abs(eta)):.3g}, on the log scale. Give the offset in smaller units, "
                "coefficients that are held a centre nearer to 0, or the intercept a flat prior"
            )
        return v
    null = null_rows(problem)
    signs = null.likelihood.receding(null.y)
    if signs.any() and np.all(signs == signs[0]):
        raise NoModeError(f"no mode: {why_no_mode(problem, names)}")

    def with_intercept(w: FloatArray) -> FloatArray:
        return _with_flat_intercept(problem, null, w)

    return brought_near(problem, with_intercept(v), with_intercept)


def _with_flat_intercept(problem: Problem, null: Problem, v: FloatArray) -> FloatArray:
    """The same coefficients, a flat intercept at its optimum beside them.

    ``null`` has the sums over rows of ``problem`` at these coefficients.
    """
    v = v.copy()
    v[-1] = 0.0
    if isinstance(problem.likelihood, Gaussian):
        without = problem.linear_predictor(v)
        v[-1] = problem.weights @ (problem.y - without) / np.sum(problem.weights)
        return v
    without = null.linear_predictor(v)
    v[-1] = _root_of_increasing(lambda a: float(np.sum(null.gradient_rows(without + a))))
    return v


def _root_of_increasing(slope: Callable[[float], float]) -> float:
    """The root of an increasing function that has one."""
    from scipy.optimize import brentq

    at_zero = slope(0.0)
    if at_zero == 0:
        return 0.0
    far = 1.0 if at_zero < 0 else -1.0
    while np.sign(slope(far)) == np.sign(at_zero) and abs(far) < 1e300:
        far *= 2.0

    def gentle(a: float) -> float:
        """Its sign and the logarithm of its size: slopes of exponentials overflow."""
        at = float(np.clip(slope(a), -_STEEPEST, _STEEPEST))
        return math.copysign(math.log1p(abs(at)), at)

    root: float = brentq(gentle, *sorted((0.0, far)), xtol=1e-300, rtol=1e-15, maxiter=500)
    return root


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
    done = Solution(start, 1, too_many_for_newton(problem, start)) if near is None else near
    if done.settled:
        v = reported(problem, names, done)[2]
        certificate = certify_point(problem, v, tol, half_null_deviance)
        if certificate.holds:
            return certified(problem, model, names, v, certificate, done=done,
                             check_unique=check_unique)  # fmt: skip
    solution = _onwards(problem, names, start, near, max_iterations, curvature)
    may_refine = problem.penalty.is_separable and (
        solution.settled or max_iterations > _DIRECT_ITERATIONS
    )
    # Whoever asks for less than the default has no use for a twelfth digit.
    refined = may_refine and tol <= _TO_ROUNDING and is_needed(problem, solution.v)
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
    if near.iterations >= max_iterations:
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


def settle(
    problem: Problem,
    names: tuple[str, ...],
    start: FloatArray,
    max_iterations: int,
    curvature: Curvature | None = None,
) -> Solution:
    """The minimum of J: directly where that goes, else one coefficient in or out at a time."""
    first = min(max_iterations, _DIRECT_ITERATIONS)
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
