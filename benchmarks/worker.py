"""The process that solves: one per peer, in that peer's environment, pinned to one core.

Reads one JSON request a line and answers each with one JSON line; ``benchmarks.map`` asks the
workers in turn.  Requests:

    {"do": "open", "peer": "celer_"}                  -> {"version": ...}
    {"do": "load", "file": ...}       -> {"solvers": [{name, role, tolerances}, ...]}
    {"do": "solve", "solver": name, "tolerance": t, "calls": m, "check": true, "limit": s}
                                      -> {"cpu": s, "wall": s, "gap": g, "zeros": z}, s per call

A failure answers {"error": ...}.  ``limit`` is in CPU seconds, so that a busy machine times nobody
out: when it is over, SIGPROF ends the process, whatever library code it is in.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

#: Set before any numeric library is imported.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


class Session:
    """The state of a worker: its peer and the problem in hand."""

    def __init__(self, alarm: Callable[[float], None] = lambda seconds: None) -> None:
        self._alarm = alarm
        self._peer: Any = None
        self._problems: dict[str, Any] = {}
        self._solvers: dict[str, Any] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request; never raises."""
        try:
            handler = {"open": self._open, "load": self._load, "solve": self._solve}[request["do"]]
            return handler(request)
        except Exception as error:
            self._alarm(0.0)
            return {"error": f"{type(error).__name__}: {error}"[:300]}

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        self._peer = importlib.import_module(f"benchmarks.peers.{request['peer']}")
        return {"version": _version(self._peer.DISTRIBUTION)}

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        from benchmarks.problems import load

        problem = load(Path(request["file"]))
        found = [solver for solver in self._peer.SOLVERS if solver.applies(problem)]
        self._solvers = {solver.name: solver for solver in found}
        self._problems = {"F": problem}
        if any(solver.order == "C" for solver in found):
            self._problems["C"] = _by_rows(problem)
        listed = [{"name": s.name, "role": s.role, "tolerances": s.tolerances} for s in found]
        return {"solvers": listed}

    def _solve(self, request: dict[str, Any]) -> dict[str, Any]:
        solver = self._solvers[request["solver"]]
        problem = self._problems[solver.order]
        calls = int(request.get("calls", 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._alarm(float(request.get("limit", 0.0)))
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(calls):
                coef, intercept = solver.solve(problem, request["tolerance"])
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            self._alarm(0.0)
        reply: dict[str, Any] = {"cpu": cpu / calls, "wall": wall / calls}
        if request.get("check", True) and coef is not None:
            reply |= _checked(self._problems["F"], coef, intercept)
        return reply


def _cpu_alarm(seconds: float) -> None:
    """End this process after so many CPU seconds; 0 calls it off."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _checked(problem: Any, coef: Any, intercept: Any) -> dict[str, Any]:
    """The worst relative gap along the path (None where not finite) and the exact zeros."""
    import numpy as np

    from benchmarks.gap import relative_gaps

    worst = float(np.max(relative_gaps(problem, coef, intercept)))
    nonzero = coef.count_nonzero() if hasattr(coef, "count_nonzero") else np.count_nonzero(coef)
    return {"gap": worst if np.isfinite(worst) else None,
            "zeros": int(problem.k * problem.p - nonzero)}  # fmt: skip


def _by_rows(problem: Any) -> Any:
    import numpy as np

    X = problem.X.tocsr() if problem.sparse else np.ascontiguousarray(problem.X)
    return replace(problem, X=X)


def _version(distribution: str) -> str:
    if distribution == "bayesreg":  # the checkout, whatever may be installed
        import bayesreg

        return str(bayesreg.__version__)
    return importlib.metadata.version(distribution)


def _pin(core: str | None) -> None:
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})


def main() -> None:
    _pin(sys.argv[1] if len(sys.argv) > 1 else None)
    # Libraries that print must not disturb the replies.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    session = Session(_cpu_alarm)
    for line in sys.stdin:
        replies.write(json.dumps(session.answer(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
