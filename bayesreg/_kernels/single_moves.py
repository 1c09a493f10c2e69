"""One coefficient at a time with its mixing variable integrated out (Hans 2009, Biometrika 96:835).

Given d a coefficient near 0 cannot leave: d is large because u is small. A sweep over

    u_j | all else but d  ~  exp(slope u - precision u^2 / 2 - kink |u|),
    precision = ||a_j||^2 / sigma^2 + l2 / f^2,   kink = l1 / f

between the joint draws of u given d frees it, at a small part of their cost. Only Laplace and
elastic-net coefficients have a d that moves and such a density.
"""

from __future__ import annotations

import numba
import numpy as np

from bayesreg._kernels.mixing import LAPLACE, Mixture
from bayesreg._kernels.truncated_normal import draw_kinked


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sweep_on_gram(
    gram: np.ndarray,
    moment: np.ndarray,
    mixture: Mixture,
    factor: np.ndarray,
    sigma: float,
    u: np.ndarray,
    gradient: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Every coefficient once; ``gradient`` is room for A'(t - A u)."""
    q = u.size
    for j in range(q):
        gradient[j] = moment[j]
    for i in range(q):
        for j in range(q):
            gradient[j] -= gram[i, j] * u[i]
    inverse = 1.0 / (sigma * sigma)
    for j in range(q):
        if mixture.kind[j] != LAPLACE:
            continue
        precision = gram[j, j] * inverse + mixture.l2[j] / (factor[j] * factor[j])
        slope = (gradient[j] + gram[j, j] * u[j]) * inverse
        new = draw_kinked(-np.inf, np.inf, slope, mixture.l1[j] / factor[j], precision, rng)
        change = new - u[j]
        u[j] = new
        for i in range(q):
            gradient[i] -= change * gram[j, i]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sweep_on_rows(
    columns: np.ndarray,
    squares: np.ndarray,
    mixture: Mixture,
    factor: np.ndarray,
    sigma: float,
    u: np.ndarray,
    residual: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Every coefficient once; ``columns`` is A' and ``residual`` t - A u, kept up to date."""
    n = residual.size
    inverse = 1.0 / (sigma * sigma)
    for j in range(u.size):
        if mixture.kind[j] != LAPLACE:
            continue
        gradient = 0.0
        for i in range(n):
            gradient += columns[j, i] * residual[i]
        precision = squares[j] * inverse + mixture.l2[j] / (factor[j] * factor[j])
        slope = (gradient + squares[j] * u[j]) * inverse
        new = draw_kinked(-np.inf, np.inf, slope, mixture.l1[j] / factor[j], precision, rng)
        change = new - u[j]
        u[j] = new
        for i in range(n):
            residual[i] -= change * columns[j, i]
