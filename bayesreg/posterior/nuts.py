"""NUTS in the metric of the curvature at the mode, for every likelihood.

Density and gradient are compiled once for all models (:mod:`bayesreg._kernels.posterior_density`);
the tree is that of :mod:`bayesreg._kernels.no_u_turn`. Coordinates begin as those in which the
curvature at the mode is 1 (:mod:`bayesreg.posterior.nuts_start`), and the warm-up corrects them by
what it has drawn.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior import nuts_classes
from bayesreg.posterior.nuts_start import Start, find_start, pull_at, relearned
from bayesreg.posterior.nuts_target import Coordinates, coordinates, unsuited
from bayesreg.posterior.nuts_warmup import fresh_averaging, segment
from bayesreg.posterior.protocol import Block, Chain, ClassSetup, Engine, Setup

__all__ = ["prepare", "prepare_classes", "unsuited"]

# Funnels (a scale that varies, a Horseshoe prior) want shorter steps in their necks.
_TARGET_ACCEPTANCE, _WITH_NUMBERS, _WITH_LOCAL_SCALES = 0.8, 0.9, 0.95
_STATISTICS = ("diverging", "tree_depth", "n_steps", "acceptance_rate", "step_size", "energy")


def prepare(setup: Setup) -> Engine:
    """The density as arrays, a point of high density and the curvature there."""
    return _Nuts(coordinates(setup.posterior), setup.start, setup.tune)


def prepare_classes(setup: ClassSetup) -> Engine:
    """The same for a model of K classes."""
    found = nuts_classes.coordinates(setup.posterior)
    return _Nuts(found, nuts_classes.with_last_held(setup).start, setup.tune)


class _Nuts:
    statistics = _STATISTICS

    def __init__(self, found: Coordinates, start: FloatArray, tune: int) -> None:
        self._tune = tune
        self._start = find_start(found, start)
        t = self._start.coordinates.target
        numbers, named = t.codes.size, self._start.coordinates.scalars
        self._target = _TARGET_ACCEPTANCE if numbers == 0 else _WITH_NUMBERS
        if numbers > named:
            self._target = _WITH_LOCAL_SCALES
        # Fifteen gradients of two products with X each.
        self.cost = 15.0 * 4.0 * t.X.size * max(t.n_classes, 1) + 30.0 * self._start.T.size

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        begin, moves = (np.random.default_rng(child) for child in seed.spawn(2))
        size = self._start.centre.size
        step = 1.0 / max(size, 1) ** 0.25
        state = {
            "q": dispersed(self._start, begin),
            "centre": self._start.centre.copy(),
            "T": self._start.T.copy(),
            "pull": pull_at(self._start, self._start.centre, self._start.T),
            "averaging": fresh_averaging(step),
            "window": np.zeros((0, size)),
        }
        return Chain(state, {"moves": moves})

    def advance(self, chain: Chain, block: Block) -> None:
        done = 0
        kept = np.empty((block.count, chain.state["q"].size))
        while done < block.count:
            iteration = chain.iteration + done
            end, collects = segment(iteration, self._tune)
            part = slice(done, min(block.count, done + end - iteration))
            self._iterate(chain, iteration < self._tune, kept[part], block.statistics[part])
            done = part.stop
            if collects:
                chain.state["window"] = np.concatenate([chain.state["window"], kept[part]])
            if chain.iteration + done == end:
                _begin_segment(self._start, chain.state, collects)
        block.v[:], block.scalars[:] = self._start.coordinates.read(kept)

    def _iterate(
        self, chain: Chain, tuning: bool, draws: FloatArray, statistics: FloatArray
    ) -> None:
        from bayesreg._kernels.no_u_turn import iterate

        state = chain.state
        iterate(
            self._start.coordinates.target, self._frame(state), state["q"],
            state["averaging"], tuning, self._target, chain.streams["moves"], draws, statistics,
        )  # fmt: skip

    def _frame(self, state: dict[str, np.ndarray]) -> Any:
        from bayesreg._kernels.no_u_turn import Coordinates

        return Coordinates(state["centre"], state["T"], state["pull"], self._start.kink)


def _begin_segment(start: Start, state: dict[str, np.ndarray], collected: bool) -> None:
    """At the end of a segment: new coordinates by what it collected, a new search for the step."""
    from scipy.linalg import solve_triangular

    if collected:
        u = state["centre"] + _times(state["T"], state["q"])
        state["centre"], T = relearned(start, state["window"])
        apart = u - state["centre"]
        state["q"] = apart / T[0] if T.shape[0] == 1 else solve_triangular(T, apart)
        state["T"], state["pull"] = T, pull_at(start, state["centre"], T)
        state["window"] = state["window"][:0]
    state["averaging"] = fresh_averaging(math.exp(state["averaging"][1]))


def _times(T: FloatArray, q: FloatArray) -> FloatArray:
    return T[0] * q if T.shape[0] == 1 else np.asarray(T @ q)


def dispersed(start: Start, rng: np.random.Generator) -> FloatArray:
    """A random q about two deviations from the centre.

    It is halved until the density is at most 5 + 2 size nats below that of the centre, so that no
    chain starts where e^eta overflows.
    """
    from bayesreg._kernels.posterior_density import potential, workspace

    t, size = start.coordinates.target, start.centre.size
    w, gradient = workspace(t), np.empty(size)

    def value(q: FloatArray) -> float:
        found: float = potential(t, w, start.centre + _times(start.T, q), gradient)
        return found

    q = 2.0 * rng.standard_normal(size)
    allowed = value(np.zeros(size)) + 5.0 + 2.0 * size
    for _ in range(60):
        if value(q) <= allowed:
            break
        q *= 0.5
    return q
