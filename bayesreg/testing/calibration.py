"""Simulation-based calibration: the rank of the truth among posterior draws is uniform.

    theta ~ prior,   y ~ p(y | theta),   theta_1 ... theta_L ~ p(theta | y) by the sampler
    rank of f(theta) among f(theta_1) ... f(theta_L) is uniform on 0 ... L

for every function f of parameters and data (Talts, Betancourt, Simpson, Vehtari and Gelman 2018,
arXiv:1804.06788). The joint log likelihood and log prior are among them: errors that no single
coefficient shows move those (Modrak et al. 2023, Bayesian Analysis).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.posterior.protocol import Block, Chain, Engine, Sampler, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.testing.simulation import Parameters, Simulator

#: Draws kept in a replication: ranks 0 ... 63, in bins of four.
KEPT = 63
_BINS = 16


@dataclass(frozen=True)
class Ranks:
    """Ranks of the truth, and how far from uniform they are.

    Attributes
    ----------
    labels : tuple of str
        The quantities that were ranked.
    ranks : (replications, quantities) array of int
        Each from 0 to ``KEPT``.
    """

    labels: tuple[str, ...]
    ranks: IntArray

    @property
    def chi_square(self) -> FloatArray:
        """p-value of each quantity by counts in bins."""
        from scipy import stats

        counts = [np.bincount(column * _BINS // (KEPT + 1), minlength=_BINS)
                  for column in self.ranks.T]  # fmt: skip
        return np.array([stats.chisquare(count).pvalue for count in counts])

    @property
    def kolmogorov_smirnov(self) -> FloatArray:
        """p-value of each quantity; ranks are spread over their cells at random."""
        from scipy import stats

        jitter = np.random.default_rng(0).random(self.ranks.shape)
        uniform = (self.ranks + jitter) / (KEPT + 1)
        return np.array([stats.kstest(column, "uniform").pvalue for column in uniform.T])

    @property
    def adjusted(self) -> FloatArray:
        """The smaller p-value of each quantity, adjusted by Holm's method over both tests."""
        both = np.concatenate([self.chi_square, self.kolmogorov_smirnov])
        return np.asarray(np.min(holm(both).reshape(2, -1), axis=0))

    @property
    def worst(self) -> tuple[str, float]:
        """The quantity furthest from uniform, and its adjusted p-value."""
        p = self.adjusted
        return self.labels[int(np.argmin(p))], float(np.min(p))

    def batches(self, size: int) -> Iterator[Ranks]:
        """Consecutive replications, ``size`` at a time."""
        for first in range(0, len(self.ranks) - size + 1, size):
            yield Ranks(self.labels, self.ranks[first : first + size])


def holm(p: FloatArray) -> FloatArray:
    """p-values adjusted for their number (Holm 1979, Scandinavian Journal of Statistics 6:65)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def rank_truth(
    sampler: Sampler,
    simulator: Simulator,
    told: Posterior,
    *,
    replications: int,
    thin: int,
    tune: int,
    seed: int,
) -> Ranks:
    """Draw from the simulator, sample what the sampler is told, rank the one in the other.

    ``told`` is the simulator's posterior, or a mutant of it: its data are replaced each time.
    """
    found = np.empty((replications, len(simulator.labels)), dtype=np.int64)
    believed = Simulator(told)
    for replication, child in enumerate(np.random.SeedSequence(seed).spawn(replications)):
        own, of_chain = child.spawn(2)
        rng = np.random.default_rng(own)
        truth = simulator.parameters(rng)
        y = simulator.target(truth, rng)
        v, scalars = _posterior_draws(sampler, believed.given(y), of_chain, thin, tune)
        found[replication] = _ranks(simulator, y, truth, v, scalars)
    return Ranks(simulator.labels, found)


def _ranks(
    simulator: Simulator, y: FloatArray, truth: Parameters, v: FloatArray, scalars: FloatArray
) -> IntArray:
    """How many draws of each quantity lie below the truth."""
    true_scalars = np.array(list(truth.scalars.values()))
    quantities = simulator.quantities(
        y, np.vstack([truth.v, v]), np.vstack([true_scalars, scalars])
    )
    return np.asarray(np.sum(quantities[1:] < quantities[0], axis=0))


def _posterior_draws(
    sampler: Sampler, posterior: Posterior, seed: np.random.SeedSequence, thin: int, tune: int
) -> tuple[FloatArray, FloatArray]:
    """Every ``thin``-th of ``KEPT * thin`` draws after the warm-up."""
    engine, tune = engine_of(sampler, posterior, tune)
    chain = engine.begin(seed)
    if tune:
        advanced(engine, chain, posterior, tune)
    block = advanced(engine, chain, posterior, KEPT * thin)
    return block.v[thin - 1 :: thin], block.scalars[thin - 1 :: thin]


def engine_of(sampler: Sampler, posterior: Posterior, tune: int) -> tuple[Engine, int]:
    """The sampler prepared, and its iterations of warm-up: none where it needs none."""
    if sampler.prepare is None:
        raise AssertionError(
            f"sampler {sampler.name!r} only knows whole runs; give it prepare(setup) -> Engine"
        )
    tune = tune if sampler.default_tune else 0
    return sampler.prepare(Setup(posterior, posterior.problem.start, tune)), tune


def advanced(engine: Engine, chain: Chain, posterior: Posterior, count: int) -> Block:
    """The next draws of a chain."""
    block = Block.empty(
        count, posterior.problem.size, len(posterior.scalars), len(engine.statistics)
    )
    engine.advance(chain, block)
    chain.iteration += count
    if not (np.all(np.isfinite(block.v)) and np.all(np.isfinite(block.scalars))):
        raise AssertionError("a draw is not finite; the sampler must return numbers only")
    return block
