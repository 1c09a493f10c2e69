"""Gibbs sampling on the Gram matrix: the cost of a draw does not depend on n.

    t = A u + sigma e,   u_j = f_j x_j,   x_j | d_j ~ N(0, 1 / d_j)

With P = A'A + diag(d_j sigma^2 / f_j^2) = R'R and mu = P^-1 A't, an iteration draws

    sigma, scales | u              d integrated out (:mod:`bayesreg._kernels.scale_moves`)
    d | u, sigma, scales           (:mod:`bayesreg._kernels.mixing`)
    sigma | d, scales              u integrated out, where every prior is relative to the noise:
                                   RSS(mu) + mu' (P - A'A) mu and the contrasts say what t does
    u | d, sigma, scales           = mu + sigma R^-1 z

The last two are one block (Rajaratnam, Sparks, Khare and Zhang 2019, JCGS 28:155).
RSS(u) = rest + (u - centre)' A'A (u - centre) around least squares, so that no digits cancel.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.dense import cholesky, solve_transposed, solve_upper
from bayesreg._kernels.log_concave import Conditional, draw_log_scalar
from bayesreg._kernels.mixing import Mixture, all_relative, draw_precisions, fill_factors, keep
from bayesreg._kernels.scale_moves import GIVEN, Room, Unknowns, draw_scalars


class Gram(NamedTuple):
    """A'A, A't, a least-squares solution and its residual sum of squares.

    ``contrasts``: how many directions of the rows are left after what was integrated out.
    """

    gram: np.ndarray
    moment: np.ndarray
    centre: np.ndarray
    rest: float
    contrasts: int


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gibbs_gram(
    rows: Gram,
    mixture: Mixture,
    unknowns: Unknowns,
    groups: int,
    u: np.ndarray,
    scalars: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
    scalar_draws: np.ndarray,
) -> int:
    """Iterate from u and (sigma, scales), changed in place.

    Returns the iterations done: fewer than ``draws`` has rows when P was singular to rounding.
    """
    q = u.size
    P, precision, factor = np.empty((q, q)), np.empty(q), np.empty(q)
    mean, noise = np.empty(q), np.empty(q)
    room = Room(np.empty(groups), np.empty(q), np.empty(q))
    random_noise = unknowns.codes[0] != GIVEN
    as_block = random_noise and all_relative(mixture)
    fill_factors(mixture, scalars, factor)
    first = 1 if as_block else 0
    for i in range(draws.shape[0]):
        rss = residual_square(rows, u) if random_noise and not as_block else 0.0
        draw_scalars(
            mixture, unknowns, u, rss, rows.contrasts, first, scalars, factor, room, rng
        )  # fmt: skip
        draw_precisions(mixture, u, factor, rng, room.norms, precision)
        for j in range(q):
            ratio = scalars[0] / factor[j]
            precision[j] *= ratio * ratio
        if not _factorise(rows, precision, P, mean):
            return i
        if as_block:
            total = residual_square(rows, mean)
            for j in range(q):
                total += precision[j] * mean[j] * mean[j]
            terms = Conditional(float(rows.contrasts), 0.0, total, 0, room.ratio, room.nu)
            t = draw_log_scalar(
                terms, unknowns.codes[0], unknowns.parameters[0], np.log(scalars[0]), rng
            )
            scalars[0] = np.exp(t)
            fill_factors(mixture, scalars, factor)
        for j in range(q):
            noise[j] = rng.standard_normal()
        solve_upper(P, noise)
        for j in range(q):
            u[j] = mean[j] + scalars[0] * noise[j]
        keep(u, scalars, draws[i], scalar_draws[i])
    return int(draws.shape[0])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _factorise(rows: Gram, precision: np.ndarray, P: np.ndarray, mean: np.ndarray) -> bool:
    """R and mu."""
    q = mean.size
    for i in range(q):
        for j in range(q):
            P[i, j] = rows.gram[i, j]
        P[i, i] += precision[i]
        mean[i] = rows.moment[i]
    if not cholesky(P):
        return False
    solve_transposed(P, mean)
    solve_upper(P, mean)
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def residual_square(rows: Gram, u: np.ndarray) -> float:
    """RSS(u)."""
    total = rows.rest
    for i in range(u.size):
        inner = 0.0
        for j in range(u.size):
            inner += rows.gram[i, j] * (u[j] - rows.centre[j])
        total += inner * (u[i] - rows.centre[i])
    return max(total, 0.0)
