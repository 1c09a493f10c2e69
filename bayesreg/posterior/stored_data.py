"""Data and the mode as arrays with names, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.data import Data
from bayesreg.design import is_sparse

if TYPE_CHECKING:
    import xarray as xr

_VECTORS = ("weights", "offset", "trials")


def data_arrays(data: Data) -> dict[str, np.ndarray]:
    """Everything in ``Data``; names of columns as the UTF-8 bytes of a JSON list."""
    names = np.frombuffer(json.dumps(list(data.names)).encode(), dtype=np.uint8)
    arrays: dict[str, np.ndarray] = {"y": data.y, "names": names}
    if is_sparse(data.X):
        parts = ("data", "indices", "indptr")
        arrays |= {f"X_{part}": getattr(data.X, part) for part in parts}
        arrays["X_shape"] = np.array(data.X.shape)
    elif data.X.flags.f_contiguous:
        # Products may round differently with the other order in memory.
        arrays["X_transposed"] = data.X.T
    else:
        arrays["X"] = data.X
    given = {name: getattr(data, name) for name in _VECTORS}
    return arrays | {name: vector for name, vector in given.items() if vector is not None}


def data_from_arrays(arrays: dict[str, np.ndarray]) -> Data:
    """The inverse of :func:`data_arrays`."""
    names = json.loads(arrays["names"].tobytes())
    vectors = {name: arrays[name] for name in _VECTORS if name in arrays}
    return Data(_design(arrays), arrays["y"], names=names, **vectors)


def _design(arrays: dict[str, np.ndarray]) -> Any:
    if "X" in arrays:
        return arrays["X"]
    if "X_transposed" in arrays:
        return arrays["X_transposed"].T
    from scipy.sparse import csc_array

    parts = (arrays[f"X_{part}"] for part in ("data", "indices", "indptr"))
    return csc_array(tuple(parts), shape=tuple(arrays["X_shape"].tolist()))


def dataset_arrays(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """The variables of a dataset, without its labels."""
    return {str(name): np.asarray(part.values) for name, part in dataset.data_vars.items()}
