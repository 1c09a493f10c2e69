"""The result as an ``xarray.DataTree`` in the ArviZ schema.

This is the one file that knows the schema. Groups: ``posterior``, ``sample_stats``,
``log_likelihood``, ``log_prior``, ``observed_data``, ``constant_data`` and ``map_estimate``;
attributes are text and numbers, so that ``tree.to_netcdf(path)`` works.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayesreg._version import __version__
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.diagnostics import FIGURES, Diagnostics
from bayesreg.posterior.target import Posterior
from bayesreg.solvers import MapEstimate

#: Pointwise log likelihoods beyond this many numbers (1 GiB) are stored only when asked for.
MANY_NUMBERS = 2**27


def build_tree(
    model: Model,
    data: Data,
    posterior: Posterior,
    draws: Mapping[str, Mapping[str, np.ndarray]],
    fit: MapEstimate | None,
    attributes: Mapping[str, str | int | float],
) -> xr.DataTree:
    """All groups; ``draws`` are those of :mod:`bayesreg.posterior.describe`, by group and name."""
    groups = {group: draws_dataset(group, parts, data) for group, parts in draws.items()}
    groups |= static_groups(model, data, posterior, fit)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update({**versions(), "model": repr(model), **attributes})
    return tree


def static_groups(
    model: Model, data: Data, posterior: Posterior, fit: MapEstimate | None
) -> dict[str, xr.Dataset]:
    """The groups that are not draws."""
    groups = {
        "observed_data": _observed(data),
        "constant_data": _constants(model, data, posterior),
    }
    if fit is not None:
        groups["map_estimate"] = _mode(fit, data)
    return {name: _plain(group) for name, group in groups.items()}


#: Groups with a column per row of the data, not per coefficient.
_BY_ROW = ("log_likelihood", "posterior_predictive")


def last_dimension(group: str) -> str:
    """What the third dimension of a variable of draws is."""
    return "obs" if group in _BY_ROW else "feature"


def draws_dataset(group: str, parts: Mapping[str, Any], data: Data) -> xr.Dataset:
    """Variables of shape (chain, draw) or (chain, draw, obs or feature), with labels."""
    dims = ("chain", "draw", last_dimension(group))
    first = next(iter(parts.values()))
    labels: dict[str, Any] = {name: np.arange(first.shape[k]) for k, name in enumerate(dims[:2])}
    if any(values.ndim == 3 for values in parts.values()):
        labels |= {"obs": used_rows(data)} if group in _BY_ROW else _features(data)
    return xr.Dataset(
        {name: (dims[: values.ndim], values) for name, values in parts.items()}, coords=labels
    )


def as_tree(found: Any) -> xr.DataTree:
    """PyMC's result as a DataTree: PyMC 6 returns one, PyMC 5 an InferenceData."""
    tree: xr.DataTree = found if isinstance(found, xr.DataTree) else found.to_datatree()
    return tree


def diagnostics_dataset(
    diagnostics: Diagnostics, posterior: Posterior, data: Data
) -> xr.Dataset:
    """Figures by parameter, with a dimension ``diagnostic``; NaN for pinned coefficients."""
    figures = np.stack([getattr(diagnostics, name) for name in FIGURES])
    free = np.flatnonzero(~posterior.problem.penalty.is_pinned[: data.p])
    coef = np.full((len(FIGURES), data.p), np.nan)
    coef[:, free] = figures[:, : free.size]
    variables: dict[str, Any] = {"coef": (("diagnostic", "feature"), coef)}
    for k, name in enumerate(diagnostics.labels[free.size :], start=free.size):
        variables[name] = ("diagnostic", figures[:, k])
    return xr.Dataset(
        variables,
        coords={"diagnostic": np.array(FIGURES, dtype=object), **_features(data)},
        attrs={"divergences": diagnostics.divergences, "every": diagnostics.every},
    )


def _features(data: Data) -> dict[str, Any]:
    return {"feature": np.array(data.names, dtype=object)}


def _observed(data: Data) -> xr.Dataset:
    rows = used_rows(data)
    return xr.Dataset({"y": ("obs", data.y[rows])}, coords={"obs": rows})


def _constants(model: Model, data: Data, posterior: Posterior) -> xr.Dataset:
    """The data that are conditioned on, and a known penalty in nats and in its canonical form."""
    rows = used_rows(data)
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    offset = np.zeros(data.y.size) if data.offset is None else data.offset
    constants: dict[str, Any] = {
        "X": (("obs", "feature"), data.X[rows]),
        "weights": ("obs", weights[rows]),
        "offset": ("obs", offset[rows]),
    }
    if posterior.only_coefficients:
        penalty, noise = model.coefficient_penalty(data), model.likelihood.noise
        constants["l1"], constants["l2"] = ("feature", penalty.l1), ("feature", penalty.l2)
        constants["loc"] = ("feature", penalty.loc)
        constants["lambda1"] = ("feature", noise**2 * penalty.l1)
        constants["lambda2"] = ("feature", noise**2 * penalty.l2)
    if data.trials is not None:
        constants["trials"] = ("obs", data.trials[rows])
    sigma = getattr(model.likelihood, "sigma", None)
    if isinstance(sigma, float):
        constants["sigma"] = ((), sigma)
    return xr.Dataset(constants, coords={"obs": rows, **_features(data)})


def _mode(fit: MapEstimate, data: Data) -> xr.Dataset:
    certificate = fit.certificate
    figures = {
        name: ((), float(getattr(certificate, name)))
        for name in ("gap", "relative_gap", "kkt_residual")
    }
    mode: dict[str, Any] = {"coef": ("feature", fit.coef), **figures}
    mode |= {name: ((), value) for name, value in fit.scalars.items()}
    mode["zeros_proved"] = ((), int(certificate.zeros_proved))
    mode["unique"] = ((), int(fit.unique))
    if fit.model.intercept is not None:
        mode["intercept"] = ((), fit.intercept)
    return xr.Dataset(mode, coords=_features(data))


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Arrays of its own: the result never changes with the caller's."""
    return dataset.copy(deep=True)


def versions() -> dict[str, str]:
    names = ("numpy", "xarray", "arviz-base", "arviz-stats", "pymc")
    installed = {f"{name.replace('-', '_')}_version": version(name) for name in names}
    return {
        "inference_library": "bayesreg",
        "inference_library_version": __version__,
        "bayesreg_version": __version__,
        **installed,
    }
