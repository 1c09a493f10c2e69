"""Time of ``import bayesreg`` against ``import numpy``; the aim is a ratio of at most 1.5.

Names are resolved on first use, so that the import alone may be cheaper than numpy's; the line
below it is what stating a model costs, numpy included.  Each runs in a fresh interpreter, all in
turn, so that a busy machine slows them alike; the time is taken inside.  Medians are compared.

    python -m benchmarks.imports
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys

REPEATS = 21
AIM = 1.5
STATEMENTS = {
    "import numpy": "import numpy",
    "import bayesreg": "import bayesreg",
    "... and state a model": (
        "import bayesreg as br; br.Data([[1.0]], [1.0]); br.Model(br.Gaussian(1), br.Laplace(1))"
    ),
}
_CODE = "import time; t = time.perf_counter(); {0}; print(time.perf_counter() - t)"


def seconds(statement: str) -> float:
    """Seconds that a statement takes in a fresh interpreter."""
    command = [sys.executable, "-c", _CODE.format(statement)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> None:
    for statement in STATEMENTS.values():
        seconds(statement)  # writes the bytecode, warms the disk
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    numpy_median = statistics.median(times["import numpy"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:22} {1e3 * median:7.1f} ms   ratio {median / numpy_median:5.2f}   "
            f"({1e3 * min(taken):.1f} to {1e3 * max(taken):.1f} ms in {REPEATS} runs)"
        )
    print(f"aim: import bayesreg at a ratio of at most {AIM}")
    print(_versions())


def _versions() -> str:
    import numpy

    import bayesreg

    return (
        f"bayesreg {bayesreg.__version__}, numpy {numpy.__version__}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )


if __name__ == "__main__":
    main()
