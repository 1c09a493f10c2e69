"""One progress bar on stderr, and none where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bayesreg.posterior.monitor import Monitor
from bayesreg.posterior.run import Pieces, Watch

#: The opening of a run by kernels that may have to be compiled.
COMPILING = "starting (may compile)"
# Characters of a terminal that have room for draws per second, for counts, for the bar itself.
_SPEED, _COUNTS, _BAR = 80, 115, 160
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

    def __init__(self, progress: Any, task: Any, speed: bool = True) -> None:
        self._progress, self._task, self._speed = progress, task, speed
        self._opened = False
        self._monitor = Monitor()
        self._draws, self._began = 0, time.monotonic()
        self._looked = -_BETWEEN

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)
        if not self._opened:
            self._opened = True
            self._progress.update(self._task, figures="")
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
        found = f"R-hat {worst[0]:.3f}, ESS {worst[1]:,.0f}"
        return f"{text}, {found}" if self._speed else found


@contextmanager
def progress_bar(description: str, total: int, wanted: bool, opening: str = "") -> Iterator[Watch]:
    """Yield the bar; it shows nothing unless stderr is a terminal.

    ``opening`` stands there until the first iterations are done.
    """
    if not (wanted and sys.stderr is not None and sys.stderr.isatty()):
        yield Nobody()
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    columns = _columns(console.width)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=total, figures=opening)
        yield Bar(progress, task, console.width >= _SPEED)


def _columns(width: int) -> list[Any]:
    """What stays whole in so many characters: the share, the figures and the time left first."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    whole = Column(no_wrap=True)
    figures = TextColumn("{task.fields[figures]}", table_column=whole)
    first, last = TextColumn("{task.description}", table_column=whole), TimeRemainingColumn()
    if width < _COUNTS:
        return [first, TaskProgressColumn(), figures, last]
    counts = [MofNCompleteColumn(), TextColumn("iterations", table_column=whole)]
    return [first, *([BarColumn()] if width >= _BAR else []), *counts, figures, last]
