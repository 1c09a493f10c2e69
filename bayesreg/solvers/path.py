"""find_map_path: the mode along the prior scale, certified at every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import has_classes, is_smooth
from bayesreg.model import Model, require_model_and_data
from bayesreg.problem import Problem, bind
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.solvers.choice import Options
from bayesreg.solvers.failure import check_options
from bayesreg.solvers.knots import Knots, find_knots
from bayesreg.solvers.local_path import require_scales

if TYPE_CHECKING:
    pass
from bayesreg.solvers.map_path import Lazily, MapPath
from bayesreg.solvers.path_points import Task, points_at_knots, points_of, points_until
from bayesreg.solvers.scale_grid import checked_scales, default_scales


def find_map_path(
    model: Model,
    data: Data,
    scales: Sequence[float] | FloatArray | str | None = None,
    *,
    n_scales: int = 50,
    max_nonzero: int | None = None,
    tol: float = 1e-8,
    on_failure: str = "raise",
    max_iterations: int = 1000,
) -> MapPath:
    """The mode at each of many prior scales, each warm-started from the one before.

    Every l1 rate is divided by the same factor t, every l2 precision by the same common factor,
    so that all scales keep their ratios.

    Parameters
    ----------
    model, data
        The posterior; the scales in ``model`` fix the ratios only.
    scales : sequence of positive numbers, or "knots", optional
        Scales of the ``axis_column`` of the result, in any order. Default: where
        the prior has an L1 part, ``n_scales`` from the smallest at which a coefficient leaves
        its loc to 1000 times that; for Normal priors, evenly spaced in effective degrees of
        freedom. Where the model is not log-concave they must be given (under StudentT and Cauchy
        priors alone, ``lambdas`` are then NaN). ``"knots"``: exactly where
        a coefficient leaves or meets its loc (Gaussian likelihood, Laplace priors); between them
        the coefficients are linear in 1 / scale. Several at scales within 1e-10 of each other,
        relatively, are one knot. For p > n a knot costs one product with X.
    n_scales : int
        Length of the default grid.
    max_nonzero : int, optional
        Stop at the first scale, from the smallest, with more coefficients off their prior's loc
        (0 unless it states one) than this; it is the last of the result. For priors that hold
        coefficients exactly there: those with an L1 part or a group, or bounded at loc. Nothing
        beyond it is computed.
    tol, on_failure, max_iterations
        As in :func:`find_map`, for every point.

    Returns
    -------
    MapPath

    Raises
    ------
    NotCertifiedError, NoModeError
        As :func:`find_map`, for the first point that has no certificate or no mode.
    DataError, ModelError, ModelTypeError
        Model, data or scales do not fit together.

    Notes
    -----
    The points of a Gaussian likelihood share one matrix of second moments, where that pays: at
    columns that are nearly collinear, or far from 0 beside their spread, the coefficients of a
    point may then have fewer digits than those of :func:`find_map` at that scale. The certificate
    says by how much; a point within ``tol`` is kept, any other is solved again by itself.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> br.find_map_path(model, data, [0.5, 1.0, 2.0]).coef.round(3).tolist()
    [[0.0], [0.5], [0.75]]
    """
    check_options(None, tol, on_failure, max_iterations)
    require_model_and_data(model, data)
    if has_classes(model.likelihood):
        from bayesreg.solvers.class_path import find_class_path

        if max_nonzero is not None or isinstance(scales, str):
            raise ModelError(
                f"a path of {model.likelihood!r} takes scales as numbers and no max_nonzero"
            )
        options = Options(None, tol, max_iterations)
        return find_class_path(model, data, scales, n_scales, options, on_failure)
    problem = bind(model, data)
    corners = not is_smooth(problem.likelihood)
    if corners:
        require_supported_penalty(problem)
    column, reference, reference_lambda = model.axis(data)
    if not model.log_concave:
        require_scales(scales)
    _check_limit(max_nonzero, problem)
    knots = _knots(problem, scales, max_nonzero) if isinstance(scales, str) else None
    if knots is not None:
        grid: Any = reference * knots.factors
    else:
        grid = default_scales(problem, reference, n_scales, data) if scales is None else scales
    axis = checked_scales(grid)
    widening, position = np.unique(axis, return_inverse=True)
    t = widening / reference
    common = t if np.any(problem.penalty.l1[: problem.p] > 0) else t**2
    task = Task(problem, model, data, t, tol, on_failure, max_iterations)
    if knots is not None and len(knots.v) == t.size:
        points = points_at_knots(task, knots, max_nonzero)
    elif max_nonzero is None:
        points = points_of(task, common)
    else:
        points = points_until(task, common, max_nonzero)
    reached = position < len(points.coef)
    axis, position = axis[reached], position[reached]
    ascending = np.array_equal(position, np.arange(len(points.coef)))
    coef = points.coef if ascending else points.coef[position]
    coef.flags.writeable = False
    kinked = problem.penalty.l1[: problem.p].any()
    return MapPath(
        scales=axis,
        lambdas=reference_lambda / (t if kinked else common)[position],
        axis_column=column,
        coef=coef,
        intercept=points.intercept[position],
        certificates=Lazily(axis.size, lambda k: points.certificates[position[k]]),
        estimates=Lazily(
            axis.size,
            lambda k: replace(points.estimates[position[k]], needs_offset=data.offset is not None),
        ),
        names=data.names,
        model=model,
    )


def _check_limit(max_nonzero: int | None, problem: Problem) -> None:
    whole = isinstance(max_nonzero, int | np.integer) and not isinstance(max_nonzero, bool)
    if max_nonzero is not None and not (whole and max_nonzero >= 0):
        raise ModelError(
            f"max_nonzero must be a whole number >= 0; got {_checks.shown(max_nonzero)}"
        )
    penalty = problem.penalty.take(slice(0, problem.p))
    at_bound = (penalty.lower == penalty.loc) | (penalty.upper == penalty.loc)
    if max_nonzero is not None and not np.any((penalty.l1 > 0) | at_bound):
        raise ModelError(
            "max_nonzero counts the coefficients that have left their loc, and under this prior "
            "none is ever exactly there; leave it out, or take a prior with an L1 part (Laplace, "
            "ElasticNet, GroupLaplace)"
        )


def _knots(problem: Problem, word: str, max_nonzero: int | None) -> Knots:
    if word != "knots":
        raise ModelTypeError(
            "scales must be a sequence of positive numbers or the word 'knots'; "
            f"got {_checks.shown(word)}"
        )
    knots = find_knots(problem, max_nonzero)
    if not knots.factors.size:
        raise ModelError("no coefficient ever leaves its loc, so the path has no knots")
    return knots
