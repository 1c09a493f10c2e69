"""Results as JSON, as text, and as the table of benchmarks/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.problems import CASES, Case, Problem
from benchmarks.search import Entry

README = Path(__file__).resolve().parent / "README.md"


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring as it stands."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.{module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def case_result(
    case: Case, problem: Problem, found: list[Entry], accuracies: Sequence[float]
) -> dict[str, Any]:
    """Plain numbers and strings: rows by accuracy."""
    return {
        "title": case.title,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "shape": [problem.n, problem.p, problem.k],
        "rows": {f"{a:.0e}": [_row(entry, case, a) for entry in found] for a in accuracies},
    }


def _row(entry: Entry, case: Case, accuracy: float) -> dict[str, Any]:
    tolerance = entry.passing.get(accuracy)
    passed = tolerance is not None
    if tolerance is None:
        shown = entry.role == "limit" or (case.counts_inexact and not entry.passing)
        tolerance = entry.tolerances[0] if shown else entry.best()
    reply = entry.tried.get(tolerance, {}) if tolerance is not None else {}
    times = entry.times.get(tolerance, []) if tolerance is not None else []
    times = times or ([reply["cpu"]] if reply else [])
    return {
        "solver": entry.name, "peer": entry.peer, "role": entry.role, "passed": passed,
        "tolerance": tolerance, "gap": reply.get("gap"), "zeros": reply.get("zeros"),
        "repeats": len(times), "first_call": entry.first_call, "note": entry.note,
        "median": statistics.median(times) if times else None,
        "least": min(times, default=None), "most": max(times, default=None),
    }  # fmt: skip


def verdict(case: Case, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Our median, the best peer's, and their ratio; None where there is none."""
    us = [r for r in rows if r["role"] == "ours"]
    ours = next((r for r in us if r["passed"]), None)
    peers = [
        r for r in rows
        if r["role"] == "peer" and r["median"] and (r["passed"] or case.counts_inexact)
    ]  # fmt: skip
    if case.counts_inexact:
        peers = [r for r in peers if r["peer"] == "pymc_"]
    best = min(peers, key=lambda r: r["median"], default=None)
    ratio = best["median"] / ours["median"] if ours and best else None
    why = {"ours": "not reached" if us else "not run", "best": "not reached"}
    return {"ours": ours, "best": best, "ratio": ratio, "why": why}


def aim_text(aim: float) -> str:
    if aim < 1:
        return f"aim: within {1 / aim:.3g} of the best peer's time"
    return "aim: no slower than the best peer" if aim == 1 else f"aim: {aim:g} times faster"


def case_text(name: str, result: dict[str, Any]) -> str:
    """The full table of one problem."""
    case = CASES[name] if name in CASES else Case(name, result["title"], lambda: None, 1.0)
    lines = [f"\n{name}: {result['title']}"]
    for accuracy, rows in result["rows"].items():
        lines += [f"  recomputed relative gap <= {accuracy}", _HEADER]
        order = sorted(rows, key=lambda r: (not r["passed"], r["median"] or float("inf")))
        best = verdict(case, rows)
        ours = best["ours"]["median"] if best["ours"] else None
        lines += [_line(row, ours) for row in order]
        lines.append(f"    {_conclusion(case, best)}")
    return "\n".join(lines)


_HEADER = (
    f"    {'solver':48} {'tol':>6} {'median':>10} {'least .. most':>23} {'n':>3} "
    f"{'first call':>10} {'gap':>8} {'zeros':>8} {'/ ours':>8}"
)


def _line(row: dict[str, Any], ours: float | None) -> str:
    if row["median"] is None:
        return f"    {row['solver']:48} {row['note'] or 'not measured'}"
    gap = "" if row["gap"] is None else f"{row['gap']:.1e}"
    never = "" if row["passed"] or row["role"] == "limit" else f"  never ({row['note'] or 'gap'})"
    times = f"{duration(row['least'])} .. {duration(row['most'])}"
    first = "" if row["first_call"] is None else f"+{duration(row['first_call'])}"
    ratio = "" if not ours else f"{row['median'] / ours:.3g}"
    return (
        f"    {row['solver']:48} {row['tolerance']:6.0e} {duration(row['median']):>10} {times:>23} "
        f"{row['repeats']:>3} {first:>10} {gap:>8} {row['zeros'] if gap else '':>8} {ratio:>8}"
        f"{never}"
    )


def _conclusion(case: Case, best: dict[str, Any]) -> str:
    if best["ratio"] is None:
        sides = {"ours": "bayesreg", "best": "peers"}
        missing = [f"{who} {best['why'][s]}" for s, who in sides.items() if best[s] is None]
        return f"no ratio ({', '.join(missing)}); {aim_text(case.aim)}"
    met = "met" if best["ratio"] >= case.aim else "MISSED"
    return (
        f"best peer {best['best']['solver']}: {best['ratio']:.3g} times our time; "
        f"{aim_text(case.aim)}: {met}"
    )


def summary(results: dict[str, Any]) -> str:
    """One markdown row per problem and accuracy."""
    lines = [
        "| problem | gap | bayesreg | best peer | ratio | aim | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        result = results["cases"].get(name)
        for accuracy, rows in result["rows"].items() if result else ():
            lines.append(_summary_row(case, accuracy, verdict(case, rows)))
    lines += ["", _provenance(results)]
    return "\n".join(lines)


def _summary_row(case: Case, accuracy: str, best: dict[str, Any]) -> str:
    cells = [f"`{case.name}`: {case.title}", accuracy]
    for side in ("ours", "best"):
        row = best[side]
        who = "" if side == "ours" or row is None else f"{row['solver']} "
        cells.append(best["why"][side] if row is None else f"{who}{_with_spread(row)}")
    ratio = best["ratio"]
    cells.append("" if ratio is None else f"{ratio:.3g}")
    cells.append(aim_text(case.aim).removeprefix("aim: "))
    cells.append("" if ratio is None else "met" if ratio >= case.aim else "missed")
    return f"| {' | '.join(cells)} |"


def _with_spread(row: dict[str, Any]) -> str:
    text = f"{duration(row['median'])} ({duration(row['least'])} .. {duration(row['most'])})"
    return text if row["passed"] else f"{text}, gap {row['gap']:.0e}"


def _provenance(results: dict[str, Any]) -> str:
    """When, on what, with which versions."""
    cases = results["cases"].values()
    dates = sorted({case["date"] for case in cases})
    machines = sorted({case["machine"] for case in cases})
    versions: dict[str, str] = {}
    for case in cases:
        versions |= {_library(peer): version for peer, version in case["versions"].items()}
    text = (
        f"CPU seconds, median (least .. most), {' and '.join(dates)}, {'; '.join(machines)}, one "
        f"core, one thread. {', '.join(f'{k} {v}' for k, v in sorted(versions.items()))}."
    )
    absent = results.get("absent", {})
    if absent:
        missing = (f"{_library(peer)} ({reason})" for peer, reason in absent.items())
        text += f" Not installed: {', '.join(missing)}."
    return text


def _library(peer: str) -> str:
    names = {"ours": "bayesreg", "limits": "scipy", "eigendecomposition": "numpy"}
    return names.get(peer, peer.rstrip("_").replace("_", "-"))


def duration(seconds: float) -> str:
    """Three digits in a unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def machine() -> str:
    """Kind of processor, cores, system; no names."""
    model = platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = [x for x in information.read_text().splitlines() if x.startswith("model name")]
        model = found[0].split(":")[1].strip() if found else model
    return (
        f"{model} ({os.cpu_count()} cores), {platform.system()}, Python {platform.python_version()}"
    )


def read(file: Path | None) -> dict[str, Any]:
    if file is None or not file.exists():
        return {"cases": {}, "absent": {}}
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def write(file: Path | None, results: dict[str, Any]) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=1) + "\n")


def rewrite_readme(block: str, text: str) -> None:
    """Put ``text`` between the markers of ``block`` in benchmarks/README.md."""
    begin, end = f"<!-- {block}: begin -->", f"<!-- {block}: end -->"
    content = README.read_text()
    if begin not in content or end not in content:
        raise SystemExit(f"{README.name} has no block {begin} ... {end}")
    head, rest = content.split(begin, 1)
    README.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}")


def stamp() -> str:
    """Date, machine and versions under a table."""
    import bayesreg

    versions = {name: metadata.version(name) for name in ("numpy", "scipy", "numba")}
    found = {"bayesreg": bayesreg.__version__} | versions
    listed = ", ".join(f"{name} {version}" for name, version in found.items())
    return f"{time.strftime('%Y-%m-%d')}, {machine()}, one thread. {listed}."
