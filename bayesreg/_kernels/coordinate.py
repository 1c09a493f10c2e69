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

from bayesreg._kernels.log_concave import Conditional, draw_log_scalar, value
from bayesreg._kernels.mixing import GROUP, LAPLACE, Mixture, draw_precisions, fill_factors
from bayesreg._kernels.scale_moves import GIVEN, Room, Unknowns, conditional, governed
from bayesreg._kernels.truncated_normal import draw_kinked, log_prior_mass

# Steps outwards at most, and their length in log s.
_STEPS, _WIDTH = 60, 1.0


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


class Bounds(NamedTuple):
    """low <= u <= high; ``varying`` are the columns whose prior mass between the bounds depends
    on their factor."""

    low: np.ndarray
    high: np.ndarray
    varying: np.ndarray


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
def _log_conditional(
    terms: Conditional,
    code: int,
    parameters: np.ndarray,
    t: float,
    mixture: Mixture,
    bounds: Bounds,
    known: np.ndarray,
    k: int,
) -> float:
    """log density of t = log s, the mass between bounds at s included.

    ``known`` are the factors without s.
    """
    total = value(terms, code, parameters, t)
    for j in bounds.varying:
        if governed(mixture, j, k):
            f = known[j] * np.exp(t)
            total -= log_prior_mass(
                bounds.low[j] / f, bounds.high[j] / f, mixture.l1[j], mixture.l2[j]
            )
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice_log_scalar(
    terms: Conditional,
    code: int,
    parameters: np.ndarray,
    t: float,
    mixture: Mixture,
    bounds: Bounds,
    known: np.ndarray,
    k: int,
    rng: np.random.Generator,
) -> float:
    """One slice update of t, by stepping out and shrinking: the mass between bounds is not
    log-concave in t in general (Neal 2003, Annals of Statistics 31:705)."""
    level = _log_conditional(terms, code, parameters, t, mixture, bounds, known, k)
    level -= rng.standard_exponential()
    left = t - _WIDTH * rng.random()
    right = left + _WIDTH
    steps = int(_STEPS * rng.random())
    for _ in range(steps):
        if _log_conditional(terms, code, parameters, left, mixture, bounds, known, k) <= level:
            break
        left -= _WIDTH
    for _ in range(_STEPS - 1 - steps):
        if _log_conditional(terms, code, parameters, right, mixture, bounds, known, k) <= level:
            break
        right += _WIDTH
    while True:
        drawn = left + (right - left) * rng.random()
        if _log_conditional(terms, code, parameters, drawn, mixture, bounds, known, k) >= level:
            return drawn
        if drawn < t:
            left = drawn
        else:
            right = drawn
        if not right - left > 1e-14 * abs(t):
            return t


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _varies(mixture: Mixture, bounds: Bounds, k: int) -> bool:
    """Does scalar k change the prior mass between some bounds?"""
    for j in bounds.varying:  # noqa: SIM110: any() of a generator does not compile
        if governed(mixture, j, k):
            return True
    return False


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_scalars_within(
    rows: Columns,
    mixture: Mixture,
    unknowns: Unknowns,
    bounds: Bounds,
    u: np.ndarray,
    rss: float,
    scalars: np.ndarray,
    factor: np.ndarray,
    room: Room,
    rng: np.random.Generator,
) -> None:
    """sigma and the scales given the coefficients, one given the others; and the factors.

    As :func:`bayesreg._kernels.scale_moves.draw_scalars`, by slices where bounds enter.
    """
    for k in range(scalars.size):
        code = unknowns.codes[k]
        if code == GIVEN:
            continue
        terms = conditional(mixture, u, factor, scalars, k, room)
        if k == 0:
            terms = Conditional(
                terms.count + rows.contrasts, terms.linear, terms.quadratic + rss,
                terms.tails, terms.ratio, terms.nu,
            )  # fmt: skip
        t = np.log(scalars[k])
        if _varies(mixture, bounds, k):
            known = factor / scalars[k]
            t = _slice_log_scalar(
                terms, code, unknowns.parameters[k], t, mixture, bounds, known, k, rng
            )
        else:
            t = draw_log_scalar(terms, code, unknowns.parameters[k], t, rng)
        scalars[k] = np.exp(t)
        fill_factors(mixture, scalars, factor)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def coordinate_gibbs(
    rows: Columns,
    mixture: Mixture,
    unknowns: Unknowns,
    bounds: Bounds,
    groups: int,
    u: np.ndarray,
    scalars: np.ndarray,
    rng: np.random.Generator,
    draws: np.ndarray,
    scalar_draws: np.ndarray,
) -> None:
    """Iterate from (u, scalars), changed in place; a row of ``draws`` per iteration."""
    q = u.size
    factor, precision, residual = np.empty(q), np.empty(q), np.empty(rows.target.size)
    room = Room(np.empty(groups), np.empty(q), np.empty(q))
    mixed = False
    for j in range(q):
        mixed = mixed or mixture.kind[j] >= GROUP
    random = np.any(unknowns.codes != GIVEN)
    fill_factors(mixture, scalars, factor)
    for i in range(draws.shape[0]):
        if mixed:
            draw_precisions(mixture, u, factor, rng, room.norms, precision)
        fill_residual(rows, u, residual)
        sweep(rows, mixture, bounds, precision, scalars[0], factor, u, residual, rng)
        if random:
            rss = rows.rest + np.dot(residual, residual)
            draw_scalars_within(rows, mixture, unknowns, bounds, u, rss, scalars, factor, room, rng)
        draws[i] = u
        scalar_draws[i] = scalars
