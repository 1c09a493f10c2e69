"""The posterior of an unknown sigma at one scale, as weights on nodes.

    p(sigma | y, t) ~ p(y | sigma, t) p(sigma),   log p(y | t) = log of its integral

A Gauss rule in log sigma between the points where the density has become negligible. Where sigma
is a number it is one node of weight 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.components import Kind
from bayesreg.posterior.marginal import GaussianMarginal
from bayesreg.priors.on_noise import noise_density
from bayesreg.scales.normal_law import NormalLaw

# Nats below the peak at which nothing is left; panels and nodes in them; steps of the search.
_NEGLIGIBLE, _PANELS, _NODES, _STEPS = 46.0, 12, 12, 400
# log of a sigma whose square is still a number.
_LEAST, _LARGEST = -300.0, 300.0


@dataclass(frozen=True, eq=False)
class NoiseMixture:
    """Nodes of sigma (in units of the likelihood's own where that is a number), log weights.

    ``log_evidence`` is log p(y | t).
    """

    sigma: FloatArray
    log_weights: FloatArray
    log_evidence: float

    @property
    def weights(self) -> FloatArray:
        return np.exp(self.log_weights)


def noise_mixture(law: NormalLaw, t: float) -> NoiseMixture:
    """At factor t of the prior scales."""
    marginal = GaussianMarginal(law.kind, law.components)
    prior = law.posterior.sigma
    if prior is None:
        return NoiseMixture(np.ones(1), np.zeros(1), float(marginal.log_likelihood(1.0, t)))
    density = noise_density(prior)

    def log_density(x: FloatArray) -> FloatArray:
        sigma = np.exp(x)
        found: FloatArray = marginal.log_likelihood(sigma, t) + density.log_density(sigma) + x
        return found

    with np.errstate(divide="ignore"):
        low = max(float(np.log(density.lower)), _LEAST)
        high = min(float(np.log(density.upper)), _LARGEST)
    low, high = _support(log_density, low, high, _guess(law, t))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(low, high, _PANELS + 1)
    half = 0.5 * np.diff(edges)[:, None]
    x = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
    logs = log_density(x) + np.log((half * weights).ravel())
    largest = float(np.max(logs))
    total = largest + float(np.log(np.sum(np.exp(logs - largest))))
    return NoiseMixture(np.exp(x), logs - total, total)


def _guess(law: NormalLaw, t: float) -> float:
    """log of about the most likely sigma."""
    parts = law.components
    size = parts.rest + float(np.sum(parts.c**2))
    if law.kind is not Kind.SCALE_BY_SIGMA:
        size = float(parts.determinant_and_squares(np.array([t]))[1][0])
    return 0.5 * float(np.log(max(size, 1e-290) / max(parts.contrasts, 1)))


def _support(log_density, low: float, high: float, guess: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Where the density is not negligible: the search widens, then narrows."""
    a, b = max(low, min(guess, high) - 12.0), min(high, max(guess, low) + 6.0)
    for _ in range(40):
        x = np.linspace(a, b, _STEPS)
        values = log_density(x)
        inside = np.flatnonzero(values > np.max(values) - _NEGLIGIBLE)
        first, last = int(inside[0]), int(inside[-1])
        wider = (first == 0 and a > low, last == _STEPS - 1 and b < high)
        if not any(wider):
            step = (b - a) / (_STEPS - 1)
            a, b = max(low, float(x[first]) - step), min(high, float(x[last]) + step)
            if last - first > _STEPS // 4:
                break
            continue
        a = max(low, a - 12.0) if wider[0] else a
        b = min(high, b + 12.0) if wider[1] else b
    return a, b
