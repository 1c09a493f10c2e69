"""Drive chains in parallel threads, block by block.

Blocks are cut at multiples of one length, from the beginning of the warm-up and again from the
first draw that is kept, and the length depends on the posterior alone. So a draw depends neither
on the number of chains or threads nor on where a run was interrupted. Linear algebra runs on one
thread: its last bits would depend on how many there are.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from bayesreg.posterior.interruption import noted_interruption
from bayesreg.posterior.protocol import Block, Chain, Engine
from bayesreg.posterior.workers import Abandoned, workers

#: What one block of one chain says: group -> name -> array of one row per draw.
Pieces: TypeAlias = dict[str, dict[str, np.ndarray]]

# Floating-point operations and numbers in a block: about 0.1 s of one core, 2 MiB of draws and
# 16 MiB of log likelihoods.
_BLOCK_COST, _BLOCK_NUMBERS, _BLOCK_ROWS = 2e8, 2**18, 2**21
_LONGEST_BLOCK = 1024


class Describe(Protocol):
    """From the numbers of a block to the variables of the result."""

    def empty(self, count: int, statistics: int) -> Block:
        """A block of ``count`` draws, to be filled."""
        ...

    def __call__(self, chain: Chain, block: Block) -> Pieces: ...


class Sink(Protocol):
    """Where draws go."""

    def accept(self, first: int, pieces: Sequence[Pieces], chains: Sequence[Chain]) -> None:
        """Draws ``first``, ``first + 1``, ... of every chain.

        ``chains`` stand at the end of the last whole block: after these draws, or before them
        where they are fewer than a block.
        """
        ...

    def warmed(self, chains: Sequence[Chain]) -> None:
        """The chains after a block of warm-up."""
        ...


class Watch(Protocol):
    """Somebody who follows a run."""

    def advance(self, count: int) -> None:
        """So many more iterations, of all chains together."""
        ...

    def observe(self, pieces: Sequence[Pieces]) -> None:
        """The next draws of every chain."""
        ...


@dataclass(frozen=True)
class Plan:
    """How many iterations, and how they are cut."""

    tune: int
    draws: int
    length: int

    def blocks(self, done: int) -> Iterator[tuple[int, int]]:
        """(first kept draw, or a negative number in the warm-up; iterations) of what is left."""
        position = done - self.tune
        while position < self.draws:
            count = min(self.length, (0 if position < 0 else self.draws) - position)
            yield position, count
            position += count


def block_length(engine: Engine, size: int, n: int) -> int:
    """Iterations in a block."""
    by_cost = int(_BLOCK_COST / max(engine.cost, 1.0))
    by_numbers = min(_BLOCK_NUMBERS // max(size, 1), _BLOCK_ROWS // max(n, 1))
    return max(1, min(by_cost, by_numbers, _LONGEST_BLOCK))


def run(
    engine: Engine,
    chains: Sequence[Chain],
    describe: Describe,
    sink: Sink,
    watch: Watch,
    plan: Plan,
    cores: int,
) -> bool:
    """Advance every chain to the end of the plan; False when the user interrupted.

    Chains may be new, or stand at the end of any whole block. A second Ctrl-C raises
    KeyboardInterrupt.
    """
    with noted_interruption() as interruption:
        try:
            with workers(min(cores, len(chains)), lambda: interruption.requested) as pool:
                for first, count in plan.blocks(chains[0].iteration):
                    if interruption.requested:
                        return False
                    # The last block is shorter: copies go through it, and a longer run
                    # continues from where it begins.
                    whole = first < 0 or count == plan.length
                    moved = chains if whole else [copy_of(chain) for chain in chains]
                    pieces = pool.map(_Step(engine, describe, count, first >= 0), moved)
                    if first < 0:
                        sink.warmed(chains)
                    else:
                        sink.accept(first, pieces, chains)
                        watch.observe(pieces)
                    watch.advance(count * len(chains))
        except Abandoned:
            return False
        except KeyboardInterrupt:
            # From a handler that is not ours the first one comes as an exception.
            if interruption.requested:
                raise
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Step:
    """One block of one chain."""

    engine: Engine
    describe: Describe
    count: int
    kept: bool

    def __call__(self, chain: Chain) -> Pieces:
        block = self.describe.empty(self.count, len(self.engine.statistics))
        self.engine.advance(chain, block)
        chain.iteration += self.count
        return self.describe(chain, block) if self.kept else {}


def copy_of(chain: Chain) -> Chain:
    """A chain that goes on as this one would."""
    state = {name: array.copy() for name, array in chain.state.items()}
    return Chain(state, copy.deepcopy(chain.streams), chain.iteration)


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
