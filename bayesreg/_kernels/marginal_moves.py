"""Sigma and scales given the mixing variables, the coefficients integrated out.

    t ~ N(0, C),   C = sigma^2 I + sum over parts f^2 M,   f = sigma^[relative] scale_k

and beyond the rows of t a residual square ``rest`` of ``contrasts`` - n further directions:
sigma^-(contrasts - n) exp(-rest / (2 sigma^2)).

With one part C = alpha I + beta M for every sigma and scale: M is made tridiagonal once. With
several, one scalar at a time: C = (sum without it) + (sum with it), of which the one that holds I
becomes I by its Cholesky factor and the other tridiagonal.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.dense import cholesky, solve_transposed
from bayesreg._kernels.mixing import Mixture
from bayesreg._kernels.scalar_density import log_density
from bayesreg._kernels.scale_moves import GIVEN, Unknowns, governed
from bayesreg._kernels.tridiagonal import normal_log_density, tridiagonalise

# Rounds of slices on one tridiagonal form: they cost little beside it.
_ROUNDS = 2
# Width of a slice in log s, and how many widths it may grow to either side.
_WIDTH, _MOST = 0.7, 60
# An interval this short holds nothing but the point where it began.
_STUCK = 1e-12


class Spectrum(NamedTuple):
    """t ~ N(0, alpha I + beta T): T by its diagonal and what is off it, and what is beyond t."""

    diagonal: np.ndarray
    off: np.ndarray
    t: np.ndarray
    rest: float
    further: int


class Line(NamedTuple):
    """A line through (log sigma, log scales): scalar k is s, and C is

        alpha s^(2 [in_alpha]) I + beta s^(2 [in_beta]) T.

    Where ``sign`` is not 0 the scale ``other`` moves too, as along s^sign; ``at`` is its value
    at s = 1.
    """

    k: int
    alpha: float
    in_alpha: bool
    beta: float
    in_beta: bool
    sign: int
    other: int
    at: float


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_scalars_on_rows(
    M: np.ndarray,
    target: np.ndarray,
    rest: float,
    contrasts: int,
    first: np.ndarray,
    mixture: Mixture,
    unknowns: Unknowns,
    scalars: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Renew every unknown of (sigma, scale_1, ...)."""
    further = contrasts - target.size
    if M.shape[0] == 1:
        t = target.copy()
        diagonal, off = tridiagonalise(M[0].copy(), t)
        rows = Spectrum(diagonal, off, t, rest, further)
        for _ in range(_ROUNDS):
            _draw_with_one_part(rows, mixture, unknowns, scalars, rng)
        return
    for k in range(scalars.size):
        if unknowns.codes[k] != GIVEN:
            _draw_among_parts(
                M, target, rest, further, first, mixture, unknowns, scalars, k, rng
            )  # fmt: skip


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw_with_one_part(
    rows: Spectrum,
    mixture: Mixture,
    unknowns: Unknowns,
    scalars: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """C = sigma^2 I + f^2 T: sigma alone, the scale alone, and both along the third direction.

    The third is the one in which the rows may say nothing: an absolute scale in proportion to
    sigma, a relative one against it.
    """
    is_relative = mixture.relative[0] != 0
    own = 1 + mixture.scale[0]
    scale = scalars[own] if own > 0 else 1.0
    moves_sigma = unknowns.codes[0] != GIVEN
    if moves_sigma:
        line = Line(0, 1.0, True, scale * scale, is_relative, 0, 0, 1.0)
        _slice(rows, line, unknowns, scalars, rng)
    if own == 0:
        return
    square = scalars[0] * scalars[0]
    line = Line(own, square, False, square if is_relative else 1.0, True, 0, 0, 1.0)
    _slice(rows, line, unknowns, scalars, rng)
    if moves_sigma:
        sign = -1 if is_relative else 1
        at = scalars[own] * scalars[0] if is_relative else scalars[own] / scalars[0]
        line = Line(0, 1.0, True, at * at, not is_relative, sign, own, at)
        _slice(rows, line, unknowns, scalars, rng)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw_among_parts(
    M: np.ndarray,
    target: np.ndarray,
    rest: float,
    further: int,
    first: np.ndarray,
    mixture: Mixture,
    unknowns: Unknowns,
    scalars: np.ndarray,
    k: int,
    rng: np.random.Generator,
) -> None:
    """One scalar: C = B + s^2 S, or s^2 B + S, where B holds I."""
    n = target.size
    base, other = np.zeros((n, n)), np.zeros((n, n))
    for part in range(M.shape[0]):
        j = first[part]
        f, with_s = _part_factor(mixture, j, scalars), governed(mixture, j, k)
        if with_s:
            f /= scalars[k]
        chosen = base if with_s == (k == 0) else other
        for i in range(n):
            for h in range(n):
                chosen[i, h] += f * f * M[part, i, h]
    for i in range(n):
        base[i, i] += 1.0 if k == 0 else scalars[0] ** 2
    if not cholesky(base):
        return
    t = target.copy()
    solve_transposed(base, t)
    diagonal, off = tridiagonalise(_between_inverses(base, other), t)
    line = Line(k, 1.0, k == 0, 1.0, k != 0, 0, 0, 1.0)
    _slice(Spectrum(diagonal, off, t, rest, further), line, unknowns, scalars, rng)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _part_factor(mixture: Mixture, j: int, scalars: np.ndarray) -> float:
    """f of the part that column j belongs to."""
    f = scalars[0] if mixture.relative[j] else 1.0
    own = 1 + mixture.scale[j]
    return f * scalars[own] if own > 0 else f


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _between_inverses(R: np.ndarray, S: np.ndarray) -> np.ndarray:
    """R'^-1 S R^-1 for symmetric S and upper triangular R."""
    half = _rows_solved(R, S.copy())
    return _rows_solved(R, half.T.copy())


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rows_solved(R: np.ndarray, B: np.ndarray) -> np.ndarray:
    """B overwritten by R'^-1 B."""
    n = R.shape[0]
    for k in range(n):
        for j in range(n):
            B[k, j] /= R[k, k]
        for i in range(k + 1, n):
            for j in range(n):
                B[i, j] -= R[k, i] * B[k, j]
    return B


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _on_line(rows: Spectrum, line: Line, unknowns: Unknowns, log_s: float) -> float:
    """The log density of the logs of what moves."""
    s = np.exp(log_s)
    total = log_density(unknowns.codes[line.k], unknowns.parameters[line.k], s) + log_s
    if line.sign != 0:
        other = line.at * (s if line.sign > 0 else 1.0 / s)
        own = log_density(unknowns.codes[line.other], unknowns.parameters[line.other], other)
        total += own + line.sign * log_s
    if line.k == 0:
        total -= rows.further * log_s + 0.5 * rows.rest / s / s
    if not total > -np.inf:
        return -np.inf
    alpha = line.alpha * s * s if line.in_alpha else line.alpha
    beta = line.beta * s * s if line.in_beta else line.beta
    return total + normal_log_density(rows.diagonal, rows.off, rows.t, alpha, beta)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice(
    rows: Spectrum, line: Line, unknowns: Unknowns, scalars: np.ndarray, rng: np.random.Generator
) -> None:
    """A slice-sampling step along the line: stepping out, shrinkage (Neal 2003, Annals 31:705).

    The scalars on the line are changed in place.
    """
    at = np.log(scalars[line.k])
    level = _on_line(rows, line, unknowns, at) - rng.standard_exponential()
    low = at - _WIDTH * rng.random()
    high = low + _WIDTH
    left = int(rng.random() * _MOST)
    right = _MOST - 1 - left
    while left > 0 and _on_line(rows, line, unknowns, low) > level:
        low -= _WIDTH
        left -= 1
    while right > 0 and _on_line(rows, line, unknowns, high) > level:
        high += _WIDTH
        right -= 1
    candidate = low + (high - low) * rng.random()
    while _on_line(rows, line, unknowns, candidate) < level:
        if candidate < at:
            low = candidate
        else:
            high = candidate
        if high - low < _STUCK:
            return
        candidate = low + (high - low) * rng.random()
    s = np.exp(candidate)
    scalars[line.k] = s
    if line.sign != 0:
        scalars[line.other] = line.at * (s if line.sign > 0 else 1.0 / s)
