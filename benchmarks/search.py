"""The loosest tolerance of a solver whose recomputed gap passes, and its time there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.workers import TimeoutExceededError

#: CPU seconds that a first call may take beyond the limit, for what compiles then.
COMPILING = 120.0
_STRIDE = 2


class Answers(Protocol):
    """What a worker does, in a process of its own or in this one."""

    generation: int

    def ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]: ...


@dataclass
class Entry:
    """One solver on one problem: what was tried and what was measured.

    Attributes
    ----------
    passing : dict
        Accuracy -> loosest tolerance that reaches it.
    times : dict
        Tolerance -> CPU seconds of each repeat.
    tried : dict
        Tolerance -> reply of the worker.
    first_call : float or None
        CPU seconds of the first call beyond those of the second: compilation, mostly.
    note : str
        Why there is no tighter tolerance, where there is none.
    """

    peer: str
    name: str
    role: str
    tolerances: tuple[float, ...]
    worker: Answers
    passing: dict[float, float] = field(default_factory=dict)
    times: dict[float, list[float]] = field(default_factory=dict)
    tried: dict[float, dict[str, Any]] = field(default_factory=dict)
    first_call: float | None = None
    note: str = ""
    _warm_in: int = -1

    def solve(
        self, tolerance: float, limit: float, calls: int = 1, check: bool = True
    ) -> dict[str, Any]:
        """Ask the worker; once for nothing where its process is not the one that was warm."""
        if self._warm_in not in (-1, self.worker.generation):
            self._ask(self.tolerances[0], limit + COMPILING, 1, False)
        return self._ask(tolerance, limit, calls, check)

    def _ask(self, tolerance: float, limit: float, calls: int, check: bool) -> dict[str, Any]:
        request = {"do": "solve", "solver": self.name, "tolerance": tolerance, "calls": calls,
                   "check": check}  # fmt: skip
        reply = self.worker.ask(request, limit)
        self._warm_in = self.worker.generation
        return reply

    def best(self) -> float | None:
        """The tolerance with the smallest gap so far."""
        known = {t: r["gap"] for t, r in self.tried.items() if r.get("gap") is not None}
        return min(known, key=lambda t: known[t]) if known else None


def warm_up(entry: Entry, limit: float) -> None:
    """Two calls at the loosest tolerance; the difference is what only the first one costs."""
    loosest = entry.tolerances[0]
    try:
        first = entry.solve(loosest, limit + COMPILING, check=False)
        if "error" not in first:
            second = _try(entry, loosest, limit)
            entry.first_call = max(0.0, first["cpu"] - second.get("cpu", first["cpu"]))
        else:
            entry.note = first["error"]
    except TimeoutExceededError:
        entry.note = f"over {limit:g} s"


def tighten(entry: Entry, accuracy: float, limit: float) -> None:
    """Fill ``entry.passing[accuracy]``, if some tolerance reaches it within the time limit."""
    grid = entry.tolerances
    last = 0
    for index in [*range(0, len(grid) - 1, _STRIDE), len(grid) - 1]:
        if _passes(entry, grid[index], accuracy, limit):
            # What was jumped over: the loosest that passes is the fair one.
            for skipped in range(last + 1, index):
                if _passes(entry, grid[skipped], accuracy, limit):
                    index = skipped
                    break
            entry.passing[accuracy] = grid[index]
            return
        if entry.note:
            return
        last = index


def _passes(entry: Entry, tolerance: float, accuracy: float, limit: float) -> bool:
    if tolerance not in entry.tried and not entry.note:
        _try(entry, tolerance, limit)
    gap = entry.tried.get(tolerance, {}).get("gap")
    return gap is not None and gap <= accuracy


def _try(entry: Entry, tolerance: float, limit: float) -> dict[str, Any]:
    try:
        reply = entry.solve(tolerance, limit)
    except TimeoutExceededError:
        entry.note = f"over {limit:g} s at tolerance {tolerance:.0e}"
        return {}
    if "error" in reply:
        entry.note = reply["error"]
    else:
        entry.tried[tolerance] = reply
    return reply
