"""CPU time of find_map and find_map_path against n and p, with log-log slopes.

    python -m benchmarks.scaling [--repeats 5] [--readme]

Three sizes in n at fixed p and three in p at fixed n, in a worker pinned to one core with one BLAS
thread; a slope of 1 is time in proportion to the size.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.problems import (
    Problem,
    bernoulli_target,
    correlated_design,
    gaussian_target,
    l1_problem,
    ridge_path,
)
from benchmarks.workers import Worker, fleet, last_core

#: (n, p) along each axis.
ROWS = ((5_000, 100), (20_000, 100), (80_000, 100))
COLUMNS = ((500, 1_000), (500, 4_000), (500, 16_000))
SQUARE = ((5_000, 50), (5_000, 200), (5_000, 800))
_SEED = 5


def _gaussian(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    X = correlated_design(n, p, 0.5, _SEED)
    return X, gaussian_target(X, 20, _SEED)


def _lasso(n: int, p: int) -> Problem:
    return l1_problem(*_gaussian(n, p), 20)


def _lasso_path(n: int, p: int) -> Problem:
    return l1_problem(*_gaussian(n, p), 20, 20)


def _ridge(n: int, p: int) -> Problem:
    return ridge_path(*_gaussian(n, p))


def _logistic(n: int, p: int) -> Problem:
    X = correlated_design(n, p, 0.5, _SEED)
    return l1_problem(X, bernoulli_target(X, 20, _SEED), 10, likelihood="bernoulli")


TASKS: dict[str, Callable[[int, int], Problem]] = {
    "lasso, lam_max/20": _lasso,
    "lasso path of 20": _lasso_path,
    "ridge path of 100": _ridge,
    "L1 logistic, lam_max/10": _logistic,
}
AXES = {"n": ROWS, "p < n": SQUARE, "p > n": COLUMNS}


def seconds(worker: Worker, problem: Problem, repeats: int) -> float:
    """Median CPU seconds after a warm-up, NaN where a call failed."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "problem.npz"
        problem.save(file)
        worker.load(str(file))
        request = {"do": "solve", "solver": "bayesreg", "tolerance": 1e-8, "check": False}
        replies = [worker.ask(request, 600.0) for _ in range(repeats + 1)][1:]
    return statistics.median(reply.get("cpu", np.nan) for reply in replies)


def slope(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent c of time ~ size^c by least squares in the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def table(worker: Worker, repeats: int) -> str:
    """A markdown row per task and axis."""
    lines = ["| task | axis | (n, p): CPU time | slope |", "|---|---|---|---|"]
    for task, make in TASKS.items():
        for axis, sizes in AXES.items():
            times = [seconds(worker, make(n, p), repeats) for n, p in sizes]
            along = [n if axis == "n" else p for n, p in sizes]
            cells = ", ".join(
                f"({n}, {p}): {report.duration(t)}" for (n, p), t in zip(sizes, times, strict=True)
            )
            lines.append(f"| {task} | {axis} | {cells} | {slope(along, times):.2f} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = report.parser("scaling", __doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    with fleet(("ours",), options.environments, last_core()) as opened:
        if "ours" in opened.absent:
            raise SystemExit(opened.absent["ours"])
        text = table(opened.workers["ours"], options.repeats)
        text += f"\n\n{report.stamp()}"
    print(text.splitlines()[-1])
    if options.readme:
        report.rewrite_readme("scaling", text)


if __name__ == "__main__":
    main()
