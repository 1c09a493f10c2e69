"""A few threads that can be left behind.

A kernel cannot be stopped from outside. The threads are daemons, so that neither Ctrl-C nor the
end of the process waits for one that is busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds between looks at the keyboard, and that work in progress gets after Ctrl-C.
_GLANCE, _GRACE = 0.05, 1.0
_Outcome = tuple[int, Any, BaseException | None]


class Abandoned(Exception):  # noqa: N818
    """The user interrupted, and the work did not end in time."""


class Workers(Generic[Item, Result]):
    """Threads that apply one function to items."""

    def __init__(self, count: int, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self._tasks: SimpleQueue[Any] = SimpleQueue()
        self._threads = [Thread(target=_work, args=(self._tasks,), daemon=True)
                         for _ in range(count)]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The result for each item; the first error, in their order, is raised.

        Raises
        ------
        Abandoned
            ``stop()`` became true, and the work in progress took longer than a second from then.
        """
        outcomes: SimpleQueue[_Outcome] = SimpleQueue()
        for k, item in enumerate(items):
            self._tasks.put((outcomes, function, k, item))
        found: dict[int, _Outcome] = {}
        deadline = float("inf")
        while len(found) < len(items):
            try:
                outcome = outcomes.get(timeout=_GLANCE)
                found[outcome[0]] = outcome
            except Empty:
                if deadline == float("inf") and self._stop():
                    deadline = time.monotonic() + _GRACE
                if time.monotonic() > deadline:
                    raise Abandoned from None
        for k in range(len(items)):
            error = found[k][2]
            if error is not None:
                raise error
        return [found[k][1] for k in range(len(items))]

    def close(self, wait: bool) -> None:
        """Let the threads end; ``wait`` until they have."""
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()


def _work(tasks: SimpleQueue[Any]) -> None:
    while (task := tasks.get()) is not None:
        outcomes, function, k, item = task
        try:
            outcomes.put((k, function(item), None))
        except BaseException as error:
            outcomes.put((k, None, error))


@contextmanager
def workers(count: int, stop: Callable[[], bool]) -> Iterator[Workers[Any, Any]]:
    """Threads for the time of a block; busy ones are left behind where it ends with an error."""
    pool: Workers[Any, Any] = Workers(count, stop)
    done = False
    try:
        yield pool
        done = True
    finally:
        pool.close(wait=done)
