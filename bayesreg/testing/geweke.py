"""Geweke's joint distribution test: a sampler that alternates with the data keeps the prior.

    repeat:   y ~ p(y | theta),   theta ~ one transition of the sampler, given y

has the joint density of theta and y as its stationary law, and the prior as its margin, exactly
when each transition keeps p(theta | y) (Geweke 2004, JASA 99:799). It needs no convergence within a
posterior, and so sees errors of single transitions that long runs given fixed data blur.

Each quantity is replaced by its rank among independent draws from the prior, so that two moments
exist whatever its tails are: with U uniform, E U = 1/2 and E (U - 1/2)^2 = 1/12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.protocol import Sampler
from bayesreg.posterior.target import Posterior
from bayesreg.testing.calibration import advanced, engine_of, holm
from bayesreg.testing.simulation import Parameters, Simulator

# Independent draws from the prior for each transition of the chain.
_PRIOR_DRAWS = 2


@dataclass(frozen=True)
class JointTest:
    """z of the first two moments of each quantity.

    Attributes
    ----------
    labels : tuple of str
    z : (2, quantities) array
        Of E U and of E (U - 1/2)^2, standard normal for a right sampler.
    """

    labels: tuple[str, ...]
    z: FloatArray

    @property
    def worst(self) -> tuple[str, float]:
        """The quantity furthest from its prior, and its p-value adjusted by Holm's method."""
        from scipy import stats

        p = holm(2.0 * stats.norm.sf(np.abs(self.z).ravel())).reshape(self.z.shape)
        return self.labels[int(np.argmin(np.min(p, axis=0)))], float(np.min(p))


def joint_test(
    sampler: Sampler,
    simulator: Simulator,
    told: Posterior,
    *,
    transitions: int,
    tune: int,
    seed: int,
) -> JointTest:
    """Alternate data and transitions; compare with the prior.

    Between transitions the sampler is prepared anew for the new data and the chain handed on: its
    state must hold nothing that depends on the data.
    """
    of_simulation, of_chain = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(of_simulation)
    v, scalars = _alternated(sampler, simulator, told, transitions, tune, rng, of_chain)
    independent = [simulator.parameters(rng) for _ in range(_PRIOR_DRAWS * transitions)]
    expected = simulator.quantities(
        None,
        np.array([at.v for at in independent]),
        np.array([list(at.scalars.values()) for at in independent]).reshape(len(independent), -1),
    )
    found = simulator.quantities(None, v, scalars)
    z = [_z(np.sort(prior), chain) for prior, chain in zip(expected.T, found.T, strict=True)]
    return JointTest(simulator.labels[:-1], np.array(z).T)


def _alternated(
    sampler: Sampler,
    simulator: Simulator,
    told: Posterior,
    transitions: int,
    tune: int,
    rng: np.random.Generator,
    seed: np.random.SeedSequence,
) -> tuple[FloatArray, FloatArray]:
    """The chain of parameters."""
    believed = Simulator(told)
    at = simulator.parameters(rng)
    posterior = believed.given(simulator.target(at, rng))
    engine, tune = engine_of(sampler, posterior, tune)
    chain = engine.begin(seed)
    if tune:
        advanced(engine, chain, posterior, tune)
    v = np.empty((transitions, posterior.problem.size))
    scalars = np.empty((transitions, len(posterior.scalars)))
    for t in range(transitions):
        block = advanced(engine, chain, posterior, 1)
        v[t], scalars[t] = block.v[0], block.scalars[0]
        at = Parameters(v[t], dict(zip(posterior.scalars, scalars[t].tolist(), strict=True)))
        posterior = believed.given(simulator.target(at, rng))
        engine, _ = engine_of(sampler, posterior, tune)
    return v, scalars


def _z(prior: FloatArray, chain: FloatArray) -> tuple[float, float]:
    """How far the two moments of a chain's ranks among prior draws are from their own."""
    from arviz_stats import ess

    n = prior.size
    below = np.searchsorted(prior, chain, "left") + np.searchsorted(prior, chain, "right")
    u = below / (2.0 * n)
    z = []
    for moment, expected, of_prior in (
        (u, 0.5, 1.0 / 12.0),
        ((u - 0.5) ** 2, 1.0 / 12.0, 1.0 / 180.0),
    ):
        effective = float(ess(moment[None, :], method="mean"))
        error = np.sqrt(np.var(moment) / effective + of_prior / n)
        z.append(float((np.mean(moment) - expected) / error))
    return z[0], z[1]
