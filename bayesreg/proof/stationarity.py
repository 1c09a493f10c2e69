"""Is a point a local mode?  First and second order, from data and point alone.

First order, the KKT residual: with h_j the curvature of a parabola in coefficient j that lies above
J and touches it at the point, moving j alone lowers J by at least d_j^2 / (2 h_j) (far from kinks),
d_j the distance of -dJ/dv_j from the subdifferential.  Second order: over the coefficients off
their kinks and bounds the Hessian must have no negative eigenvalue, or the point is a saddle.

Nothing here is shared with the solvers.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

# Beyond this the eigenvalues of a dense Hessian are out of reach; the test is left out.
LARGEST_HESSIAN = 4000


def kkt_residual(problem: Problem, v: FloatArray) -> float:
    """max_j d_j / sqrt(h_j), in root nats."""
    eta = problem.linear_predictor(v)
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    distance = problem.penalty.subgradient_distance(v, gradient)
    above = problem.column_squares(problem.majorising_rows(eta)) + problem.penalty.majorant(v).l2
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = float(np.max(np.where(distance > 0, distance / np.sqrt(above), 0.0), initial=0.0))
    return worst if np.isfinite(worst) else np.inf


def free_coefficients(problem: Problem, v: FloatArray) -> IntArray:
    """Extended columns off their kink and inside their bounds: J is smooth in these."""
    low, high = problem.penalty.subdifferential(v)
    return np.flatnonzero((low == high) & ~problem.penalty.is_pinned)


def least_curvature(problem: Problem, v: FloatArray) -> float:
    """Least eigenvalue of the Hessian over the free coefficients, each in units of 1 / sqrt(h_j).

    At most 1; at a strict local mode positive, at a saddle negative. 1 where nothing is free, NaN
    where there are too many to tell.
    """
    free = free_coefficients(problem, v)
    if not free.size:
        return 1.0
    if free.size > LARGEST_HESSIAN:
        return float("nan")
    eta, penalty = problem.linear_predictor(v), problem.penalty.take(free)
    above = problem.column_squares(problem.majorising_rows(eta))[free]
    above = above + penalty.majorant(v[free]).l2
    hessian = np.diag(penalty.curvature(v[free]) + np.zeros(free.size))
    curvature = problem.curvature_rows(eta)
    for sign in (1.0, -1.0):
        part = np.maximum(sign * curvature, 0.0)
        if part.any():
            hessian += sign * problem.cross_products(free, free, part, None)
    unit = 1.0 / np.sqrt(np.where(above > 0, above, 1.0))
    return float(np.linalg.eigvalsh(hessian * unit * unit[:, None])[0])


def half_null_deviance(problem: Problem) -> float:
    """The loss at w = loc beyond the least possible, in nats: the scale of a local certificate.

    From there flat columns and a flat intercept are refitted by reweighted least squares, which
    never raises the loss, and an intercept with a prior together with that prior. 0 when what is
    left is only rounding.
    """
    flat = np.flatnonzero(problem.penalty.is_flat)
    eta = _refitted(problem, problem.linear_predictor(problem.start), flat)
    if problem.has_intercept and not problem.penalty.is_flat[-1]:
        eta = _with_intercept(problem, eta, flat)
    excess = problem.likelihood.loss(problem.y, eta) - problem.likelihood.saturated_loss(problem.y)
    half = float(problem.weights @ np.maximum(excess, 0.0))
    magnitude = np.abs(eta) + np.abs(problem.offset) + np.abs(problem.y)
    rounding = float(problem.majorising_rows(eta) @ (32 * np.finfo(float).eps * magnitude) ** 2)
    return half if half > rounding else 0.0


def _refitted(problem: Problem, eta: FloatArray, columns: IntArray) -> FloatArray:
    """The linear predictor moved along the columns towards the least loss."""
    block = problem.block(columns)
    for _ in range(20 if columns.size else 0):
        h, g = problem.majorising_rows(eta), problem.gradient_rows(eta)
        root = np.sqrt(h)
        with np.errstate(divide="ignore", invalid="ignore"):
            target = np.where(root > 0, -g / root, 0.0)
        if not np.all(np.isfinite(target)):
            break
        step = np.linalg.lstsq(root[:, None] * block, target, rcond=None)[0]
        moved = eta + block @ step
        if not problem.loss(moved) < problem.loss(eta):
            break
        eta = moved
    return eta


def _with_intercept(problem: Problem, eta: FloatArray, flat: IntArray) -> FloatArray:
    """Alternate between an intercept that has a prior and the flat columns.

    Without its prior such an intercept may have no optimum: counts that are all 0 drive it to
    minus infinity, and the scale to nothing.
    """
    from scipy.optimize import minimize_scalar

    prior = problem.penalty.take(slice(-1, None))
    current = float(problem.start[-1])
    for _ in range(5 if flat.size else 1):
        without = eta - current

        def objective(a: float, without: FloatArray = without) -> float:
            inside = np.clip([a], prior.lower, prior.upper)
            return problem.loss(without + inside[0]) + prior.value(inside)

        with np.errstate(over="ignore"):
            found = minimize_scalar(objective, bracket=(current - 1.0, current + 1.0)).x
        moved = float(np.clip(found, prior.lower[0], prior.upper[0]))
        if not objective(moved) < objective(current):
            break
        eta, current = _refitted(problem, without + moved, flat), moved
    return eta
