"""Coordinates one by one:  exp(-||t - A u||^2 / (2 sigma^2) - prior(u)),  low <= u <= high.

Given all others a coefficient under a Laplace prior is normal with a kink, between bounds: it is
drawn without mixing variables (Hans 2009, Biometrika 96:835). Student's t, horseshoe and groups
have theirs (:mod:`bayesreg._kernels.mixing`), drawn once per sweep. The residual is formed anew
in each sweep, from a design that is triangular where rows outnumber columns: rounding does not
add up, and there is no state but u and the scalars.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.bouncing import factorised, trajectory
from bayesreg._kernels.bounded_scales import Bounds, draw_scalars_within, move_scalars_along
from bayesreg._kernels.mixing import (
    GROUP,
    LAPLACE,
    Mixture,
    draw_precisions,
    fill_factors,
)
from bayesreg._kernels.scale_moves import GIVEN, Room, Unknowns
from bayesreg._kernels.truncated_normal import draw_kinked


class Columns(NamedTuple):
    """The rows, column by column.

    ``columns`` has A', ``depth`` how many leading entries of each are not 0, ``squares`` their
    ||x_j||^2. ``rest`` and ``contrasts`` as in :mod:`bayesreg.posterior.contrasts`.
    """

    columns: np.ndarray
    depth: np.ndarray
    squares: np.ndarray
    target: np.ndarray
    rest: float
    contrasts: int


class Together(NamedTuple):
    """How often all coefficients move at once, and what for.

    ``every`` so many iterations, 0 for never. ``gram`` is A'A, empty where rows are fewer than
    columns; ``bounded`` lists the coefficients with a bound; ``pull`` is the precision of the
    normal density around 1/2 that stands in for a constant one on [0, 1], 0 elsewhere.
    """

    every: int
    gram: np.ndarray
    bounded: np.ndarray
    pull: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill_residual(rows: Columns, u: np.ndarray, residual: np.ndarray) -> None:
    """t - A u."""
    residual[:] = rows.target
    for j in range(u.size):
        for i in range(rows.depth[j]):
            residual[i] -= rows.columns[j, i] * u[j]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sweep(
    rows: Columns,
    mixture: Mixture,
    bounds: Bounds,
    precision: np.ndarray,
    sigma: float,
    factor: np.ndarray,
    u: np.ndarray,
    residual: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Renew every coefficient, and the residual with it."""
    for j in range(u.size):
        depth = rows.depth[j]
        product = 0.0
        for i in range(depth):
            product += rows.columns[j, i] * residual[i]
        kink, curvature = 0.0, precision[j]
        if mixture.kind[j] <= LAPLACE:
            kink, curvature = mixture.l1[j] / factor[j], mixture.l2[j]
        slope = (product + rows.squares[j] * u[j]) / sigma / sigma
        total = rows.squares[j] / sigma / sigma + curvature / factor[j] / factor[j]
        drawn = draw_kinked(bounds.low[j], bounds.high[j], slope, kink, total, rng)
        moved = drawn - u[j]
        u[j] = drawn
        for i in range(depth):
            residual[i] -= rows.columns[j, i] * moved


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _move_together(
    rows: Columns,
    together: Together,
    bounds: Bounds,
    precision: np.ndarray,
    sigma: float,
    factor: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """One trajectory of the normal distribution that the mixing variables leave, accepted with
    the ratio of the constant densities to what stood in for them."""
    curvature = precision / factor**2 + together.pull
    centre = np.where(together.pull > 0.0, 0.5, 0.0)
    wide = together.gram.size == 0
    done, normal = factorised(
        rows.columns, together.gram, rows.target, curvature, centre, sigma, wide
    )
    if not done:
        return
    moved = u.copy()
    if not trajectory(normal, bounds.low, bounds.high, together.bounded, moved, rng):
        return
    gain = 0.0
    for j in range(u.size):
        moved[j] = min(max(moved[j], bounds.low[j]), bounds.high[j])
        change = (moved[j] - 0.5) ** 2 - (u[j] - 0.5) ** 2
        gain += 0.5 * together.pull[j] * change
    if rng.standard_exponential() >= -gain:
        u[:] = moved


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def coordinate_gibbs(
    rows: Columns,
    mixture: Mixture,
    unknowns: Unknowns,
    bounds: Bounds,
    together: Together,
    groups: int,
    first: int,
    u: np.ndarray,
    scalars: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
    scalar_draws: np.ndarray,
) -> None:
    """Iterations ``first``, ... from (u, scalars), changed in place; a row of ``draws`` each."""
    q = u.size
    factor, precision, residual = np.empty(q), np.empty(q), np.empty(rows.target.size)
    room = Room(np.empty(groups), np.empty(q), np.empty(q))
    mixed = bool(np.any(mixture.kind >= GROUP))
    random = bool(np.any(unknowns.codes != GIVEN))
    fill_factors(mixture, scalars, factor)
    for i in range(draws.shape[0]):
        at_once = together.every > 0 and (first + i) % together.every == 0
        if mixed or at_once:
            draw_precisions(mixture, u, factor, rng, room.norms, precision)
        if at_once:
            _move_together(rows, together, bounds, precision, scalars[0], factor, u, rng)
            if mixed:
                draw_precisions(mixture, u, factor, rng, room.norms, precision)
        fill_residual(rows, u, residual)
        sweep(rows, mixture, bounds, precision, scalars[0], factor, u, residual, rng)
        if random:
            rss = rows.rest + np.dot(residual, residual)
            draw_scalars_within(
                rows.contrasts, rss, mixture, unknowns, bounds, u, scalars, factor, room, rng
            )
            move_scalars_along(
                rows.columns, rows.depth, rows.contrasts, rows.rest, mixture, unknowns, bounds,
                u, residual, scalars, factor, room, rng,
            )  # fmt: skip
        draws[i] = u
        scalar_draws[i] = scalars
