"""Read a run on disk: the checkpoint, the model and the data, and the draws when asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg.errors import BayesregError, ModelTypeError, StoreError
from bayesreg.posterior import execution
from bayesreg.posterior.checkpoint import (
    damaged,
    decoded_array,
    decoded_chain,
    encoded_array,
    read_checkpoint,
)
from bayesreg.posterior.diagnostics import FIGURES, Diagnostics
from bayesreg.posterior.order import Order
from bayesreg.posterior.protocol import AnyPosterior, AnySetup, Chain, posed, setup_of
from bayesreg.posterior.run_store import DrawArrays, Layout
from bayesreg.posterior.stored_data import data_from_arrays
from bayesreg.posterior.zarr_arrays import fingerprint, read_array, reading, require_zarr

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class StoredRun:
    """What a store says about its run."""

    path: Path
    content: dict[str, Any]
    order: Order
    setup: AnySetup
    chains: list[Chain]


def open_run(path: str | os.PathLike[str]) -> xr.DataTree:
    """The draws of a stored run so far; they are read from disk when they are looked at.

    Parameters
    ----------
    path : path
        As given to ``sample(..., store=path)``. The run may be complete, interrupted, or still
        going on in another process.

    Returns
    -------
    xarray.DataTree
        As of :func:`bayesreg.sample`; ``attrs["partial"]`` is 1 where draws are missing. Keep the
        files as long as it is in use.

    Raises
    ------
    StoreError
        There is no run, it has no draws yet, or it is damaged.
    """
    stored = read_run(path)
    if not stored.content["kept"]:
        raise StoreError(
            f"{stored.path} has no draws yet: it stands in the warm-up. "
            f"bayesreg.resume({str(stored.path)!r}) goes on"
        )
    return tree_of(stored.path, stored.order, stored.setup.posterior, stored.content)


def read_run(path: Any) -> StoredRun:
    """Checkpoint, model and data, checked.

    Raises
    ------
    StoreError, ModelTypeError, MissingExtraError
    """
    require_zarr()
    if not isinstance(path, str | os.PathLike):
        raise ModelTypeError(f"path must be a path such as 'run.zarr'; got {_checks.shown(path)}")
    store = Path(os.fsdecode(path))
    if not store.is_dir():
        raise StoreError(
            f"there is no stored run at {store}; sample(..., store=path) makes one. A run that was "
            "killed before it wrote its first checkpoint leaves nothing to go on from: start it "
            "again with the same seed, for the same draws"
        )
    content = read_checkpoint(store)
    try:
        return _run_of(store, content)
    except StoreError:
        raise
    except (BayesregError, KeyError, TypeError, ValueError) as error:
        raise damaged(store, f"its checkpoint cannot be used ({error})") from error


def _run_of(store: Path, content: dict[str, Any]) -> StoredRun:
    from bayesreg.spec import from_text

    arrays = {name: read_array(store, name) for name in content["static"]}
    if fingerprint(arrays) != content["fingerprint"]:
        raise damaged(store / "data", "its numbers are not those that were written")
    data = data_from_arrays(_group(arrays, "data"))
    model = from_text(content["model"], "model")
    order = Order(
        model, data, content["draws"], content["chains"], int(content["seed"]),
        content["sampler"], content["reason"], content["tune"], content["pointwise"],
        content["predictive"],
    )  # fmt: skip
    draw_arrays(store, order, content)
    setup = setup_of(posed(model, data), decoded_array(content["start"]), order.tune)
    chains = [decoded_chain(part) for part in content["chains_at"]]
    return StoredRun(store, content, order, setup, chains)


def _group(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    return {
        name.split("/")[1]: part for name, part in arrays.items() if name.startswith(f"{group}/")
    }


def draw_arrays(
    store: Path, order: Order, content: Mapping[str, Any], mode: str = "r"
) -> DrawArrays:
    """The arrays of draws, with every file that the checkpoint covers."""
    layout = Layout.from_json(content["layout"])
    arrays = DrawArrays(store, layout, order.chains, content["chunk"], mode)
    arrays.require(content["kept"])
    return arrays


def diagnosed_store(
    store: Path, order: Order, posterior: AnyPosterior, content: Mapping[str, Any]
) -> Diagnostics:
    """Figures of the acknowledged draws, read a few columns at a time."""
    arrays, kept = draw_arrays(store, order, content), content["kept"]
    with reading(store / "posterior"):
        return execution.diagnosed(
            order, posterior, arrays.group("posterior", kept), arrays.group("sample_stats", kept)
        )


def encoded_diagnostics(diagnostics: Diagnostics) -> dict[str, Any]:
    """Figures for the checkpoint."""
    figures = np.stack([getattr(diagnostics, name) for name in FIGURES])
    return {
        "labels": list(diagnostics.labels),
        "figures": encoded_array(figures),
        "divergences": diagnostics.divergences,
        "every": diagnostics.every,
    }


def _diagnostics(
    store: Path, order: Order, posterior: AnyPosterior, content: Mapping[str, Any]
) -> Diagnostics:
    """Those in the checkpoint, or of the draws where it has none."""
    known = content["diagnostics"]
    if known is None:
        return diagnosed_store(store, order, posterior, content)
    figures = dict(zip(FIGURES, decoded_array(known["figures"]), strict=True))
    return Diagnostics(
        tuple(known["labels"]),
        **figures,
        divergences=known["divergences"],
        chains=order.chains,
        draws=content["kept"],
        every=known["every"],
    )


def tree_of(
    store: Path, order: Order, posterior: AnyPosterior, content: Mapping[str, Any]
) -> xr.DataTree:
    """The result, its draws on disk."""
    from bayesreg.posterior.tree import build_tree, mode_from_arrays

    variables: dict[str, list[str]] = {}
    for name in content["layout"]:
        group, variable = name.split("/")
        variables.setdefault(group, []).append(variable)
    found = {group: _lazy(store, group, content["kept"], order)[names]
             for group, names in variables.items()}  # fmt: skip
    mode = [name for name in content["static"] if name.startswith("map_estimate/")]
    if mode:
        arrays = _group({name: read_array(store, name) for name in mode}, "map_estimate")
        found["map_estimate"] = mode_from_arrays(arrays, order.data)
    diagnostics = _diagnostics(store, order, posterior, content)
    complete = content["kept"] >= order.draws
    said = execution.attributes(order, content["no_mode"], diagnostics, complete)
    said["store"] = str(store)
    return build_tree(found, order.model, order.data, posterior, diagnostics, said)


def _lazy(store: Path, group: str, kept: int, order: Order) -> xr.Dataset:
    """A group of draws, each variable read when it is looked at and not kept."""
    import xarray as xr

    from bayesreg.posterior.tree import labelled

    with reading(store / group):
        dataset = xr.open_dataset(
            store, engine="zarr", group=group, chunks=None, cache=False, decode_cf=False,
            consolidated=False, zarr_format=3,
        )  # fmt: skip
    return labelled(dataset.isel(draw=slice(0, kept)), order.data)
