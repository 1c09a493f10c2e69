"""Proximal Newton for K classes: blocks of the softmax Hessian over a working set.

    H_(jk),(j'k') = sum_i s_i x_ij x_ij' p_ik (1[k = k'] - p_ik')

Each iteration minimises the quadratic model plus penalty over the entries (class, column) that
may move, and searches along that direction.  Flat intercepts and flat columns are eliminated
first (a Schur complement): one class of reference holds their free constant, and dense columns
are centred before any product is formed.

Shifting a column, all classes by one number, does not change the loss: without curvature in the
prior each column is put at its best shift after every step, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg import design
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.class_problem import ClassProblem
from bayesreg.penalty import Penalty
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

_EPS = float(np.finfo(float).eps)

# Beyond this many entries without kinks or bounds conjugate gradients replace the Hessian.
_MANY_ENTRIES = 1500
# Working sets up to a few times this size are cheap.
_SMALL_SET = 128


@dataclass(frozen=True)
class ClassSolution:
    """The best point found, the Newton iterations, and whether they ended by themselves."""

    V: FloatArray
    iterations: int
    settled: bool


@dataclass(frozen=True)
class _LocalModel:
    """Probabilities (n, K), gradient and curvature (K, size) at a point."""

    chance: FloatArray
    curvature_rows: FloatArray
    gradient: FloatArray
    curvature: FloatArray
    centre: FloatArray | None


def minimise_classes(
    problem: ClassProblem,
    V: FloatArray,
    max_iterations: int = 100,
    one_at_a_time: bool = False,
) -> ClassSolution:
    """Minimise J from extended vectors V (K, size), to the rounding of its gradient.

    ``one_at_a_time`` solves each quadratic model by the active-set method alone.
    """
    centre = _centre(problem)
    V = _at_best_shift(problem.penalty, problem.centred(V))
    eta = problem.linear_predictors(V)
    best, best_residual, stalled = V, np.inf, 0
    working = np.zeros(V.shape, dtype=bool)
    for iteration in range(1, max_iterations + 1):
        state = _local_model(problem, eta, centre)
        residual = _residual(problem.penalty, V, state)
        stalled = 0 if residual < 0.5 * best_residual else stalled + 1
        if residual < best_residual:
            best, best_residual = V, residual
        small = residual * residual <= 1e-10 * max(1.0, abs(problem.value(V, eta)))
        if residual == 0 or (stalled >= 3 and small):
            return ClassSolution(best, iteration, True)
        working = _working_set(problem.penalty, V, state, working)
        direction = _direction(problem, V, state, working, one_at_a_time)
        V, eta = _line_search(problem, V, eta, direction, state)
    final = _residual(problem.penalty, V, _local_model(problem, eta, centre))
    return ClassSolution(V if final < best_residual else best, max_iterations, False)


def _centre(problem: ClassProblem) -> FloatArray | None:
    """Weighted means of dense columns, where a flat intercept makes up for their removal."""
    if not problem.flat_intercept or design.is_sparse(problem.X):
        return None
    centre: FloatArray = problem.weights @ problem.X / np.sum(problem.weights)
    return centre


def _local_model(problem: ClassProblem, eta: FloatArray, centre: FloatArray | None) -> _LocalModel:
    chance, complement = problem.likelihood.probabilities(eta)
    rows = problem.weights[:, None] * chance * complement
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    return _LocalModel(chance, rows, gradient, problem.column_squares(rows), centre)


def _residual(penalty: Penalty, V: FloatArray, state: _LocalModel) -> float:
    """Largest distance from stationarity / root curvature, in root nats."""
    distance = penalty.subgradient_distance(V, state.gradient)
    scale = np.sqrt(state.curvature + penalty.l2)
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = np.max(np.where(distance > 0, distance / scale, 0.0))
    return float(worst) if np.isfinite(worst) else np.inf


def _working_set(
    penalty: Penalty, V: FloatArray, state: _LocalModel, current: BoolArray
) -> BoolArray:
    """Entries that may move: off their kink, wanting to leave it, or without one.

    At most as many enter, the strongest violators first, as are off their kink already; those
    back at it stay only while the Hessian is small. So its size follows the solution's.
    """
    at_kink = (penalty.loc == V) & (penalty.l1 > 0)
    chosen: BoolArray = ~at_kink & ~penalty.is_pinned
    room = max(_SMALL_SET, int(np.count_nonzero(chosen)))
    if np.count_nonzero(current) <= 4 * _SMALL_SET:
        chosen |= current
    distance = penalty.subgradient_distance(V, state.gradient)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(at_kink & ~chosen & (distance > 0), distance**2 / state.curvature, 0.0)
    violating = np.flatnonzero(excess > 0)
    if violating.size > room:
        order = np.argsort(-excess.ravel()[violating], kind="stable")
        violating = violating[order[:room]]
    chosen.ravel()[violating] = True
    return chosen


def _direction(
    problem: ClassProblem,
    V: FloatArray,
    state: _LocalModel,
    working: BoolArray,
    one_at_a_time: bool,
) -> FloatArray:
    """Newton direction, of the shape of V."""
    smooth = (problem.penalty.l1 == 0) & _unbounded(problem.penalty)
    if np.count_nonzero(working) > _MANY_ENTRIES and bool(np.all(smooth | ~working.any(axis=0))):
        from bayesreg.solvers.class_gradients import conjugate_direction

        return conjugate_direction(problem, V, state.chance, state.gradient, state.curvature)
    flat = problem.penalty.is_flat
    reference = int(np.argmax(problem.class_weights))
    eliminated = np.tile(flat, (problem.n_classes, 1))
    eliminated[reference] = False
    kept, gone = np.flatnonzero(working & ~flat), np.flatnonzero(eliminated)
    everything = np.concatenate([kept, gone])
    H = _hessian(problem, state, everything)
    gradient = _centred_gradient(problem, state).ravel()[everything]
    kept_part = slice(0, kept.size)
    step = np.zeros(everything.size)
    H_kept, g_kept, back, constant = _without(H, gradient, kept.size)
    if kept.size:
        on_kept = _tiled(problem.penalty, problem.n_classes).take(kept)
        # Enough to keep shifts of whole columns from being singular, too little to be felt.
        H_kept[np.diag_indices_from(H_kept)] += 1e-12 * np.diag(H)[: kept.size]
        H_kept[np.diag_indices_from(H_kept)] = np.maximum(np.diag(H_kept), 0.0)
        point = V.ravel()[kept]
        minimum = minimise_quadratic(Quadratic(H_kept, g_kept, point), on_kept, one_at_a_time)
        step[kept_part] = minimum - point
    step[kept.size :] = -constant - back @ step[kept_part]
    direction = np.zeros(V.size)
    direction[everything] = step
    return _uncentred(problem, direction.reshape(V.shape), state.centre)


def _unbounded(penalty: Penalty) -> BoolArray:
    return np.isinf(penalty.lower) & np.isinf(penalty.upper)


def _tiled(penalty: Penalty, n_classes: int) -> Penalty:
    """The penalty of all classes, one after the other."""
    return Penalty.joined([penalty] * n_classes)


def _centred_gradient(problem: ClassProblem, state: _LocalModel) -> FloatArray:
    if state.centre is None:
        return state.gradient
    shifted = state.gradient.copy()
    shifted[:, : problem.p] -= np.outer(state.gradient[:, -1], state.centre)
    return shifted


def _uncentred(
    problem: ClassProblem, direction: FloatArray, centre: FloatArray | None
) -> FloatArray:
    """a + (x - c) w = (a - c w) + x w; flat entries with the sum 0 over the classes."""
    if centre is not None:
        direction[:, -1] -= direction[:, : problem.p] @ centre
    return problem.centred(direction)


def _hessian(problem: ClassProblem, state: _LocalModel, entries: IntArray) -> FloatArray:
    """The Hessian over entries of the flattened V, block by pair of classes."""
    of_class, of_column = np.divmod(entries, problem.size)
    columns = np.unique(of_column)
    place = np.searchsorted(columns, of_column)
    members = [np.flatnonzero(of_class == k) for k in range(problem.n_classes)]
    H = np.empty((entries.size, entries.size))
    for k, left in enumerate(members):
        for other in range(k, problem.n_classes):
            right = members[other]
            if not (left.size and right.size):
                continue
            if k == other:
                by_row, sign = state.curvature_rows[:, k], 1.0
            else:
                by_row = problem.weights * state.chance[:, k] * state.chance[:, other]
                sign = -1.0
            gram = problem.cross_products(columns, by_row, state.centre)
            part = sign * gram[np.ix_(place[left], place[right])]
            H[np.ix_(left, right)] = part
            H[np.ix_(right, left)] = part.T
    return H


def _without(
    H: FloatArray, gradient: FloatArray, kept: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Hessian and gradient with the entries from ``kept`` on at their optimum.

    Those are then -(constant + back @ step of the kept).
    """
    if kept == gradient.size:
        return H, gradient, np.zeros((0, kept)), np.zeros(0)
    cross = H[kept:, :kept]
    solved = _solve_many(H[kept:, kept:], np.column_stack([cross, gradient[kept:]]))
    back, constant = solved[:, :-1], solved[:, -1]
    reduced = H[:kept, :kept] - cross.T @ back
    return 0.5 * (reduced + reduced.T), gradient[:kept] - cross.T @ constant, back, constant


def _solve_many(A: FloatArray, B: FloatArray) -> FloatArray:
    """A^-1 B for a positive semidefinite A; least-norm where it is singular."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

    size = np.sqrt(np.maximum(np.diag(A), 0.0))
    size = np.where(size > 0, size, 1.0)
    scaled, right = A / size / size[:, None], B / size[:, None]
    try:
        factor = cho_factor(scaled, lower=True, check_finite=False)
        if np.min(np.diag(factor[0])) > 1e-7:
            return np.asarray(cho_solve(factor, right, check_finite=False)) / size[:, None]
    except LinAlgError:
        pass
    values, vectors = eigh(scaled, check_finite=False)
    kept = values > 1e-14 * max(values[-1], 0.0) * len(values)
    coordinates = (vectors[:, kept].T @ right) / values[kept, None]
    return np.asarray(vectors[:, kept] @ coordinates) / size[:, None]


def _at_best_shift(penalty: Penalty, V: FloatArray) -> FloatArray:
    """Every column without curvature moved to its best shift inside the bounds.

    The shifts c that minimise sum_k |v_k - loc - c| are the medians; among the best ones the
    nearest to the mean is taken, which is the least sum of squares, the limit of an elastic net,
    and the same for any order of the classes.
    """
    movable = np.flatnonzero((penalty.l2 == 0) & ~penalty.is_flat & ~penalty.is_pinned)
    on_movable, v = penalty.take(movable), V[:, movable]
    delta, above = v - on_movable.loc, v - on_movable.upper
    below = v - on_movable.lower
    least, most = above.max(axis=0), below.min(axis=0)
    K = V.shape[0]
    ordered = np.sort(delta, axis=0)
    kinked = on_movable.l1 > 0
    low = np.where(kinked, np.clip(ordered[(K - 1) // 2], least, most), least)
    high = np.where(kinked, np.clip(ordered[K // 2], least, most), most)
    shift = np.clip(delta.mean(axis=0), low, high)
    if not shift.any():
        return V
    # Kinks and bounds are met exactly, not to rounding.
    moved = np.where(below == shift, on_movable.lower, v - shift)
    moved = np.where(above == shift, on_movable.upper, moved)
    moved = np.where(kinked & (delta == shift), on_movable.loc, moved)
    V = V.copy()
    V[:, movable] = np.where(shift != 0, np.clip(moved, on_movable.lower, on_movable.upper), v)
    return V


def _line_search(
    problem: ClassProblem,
    V: FloatArray,
    eta: FloatArray,
    direction: FloatArray,
    state: _LocalModel,
) -> tuple[FloatArray, FloatArray]:
    """The first of the steps 1, 1/2, 1/4, ... that lowers J by a quarter of the promise."""
    penalty = problem.penalty
    full = V + direction
    # V + (full - V) may miss a kink by one rounding.
    snapped = np.abs(full - penalty.loc) <= _EPS * np.abs(direction)
    full = np.where(snapped & (penalty.l1 > 0), penalty.loc, full)
    full = np.clip(full, penalty.lower, penalty.upper)
    before = problem.value(V, eta)
    promise = float(np.sum(state.gradient * direction)) + penalty.value(full) - penalty.value(V)
    slack = 256 * _EPS * abs(before)
    for halving in range(60):
        share = 0.5**halving
        moved = full if halving == 0 else V + share * (full - V)
        moved = _at_best_shift(penalty, moved)
        moved_eta = problem.linear_predictors(moved)
        if problem.value(moved, moved_eta) <= before + 0.25 * share * min(promise, 0.0) + slack:
            return moved, moved_eta
    return V, eta
