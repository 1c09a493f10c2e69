"""Exact independent draws: Gaussian likelihood with known sigma, Normal and flat priors.

In whitened rows (:mod:`bayesreg.posterior.whitening`) the posterior of u is normal with precision
P = A'A + D and mean P^-1 A't, D = diag(l2).

* q <= n: R'R = P by a QR decomposition of A stacked on D^(1/2), never of a Gram matrix, and
  u = R^-1 (c + z) with c = R^-T A't from the same decomposition.
* q > n: with A D^(-1/2) = U S V' and z ~ N(0, I_q),

      u = D^(-1/2) [ z + V ( S / (1 + S^2) U't + ((1 + S^2)^(-1/2) - 1) V'z ) ],

  which costs O(n^2 q) once and O(n q) a draw, as do the n-dimensional draws of Bhattacharya,
  Chakraborty and Mallick (2016, Biometrika 103:985), and has their law.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.posterior.whitening import WhitenedRows, whiten
from bayesreg.posterior.whitening import unsuited as cannot_whiten

# Singular values carry an absolute error of rounding times the largest one, while the prior
# counts 1: beyond this the q x q form, which no scaling of columns disturbs, takes over.
_WELL_SCALED = 1e8

#: A map from standard normals, one row per draw, to draws of u.
Transform = Callable[[FloatArray], FloatArray]


def unsuited(posterior: Posterior) -> str | None:
    """Why there are no exact draws for this posterior; None when there are."""
    problem = posterior.problem
    reason = cannot_whiten(posterior)
    if reason is not None:
        return reason
    if np.any((problem.penalty.l1 > 0) & ~problem.penalty.is_pinned):
        return "it needs Normal or flat priors throughout; some prior here has a kink"
    return None


def prepare(setup: Setup) -> Engine:
    """One factorisation."""
    return _Exact(setup)


class _Exact:
    """Independent draws; there is nothing to warm up."""

    statistics = ()

    def __init__(self, setup: Setup) -> None:
        self._rows = whiten(setup.posterior.problem)
        self._transform = _transform(self._rows)
        n, q = self._rows.design.shape
        self.cost = 2.0 * q * min(n, q)

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        streams = [np.random.default_rng(child) for child in seed.spawn(2)]
        return Chain({}, dict(zip(("draws", "completion"), streams, strict=True)))

    def advance(self, chain: Chain, block: Block) -> None:
        z = chain.streams["draws"].standard_normal((block.count, self._rows.l2.size))
        u = self._transform(z)
        block.v[:] = self._rows.completion(u, chain.streams["completion"])


def _transform(rows: WhitenedRows) -> Transform:
    n, q = rows.design.shape
    standard = rows.design / np.sqrt(rows.l2)
    largest = np.sqrt(np.max(np.sum(standard**2, axis=0), initial=0.0))
    if q > n and largest < _WELL_SCALED:
        return _wide(standard, rows)
    return _tall(rows)


def _tall(rows: WhitenedRows) -> Transform:
    from scipy.linalg import solve_triangular

    q = rows.l2.size
    data = np.column_stack([rows.design, rows.target])
    prior = np.column_stack([np.diag(np.sqrt(rows.l2)), np.zeros(q)])
    R: FloatArray = np.asarray(np.linalg.qr(np.vstack([data, prior]), mode="r"))[:q]
    factor, mean = R[:, :q], R[:, q]

    def transform(z: FloatArray) -> FloatArray:
        u: FloatArray = solve_triangular(factor, (mean + z).T).T if q else z
        return u

    return transform


def _wide(standard: FloatArray, rows: WhitenedRows) -> Transform:
    U, S, Vt = np.linalg.svd(standard, full_matrices=False)
    mean = S / (1.0 + S**2) * (U.T @ rows.target)
    shrink = 1.0 / np.sqrt(1.0 + S**2) - 1.0
    deviation = 1.0 / np.sqrt(rows.l2)

    def transform(z: FloatArray) -> FloatArray:
        in_row_space = mean + shrink * (z @ Vt.T)
        return deviation * (z + in_row_space @ Vt)

    return transform
