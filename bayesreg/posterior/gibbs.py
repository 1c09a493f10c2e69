"""Gibbs sampling: Gaussian likelihood with known sigma, any mix of Laplace, ElasticNet, Normal.

Park and Casella (2008, JASA 103:681) augmented by elastic-net curvature, in whitened rows
(:mod:`bayesreg.posterior.whitening`); the iteration is in
:mod:`bayesreg._kernels.bayesian_lasso`. With q <= n it runs on the Gram matrix, formed once from
centred columns; with q > n in n dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.whitening import WhitenedRows, unsuited, whiten

__all__ = ["prepare", "unsuited"]

#: (u, stream of random numbers, draws) -> iterations done.
Iterate = Callable[..., int]


def prepare(setup: Setup) -> Engine:
    """Whitened rows, and their Gram matrix where q <= n."""
    return _Gibbs(setup)


class _Gibbs:
    """Chains from dispersed starts."""

    statistics = ()

    def __init__(self, setup: Setup) -> None:
        self._rows = whiten(setup.posterior.problem)
        self._iterate = _kernel(self._rows)
        n, q = self._rows.design.shape
        self.cost = q**3 / 3.0 if q <= n else 2.0 * n**2 * q

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        start, draws, completion = (np.random.default_rng(child) for child in seed.spawn(3))
        u = dispersed_start(self._rows, start)
        return Chain({"u": u}, {"draws": draws, "completion": completion})

    def advance(self, chain: Chain, block: Block) -> None:
        kept = np.empty((block.count, self._rows.l2.size))
        if self._iterate(chain.state["u"], chain.streams["draws"], kept) < block.count:
            raise ImproperPosteriorError(_SINGULAR)
        block.v[:] = self._rows.completion(kept, chain.streams["completion"])


def dispersed_start(rows: WhitenedRows, rng: np.random.Generator) -> FloatArray:
    """Twice a draw from a Laplace of about the prior's sd: wider than any posterior here."""
    return 2.0 * rng.laplace(size=rows.l2.size) / np.sqrt(2.0)


def _kernel(rows: WhitenedRows) -> Iterate:
    from bayesreg._kernels.bayesian_lasso import gibbs_gram, gibbs_rows

    A, t, l1, l2 = (
        np.ascontiguousarray(part) for part in (rows.design, rows.target, rows.l1, rows.l2)
    )
    n, q = A.shape
    if q > n:
        return lambda u, rng, draws: gibbs_rows(A, t, l1, l2, u, rng, draws)
    gram, moment = A.T @ A, A.T @ t
    return lambda u, rng, draws: gibbs_gram(gram, moment, l1, l2, u, rng, draws)


_SINGULAR = (
    "the posterior is singular to working precision: some columns are nearly collinear and their "
    "prior is too wide to tell them apart. Drop or merge the collinear columns, or give them a "
    "smaller prior scale"
)
