"""CPU time of a draw against p and n, with log-log slopes; ours only.

    python -m benchmarks.posterior.growth [--readme]

Run in a process of its own with one BLAS thread. A draw is an iteration after the warm-up; the
preparation (Gram matrix, factorisation) stands apart. A slope of 1 is time in proportion to size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.worker import ONE_THREAD

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (10, 30, 100, 300, 1000)
ROWS = (1_000, 3_000, 10_000, 30_000)
_FIXED_ROWS, _FIXED_COLUMNS, _FEW_ROWS = 2_000, 50, 100
#: Task -> (likelihood, prior).
TASKS = {
    "Normal, unknown sigma": ("gaussian", "normal"),
    "Laplace, unknown sigma and scale": ("gaussian", "laplace"),
    "logistic, Laplace": ("logistic", "laplace"),
}
AXES = {
    "p < n": [(_FIXED_ROWS, p) for p in COLUMNS],
    "p, n = 100": [(_FEW_ROWS, p) for p in COLUMNS if p > _FEW_ROWS],
    "n": [(n, _FIXED_COLUMNS) for n in ROWS],
}
# CPU seconds spent on the draws of one size.
_BUDGET = 3.0


def _model(likelihood: str, prior: str) -> Any:
    import bayesreg as br

    kind = {"normal": br.Normal, "laplace": br.Laplace}[prior]
    if likelihood == "logistic":
        return br.Model(br.Bernoulli(), kind(0.3))
    scale = 0.3 if prior == "normal" else br.HalfCauchy(1.0)
    return br.Model(br.Gaussian(br.HalfNormal(1.0)), kind(scale, relative_to_noise=True))


def _child(task: str, n: int, p: int) -> None:
    """Print the CPU seconds of the preparation and of a draw."""
    from bayesreg import Data, find_map
    from bayesreg.errors import BayesregError
    from bayesreg.posterior.choice import choose_sampler
    from bayesreg.posterior.protocol import Block, Setup
    from bayesreg.posterior.run import one_linear_algebra_thread
    from bayesreg.posterior.target import pose
    from benchmarks.posterior.problems import autoregressive, logistic

    likelihood, prior = TASKS[task]
    X, y = logistic(n, p, 1) if likelihood == "logistic" else autoregressive(n, p, 0.5, 1)
    model, data = _model(likelihood, prior), Data(X, y)
    posterior = pose(model, data)
    sampler = choose_sampler(posterior, "auto")
    if sampler.prepare is None:
        raise SystemExit(f"{sampler.name} cannot be timed draw by draw")
    start = posterior.problem.start
    if likelihood == "logistic":
        try:
            fit = find_map(model, data)
            start = posterior.problem.extended(fit.coef, fit.intercept)
        except BayesregError as error:
            raise SystemExit(str(error)) from error
    with one_linear_algebra_thread():
        tune = sampler.default_tune
        begin = time.process_time()
        engine = sampler.prepare(Setup(posterior, start, tune))
        preparation = time.process_time() - begin
        chain = engine.begin(np.random.SeedSequence(1))
        widths = posterior.problem.size, len(posterior.scalars), len(engine.statistics)

        def advance(count: int) -> float:
            block = Block.empty(count, *widths)
            began = time.process_time()
            engine.advance(chain, block)
            chain.iteration += count
            return time.process_time() - began

        for _ in range(max(1, tune // 50)):
            advance(50)
        spent, done = 0.0, 0
        while spent < _BUDGET:
            spent, done = spent + advance(50), done + 50
    print(json.dumps({"preparation": preparation, "draw": spent / done, "sampler": sampler.name}))


def measure(task: str, n: int, p: int) -> dict[str, Any]:
    """From a fresh process; its second run where the first one had to compile."""
    command = [sys.executable, "-m", "benchmarks.posterior.growth", "--child", task, str(n), str(p)]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, text=True,
                         capture_output=True, check=False, timeout=1200)  # fmt: skip
    if run.returncode:
        return {"error": (run.stderr.strip().splitlines() or ["failed"])[-1]}
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def table() -> str:
    """A markdown row per task and axis."""
    lines = ["| posterior | axis | (n, p): CPU time of a draw | slope |", "|---|---|---|---|"]
    for task in TASKS:
        for axis, sizes in AXES.items():
            found = [measure(task, n, p) for n, p in sizes]
            good = [(s, f) for s, f in zip(sizes, found, strict=True) if "error" not in f]
            cells = ", ".join(f"{size}: {report.duration(f['draw'])}" for size, f in good)
            along = [n if axis == "n" else p for (n, p), _ in good]
            slope = np.polyfit(np.log(along), np.log([f["draw"] for _, f in good]), 1)[0]
            failed = "; ".join(f["error"] for f in found if "error" in f)
            names = ", ".join(sorted({f["sampler"] for _, f in good}))
            lines.append(f"| {task} ({names}) | {axis} | {cells}{failed} | {slope:.2f} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = report.parser("posterior.growth", __doc__)
    parser.add_argument("--child", nargs=3, metavar=("TASK", "N", "P"))
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    if options.child:
        _child(options.child[0], int(options.child[1]), int(options.child[2]))
        return
    text = f"{table()}\n\n{report.stamp()}"
    print(text.splitlines()[-1])
    if options.readme:
        report.rewrite_readme("posterior-growth", text)


if __name__ == "__main__":
    main()
