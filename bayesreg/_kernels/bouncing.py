"""All coefficients at once, between bounds: exact Hamiltonian dynamics of a truncated normal.

Given its mixing variables the posterior of u is N(mean, S) between bounds. From u with a velocity
a ~ N(0, S), motion in the metric S^-1 is

    u(t) = mean + b cos t + a sin t,   b = u - mean,

without error, until a coordinate meets a bound: there the velocity is reflected,
a <- a - 2 (a_j / S_jj) S_j, and the motion goes on to t = pi / 2 (Pakman and Paninski 2014, Journal
of Computational and Graphical Statistics 23:518). Where no bound is met the new point is an
independent draw.

S^-1 = A'A / sigma^2 + D. With as many rows as columns it is factorised as it is; with fewer,
S = D^-1 - D^-1 A' M^-1 A D^-1 with M = A D^-1 A' + sigma^2 I. A prior that is constant between two
bounds gets a weak normal one here, which a Metropolis step takes back.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.dense import cholesky, solve_transposed, solve_upper

# Bounces per bounded coefficient after which a trajectory is given up.
_MOST_BOUNCES = 100
# S_jj below this share of 1 / D_jj, of which it is a part, is rounding. The way back meets the same
# bounces, so that giving up does not favour any point.
_LOST = 1e-9


class Normal(NamedTuple):
    """N(mean, S): D, the factor R of S^-1 (or of M), A' where M is factorised."""

    mean: np.ndarray
    curvature: np.ndarray
    factor: np.ndarray
    columns: np.ndarray
    sigma: float
    wide: bool


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _solve(factor: np.ndarray, b: np.ndarray) -> None:
    solve_transposed(factor, b)
    solve_upper(factor, b)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def factorised(
    columns: np.ndarray,
    gram: np.ndarray,
    target: np.ndarray,
    curvature: np.ndarray,
    centre: np.ndarray,
    sigma: float,
    wide: bool,
) -> tuple[bool, Normal]:
    """The normal distribution of u with prior N(centre, D^-1); False where S^-1 is singular."""
    q = curvature.size
    residual = target - np.dot(columns.T, centre)
    if wide:
        scaled = np.empty_like(columns)
        for j in range(q):
            scaled[j] = columns[j] / curvature[j]
        M = np.dot(columns.T, scaled)
        for i in range(target.size):
            M[i, i] += sigma * sigma
        done = cholesky(M)
        if done:
            _solve(M, residual)
        return done, Normal(centre + np.dot(scaled, residual), curvature, M, columns, sigma, wide)
    P = gram / (sigma * sigma)
    for j in range(q):
        P[j, j] += curvature[j]
    done = cholesky(P)
    mean = np.dot(columns, residual) / (sigma * sigma)
    if done:
        _solve(P, mean)
    return done, Normal(mean + centre, curvature, P, columns, sigma, wide)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _velocity(normal: Normal, rng: np.random.Generator) -> np.ndarray:
    """A draw from N(0, S)."""
    q = normal.mean.size
    a = np.empty(q)
    for j in range(q):
        a[j] = rng.standard_normal()
    if not normal.wide:
        solve_upper(normal.factor, a)
        return a
    a /= np.sqrt(normal.curvature)
    miss = np.dot(normal.columns.T, a)
    for i in range(miss.size):
        miss[i] += normal.sigma * rng.standard_normal()
    _solve(normal.factor, miss)
    return a - np.dot(normal.columns, miss) / normal.curvature


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _covariance_column(normal: Normal, j: int) -> np.ndarray:
    """S e_j."""
    if not normal.wide:
        column = np.zeros(normal.mean.size)
        column[j] = 1.0
        _solve(normal.factor, column)
        return column
    part = normal.columns[j] / normal.curvature[j]
    _solve(normal.factor, part)
    column = -np.dot(normal.columns, part) / normal.curvature
    column[j] += 1.0 / normal.curvature[j]
    return column


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _until(slack: float, a: float, b: float) -> float:
    """tan(t / 2) for the first t at which b cos t + a sin t has fallen by ``slack`` >= 0.

    With x = tan(t / 2) it is the least root of slack + 2 a x + (slack - 2 b) x^2 where that falls:
    without a difference of near numbers, however far beyond the bound the mean is.
    """
    bend = slack - 2.0 * b
    if a >= 0.0 and bend >= 0.0:
        return np.inf
    discriminant = a * a - bend * slack
    if discriminant < 0.0:
        return np.inf
    root = math.sqrt(discriminant)
    return slack / (root - a) if a < 0.0 else (a + root) / -bend


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _next_bounce(
    low: np.ndarray, high: np.ndarray, bounded: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[float, int, bool]:
    """When, which coordinate, and whether at its upper bound; bounds are relative to the mean."""
    best, hit, upper = np.inf, -1, False
    for j in bounded:
        if low[j] > -np.inf:
            x = _until(max(b[j] - low[j], 0.0), a[j], b[j])
            if x < best:
                best, hit, upper = x, j, False
        if high[j] < np.inf:
            x = _until(max(high[j] - b[j], 0.0), -a[j], -b[j])
            if x < best:
                best, hit, upper = x, j, True
    return 2.0 * math.atan(best), hit, upper


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _turn(a: np.ndarray, b: np.ndarray, t: float) -> None:
    """Position b and velocity a after time t."""
    cosine, sine = math.cos(t), math.sin(t)
    for j in range(a.size):
        position = b[j] * cosine + a[j] * sine
        a[j] = a[j] * cosine - b[j] * sine
        b[j] = position


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def trajectory(
    normal: Normal,
    low: np.ndarray,
    high: np.ndarray,
    bounded: np.ndarray,
    u: np.ndarray,
    rng: np.random.Generator,
) -> bool:
    """Overwrite u by the end of a trajectory; False when it was given up."""
    a, b = _velocity(normal, rng), u - normal.mean
    low, high = low - normal.mean, high - normal.mean
    left = 0.5 * math.pi
    for _ in range(_MOST_BOUNCES * (1 + bounded.size)):
        t, hit, upper = _next_bounce(low, high, bounded, a, b)
        if t >= left:
            _turn(a, b, left)
            u[:] = normal.mean + b
            return True
        _turn(a, b, t)
        left -= t
        b[hit] = high[hit] if upper else low[hit]
        column = _covariance_column(normal, hit)
        if normal.wide and not column[hit] * normal.curvature[hit] > _LOST:
            return False
        a -= (2.0 * a[hit] / column[hit]) * column
    return False
