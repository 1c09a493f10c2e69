"""bayesreg demo: the walk-through on the diabetes data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bayesreg.cli.output import add_json, write_heading, write_json, write_table, write_text


def add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="the walk-through on the diabetes data (442 x 10)")
    demo.add_argument("--pictures", type=Path, metavar="DIR", help="write two PNG files into DIR")
    demo.add_argument("--overwrite", action="store_true", help="replace pictures already in DIR")
    demo.add_argument("--seed", type=int, default=1, help="of the posterior draws (default 1)")
    add_json(demo)
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from bayesreg import demo as walk

    result = walk.run_demo(
        options.pictures, overwrite=options.overwrite, seed=options.seed, progress=not options.json
    )
    if options.json:
        return write_json(result.to_dict())
    write_heading("1. The model")
    write_text(result.words)
    write_heading("2. The posterior mode (MAP), certified")
    write_table(result.fit.to_table())
    write_text(str(result.fit.certificate))
    write_heading("3. The same optimum from scikit-learn, at converted penalties, for two priors")
    write_table(walk.twin_table(result.twins))
    write_heading("4. The mode beside the posterior")
    write_table(result.comparison.to_table())
    write_text("Exactly 0 is a property of the mode, not a certainty:\n"
          + walk.certain_zeros(result.comparison))  # fmt: skip
    write_heading("5. How prior scale maps to lambda")
    write_table(walk.scale_table(result.scales))
    write_heading("6. Pictures")
    written = "\n".join(f"written: {path}" for path in result.pictures)
    write_text(written or "none drawn; --pictures DIR writes two PNG files into DIR")
    return 0
