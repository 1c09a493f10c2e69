"""scan_scales: mode, posterior and evidence along one axis of prior scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, NoModeError
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.posterior.diagnostics import diagnose
from bayesreg.posterior.order import checked_seed
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.run import available_cores, one_linear_algebra_thread
from bayesreg.posterior.target import pose
from bayesreg.scales.axis import Axis, library_parameters, make_axis
from bayesreg.scales.draws import draws_along
from bayesreg.scales.freedom import degrees_of_freedom
from bayesreg.scales.identity import generator, integrate, prior_expectation
from bayesreg.scales.null_evidence import log_null_evidence
from bayesreg.solvers import MapEstimate, find_map, find_map_path

if TYPE_CHECKING:
    import xarray as xr

    from bayesreg.posterior.densities import Parameters

# Nodes below the axis, for the evidence from scale 0 on: this many, this far apart in log t.
_NODES_BELOW, _SPACING = 8, 0.4


def scan_scales(
    model: Model,
    data: Data,
    scales: Sequence[float] | FloatArray | None = None,
    *,
    n_scales: int = 50,
    posterior: bool = True,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    rope: float | None = None,
    probability: float = 0.95,
    parameters: Sequence[str] = (),
    progress: bool = True,
    cores: int | None = None,
) -> xr.Dataset:
    """The mode, the posterior and the evidence along the prior scale, on one axis.

    Parameters
    ----------
    model, data
        The scales in ``model`` fix ratios only, as in :func:`find_map_path`. sigma may be unknown:
        the mode is then the joint one.
    scales : sequence of positive numbers, optional
        Scales of ``attrs["axis_column"]``; by default the grid of :func:`find_map_path`.
    n_scales : int
        Length of the default grid.
    posterior : bool
        Sample at every scale; False leaves the modes, which is quick.
    draws, chains, seed, cores
        As in :func:`sample`, at every scale.
    rope : float, optional
        Also P(|w| < rope).
    probability : float
        Mass of the highest-density intervals.
    parameters : sequence of str
        Conversion targets, such as "sklearn.Lasso", whose own parameter is wanted beside lambda.
    progress : bool

    Returns
    -------
    xarray.Dataset
        Dimensions ``scale`` and ``feature``; coordinates ``lambda`` and those asked for. The mode:
        ``map``, ``map_intercept``, ``n_nonzero``, ``degrees_of_freedom``, ``gap``, ``map_norm1``,
        ``map_norm2``. The posterior: ``mean``, ``sd``, ``hdi_low``, ``hdi_high``, ``p_positive``,
        ``p_rope``, ``mean_norm1``, ``mean_norm2``, ``rhat_max``, ``ess_min``. The evidence:
        ``log_evidence`` and ``log_evidence_error``, relative to a flat intercept of density 1.

    Raises
    ------
    ModelError, DataError, ImproperPosteriorError, NotCertifiedError
        What cannot be scanned, with the reason.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> study = br.scan_scales(model, data, [0.5, 1.0, 2.0], seed=1)
    >>> study["map"].values.ravel().round(3).tolist()
    [0.0, 0.5, 0.75]
    """
    for name, flag in (("posterior", posterior), ("progress", progress)):
        _checks.flag(flag, name)
    mass = _checks.positive_number(probability, "probability")
    if mass >= 1:
        raise ModelError(f"probability must be below 1; got {mass!r} (0.95 for a 95% interval)")
    data = data.to_dense() if isinstance(data, Data) else data
    axis = make_axis(model, data, scales, n_scales)
    with one_linear_algebra_thread():
        fits = _modes(model, data, axis)
        columns = _mode_columns(model, data, axis, fits)
        attributes: dict[str, Any] = {"model": repr(model), "axis_column": axis.column}
        if posterior:
            require_proper(pose(model, data), data.names)
            entropy = checked_entropy(seed)
            cores = available_cores() if cores is None else cores
            found, notes = _posterior_columns(
                model, data, axis, fits, draws=draws, chains=chains, seed=entropy, cores=cores,
                rope=rope, mass=mass, progress=progress,
            )  # fmt: skip
            columns |= found
            attributes |= {"seed": entropy, "probability": mass, **notes}
    return _dataset(
        columns, axis, data, library_parameters(model, data, axis, parameters), attributes
    )


def checked_entropy(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    return checked_seed(seed)


def _modes(model: Model, data: Data, axis: Axis) -> list[MapEstimate | None]:
    """The mode at each scale, None where there is none."""
    unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
    if unknown is None:
        return list(find_map_path(model, data, axis.scales).estimates)
    found: list[MapEstimate | None] = []
    for t in axis.factors:
        try:
            found.append(find_map(model.rescaled(float(t)), data, target="joint"))
        except NoModeError:
            found.append(None)
    return found


def _mode_columns(
    model: Model, data: Data, axis: Axis, fits: list[MapEstimate | None]
) -> dict[str, Any]:
    size = data.p
    coef = np.array([np.full(size, np.nan) if fit is None else fit.coef for fit in fits])
    of_modes = {
        "map_intercept": [np.nan if fit is None else fit.intercept for fit in fits],
        "n_nonzero": [-1 if fit is None else int(np.count_nonzero(fit.coef)) for fit in fits],
        "gap": [np.nan if fit is None else float(fit.certificate.gap) for fit in fits],
        "degrees_of_freedom": [
            np.nan if fit is None else degrees_of_freedom(fit.model, data, fit) for fit in fits
        ],
    }
    columns: dict[str, Any] = {"map": (("scale", "feature"), coef)}
    columns |= {name: ("scale", values) for name, values in of_modes.items()}
    for fit in fits:
        for name in () if fit is None else fit.scalars:
            values = [np.nan if each is None else each.scalars.get(name, np.nan) for each in fits]
            columns[f"map_{name}"] = ("scale", values)
    return columns | _norms("map", coef)


def _norms(prefix: str, coef: FloatArray) -> dict[str, Any]:
    return {
        f"{prefix}_norm1": ("scale", np.sum(np.abs(coef), axis=1)),
        f"{prefix}_norm2": ("scale", np.sqrt(np.sum(coef**2, axis=1))),
    }


def _posterior_columns(
    model: Model,
    data: Data,
    axis: Axis,
    fits: list[MapEstimate | None],
    *,
    draws: int,
    chains: int,
    seed: int,
    cores: int,
    rope: float | None,
    mass: float,
    progress: bool,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Summaries of the draws at each scale, and the evidence."""
    anchor, why_none = _anchor(model, data)
    below = np.exp(np.log(axis.factors[0]) - _SPACING * np.arange(_NODES_BELOW, 0, -1))
    factors = np.concatenate([below, axis.factors]) if anchor is not None else axis.factors
    models = [model.rescaled(float(t)) for t in factors]
    problem = pose(models[-1], data).problem
    starts = [None] * (len(factors) - len(fits)) + [
        None if fit is None else problem.extended(fit.coef, fit.intercept) for fit in fits
    ]
    rows: list[dict[str, Any]] = []
    slopes, errors = np.empty(len(factors)), np.empty(len(factors))
    total = len(factors) * chains * draws
    with progress_bar("scanning", total, progress) as bar:
        along = draws_along(
            models, data, starts, draws=draws, chains=chains, seed=seed, cores=cores,
            advance=bar.advance,
        )  # fmt: skip
        for k, (at, drawn) in enumerate(along):
            if anchor is not None:
                values = generator(models[k], data, at, drawn, axis.kinked)
                slopes[k] = float(np.mean(values)) - prior_expectation(models[k], data)
                errors[k] = _error_of_mean(values)
            if k >= len(factors) - len(fits):
                rows.append(_summary(drawn, data.names, rope, mass))
    columns: dict[str, Any] = {
        name: (("scale", "feature") if rows[0][name].ndim else ("scale",),
               np.array([row[name] for row in rows]))
        for name in rows[0]
    }  # fmt: skip
    columns |= _norms("mean", columns["mean"][1])
    if anchor is None:
        return columns, {"log_evidence": f"left out: {why_none}"}
    curve = integrate(np.log(factors), slopes, errors, anchor)
    last = slice(len(factors) - len(fits), None)
    columns["log_evidence"] = ("scale", curve.log_evidence[last])
    columns["log_evidence_error"] = ("scale", curve.error[last])
    return columns, {"log_evidence": "relative to a flat intercept of density 1"}


def _anchor(model: Model, data: Data) -> tuple[float | None, str]:
    try:
        return log_null_evidence(model, data), ""
    except ModelError as error:
        return None, str(error)


def _error_of_mean(values: FloatArray) -> float:
    from arviz_stats import mcse

    return float(mcse(np.ascontiguousarray(values), method="mean"))


def _summary(
    drawn: Parameters, names: tuple[str, ...], rope: float | None, mass: float
) -> dict[str, FloatArray]:
    """Numbers of one posterior, by coefficient."""
    from arviz_stats.base import array_stats

    coef = drawn.coef
    ends = np.asarray(array_stats.hdi(coef, prob=mass, axis=[0, 1]))
    figures = diagnose(coef, names)
    summary = {
        "mean": coef.mean(axis=(0, 1)),
        "sd": coef.std(axis=(0, 1), ddof=1),
        "hdi_low": ends[..., 0],
        "hdi_high": ends[..., 1],
        "p_positive": np.mean(coef > 0, axis=(0, 1)),
        "rhat_max": np.asarray(np.max(figures.rhat)),
        "ess_min": np.asarray(np.min(figures.least_ess)),
    }
    if rope is not None:
        width = _checks.positive_number(rope, "rope")
        summary["p_rope"] = np.mean(np.abs(coef) < width, axis=(0, 1))
    for name, values in drawn.scalars.items():
        summary[f"{name}_mean"] = np.asarray(values.mean())
        summary[f"{name}_sd"] = np.asarray(values.std(ddof=1))
    return summary


def _dataset(
    columns: dict[str, Any],
    axis: Axis,
    data: Data,
    library: dict[str, FloatArray],
    attributes: dict[str, Any],
) -> xr.Dataset:
    import xarray as xr

    coordinates = {name: ("scale", values) for name, values in library.items()}
    return xr.Dataset(
        columns,
        coords={
            "scale": axis.scales,
            "lambda": ("scale", axis.lambdas),
            "feature": list(data.names),
            **coordinates,
        },
        attrs=attributes,
    )
