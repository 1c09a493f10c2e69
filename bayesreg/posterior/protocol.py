"""What a sampler is: an engine that advances chains, and can stop after any iteration.

A chain is all that its next iteration depends on, as arrays and streams of random numbers.
Engines are shared between threads: ``advance`` changes nothing but the chain and the block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import has_classes
from bayesreg.model import Model
from bayesreg.posterior.class_target import ClassPosterior, pose_classes
from bayesreg.posterior.target import Posterior, pose

#: Called with the number of iterations done since the last call.
Advance = Callable[[int], None]


@dataclass(eq=False)
class Chain:
    """Where a chain stands between two iterations.

    Attributes
    ----------
    state : dict of name to array
        Changed in place by the engine.
    streams : dict of name to numpy.random.Generator
        Everything random; each is used by one purpose, in the order of iterations.
    iteration : int
        Iterations done, warm-up included; counted by the driver.
    """

    state: dict[str, np.ndarray]
    streams: dict[str, np.random.Generator]
    iteration: int = 0


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive draws of one chain, to be filled.

    Attributes
    ----------
    v : (count, size) array
        Extended vectors, see :class:`~bayesreg.problem.Problem`.
    scalars : (count, number of scalars) array
        In the order of ``Posterior.scalars``.
    statistics : (count, number of statistics) array
        In the order of ``Engine.statistics``.
    """

    v: FloatArray
    scalars: FloatArray
    statistics: FloatArray

    @property
    def count(self) -> int:
        return int(self.v.shape[0])

    @staticmethod
    def empty(count: int, size: int, scalars: int, statistics: int) -> Block:
        return Block(*(np.empty((count, width)) for width in (size, scalars, statistics)))


class Engine(Protocol):
    """A sampler prepared for one posterior.

    Attributes
    ----------
    statistics : tuple of str
        What it says about each draw: ``diverging``, ...
    cost : float
        About how many floating-point operations an iteration takes; blocks are cut by it, and
        so must not depend on anything but the posterior.
    """

    @property
    def statistics(self) -> tuple[str, ...]: ...

    @property
    def cost(self) -> float: ...

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        """A new chain; uses nothing else that is random."""
        ...

    def advance(self, chain: Chain, block: Block) -> None:
        """The next ``block.count`` iterations, which never straddle the end of the warm-up."""
        ...


@dataclass(frozen=True, eq=False)
class Setup:
    """One order to a sampler.

    Attributes
    ----------
    posterior : Posterior
    start : (size,) array
        A point of high density: the mode where there is one.
    tune : int
        Iterations of warm-up before the draws that are kept.
    """

    posterior: Posterior
    start: FloatArray
    tune: int


@dataclass(frozen=True, eq=False)
class ClassSetup:
    """The same for a model of K classes."""

    posterior: ClassPosterior
    start: FloatArray
    tune: int


AnyPosterior: TypeAlias = Posterior | ClassPosterior
AnySetup: TypeAlias = Setup | ClassSetup


def posed(model: Model, data: Data) -> AnyPosterior:
    """The posterior of any model."""
    return pose_classes(model, data) if has_classes(model.likelihood) else pose(model, data)


def setup_of(posterior: AnyPosterior, start: FloatArray, tune: int) -> AnySetup:
    """An order for any posterior."""
    if isinstance(posterior, ClassPosterior):
        return ClassSetup(posterior, start, tune)
    return Setup(posterior, start, tune)


@dataclass(frozen=True, eq=False)
class Draws:
    """All kept draws of all chains.

    Attributes
    ----------
    v : (chains, draws, size) array
    scalars, statistics : dict of name to (chains, draws) array
    attributes : dict of str to str
        What the result says about how they were drawn.
    """

    v: FloatArray
    scalars: dict[str, FloatArray] = field(default_factory=dict)
    statistics: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


#: A sampler that only knows whole runs: (setup, draws, seeds, advance, cores).
WholeRun = Callable[[Setup, int, Sequence[np.random.SeedSequence], Advance, int], Draws]
ClassWholeRun = Callable[[ClassSetup, int, Sequence[np.random.SeedSequence], Advance, int], Draws]


@dataclass(frozen=True)
class OfClasses:
    """How a sampler draws from the posterior of a model of K classes; as in ``Sampler``."""

    unsuited: Callable[[ClassPosterior], str | None]
    prepare: Callable[[ClassSetup], Engine] | None = None
    whole_run: ClassWholeRun | None = None


@dataclass(frozen=True)
class Sampler:
    """One row of the table of samplers.

    Attributes
    ----------
    name : str
        The word that ``sample(sampler=...)`` takes.
    reason : str
        Why it is the one to use where it applies.
    unsuited : Posterior -> str or None
        Why it cannot sample this posterior; None when it can.
    default_tune : int
        Iterations before the first draw that is kept.
    prepare : Setup -> Engine, or None
        None for a sampler that only knows whole runs.
    whole_run : WholeRun or None
    reduces_rows : bool
        It works on as many rows as there are columns, made from blocks of a sparse X.
    of_classes : OfClasses or None
        None for a sampler of one vector of coefficients.
    """

    name: str
    reason: str
    unsuited: Callable[[Posterior], str | None]
    default_tune: int
    prepare: Callable[[Setup], Engine] | None = None
    whole_run: WholeRun | None = None
    reduces_rows: bool = False
    of_classes: OfClasses | None = None

    def why_not(self, posterior: AnyPosterior) -> str | None:
        """Why it cannot sample this posterior; None when it can."""
        if not isinstance(posterior, ClassPosterior):
            return self.unsuited(posterior)
        if self.of_classes is None:
            return "it draws one vector of coefficients, and this model has one for each class"
        return self.of_classes.unsuited(posterior)
