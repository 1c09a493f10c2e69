"""Gibbs sampling in the dimension of the rows, for as many columns as rows or more.

    t = A u + sigma e,   u_j = f_j x_j,   x_j | d_j ~ N(0, 1 / d_j)

The columns come in parts that share their factor f (powers of sigma and of one scale), and with
M = sum over a part of a_j a_j' / d_j the rows alone know sigma and the scales:

    t | sigma, scales, d  ~  N(0, sigma^2 I + sum over parts f^2 M)

An iteration draws

    u one by one              d integrated out (:mod:`bayesreg._kernels.single_moves`)
    sigma, scales | u         d integrated out (:mod:`bayesreg._kernels.scale_moves`)
    d | u, sigma, scales      (:mod:`bayesreg._kernels.mixing`)
    sigma, scales | d         u integrated out (:mod:`bayesreg._kernels.marginal_moves`)
    u | d, sigma, scales      with g_j = f_j^2 / d_j and C the covariance above,
                              u = g^(1/2) z + g A' C^-1 (t - A g^(1/2) z - sigma e)

The last is Bhattacharya, Chakraborty and Mallick (2016, Biometrika 103:985). The two draws of sigma
and scales interweave u with d in units of the scale (Yu and Meng 2011, JCGS 20:531): alone,
neither moves sigma where the rows can be fitted exactly. The exact one comes first, so that a
chain may begin anywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.dense import cholesky, solve_transposed, solve_upper
from bayesreg._kernels.marginal_moves import draw_scalars_on_rows
from bayesreg._kernels.mixing import Mixture, draw_precisions, fill_factors, keep
from bayesreg._kernels.scale_moves import Room, Unknowns, draw_scalars, some_unknown
from bayesreg._kernels.single_moves import sweep_on_rows


class Rows(NamedTuple):
    """A and t, the residual square beyond their rows, and how many directions there are in all.

    Columns ``first[s]`` up to ``first[s + 1]`` are part s.
    """

    design: np.ndarray
    target: np.ndarray
    rest: float
    contrasts: int
    first: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gibbs_rows(
    rows: Rows,
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

    Returns the iterations done: fewer than ``draws`` has rows when C was singular to rounding.
    """
    n, q = rows.design.shape
    parts = rows.first.size - 1
    precision, factor = np.empty(q), np.empty(q)
    scaled, M, C = np.empty((n, q)), np.empty((parts, n, n)), np.empty((n, n))
    room = Room(np.empty(groups), np.empty(q), np.empty(q))
    columns, squares = np.empty((q, n)), np.zeros(q)
    for i in range(n):
        for j in range(q):
            columns[j, i] = rows.design[i, j]
            squares[j] += rows.design[i, j] ** 2
    some = some_unknown(unknowns)
    fill_factors(mixture, scalars, factor)
    for i in range(draws.shape[0]):
        residual = np.dot(rows.design, u)
        for k in range(n):
            residual[k] = rows.target[k] - residual[k]
        sweep_on_rows(columns, squares, mixture, factor, scalars[0], u, residual, rng)
        if some:
            rss = rows.rest
            for k in range(n):
                rss += residual[k] * residual[k]
            draw_scalars(
                mixture, unknowns, u, rss, rows.contrasts, 0, scalars, factor, room, rng
            )  # fmt: skip
        draw_precisions(mixture, u, factor, rng, room.norms, precision)
        _fill_parts(rows, precision, scaled, M)
        if some:
            draw_scalars_on_rows(
                M, rows.target, rows.rest, rows.contrasts, rows.first, mixture, unknowns,
                scalars, rng,
            )  # fmt: skip
            fill_factors(mixture, scalars, factor)
        if not _draw_coefficients(rows, scaled, M, precision, factor, scalars[0], C, u, rng):
            return i
        keep(u, scalars, draws[i], scalar_draws[i])
    return int(draws.shape[0])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill_parts(rows: Rows, precision: np.ndarray, scaled: np.ndarray, M: np.ndarray) -> None:
    """A d^(-1/2), and M of each part."""
    n, q = rows.design.shape
    root = np.empty(q)
    for j in range(q):
        root[j] = 1.0 / np.sqrt(precision[j])
    for i in range(n):
        for j in range(q):
            scaled[i, j] = rows.design[i, j] * root[j]
    for s in range(M.shape[0]):
        if M.shape[0] == 1:
            M[0] = np.dot(scaled, scaled.T)
        else:
            part = np.ascontiguousarray(scaled[:, rows.first[s] : rows.first[s + 1]])
            M[s] = np.dot(part, part.T)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw_coefficients(
    rows: Rows,
    scaled: np.ndarray,
    M: np.ndarray,
    precision: np.ndarray,
    factor: np.ndarray,
    sigma: float,
    C: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
) -> bool:
    """u given everything else; False when C is singular to rounding."""
    n, q = rows.design.shape
    for i in range(n):
        for k in range(n):
            C[i, k] = 0.0
        C[i, i] = sigma * sigma
    for s in range(M.shape[0]):
        square = factor[rows.first[s]] ** 2
        for i in range(n):
            for k in range(n):
                C[i, k] += square * M[s, i, k]
    if not cholesky(C):
        return False
    z = np.empty(q)
    for j in range(q):
        z[j] = rng.standard_normal() * factor[j]
    residual = np.dot(scaled, z)
    for i in range(n):
        residual[i] = rows.target[i] - residual[i] - sigma * rng.standard_normal()
    solve_transposed(C, residual)
    solve_upper(C, residual)
    moved = np.dot(scaled.T, residual)
    for j in range(q):
        u[j] = (z[j] + factor[j] * factor[j] * moved[j]) / np.sqrt(precision[j])
    return True
