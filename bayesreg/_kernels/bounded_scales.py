"""sigma and scales where coefficients have bounds.

*Given the coefficients.* As in :mod:`bayesreg._kernels.scale_moves`, where no bound depends on the
scalar's factor. A bound off loc makes the prior's mass between the bounds depend on it,

    p(u | f) = g(u / f) / (f G(f)),   G(f) = integral of g from low / f to high / f,

and log G is neither concave nor convex in log f: such a scalar moves by slices.

*With the coefficients.* Where bounds are at loc or nowhere, a scalar s and the coefficients that it
governs can move together, (s, u) -> (c s, c u): their prior given s does not change, and only the
data hold them back. That is the move that the first one lacks where the data say little (Yu and
Meng 2011, Journal of Computational and Graphical Statistics 20:531).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.log_concave import Conditional, draw_log_scalar, value
from bayesreg._kernels.mixing import Mixture, fill_factors
from bayesreg._kernels.scalar_density import log_density
from bayesreg._kernels.scale_moves import GIVEN, Room, Unknowns, conditional, governed
from bayesreg._kernels.truncated_normal import log_prior_mass

# Steps outwards at most, and their length in log s.
_STEPS, _WIDTH = 60, 1.0
# |log s| beyond which nothing is drawn.
_EXTREME = 300.0


class Bounds(NamedTuple):
    """low <= u <= high; ``varying`` are the columns whose prior mass between the bounds depends
    on their factor."""

    low: np.ndarray
    high: np.ndarray
    varying: np.ndarray


class Together(NamedTuple):
    """What the data say of c in (s, u) -> (c s, c u), at log c = t - start.

    With g = A u over the governed columns, r the residual and ``rss`` = rest + ||r||^2,

        sigma^-contrasts exp(-(rest + ||r - (c - 1) g||^2) / (2 sigma^2)),

    where sigma is c times as large itself when s is sigma.
    """

    start: float
    contrasts: int
    of_sigma: bool
    sigma: float
    rss: float
    product: float
    square: float


class Target(NamedTuple):
    """The log density of t = log s, with or without its coefficients."""

    code: int
    parameters: np.ndarray
    moving: bool
    terms: Conditional
    together: Together
    known: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log_target(target: Target, mixture: Mixture, bounds: Bounds, k: int, t: float) -> float:
    if abs(t) > _EXTREME:
        return -np.inf
    if target.moving:
        return _log_together(target, t)
    total = value(target.terms, target.code, target.parameters, t)
    for j in bounds.varying:
        if governed(mixture, j, k):
            f = target.known[j] * np.exp(t)
            total -= log_prior_mass(
                bounds.low[j] / f, bounds.high[j] / f, mixture.l1[j], mixture.l2[j]
            )
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log_together(target: Target, t: float) -> float:
    data = target.together
    total = log_density(target.code, target.parameters, np.exp(t)) + t
    c = np.exp(t - data.start)
    rss = data.rss - (c - 1.0) * (2.0 * data.product - (c - 1.0) * data.square)
    sigma = data.sigma
    if data.of_sigma:
        sigma *= c
        total -= data.contrasts * (t - data.start)
    return total - 0.5 * rss / sigma / sigma


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice(
    target: Target, mixture: Mixture, bounds: Bounds, k: int, t: float, rng: np.random.Generator
) -> float:
    """One slice update, by stepping out and shrinking (Neal 2003, Annals of Statistics 31:705)."""
    level = _log_target(target, mixture, bounds, k, t) - rng.standard_exponential()
    left = t - _WIDTH * rng.random()
    right = left + _WIDTH
    steps = int(_STEPS * rng.random())
    for _ in range(steps):
        if _log_target(target, mixture, bounds, k, left) <= level:
            break
        left -= _WIDTH
    for _ in range(_STEPS - 1 - steps):
        if _log_target(target, mixture, bounds, k, right) <= level:
            break
        right += _WIDTH
    while right - left > 1e-14 * (1.0 + abs(t)):
        drawn = left + (right - left) * rng.random()
        if _log_target(target, mixture, bounds, k, drawn) >= level:
            return drawn
        if drawn < t:
            left = drawn
        else:
            right = drawn
    return t


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _varies(mixture: Mixture, bounds: Bounds, k: int) -> bool:
    """Does scalar k change the prior mass between some bounds?"""
    found = False
    for j in bounds.varying:
        found = found or governed(mixture, j, k)
    return found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_scalars_within(
    contrasts: int,
    rss: float,
    mixture: Mixture,
    unknowns: Unknowns,
    bounds: Bounds,
    u: np.ndarray,
    scalars: np.ndarray,
    factor: np.ndarray,
    room: Room,
    rng: np.random.Generator,
) -> None:
    """Each scalar given the coefficients and the others; and the factors."""
    nothing = Together(0.0, 0, False, 1.0, 0.0, 0.0, 0.0)
    for k in range(scalars.size):
        code, parameters = unknowns.codes[k], unknowns.parameters[k]
        if code == GIVEN:
            continue
        terms = conditional(mixture, u, factor, scalars, k, room)
        if k == 0:
            terms = Conditional(
                terms.order + contrasts, terms.linear, terms.quadratic + rss,
                terms.tails, terms.ratio, terms.nu,
            )  # fmt: skip
        t = np.log(scalars[k])
        if _varies(mixture, bounds, k):
            target = Target(code, parameters, False, terms, nothing, factor / scalars[k])
            t = _slice(target, mixture, bounds, k, t, rng)
        else:
            t = draw_log_scalar(terms, code, parameters, t, rng)
        scalars[k] = np.exp(t)
        fill_factors(mixture, scalars, factor)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _image(
    columns: np.ndarray, depth: np.ndarray, mixture: Mixture, u: np.ndarray, k: int, g: np.ndarray
) -> bool:
    """g = A u over the columns that scalar k governs; False when there are none."""
    g[:] = 0.0
    found = False
    for j in range(u.size):
        if governed(mixture, j, k):
            found = True
            for i in range(depth[j]):
                g[i] += columns[j, i] * u[j]
    return found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def move_scalars_along(
    columns: np.ndarray,
    depth: np.ndarray,
    contrasts: int,
    rest: float,
    mixture: Mixture,
    unknowns: Unknowns,
    bounds: Bounds,
    u: np.ndarray,
    residual: np.ndarray,
    scalars: np.ndarray,
    factor: np.ndarray,
    room: Room,
    rng: np.random.Generator,
) -> None:
    """Each scalar together with the coefficients that it governs; the residual follows."""
    g = np.empty(residual.size)
    no_terms = Conditional(0.0, 0.0, 0.0, 0, room.ratio, room.nu)
    for k in range(scalars.size):
        code = unknowns.codes[k]
        if code == GIVEN or _varies(mixture, bounds, k):
            continue
        if not _image(columns, depth, mixture, u, k, g):
            continue
        t = np.log(scalars[k])
        together = Together(
            t, contrasts, k == 0, scalars[0], rest + np.dot(residual, residual),
            np.dot(residual, g), np.dot(g, g),
        )  # fmt: skip
        target = Target(code, unknowns.parameters[k], True, no_terms, together, factor)
        c = np.exp(_slice(target, mixture, bounds, k, t, rng) - t)
        scalars[k] *= c
        for j in range(u.size):
            if governed(mixture, j, k):
                u[j] *= c
        residual -= (c - 1.0) * g
        fill_factors(mixture, scalars, factor)
