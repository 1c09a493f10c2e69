"""Write a run to disk while it goes on."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg.errors import BayesregError, ModelError, ModelTypeError, StoreError
from bayesreg.posterior import execution
from bayesreg.posterior.checkpoint import (
    encoded_array,
    encoded_chain,
    write_checkpoint,
)
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.opening import diagnosed_store, encoded_diagnostics, tree_of
from bayesreg.posterior.order import Mode, Order
from bayesreg.posterior.progress import COMPILING, progress_bar
from bayesreg.posterior.protocol import AnySetup, Chain, Engine
from bayesreg.posterior.run import Pieces, Plan, copy_of, run
from bayesreg.posterior.run_store import (
    DrawArrays,
    Layout,
    chunk_length,
    naming_the_path,
    naming_the_store,
)
from bayesreg.posterior.stored_data import data_arrays, dataset_arrays
from bayesreg.posterior.zarr_arrays import fingerprint, require_zarr, write_array

if TYPE_CHECKING:
    import xarray as xr

# Seconds after which draws are acknowledged although their chunk is not full.
_PATIENCE = 5.0


def require_storable(store: Any, order: Order) -> Path:
    """The path, if this run can be written there.

    Raises
    ------
    ModelError, ModelTypeError, StoreError, MissingExtraError, OSError
    """
    require_zarr()
    if not isinstance(store, str | os.PathLike):
        raise ModelTypeError(f"store must be a path such as 'run.zarr'; got {_checks.shown(store)}")
    path = Path(os.fsdecode(store))
    _require_new(path, store)
    if SAMPLERS[order.sampler].whole_run is not None:
        raise ModelError(
            f"sampler {order.sampler!r} only knows whole runs, which cannot be stored as they go. "
            "Leave store out, and save the result: post.to_netcdf(path)"
        )
    require_readable_model(order)
    return path


def _require_new(path: Path, given: Any) -> None:
    """Nothing is there, and a directory can be made there."""
    if not os.fspath(given) or "\0" in str(path):
        raise ModelError(f"store must be a path such as 'run.zarr'; got {_checks.shown(given)}")
    with naming_the_path(path):
        taken = path.is_symlink() or path.exists()
    if taken and (path / "checkpoint").is_dir():
        raise StoreError(
            f"{path} exists already and is not overwritten. Continue that run with "
            f"bayesreg.resume({str(path)!r}), read it with bayesreg.open_run, or pass another path"
        )
    if taken:
        raise StoreError(
            f"{path} exists already, is not a stored run and is not overwritten; pass another path"
        )
    if not path.parent.is_dir():
        raise OSError(
            errno.ENOENT,
            f"there is no directory {str(path.parent)!r} to hold the run; make it, or pass another "
            "path",
            str(path),
        )


def require_readable_model(order: Order) -> None:
    """The model is stored as text: it must come back the same."""
    from bayesreg.spec import from_text

    try:
        same = repr(from_text(repr(order.model), "model")) == repr(order.model)
        why = "it reads back as another one"
    except BayesregError as error:
        same, why = False, str(error)
    if not same:
        raise ModelError(f"the model cannot be stored, because its text is not a model: {why}")


class StoreSink:
    """Draws and checkpoints to disk; ``content`` is the last checkpoint."""

    def __init__(self, store: Path, content: Mapping[str, Any], arrays: DrawArrays | None) -> None:
        self._store, self.content = store, dict(content)
        self._arrays = arrays
        self._chunk: int = content["chunk"]
        self._rows: dict[str, np.ndarray] = {}
        self._standing: list[Chain] = []
        self._unwritten, self._written_at = 0, time.monotonic()

    @property
    def kept(self) -> int:
        """Draws of each chain that are acknowledged."""
        return int(self.content["kept"])

    def warmed(self, chains: Sequence[Chain]) -> None:
        self._standing = [copy_of(chain) for chain in chains]
        if time.monotonic() - self._written_at > 1.0:
            self.checkpoint()

    def accept(self, first: int, pieces: Sequence[Pieces], chains: Sequence[Chain]) -> None:
        count = len(pieces[0]["sample_stats"]["lp"])
        begin = first - first % self._chunk
        self._prepare(pieces, first, begin)
        for k, piece in enumerate(pieces):
            for group, parts in piece.items():
                for name, values in parts.items():
                    self._rows[f"{group}/{name}"][k, first - begin : first - begin + count] = values
        self._standing = [copy_of(chain) for chain in chains]
        self._unwritten = first + count
        late = time.monotonic() - self._written_at > _PATIENCE
        if late or self._unwritten % self._chunk == 0:
            self.flush()

    def _prepare(self, pieces: Sequence[Pieces], first: int, begin: int) -> None:
        """Arrays on disk, and rows in memory for the chunk that begins there."""
        if self._arrays is None:
            with naming_the_store(self._store):
                self._arrays = DrawArrays.create(
                    self._store, Layout.of(pieces[0]), len(pieces), self._chunk,
                    self.content["draws"],
                )  # fmt: skip
        if not self._rows:
            self._rows = self._arrays.empty_rows()
            for name, rows in self._arrays.read(begin, first - begin).items():
                self._rows[name][:, : first - begin] = rows

    def flush(self) -> None:
        """Acknowledge every draw that was accepted."""
        if self._arrays is not None and self._unwritten > self.kept:
            with naming_the_store(self._store):
                self._arrays.write((self._unwritten - 1) // self._chunk, self._rows)
            self.content |= {"kept": self._unwritten, "layout": self._arrays.layout.to_json()}
            if self._unwritten % self._chunk == 0:
                self._rows = self._arrays.empty_rows()
        self.checkpoint()

    def checkpoint(self, **more: Any) -> None:
        """Say where the run stands; what was written before is acknowledged with it."""
        if self._standing:
            self.content["chains_at"] = [encoded_chain(chain) for chain in self._standing]
        self.content |= {"diagnostics": None, **more}
        with naming_the_store(self._store):
            write_checkpoint(self._store, self.content)
        self._written_at = time.monotonic()


def begin(
    store: str | os.PathLike[str], order: Order, setup: AnySetup, mode: Mode, progress: bool,
    cores: int,
) -> xr.DataTree:  # fmt: skip
    """Make a store and run into it."""
    path = require_storable(store, order)
    engine = execution.prepared(SAMPLERS[order.sampler], setup)
    chains = execution.new_chains(engine, order)
    with naming_the_path(path):
        path.mkdir()
    with naming_the_store(path), locked(path):
        content = _first_content(path, order, setup, mode, engine)
        sink = StoreSink(path, content, None)
        sink.warmed(chains)
        sink.checkpoint()
        return go_on(path, order, setup, engine, chains, sink, progress, cores)


def _first_content(
    path: Path, order: Order, setup: AnySetup, mode: Mode, engine: Engine
) -> dict[str, Any]:
    """Write what does not change, and say so."""
    from bayesreg.posterior.tree import mode_dataset, versions

    posterior = setup.posterior
    length = execution.length_of(engine, posterior)
    by_row = posterior.problem.n if order.pointwise or order.predictive else 1
    arrays = {f"data/{name}": part for name, part in data_arrays(order.data).items()}
    if mode.fit is not None:
        dataset = mode_dataset(mode.fit, order.data)
        arrays |= {f"map_estimate/{name}": part for name, part in dataset_arrays(dataset).items()}
    for name, array in arrays.items():
        # Names of their own: other software takes equal names for equal extents.
        axes = tuple(f"{name.split('/')[1]}_{k}" for k in range(array.ndim))
        write_array(path, name, array, axes)
    return {
        "model": repr(order.model), "draws": order.draws, "chains": order.chains,
        "seed": str(order.seed), "sampler": order.sampler, "reason": order.reason,
        "tune": order.tune, "pointwise": order.pointwise, "predictive": order.predictive,
        "no_mode": mode.reason, "versions": versions(), "length": length,
        "chunk": chunk_length(length, engine.cost, order.chains, max(posterior.size, by_row)),
        "start": encoded_array(setup.start), "static": list(arrays),
        "fingerprint": fingerprint(arrays), "layout": {}, "complete": False, "kept": 0,
    }  # fmt: skip


def go_on(
    path: Path, order: Order, setup: AnySetup, engine: Engine, chains: Sequence[Chain],
    sink: StoreSink, progress: bool, cores: int,
) -> xr.DataTree:  # fmt: skip
    """Run to the end of the order, and return what the store holds."""
    plan = Plan(order.tune, order.draws, sink.content["length"])
    left = order.chains * (order.tune + order.draws - chains[0].iteration)
    with progress_bar(f"sampling ({order.sampler})", left, progress, COMPILING) as bar:
        describe = execution.describer(engine, order, setup.posterior)
        complete = run(engine, chains, describe, sink, bar, plan, cores)
    sink.flush()
    if not sink.kept:
        raise KeyboardInterrupt
    diagnostics = diagnosed_store(path, order, setup.posterior, sink.content)
    sink.checkpoint(complete=complete, diagnostics=encoded_diagnostics(diagnostics))
    tree = tree_of(path, order, setup.posterior, sink.content)
    remedy = f"; bayesreg.resume({str(path)!r}) draws the rest"
    execution.warn_of_shortfalls(order, sink.kept, diagnostics, complete, remedy)
    return tree


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process writes to a store."""
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreError(
            f"another process is writing to {path}; wait for it, or read what there is with "
            f"bayesreg.open_run({str(path)!r})"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)
