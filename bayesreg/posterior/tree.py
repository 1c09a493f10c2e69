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
from bayesreg.design import Design, is_sparse
from bayesreg.model import Model
from bayesreg.posterior.densities import used_rows
from bayesreg.posterior.describe import last_dimension
from bayesreg.posterior.diagnostics import FIGURES, Diagnostics
from bayesreg.posterior.target import Posterior
from bayesreg.solvers import MapEstimate

#: Pointwise log likelihoods beyond this many numbers (1 GiB) are stored only when asked for.
MANY_NUMBERS = 2**27
#: Statistics that are not real numbers.
_TYPES = {"diverging": bool, "tree_depth": np.int64, "n_steps": np.int64}


def build_tree(
    groups: Mapping[str, xr.Dataset],
    model: Model,
    data: Data,
    posterior: Posterior,
    diagnostics: Diagnostics,
    attributes: Mapping[str, str | int | float],
) -> xr.DataTree:
    """The draws and the mode in ``groups``, with what is known beside them."""
    beside = {
        "diagnostics": diagnostics_dataset(diagnostics, posterior, data),
        "observed_data": _observed(data),
        "constant_data": _constants(model, data, posterior),
    }
    tree = xr.DataTree.from_dict({**groups, **{name: _own(part) for name, part in beside.items()}})
    tree.attrs.update({**versions(), "model": repr(model), **attributes})
    return tree


def draws_dataset(group: str, parts: Mapping[str, Any], data: Data) -> xr.Dataset:
    """Variables of shape (chain, draw) or (chain, draw, obs or feature), with labels."""
    dims = ("chain", "draw", last_dimension(group))
    bare = xr.Dataset({name: (dims[: values.ndim], values) for name, values in parts.items()})
    return labelled(bare, data)


def labelled(draws: xr.Dataset, data: Data) -> xr.Dataset:
    """Draws with the labels of their dimensions."""
    import pandas as pd

    known = {"obs": used_rows(data), **_features(data)}
    # Takes no memory, however many draws there are.
    counts = {name: pd.RangeIndex(draws.sizes[name]) for name in ("chain", "draw")}
    return draws.assign_coords(
        counts | {name: labels for name, labels in known.items() if name in draws.dims}
    )


def as_tree(found: Any) -> xr.DataTree:
    """PyMC's result as a DataTree: PyMC 6 returns one, PyMC 5 an InferenceData."""
    tree: xr.DataTree = found if isinstance(found, xr.DataTree) else found.to_datatree()
    return tree


def mode_dataset(fit: MapEstimate, data: Data) -> xr.Dataset:
    """The certified mode."""
    return _own(_mode(fit, data))


def mode_from_arrays(arrays: Mapping[str, np.ndarray], data: Data) -> xr.Dataset:
    """The same from the bare variables of that dataset."""
    variables = {name: (("feature",)[: part.ndim], part) for name, part in arrays.items()}
    return xr.Dataset(variables, coords=_features(data))


def diagnostics_dataset(diagnostics: Diagnostics, posterior: Posterior, data: Data) -> xr.Dataset:
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


def _design(X: Design) -> dict[str, Any]:
    """X, or the parts of its compressed sparse columns (``scipy.sparse.csc_array``)."""
    if not is_sparse(X):
        return {"X": (("obs", "feature"), X)}
    X = X.tocsc()
    return {
        "X_data": ("stored", X.data),
        "X_indices": ("stored", X.indices),
        "X_indptr": ("column_start", X.indptr),
    }


def sampled_design(constants: xr.Dataset) -> Design:
    """X of the rows that were sampled, from the group ``constant_data``."""
    if "X" in constants:
        return constants["X"].values
    from scipy.sparse import csc_array

    parts = (constants[f"X_{name}"].values for name in ("data", "indices", "indptr"))
    return csc_array(tuple(parts), shape=(constants.sizes["obs"], constants.sizes["feature"]))


def sampled_data(post: xr.DataTree) -> Data:
    """The rows that were sampled."""
    constants = post["constant_data"].to_dataset()
    trials = constants["trials"].values if "trials" in constants else None
    return Data(
        sampled_design(constants), post["observed_data"]["y"].values, constants["weights"].values,
        constants["offset"].values, [str(name) for name in constants["feature"].values], trials,
    )  # fmt: skip


def _constants(model: Model, data: Data, posterior: Posterior) -> xr.Dataset:
    """The data that are conditioned on, and a known penalty in nats and in its canonical form."""
    rows = used_rows(data)
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    offset = np.zeros(data.y.size) if data.offset is None else data.offset
    constants: dict[str, Any] = {
        **_design(data.X[rows]),
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


def _own(dataset: xr.Dataset) -> xr.Dataset:
    """Arrays of its own: the result never changes with the caller's."""
    return dataset.copy(deep=True)


def versions() -> dict[str, str]:
    names = ("numpy", "scipy", "numba", "xarray", "arviz-base", "arviz-stats", "pymc")
    installed = {f"{name.replace('-', '_')}_version": version(name) for name in names}
    return {
        "inference_library": "bayesreg",
        "inference_library_version": __version__,
        "bayesreg_version": __version__,
        **installed,
    }
