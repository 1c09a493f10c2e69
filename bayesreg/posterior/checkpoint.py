"""Where a run stands, as text: what was asked, what was written, and the state of every chain.

The text is JSON with a checksum. Numbers that a chain depends on are kept to the last bit: arrays
as base64 of their bytes, the integers of random number generators as decimals. Nothing in it is
executed: generators and arrays are of the few kinds named here.
"""

from __future__ import annotations

import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayesreg.errors import StoreError
from bayesreg.posterior.protocol import Chain

#: What this file describes; a store of another format is refused.
FORMAT = 1
_LARGEST_FILE = 2**30
_DTYPES = ("float64", "float32", "int64", "int32", "uint8", "uint32", "uint64", "bool")
# The attributes of a Zarr group are a place that other software leaves alone.
_GROUP, _FILE = "checkpoint", "zarr.json"


def write_checkpoint(store: Path, content: Mapping[str, Any]) -> None:
    """Replace the checkpoint at once and durably: after a crash it is the old or the new one."""
    text = json.dumps({"format": FORMAT, **content})
    attributes = {"checkpoint": text, "crc32": zlib.crc32(text.encode())}
    folder = store / _GROUP
    folder.mkdir(exist_ok=True)
    whole = json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes})
    replace_file(folder / _FILE, whole.encode())
    sync_folder(store)


def read_checkpoint(store: Path) -> dict[str, Any]:
    """The last checkpoint.

    Raises
    ------
    StoreError
        There is none, or it is damaged, or of another format.
    """
    path = store / _GROUP / _FILE
    if not path.exists():
        raise StoreError(
            f"{store} is not a stored run, or was stopped before its first checkpoint: there is "
            f"no {_GROUP}/{_FILE}. Sample again, with another path: sample(..., store=...)"
        )
    if path.stat().st_size > _LARGEST_FILE:
        raise damaged(path, f"it is larger than {_LARGEST_FILE} bytes")
    try:
        attributes = json.loads(path.read_bytes())["attributes"]
        text, checksum = attributes["checkpoint"], attributes["crc32"]
        matches = zlib.crc32(text.encode()) == checksum
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged(path, "it is no checkpoint") from None
    if not matches:
        raise damaged(path, "its checksum does not match")
    content: dict[str, Any] = json.loads(text)
    if content["format"] != FORMAT:
        raise StoreError(
            f"{store} has format {content['format']}, and this version of bayesreg reads format "
            f"{FORMAT}; use the version that wrote it"
        )
    return content


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a file that is not what was written."""
    return StoreError(
        f"{path} is damaged: {reason}. Nothing was read from it. Restore the store from a copy, "
        "or sample again with the same seed: the draws will be the same"
    )


def replace_file(path: Path, content: bytes) -> None:
    """Write beside, make durable, then rename."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system knows how."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- chains --------------------------------------------------------------------------------


def encoded_chain(chain: Chain) -> dict[str, Any]:
    """A chain for JSON."""
    return {
        "iteration": chain.iteration,
        "state": {name: encoded_array(array) for name, array in chain.state.items()},
        "streams": {name: _encoded_stream(rng) for name, rng in chain.streams.items()},
    }


def decoded_chain(content: Mapping[str, Any]) -> Chain:
    """The inverse of :func:`encoded_chain`."""
    return Chain(
        {name: decoded_array(part) for name, part in content["state"].items()},
        {name: _decoded_stream(part) for name, part in content["streams"].items()},
        int(content["iteration"]),
    )


def encoded_array(array: np.ndarray) -> dict[str, Any]:
    """An array for JSON."""
    array = np.asarray(array)
    if array.dtype.name not in _DTYPES:
        raise TypeError(f"a chain's state holds numbers; got an array of {array.dtype}")
    little = array.astype(array.dtype.newbyteorder("<"))
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "base64": b64encode(little.tobytes()).decode(),
    }


def decoded_array(content: Mapping[str, Any]) -> np.ndarray:
    """The inverse of :func:`encoded_array`, an array that can be written to."""
    if content["dtype"] not in _DTYPES:
        raise StoreError(f"a checkpoint holds numbers, not {content['dtype']!r}")
    little = np.dtype(content["dtype"]).newbyteorder("<")
    flat = np.frombuffer(b64decode(content["base64"]), dtype=little)
    return flat.reshape(content["shape"]).astype(content["dtype"])


def _encoded_stream(rng: np.random.Generator) -> dict[str, Any]:
    state: Any = rng.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise TypeError(f"a chain's streams are numpy's default; got {state['bit_generator']}")
    inner = state["state"]
    return {
        # Beyond 64 bits, which not every reader of JSON takes as a number.
        "state": str(inner["state"]),
        "inc": str(inner["inc"]),
        "has_uint32": state["has_uint32"],
        "uinteger": state["uinteger"],
    }


def _decoded_stream(content: Mapping[str, Any]) -> np.random.Generator:
    generator = np.random.PCG64()
    generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": int(content["state"]), "inc": int(content["inc"])},
        "has_uint32": int(content["has_uint32"]),
        "uinteger": int(content["uinteger"]),
    }
    return np.random.Generator(generator)
