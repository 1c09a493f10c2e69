"""Is the mode the only one, where the loss has corners?

With an optimal dual point the modes are exactly the points that complement it: rows whose dual is
inside its box are interpolated, columns whose pull is inside their kink stay there, columns with
curvature do not move, and whatever has its dual at an end may move to that side only.  The mode is
unique when no direction respects all of this: at once when the equations have full rank, else when
a linear programme finds none.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.likelihoods import AsymmetricLaplace
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)
# Duals closer than this share of their box to its end may be at the end.
_SLACK = 1e-9


def corner_mode_is_unique(problem: Problem, v: FloatArray, theta: FloatArray) -> bool:
    """True when no other point attains the same objective."""
    columns, low, high = _movable(problem, v, theta)
    if not columns.size:
        return True
    met = met_rows(problem, v)
    ends = _ends(problem, theta)
    equal = problem.block(columns)[np.flatnonzero(met & (ends == 0))]
    size = np.max(np.abs(problem.block(columns)), axis=0)
    size = np.where(size > 0, size, 1.0)
    if _has_full_rank(equal / size):
        return True
    sided = np.flatnonzero(met & (ends != 0))
    # d J / d eta at its upper end: y - eta may only fall, so that eta may only rise.
    unequal = -(problem.block(columns)[sided] * ends[sided, None])
    return not _direction_exists(equal / size, unequal / size, low, high)


def _movable(
    problem: Problem, v: FloatArray, theta: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Columns that the penalty lets move at no cost, and to which sides (-1, 0 or 1)."""
    penalty = problem.penalty
    c = -problem.transposed_product(theta)
    least, most = penalty.subdifferential(v)
    slack = _SLACK * (penalty.l1 + np.abs(c)) + 64 * _EPS * np.sqrt(
        problem.column_squares(theta**2)
    )
    cornered = least < most
    low = np.where(cornered & (c > least + slack), 0.0, -1.0)
    high = np.where(cornered & (c < most - slack), 0.0, 1.0)
    moves = (penalty.l2 == 0) & ~penalty.is_pinned & (low < high)
    columns = np.flatnonzero(moves)
    return columns, low[columns], high[columns]


def met_rows(problem: Problem, v: FloatArray) -> BoolArray:
    """Rows that v interpolates, to the rounding of the terms of eta."""
    eta = problem.linear_predictor(v)
    terms = np.abs(problem.y) + np.abs(problem.offset) + abs(problem.X) @ np.abs(v[: problem.p])
    terms = terms + abs(v[-1]) if problem.has_intercept else terms
    return np.asarray(np.abs(problem.y - eta) <= 1024 * _EPS * terms)


def _ends(problem: Problem, theta: FloatArray) -> FloatArray:
    """-1 where theta is at its lower end (or nearly), 1 at its upper, 0 inside."""
    assert isinstance(problem.likelihood, AsymmetricLaplace)
    low, high = (problem.weights * slope for slope in problem.likelihood.slopes)
    slack = _SLACK * (high - low)
    return np.where(theta <= low + slack, -1.0, np.where(theta >= high - slack, 1.0, 0.0))


def _has_full_rank(block: FloatArray) -> bool:
    from scipy.linalg import qr

    if block.shape[0] < block.shape[1]:
        return False
    diagonal = np.abs(np.diagonal(qr(block, mode="r", pivoting=True)[0]))
    return bool(diagonal[-1] > 1e-11 * diagonal[0])


def _direction_exists(
    equal: FloatArray, unequal: FloatArray, low: FloatArray, high: FloatArray
) -> bool:
    """A direction other than 0: one of c and -c is positive along it, for almost every c."""
    from scipy.optimize import linprog

    c = np.random.default_rng(0).uniform(0.5, 1.0, low.size)
    c *= np.random.default_rng(1).choice([-1.0, 1.0], low.size)
    for objective in (c, -c):
        found = linprog(
            objective,
            A_eq=equal if equal.size else None,
            b_eq=np.zeros(equal.shape[0]) if equal.size else None,
            A_ub=unequal if unequal.size else None,
            b_ub=np.zeros(unequal.shape[0]) if unequal.size else None,
            bounds=np.column_stack([low, high]),
            method="highs",
        )
        if found.fun is not None and found.fun < -1e-6:
            return True
    return False
