"""Sigma and the unknown scales given the coefficients, the mixing variables integrated out.

    p(sigma, scales | u) ~ p(sigma) prod p(scale_k)
                           sigma^-contrasts exp(-rss / (2 sigma^2)) prod_j g_j(u_j / f_j) / f_j

with f_j = sigma^[relative_j] scale_k(j) and g_j the density of :mod:`bayesreg._kernels.mixing`.
Each is drawn exactly given the others. Given the mixing variables too, draws of a scale would
depend on the last one 4 to 8 times as much.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.log_concave import HORSESHOE_TAIL, Conditional, draw_log_scalar
from bayesreg._kernels.mixing import GROUP, HORSESHOE, STUDENT, Mixture, fill_factors

#: In ``Unknowns.codes``: sigma is a number.
GIVEN = -1


class Unknowns(NamedTuple):
    """Densities of (sigma, scale_1, scale_2, ...), see :mod:`bayesreg.posterior.scalars`."""

    codes: np.ndarray
    parameters: np.ndarray


class Room(NamedTuple):
    """Arrays to work in: (groups,), (q,) and (q,)."""

    norms: np.ndarray
    ratio: np.ndarray
    nu: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def governed(mixture: Mixture, j: int, k: int) -> bool:
    """Is scalar k (0 for sigma) in the factor of coefficient j?"""
    return mixture.relative[j] != 0 if k == 0 else mixture.scale[j] == k - 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def conditional(
    mixture: Mixture,
    u: np.ndarray,
    factor: np.ndarray,
    scalars: np.ndarray,
    k: int,
    room: Room,
) -> Conditional:
    """What the coefficients say about scalar k: with s its value, |x_j| = |u_j| s / f_j / s."""
    order, linear, quadratic, tails = 0.0, 0.0, 0.0, 0
    for g in range(room.norms.size):
        room.norms[g] = 0.0
    for j in range(u.size):
        if not governed(mixture, j, k):
            continue
        order += 1.0
        size = abs(u[j]) * (scalars[k] / factor[j])
        kind = mixture.kind[j]
        if kind == STUDENT:
            room.nu[tails], room.ratio[tails] = mixture.nu[j], size * size / mixture.nu[j]
            tails += 1
        elif kind == HORSESHOE:
            room.nu[tails] = HORSESHOE_TAIL
            room.ratio[tails] = max(0.5 * size * size, 1e-300)
            tails += 1
        elif kind == GROUP:
            room.norms[mixture.group[j]] += (mixture.l1[j] * size) ** 2
        else:
            linear += mixture.l1[j] * size
            quadratic += mixture.l2[j] * size * size
    for g in range(room.norms.size):
        linear += np.sqrt(room.norms[g])
    return Conditional(order, linear, quadratic, tails, room.ratio, room.nu)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_scalars(
    mixture: Mixture,
    unknowns: Unknowns,
    u: np.ndarray,
    rss: float,
    contrasts: int,
    first: int,
    scalars: np.ndarray,
    factor: np.ndarray,
    room: Room,
    rng: np.random.Generator,
) -> None:
    """Renew the scalars from ``first`` on, one given the others, and the factors."""
    for k in range(first, scalars.size):
        code = unknowns.codes[k]
        if code == GIVEN:
            continue
        terms = conditional(mixture, u, factor, scalars, k, room)
        if k == 0:
            terms = Conditional(
                terms.order + contrasts, terms.linear, terms.quadratic + rss,
                terms.tails, terms.ratio, terms.nu,
            )  # fmt: skip
        t = draw_log_scalar(terms, code, unknowns.parameters[k], np.log(scalars[k]), rng)
        scalars[k] = np.exp(t)
        fill_factors(mixture, scalars, factor)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def some_unknown(unknowns: Unknowns) -> bool:
    """Is sigma or a scale to be drawn?"""
    return unknowns.codes.size > 1 or unknowns.codes[0] != GIVEN
