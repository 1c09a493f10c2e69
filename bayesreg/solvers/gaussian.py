"""Paths of modes under a Gaussian likelihood: which way is the quickest.

* Normal priors only: one eigendecomposition for all scales.
* n >= p: one symmetric product holds all that the data say; every point of the path then costs
  the square of the number of coefficients in play, whatever n is.
* p > n: the same on the columns that may leave their kink (``screened``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.certificate import null_deviance
from bayesreg.certificate_path import PathGaps, certify_path, certify_path_by_rows
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments, moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.ridge_path import is_plain_ridge, ridge_from_moments, ridge_from_rows
from bayesreg.solvers.screened import ScreenedPath, finish, screening_pays

_EPOCHS = 48
_LARGEST = 5000


def moments_pay(problem: Problem) -> bool:
    """Fewer coefficients than rows, few enough for a square matrix of them."""
    return isinstance(problem.likelihood, Gaussian) and problem.p <= min(problem.n, _LARGEST)


@dataclass(frozen=True, eq=False)
class Along:
    """Extended vectors, one row per point, and what proves them."""

    v: FloatArray
    gaps: PathGaps


def path_at_once(problem: Problem, f: FloatArray, g: FloatArray, tol: float) -> Along | None:
    """The modes with l1 divided by f and l2 by g, ascending; None where no way here applies."""
    if not isinstance(problem.likelihood, Gaussian):
        return None
    size = problem.p if problem.flat_intercept else problem.size
    penalty = problem.penalty.take(slice(0, size))
    along = replace(penalty, l1=penalty.l1 / f[:, None], l2=penalty.l2 / g[:, None])
    if moments_pay(problem):
        known = moments(problem)
        half = 0.5 * known.total if known.mean is not None else null_deviance(problem) / 2
        if is_plain_ridge(problem):
            d = ridge_from_moments(known, penalty, g)
        else:
            d = path_from_moments(known, penalty, f, g, _aim(tol, half))
        return Along(known.extended(d), certify_path(known, along, d, half, tol))
    half = null_deviance(problem) / 2
    if is_plain_ridge(problem) and problem.n <= _LARGEST:
        v = ridge_from_rows(problem, g)
    elif screening_pays(problem):
        screened = ScreenedPath(problem)
        v = screened.extended(screened.points(f, g, np.full(f.size, _aim(tol, half))))
    else:
        return None
    return Along(v, certify_path_by_rows(problem, along, v, half, tol))


def _aim(tol: float, half_null_deviance: float) -> float:
    """The gap in nats that the solver stops at, some way below what is asked."""
    return 0.3 * tol * (half_null_deviance if half_null_deviance > 0 else 1.0)


def path_from_moments(
    moments: Moments, penalty: Penalty, f: FloatArray, g: FloatArray, tolerance: float
) -> FloatArray:
    """Distances from ``start`` at each pair of factors, one row each.

    Parameters
    ----------
    penalty : Penalty of the coefficients in the moments
    f, g : (k,) arrays
        What l1 and l2 are divided by at each point.
    tolerance : float
        Duality gap in nats to aim for; whether it was reached is for the certificate to say.
    """
    from bayesreg._kernels.gram_path import gram_path, refresh

    size = penalty.size
    H = moments.gram.copy()
    vectors = np.stack([
        np.zeros(size), -moments.cross, penalty.l1, penalty.l2,
        penalty.lower - moments.start, penalty.upper - moments.start,
        np.zeros(size), np.zeros(size),
    ])  # fmt: skip
    order = np.arange(size)
    out = np.empty((f.size, size))
    point, front, tries = 0, 0, 0
    while point < f.size:
        stopped, front = gram_path(
            H, vectors, order, front, moments.cross, moments.total, f, g,
            np.full(f.size, tolerance), _EPOCHS, point, out,
        )  # fmt: skip
        if stopped == f.size:
            break
        tries = tries + 1 if stopped == point else 0
        point = stopped
        finish(H, vectors, front, float(f[point]), float(g[point]))
        refresh(H, vectors, moments.cross, order, front, 0)
        if tries > 6:
            out[point, order] = vectors[0]
            point, tries = point + 1, 0
    return out
