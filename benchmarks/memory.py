"""Peak memory of find_map and find_map_path for dense Fortran-ordered float64 input.

    python -m benchmarks.memory [--readme]

Each figure is from a fresh process: everything is imported and compiled on a small problem, the
resident size is noted, X is made in place, the call is made.  The ratio is (peak during the call -
resident size before X) / bytes of X: 1 would be X alone; the aim is at most 1.3.  Linux only: the
peak is reset just before the call, so that making the data does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
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
)
from benchmarks.worker import ONE_THREAD

AIM = 1.3
_LIMIT = 180.0  # seconds
_ROOT = Path(__file__).resolve().parent.parent
_TALL, _WIDE = (200_000, 100), (2_000, 5_000)


def _lasso(X: np.ndarray) -> Problem:
    return l1_problem(X, gaussian_target(X, 20, 6), 100)


def _lasso_path(X: np.ndarray) -> Problem:
    return l1_problem(X, gaussian_target(X, 20, 6), 20, 20)


def _ridge_path(X: np.ndarray) -> Problem:
    strengths = X.shape[0] * np.geomspace(10.0, 1e-3, 20)
    return Problem("gaussian", X, gaussian_target(X, 20, 6), np.zeros(20), strengths)


def _elastic_net(X: np.ndarray) -> Problem:
    return l1_problem(X, gaussian_target(X, 20, 6), 100, l1_ratio=0.5)


def _l1_logistic(X: np.ndarray) -> Problem:
    return l1_problem(X, bernoulli_target(X, 20, 6), 10, likelihood="bernoulli")


def _poisson(X: np.ndarray) -> Problem:
    target = poisson_target(X, 20, 6)
    return Problem("poisson", X, target, np.zeros(1), np.array([X.shape[0] / 1000.0]))


TASKS: dict[str, tuple[Callable[[np.ndarray], Problem], tuple[int, int]]] = {
    "lasso, tall": (_lasso, _TALL),
    "lasso path of 20, tall": (_lasso_path, _TALL),
    "ridge path of 20, tall": (_ridge_path, _TALL),
    "elastic net, tall": (_elastic_net, _TALL),
    "L1 logistic, tall": (_l1_logistic, _TALL),
    "L2 Poisson, tall": (_poisson, _TALL),
    "lasso, wide": (_lasso, _WIDE),
    "lasso path of 20, wide": (_lasso_path, _WIDE),
    "ridge path of 20, wide": (_ridge_path, _WIDE),
    "L1 logistic, wide": (_l1_logistic, _WIDE),
}


def _status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"/proc/self/status has no {key}: this benchmark needs Linux")


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _child(task: str) -> None:
    """Measure one task in this process and print one JSON line."""
    from benchmarks.peers import ours

    make, (n, p) = TASKS[task]
    small = make(correlated_design(*(60, 30) if n > p else (30, 60), 0.5, 6))
    ours.SOLVERS[0].solve(small, 1e-8)
    before = _status("VmRSS")
    problem = make(correlated_design(n, p, 0.5, 6))
    size = problem.X.nbytes
    _reset_peak()
    ours.SOLVERS[0].solve(problem, 1e-8)
    print(json.dumps({"bytes": size, "ratio": (_status("VmHWM") - before) / size}))


def measure(task: str) -> dict[str, float]:
    """``bytes`` of X and the ``ratio``, from a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", "--child", task]
    run = subprocess.run(command, cwd=_ROOT, env=os.environ | ONE_THREAD, text=True,
                         stdout=subprocess.PIPE, check=True, timeout=_LIMIT)  # fmt: skip
    found: dict[str, float] = json.loads(run.stdout)
    return found


def table() -> str:
    """A markdown row per task."""
    lines = ["| task | X | peak / X | aim 1.3 |", "|---|---|---|---|"]
    for task, (_, (n, p)) in TASKS.items():
        try:
            found = measure(task)
        except subprocess.CalledProcessError as error:
            lines.append(f"| {task} | {n} x {p} | failed, exit status {error.returncode} | |")
        except subprocess.TimeoutExpired:
            lines.append(f"| {task} | {n} x {p} | over {_LIMIT:g} s | |")
        else:
            met = "met" if found["ratio"] <= AIM else "missed"
            size = f"{n} x {p}, {found['bytes'] / 1e6:.0f} MB"
            lines.append(f"| {task} | {size} | {found['ratio']:.2f} | {met} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = report.parser("memory", __doc__)
    parser.add_argument("--child", choices=list(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    if options.child:
        _child(options.child)
        return
    text = f"{table()}\n\n{report.stamp()}"
    print(text.splitlines()[-1])
    if options.readme:
        report.rewrite_readme("memory", text)


if __name__ == "__main__":
    main()
