"""Proximal Newton on a working set: the one algorithm behind every smooth convex likelihood with
separable or grouped convex priors.

Each iteration replaces the loss by its quadratic model at the current point, minimises model
plus penalty exactly over the working set, and searches along that direction.  For a Gaussian
likelihood the model is exact, and further iterations are iterative refinement of the finishing
solve with gradients taken from X, not from X'X.

A flat intercept is eliminated: with xbar = X'h / sum(h) the model in w alone has Hessian
(X - xbar)' diag(h) (X - xbar), formed from centred columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.group_quadratic import minimise_grouped_quadratic
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic, solve_symmetric

_EPS = float(np.finfo(float).eps)
# Of a Newton step that must be cut below this share the model was wrong.
_SHORT = 2.0**-8


@dataclass(frozen=True)
class Solution:
    """The best point found, the Newton iterations, and whether they ended by themselves."""

    v: FloatArray
    iterations: int
    settled: bool


@dataclass
class Curvature:
    """Everything that depends on h, the curvature of the rows; kept while h stays the same.

    Attributes
    ----------
    h : (n,) array
    mean : (p,) array or None
        h-weighted mean of the columns, where a flat intercept is eliminated.
    by_column : (size,) array
        sum_i h_i (x_ij - mean_j)^2, the sum of h for an eliminated intercept.
    columns, hessian
        X' diag(h) X, centred, over the columns that were asked for so far.
    """

    h: FloatArray
    mean: FloatArray | None
    by_column: FloatArray
    columns: IntArray
    hessian: FloatArray

    @classmethod
    def of(cls, problem: Problem, h: FloatArray) -> Curvature:
        if _all_at_once(problem):
            return cls.complete(problem, h)
        squares = problem.column_squares(h)
        nothing = np.empty(0, dtype=np.intp), np.empty((0, 0))
        if not problem.flat_intercept:
            return cls(h, None, squares, *nothing)
        squares, total = squares[:-1], squares[-1]
        mean = problem.X.T @ h / total if total > 0 else np.zeros(problem.p)
        centred = np.maximum(squares - mean**2 * total, _EPS * squares)
        return cls(h, mean, np.append(centred, total), *nothing)

    @classmethod
    def complete(cls, problem: Problem, h: FloatArray) -> Curvature:
        """With the Hessian over all columns, a flat intercept eliminated, in one pass over X."""
        total = float(np.sum(h))
        gram, sums, _ = design.centred_products(problem.X, h, (h / total)[:, None])
        by_column = np.append(np.diagonal(gram), total)
        return cls(h, sums[:, 0], by_column, np.arange(problem.p), gram)

    @classmethod
    def known(cls, problem: Problem, moments: Moments) -> Curvature:
        """Of a Gaussian problem whose moments are at hand."""
        h = problem.curvature_rows(problem.y)
        by_column = np.diagonal(moments.gram)
        if moments.mean is not None:
            by_column = np.append(by_column, np.sum(h))
        return cls(h, moments.mean, by_column, np.arange(len(moments.gram)), moments.gram)

    def over(self, problem: Problem, columns: IntArray) -> FloatArray:
        """The Hessian over ``columns`` (sorted), computing only the rows that are new."""
        if np.array_equal(self.columns, columns):
            return self.hessian
        new = np.setdiff1d(columns, self.columns, assume_unique=True)
        if not new.size:
            position = np.searchsorted(self.columns, columns)
            return self.hessian.take(position, axis=0).take(position, axis=1)
        order = np.concatenate([self.columns, new])
        known = self.columns.size
        matrix = np.empty((order.size, order.size))
        matrix[:known, :known] = self.hessian
        cross = problem.cross_products(order, new, self.h, self.mean)
        matrix[:, known:] = cross
        matrix[known:, :known] = cross[:known].T
        position = np.argsort(order, kind="stable")
        self.columns = order[position]
        self.hessian = matrix.take(position, axis=0).take(position, axis=1)
        return self.over(problem, columns)


def _all_at_once(problem: Problem) -> bool:
    """All columns are in play from the start, and few beside the rows."""
    few = problem.p * 4 <= problem.n and not design.is_sparse(problem.X)
    return few and problem.flat_intercept and not np.any(problem.penalty.l1 > 0)


def minimise(
    problem: Problem,
    v: FloatArray,
    max_iterations: int = 100,
    one_at_a_time: bool = False,
    curvature: Curvature | None = None,
) -> Solution:
    """Minimise J from the extended vector v, to the rounding of its gradient.

    ``one_at_a_time`` solves each quadratic model by the active-set method alone; ``curvature`` is
    that at v, where it is known already.
    """
    eta = problem.linear_predictor(v)
    best, best_residual, stalled = v, np.inf, 0
    working, stuck = np.empty(0, dtype=np.intp), False
    for iteration in range(1, max_iterations + 1):
        h = problem.curvature_rows(eta)
        if curvature is None or not np.array_equal(h, curvature.h):
            curvature = Curvature.of(problem, h)
        state = _local_model(problem, eta, curvature)
        residual = _residual(problem.penalty, v, state)
        stalled = 0 if residual < 0.5 * best_residual else stalled + 1
        if residual < best_residual:
            best, best_residual = v, residual
        value = problem.value(v, eta)
        at_rounding = residual <= 2 * _EPS * np.sqrt(abs(value))
        if at_rounding or (stalled >= 3 and state.is_settled(value, residual)):
            return Solution(best, iteration, True)
        if stuck:
            state = _local_model(problem, eta, Curvature.of(problem, _floored(problem, eta, h)))
        working = _working_set(problem, v, state, working)
        direction = _direction(problem, v, state, working, one_at_a_time)
        last, (v, eta) = v, _line_search(problem, v, eta, direction, state, value)
        far, way = residual > 1.0, np.max(np.abs(v - last))
        stuck = far and not stuck and not way > _SHORT * np.max(np.abs(direction))
    final = _local_model(problem, eta, Curvature.of(problem, problem.curvature_rows(eta)))
    improved = _residual(problem.penalty, v, final) < best_residual
    return Solution(v if improved else best, max_iterations, False)


def _floored(problem: Problem, eta: FloatArray, h: FloatArray) -> FloatArray:
    """Curvatures with which no row steps past eta = 0, give or take one.

    Where the loss is straight (a saturated sigmoid) its own curvature underflows and a Newton step
    is nonsense: |g| / (1 + |eta|) is that of a parabola whose minimum is near 0.
    """
    return np.maximum(h, np.abs(problem.gradient_rows(eta)) / (1.0 + np.abs(eta)))


@dataclass(frozen=True)
class _LocalModel:
    """Gradient at a point with the curvature there, a flat intercept eliminated."""

    gradient: FloatArray
    intercept_gradient: float
    of_rows: Curvature

    @property
    def mean(self) -> FloatArray | None:
        return self.of_rows.mean

    @property
    def curvature(self) -> FloatArray:
        return self.of_rows.by_column

    def is_settled(self, value: float, residual: float) -> bool:
        """What one coordinate can still win is below the rounding of J."""
        return residual * residual <= 1e-10 * max(1.0, abs(value))


def _local_model(problem: Problem, eta: FloatArray, curvature: Curvature) -> _LocalModel:
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    if curvature.mean is None:
        return _LocalModel(gradient, 0.0, curvature)
    reduced = gradient[:-1] - curvature.mean * gradient[-1]
    return _LocalModel(np.append(reduced, 0.0), float(gradient[-1]), curvature)


def _residual(penalty: Penalty, v: FloatArray, state: _LocalModel) -> float:
    """max_j distance from stationarity / root curvature, in root nats."""
    gradient = state.gradient.copy()
    if state.mean is not None:
        gradient[-1] = state.intercept_gradient
    distance = penalty.subgradient_distance(v, gradient)
    scale = np.sqrt(state.curvature + penalty.curvature(v))
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = np.max(np.where(distance > 0, distance / scale, 0.0))
    return float(worst) if np.isfinite(worst) else np.inf


def _working_set(
    problem: Problem, v: FloatArray, state: _LocalModel, current: IntArray
) -> IntArray:
    """Columns that may move: off their kink, wanting to leave it, or without one.

    Grows by the strongest violators, at most doubling, so that the first Hessians stay small.
    """
    penalty, p = problem.penalty, problem.p
    eliminated = np.zeros(problem.size, dtype=bool)
    if problem.flat_intercept:
        eliminated[p] = True
    at_kink = penalty.at_kink(v)
    chosen: BoolArray = ~at_kink & ~penalty.is_pinned & ~eliminated
    chosen[current] = True
    distance = penalty.subgradient_distance(v, state.gradient)
    excess = np.where(at_kink & ~chosen, distance, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(excess > 0, excess / np.sqrt(state.curvature), 0.0)
    violating = np.flatnonzero(excess > 0)
    room = max(128, int(np.count_nonzero(chosen)))
    if violating.size > room:
        violating = violating[np.argsort(-excess[violating], kind="stable")[:room]]
    chosen[violating] = True
    return np.flatnonzero(penalty.whole(chosen))


def _direction(
    problem: Problem,
    v: FloatArray,
    state: _LocalModel,
    working: IntArray,
    one_at_a_time: bool,
) -> FloatArray:
    """Newton direction in the extended vector."""
    direction = np.zeros(problem.size)
    on_working = problem.penalty.take(working)
    if _is_plain_ridge(on_working) and working.size > problem.n:
        direction[working] = _ridge_step(problem, v, state, working, on_working)
    elif working.size:
        hessian = state.of_rows.over(problem, working)
        quadratic = Quadratic(hessian, state.gradient[working], v[working])
        if isinstance(on_working, GroupedPenalty):
            minimum = minimise_grouped_quadratic(quadratic, on_working)
        else:
            minimum = minimise_quadratic(quadratic, on_working, one_at_a_time)
        direction[working] = minimum - v[working]
    if state.mean is not None:
        total = state.curvature[-1]
        if total > 0:
            shift = state.mean @ direction[: problem.p]
            direction[-1] = -state.intercept_gradient / total - shift
    return direction


def _is_plain_ridge(penalty: Penalty) -> bool:
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    return bool(np.all((penalty.l1 == 0) & (penalty.l2 > 0) & unbounded))


def _ridge_step(
    problem: Problem, v: FloatArray, state: _LocalModel, columns: IntArray, penalty: Penalty
) -> FloatArray:
    """-(Z'Z + D)^-1 g in n dimensions (Woodbury), Z = diag(sqrt h)(X - xbar), D = diag(l2)."""
    g = state.gradient[columns] + penalty.slope(v[columns])
    shrunk = g / penalty.l2
    root = np.sqrt(state.of_rows.h)
    inner = problem.row_products(columns, 1.0 / penalty.l2, state.mean) * np.outer(root, root)
    inner[np.diag_indices_from(inner)] += 1.0
    spread = np.zeros(problem.size)
    spread[columns] = shrunk
    at_rows = root * problem.centred_product(spread, state.mean)
    solved = root * solve_symmetric(inner, at_rows)
    back = problem.transposed_product(solved)[columns]
    if state.mean is not None:
        back = back - state.mean[columns] * np.sum(solved)
    return -(shrunk - back / penalty.l2)


def _line_search(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    direction: FloatArray,
    state: _LocalModel,
    before: float,
) -> tuple[FloatArray, FloatArray]:
    """The first of the steps 1, 1/2, 1/4, ... that lowers J by a quarter of the promise."""
    penalty = problem.penalty
    full = v + direction
    # v + (full - v) may miss a kink by one rounding.
    snapped = np.abs(full - penalty.loc) <= _EPS * np.abs(direction)
    full = np.where(snapped & (penalty.l1 > 0), penalty.loc, full)
    full = np.clip(full, penalty.lower, penalty.upper)
    promise = float(state.gradient @ direction) + penalty.value(full) - penalty.value(v)
    if state.mean is not None:
        a_change = direction[-1] + state.mean @ direction[: problem.p]
        promise += state.intercept_gradient * a_change
    slack = 256 * _EPS * abs(before)
    for halving in range(60):
        share = 0.5**halving
        moved = full if halving == 0 else v + share * (full - v)
        moved_eta = problem.linear_predictor(moved)
        if problem.value(moved, moved_eta) <= before + 0.25 * share * min(promise, 0.0) + slack:
            return moved, moved_eta
    return v, eta
