"""sigma and the residual together, where coefficients can fit every row.

Given coefficients that leave a residual r, sigma is known to 1 / sqrt(2 rows); given sigma, r is of
that size: drawn in turn both hardly move. With W the right inverse of A of least norm,

    (sigma, u)  ->  (c sigma, u + (1 - c) W r)      has the residual c r

and the Jacobian c^rows, which cancels against sigma^-rows in the likelihood: only the priors and
the bounds hold c back (a generalised Gibbs move along a group: Liu and Sabatti 2000, Biometrika
87:353).
"""

from __future__ import annotations

import numba
import numpy as np

from bayesreg._kernels.mixing import LAPLACE, Mixture
from bayesreg._kernels.scalar_density import log_density

# Width of the slice in log c.
_WIDTH = 2.0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _log_target(
    step: float,
    code: int,
    parameters: np.ndarray,
    sigma: float,
    mixture: Mixture,
    precision: np.ndarray,
    factor: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    u: np.ndarray,
    shift: np.ndarray,
) -> float:
    """log density of log c = step, mixing variables given."""
    c = np.exp(step)
    total = log_density(code, parameters, sigma * c) + step
    for j in range(u.size):
        moved = u[j] + (1.0 - c) * shift[j]
        if not low[j] <= moved <= high[j]:
            return -np.inf
        f = factor[j]
        if mixture.relative[j]:
            f *= c
            total -= step
        x = abs(moved) / f
        if mixture.kind[j] <= LAPLACE:
            total -= (mixture.l1[j] + 0.5 * mixture.l2[j] * x) * x
        else:
            total -= 0.5 * precision[j] * x * x
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def move_noise(
    inverse: np.ndarray,
    code: int,
    parameters: np.ndarray,
    mixture: Mixture,
    precision: np.ndarray,
    factor: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    u: np.ndarray,
    scalars: np.ndarray,
    residual: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """One slice update of log c, shrinking towards 0; ``inverse`` is W."""
    shift = np.dot(inverse, residual)
    sigma = scalars[0]
    level = _log_target(
        0.0, code, parameters, sigma, mixture, precision, factor, low, high, u, shift
    )
    level -= rng.standard_exponential()
    left = -_WIDTH * rng.random()
    right = left + _WIDTH
    while right - left > 1e-12:
        step = left + (right - left) * rng.random()
        found = _log_target(
            step, code, parameters, sigma, mixture, precision, factor, low, high, u, shift
        )
        if found >= level:
            c = np.exp(step)
            u += (1.0 - c) * shift
            residual *= c
            scalars[0] = sigma * c
            return
        if step < 0.0:
            left = step
        else:
            right = step
