"""What a sampler is: numbers in, draws of the extended vector out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.problem import Problem

#: Called with the number of iterations done since the last call.
Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Task:
    """One order to a sampler.

    Attributes
    ----------
    problem : Problem
        The posterior, numbers only.
    start : (size,) array
        A point of high density: the mode where there is one.
    draws, tune : int
        Per chain: draws kept, and iterations before them.
    seeds : sequence of numpy.random.SeedSequence
        One per chain; a chain uses nothing else that is random.
    advance : Advance
        Moves the progress bar.
    """

    problem: Problem
    start: FloatArray
    draws: int
    tune: int
    seeds: Sequence[np.random.SeedSequence]
    advance: Advance


@dataclass(frozen=True, eq=False)
class Draws:
    """What a sampler returns.

    Attributes
    ----------
    v : (chains, draws, size) array
        Extended vectors, see :class:`~bayesreg.problem.Problem`.
    statistics : dict of name to (chains, draws) array
        What the sampler says about each draw: ``diverging``, ...
    """

    v: FloatArray
    statistics: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampler:
    """One row of the table of samplers.

    Attributes
    ----------
    name : str
        The word that ``sample(sampler=...)`` takes.
    reason : str
        Why it is the one to use where it applies.
    unsuited : Problem -> str or None
        Why it cannot sample this problem; None when it can.
    default_tune : int
        Iterations before the first draw that is kept.
    draw : Task -> Draws
        The sampler itself.
    """

    name: str
    reason: str
    unsuited: Callable[[Problem], str | None]
    default_tune: int
    draw: Callable[[Task], Draws]
