"""Draws along the axis: one sampler per scale, each begun at the mean of the one before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.protocol import Advance, Draws, Setup
from bayesreg.posterior.run import Memory, run
from bayesreg.posterior.target import Posterior, pose
from bayesreg.posterior.tree import parameters


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
    seeds: list[np.random.SeedSequence],
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
    running = [engine.begin(seed) for seed in seeds]
    scalars = tuple(posterior.scalars)
    memory = Memory(len(running), draws, problem.size, scalars, engine.statistics)
    complete = run(
        engine, running, memory, tune=sampler.default_tune, draws=draws, size=problem.size,
        scalars=len(scalars), cores=cores, advance=advance,
    )  # fmt: skip
    if not complete:
        raise KeyboardInterrupt
    return memory.draws
