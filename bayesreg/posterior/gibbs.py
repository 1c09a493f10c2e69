"""Gibbs sampling: Gaussian likelihood, priors that are scale mixtures of normals.

Laplace, ElasticNet, Normal, StudentT, Cauchy, Horseshoe and GroupLaplace in any mix, flat
coefficients integrated out; sigma and the scales are numbers or have any density of
:mod:`bayesreg.priors.on_noise`; priors absolute or relative to the noise. Park and Casella (2008,
JASA 103:681) with every scale drawn where it mixes best. Where the contrasts of the rows outnumber
the columns well, it runs on the Gram matrix (:mod:`bayesreg._kernels.gram_gibbs`), else in the
dimension of the rows (:mod:`bayesreg._kernels.row_gibbs`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior.contrasts import Contrasts, contrasts_of
from bayesreg.posterior.mixture import mixture_of, proper_columns, units, unsuited
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.scalars import encode
from bayesreg.posterior.target import Posterior

__all__ = ["prepare", "unsuited"]

#: (u, scalars, stream of random numbers, draws, draws of scalars) -> iterations done.
Iterate = Callable[..., int]
# With fewer contrasts per column than this an unknown sigma, drawn given the coefficients alone,
# moves so slowly that the rows win in spite of their cost.
_WELL_DETERMINED = 1.25


def prepare(setup: Setup) -> Engine:
    """Contrasts, and their Gram matrix where there are enough of them."""
    return _Gibbs(setup)


class _Gibbs:
    """Chains from dispersed starts."""

    statistics = ()

    def __init__(self, setup: Setup) -> None:
        posterior = setup.posterior
        proper = proper_columns(posterior)
        self._rows = contrasts_of(posterior.problem, proper, units(posterior, proper))
        on_gram = _runs_on_gram(posterior, self._rows)
        self._iterate = _kernel(posterior, proper, self._rows, on_gram)
        self._starts = _typical_scalars(posterior, self._rows, proper)
        self._sigma_is_given = posterior.sigma is None
        r, q = self._rows.design.shape
        self.cost = q**3 / 3.0 + 100.0 * q if on_gram else 2.0 * r**2 * q + 2.0 * r**3

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        start, draws, completion = (np.random.default_rng(child) for child in seed.spawn(3))
        typical, lower, upper = self._starts
        scalars = np.clip(typical * np.exp(0.5 * start.standard_normal(typical.size)), lower, upper)
        # Twice a draw from a Laplace of about the prior's sd: wider than any posterior here.
        u = 2.0 * start.laplace(size=self._rows.design.shape[1]) / np.sqrt(2.0)
        state = {"u": u, "scalars": scalars}
        return Chain(state, {"draws": draws, "completion": completion})

    def advance(self, chain: Chain, block: Block) -> None:
        from bayesreg._kernels.completion import complete

        u, scalars = chain.state["u"], chain.state["scalars"]
        kept = np.empty((block.count, u.size))
        scalar_draws = np.empty((block.count, scalars.size))
        done = self._iterate(u, scalars, chain.streams["draws"], kept, scalar_draws)
        if done < block.count:
            raise ImproperPosteriorError(_SINGULAR)
        sigma = np.ascontiguousarray(scalar_draws[:, 0])
        complete(self._rows.whole, kept, sigma, chain.streams["completion"], block.v)
        block.scalars[:] = scalar_draws[:, 1:] if self._sigma_is_given else scalar_draws


def _runs_on_gram(posterior: Posterior, rows: Contrasts) -> bool:
    enough = _WELL_DETERMINED if posterior.scalars else 1.0
    return rows.contrasts >= enough * rows.design.shape[1]


def _typical_scalars(
    posterior: Posterior, rows: Contrasts, proper: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """About the size of sigma and of each scale by least squares; their bounds."""
    size = float(rows.target @ rows.target) + rows.rest
    sigma = np.sqrt(size / max(rows.contrasts, 1)) if posterior.sigma is not None else 1.0
    nearest = np.linalg.lstsq(rows.design, rows.target, rcond=None)[0]
    typical = [sigma if sigma > 0 else 1.0]
    for scale in posterior.scales:
        own = nearest[scale.columns[proper]]
        spread = np.sqrt(np.mean(own**2)) if own.size else 0.0
        typical.append(spread if np.isfinite(spread) and spread > 0 else 1.0)
    bounds = encode(posterior.scalars.values()).parameters[:, 3:5].reshape(-1, 2)
    if posterior.sigma is None:
        bounds = np.vstack([[1.0, 1.0], bounds])
    return np.array(typical), bounds[:, 0], bounds[:, 1]


def _kernel(posterior: Posterior, proper: IntArray, rows: Contrasts, on_gram: bool) -> Iterate:
    from bayesreg._kernels.gram_gibbs import Gram, gibbs_gram
    from bayesreg._kernels.row_gibbs import Rows, gibbs_rows
    from bayesreg._kernels.scale_moves import GIVEN, Unknowns

    mixture, groups = mixture_of(posterior, proper, rows.whole.unit)
    encoded = encode(posterior.scalars.values())
    codes, parameters = encoded.codes, encoded.parameters
    if posterior.sigma is None:
        codes = np.append(GIVEN, codes)
        parameters = np.vstack([np.zeros((1, parameters.shape[1])), parameters])
    unknowns = Unknowns(codes, parameters)
    A, t = rows.design, rows.target
    if not on_gram:
        part = np.column_stack([mixture.relative, mixture.scale])
        new = np.any(part[1:] != part[:-1], axis=1)
        first = np.concatenate([[0], 1 + np.flatnonzero(new), [proper.size]])
        of_rows = Rows(A, t, rows.rest, rows.contrasts, first)
        return lambda *state: gibbs_rows(of_rows, mixture, unknowns, groups, *state)
    centre = np.linalg.lstsq(A, t, rcond=None)[0]
    beyond = t - A @ centre
    rest = rows.rest + float(beyond @ beyond)
    of_gram = Gram(A.T @ A, A.T @ t, centre, rest, rows.contrasts)
    return lambda *state: gibbs_gram(of_gram, mixture, unknowns, groups, *state)


_SINGULAR = (
    "the posterior is singular to working precision: some columns are nearly collinear and their "
    "prior is too wide to tell them apart. Drop or merge the collinear columns, or give them a "
    "smaller prior scale"
)
