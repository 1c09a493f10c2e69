"""Paths of modes under a Gaussian likelihood: which way is the quickest.

* Normal priors only: one tridiagonal form for all scales (``ridge_path``).
* n >= p: one symmetric product holds all that the data say; every point of the path then costs
  the square of the number of coefficients in play, whatever n is.
* p > n: the same on the columns that leave their kink, or nearly do (``screened``).
* Sparse X: descent on the residuals (``sparse``); Normal priors only: each point by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments, moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.null import null_deviance
from bayesreg.proof.path import PathGaps, certify_path, certify_path_by_rows
from bayesreg.solvers.conjugate_gradients import conjugate_gradients_pay
from bayesreg.solvers.elimination import block_of
from bayesreg.solvers.newton import Curvature
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic
from bayesreg.solvers.ridge_path import is_plain_ridge, ridge_from_moments, ridge_from_rows
from bayesreg.solvers.screened import ScreenedPath, screening_pays
from bayesreg.solvers.sparse import SparsePath, residual_descent_pays

_LARGEST = 5000
_LARGEST_SPARSE = 1000
_RELAXATION = 1.6
# On the way to a point, and at it before exact solves take over.
_EPOCHS_PASSING, _EPOCHS = 6, 40
# Share of its slope that a pull must reach for a coefficient at its kink to be watched.
_NEARLY = 0.9
# The same for descent on residuals, and how many steps at most.
_SPARSE_RELAXATION, _SPARSE_STEPS = 2.5, 2
# Who asks for less than this wants an answer, not its last digits.
_LOOSE = 1e-7
# More coefficients off their kink than a square matrix of them is worth.
_DENSE_NEWTON = 3000


def _applies(problem: Problem) -> bool:
    """Separable convex priors whose loc lies within their bounds: distances start from it."""
    penalty = problem.penalty
    return (
        isinstance(problem.likelihood, Gaussian)
        and penalty.is_separable
        and penalty.tails is None
        and bool(np.all(problem.start == penalty.loc))
    )


def moments_pay(problem: Problem) -> bool:
    """Fewer coefficients than rows, few enough for a square matrix of them."""
    largest = _LARGEST_SPARSE if is_sparse(problem.X) else _LARGEST
    return isinstance(problem.likelihood, Gaussian) and problem.p <= min(problem.n, largest)


@dataclass(frozen=True, eq=False)
class Along:
    """Extended vectors, one row per point, and what proves them."""

    v: FloatArray
    gaps: PathGaps


def path_at_once(problem: Problem, f: FloatArray, g: FloatArray, tol: float) -> Along | None:
    """The modes with l1 divided by f and l2 by g, ascending; None where no way here applies."""
    # The scale of an intercept's prior is not scanned.
    if not _applies(problem) or (problem.has_intercept and not problem.flat_intercept):
        return None
    # Columns without a penalty are for the certificate of the single point.
    if np.any((problem.penalty.l1 == 0)[: problem.p] & (problem.penalty.l2 == 0)[: problem.p]):
        return None
    size = problem.p if problem.flat_intercept else problem.size
    penalty = problem.penalty.take(slice(0, size))
    if moments_pay(problem):
        known = moments(problem)
        half = _half_null_deviance(problem, known)
        if is_plain_ridge(problem):
            d = ridge_from_moments(known, penalty, g)
        else:
            d = path_from_moments(known, penalty, f, g, np.full(f.size, _aim(tol, half)))
        along = replace(penalty, l1=penalty.l1 / f[:, None], l2=penalty.l2 / g[:, None])
        v, gaps = known.extended(d), certify_path(known, along, d, half, tol)
        return Along(v, _closer(problem, penalty, f, g, v, gaps))
    if conjugate_gradients_pay(problem):
        return None
    half = null_deviance(problem) / 2
    if is_plain_ridge(problem) and problem.n <= _LARGEST:
        v = ridge_from_rows(problem, g)
    elif screening_pays(problem) or residual_descent_pays(problem):
        path = SparsePath(problem) if is_sparse(problem.X) else ScreenedPath(problem)
        v = path.extended(path.points(f, g, np.full(f.size, _aim(tol, half))))
    else:
        return None
    return Along(v, certify_path_by_rows(problem, penalty, f, g, v, half, tol))


def prove_along(
    problem: Problem, known: Moments | None, f: FloatArray, v: FloatArray, tol: float
) -> Along:
    """Points that came from elsewhere, certified: of l1 divided by f, without any l2."""
    size = problem.p if problem.flat_intercept else problem.size
    penalty = problem.penalty.take(slice(0, size))
    if known is None:
        half = null_deviance(problem) / 2
        return Along(v, certify_path_by_rows(problem, penalty, f, f, v, half, tol))
    half = _half_null_deviance(problem, known)
    along = replace(penalty, l1=penalty.l1 / f[:, None], l2=penalty.l2 / f[:, None])
    gaps = certify_path(known, along, v[:, :size] - known.start, half, tol)
    return Along(v, _closer(problem, penalty, f, f, v, gaps))


def _closer(
    problem: Problem, penalty: Penalty, f: FloatArray, g: FloatArray, v: FloatArray, gaps: PathGaps
) -> PathGaps:
    """From X itself where the rounding of the moments hides whether a point is proved."""
    hidden = np.flatnonzero(~gaps.holds)
    if not hidden.size:
        return gaps
    found = certify_path_by_rows(
        problem, penalty, f[hidden], g[hidden], v[hidden], gaps.half_null_deviance, gaps.tol
    )
    return gaps.with_points(hidden, found)


def _half_null_deviance(problem: Problem, known: Moments) -> float:
    return 0.5 * known.total if known.mean is not None else null_deviance(problem) / 2


@dataclass(frozen=True, eq=False)
class Near:
    """A point near the mode, the curvature there, and its certificate where that may suffice.

    ``moments``: the columns off their kink and their centred second moments, where known.
    """

    v: FloatArray
    curvature: Curvature | None = None
    certificate: Certificate | None = None
    moments: tuple[IntArray, FloatArray] | None = None


def warm_start(problem: Problem, start: FloatArray, tol: float) -> Near:
    """A point near the mode, where a Gaussian likelihood makes it cheap; else ``start``.

    The penalty is relaxed from where every coefficient is at its loc to what is asked, so that
    the coefficients in play stay few.
    """
    if not _applies(problem):
        return Near(start)
    kinked = bool(np.any(problem.penalty.l1[: problem.p] > 0))
    if moments_pay(problem):
        known = moments(problem)
        curvature = Curvature.known(problem, known)
        if not kinked:
            return Near(start, curvature)
        penalty = problem.penalty.take(slice(0, known.start.size))
        f = _relaxing(penalty, known.cross)
        aim = np.full(f.size, np.inf)
        aim[-1] = _aim(tol, 0.5 * known.total)
        d = path_from_moments(known, penalty, f, f, aim)[-1:]
        certificate = None
        if tol >= _LOOSE and not problem.shift.any():
            half = _half_null_deviance(problem, known)
            one = replace(penalty, l1=penalty.l1[None], l2=penalty.l2[None])
            certificate = certify_path(known, one, d, half, tol).certificate(0)
        return Near(known.extended(d)[0], curvature, certificate)
    if screening_pays(problem):
        screened = ScreenedPath(problem)
        f = _relaxing(screened.penalty, screened.pull)
        aim = np.full(f.size, np.inf)
        aim[-1] = _aim(tol, 0.5 * screened.total)
        v = screened.extended(screened.points(f, f, aim)[-1:])
        if tol >= _LOOSE and not problem.shift.any():
            certificate = _certificate(problem, screened.penalty, v, tol)
            if certificate.holds:
                return Near(v[0], None, certificate, screened.moments())
        return Near(v[0], screened.curvature())
    if residual_descent_pays(problem):
        return _by_residuals(problem, tol)
    return Near(start)


def _by_residuals(problem: Problem, tol: float) -> Near:
    """The point that descent on the residuals of a sparse X reaches."""
    sparse = SparsePath(problem)
    f = _sparse_steps(sparse.penalty, sparse.pull)
    aim = np.full(f.size, np.inf)
    aim[-1] = _aim(tol, 0.5 * sparse.total)
    if tol < _LOOSE:
        # The last digits of the coefficients need a gap far below what is asked.
        aim[-1] *= 0.01
    d = sparse.points(f, f, aim)[[-1]]
    v = sparse.extended(d)
    if tol < _LOOSE and d.nnz <= _DENSE_NEWTON:
        return Near(v[0])
    return Near(v[0], certificate=_certificate(problem, sparse.penalty, v, tol))


def _certificate(problem: Problem, penalty: Penalty, v: FloatArray, tol: float) -> Certificate:
    """Of the one row of v."""
    one, half = np.ones(1), null_deviance(problem) / 2
    return certify_path_by_rows(problem, penalty, one, one, v, half, tol).certificate(0)


def _sparse_steps(penalty: Penalty, pull: FloatArray) -> FloatArray:
    """The last factors on the way, and 1 twice: the first time tells which columns count."""
    leaves = _leaves(penalty, pull)
    steps = _SPARSE_RELAXATION ** -np.arange(float(_SPARSE_STEPS), 0.0, -1.0)
    return np.concatenate([steps[steps > _SPARSE_RELAXATION * leaves], np.ones(2)])


def _relaxing(penalty: Penalty, pull: FloatArray) -> FloatArray:
    """Factors of the scale from where the first coefficient leaves its loc, up to 1."""
    leaves = _leaves(penalty, pull)
    if not 1e-8 < leaves < 1.0:
        return np.ones(1)
    steps = int(np.ceil(np.log(1.0 / leaves) / np.log(_RELAXATION)))
    f: FloatArray = np.geomspace(leaves, 1.0, steps + 1)[1:]
    return f


def _leaves(penalty: Penalty, pull: FloatArray) -> float:
    """The factor at which the first coefficient leaves its loc, at most 1."""
    kinked = penalty.l1 > 0
    with np.errstate(divide="ignore", over="ignore"):
        return float(np.min(penalty.l1[kinked] / np.abs(pull[kinked]), initial=1.0))


def _aim(tol: float, half_null_deviance: float) -> float:
    """The gap in nats that the solver stops at, some way below what is asked."""
    return 0.3 * tol * (half_null_deviance if half_null_deviance > 0 else 1.0)


def path_from_moments(
    moments: Moments, penalty: Penalty, f: FloatArray, g: FloatArray, tolerance: FloatArray
) -> FloatArray:
    """Distances from ``start`` at each pair of factors, one row each.

    Parameters
    ----------
    penalty : Penalty of the coefficients in the moments
    f, g : (k,) arrays
        What l1 and l2 are divided by at each point.
    tolerance : (k,) array
        Duality gaps in nats to aim for; whether they were reached is for the certificate to say.
        Where it is infinite, a few epochs of descent will do.
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
            np.where(np.isinf(tolerance), 0.0, tolerance), epochs_for(tolerance), point, out,
        )  # fmt: skip
        if stopped == f.size:
            break
        tries = tries + 1 if stopped == point else 0
        point = stopped
        if np.isfinite(tolerance[point]):
            finish(H, vectors, front, float(f[point]), float(g[point]))
            refresh(H, vectors, moments.cross, order, front, 0)
        if tries > 6 or np.isinf(tolerance[point]):
            out[point, order] = vectors[0]
            point, tries = point + 1, 0
    return out


def epochs_for(tolerance: FloatArray) -> IntArray:
    """Epochs of descent allowed at each point."""
    return np.where(np.isinf(tolerance), _EPOCHS_PASSING, _EPOCHS)


def finish(H: FloatArray, vectors: FloatArray, front: int, f: float, g: float) -> None:
    """Solve for the coefficients in front exactly, where descent is too slow.

    Those at their kink that are far from wanting to leave stay out; whether one of them does
    after all is seen in the next sweep.
    """
    d, r, l1, l2, lower, upper = (row[:front] for row in vectors[:6])
    chosen = np.flatnonzero((d != 0) | (np.abs(r) > _NEARLY * l1 / f))
    penalty = Penalty(l1 / f, l2 / g, np.zeros(front), lower, upper).take(chosen)
    block = block_of(H, chosen)
    d[chosen] = minimise_quadratic(Quadratic(block, r[chosen], d[chosen]), penalty)
