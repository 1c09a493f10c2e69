"""Drive chains in parallel threads, block by block.

Blocks are cut by the engine's cost alone and all chains advance by one block at a time, so that
a draw does not depend on the number of chains, of threads, or on where a run was interrupted.
Linear algebra runs on one thread: its last bits would depend on how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from bayesreg.posterior.protocol import Advance, Block, Chain, Draws, Engine

# Floating-point operations and numbers in a block: about 0.1 s of one core, and 2 MiB.
_BLOCK_COST, _BLOCK_NUMBERS = 2e8, 2**18
_LONGEST_BLOCK = 1024
# Seconds between looks at the keyboard.
_PATIENCE = 0.1


class Sink(Protocol):
    """Where draws go. What was accepted is safe."""

    def accept(self, first: int, blocks: Sequence[Block], chains: Sequence[Chain]) -> None:
        """Draws ``first``, ``first + 1``, ... of every chain, and the chains after them."""
        ...

    def warmed(self, chains: Sequence[Chain]) -> None:
        """The chains after a block of warm-up."""
        ...


class Memory:
    """All draws in arrays."""

    def __init__(self, chains: int, draws: int, size: int, scalars: Sequence[str],
                 statistics: Sequence[str]) -> None:  # fmt: skip
        self._v = np.empty((chains, draws, size))
        self._scalars = np.empty((chains, draws, len(scalars)))
        self._statistics = np.empty((chains, draws, len(statistics)))
        self._names = tuple(scalars), tuple(statistics)
        self._done = 0

    def accept(self, first: int, blocks: Sequence[Block], chains: Sequence[Chain]) -> None:
        for k, block in enumerate(blocks):
            part = slice(first, first + block.count)
            self._v[k, part] = block.v
            self._scalars[k, part] = block.scalars
            self._statistics[k, part] = block.statistics
        self._done = first + blocks[0].count

    def warmed(self, chains: Sequence[Chain]) -> None:
        """Nothing to keep."""

    @property
    def draws(self) -> Draws:
        """What was accepted."""
        scalars, statistics = (
            {name: values[:, : self._done, k] for k, name in enumerate(names)}
            for names, values in zip(self._names, (self._scalars, self._statistics), strict=True)
        )
        return Draws(self._v[:, : self._done], scalars, statistics)


def block_length(engine: Engine, width: int) -> int:
    """Iterations in a block."""
    by_cost = int(_BLOCK_COST / max(engine.cost, 1.0))
    by_numbers = _BLOCK_NUMBERS // max(width, 1)
    return max(1, min(by_cost, by_numbers, _LONGEST_BLOCK))


def run(
    engine: Engine,
    chains: Sequence[Chain],
    sink: Sink,
    *,
    tune: int,
    draws: int,
    size: int,
    scalars: int,
    cores: int,
    advance: Advance,
) -> bool:
    """Advance every chain to ``draws`` kept draws; False when the user interrupted.

    Chains may be new, or stand at the end of any block.
    """
    length = block_length(engine, size)
    with ThreadPoolExecutor(min(cores, len(chains))) as pool:
        try:
            for first, count in _blocks(chains[0].iteration, length, tune, draws):
                blocks = [Block.empty(count, size, scalars, len(engine.statistics)) for _ in chains]
                _all(pool.submit(_advance, engine, *pair)
                     for pair in zip(chains, blocks, strict=True))  # fmt: skip
                if first < 0:
                    sink.warmed(chains)
                else:
                    sink.accept(first, blocks, chains)
                advance(count * len(chains))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            return False
    return True


def _blocks(done: int, length: int, tune: int, draws: int) -> Iterator[tuple[int, int]]:
    """(first kept draw, or a negative number in the warm-up; iterations) of the blocks left."""
    position = done - tune
    while position < draws:
        count = min(length, (0 if position < 0 else draws) - position)
        yield position, count
        position += count


def _advance(engine: Engine, chain: Chain, block: Block) -> None:
    engine.advance(chain, block)
    chain.iteration += block.count


def _all(submitted: Iterator[Future[None]]) -> None:
    """Wait for every one, open to Ctrl-C; the first error is raised."""
    waiting = list(submitted)
    pending = set(waiting)
    while pending:
        _, pending = wait(pending, timeout=_PATIENCE)
    for future in waiting:
        future.result()


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_linear_algebra_thread() -> Iterator[None]:
    """BLAS and LAPACK on one thread, and back."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
