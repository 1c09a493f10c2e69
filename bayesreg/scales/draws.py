"""Draws along the axis: one sampler per scale, each begun at the mean of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.memory import Memory
from bayesreg.posterior.protocol import Block, Chain, Draws, Setup
from bayesreg.posterior.run import Pieces, Plan, block_length, run
from bayesreg.posterior.target import Posterior, pose

#: Called with the number of iterations done since the last call.
Advance: TypeAlias = Callable[[int], None]


def draws_along(
    models: list[Model],
    data: Data,
    starts: list[FloatArray | None],
    *,
    draws: int,
    chains: int,
    seed: int,
    cores: int,
    advance: Advance,
) -> Iterator[tuple[Posterior, Parameters]]:
    """The posterior and its draws for each model in turn.

    ``starts`` are modes as extended vectors, None where there is none; then the mean of the
    draws before serves.
    """
    seeds = np.random.SeedSequence(seed).spawn(len(models))
    before: FloatArray | None = None
    for model, start, entropy in zip(models, starts, seeds, strict=True):
        posterior = pose(model, data)
        begin = start if start is not None else before
        drawn = draws_at(
            posterior, begin, draws=draws, seeds=entropy.spawn(chains), cores=cores, advance=advance
        )
        before = drawn.v.mean(axis=(0, 1))
        yield posterior, parameters(posterior, drawn)


def draws_at(
    posterior: Posterior,
    start: FloatArray | None,
    *,
    draws: int,
    seeds: Sequence[np.random.SeedSequence],
    cores: int,
    advance: Advance,
) -> Draws:
    """Draws from one posterior by the sampler that suits it.

    Raises
    ------
    ModelError
        Where only a sampler that compiles each model anew would do.
    KeyboardInterrupt
    """
    sampler = choose_sampler(posterior, "auto")
    if sampler.prepare is None:
        raise ModelError(
            f"only {sampler.name!r} samples this model, which compiles it anew at every scale. "
            "Scan it without the posterior: scan_scales(..., posterior=False)"
        )
    problem = posterior.problem
    first = problem.start if start is None else start
    engine = sampler.prepare(Setup(posterior, first, sampler.default_tune))
    memory = Memory(draws)
    plan = Plan(sampler.default_tune, draws, block_length(engine, problem.size, 1))
    running = [engine.begin(seed) for seed in seeds]
    if not run(engine, running, _Raw(posterior), memory, _Counter(advance), plan, cores):
        raise KeyboardInterrupt
    found = memory.groups["draws"]
    return Draws(found["v"], {name: found[name] for name in posterior.scalars})


class _Raw:
    """Blocks as they are: extended vectors and scalars."""

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior

    def empty(self, count: int, statistics: int) -> Block:
        size, scalars = self._posterior.problem.size, len(self._posterior.scalars)
        return Block.empty(count, size, scalars, statistics)

    def __call__(self, chain: Chain, block: Block) -> Pieces:
        scalars = dict(zip(self._posterior.scalars, block.scalars.T, strict=True))
        return {"draws": {"v": block.v, **scalars}}


class _Counter:
    """Moves a bar that shows several runs."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def advance(self, count: int) -> None:
        self._advance(count)

    def observe(self, pieces: Sequence[Pieces]) -> None:
        """Nothing to look at."""


def parameters(posterior: Posterior, draws: Draws) -> Parameters:
    """Draws of the extended vector as coefficients and intercept."""
    problem = posterior.problem
    coef = problem.user_coefficients(draws.v[:, :, : problem.p])
    if not problem.has_intercept:
        return Parameters(coef, None, draws.scalars)
    intercept = draws.v[:, :, problem.p]
    if problem.shift.any():
        intercept = intercept - coef @ problem.shift
    return Parameters(coef, intercept, draws.scalars)
