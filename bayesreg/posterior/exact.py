"""Exact independent draws: Gaussian likelihood, Normal and flat priors, any sigma and scale.

With everything but the coefficients a number, in whitened rows
(:mod:`bayesreg.posterior.whitening`) the posterior of u is normal with precision P = A'A + I and
mean P^-1 A't.

* q <= n: R'R = P by a QR decomposition of A stacked on I, never of a Gram matrix, and
  u = R^-1 (c + z) with c = R^-T A't from the same decomposition.
* q > n: with A = U S V' and z ~ N(0, I_q),

      u = z + V ( S / (1 + S^2) U't + ((1 + S^2)^(-1/2) - 1) V'z ),

  which costs O(n^2 q) once and O(n q) a draw, as do the n-dimensional draws of Bhattacharya,
  Chakraborty and Mallick (2016, Biometrika 103:985), and has their law.

With sigma or a scale unknown they are drawn first, from their own posterior
(:mod:`bayesreg.posterior.unknown_scalars`), then u given them by the same decomposition:
V'u = ratio^2 S c / (1 + ratio^2 S^2) + sigma ratio z / sqrt(1 + ratio^2 S^2), c = U't.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.affine_map import affine_map
from bayesreg.posterior.marginal import gaussian_marginal, why_no_marginal
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.posterior.unknown_scalars import unknown_scalars
from bayesreg.posterior.whitening import WhitenedRows, whiten

# Singular values carry an absolute error of rounding times the largest one, while the prior
# counts 1: beyond this the q x q form, which no scaling of columns disturbs, takes over.
_WELL_SCALED = 1e8

#: A map from standard normals, one row per draw, to draws of u.
Transform = Callable[[FloatArray], FloatArray]


def unsuited(posterior: Posterior) -> str | None:
    """Why there are no exact draws for this posterior; None when there are."""
    return why_no_marginal(posterior)


def prepare(setup: Setup) -> Engine:
    """One factorisation."""
    return _Known(setup.posterior) if not setup.posterior.scalars else _Unknown(setup.posterior)


class _Known:
    """Nothing is unknown but the coefficients."""

    statistics = ()

    def __init__(self, posterior: Posterior) -> None:
        rows = whiten(posterior.problem)
        self._back = affine_map(rows.completion)
        self._transform = _transform(rows)
        n, self._q = rows.design.shape
        self._k = self._back.on_noise.shape[0]
        self.cost = 2.0 * self._q * min(n, self._q)
        self._whole = None
        if self._q <= n:
            self._whole = _composed(self._transform, self._back.matrix, self._q)

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        return Chain({}, {"draws": np.random.default_rng(seed)})

    def advance(self, chain: Chain, block: Block) -> None:
        z = chain.streams["draws"].standard_normal((block.count, self._q + self._k))
        if self._whole is None:
            self._back.fill(block.v, self._transform(z[:, : self._q]), z[:, self._q :])
            return
        shift, matrix = self._whole
        np.matmul(z, matrix, out=block.v)
        np.add(block.v, self._back.origin + shift, out=block.v)


def _composed(transform: Transform, matrix: FloatArray, q: int) -> tuple[FloatArray, FloatArray]:
    """The map from noise to u and the one from u to v, multiplied."""
    mean = transform(np.zeros((1, q)))
    whole = matrix.copy()
    whole[:q] = (transform(np.eye(q)) - mean) @ matrix[:q]
    return (mean @ matrix[:q])[0], whole


class _Unknown:
    """Sigma, a scale or both are unknown."""

    statistics = ()

    def __init__(self, posterior: Posterior) -> None:
        marginal = gaussian_marginal(posterior)
        self._parts = parts = marginal.components
        on_scale = posterior.scales[0].prior if posterior.scales else None
        self._scalars = unknown_scalars(marginal.kind, parts, posterior.sigma, on_scale)
        self._columns = [name != "sigma" for name in posterior.scalars]
        r, self._q = parts.right.shape
        self._k = parts.back.on_noise.shape[0]
        self._square = r == self._q
        self.cost = 2.0 * self._q * r
        matrix = parts.back.matrix if self._square else np.empty((0, 0))
        self._from_prior = parts.right @ matrix[: self._q] if self._square else parts.right
        self._from_noise = matrix[self._q :]

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        names = ("draws", "ratio", "size")
        streams = [np.random.default_rng(child) for child in seed.spawn(3)]
        return Chain({}, dict(zip(names, streams, strict=True)))

    def advance(self, chain: Chain, block: Block) -> None:
        streams = chain.streams
        ratio, sigma, scale = self._scalars.draws(block.count, streams["ratio"], streams["size"])
        for k, is_scale in enumerate(self._columns):
            block.scalars[:, k] = scale if is_scale else sigma
        numbers = streams["draws"].standard_normal((block.count, self._q + self._k))
        z, noise = np.ascontiguousarray(numbers[:, : self._q]), numbers[:, self._q :]
        noise *= sigma[:, None]
        self._fill(block.v, ratio, sigma, z, noise)

    def _fill(
        self, v: FloatArray, ratio: FloatArray, sigma: FloatArray, z: FloatArray, noise: FloatArray
    ) -> None:
        from bayesreg._kernels.variance_components import coordinates

        parts = self._parts
        along = z if self._square else z @ parts.right.T
        coordinates(ratio, sigma, parts.d, parts.c, not self._square, along)
        if self._square:
            np.matmul(along, self._from_prior, out=v)
            v += parts.back.origin + noise @ self._from_noise
            return
        z *= (ratio * sigma)[:, None]
        z += along @ parts.right
        parts.back.fill(v, z, noise)


def _transform(rows: WhitenedRows) -> Transform:
    n, q = rows.design.shape
    largest = np.sqrt(np.max(np.sum(rows.design**2, axis=0), initial=0.0))
    if q > n and largest < _WELL_SCALED:
        return _wide(rows)
    return _tall(rows)


def _tall(rows: WhitenedRows) -> Transform:
    from scipy.linalg import solve_triangular

    q = rows.l2.size
    data = np.column_stack([rows.design, rows.target])
    prior = np.column_stack([np.eye(q), np.zeros(q)])
    R: FloatArray = np.asarray(np.linalg.qr(np.vstack([data, prior]), mode="r"))[:q]
    factor, mean = R[:, :q], R[:, q]

    def transform(z: FloatArray) -> FloatArray:
        u: FloatArray = solve_triangular(factor, (mean + z).T).T if q else z
        return u

    return transform


def _wide(rows: WhitenedRows) -> Transform:
    U, S, Vt = np.linalg.svd(rows.design, full_matrices=False)
    mean = S / (1.0 + S**2) * (U.T @ rows.target)
    shrink = 1.0 / np.sqrt(1.0 + S**2) - 1.0

    def transform(z: FloatArray) -> FloatArray:
        in_row_space = mean + shrink * (z @ Vt.T)
        return z + in_row_space @ Vt

    return transform
