"""Starting workers, asking them with a time limit, and stopping the ones that exceed it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.environments import interpreter
from benchmarks.peers import ENVIRONMENTS
from benchmarks.worker import ONE_THREAD

ROOT = Path(__file__).resolve().parent.parent
_STARTING = 60.0  # seconds to import a library, or to read a problem
_PATIENCE = 30.0  # wall seconds granted for a CPU second


class TimeoutExceededError(Exception):
    """A solve took longer than its limit; its worker was ended."""


@dataclass
class Worker:
    """One peer in a process of its own; started again after a time-out when next asked.

    ``generation`` counts the starts: after another, what was compiled is gone.
    """

    peer: str
    command: list[str]
    file: str | None = None
    generation: int = 0
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> dict[str, Any]:
        """Launch the process and import the peer in it."""
        if not Path(self.command[0]).exists():
            return {"error": "no environment (python -m benchmarks.environments builds it)"}
        self.generation += 1
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd=ROOT, env=os.environ | ONE_THREAD,
        )  # fmt: skip
        return self._exchange({"do": "open", "peer": self.peer}, _STARTING)

    def load(self, file: str) -> dict[str, Any]:
        """Which of its solvers apply to the problem in ``file``."""
        self.file = file
        return self.ask({"do": "load", "file": file}, _STARTING)

    def ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        """The reply, or TimeoutExceededError after ``limit`` CPU seconds of solving."""
        if self._process is None:
            self.start()
            if request["do"] == "solve":
                self._exchange({"do": "load", "file": self.file}, _STARTING)
        return self._exchange(request, limit)

    def _exchange(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None:
            return {"error": "the process could not be started again"}
        try:
            process.stdin.write(json.dumps(request | {"limit": limit}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.stop()
            return {"error": "the process ended"}
        return self._reply(_PATIENCE * limit)

    def _reply(self, limit: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], limit)
        if not ready:
            self.stop()
            raise TimeoutExceededError
        line = process.stdout.readline()
        if not line:
            process.wait()
            self.stop()
            if process.returncode == -signal.SIGPROF:
                raise TimeoutExceededError
            return {"error": f"the process ended with status {process.returncode}"}
        reply: dict[str, Any] = json.loads(line)
        return reply

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@dataclass(frozen=True)
class Fleet:
    """A worker for every peer that could be opened, and why the others could not."""

    workers: dict[str, Worker]
    versions: dict[str, str]
    absent: dict[str, str]


@contextmanager
def fleet(peers: Sequence[str], directory: Path | None, core: int | None) -> Iterator[Fleet]:
    """Open every peer; all are stopped on leaving."""
    opened = Fleet({}, {}, {})
    try:
        for peer in peers:
            worker = Worker(peer, _command(peer, directory, core))
            reply = worker.start()
            if "error" in reply:
                worker.stop()
                opened.absent[peer] = reply["error"]
            else:
                opened.workers[peer], opened.versions[peer] = worker, reply["version"]
        yield opened
    finally:
        for worker in opened.workers.values():
            worker.stop()


def _command(peer: str, directory: Path | None, core: int | None) -> list[str]:
    """In the peer's environment; in this interpreter's where the main one was not built."""
    name = ENVIRONMENTS[peer]
    found = interpreter(name, directory)
    python = str(found) if found.exists() or name != "main" else sys.executable
    return [python, "-m", "benchmarks.worker", *([] if core is None else [str(core)])]


def last_core() -> int | None:
    """The core to pin to: the last one this process may use."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
