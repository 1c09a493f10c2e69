"""Arrays on disk in the Zarr format (version 3), each chunk with its own checksum.

A chunk is the bytes of its numbers and their CRC32C: reading one that was truncated or altered is
an error. Chunks are written beside their place and renamed, then made durable; they hold the
same numbers on every machine (little-endian, not compressed).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bayesreg.errors import MissingExtraError, StoreError
from bayesreg.posterior.checkpoint import damaged, sync_folder

# Numbers in a chunk of an array that is written at once: 64 MiB of them.
_CHUNK_NUMBERS = 2**23
_CHECKSUM_BYTES = 4


def require_zarr() -> Any:
    """The library, or how to get it."""
    try:
        import zarr
    except ImportError:
        raise MissingExtraError(
            "a run on disk needs the package zarr, which is not installed: "
            "pip install 'bayesreg[store]'"
        ) from None
    return zarr


def create_array(
    store: Path,
    name: str,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    dtype: Any,
    dimensions: tuple[str, ...],
) -> Any:
    """A new array, its entries NaN or 0 until they are written."""
    zarr = require_zarr()
    from zarr.codecs import Crc32cCodec

    dtype = np.dtype(dtype)
    array = zarr.create_array(
        str(store),
        name=name,
        shape=shape,
        chunks=chunk,
        dtype=dtype,
        filters=None,
        compressors=[Crc32cCodec()],
        fill_value=dtype.type(np.nan) if dtype.kind == "f" else dtype.type(0),
        dimension_names=dimensions,
        # Chunks of nothing but 0 as well: what was written is there to be counted.
        config={"write_empty_chunks": True},
        overwrite=True,
    )
    sync_files(store / name / "zarr.json")
    return array


def write_array(store: Path, name: str, values: np.ndarray, dimensions: tuple[str, ...]) -> None:
    """A whole array, in chunks of rows."""
    values = np.asarray(values)
    chunk = _rows_of_a_chunk(values.shape)
    array = create_array(store, name, values.shape, chunk, values.dtype, dimensions)
    array[...] = values
    sync_files(*_chunk_files(store / name, array, 0, values.shape[0] if values.ndim else 1))


def read_array(store: Path, name: str) -> np.ndarray:
    """A whole array; what it takes is on disk before memory is asked for.

    Raises
    ------
    StoreError
        It is not there, or damaged.
    """
    array = open_array(store, name)
    require_chunks(store / name, array, 0, array.shape[0] if array.ndim else 1)
    with reading(store / name):
        return np.asarray(array[...])


def open_array(store: Path, name: str, mode: str = "r") -> Any:
    """An array to read from, with mode "r+" to write to as well."""
    zarr = require_zarr()
    try:
        with reading(store / name):
            with zarr.config.set({"array.write_empty_chunks": True}):
                array = zarr.open_array(str(store), path=name, mode=mode, zarr_format=3)
            codecs = [codec.to_dict()["name"] for codec in array.metadata.codecs]
    except FileNotFoundError:
        raise damaged(store / name, "it is not there") from None
    if codecs != ["bytes", "crc32c"] or array.dtype.kind not in "biuf":
        raise damaged(store / name / "zarr.json", "it is not what was written")
    return array


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """A chunk that cannot be decoded is damaged."""
    try:
        yield
    except StoreError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError) as error:
        raise damaged(path, " ".join(str(error).split())[:200]) from None


def require_chunks(path: Path, array: Any, axis: int, count: int) -> None:
    """The first ``count`` entries along an axis are in files of the right size."""
    expected = math.prod(array.chunks) * array.dtype.itemsize + _CHECKSUM_BYTES
    for file in _chunk_files(path, array, axis, count):
        size = file.stat().st_size if file.is_file() else -1
        if size != expected:
            found = "it is not there" if size < 0 else f"it has {size} of {expected} bytes"
            raise damaged(file, found)


def sync_files(*files: Path) -> None:
    """Make files and their names durable."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for folder in {parent for file in files for parent in (file.parent, file.parent.parent)}:
        sync_folder(folder)


def chunk_file(path: Path, index: tuple[int, ...]) -> Path:
    """Where a chunk is."""
    return path.joinpath("c", *map(str, index))


def _chunk_files(path: Path, array: Any, axis: int, count: int) -> Iterator[Path]:
    """Files of the chunks along one axis; the others are whole in each."""
    if not array.ndim:
        yield chunk_file(path, ())
        return
    for k in range(-(-count // array.chunks[axis]) if array.chunks[axis] else 0):
        yield chunk_file(path, tuple(k if a == axis else 0 for a in range(array.ndim)))


def _rows_of_a_chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    if not shape:
        return ()
    width = max(1, math.prod(shape[1:]))
    rows = max(1, min(max(1, shape[0]), _CHUNK_NUMBERS // width))
    return (rows, *(max(1, extent) for extent in shape[1:]))


def fingerprint(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, kinds, shapes and bytes."""
    import hashlib

    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.name} {array.shape};".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
