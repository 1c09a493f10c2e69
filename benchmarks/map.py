"""Time to a mode of stated accuracy: us and every installed peer, on one core, in one run.

    python -m benchmarks.environments                  # once: builds what the peers need
    python -m benchmarks.map [problem ...] [--accuracy 1e-6 1e-10] [--repeats 7] [--json FILE]
    python -m benchmarks.map --list

Each library runs in a process of its own, pinned to one core, with one BLAS thread.  A solver's
tolerance is tightened until the relative duality gap, recomputed from its coefficients by
benchmarks/gap.py, passes at every point.  Then all solvers are timed in turn, so that a busy
machine slows them alike.  Printed: median CPU seconds from arrays to coefficients, spread, what the
first call costs beyond that (compilation), and the ratio of the best peer's median to ours.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.peers import ENVIRONMENTS
from benchmarks.problems import CASES, Case, Problem
from benchmarks.search import Entry, tighten, warm_up
from benchmarks.workers import TimeoutExceededError, fleet, last_core

#: A repeat of a fast solve is as many calls as fill this many CPU seconds.
_FILL = 0.05
_MOST_CALLS = 500


def entries(workers: dict[str, Any], file: str) -> list[Entry]:
    """Every solver of every worker that applies to the problem in ``file``."""
    found = []
    for peer, worker in workers.items():
        reply = worker.load(file)
        for solver in reply.get("solvers", ()):
            tolerances = tuple(solver["tolerances"])
            found.append(Entry(peer, solver["name"], solver["role"], tolerances, worker))
    return found


def search(entry: Entry, accuracies: Sequence[float], limit: float) -> None:
    """Warm up, then find the tolerance for every accuracy, from the easiest on."""
    warm_up(entry, limit)
    if entry.role != "limit":
        for accuracy in sorted(accuracies, reverse=True):
            if not entry.note:
                tighten(entry, accuracy, limit)
    reached = ", ".join(f"{a:.0e} at {t:.0e}" for a, t in entry.passing.items()) or "never"
    print(f"  {entry.name}: {reached} {entry.note}", file=sys.stderr, flush=True)


def measure(found: list[Entry], case: Case, repeats: int, budget: float, limit: float) -> None:
    """Fill ``entry.times``: every solver once, then every solver again, ...

    A solver stops taking part when ``budget`` seconds have gone into one of its tolerances.
    """
    plan = [(entry, t) for entry in found for t in _tolerances_to_time(entry, case)]
    for _ in range(repeats):
        for entry, tolerance in plan:
            taken = entry.times.setdefault(tolerance, [])
            expected = entry.tried[tolerance]["cpu"]
            calls = min(_MOST_CALLS, math.ceil(_FILL / max(expected, 1e-6)))
            if taken and (sum(taken) + expected) * calls > budget:
                continue
            try:
                reply = entry.solve(tolerance, 3 * limit + calls * expected, calls, check=False)
            except TimeoutExceededError:
                continue
            if "error" not in reply:
                taken.append(reply["cpu"])


def _tolerances_to_time(entry: Entry, case: Case) -> list[float]:
    wanted = set(entry.passing.values())
    if not wanted and (case.counts_inexact or entry.role == "limit"):
        wanted = {entry.tolerances[0]}
    return sorted(wanted & set(entry.tried), reverse=True)


def run_case(
    case: Case, problem: Problem, workers: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Everything about one problem, ready for JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "problem.npz"
        problem.save(file)
        found = entries(workers, str(file))
        if options.only:
            found = [e for e in found if any(part in e.name for part in options.only)]
        for entry in found:
            search(entry, options.accuracy, options.limit)
        measure(found, case, options.repeats, options.budget, options.limit)
    return report.case_result(case, problem, found, options.accuracy)


def parser() -> argparse.ArgumentParser:
    made = report.parser("map", __doc__)
    made.add_argument("problems", nargs="*", metavar="problem", help="names, or the start of names")
    made.add_argument("--list", action="store_true", help="name the problems and the aims")
    made.add_argument("--accuracy", nargs="+", type=float, default=[1e-6, 1e-10])
    made.add_argument("--repeats", type=int, default=7)
    made.add_argument(
        "--limit", type=float, default=60.0, help="CPU seconds that one solve may take"
    )
    made.add_argument(
        "--budget", type=float, default=30.0, help="CPU seconds of repeats per solver"
    )
    made.add_argument("--peers", nargs="+", choices=list(ENVIRONMENTS), default=list(ENVIRONMENTS))
    made.add_argument("--only", nargs="+", help="solvers whose names contain one of these")
    made.add_argument("--environments", type=Path, help="where they were built")
    made.add_argument("--core", type=int, default=last_core(), help="the core to pin to")
    made.add_argument("--json", type=Path, help="merge the results into this file")
    made.add_argument("--readme", action="store_true", help="rewrite the table in the README")
    return made


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases meant by names or beginnings of names; all of them for none."""
    unknown = [name for name in names if not any(case.startswith(name) for case in CASES)]
    if unknown:
        raise SystemExit(f"no problem called {', '.join(unknown)}; --list names them")
    wanted = [case for case in CASES if not names or any(case.startswith(n) for n in names)]
    return [CASES[name] for name in wanted]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    cases = chosen(options.problems)
    if options.list:
        for case in cases:
            print(f"{case.name:20} {case.title} ({report.aim_text(case.aim)})")
        return
    results = report.read(options.json)
    for case in cases:
        print(f"{case.name}: making data", file=sys.stderr, flush=True)
        problem = case.make()
        with fleet(options.peers, options.environments, options.core) as opened:
            result = run_case(case, problem, opened.workers, options)
            results["absent"] = opened.absent
            result["versions"] = opened.versions
        results["cases"][case.name] = result
        print(report.case_text(case.name, result), flush=True)
        report.write(options.json, results)
    print(report.summary(results))
    if options.readme:
        report.rewrite_readme("map", report.summary(results))


if __name__ == "__main__":
    main()
