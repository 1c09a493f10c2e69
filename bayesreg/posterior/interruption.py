"""Ctrl-C as a question, not a blow: work asks whether it came, at places of its own choosing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The first Ctrl-C is noted; the second raises KeyboardInterrupt where it finds us."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def noted_interruption() -> Iterator[Interruption]:
    """Note Ctrl-C instead of raising, in the main thread and unless somebody else handles it."""
    interruption = Interruption()
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not ours:
        yield interruption
        return
    signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
