"""Which conversions are proved against the library itself, and which are formulas only.

    python -m tests.interop.matrix            # print
    python -m tests.interop.matrix --keep     # and keep it, dated, under tests/reference

The interop tests write what they prove (see conftest.py); here it is set beside everything that
``bayesreg.targets()`` claims.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import bayesreg as br

from .environments import ROOT, directory

RESULTS = "results.json"
KEPT = ROOT / "tests" / "reference" / "interop.json"
PRINTED = KEPT.with_suffix(".md")

#: Targets whose objective is compared with our density (tests/test_conventions.py, or here for the
#: libraries that state a density), and those
#: whose library is in the main environment, so that the ordinary suite fits them.
IDENTITIES, ORDINARY = ("textbook.", "bambi.", "numpyro."), ("sklearn.", "pymc.")

PROVED, FAILED, IDENTITY, FORMULA = "proved", "FAILED", "identity only", "formula only"
VARIANTS = ("plain", "weights", "standardise", "no intercept")

Row = dict[str, Any]


def keep(rows: Iterable[Row]) -> None:
    """Put what a run has shown in the place of what an earlier one has shown of these targets."""
    path = directory() / RESULTS
    earlier = json.loads(path.read_text()) if path.exists() else []
    rows, today = list(rows), datetime.now(UTC).date().isoformat()
    seen = {row["target"] for row in rows}
    rest = [row for row in earlier if row["target"] not in seen]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rest + [{**row, "date": today} for row in rows], indent=0))


def summary(results: Iterable[Row]) -> list[Row]:
    """One row for each target, likelihood and penalty that is claimed."""
    by_cell: dict[tuple[str, ...], list[Row]] = {}
    for row in results:
        if "wrong" in row:
            continue
        cell = (row["target"], row["likelihood"], row["penalty"])
        by_cell.setdefault(cell, []).append(row)
    claims = [
        (target.name, likelihood, penalty)
        for target in br.targets()
        for likelihood in target.likelihoods
        for penalty in target.penalties
    ]
    return [_cell(claim, by_cell.get(claim, [])) for claim in claims]


def _cell(claim: tuple[str, str, str], rows: list[Row]) -> Row:
    target, likelihood, penalty = claim
    cell: Row = {"target": target, "likelihood": likelihood, "penalty": penalty}
    if not rows:
        status = IDENTITY if target.startswith(IDENTITIES) else FORMULA
        status = "ordinary suite" if target.startswith(ORDINARY) else status
        return {**cell, "status": status}
    proved = [row for row in rows if row["proved"]]
    return {
        **cell,
        "status": PROVED if len(proved) == len(rows) else FAILED,
        "cases": len(rows),
        "variants": {name: any(_is(row, name) for row in proved) for name in VARIANTS},
        "worst gap": max(row["gap"] for row in rows),
        "versions": rows[0]["versions"],
        "date": min(row["date"] for row in rows),
    }


def _is(row: Row, variant: str) -> bool:
    """Whether a case shows the variant, alone or with others."""
    if variant == "plain":
        return not row["weights"] and not row["standardise"] and bool(row["intercept"])
    return not row["intercept"] if variant == "no intercept" else bool(row[variant])


def text(cells: Iterable[Row]) -> str:
    """The matrix as a Markdown table."""
    header = ["target", "likelihood", "penalty", "status", *VARIANTS, "cases", "worst gap",
              "versions", "date"]  # fmt: skip
    lines = [_line(header), _line(["---"] * len(header)), *(_line(_entries(c)) for c in cells)]
    return "\n".join(lines) + "\n"


def wrong(results: Iterable[Row]) -> str:
    """Where a library returns a point that is not the optimum of its own objective."""
    rows = [row for row in results if "wrong" in row]
    header = ["target", "likelihood", "penalty", "settings", "its objective (nats)",
              "the optimum (nats)", "relative gap", "versions", "date"]  # fmt: skip
    lines = [_line(header), _line(["---"] * len(header))]
    for row in rows:
        versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
        values = [f"{row['wrong'][name]:.6f}" for name in ("theirs", "ours")]
        lines.append(_line([row["target"], row["likelihood"], row["penalty"],
                            ", ".join(row["settings"]), *values, f"{row['gap']:.1e}", versions,
                            row["date"]]))  # fmt: skip
    return "\n".join(["", "Wrong optima:", "", *lines]) + "\n" if rows else ""


def _entries(cell: Row) -> list[str]:
    start = [cell["target"], cell["likelihood"], cell["penalty"], cell["status"]]
    if "cases" not in cell:
        return [*start, *[""] * (len(VARIANTS) + 4)]
    marks = ["yes" if cell["variants"][name] else "-" for name in VARIANTS]
    versions = ", ".join(f"{name} {version}" for name, version in cell["versions"].items())
    return [*start, *marks, str(cell["cases"]), f"{cell['worst gap']:.1e}", versions, cell["date"]]


def _line(entries: Iterable[str]) -> str:
    return "| " + " | ".join(entries) + " |"


_PREAMBLE = """# What is proved against the libraries themselves

Written by `python -m tests.interop.matrix --keep` on {date}. *proved*: the library was fitted, and
its optimum satisfies our certificate at the converted prior and at the prior that comes back (worst
relative duality gap over the cases). *identity only*: its objective was compared with our density.
*formula only*: neither. *ordinary suite*: fitted in the main environment, tests/test_conventions*.
Columns `weights`, `standardise`, `no intercept`: some proved case has it.

"""


def main(arguments: list[str]) -> None:
    path = directory() / RESULTS
    if not path.exists():
        path = KEPT
    results = json.loads(path.read_text()) if path.exists() else []
    table = text(summary(results)) + wrong(results)
    sys.stdout.write(table)
    if "--keep" in arguments:
        KEPT.write_text(json.dumps(results, indent=1) + "\n")
        today = datetime.now(UTC).date().isoformat()
        PRINTED.write_text(_PREAMBLE.format(date=today) + table)


if __name__ == "__main__":
    main(sys.argv[1:])
