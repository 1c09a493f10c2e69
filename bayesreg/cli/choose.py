"""bayesreg choose: prior scales by several methods, side by side, for a model on a CSV file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bayesreg.cli.fit import add_model, read_data, read_model
from bayesreg.cli.output import add_json, write_json, write_table, write_text
from bayesreg.errors import ModelError


def add_choose(commands: Any) -> None:
    choose = commands.add_parser("choose", help="the prior scale by several methods, side by side")
    choose.add_argument("file", type=Path, help="CSV with a header line")
    add_model(choose, required=True)
    choose.add_argument(
        "--methods", default="evidence,cv,loo,hyperprior",
        help="comma-separated: evidence, cv, loo, hyperprior, cv-posterior",
    )  # fmt: skip
    choose.add_argument(
        "--scales", type=_numbers,
        help="comma-separated scales for cv and loo (default: a grid from the data)",
    )  # fmt: skip
    choose.add_argument("--folds", type=int, default=5, help="of cross-validation (default 5)")
    choose.add_argument(
        "--hold", choices=("prior", "alpha"), default="prior",
        help="what every fold keeps: the prior (default), or lambda / N as LassoCV does",
    )  # fmt: skip
    choose.add_argument("--hyperprior", help='of the scale, such as "HalfCauchy(scale=1)"')
    choose.add_argument("--draws", type=int, default=1000, help="per chain (default 1000)")
    choose.add_argument("--seed", type=int, default=1, help="of the draws (default 1)")
    add_json(choose)
    choose.set_defaults(run=_choose)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers and commas; got {text!r}") from None


def _choose(options: argparse.Namespace) -> int:
    from bayesreg.scales import choose_scale
    from bayesreg.spec import from_text

    model, data = read_model(options), read_data(options)
    hyperprior = None
    if options.hyperprior is not None:
        hyperprior = from_text(options.hyperprior)
    if options.draws < 4:
        raise ModelError(f"--draws must be at least 4; got {options.draws}")
    found = choose_scale(
        model, data, [name.strip() for name in options.methods.split(",")],
        scales=options.scales, folds=options.folds, hold=options.hold, hyperprior=hyperprior,
        draws=options.draws, seed=options.seed, progress=not options.json,
    )  # fmt: skip
    # One method that found a scale is an answer.
    status = 0 if any(choice.found for choice in found.values()) else 1
    if options.json:
        return write_json({"model": repr(model), **found.to_dict()}) or status
    write_table(found.to_table())
    for note in found.notes:
        write_text(note)
    write_text(f"\n{found.agreement}")
    return status
