"""find_map_path: the mode along the prior scale, certified at every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.certificate import Certificate, null_deviance
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.likelihoods import is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.solvers.estimate import MapEstimate
from bayesreg.solvers.mode import act_on_failure, check_options, solve, starting_point
from bayesreg.solvers.quantile import solve_corners
from bayesreg.solvers.quantile_path import first_factor_of_corners

if TYPE_CHECKING:
    import xarray as xr


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
    estimates : tuple of k MapEstimate
    """

    scales: FloatArray
    lambdas: FloatArray
    axis_column: str
    estimates: tuple[MapEstimate, ...]

    @property
    def coef(self) -> FloatArray:
        """(k, p) array of coefficients."""
        return np.stack([estimate.coef for estimate in self.estimates])

    @property
    def intercept(self) -> FloatArray:
        return np.array([estimate.intercept for estimate in self.estimates])

    @property
    def n_nonzero(self) -> Any:
        return np.count_nonzero(self.coef, axis=1)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(estimate.certificate for estimate in self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def to_dataset(self) -> xr.Dataset:
        """``coef[scale, feature]``, ``intercept``, gaps; coordinate ``lambda`` on the scale."""
        import xarray as xr

        certificates = self.certificates
        return xr.Dataset(
            {
                "coef": (("scale", "feature"), self.coef),
                "intercept": ("scale", self.intercept),
                "gap": ("scale", [c.gap for c in certificates]),
                "relative_gap": ("scale", [c.relative_gap for c in certificates]),
                "n_nonzero": ("scale", self.n_nonzero),
                "log_density": ("scale", [e.log_density for e in self.estimates]),
            },
            coords={
                "scale": self.scales,
                "lambda": ("scale", self.lambdas),
                "feature": list(self.estimates[0].names),
            },
            attrs={"model": repr(self.estimates[0].model), "axis_column": self.axis_column},
        )

    def __repr__(self) -> str:
        worst = max(certificate.relative_gap for certificate in self.certificates)
        return (
            f"<MapPath: {len(self)} scales from {self.scales[0]:.4g} to {self.scales[-1]:.4g}, "
            f"{self.n_nonzero[0]} to {self.n_nonzero[-1]} nonzero, "
            f"largest relative gap {worst:.1g}>"
        )


def find_map_path(
    model: Model,
    data: Data,
    scales: Sequence[float] | FloatArray | None = None,
    *,
    n_scales: int = 50,
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
    scales : sequence of positive numbers, optional
        Scales of the ``axis_column`` of the result, in any order. Default: where
        the prior has an L1 part, ``n_scales`` from the smallest at which a coefficient leaves
        its loc to 1000 times that; for Normal priors, evenly spaced in effective degrees of
        freedom.
    n_scales : int
        Length of the default grid.
    tol, on_failure, max_iterations
        As in :func:`find_map`, for every point.

    Returns
    -------
    MapPath
    """
    check_options(None, tol, on_failure, max_iterations)
    problem = bind(model, data)
    reference = model.axis_scale(data)
    corners = not is_smooth(problem.likelihood)
    start = problem.start if corners else starting_point(problem, data.names)
    grid = _default_scales(problem, reference, n_scales, data) if scales is None else scales
    axis = _checked_scales(grid)
    half = null_deviance(problem) / 2
    estimates: dict[float, MapEstimate] = {}
    for scale in np.unique(axis):
        factor = float(scale) / reference
        scaled = problem.at_scale(factor)
        if corners:
            # Interior points gain nothing from a start at a vertex: each scale is solved afresh.
            estimate = solve_corners(scaled, model.rescaled(factor), data.names, tol,
                                     max_iterations, half, check_unique=False)  # fmt: skip
        else:
            estimate = solve(scaled, model.rescaled(factor), data.names, start, tol,
                             max_iterations, half, check_unique=False)  # fmt: skip
        act_on_failure(estimate, data, on_failure, max_iterations)
        estimates[float(scale)] = estimate
        start = scaled.extended(estimate.coef, estimate.intercept)
    along = tuple(estimates[float(scale)] for scale in axis)
    lambdas = np.array([estimate.model.axis(data)[2] for estimate in along])
    return MapPath(axis, lambdas, model.axis(data)[0], along)


def smallest_scale(model: Model, data: Data) -> float:
    """The scale up to which every coefficient with an L1 part stays exactly at its loc."""
    problem = bind(model, data)
    return model.axis_scale(data) * _first_factor(problem, data.names)


def _checked_scales(scales: Sequence[float] | FloatArray) -> FloatArray:
    try:
        axis = np.asarray(scales, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelTypeError(
            f"scales must be a sequence of positive numbers; got {_checks.shown(scales)}"
        ) from None
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
    if not isinstance(n_scales, int) or n_scales < 1:
        raise ModelError(f"n_scales must be a whole number >= 1; got {n_scales!r}")
    if np.any(problem.penalty.l1[: problem.p] > 0):
        first = reference * _first_factor(problem, data.names)
        return first * np.geomspace(1.0, 1e3, n_scales)
    return reference * _degrees_of_freedom_grid(problem, n_scales)


def _first_factor(problem: Problem, names: tuple[str, ...]) -> float:
    """t_min = min_j l1_j / |gradient_j at w = loc| over the coefficients with an L1 part.

    The rest of the model (intercept, flat and purely Normal columns) is at its optimum there.
    """
    from dataclasses import replace

    from bayesreg.solvers.newton import minimise

    if not is_smooth(problem.likelihood):
        return first_factor_of_corners(problem)
    kinked = (problem.penalty.l1 > 0) & (np.arange(problem.size) < problem.p)
    held = replace(problem, penalty=problem.penalty.pinned(kinked))
    v = minimise(held, starting_point(held, names)).v
    gradient = problem.transposed_product(problem.gradient_rows(problem.linear_predictor(v)))
    at_bound = np.where(gradient < 0, v >= problem.penalty.upper, v <= problem.penalty.lower)
    pull = np.where(at_bound, 0.0, np.abs(gradient))[kinked] / problem.penalty.l1[kinked]
    steepest = float(np.max(pull, initial=0.0))
    return 1.0 / steepest if steepest > 0 else 1.0


def _degrees_of_freedom_grid(problem: Problem, n_scales: int) -> FloatArray:
    """Factors t at which sum_k d_k t^2 / (d_k t^2 + 1) is evenly spaced.

    d_k are the eigenvalues of the null model's Hessian in units of the prior's sd (expected
    information where the loss has corners).
    """
    from scipy.optimize import brentq

    p = problem.p
    eta = problem.linear_predictor(problem.start)
    h = problem.curvature_rows(eta)
    penalised = problem.penalty.l2[:p] > 0
    scaled = problem.block(np.flatnonzero(penalised)) / np.sqrt(problem.penalty.l2[:p][penalised])
    if problem.flat_intercept:
        scaled = scaled - h @ scaled / np.sum(h)
    values = np.linalg.svd(scaled * np.sqrt(h)[:, None], compute_uv=False) ** 2
    values = values[values > 1e-12 * values[0]]
    if not values.size:
        return np.geomspace(1e-2, 1e2, n_scales)

    def degrees(log_t: float) -> float:
        return float(np.sum(1.0 / (1.0 + np.exp(-2 * log_t) / values)))

    low, high = -0.5 * np.log(values[0]) - 12.0, -0.5 * np.log(values[-1]) + 12.0
    wanted = np.linspace(0.01, 0.99, n_scales) * values.size
    return np.exp([brentq(lambda x, w=w: degrees(x) - w, low, high) for w in wanted])
