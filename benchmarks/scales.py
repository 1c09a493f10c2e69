"""CPU seconds of scan_scales: a lasso on diabetes, a ridge of 10000 x 1000.

    python -m benchmarks.scales [--only diabetes|ridge] [--readme]

One process, one BLAS thread, chains one after another; compiled code and imports are warm.
Leave-one-out and cross-validation are timed beside the scan without them. The ridge is compared
with one symmetric eigendecomposition of X'X (its Gram matrix included) in NumPy and as many more,
of the training rows, as there are folds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bayesreg as br
from benchmarks import report
from benchmarks.problems import correlated_design, gaussian_target

_REPEATS, _FOLDS = 3, 5
_ROWS, _COLUMNS, _SCALES = 10_000, 1_000, 100


def cpu_seconds(call: Callable[[], Any], repeats: int = _REPEATS) -> float:
    """Median CPU time of this process over repeats."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        call()
        times.append(time.process_time() - begun)
    return statistics.median(times)


def diabetes() -> list[list[str]]:
    """50 scales, mode, posterior of 4 x 1000 draws and evidence."""
    from sklearn.datasets import load_diabetes

    data = br.Data(*load_diabetes(return_X_y=True))
    model = br.Model(br.Gaussian(sigma=54.0), br.Laplace(scale=20.0))

    def scan(**more: Any) -> Callable[[], Any]:
        return lambda: br.scan_scales(model, data, seed=1, cores=1, progress=False, **more)

    br.scan_scales(model, data, [20.0, 40.0], seed=1, draws=100, loo=True, folds=3, progress=False)
    plain = cpu_seconds(scan())
    with_loo = cpu_seconds(scan(loo=True), 1)
    with_folds = cpu_seconds(scan(folds=_FOLDS), 1)
    modes = cpu_seconds(scan(posterior=False))
    return [
        ["modes alone", f"{modes:.2f}", ""],
        ["mode, posterior of 4 x 1000 draws, evidence", f"{plain:.2f}", "5"],
        ["leave-one-out besides", f"{with_loo - plain:.2f}", ""],
        [f"{_FOLDS} folds of mode and posterior besides", f"{with_folds - plain:.2f}", ""],
    ]


def ridge() -> list[list[str]]:
    """100 scales, everything, in closed form."""
    X = correlated_design(_ROWS, _COLUMNS, 0.5, 5)
    y = gaussian_target(X, 20, 5)
    model = br.Model(br.Gaussian(sigma=float(np.std(y))), br.Normal(scale=1.0))
    scales = np.geomspace(1e-3, 1.0, _SCALES) * float(np.std(y))
    small = br.Data(X[:500, :20], y[:500])
    br.scan_scales(model, small, scales[:3], loo=True, folds=3, rope=0.1, progress=False)

    def decompose(rows: np.ndarray) -> None:
        centred = rows - rows.mean(axis=0)
        np.linalg.eigh(centred.T @ centred)

    one = cpu_seconds(lambda: decompose(X))
    folds = _FOLDS * cpu_seconds(lambda: decompose(X[: _ROWS * (_FOLDS - 1) // _FOLDS]), 1)

    def scan(**more: Any) -> Callable[[], Any]:
        return lambda: br.scan_scales(
            model, br.Data(X, y), scales, rope=0.1, progress=False, **more
        )

    without = cpu_seconds(scan())
    with_loo = cpu_seconds(scan(loo=True), 1)
    everything = cpu_seconds(scan(loo=True, folds=_FOLDS), 1)
    return [
        ["one eigendecomposition (numpy)", f"{one:.2f}", ""],
        [f"and those of {_FOLDS} folds", f"{one + folds:.2f}", ""],
        ["scan of 100 scales, no folds, no leave-one-out", f"{without:.2f}", ""],
        ["with exact leave-one-out", f"{with_loo:.2f}", f"{2 * one:.2f}"],
        [f"with {_FOLDS} folds as well", f"{everything:.2f}", f"{2 * (one + folds):.2f}"],
    ]


TASKS = {"diabetes": diabetes, "ridge": ridge}
_TITLES = {
    "diabetes": "Laplace priors on diabetes, 50 scales",
    "ridge": f"Normal priors, {_ROWS} x {_COLUMNS}, {_SCALES} scales",
}


def table(names: list[str]) -> str:
    """Markdown."""
    lines = []
    for name in names:
        lines += [f"{_TITLES[name]}\n", "| what | CPU seconds | aim, at most |", "|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in TASKS[name]()]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = report.parser("scales", __doc__)
    parser.add_argument("--only", choices=sorted(TASKS))
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        text = table([options.only] if options.only else list(TASKS)) + report.stamp()
    print(text)
    if options.readme:
        report.rewrite_readme("scales", text)


if __name__ == "__main__":
    main()
