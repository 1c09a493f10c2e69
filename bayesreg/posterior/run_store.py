"""A run on disk: a Zarr hierarchy with a checkpoint.

    run.zarr/
        checkpoint/       where the run stands: replaced at once after draws are on disk
        data/             X, y, ...
        map_estimate/     the mode
        posterior/  sample_stats/  log_prior/  ...    the draws, arrays (chain, draw, ...)

Draws that the checkpoint covers are acknowledged; whatever lies beyond is ignored, and written
again by the run that continues. A chunk holds the same draws of every chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayesreg.errors import StoreError
from bayesreg.posterior.checkpoint import damaged
from bayesreg.posterior.describe import dimensions
from bayesreg.posterior.run import Pieces
from bayesreg.posterior.zarr_arrays import (
    chunk_file,
    create_array,
    open_array,
    reading,
    require_chunks,
    sync_files,
)

# Floating-point operations and numbers in a chunk: about 1 s of one core, 16 MiB of an array.
_CHUNK_COST, _CHUNK_NUMBERS = 2e9, 2**21


def chunk_length(length: int, cost: float, chains: int, widest: int) -> int:
    """Draws in a chunk: a multiple of those in a block."""
    by_cost = _CHUNK_COST / (max(cost, 1.0) * length)
    by_numbers = _CHUNK_NUMBERS / (length * chains * max(widest, 1))
    return length * max(1, int(min(by_cost, by_numbers)))


@dataclass(frozen=True)
class Layout:
    """The arrays of draws: name -> (extent of a draw, kind of number)."""

    variables: Mapping[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)

    @staticmethod
    def of(piece: Pieces) -> Layout:
        return Layout({
            f"{group}/{name}": (tuple(values.shape[1:]), values.dtype.name)
            for group, parts in piece.items()
            for name, values in parts.items()
        })  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        return {name: [list(extent), kind] for name, (extent, kind) in self.variables.items()}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Layout:
        return Layout({name: (tuple(part[0]), str(part[1])) for name, part in content.items()})


@dataclass(frozen=True, eq=False)
class Kept:
    """The first draws of an array (chain, draw, ...), read when they are asked for."""

    array: Any
    kept: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.array.shape[0], self.kept, *self.array.shape[2:])

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        """Slices; chunk by chunk, of which only one is in memory at a time."""
        start, stop, step = key[1].indices(self.kept)
        chunk, at, parts = self.array.chunks[1], start, []
        while at < stop:
            end = min(stop, (at // chunk + 1) * chunk)
            parts.append(self.array[(key[0], slice(at, end), *key[2:])][:, ::step].copy())
            at += step * -(-(end - at) // step)
        return np.concatenate(parts, axis=1)


class DrawArrays:
    """The arrays of draws of a store."""

    def __init__(self, store: Path, layout: Layout, chains: int, chunk: int, mode: str) -> None:
        self._store, self.layout, self._chains, self.chunk = store, layout, chains, chunk
        self._arrays = {name: self._opened(name, mode) for name in layout.variables}

    @staticmethod
    def create(store: Path, layout: Layout, chains: int, chunk: int, draws: int) -> DrawArrays:
        """New ones, with nothing in them."""
        for name, (extent, kind) in layout.variables.items():
            group, variable = name.split("/")
            axes = ("chain", "draw", *dimensions(group, variable, len(extent)))
            axes = axes[: 2 + len(extent)]
            create_array(store, name, (chains, draws, *extent), (chains, chunk, *extent), kind,
                         axes)  # fmt: skip
        return DrawArrays(store, layout, chains, chunk, "r+")

    def _opened(self, name: str, mode: str) -> Any:
        array = open_array(self._store, name, mode)
        extent, kind = self.layout.variables[name]
        expected = ((self._chains, *extent), (self._chains, self.chunk, *extent), kind)
        if ((array.shape[0], *array.shape[2:]), tuple(array.chunks), array.dtype.name) != expected:
            raise damaged(self._store / name / "zarr.json", "it is not what was written")
        return array

    def group(self, group: str, kept: int) -> dict[str, Kept]:
        """The first ``kept`` draws of the arrays of a group, by name."""
        paths = [name for name in self._arrays if name.startswith(f"{group}/")]
        return {name.split("/")[1]: Kept(self._arrays[name], kept) for name in paths}

    def require(self, kept: int) -> None:
        """Every chunk of the first ``kept`` draws is there and of the right size."""
        for name, array in self._arrays.items():
            if array.shape[1] < kept:
                raise damaged(self._store / name / "zarr.json", "it has too few draws")
            require_chunks(self._store / name, array, 1, kept)

    def verify(self, kept: int) -> None:
        """Every chunk of the first ``kept`` draws is what was written."""
        for name, array in self._arrays.items():
            for first in range(0, kept, self.chunk):
                file = self._file(name, first // self.chunk)
                with reading(file):
                    array[:, first : min(first + self.chunk, kept)]

    def _file(self, name: str, k: int) -> Path:
        extent = self.layout.variables[name][0]
        return chunk_file(self._store / name, (0, k, *(0 for _ in extent)))

    def resize(self, draws: int) -> None:
        """Room for so many draws, if there is less."""
        for array in self._arrays.values():
            if array.shape[1] < draws:
                array.resize((array.shape[0], draws, *array.shape[2:]))

    def read(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Draws ``first``, ... of every array, to be written to."""
        return {name: np.array(array[:, first : first + count])
                for name, array in self._arrays.items()}  # fmt: skip

    def empty_rows(self) -> dict[str, np.ndarray]:
        """Of every array the rows of a chunk, NaN or 0."""
        return {
            name: np.full((self._chains, self.chunk, *extent), array.fill_value, array.dtype)
            for (name, array), (extent, _) in zip(
                self._arrays.items(), self.layout.variables.values(), strict=True
            )
        }

    def write(self, k: int, rows: Mapping[str, np.ndarray]) -> None:
        """Chunk k of every array, durably."""
        first = k * self.chunk
        for name, array in self._arrays.items():
            count = min(self.chunk, array.shape[1] - first)
            array[:, first : first + count] = rows[name][:, :count]
        sync_files(*(self._file(name, k) for name in self._arrays))


@contextmanager
def naming_the_store(store: Path) -> Iterator[None]:
    """What the operating system refuses is said with the path and what can still be done."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError) or error.filename == str(store):
            raise
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0,
            f"{reason}: the run cannot be written. The draws so far are safe; make room and "
            f"continue with bayesreg.resume, or read them with bayesreg.open_run",
            str(store),
        ) from error


@contextmanager
def naming_the_path(store: Path) -> Iterator[None]:
    """What the operating system says to a path where nothing is yet, with what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0, f"{reason}: no run can be stored there; pass another path", str(store)
        ) from error
