"""find_map: the posterior mode, certified or not returned silently."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.certificate import Certificate, certify_point, mode_is_unique
from bayesreg.data import Data
from bayesreg.errors import (
    ModelError,
    NoModeError,
    NotCertifiedError,
    NotCertifiedWarning,
    NotUniqueWarning,
)
from bayesreg.existence import why_no_mode
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.newton import minimise

_ON_FAILURE = ("raise", "warn", "return")


def find_map(
    model: Model,
    data: Data,
    *,
    target: str | None = None,
    tol: float = 1e-8,
    on_failure: str = "raise",
    max_iterations: int = 100,
) -> MapEstimate:
    """The mode of the posterior, with a proof of optimality.

    Minimises  sum_i s_i loss(y_i, offset_i + a + x_i w) + sum_j |w_j - m_j| / b_j
    + (w_j - m_j)^2 / (2 tau_j^2), in nats.

    Parameters
    ----------
    model, data
        The posterior.
    target : None or "conditional"
        Which mode. With sigma a number (or no sigma at all) there is only the conditional one.
    tol : float
        Relative duality gap at which the certificate holds.
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

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> fit = br.find_map(br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0)), data)
    >>> round(float(fit.coef[0]), 12), round(fit.intercept, 12), fit.certificate.holds
    (0.5, 0.5, True)
    """
    check_options(target, tol, on_failure, max_iterations)
    problem = bind(model, data)
    estimate = solve(problem, model, data.names, starting_point(problem, data.names),
                     tol, max_iterations)  # fmt: skip
    act_on_failure(estimate, problem, on_failure, max_iterations)
    if not estimate.unique:
        warnings.warn(
            "the mode is not unique: several points attain the same density (linearly dependent "
            "columns under a flat prior or a pure L1). One of them is returned; an ElasticNet or "
            "Normal prior makes it unique",
            NotUniqueWarning,
            stacklevel=2,
        )
    return estimate


def check_options(target: str | None, tol: float, on_failure: str, max_iterations: int) -> None:
    """The options that find_map and find_map_path share."""
    if target not in (None, "conditional"):
        raise ModelError(
            f"target must be None or 'conditional', got {target!r}: with sigma a number the mode "
            "over the coefficients is the only one there is"
        )
    _checks.positive_number(tol, "tol")
    if on_failure not in _ON_FAILURE:
        raise ModelError(f"on_failure must be one of {_ON_FAILURE}; got {on_failure!r}")
    if not isinstance(max_iterations, int) or max_iterations < 1:
        raise ModelError(f"max_iterations must be a whole number >= 1; got {max_iterations!r}")


def starting_point(problem: Problem, names: tuple[str, ...]) -> FloatArray:
    """Every coefficient at its loc, a flat intercept at its optimum there."""
    v = problem.start.copy()
    if not problem.flat_intercept:
        return v
    signs = problem.likelihood.receding(problem.y)
    if signs.any() and np.all(signs == signs[0]):
        raise NoModeError(f"no mode: {why_no_mode(problem, names)}")
    v[-1] = 0.0
    without = problem.linear_predictor(v)
    v[-1] = _root_of_increasing(lambda a: float(np.sum(problem.gradient_rows(without + a))))
    return v


def _root_of_increasing(slope: Callable[[float], float]) -> float:
    """The root of an increasing function that has one."""
    from scipy.optimize import brentq

    at_zero = slope(0.0)
    if at_zero == 0:
        return 0.0
    far = 1.0 if at_zero < 0 else -1.0
    while slope(far) * at_zero > 0 and abs(far) < 1e300:
        far *= 2.0
    root: float = brentq(slope, *sorted((0.0, far)), xtol=1e-300, rtol=1e-15, maxiter=500)
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
) -> MapEstimate:
    """Minimise, certify, and put the result into the user's units."""
    solution = minimise(problem, start, max_iterations)
    certificate = certify_point(problem, solution.v, tol, half_null_deviance)
    coef, intercept = problem.coefficients(solution.v)
    coef.flags.writeable = False
    penalty = problem.penalty.take(slice(0, problem.p)).in_units(1.0 / problem.unit)
    return MapEstimate(
        coef=coef,
        intercept=intercept,
        certificate=certificate,
        log_density=-(problem.value(solution.v) + problem.constants),
        names=names,
        model=model,
        l1=penalty.l1,
        l2=penalty.l2,
        loc=penalty.loc,
        unique=not check_unique or mode_is_unique(problem, solution.v),
        iterations=solution.iterations,
    )


def act_on_failure(
    estimate: MapEstimate, problem: Problem, on_failure: str, max_iterations: int
) -> None:
    """Raise or warn when the certificate does not hold."""
    certificate = estimate.certificate
    if certificate.holds or on_failure == "return":
        return
    reason = why_no_mode(problem, estimate.names)
    if reason is not None and on_failure == "raise":
        raise NoModeError(f"no mode: {reason}")
    message = reason or _failure(certificate, estimate.iterations, max_iterations)
    if on_failure == "raise":
        raise NotCertifiedError(message, estimate)
    warnings.warn(message, NotCertifiedWarning, stacklevel=3)


def _failure(certificate: Certificate, iterations: int, max_iterations: int) -> str:
    message = (
        f"the point found is not certified as the mode: relative gap "
        f"{certificate.relative_gap:.2g} (asked {certificate.tol:.0e}), gap "
        f"{certificate.gap:.2g} nats, KKT residual {certificate.kkt_residual:.2g}"
    )
    if certificate.flat_residual > 0:
        message += f", imbalance of flat columns {certificate.flat_residual:.2g}"
    if iterations >= max_iterations:
        return f"{message}. All {max_iterations} iterations were used; raise max_iterations"
    return (
        f"{message}. Rounding is the likely cause: centre or rescale nearly dependent columns, "
        "give flat columns a wide Normal prior, or ask for less with tol="
    )
