"""find_map: the posterior mode, certified or not returned silently."""

from __future__ import annotations

import warnings
from dataclasses import replace

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import (
    LocalModesWarning,
    NotUniqueWarning,
)
from bayesreg.model import Model, require_model_and_data
from bayesreg.problem import Problem, bind
from bayesreg.proof.null import null_deviance
from bayesreg.solvers.choice import Options, choose_method, require_conditional
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.failure import act_on_failure, check_options
from bayesreg.solvers.gaussian import warm_start
from bayesreg.solvers.modes import local_modes_words
from bayesreg.solvers.solve import TO_ROUNDING, certified, solve
from bayesreg.solvers.start import starting_point
from bayesreg.solvers.tall import minimise_by_sampling, sampling_pays

# Multiply-adds of a Hessian below which the certificate would rather factorise than stop early.
_SMALL = 2e7


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
        found globally; or "marginal", over the coefficients with sigma and the intercept (flat,
        or none) integrated out. ``NegativeBinomial(alpha=HalfNormal(1.0))``,
        ``Gamma(phi=...)``, ``StudentT(nu, sigma=...)`` and ``AsymmetricLaplace(q, s=...)`` with
        densities need "joint".
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
        Several local modes were found; ``modes`` lists those found, others may exist. Or, with
        sigma unknown, the null model wins.

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
    estimate = replace(estimate, needs_offset=data.offset is not None)
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
    stops_early = options.tol > TO_ROUNDING and problem.n * problem.size**2 > _SMALL
    aim = 0.3 * options.tol * half if stops_early else 0.0
    near = minimise_by_sampling(problem, start, aim, options.max_iterations)
    return solve(problem, model, names, start, options.tol, options.max_iterations, half,
                 near=near)  # fmt: skip
