"""find_map_path: the mode along the prior scale, certified at every point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import has_classes, is_smooth
from bayesreg.model import Model, require_model_and_data
from bayesreg.problem import Problem, bind
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.proof.null import null_deviance
from bayesreg.solvers.choice import Options
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.failure import act_on_failure, check_options
from bayesreg.solvers.gaussian import path_at_once
from bayesreg.solvers.knots import knot_factors
from bayesreg.solvers.local_path import local_estimates, require_scales
from bayesreg.solvers.mode import as_estimate, solve, starting_point
from bayesreg.solvers.newton import Solution
from bayesreg.solvers.quantile import solve_corners
from bayesreg.solvers.quantile_path import first_factor_of_corners

if TYPE_CHECKING:
    import xarray as xr

_T = TypeVar("_T")
_POINTS_AT_A_TIME = 20


class Lazily(Sequence[_T]):
    """A sequence whose entries are made when asked for, once."""

    def __init__(self, size: int, make: Callable[[int], _T]) -> None:
        self._made: list[_T | None] = [None] * size
        self._make = make

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_T, ...]: ...
    def __getitem__(self, index: int | slice) -> _T | tuple[_T, ...]:
        if isinstance(index, slice):
            return tuple(self[k] for k in range(*index.indices(len(self))))
        k = range(len(self))[index]
        if (entry := self._made[k]) is None:
            entry = self._made[k] = self._make(k)
        return entry


@dataclass(frozen=True, eq=False)
class MapPath:
    """Modes along a grid of prior scales.

    Attributes
    ----------
    scales : (k,) array
        Prior scale of ``axis_column``; the others keep their ratio to it.
    lambdas : (k,) array
        The canonical lambda beside each scale: lambda1 of ``axis_column``, or lambda2 where its
        prior has no L1 part. With ``standardize`` both are those of the standardised column.
    axis_column : str
        The first column, in the order of the data, whose prior has an L1 part; where none has,
        whose prior is not flat.
    coef : (k, p) array
        On the original columns.
    intercept : (k,) array
    certificates : sequence of k Certificate
        Made when asked for; that each holds was checked when the path was made.
    estimates : sequence of k MapEstimate
        The same points with everything that :func:`find_map` returns, made when asked for.
    names : tuple of p str
    model : Model
        The model at its stated scales.
    """

    scales: FloatArray
    lambdas: FloatArray
    axis_column: str
    coef: FloatArray
    intercept: FloatArray
    certificates: Sequence[Certificate]
    estimates: Sequence[MapEstimate]
    names: tuple[str, ...]
    model: Model

    @property
    def n_nonzero(self) -> Any:
        coef = self.coef
        return np.count_nonzero(coef.reshape(len(coef), -1), axis=1)

    def __len__(self) -> int:
        return self.scales.size

    def to_dataset(self) -> xr.Dataset:
        """``coef[scale, feature]``, ``intercept``, gaps; coordinate ``lambda`` on the scale.

        For a likelihood of K classes ``coef[scale, class, feature]`` and ``intercept[scale,
        class]``.
        """
        import xarray as xr

        certificates = self.certificates
        classes = self.estimates[0].classes
        dims = ("scale", "class") if classes else ("scale",)
        return xr.Dataset(
            {
                "coef": ((*dims, "feature"), self.coef),
                "intercept": (dims, self.intercept),
                "gap": ("scale", [c.gap for c in certificates]),
                "relative_gap": ("scale", [c.relative_gap for c in certificates]),
                "n_nonzero": ("scale", self.n_nonzero),
                "log_density": ("scale", [e.log_density for e in self.estimates]),
            },
            coords={
                "scale": self.scales,
                "lambda": ("scale", self.lambdas),
                "feature": list(self.names),
                **({"class": list(classes)} if classes else {}),
            },
            attrs={"model": repr(self.model), "axis_column": self.axis_column},
        )

    def __repr__(self) -> str:
        local = any(certificate.local for certificate in self.certificates)
        figure = "kkt_residual" if local else "relative_gap"
        worst = max(float(getattr(certificate, figure)) for certificate in self.certificates)
        return (
            f"<MapPath: {len(self)} scales from {self.scales[0]:.4g} to {self.scales[-1]:.4g}, "
            f"{self.n_nonzero[0]} to {self.n_nonzero[-1]} nonzero, "
            f"largest {'KKT residual (local modes)' if local else 'relative gap'} {worst:.1g}>"
        )


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
        freedom. Where the model is not log-concave they must be given. ``"knots"``: exactly where
        a coefficient leaves or meets its loc (Gaussian likelihood, Laplace priors); between them
        the coefficients are linear in 1 / scale.
    n_scales : int
        Length of the default grid.
    max_nonzero : int, optional
        Stop at the first scale, from the smallest, with more coefficients off 0 than this; it is
        the last of the result.
    tol, on_failure, max_iterations
        As in :func:`find_map`, for every point.

    Returns
    -------
    MapPath
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
    _check_limit(max_nonzero)
    if isinstance(scales, str):
        grid: Any = reference * _knots(problem, scales)
    else:
        grid = _default_scales(problem, reference, n_scales, data) if scales is None else scales
    axis = checked_scales(grid)
    widening, position = np.unique(axis, return_inverse=True)
    t = widening / reference
    common = t if np.any(problem.penalty.l1[: problem.p] > 0) else t**2
    task = _Task(problem, model, data, t, tol, on_failure, max_iterations)
    points = _points(task, common) if max_nonzero is None else _until(task, common, max_nonzero)
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
        estimates=Lazily(axis.size, lambda k: points.estimates[position[k]]),
        names=data.names,
        model=model,
    )


def _check_limit(max_nonzero: int | None) -> None:
    whole = isinstance(max_nonzero, int | np.integer) and not isinstance(max_nonzero, bool)
    if max_nonzero is not None and not (whole and max_nonzero >= 0):
        raise ModelError(f"max_nonzero must be a whole number >= 0; got {max_nonzero!r}")


def _knots(problem: Problem, word: str) -> FloatArray:
    if word != "knots":
        raise ModelTypeError(
            "scales must be a sequence of positive numbers or the word 'knots'; "
            f"got {_checks.shown(word)}"
        )
    factors = knot_factors(problem)
    if not factors.size:
        raise ModelError("no coefficient ever leaves its loc, so the path has no knots")
    return factors


@dataclass(frozen=True)
class _Task:
    """A path that was asked for; ``t`` are the factors of the scale, ascending."""

    problem: Problem
    model: Model
    data: Data
    t: FloatArray
    tol: float
    on_failure: str
    max_iterations: int


@dataclass(frozen=True)
class _Points:
    """What the path consists of, in the order of ``t``."""

    coef: FloatArray
    intercept: FloatArray
    certificates: Sequence[Certificate]
    estimates: Sequence[MapEstimate]

    def up_to(self, k: int) -> _Points:
        """The first k of them."""
        return _Points(self.coef[:k], self.intercept[:k], self.certificates[:k], self.estimates[:k])

    @classmethod
    def of(cls, estimates: Sequence[MapEstimate]) -> _Points:
        return cls(
            np.stack([estimate.coef for estimate in estimates]),
            np.array([estimate.intercept for estimate in estimates]),
            tuple(estimate.certificate for estimate in estimates),
            tuple(estimates),
        )


def _points(task: _Task, common: FloatArray) -> _Points:
    """Every point of the path, in the way that suits the model."""
    if not is_smooth(task.problem.likelihood):
        return _at_corners(task)
    if not task.model.log_concave:
        return _locally(task)
    return _at_once(task, common) or _one_by_one(task)


def _until(task: _Task, common: FloatArray, max_nonzero: int) -> _Points:
    """The points up to the first with more than so many coefficients off 0, a few at a time."""
    parts: list[_Points] = []
    for first in range(0, task.t.size, _POINTS_AT_A_TIME):
        block = slice(first, first + _POINTS_AT_A_TIME)
        parts.append(_points(replace(task, t=task.t[block]), common[block]))
        beyond = np.flatnonzero(np.count_nonzero(parts[-1].coef, axis=1) > max_nonzero)
        if beyond.size:
            parts[-1] = parts[-1].up_to(int(beyond[0]) + 1)
            break
    return _Points(
        np.concatenate([part.coef for part in parts]),
        np.concatenate([part.intercept for part in parts]),
        tuple(chain.from_iterable(part.certificates for part in parts)),
        tuple(chain.from_iterable(part.estimates for part in parts)),
    )


def _one_by_one(task: _Task) -> _Points:
    """Each point by find_map's solver, from the point before."""
    half = null_deviance(task.problem) / 2
    start = starting_point(task.problem, task.data.names)
    estimates = []
    for factor in task.t.tolist():
        scaled = task.problem.at_scale(factor)
        estimates.append(_solve_at(task, scaled, factor, start, half))
        start = scaled.extended(estimates[-1].coef, estimates[-1].intercept)
    return _Points.of(estimates)


def _at_corners(task: _Task) -> _Points:
    """Each point afresh: interior points gain nothing from a start at a vertex."""
    half = null_deviance(task.problem) / 2
    estimates = []
    for factor in task.t.tolist():
        scaled, model = task.problem.at_scale(factor), task.model.rescaled(factor)
        estimate = solve_corners(scaled, model, task.data.names, task.tol, task.max_iterations,
                                 half, check_unique=False)  # fmt: skip
        act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
        estimates.append(estimate)
    return _Points.of(estimates)


def _locally(task: _Task) -> _Points:
    """The best local mode at each point."""
    options = Options(None, task.tol, task.max_iterations)
    estimates = []
    for estimate in local_estimates(task.model, task.data, task.t, options):
        act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
        estimates.append(estimate)
    return _Points.of(estimates)


def _solve_at(
    task: _Task, scaled: Problem, factor: float, start: FloatArray, half: float
) -> MapEstimate:
    model = task.model.rescaled(factor)
    estimate = solve(scaled, model, task.data.names, start, task.tol, task.max_iterations, half,
                     check_unique=False)  # fmt: skip
    act_on_failure(estimate, task.data, task.on_failure, task.max_iterations)
    return estimate


def _at_once(task: _Task, common: FloatArray) -> _Points | None:
    """All points together, where there is a quicker way than one by one; else None.

    Points that this does not certify are solved again, one by one.
    """
    problem = task.problem
    along = path_at_once(problem, task.t, common, task.tol)
    if along is None:
        return None
    v, gaps = along.v, along.gaps
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
    return _Points(coef, intercept, Lazily(k, certificate), Lazily(k, estimate))


def _user_coefficients(problem: Problem, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of extended vectors on the user's columns."""
    coef = problem.user_coefficients(v[:, : problem.p])
    if not problem.has_intercept:
        return coef, np.zeros(len(v))
    return coef, v[:, problem.p] - coef @ problem.shift


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


def _as_given(scales: Any) -> Any:
    """Entries of any type as they are: numpy would make numbers of bools beside them."""
    return scales if isinstance(scales, np.ndarray) else np.asarray(scales, dtype=object)


def checked_scales(scales: Sequence[float] | FloatArray) -> FloatArray:
    words = f"scales must be a sequence of positive numbers; got {_checks.shown(scales)}"
    try:
        axis = np.asarray(scales, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelTypeError(words) from None
    if any(isinstance(part, bool | np.bool_ | str) for part in np.ravel(_as_given(scales))):
        raise ModelTypeError(words)
    if axis.ndim != 1 or not axis.size:
        raise ModelError(f"scales must be a non-empty sequence of numbers; got shape {axis.shape}")
    bad = np.flatnonzero(~((axis >= _checks.SMALLEST) & (axis <= _checks.LARGEST)))
    if bad.size:
        raise ModelError(
            f"scales must lie between {_checks.SMALLEST:g} and {_checks.LARGEST:g}; found "
            f"{float(axis[bad[0]])!r} at position {bad[0]}"
        )
    return axis


def _default_scales(problem: Problem, reference: float, n_scales: int, data: Data) -> FloatArray:
    check_count(n_scales)
    if np.any(problem.penalty.l1[: problem.p] > 0):
        first = reference * _first_factor(problem, data.names)
        return first * np.geomspace(1.0, 1e3, n_scales)
    return reference * _degrees_of_freedom_grid(problem, n_scales)


def check_count(n_scales: int) -> None:
    whole = isinstance(n_scales, int | np.integer) and not isinstance(n_scales, bool)
    if not (whole and n_scales >= 1):
        raise ModelError(f"n_scales must be a whole number >= 1; got {n_scales!r}")


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
    return 1.0 / steepest if steepest > 0 else 1.0


def _degrees_of_freedom_grid(problem: Problem, n_scales: int) -> FloatArray:
    """Factors t that are evenly spaced in effective degrees of freedom."""
    p = problem.p
    eta = problem.linear_predictor(problem.start)
    h = problem.curvature_rows(eta)
    penalised = problem.penalty.l2[:p] > 0
    scaled = problem.block(np.flatnonzero(penalised)) / np.sqrt(problem.penalty.l2[:p][penalised])
    if problem.flat_intercept:
        scaled = scaled - h @ scaled / np.sum(h)
    values = np.linalg.svd(scaled * np.sqrt(h)[:, None], compute_uv=False) ** 2
    return even_degrees_of_freedom(np.asarray(values), n_scales)


def even_degrees_of_freedom(values: FloatArray, n_scales: int) -> FloatArray:
    """Factors t at which sum_k d_k t^2 / (d_k t^2 + 1) is evenly spaced.

    d_k, in falling order, are the eigenvalues of the null model's Hessian in units of the
    prior's sd (expected information where the loss has corners).
    """
    from scipy.optimize import brentq

    values = values[values > 1e-12 * values[0]]
    if not values.size:
        return np.geomspace(1e-2, 1e2, n_scales)

    def degrees(log_t: float) -> float:
        return float(np.sum(1.0 / (1.0 + np.exp(-2 * log_t) / values)))

    low, high = -0.5 * np.log(values[0]) - 12.0, -0.5 * np.log(values[-1]) + 12.0
    wanted = np.linspace(0.01, 0.99, n_scales) * values.size
    return np.exp([brentq(lambda x, w=w: degrees(x) - w, low, high) for w in wanted])
