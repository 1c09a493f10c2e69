"""find_map_path for likelihoods of K classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.proof.classes import half_null_loss
from bayesreg.solvers.choice import Options
from bayesreg.solvers.class_newton import minimise_classes
from bayesreg.solvers.classes import class_start, solve_classes
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.failure import act_on_failure
from bayesreg.solvers.map_path import MapPath
from bayesreg.solvers.scale_grid import check_count, checked_scales, even_degrees_of_freedom


def find_class_path(
    model: Model,
    data: Data,
    scales: Sequence[float] | FloatArray | None,
    n_scales: int,
    options: Options,
    on_failure: str,
) -> MapPath:
    """The mode of a model of K classes at each prior scale; see find_map_path."""
    problem = bind_classes(model, data)
    reference = model.axis_scale(data)
    start = class_start(problem, data.names)
    if scales is None:
        scales = reference * _factors(problem, data.names, n_scales)
    axis = checked_scales(scales)
    half = half_null_loss(problem)
    estimates: dict[float, MapEstimate] = {}
    for scale in np.unique(axis):
        factor = float(scale) / reference
        scaled = problem.at_scale(factor)
        estimate = solve_classes(scaled, model.rescaled(factor), data.names, start, options,
                                 half, check_unique=False)  # fmt: skip
        act_on_failure(estimate, data, on_failure, options.max_iterations)
        estimates[float(scale)] = estimate
        start = scaled.extended(estimate.coef, estimate.intercept)
    along = tuple(estimates[float(scale)] for scale in axis)
    return MapPath(
        scales=axis,
        lambdas=np.array([estimate.model.axis(data)[2] for estimate in along]),
        axis_column=model.axis(data)[0],
        coef=np.stack([estimate.coef for estimate in along]),
        intercept=np.stack([estimate.intercept for estimate in along]),
        certificates=tuple(estimate.certificate for estimate in along),
        estimates=along,
        names=data.names,
        model=model,
    )


def _factors(problem: ClassProblem, names: tuple[str, ...], n_scales: int) -> FloatArray:
    check_count(n_scales)
    if np.any(problem.penalty.l1[: problem.p] > 0):
        return _first_factor(problem, names) * np.geomspace(1.0, 1e3, n_scales)
    return even_degrees_of_freedom(_curvatures(problem), n_scales)


def smallest_class_scale(model: Model, data: Data) -> float:
    """The scale up to which every coefficient with an L1 part stays exactly at its loc."""
    return model.axis_scale(data) * _first_factor(bind_classes(model, data), data.names)


def _first_factor(problem: ClassProblem, names: tuple[str, ...]) -> float:
    """t_min = min l1_j / |gradient_kj at w = loc| over classes and columns with an L1 part.

    The rest of the model (intercepts, flat and purely Normal columns) is at its optimum there.
    """
    kinked = (problem.penalty.l1 > 0) & (np.arange(problem.size) < problem.p)
    held = replace(problem, penalty=problem.penalty.pinned(kinked))
    V = minimise_classes(held, class_start(held, names)).V
    gradient = problem.transposed_product(problem.gradient_rows(problem.linear_predictors(V)))
    penalty = problem.penalty
    at_bound = np.where(gradient < 0, penalty.upper <= V, penalty.lower >= V)
    pull = np.where(at_bound, 0.0, np.abs(gradient))[:, kinked] / penalty.l1[kinked]
    steepest = float(np.max(pull, initial=0.0))
    return 1.0 / steepest if steepest > 0 else 1.0


def _curvatures(problem: ClassProblem) -> FloatArray:
    """Eigenvalues of the null model's Hessian in units of the prior's sd.

    With pi the shares of the classes it is (diag(pi) - pi pi') kron X' S X.
    """
    p, weights = problem.p, problem.weights
    penalised = np.flatnonzero(problem.penalty.l2[:p] > 0)
    scaled = problem.block(penalised) / np.sqrt(problem.penalty.l2[penalised])
    if problem.flat_intercept:
        scaled = scaled - weights @ scaled / np.sum(weights)
    of_columns = np.linalg.svd(scaled * np.sqrt(weights)[:, None], compute_uv=False) ** 2
    share = problem.class_weights / np.sum(weights)
    of_classes = np.linalg.eigvalsh(np.diag(share) - np.outer(share, share))
    return np.sort(np.outer(of_columns, np.maximum(of_classes, 0.0)).ravel())[::-1]
