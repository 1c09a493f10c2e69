"""resume: go on where a stored run stands."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from bayesreg import _checks
from bayesreg._warning import warn
from bayesreg.errors import ModelError, StoreError, VersionWarning
from bayesreg.posterior import execution
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.opening import StoredRun, draw_arrays, open_run, read_run
from bayesreg.posterior.order import MOST_ITERATIONS, checked_cores, checked_count
from bayesreg.posterior.run import one_linear_algebra_thread
from bayesreg.posterior.run_store import naming_the_store
from bayesreg.posterior.storing import StoreSink, go_on, locked

if TYPE_CHECKING:
    import xarray as xr

# Rounding is theirs.
_DECIDE_BITS = ("bayesreg_version", "numpy_version", "scipy_version", "numba_version")


def resume(
    path: str | os.PathLike[str],
    draws: int | None = None,
    progress: bool = True,
    cores: int | None = None,
) -> xr.DataTree:
    """Continue a stored run, bit for bit as if it had never stopped.

    Parameters
    ----------
    path : path
        As given to ``sample(..., store=path)``. Nothing else is needed: model, data and the state
        of every chain are there.
    draws : int, optional
        Draws per chain in all. By default those that were asked for; more extend the run.
    progress, cores
        As in :func:`bayesreg.sample`.

    Returns
    -------
    xarray.DataTree
        As of :func:`bayesreg.open_run`: all draws, read from disk when they are looked at.

    Raises
    ------
    StoreError
        There is no run, another process writes to it, or a file of it is damaged.
    ModelError
        The store has more draws than asked for.
    OSError
        Nothing more can be written, naming the path; the draws so far can be read.

    Warns
    -----
    VersionWarning
        The run began with other versions of the software: bits may differ from here on.
    PartialRunWarning, ConvergenceWarning
        As in :func:`bayesreg.sample`.
    """
    _checks.flag(progress, "progress")
    cores = checked_cores(cores)
    if draws is not None:
        draws = checked_count(draws, "draws", most=MOST_ITERATIONS)
    path = read_run(path).path
    with naming_the_store(path), locked(path):
        # Read again: until here another process may have written.
        stored = read_run(path)
        wanted = stored.order.draws if draws is None else draws
        kept = stored.content["kept"]
        if wanted < kept:
            raise ModelError(
                f"{path} has {kept} draws per chain already, more than draws={wanted}. Pass "
                "draws=None to finish it or a larger number to extend it; bayesreg.open_run "
                "reads what there is"
            )
        if wanted > kept:
            with one_linear_algebra_thread():
                return _continued(stored, wanted, progress, cores)
    return open_run(path)


def _continued(stored: StoredRun, draws: int, progress: bool, cores: int) -> xr.DataTree:
    order, content = replace(stored.order, draws=draws), {**stored.content, "draws": draws}
    _warn_of_versions(content["versions"])
    arrays = None
    if content["layout"]:
        arrays = draw_arrays(stored.path, order, content, "r+")
        arrays.verify(content["kept"])
        arrays.resize(draws)
    if order.sampler not in SAMPLERS:
        raise StoreError(
            f"{stored.path} was sampled by {order.sampler!r}, which this version of bayesreg does "
            f"not have; use bayesreg {content['versions']['bayesreg_version']}"
        )
    engine = execution.prepared(SAMPLERS[order.sampler], stored.setup)
    sink = StoreSink(stored.path, content, arrays)
    return go_on(stored.path, order, stored.setup, engine, stored.chains, sink, progress, cores)


def _warn_of_versions(before: dict[str, str]) -> None:
    from bayesreg.posterior.tree import versions

    now = versions()
    changed = [
        f"{name.removesuffix('_version')} {before.get(name)} -> {now[name]}"
        for name in _DECIDE_BITS
        if before.get(name) != now[name]
    ]
    if changed:
        warn(
            f"the run began with other versions ({', '.join(changed)}): the draws from here on "
            "are as good, but their bits may not be those of an uninterrupted run",
            VersionWarning,
        )
