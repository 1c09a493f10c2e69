"""The result as an ``xarray.DataTree`` in the ArviZ schema.

This is the one file that knows the schema. Groups: ``posterior``, ``sample_stats``,
``log_likelihood``, ``log_prior``, ``observed_data``, ``constant_data`` and ``map_estimate``;
attributes are text and numbers, so that ``tree.to_netcdf(path)`` works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayesreg._types import FloatArray
from bayesreg._version import __version__
from bayesreg.data import Data
from bayesreg.likelihoods import likelihood_of_rows
from bayesreg.model import Model
from bayesreg.posterior.protocol import Draws
from bayesreg.problem import Problem
from bayesreg.solvers import MapEstimate

# Rows of the linear predictor held at a time: 8 MiB of them.
_NUMBERS_AT_A_TIME = 2**20
#: Pointwise log likelihoods beyond this many numbers (1 GiB) are stored only when asked for.
MANY_NUMBERS = 2**27


@dataclass(frozen=True, eq=False)
class Parameters:
    """Draws in the user's units.

    Attributes
    ----------
    coef : (chains, draws, p) array
    intercept : (chains, draws) array or None
    """

    coef: FloatArray
    intercept: FloatArray | None


def parameters(problem: Problem, draws: Draws) -> Parameters:
    """Draws of the extended vector as coefficients and intercept."""
    coef = problem.user_coefficients(draws.v[:, :, : problem.p])
    if not problem.has_intercept:
        return Parameters(coef, None)
    intercept = draws.v[:, :, problem.p]
    return Parameters(coef, intercept - coef @ problem.shift if problem.shift.any() else intercept)


def build_tree(
    model: Model,
    data: Data,
    drawn: Parameters,
    statistics: Mapping[str, np.ndarray],
    fit: MapEstimate | None,
    attributes: Mapping[str, str | int | float],
    pointwise: bool,
) -> xr.DataTree:
    """All groups; ``pointwise`` says whether the log likelihood of each row is kept."""
    by_row, total = log_likelihood(model, data, drawn, pointwise)
    prior = log_prior(model, data, drawn)
    lp = total + sum(np.sum(part, axis=2) if part.ndim == 3 else part for part in prior.values())
    by_draw = {**statistics, "lp": lp}
    groups = {
        "posterior": _draws_dataset(_named(drawn), data),
        "sample_stats": xr.Dataset(
            {name: (("chain", "draw"), values) for name, values in by_draw.items()},
            coords=_counts(drawn.coef),
        ),
        "log_prior": _draws_dataset(prior, data),
        "observed_data": _observed(data),
        "constant_data": _constants(model, data),
    }
    if by_row is not None:
        groups["log_likelihood"] = xr.Dataset(
            {"y": (("chain", "draw", "obs"), by_row)},
            coords={**_counts(drawn.coef), "obs": _rows(data)},
        )
    if fit is not None:
        groups["map_estimate"] = _mode(fit, data)
    tree = xr.DataTree.from_dict({name: _plain(group) for name, group in groups.items()})
    tree.attrs.update({**_versions(), "model": repr(model), **attributes})
    return tree


def as_tree(found: Any) -> xr.DataTree:
    """PyMC's result as a DataTree: PyMC 6 returns one, PyMC 5 an InferenceData."""
    tree: xr.DataTree = found if isinstance(found, xr.DataTree) else found.to_datatree()
    return tree


def log_likelihood(
    model: Model, data: Data, drawn: Parameters, pointwise: bool
) -> tuple[FloatArray | None, FloatArray]:
    """log p(y_i | draw), shape (chains, draws, n), if wanted, and its sum over rows."""
    rows = _rows(data)
    X, y = data.X[rows], data.y[rows]
    weights = np.ones(rows.size) if data.weights is None else data.weights[rows]
    offset = np.zeros(rows.size) if data.offset is None else data.offset[rows]
    trials = None if data.trials is None else data.trials[rows]
    likelihood = likelihood_of_rows(model.likelihood, trials)
    constant = likelihood.constant(y, weights)
    chains, length, p = drawn.coef.shape
    coef = drawn.coef.reshape(-1, p)
    intercept = np.zeros(len(coef)) if drawn.intercept is None else drawn.intercept.ravel()
    by_row = np.empty((len(coef), rows.size)) if pointwise else None
    total = np.empty(len(coef))
    chunk = max(1, _NUMBERS_AT_A_TIME // rows.size)
    for first in range(0, len(coef), chunk):
        part = slice(first, first + chunk)
        eta = coef[part] @ X.T + intercept[part, None] + offset
        terms = -(weights * likelihood.loss(y, eta) + constant)
        total[part] = np.sum(terms, axis=1)
        if by_row is not None:
            by_row[part] = terms
    shape = (chains, length)
    return None if by_row is None else by_row.reshape(*shape, -1), total.reshape(shape)


def log_prior(model: Model, data: Data, drawn: Parameters) -> dict[str, FloatArray]:
    """log p(coef_j) and log p(intercept) at each draw; flat and pinned entries count 0."""
    # Adding 0.0 turns the -0.0 of a flat prior into 0.0.
    parts = {"coef": model.coefficient_penalty(data).log_density(drawn.coef) + 0.0}
    on_intercept = model.intercept_penalty()
    if drawn.intercept is not None and on_intercept is not None:
        parts["intercept"] = on_intercept.log_density(drawn.intercept[..., None])[..., 0] + 0.0
    return parts


def _named(drawn: Parameters) -> dict[str, FloatArray]:
    parts = {"coef": drawn.coef}
    return parts if drawn.intercept is None else {**parts, "intercept": drawn.intercept}


def _counts(coef: FloatArray) -> dict[str, Any]:
    return {"chain": np.arange(coef.shape[0]), "draw": np.arange(coef.shape[1])}


def _rows(data: Data) -> np.ndarray:
    """Rows of positive weight; those of weight 0 are not part of the model."""
    return np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)


def _draws_dataset(parts: Mapping[str, FloatArray], data: Data) -> xr.Dataset:
    dims = {3: ("chain", "draw", "feature"), 2: ("chain", "draw")}
    return xr.Dataset(
        {name: (dims[values.ndim], values) for name, values in parts.items()},
        coords={**_counts(parts["coef"]), **_features(data)},
    )


def _features(data: Data) -> dict[str, Any]:
    return {"feature": np.array(data.names, dtype=object)}


def _observed(data: Data) -> xr.Dataset:
    rows = _rows(data)
    return xr.Dataset({"y": ("obs", data.y[rows])}, coords={"obs": rows})


def _constants(model: Model, data: Data) -> xr.Dataset:
    """The data that are conditioned on, and the penalty in nats and in its canonical form."""
    rows, penalty, noise = _rows(data), model.coefficient_penalty(data), model.likelihood.noise
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    offset = np.zeros(data.y.size) if data.offset is None else data.offset
    constants: dict[str, Any] = {
        "X": (("obs", "feature"), data.X[rows]),
        "weights": ("obs", weights[rows]),
        "offset": ("obs", offset[rows]),
        "l1": ("feature", penalty.l1),
        "l2": ("feature", penalty.l2),
        "loc": ("feature", penalty.loc),
        "lambda1": ("feature", noise**2 * penalty.l1),
        "lambda2": ("feature", noise**2 * penalty.l2),
    }
    if data.trials is not None:
        constants["trials"] = ("obs", data.trials[rows])
    if hasattr(model.likelihood, "sigma"):
        constants["sigma"] = ((), model.likelihood.sigma)
    return xr.Dataset(constants, coords={"obs": rows, **_features(data)})


def _mode(fit: MapEstimate, data: Data) -> xr.Dataset:
    certificate = fit.certificate
    figures = {
        name: ((), float(getattr(certificate, name)))
        for name in ("gap", "relative_gap", "kkt_residual")
    }
    mode: dict[str, Any] = {"coef": ("feature", fit.coef), **figures}
    mode["zeros_proved"] = ((), int(certificate.zeros_proved))
    mode["unique"] = ((), int(fit.unique))
    if fit.model.intercept is not None:
        mode["intercept"] = ((), fit.intercept)
    return xr.Dataset(mode, coords=_features(data))


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Arrays of its own: the result never changes with the caller's."""
    return dataset.copy(deep=True)


def _versions() -> dict[str, str]:
    names = ("numpy", "xarray", "arviz-base", "arviz-stats", "pymc")
    installed = {f"{name.replace('-', '_')}_version": version(name) for name in names}
    return {
        "inference_library": "bayesreg",
        "inference_library_version": __version__,
        "bayesreg_version": __version__,
        **installed,
    }
