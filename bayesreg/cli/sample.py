"""bayesreg sample: draws from the posterior of a model on a CSV file, in memory or on disk."""

from __future__ import annotations

import argparse
import itertools
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._tables import Table, number
from bayesreg.cli.fit import add_model, read_data, read_model
from bayesreg.cli.output import add_json, write_json, write_table, write_text
from bayesreg.errors import BayesregWarning, ModelError

if TYPE_CHECKING:
    import xarray as xr

_FIGURES = ("rhat", "ess_bulk", "ess_tail", "mcse_mean")


def add_sample(commands: Any) -> None:
    sample = commands.add_parser("sample", help="draws from the posterior, with diagnostics")
    sample.add_argument("file", type=Path, nargs="?", help="CSV with a header line")
    add_model(sample, required=False)
    sample.add_argument("--draws", type=int, help="kept per chain (default 1000)")
    sample.add_argument("--chains", type=int, help="independent chains (default 4)")
    sample.add_argument("--tune", type=int, help="iterations before the first draw that is kept")
    sample.add_argument("--seed", type=int, help="the same seed gives the same draws")
    sample.add_argument("--sampler", help='its name (default "auto": the best that applies)')
    sample.add_argument("--cores", type=int, help="chains that run at a time (default: all cores)")
    sample.add_argument("--store", type=Path, metavar="DIR",
                        help="write draws as they come into DIR, a new Zarr store")  # fmt: skip
    sample.add_argument("--resume", type=Path, metavar="DIR",
                        help="go on with the run stored in DIR; --draws extends it")  # fmt: skip
    sample.add_argument("--output", type=Path, metavar="FILE", help="write the result as netCDF")
    add_json(sample)
    sample.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    """0, or 130 where the user interrupted and the result has fewer draws than asked for."""
    if options.output is not None and options.output.exists():
        raise ModelError(f"{options.output} exists already and is not overwritten")
    draw = _resumed if options.resume is not None else _new
    post = _with_warnings_as_lines(draw(options))
    if options.output is not None:
        post.to_netcdf(options.output)
    if options.json:
        write_json({"attributes": dict(post.attrs), "parameters": _figures(post)})
    else:
        write_table(_table(post))
        write_text(f"{post.attrs['sampler']}: {post.attrs['sampler_reason']}")
        write_text(f"seed {post.attrs['seed']}, {post.attrs['divergences']} divergences")
    return 130 if post.attrs["partial"] else 0


def _new(options: argparse.Namespace) -> Callable[[], xr.DataTree]:
    from bayesreg.posterior import sample

    missing = [name for name in ("file", "target", "prior") if getattr(options, name) is None]
    if missing:
        raise ModelError(
            f"{' and '.join('FILE' if m == 'file' else f'--{m}' for m in missing)} missing: say "
            "what to sample, or --resume DIR to go on with a stored run"
        )
    names = ("draws", "chains", "tune", "seed", "sampler", "cores", "store")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    model, data = read_model(options), read_data(options)
    return lambda: sample(model, data, progress=not options.json, **given)


def _resumed(options: argparse.Namespace) -> Callable[[], xr.DataTree]:
    from bayesreg.posterior import resume

    names = ("file", "target", "prior", "sigma", "likelihood", "columns", "weights", "offset",
             "trials", "chains", "tune", "seed", "sampler", "store")  # fmt: skip
    beside = [name for name in names if getattr(options, name) is not None]
    if beside or options.standardize:
        named = ", ".join("FILE" if name == "file" else f"--{name}" for name in beside)
        raise ModelError(
            f"--resume was given beside {named or '--standardize'}: the stored run has its model, "
            "data and seed. Leave them out"
        )
    return lambda: resume(options.resume, options.draws, not options.json, options.cores)


def _with_warnings_as_lines(draw: Callable[[], xr.DataTree]) -> xr.DataTree:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BayesregWarning)
        post = draw()
    for warning in caught:
        if issubclass(warning.category, BayesregWarning) and sys.stderr is not None:
            sys.stderr.write(f"bayesreg sample: warning: {warning.message}\n")
    return post


def _figures(post: xr.DataTree) -> dict[str, dict[str, float]]:
    """Mean, sd, 5% and 95% quantiles and diagnostics of each parameter."""
    diagnostics, drawn = post["diagnostics"].to_dataset(), post["posterior"].to_dataset()
    every = slice(None, None, int(diagnostics.attrs["every"]))
    rows = {}
    for name in drawn.data_vars:
        values = drawn[name].isel(draw=every).values
        columns = values.reshape(*values.shape[:2], -1)
        places = [drawn[dimension].values for dimension in drawn[name].dims[2:]]
        labels = [_label(str(name), place) for place in itertools.product(*places)]
        known = np.full((len(_FIGURES), len(labels)), np.nan)
        if name in diagnostics:
            known = diagnostics[name].values.reshape(len(_FIGURES), -1)
        for j, label in enumerate(labels):
            column = columns[..., j]
            low, high = np.quantile(column, [0.05, 0.95])
            rows[label] = {
                "mean": float(np.mean(column)), "sd": float(np.std(column, ddof=1)),
                "5%": float(low), "95%": float(high),
                **dict(zip(_FIGURES, known[:, j].tolist(), strict=True)),
            }  # fmt: skip
    return rows


def _label(name: str, place: tuple[object, ...]) -> str:
    """``coef[x1]``, of several classes ``coef[0, x1]``."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _table(post: xr.DataTree) -> Table:
    header = ("parameter", "mean", "sd", "5%", "95%", "R-hat", "ESS bulk", "ESS tail")
    rows = tuple(
        (label, *(number(row[key]) for key in ("mean", "sd", "5%", "95%")),
         *(_shown(row[key], digits) for key, digits in (("rhat", 3), ("ess_bulk", 0),
                                                        ("ess_tail", 0))))
        for label, row in _figures(post).items()
    )  # fmt: skip
    title = "interrupted: a partial result" if post.attrs["partial"] else ""
    return Table(header, rows, title)


def _shown(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
