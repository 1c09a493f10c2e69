"""A path of modes under a Gaussian likelihood, from second moments.

With n >= p one symmetric product holds all that the data say: every point of the path then costs
the square of the number of coefficients in play, whatever n is.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

_EPOCHS = 48
_LARGEST = 5000


def moments_pay(problem: Problem) -> bool:
    """Fewer coefficients than rows, few enough for a square matrix of them."""
    return isinstance(problem.likelihood, Gaussian) and problem.p <= min(problem.n, _LARGEST)


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
            H, vectors, order, front, moments.cross, moments.total, f, g, tolerance, _EPOCHS,
            point, out,
        )  # fmt: skip
        if stopped == f.size:
            break
        tries = tries + 1 if stopped == point else 0
        point = stopped
        _finish(H, vectors, front, float(f[point]), float(g[point]))
        refresh(H, vectors, moments.cross, order, front, 0)
        if tries > 6:
            out[point, order] = vectors[0]
            point, tries = point + 1, 0
    return out


def _finish(H: FloatArray, vectors: FloatArray, front: int, f: float, g: float) -> None:
    """Solve for the coefficients in front exactly, where descent is too slow."""
    d, r, l1, l2, lower, upper = (row[:front] for row in vectors[:6])
    penalty = Penalty(l1 / f, l2 / g, np.zeros(front), lower, upper)
    block = np.ascontiguousarray(H[:front, :front])
    d[:] = minimise_quadratic(Quadratic(block, r.copy(), d.copy()), penalty)
