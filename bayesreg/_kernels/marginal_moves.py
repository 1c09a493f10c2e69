"""Sigma and scales given the mixing variables, the coefficients integrated out.

    t ~ N(0, C),   C = sigma^2 I + sum over parts f^2 M,   f = sigma^[relative] scale_k

and beyond the rows of t a residual square ``rest`` of ``contrasts`` - n further directions:
sigma^-(contrasts - n) exp(-rest / (2 sigma^2)).

With one part C = alpha I + beta M for every sigma and scale: M is made tridiagonal once. With
several, one scalar at a time: C = (sum without it) + (sum with it), of which the one that holds I
becomes I by its Cholesky factor and the other tridiagonal.
"""

from __future__ import annotations

import numba
import numpy as np

from bayesreg._kernels.dense import cholesky, solve_transposed
from bayesreg._kernels.mixing import Mixture
from bayesreg._kernels.scalar_density import log_density
from bayesreg._kernels.scale_moves import GIVEN, Unknowns, governed
from bayesreg._kernels.tridiagonal import normal_log_density, tridiagonalise

# Rounds of slices on one tridiagonal form: they cost little beside it.
_ROUNDS = 3
# Width of a slice in log s, and how many widths it may grow to either side.
_WIDTH, _MOST = 0.7, 60


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
    if M.shape[0] == 1:
        t = target.copy()
        diagonal, off = tridiagonalise(M[0].copy(), t)
        for _ in range(_ROUNDS):
            for k in range(scalars.size):
                if unknowns.codes[k] != GIVEN and (k == 0 or governed(mixture, 0, k)):
                    _slice_one_part(
                        diagonal, off, t, rest, contrasts, mixture, unknowns, scalars, k, rng
                    )  # fmt: skip
        return
    for k in range(scalars.size):
        if unknowns.codes[k] != GIVEN:
            _slice_among_parts(
                M, target, rest, contrasts, first, mixture, unknowns, scalars, k, rng
            )  # fmt: skip


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice_one_part(
    diagonal: np.ndarray,
    off: np.ndarray,
    t: np.ndarray,
    rest: float,
    contrasts: int,
    mixture: Mixture,
    unknowns: Unknowns,
    scalars: np.ndarray,
    k: int,
    rng: np.random.Generator,
) -> None:
    """C = sigma^2 I + f^2 M as alpha I + beta T, each a power of scalar k times the others."""
    f = _part_factor(mixture, 0, scalars)
    s = scalars[k]
    with_s = governed(mixture, 0, k)
    alpha = 1.0 if k == 0 else scalars[0] ** 2
    beta = (f / s) ** 2 if with_s else f**2
    further = contrasts - t.size if k == 0 else 0
    scalars[k] = _slice(
        diagonal, off, t, alpha, k == 0, beta, with_s, further, rest if k == 0 else 0.0,
        unknowns.codes[k], unknowns.parameters[k], s, rng,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _part_factor(mixture: Mixture, j: int, scalars: np.ndarray) -> float:
    """f of the part that column j belongs to."""
    f = scalars[0] if mixture.relative[j] else 1.0
    for k in range(1, scalars.size):
        if governed(mixture, j, k):
            f *= scalars[k]
    return f


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice_among_parts(
    M: np.ndarray,
    target: np.ndarray,
    rest: float,
    contrasts: int,
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
        if with_s == (k == 0):
            base += f * f * M[part]
        else:
            other += f * f * M[part]
    for i in range(n):
        base[i, i] += 1.0 if k == 0 else scalars[0] ** 2
    if not cholesky(base):
        return
    t = target.copy()
    solve_transposed(base, t)
    diagonal, off = tridiagonalise(_between_inverses(base, other), t)
    further = contrasts - n if k == 0 else 0
    scalars[k] = _slice(
        diagonal, off, t, 1.0, k == 0, 1.0, k != 0, further, rest if k == 0 else 0.0,
        unknowns.codes[k], unknowns.parameters[k], scalars[k], rng,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _between_inverses(R: np.ndarray, S: np.ndarray) -> np.ndarray:
    """R'^-1 S R^-1 for symmetric S and upper triangular R."""
    half = _rows_solved(R, S.copy())
    return _rows_solved(R, half.T.copy())


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rows_solved(R: np.ndarray, B: np.ndarray) -> np.ndarray:
    """B overwritten by R'^-1 B."""
    for k in range(R.shape[0]):
        B[k] /= R[k, k]
        for i in range(k + 1, R.shape[0]):
            B[i] -= R[k, i] * B[k]
    return B


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _marginal(
    diagonal: np.ndarray,
    off: np.ndarray,
    t: np.ndarray,
    alpha: float,
    in_alpha: bool,
    beta: float,
    in_beta: bool,
    further: int,
    rest: float,
    code: int,
    parameters: np.ndarray,
    s: float,
) -> float:
    """The log density of log s; alpha and beta are multiplied by s^2 where it is in them."""
    own = log_density(code, parameters, s)
    if own == -np.inf:
        return -np.inf
    square = s * s
    rows = normal_log_density(
        diagonal, off, t, alpha * square if in_alpha else alpha, beta * square if in_beta else beta
    )
    return own + rows + (1.0 - further) * np.log(s) - 0.5 * rest / square


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slice(
    diagonal: np.ndarray,
    off: np.ndarray,
    t: np.ndarray,
    alpha: float,
    in_alpha: bool,
    beta: float,
    in_beta: bool,
    further: int,
    rest: float,
    code: int,
    parameters: np.ndarray,
    s: float,
    rng: np.random.Generator,
) -> float:
    """A slice-sampling step in log s: stepping out, then shrinkage (Neal 2003, Annals 31:705)."""
    arguments = (diagonal, off, t, alpha, in_alpha, beta, in_beta, further, rest, code, parameters)
    level = _marginal(*arguments, s) - rng.standard_exponential()
    at = np.log(s)
    low = at - _WIDTH * rng.random()
    high = low + _WIDTH
    left = int(rng.random() * _MOST)
    right = _MOST - 1 - left
    while left > 0 and _marginal(*arguments, np.exp(low)) > level:
        low -= _WIDTH
        left -= 1
    while right > 0 and _marginal(*arguments, np.exp(high)) > level:
        high += _WIDTH
        right -= 1
    while True:
        candidate = low + (high - low) * rng.random()
        proposed = np.exp(candidate)
        if _marginal(*arguments, proposed) >= level:
            return proposed
        if candidate < at:
            low = candidate
        else:
            high = candidate
        if high - low < 1e-12:
            return s
