"""The coefficients that were integrated out, and the units of all others."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bayesreg._kernels.dense import solve_upper


class Whole(NamedTuple):
    """v from u, see :mod:`bayesreg.posterior.contrasts`.

    ``flat_factor``, ``flat_target``, ``flat_on_proper``: f | u = R^-1 (target - on_proper u + e).
    ``residual``, ``mean_proper``, ``mean_flat``, ``deviation`` of the intercept, the last entry
    of v; ``deviation`` is 0 where it is not flat.
    """

    base: np.ndarray
    proper: np.ndarray
    unit: np.ndarray
    flat: np.ndarray
    flat_factor: np.ndarray
    flat_target: np.ndarray
    flat_on_proper: np.ndarray
    residual: float
    mean_proper: np.ndarray
    mean_flat: np.ndarray
    deviation: float


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def complete(
    whole: Whole, u: np.ndarray, sigma: np.ndarray, rng: np.random.Generator, v: np.ndarray
) -> None:
    """Fill a row of v for each row of u and entry of sigma."""
    flats = whole.flat.size
    f = np.empty(flats)
    for i in range(u.shape[0]):
        for j in range(whole.base.size):
            v[i, j] = whole.base[j]
        for k in range(flats):
            f[k] = whole.flat_target[k] + sigma[i] * rng.standard_normal()
            for j in range(u.shape[1]):
                f[k] -= whole.flat_on_proper[k, j] * u[i, j]
        solve_upper(whole.flat_factor, f)
        intercept = whole.residual
        for j in range(u.shape[1]):
            moved = whole.unit[j] * u[i, j]
            v[i, whole.proper[j]] += moved
            intercept -= whole.mean_proper[j] * moved
        for k in range(flats):
            v[i, whole.flat[k]] = f[k]
            intercept -= whole.mean_flat[k] * f[k]
        if whole.deviation > 0.0:
            v[i, whole.base.size - 1] = (
                intercept + sigma[i] * whole.deviation * rng.standard_normal()
            )
