"""The finishing solve for columns that the data hardly tell apart.

With the set F of free coefficients and their signs held, the mode solves

    X_F' theta(eta) + l1 sign + l2 (v_F - loc_F) = 0,        theta = s dloss/deta.

Newton steps in double precision through a Gram matrix lose twice as many digits as the columns
of X_F cost (NIST's Filip: all of them).  Here each step takes the left side in twofold
arithmetic at a point that is itself kept in twofold precision, and solves with the triangle R of

    [ sqrt(s h) X_F ; sqrt(l2) ] = Q R,

columns scaled by powers of two.  In the norm |R d| the error falls by about eps cond(R) a step,
whatever cond(R)^2 is, until the point is exact to its last digit.  Bjoerck (1996), Numerical
methods for least squares problems, 2.9 and 6.6; the set of free coefficients changes one at a
time, by Newton's step to the first kink or bound, or by the strongest pull on one that is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.likelihoods import Gaussian
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers import twofold
from bayesreg.solvers.twofold import Twofold

_EPS = float(np.finfo(float).eps)

# Multiply-adds of one factorisation: below the first the condition is looked at always, up to the
# second a point without certificate is refined.
_CHEAP, _AFFORDABLE = 5e6, 2e10
_ENTRIES_PER_BLOCK = 2**21

# Relative error of a coefficient from the rounding of the gradient that is worth removing, for
# coefficients that do not vanish beside the others.
_FELT, _VANISHING = 2.0**-40, 1e-4

# How Newton's steps with the signs held can end.
_OPTIMAL, _BROKEN, _STUCK = "optimal", "met a kink or bound", "dependent columns"


@dataclass
class _Iterate:
    """The point, the coefficients that are free, and the signs that they are held to."""

    high: FloatArray
    low: FloatArray
    free: BoolArray
    sign: FloatArray

    def part(self, columns: IntArray) -> Twofold:
        return self.high[columns], self.low[columns]

    def put(self, columns: IntArray, value: Twofold) -> None:
        self.high[columns], self.low[columns] = value


def is_needed(problem: Problem, v: FloatArray) -> bool:
    """Rounding of the gradient alone may cost some free coefficient its 12th digit."""
    columns = np.flatnonzero(_is_free(problem, v))
    if not columns.size or problem.n * columns.size**2 > _CHEAP:
        return False
    if np.any(v[columns] == problem.penalty.loc[columns]):
        return True  # off any kink, an exact loc is a coefficient that was not worth a step
    eta = problem.linear_predictor(v)
    h, theta = problem.curvature_rows(eta), problem.gradient_rows(eta)
    with np.errstate(all="ignore"):
        hessian = problem.cross_products(columns, columns, h, None)
        hessian[np.diag_indices_from(hessian)] += problem.penalty.l2[columns]
        size = np.sqrt(np.diag(hessian))
        scaled = hessian / size / size[:, None]
        if not np.all(np.isfinite(scaled)):
            return False
        values, vectors = np.linalg.eigh(scaled)
        inverse = np.abs(vectors / np.maximum(values, _EPS**2) @ vectors.T)
        # Each row's theta_i is off by about eps (|theta_i| + h_i |eta_i|), at random: x_j' theta by
        # eps |x_j| times the root mean square of that.
        rounded = np.sqrt(np.mean(theta**2 / h)) + np.sqrt(np.mean(h * eta**2))
        error = 4 * _EPS * rounded * np.sum(inverse, axis=1)
        share = np.abs(v[columns]) * size
        return bool(np.any(error > _FELT * np.maximum(share, _VANISHING * np.max(share))))


def is_affordable(problem: Problem, v: FloatArray) -> bool:
    """The free columns are few enough to be factorised."""
    free = int(np.count_nonzero(_is_free(problem, v)))
    rows = problem.n + int(np.count_nonzero(problem.penalty.l2))
    return 0 < free <= rows and problem.n * free**2 <= _AFFORDABLE


def refine(problem: Problem, v: FloatArray) -> Twofold | None:
    """The mode in twofold precision, from a point near it; None where it cannot be refined."""
    sign = np.sign(v - problem.penalty.loc)
    at = _Iterate(v.copy(), np.zeros(v.size), _is_free(problem, v), sign)
    with np.errstate(all="ignore"):
        for _ in range(20 + 2 * v.size):
            outcome = _newton(problem, at)
            if outcome == _STUCK:
                return None
            if outcome == _OPTIMAL and not _free_the_strongest(problem, at):
                return at.high, at.low
    return None


def _is_free(problem: Problem, v: FloatArray) -> BoolArray:
    """Off the kink, strictly between the bounds, and of a column that is not all zeros."""
    penalty = problem.penalty
    at_kink = (v == penalty.loc) & (penalty.l1 > 0)
    inside = (v > penalty.lower) & (v < penalty.upper)
    free = ~at_kink & inside
    if np.any(free & (v == penalty.loc)):
        free &= problem.column_squares(np.ones(problem.n)) > 0
    return free


class _Columns:
    """Chosen columns of the extended design, a dense block of rows at a time."""

    def __init__(self, problem: Problem, columns: IntArray) -> None:
        self.problem, self.columns = problem, columns
        self._rows = max(int(_ENTRIES_PER_BLOCK / max(columns.size, 1)), 2 * columns.size, 1)
        self._only: FloatArray | None = None

    def __iter__(self) -> Iterator[tuple[slice, FloatArray]]:
        n = self.problem.n
        if self._rows >= n and self._only is None:
            self._only = self.problem.block(self.columns)
        if self._only is not None:
            yield slice(0, n), self._only
            return
        for first in range(0, n, self._rows):
            rows = slice(first, min(first + self._rows, n))
            yield rows, self.problem.block(self.columns, rows)


def _newton(problem: Problem, at: _Iterate) -> str:
    """Newton steps with the signs held, to the last digit or the first kink or bound."""
    columns = np.flatnonzero(at.free)
    if not columns.size:
        return _OPTIMAL
    design = _Columns(problem, columns)
    carrying = np.flatnonzero(at.free | (at.high != 0))
    whole = design if carrying.size == columns.size else _Columns(problem, carrying)
    factor, best = None, at.part(columns)
    least_promise = least_change = np.inf
    for _ in range(60):
        eta = _predictor(problem, whole, at)
        h = problem.curvature_rows(eta[0])
        if factor is None or not np.allclose(h, factor.h, rtol=1e-4, atol=0.0):
            factor = _factorise(design, h, problem.penalty.l2[columns])
        if factor is None:
            return _STUCK
        step, promise = factor.solve(_left_over(problem, design, eta, at))
        # The nats promised see the large coefficients, the relative change sees the small ones.
        relative = np.where(step == 0, 0.0, np.abs(step) / np.abs(at.high[columns]))
        change = float(np.max(relative))
        if not (promise < 0.25 * least_promise or change < 0.25 * least_change):
            break
        best = at.part(columns)
        least_promise, least_change = min(promise, least_promise), min(change, least_change)
        if _move(problem, at, columns, step, promise):
            return _BROKEN
        if change <= 2.0**-60:
            return _OPTIMAL
    at.put(columns, best)
    return _OPTIMAL if np.isfinite(least_promise) else _STUCK


def _predictor(problem: Problem, design: _Columns, at: _Iterate) -> Twofold:
    """offset + X v."""
    high, low = problem.offset.copy(), np.zeros(problem.n)
    for rows, block in design:
        product = twofold.product(block, at.part(design.columns))
        high[rows], low[rows] = twofold.add((high[rows], low[rows]), product)
    return high, low


def _left_over(problem: Problem, design: _Columns, eta: Twofold, at: _Iterate) -> FloatArray:
    """X_F' theta + l1 sign + l2 (v_F - loc_F), rounded once at the end."""
    columns = design.columns
    zero = np.zeros(columns.size)
    theta, factor = _gradient_rows(problem, eta)
    total = zero, zero
    for rows, block in design:
        part = twofold.transposed_product(block, (theta[0][rows], theta[1][rows]))
        total = twofold.add(total, part)
    penalty = problem.penalty.take(columns)
    from_loc = twofold.add(at.part(columns), (-penalty.loc, zero))
    # The power of two of l2 goes with the distance: either alone may be near the end of range.
    mantissa, exponent = np.frexp(penalty.l2)
    scaled = np.ldexp(from_loc[0], exponent), np.ldexp(from_loc[1], exponent)
    slope = twofold.multiply(mantissa, scaled)
    slope = twofold.add((penalty.l1 * at.sign[columns], zero), slope)
    return twofold.add(twofold.multiply(np.full(columns.size, factor), total), slope)[0]


def _gradient_rows(problem: Problem, eta: Twofold) -> tuple[Twofold, float]:
    """s_i dloss/deta_i as rows times a common factor.

    A Gaussian's residual is exact.  Elsewhere the gradient at ``high`` is as good as the
    likelihood computes it, and ``low`` moves it along the curvature.
    """
    likelihood, y = problem.likelihood, problem.y
    zero = np.zeros(y.size)
    if isinstance(likelihood, Gaussian):
        by_row = twofold.add(eta, (-y, zero))
        return twofold.multiply(problem.weights, by_row), 1.0 / likelihood.sigma**2
    moved = likelihood.curvature(y, eta[0]) * eta[1]
    by_row = twofold.two_sum(likelihood.gradient(y, eta[0]), moved)
    return twofold.multiply(problem.weights, by_row), 1.0


@dataclass(frozen=True)
class _Factor:
    """R of the weighted columns in units of ``size``, in the order of ``pivots``."""

    R: FloatArray
    pivots: IntArray
    size: FloatArray
    h: FloatArray

    def solve(self, left: FloatArray) -> tuple[FloatArray, float]:
        """Newton's step -(R'R)^-1 left, and the nats that it promises."""
        from scipy.linalg import solve_triangular

        if not np.all(np.isfinite(left)):
            return np.zeros(left.size), np.inf
        half = solve_triangular(self.R, (left / self.size)[self.pivots], trans="T")
        step = np.empty(left.size)
        step[self.pivots] = -solve_triangular(self.R, half)
        return step / self.size, 0.5 * float(half @ half)


def _factorise(design: _Columns, h: FloatArray, l2: FloatArray) -> _Factor | None:
    """None where the columns are dependent to rounding."""
    from scipy.linalg import qr

    squares = design.problem.column_squares(h)[design.columns] + l2
    if not np.all((squares > 0) & np.isfinite(squares)):
        return None
    size = np.exp2(np.frexp(squares)[1] // 2)
    stack = np.diag(np.sqrt(l2) / size)[l2 > 0]
    root = np.sqrt(h)
    for rows, block in design:
        stack = np.vstack([stack, block * root[rows, None] / size])
        # Large rows first: Householder's method is then accurate row by row.
        stack = stack[np.argsort(-np.max(np.abs(stack), axis=1), kind="stable")]
        if rows.stop < design.problem.n:
            stack = np.asarray(np.linalg.qr(stack, mode="r"))
    if stack.shape[0] < l2.size or not np.all(np.isfinite(stack)):
        return None
    R, pivots = qr(stack, mode="r", pivoting=True, check_finite=False)
    R = R[: l2.size]
    diagonal = np.abs(np.diagonal(R))
    if diagonal[-1] <= 4 * l2.size * _EPS * diagonal[0]:
        return None
    return _Factor(R, pivots, size, h)


def _move(
    problem: Problem, at: _Iterate, columns: IntArray, step: FloatArray, promise: float
) -> bool:
    """Take the step, up to the first kink or bound; True when one was met."""
    penalty = problem.penalty.take(columns)
    break_at, target = _first_break(penalty, at.high[columns], at.sign[columns], step)
    share = min(1.0, break_at)
    if not isinstance(problem.likelihood, Gaussian) and promise > 1e-6:
        share = _descending(problem, at, columns, step, share)
    moved = twofold.add(at.part(columns), (share * step, np.zeros(step.size)))
    at.put(columns, moved)
    if share < break_at:
        return False
    met = ~np.isnan(target)
    at.put(columns[met], (target[met], np.zeros(int(met.sum()))))
    at.free[columns[met]] = False
    return True


def _first_break(
    penalty: Penalty, v: FloatArray, sign: FloatArray, step: FloatArray
) -> tuple[float, FloatArray]:
    """The multiple of the step at which the first sign would change or bound be passed.

    With it the kink or bound of those that meet theirs there, NaN for the others.
    """
    turning = (penalty.l1 > 0) & (step * sign < 0)
    to_kink = np.where(turning, (penalty.loc - v) / step, np.inf)
    bound = np.where(step > 0, penalty.upper, penalty.lower)
    to_bound = np.where(step != 0, (bound - v) / step, np.inf)
    first = float(np.min(np.minimum(to_kink, to_bound)))
    nearest = np.where(to_kink <= to_bound, penalty.loc, bound)
    return first, np.where(np.minimum(to_kink, to_bound) <= first, nearest, np.nan)


def _descending(
    problem: Problem, at: _Iterate, columns: IntArray, step: FloatArray, share: float
) -> float:
    """The largest of share, share/2, ... at which J does not rise."""
    before = problem.value(at.high)
    slack = 256 * _EPS * abs(before)
    for _ in range(40):
        moved = at.high.copy()
        moved[columns] += share * step
        if problem.value(moved) <= before + slack:
            break
        share /= 2
    return share


def _free_the_strongest(problem: Problem, at: _Iterate) -> bool:
    """Let go of the held coefficient that most wants to move, if any does beyond rounding."""
    penalty = problem.penalty
    held = ~at.free & ~penalty.is_pinned
    if not held.any():
        return False
    carrying = _Columns(problem, np.flatnonzero(at.free | (at.high != 0)))
    eta = _predictor(problem, carrying, at)
    theta, factor = _gradient_rows(problem, eta)
    gradient = factor * problem.transposed_product(theta[0])
    size = np.sqrt(problem.column_squares(problem.curvature_rows(eta[0])) + penalty.l2)
    noise = 64 * _EPS * np.sqrt(problem.column_squares(np.ones(problem.n)))
    noise = noise * np.linalg.norm(factor * theta[0])
    distance = penalty.subgradient_distance(at.high, gradient)
    pull = np.where(held & (distance > noise) & (size > 0), distance / size, 0.0)
    j = int(np.argmax(pull))
    if not pull[j] > 0:
        return False
    at.free[j] = True
    at.sign[j] = -np.sign(gradient[j]) if at.high[j] == penalty.loc[j] else at.sign[j]
    return True
