"""What the first find_map costs: with a warm cache in a fresh process, and compiling from nothing.

    python -m benchmarks.first_call [--readme]

Every task runs in a fresh process of its own with one NUMBA_CACHE_DIR, empty at first.  The first
round compiles; what its first calls take beyond those with a warm cache, summed, is what a fresh
install compiles in all (aim: under 30 s).  In the second round the cache is warm (aim: a first call
under 1 s).  CPU seconds of the call, lazy imports included; ``import bayesreg`` comes before.  Wall
time stands beside, and is what a user waits where the machine is idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.problems import (
    Problem,
    bernoulli_target,
    correlated_design,
    gaussian_target,
    l1_problem,
    poisson_target,
    ridge_path,
    sparse_design,
)
from benchmarks.worker import ONE_THREAD

COMPILE_AIM, WARM_AIM = 30.0, 1.0
_ROOT = Path(__file__).resolve().parent.parent


def _dense() -> np.ndarray:
    return correlated_design(200, 20, 0.5, 7)


def _wide() -> np.ndarray:
    return correlated_design(40, 100, 0.5, 7)


def _gaussian(X: object, ratio: float = 10.0, points: int = 1, l1_ratio: float = 1.0) -> Problem:
    return l1_problem(X, gaussian_target(X, 5, 7), ratio, points, l1_ratio=l1_ratio)


def _logistic(X: object) -> Problem:
    return l1_problem(X, bernoulli_target(X, 5, 7), 10, likelihood="bernoulli")


def _poisson() -> Problem:
    X = _dense()
    return Problem("poisson", X, poisson_target(X, 5, 7), np.zeros(1), np.ones(1))


def _ridge() -> Problem:
    X = _dense()
    return ridge_path(X, gaussian_target(X, 5, 7))


TASKS: dict[str, Callable[[], Problem]] = {
    "lasso, n > p": lambda: _gaussian(_dense()),
    "lasso, p > n": lambda: _gaussian(_wide()),
    "lasso path": lambda: _gaussian(_dense(), 100, 20),
    "lasso, sparse X": lambda: _gaussian(sparse_design(200, 300, 0.05, 7)),
    "elastic net": lambda: _gaussian(_dense(), l1_ratio=0.5),
    "ridge path": _ridge,
    "L1 logistic": lambda: _logistic(_dense()),
    "L1 logistic, sparse X": lambda: _logistic(sparse_design(200, 300, 0.05, 7)),
    "L2 Poisson": _poisson,
}


def _child(task: str) -> None:
    """Time the first and the second call in this process; print one JSON line."""
    from benchmarks.peers import ours  # imports bayesreg, and nothing that it imports when used

    problem = TASKS[task]()
    wall, start = time.perf_counter(), time.process_time()
    ours.SOLVERS[0].solve(problem, 1e-8)
    wall, first = time.perf_counter() - wall, time.process_time()
    ours.SOLVERS[0].solve(problem, 1e-8)
    second = time.process_time() - first
    print(json.dumps({"first": first - start, "second": second, "wall": wall}))


def measure(task: str, cache: str) -> dict[str, float]:
    """CPU seconds of the first and second call in a fresh process, ``wall`` of the first."""
    command = [sys.executable, "-m", "benchmarks.first_call", "--child", task]
    environment = os.environ | ONE_THREAD | {"NUMBA_CACHE_DIR": cache}
    run = subprocess.run(command, cwd=_ROOT, env=environment, text=True,
                         stdout=subprocess.PIPE, check=True)  # fmt: skip
    found: dict[str, float] = json.loads(run.stdout)
    return found


def table(repeats: int) -> str:
    """A markdown row per task, and the sum of what compiles."""
    lines = [
        "| task | compiling, empty cache | first call, warm cache | wall | second call | aim 1 s |",
        "|---|---|---|---|---|---|",
    ]
    total = 0.0
    with tempfile.TemporaryDirectory() as cache:
        cold = {task: measure(task, cache) for task in TASKS}
        for task in TASKS:
            warm = [measure(task, cache) for _ in range(repeats)]
            first, second, wall = (
                statistics.median(run[key] for run in warm) for key in ("first", "second", "wall")
            )
            compiling = max(0.0, cold[task]["first"] - first)
            total += compiling
            met = "met" if first < WARM_AIM else "missed"
            lines.append(
                f"| {task} | {report.duration(compiling)} | {report.duration(first)} "
                f"| {report.duration(wall)} | {report.duration(second)} | {met} |"
            )
            print(lines[-1], flush=True)
    met = "met" if total < COMPILE_AIM else "missed"
    lines.append(f"| all of them, in turn | {report.duration(total)} (aim 30 s: {met}) | | | | |")
    print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = report.parser("first_call", __doc__)
    parser.add_argument("--child", choices=list(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes per task")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    if options.child:
        _child(options.child)
        return
    text = f"{table(options.repeats)}\n\n{report.stamp()}"
    print(text.splitlines()[-1])
    if options.readme:
        report.rewrite_readme("first-call", text)


if __name__ == "__main__":
    main()
