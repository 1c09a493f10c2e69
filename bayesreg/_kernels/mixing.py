"""Priors as scale mixtures of normals: x_j | d_j ~ N(0, 1 / d_j), and d_j given x_j.

    kind        density of x                            d given x
    NORMAL      exp(-l2 x^2 / 2)                        l2
    LAPLACE     exp(-l1 |x| - l2 x^2 / 2)               l2 + l1^2 s, s inverse-Gaussian of mean
                                                        1 / (l1 |x|) and shape 1
    GROUP       exp(-||l1 x||) over its members         l1^2 s, the same with ||l1 x|| for l1 |x|
    STUDENT     (1 + x^2 / nu)^(-(nu + 1) / 2)          Gamma((nu + 1) / 2) / ((nu + x^2) / 2)
    HORSESHOE   N(0, s^2) over half-Cauchy s            1 / s^2 ~ exp(-d x^2 / 2) / (1 + d)

Andrews and Mallows (1974, JRSS B 36:99); Park and Casella (2008, JASA 103:681); Kyung, Gill, Ghosh
and Casella (2010, Bayesian Analysis 5:369) for groups; Carvalho, Polson and Scott (2010, Biometrika
97:465).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

NORMAL, LAPLACE, GROUP, STUDENT, HORSESHOE = range(5)
#: In ``Mixture.scale``: the scale of this coefficient is a number.
KNOWN = -1
# Floor of a squared standard normal, reached with probability below 1e-50: 1 / 0 at u = 0.
_TINY = 1e-100


class Mixture(NamedTuple):
    """The priors of the coefficients u = factor x, an entry each.

    ``group`` numbers the groups from 0 (of members only), ``relative`` says whether sigma is in
    the factor, ``scale`` which of the unknown scales is, or KNOWN. Members of a group share their
    factor.
    """

    kind: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    nu: np.ndarray
    group: np.ndarray
    relative: np.ndarray
    scale: np.ndarray


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def inverse_gaussian(kappa: float, z: float, uniform: float) -> float:
    """An inverse-Gaussian variate of mean 1 / kappa and shape 1 (Levy for kappa = 0).

    Michael, Schucany and Haas (1976) solve (1 - x kappa)^2 / x = z^2 and choose between its two
    roots. The smaller one is written without a difference,

        x = 1 / (kappa + y / 2 + sqrt(y kappa + y^2 / 4)),   y = z^2,

    taken with probability 1 / (1 + kappa x); the other is 1 / (kappa^2 x).
    """
    y = max(z * z, _TINY)
    x = 1.0 / (kappa + 0.5 * y + np.sqrt(y * kappa + 0.25 * y * y))
    if uniform * (1.0 + kappa * x) <= 1.0:
        return x
    return 1.0 / (kappa * (kappa * x))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def horseshoe_precision(m: float, rng: np.random.Generator) -> float:
    """A draw of d with density ~ exp(-m d) / (1 + d), d > 0.

    In z = log(1 + d) the density exp(-m e^z) is log-concave. Its hat is exp(-m) up to
    z0 = max(0, log 1/m), and the tangent there beyond; at least 0.59 of the hat is accepted.
    """
    m = max(m, _TINY)
    start = max(0.0, -np.log(m))
    rate = max(1.0, m)
    flat = start * np.exp(rate - m)
    while True:
        if rng.random() * (flat + 1.0 / rate) < flat:
            z = start * rng.random()
            excess = m * np.expm1(z)
        else:
            beyond = rng.standard_exponential() / rate
            z = start + beyond
            excess = rate * (np.expm1(beyond) - beyond)
        if rng.standard_exponential() >= excess:
            return max(np.expm1(z), _TINY)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_precisions(
    mixture: Mixture,
    u: np.ndarray,
    factor: np.ndarray,
    rng: np.random.Generator,
    norms: np.ndarray,
    precision: np.ndarray,
) -> None:
    """Fill d given x = u / factor; ``norms`` is room for a number per group."""
    if norms.size:
        _draw_groups(mixture, u, factor, rng, norms)
    for j in range(u.size):
        kind = mixture.kind[j]
        if kind == NORMAL:
            precision[j] = mixture.l2[j]
        elif kind == LAPLACE:
            l1 = mixture.l1[j]
            kappa = l1 * abs(u[j]) / factor[j]
            s = inverse_gaussian(kappa, rng.standard_normal(), rng.random())
            precision[j] = mixture.l2[j] + l1 * l1 * s
        elif kind == GROUP:
            precision[j] = mixture.l1[j] ** 2 * norms[mixture.group[j]]
        else:
            x = u[j] / factor[j]
            if kind == STUDENT:
                nu = mixture.nu[j]
                g = rng.standard_gamma(0.5 * (nu + 1.0)) / (0.5 * (nu + x * x))
                precision[j] = max(g, _TINY)
            else:
                precision[j] = horseshoe_precision(0.5 * x * x, rng)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _draw_groups(
    mixture: Mixture,
    u: np.ndarray,
    factor: np.ndarray,
    rng: np.random.Generator,
    norms: np.ndarray,
) -> None:
    """||l1 x|| of each group, overwritten by its s."""
    for g in range(norms.size):
        norms[g] = 0.0
    for j in range(u.size):
        if mixture.kind[j] == GROUP:
            norms[mixture.group[j]] += (mixture.l1[j] * u[j] / factor[j]) ** 2
    for g in range(norms.size):
        norms[g] = inverse_gaussian(np.sqrt(norms[g]), rng.standard_normal(), rng.random())


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill_factors(mixture: Mixture, scalars: np.ndarray, factor: np.ndarray) -> None:
    """factor_j = sigma^[relative_j] scale_j for scalars (sigma, scale_1, scale_2, ...)."""
    for j in range(factor.size):
        factor[j] = scalars[0] if mixture.relative[j] else 1.0
        if mixture.scale[j] != KNOWN:
            factor[j] *= scalars[1 + mixture.scale[j]]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def all_relative(mixture: Mixture) -> bool:
    """Is sigma in every factor?"""
    count = 0
    for j in range(mixture.relative.size):
        count += mixture.relative[j]
    return count == mixture.relative.size


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def keep(u: np.ndarray, scalars: np.ndarray, draw: np.ndarray, scalar_draw: np.ndarray) -> None:
    """Copy a state into its row of draws."""
    for j in range(u.size):
        draw[j] = u[j]
    for k in range(scalars.size):
        scalar_draw[k] = scalars[k]
