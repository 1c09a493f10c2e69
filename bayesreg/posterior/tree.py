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

from bayesreg._types import FloatArray
from bayesreg._version import __version__
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, lambdas, log_likelihood, log_prior, used_rows
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import Posterior
from bayesreg.solvers import MapEstimate

#: Pointwise log likelihoods beyond this many numbers (1 GiB) are stored only when asked for.
MANY_NUMBERS = 2**27
#: Statistics that are not real numbers.
_TYPES = {"diverging": bool, "tree_depth": np.int64, "n_steps": np.int64}


def parameters(posterior: Posterior, draws: Draws) -> Parameters:
    """Draws of the extended vector as coefficients and intercept."""
    problem = posterior.problem
    coef = problem.user_coefficients(draws.v[:, :, : problem.p])
    if not problem.has_intercept:
        return Parameters(coef, None, draws.scalars)
    intercept = draws.v[:, :, problem.p]
    if problem.shift.any():
        intercept = intercept - coef @ problem.shift
    return Parameters(coef, intercept, draws.scalars)


def build_tree(
    model: Model,
    data: Data,
    posterior: Posterior,
    drawn: Parameters,
    statistics: Mapping[str, np.ndarray],
    fit: MapEstimate | None,
    attributes: Mapping[str, str | int | float],
    pointwise: bool,
) -> xr.DataTree:
    """All groups; ``pointwise`` says whether the log likelihood of each row is kept."""
    by_row, total = log_likelihood(model, data, drawn, pointwise)
    prior = log_prior(model, data, posterior, drawn)
    lp = total + sum(np.sum(part, axis=2) if part.ndim == 3 else part for part in prior.values())
    by_draw = {**statistics, "lp": lp}
    groups = {
        "posterior": _draws_dataset(
            {**_named(drawn), **lambdas(model, data, posterior, drawn)}, data
        ),
        "sample_stats": xr.Dataset(
            {
                name: (("chain", "draw"), values.astype(_TYPES.get(name, values.dtype)))
                for name, values in by_draw.items()
            },
            coords=_counts(drawn.coef),
        ),
        "log_prior": _draws_dataset(prior, data),
        "observed_data": _observed(data),
        "constant_data": _constants(model, data, posterior),
    }
    if by_row is not None:
        groups["log_likelihood"] = xr.Dataset(
            {"y": (("chain", "draw", "obs"), by_row)},
            coords={**_counts(drawn.coef), "obs": used_rows(data)},
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


def _named(drawn: Parameters) -> dict[str, FloatArray]:
    parts = {"coef": drawn.coef}
    if drawn.intercept is not None:
        parts["intercept"] = drawn.intercept
    return parts | drawn.scalars


def _counts(coef: FloatArray) -> dict[str, Any]:
    return {"chain": np.arange(coef.shape[0]), "draw": np.arange(coef.shape[1])}


def _draws_dataset(parts: Mapping[str, FloatArray], data: Data) -> xr.Dataset:
    dims = {3: ("chain", "draw", "feature"), 2: ("chain", "draw")}
    return xr.Dataset(
        {name: (dims[values.ndim], values) for name, values in parts.items()},
        coords={**_counts(parts["coef"]), **_features(data)},
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


def _versions() -> dict[str, str]:
    names = ("numpy", "xarray", "arviz-base", "arviz-stats", "pymc")
    installed = {f"{name.replace('-', '_')}_version": version(name) for name in names}
    return {
        "inference_library": "bayesreg",
        "inference_library_version": __version__,
        "bayesreg_version": __version__,
        **installed,
    }
