"""The scales of a path: where it begins, the default grid, and checks of what was given."""

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
from bayesreg.solvers.conjugate_gradients import conjugate_gradients_pay
from bayesreg.solvers.quantile_path import first_factor_of_corners
from bayesreg.solvers.spectrum import information_spectrum
from bayesreg.solvers.start import starting_point

if TYPE_CHECKING:
    pass

# At the kink itself rounding decides whether a coefficient is exactly at its loc.
_ROUNDING = 1e-13
# From so many columns a Gram matrix pays; its least eigenvalue has digits above this share.
_MANY_COLUMNS, _WELL_CONDITIONED = 200, 1e-6


def smallest_scale(model: Model, data: Data) -> float:
    """The scale up to which every coefficient with an L1 part stays exactly at its loc."""
    if not model.log_concave:
        raise ModelError("a model that is not log-concave has no smallest scale of its path")
    require_model_and_data(model, data)
    if has_classes(model.likelihood):
        from bayesreg.solvers.class_path import smallest_class_scale

        return smallest_class_scale(model, data)
    problem = bind(model, data)
    return model.axis_scale(data) * _first_factor(problem, data.names)


def _are_numbers(scales: Any) -> bool:
    """No bools and no text among them: numpy would make numbers of both."""
    if isinstance(scales, np.ndarray) and scales.dtype.kind in "iuf":
        return True
    parts = np.ravel(np.asarray(scales, dtype=object))
    return not any(isinstance(part, bool | np.bool_ | str) for part in parts)


def _no_scales(scales: Any) -> ModelTypeError:
    return ModelTypeError(
        f"scales must be a sequence of positive numbers; got {_checks.shown(scales)}"
    )


def checked_scales(scales: Sequence[float] | FloatArray) -> FloatArray:
    try:
        axis = np.asarray(scales, dtype=np.float64)
    except (TypeError, ValueError):
        raise _no_scales(scales) from None
    if not _are_numbers(scales):
        raise _no_scales(scales)
    if axis.ndim != 1 or not axis.size:
        raise ModelError(f"scales must be a non-empty sequence of numbers; got shape {axis.shape}")
    bad = np.flatnonzero(~((axis >= _checks.SMALLEST) & (axis <= _checks.LARGEST)))
    if bad.size:
        raise ModelError(
            f"scales must lie between {_checks.SMALLEST:g} and {_checks.LARGEST:g}; found "
            f"{float(axis[bad[0]])!r} at position {bad[0]}"
        )
    return axis


def default_scales(problem: Problem, reference: float, n_scales: int, data: Data) -> FloatArray:
    check_count(n_scales)
    if np.any(problem.penalty.l1[: problem.p] > 0):
        first = reference * _first_factor(problem, data.names)
        return first * np.geomspace(1.0, 1e3, n_scales)
    return reference * _degrees_of_freedom_grid(problem, n_scales)


def check_count(n_scales: int) -> None:
    whole = isinstance(n_scales, int | np.integer) and not isinstance(n_scales, bool)
    if not (whole and n_scales >= 1):
        raise ModelError(f"n_scales must be a whole number >= 1; got {_checks.shown(n_scales)}")


def _first_factor(problem: Problem, names: tuple[str, ...]) -> float:
    """t_min = min_j l1_j / |gradient_j at w = loc| over the coefficients with an L1 part.

    Of a group 1 / ||gradient / l1||.

    The rest of the model (intercept, flat and purely Normal columns) is at its optimum there.
    """
    from bayesreg.solvers.newton import minimise

    if not is_smooth(problem.likelihood):
        return first_factor_of_corners(problem)
    kinked = (problem.penalty.l1 > 0) & (np.arange(problem.size) < problem.p)
    held = replace(problem, penalty=problem.penalty.pinned(kinked))
    v = minimise(held, starting_point(held, names)).v
    gradient = problem.transposed_product(problem.gradient_rows(problem.linear_predictor(v)))
    at_bound = np.where(gradient < 0, v >= problem.penalty.upper, v <= problem.penalty.lower)
    pull = problem.penalty.kink_ratio(np.where(at_bound, 0.0, gradient))[kinked]
    steepest = float(np.max(pull, initial=0.0))
    return (1.0 - _ROUNDING) / steepest if steepest > 0 else 1.0


def _degrees_of_freedom_grid(problem: Problem, n_scales: int) -> FloatArray:
    """Factors t that are evenly spaced in effective degrees of freedom."""
    p = problem.p
    eta = problem.linear_predictor(problem.start)
    h = problem.majorising_rows(eta)
    if conjugate_gradients_pay(problem):
        nodes, counts = information_spectrum(problem, h)
        return even_degrees_of_freedom(nodes, n_scales, counts)
    penalised = problem.penalty.l2[:p] > 0
    scaled = problem.block(np.flatnonzero(penalised)) / np.sqrt(problem.penalty.l2[:p][penalised])
    if problem.flat_intercept:
        scaled = scaled - h @ scaled / np.sum(h)
    values = _squares_of_singular_values(np.sqrt(h)[:, None] * scaled)
    return even_degrees_of_freedom(values, n_scales)


def _squares_of_singular_values(A: FloatArray) -> FloatArray:
    """In falling order; by the eigenvalues of A'A where these are quicker and keep the digits."""
    n, q = A.shape
    if q >= _MANY_COLUMNS and n >= 2 * q:
        values = np.linalg.eigvalsh(A.T @ A)[::-1]
        if values[-1] > _WELL_CONDITIONED * values[0]:
            return np.asarray(values)
    return np.asarray(np.linalg.svd(A, compute_uv=False) ** 2)


def even_degrees_of_freedom(
    values: FloatArray, n_scales: int, counts: FloatArray | None = None
) -> FloatArray:
    """Factors t at which sum_k c_k d_k t^2 / (d_k t^2 + 1) is evenly spaced.

    d_k, in falling order, are the eigenvalues of the null model's Hessian in units of the
    prior's sd (expected information where the loss has corners), c_k how many are like it
    (1 for None).
    """
    from scipy.optimize import brentq

    counts = np.ones(values.size) if counts is None else counts
    some = values > 1e-12 * values[0]
    values, counts = values[some], counts[some]
    if not values.size:
        return np.geomspace(1e-2, 1e2, n_scales)

    def degrees(log_t: float) -> float:
        return float(np.sum(counts / (1.0 + np.exp(-2 * log_t) / values)))

    low, high = -0.5 * np.log(values[0]) - 12.0, -0.5 * np.log(values[-1]) + 12.0
    wanted = np.linspace(0.01, 0.99, n_scales) * np.sum(counts)
    return np.exp([brentq(lambda x, w=w: degrees(x) - w, low, high) for w in wanted])
