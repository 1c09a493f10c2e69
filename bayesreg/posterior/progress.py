"""One progress bar on stderr, and none where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bayesreg.posterior.monitor import Monitor
from bayesreg.posterior.run import Pieces, Watch

# Seconds between two looks at R-hat and ESS.
_BETWEEN = 1.0


class Nobody:
    """Follows nothing."""

    def advance(self, count: int) -> None:
        """Not shown."""

    def observe(self, pieces: Sequence[Pieces]) -> None:
        """Not shown."""


class Bar:
    """Iterations done and left; draws per second, worst R-hat and ESS so far."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task
        self._monitor = Monitor()
        self._draws, self._began = 0, time.monotonic()
        self._looked = -_BETWEEN

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)
        if not self._draws:
            # Draws per second are those of the draws that are kept.
            self._began = time.monotonic()

    def observe(self, pieces: Sequence[Pieces]) -> None:
        self._monitor.observe(pieces)
        self._draws += sum(len(piece["posterior"]["coef"]) for piece in pieces)
        now = time.monotonic()
        if now - self._looked >= _BETWEEN:
            self._looked = now
            self._progress.update(self._task, figures=self._figures(now - self._began))

    def _figures(self, seconds: float) -> str:
        text = f"{self._draws / max(seconds, 1e-9):,.0f} draws/s"
        worst = self._monitor.worst()
        if worst is None:
            return text
        return f"{text}, R-hat {worst[0]:.3f}, ESS {worst[1]:,.0f}"


@contextmanager
def progress_bar(description: str, total: int, wanted: bool) -> Iterator[Watch]:
    """Yield the bar; it shows nothing unless stderr is a terminal."""
    if not (wanted and sys.stderr is not None and sys.stderr.isatty()):
        yield Nobody()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("iterations"), TextColumn("{task.fields[figures]}"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, progress.add_task(description, total=total, figures=""))
