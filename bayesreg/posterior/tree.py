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
from bayesreg.posterior.describe import dimensions
from bayesreg.posterior.diagnostics import FIGURES, Diagnostics
from bayesreg.posterior.protocol import AnyPosterior
from bayesreg.solvers import MapEstimate

#: Pointwise log likelihoods beyond this many numbers (1 GiB) are stored only when asked for.
MANY_NUMBERS = 2**27
#: Statistics that are not real numbers.
_TYPES = {"diverging": bool, "tree_depth": np.int64, "n_steps": np.int64}


def build_tree(
    groups: Mapping[str, xr.Dataset],
    model: Model,
    data: Data,
    posterior: AnyPosterior,
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
    """Variables of shape (chain, draw), (chain, draw, obs), ..., with labels."""
    bare = xr.Dataset({
        name: (("chain", "draw", *dimensions(group, name, values.ndim - 2))[: values.ndim], values)
        for name, values in parts.items()
    })  # fmt: skip
    return labelled(bare, data)


def labelled(draws: xr.Dataset, data: Data) -> xr.Dataset:
    """Draws with the labels of their dimensions."""
    import pandas as pd

    known = {"obs": used_rows(data), **_features(data), **_classes(draws.sizes.get("class", 0))}
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
    variables = {name: (_of_mode(name, part), part) for name, part in arrays.items()}
    return _with_columns(variables, data)


def _of_mode(name: str, values: Any) -> tuple[str, ...]:
    """The dimensions of a variable of the mode."""
    return dimensions("map_estimate", name, np.ndim(values))[: np.ndim(values)]


def _with_columns(variables: Mapping[str, Any], data: Data) -> xr.Dataset:
    """A dataset with the labels of columns and classes."""
    found = xr.Dataset(variables, coords=_features(data))
    return found.assign_coords(_classes(found.sizes.get("class", 0)))


def diagnostics_dataset(
    diagnostics: Diagnostics, posterior: AnyPosterior, data: Data
) -> xr.Dataset:
    """Figures by parameter, with a dimension ``diagnostic``; NaN for pinned coefficients."""
    figures = np.stack([getattr(diagnostics, name) for name in FIGURES])
    free = ~posterior.problem.penalty.is_pinned[: data.p]
    classes = getattr(posterior.problem, "n_classes", 0)
    coef = np.full((len(FIGURES), max(classes, 1), data.p), np.nan)
    done = coef.shape[1] * int(np.sum(free))
    coef[..., free] = figures[:, :done].reshape(len(FIGURES), coef.shape[1], -1)
    variables: dict[str, Any] = {"coef": coef if classes else coef[:, 0]}
    if classes and posterior.problem.has_intercept:
        variables["intercept"] = figures[:, done : done + classes]
        done += classes
    for k, name in enumerate(diagnostics.labels[done:], start=done):
        variables[name] = figures[:, k]
    found = _with_columns(
        {
            name: (("diagnostic", *_of_mode(name, part[0])), part)
            for name, part in variables.items()
        },
        data,
    )
    found.attrs.update(divergences=diagnostics.divergences, every=diagnostics.every)
    return found.assign_coords(diagnostic=np.array(FIGURES, dtype=object))


def _classes(count: int) -> dict[str, Any]:
    """The labels of classes: their codes in y."""
    return {"class": np.arange(count)} if count else {}


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
    offset = constants["offset"].values
    return Data(
        sampled_design(constants), post["observed_data"]["y"].values, constants["weights"].values,
        offset if np.any(offset) else None, [str(name) for name in constants["feature"].values],
        trials,
    )  # fmt: skip


def _constants(model: Model, data: Data, posterior: AnyPosterior) -> xr.Dataset:
    """The data that are conditioned on, and a known penalty in nats and in its canonical form."""
    rows = used_rows(data)
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    offset = np.zeros(data.y.size) if data.offset is None else data.offset
    constants: dict[str, Any] = {
        **_design(data.X[rows]),
        "weights": ("obs", weights[rows]),
        "offset": ("obs", offset[rows]),
    }
    if posterior.sigma is None and not posterior.scales and not posterior.horseshoe.any():
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
    mode: dict[str, Any] = {"coef": (_of_mode("coef", fit.coef), fit.coef), **figures}
    mode |= {name: ((), value) for name, value in fit.scalars.items()}
    mode["zeros_proved"] = ((), int(certificate.zeros_proved))
    mode["unique"] = ((), int(fit.unique))
    if fit.model.intercept is not None:
        mode["intercept"] = (_of_mode("intercept", fit.intercept), fit.intercept)
    return _with_columns(mode, data)


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
