"""The duality gap of a likelihood whose loss has corners (asymmetric Laplace).

For theta_i = s_i u_i with u_i between the two slopes of the loss and c = -X'theta,

    gap = sum_i s_i [f_i(eta_i) + f_i*(u_i) - u_i eta_i] + sum_j [g_j(v_j) + g_j*(c_j) - c_j v_j]

where the bracket of a row is |y_i - eta_i| times the distance of u_i from the slope on its side: 0
for rows off their corner with their own slope, 0 for rows on it with any.  Unlike for a smooth
loss, the point alone does not give u there.  A dual point may be supplied; without one it is
found as a linear programme over the rows near their corner, in which the conjugates of the
penalties are represented by their supporting lines.  As for every likelihood, the bound holds up
to the rounding of eta itself: a residual below it counts as 0.  Nothing here is shared with the
solvers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem
from bayesreg.proof.dual_programme import best_dual

_EPS = float(np.finfo(float).eps)
# Repairs of a dual point are least-squares solves of at most this many entries.
_LARGEST_REPAIR = 4_000_000
# Slopes below this share of the terms of their pull.
_WEAK = 1e-6
# Distances, as shares of the mean price of a row, within which a corner counts as met.
_SHARES = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)


@dataclass(frozen=True, eq=False)
class DualProof:
    """What one dual point proves of a primal point.

    Attributes
    ----------
    gap : float
        Upper bound on J(point) - J(mode), in nats.
    flat_residual : float
        What is left of X_f'theta = 0, relative to its terms, beyond their rounding.
    largest_term : float
        The largest single bracket, in nats.
    theta : (n,) array
        The dual point, before any scaling towards 0.
    """

    gap: float
    flat_residual: float
    largest_term: float
    theta: FloatArray

    def better_than(self, other: DualProof) -> bool:
        """Balanced before unbalanced, then the smaller gap."""
        mine, theirs = self.flat_residual > 1e-9, other.flat_residual > 1e-9
        return (mine, self.gap) < (theirs, other.gap)


def prove(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    enough: float,
    theta: FloatArray | None = None,
) -> DualProof:
    """The best proof from the dual point supplied, or if that is not enough, from our own."""
    best = _nothing(problem)
    if not np.isfinite(problem.penalty.value(v)):
        return best  # outside the bounds
    # A residual below the rounding of eta is not known to differ from 0.
    known = np.abs(problem.y - eta) > 4 * _EPS * magnitude(problem, v)
    eta = np.where(known, eta, problem.y)
    if theta is not None:
        for candidate in _with_repairs(problem, v, theta):
            best = _better(best, evaluate(problem, v, eta, candidate))
            if best.gap <= 1e-3 * enough and best.flat_residual == 0:
                return best
    if best.gap <= enough and best.flat_residual <= 1e-9:
        return best
    for find in (_duals_by_least_squares, _duals_by_programmes):
        for candidate in find(problem, v, eta):
            best = _better(best, evaluate(problem, v, eta, candidate))
            if best.gap <= enough and best.flat_residual <= 1e-9:
                return best
    return best


def _duals_by_least_squares(
    problem: Problem, v: FloatArray, eta: FloatArray
) -> Iterator[FloatArray]:
    """Where rows met and columns off their kinks determine the dual, least squares finds it.

    What counts as met, or on the kink, is read at ever larger distances: a point that is only
    nearly the mode has neither exactly.
    """
    penalty = problem.penalty
    low, high = _slopes(problem)
    residual = np.abs(problem.y - eta)
    slopes = problem.weights * problem.likelihood.gradient(problem.y, eta)
    at_row = problem.weights * (high - low) * residual
    at_kink = penalty.l1 * np.abs(v - penalty.loc)
    nats = max(float(np.mean(at_row)), 1e-300)
    for share in _SHARES:
        met = (at_row <= share * nats) | (residual <= 1024 * _EPS * magnitude(problem, v))
        on_kink = (penalty.l1 > 0) & (at_kink <= share * nats)
        snapped = np.where(on_kink, penalty.loc, v)
        yield from _with_repairs(problem, snapped, np.where(met, 0.0, slopes))


def _duals_by_programmes(problem: Problem, v: FloatArray, eta: FloatArray) -> Iterator[FloatArray]:
    """The best dual over ever more rows: a linear programme each."""
    for rows in _rows_to_free(problem, v, eta):
        found = best_dual(problem, v, eta, rows)
        if found is not None:
            yield from _with_repairs(problem, v, found)


def _better(one: DualProof, other: DualProof) -> DualProof:
    return other if other.better_than(one) else one


def _nothing(problem: Problem) -> DualProof:
    return DualProof(np.inf, np.inf, np.inf, np.zeros(problem.n))


def evaluate(problem: Problem, v: FloatArray, eta: FloatArray, theta: FloatArray) -> DualProof:
    """The gap at a dual point, scaled towards 0 as far as feasibility asks."""
    low, high = _slopes(problem)
    u = np.clip(theta / problem.weights, low, high)
    theta = problem.weights * u
    c = -problem.transposed_product(theta)
    terms = absolute_product(problem, theta)
    balanced = _unpenalised(problem, v, c, terms)
    best = _evaluate(problem, v, eta, u, c, terms, balanced)
    weak = _relaxable(problem, v, c, terms) & ~balanced
    if weak.any():
        best = _better(best, _evaluate(problem, v, eta, u, c, terms, balanced | weak))
    return best


def _evaluate(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    u: FloatArray,
    c: FloatArray,
    terms: FloatArray,
    balanced: BoolArray,
) -> DualProof:
    """The gap with some columns treated as unpenalised in the dual, at the cost of their g_j."""
    kept = ~balanced & ~problem.penalty.is_pinned
    relaxation = float(np.sum(problem.penalty.values(v)[balanced]))
    best = _nothing(problem)
    for alpha in _scalings(problem, c, kept):
        rows = problem.weights * _row_terms(problem, eta, alpha * u)
        columns = problem.penalty.take(kept).fenchel_young(v[kept], alpha * c[kept])
        gap = float(np.sum(rows) + np.sum(columns)) + relaxation
        if gap < best.gap:
            largest = float(max(np.max(rows), np.max(columns, initial=relaxation)))
            theta = problem.weights * u
            best = DualProof(gap, _imbalance(c, terms, balanced), largest, theta)
    return best


def _relaxable(problem: Problem, v: FloatArray, c: FloatArray, terms: FloatArray) -> BoolArray:
    """Columns off their kink and bounds whose pull is only rounding: their penalty is too weak.

    Dropping a non-negative penalty leaves a lower bound on J, so that it costs g_j(v_j) alone.
    """
    low, high = problem.penalty.subdifferential(v)
    return (low == high) & (np.abs(c) <= 64 * _EPS * terms)


def _row_terms(problem: Problem, eta: FloatArray, u: FloatArray) -> FloatArray:
    likelihood = problem.likelihood
    return likelihood.fenchel_young(problem.y, eta, u - likelihood.gradient(problem.y, eta))


def _slopes(problem: Problem) -> tuple[float, float]:
    low, high = problem.likelihood.slopes  # type: ignore[attr-defined]
    return low, high


def absolute_product(problem: Problem, by_row: FloatArray) -> FloatArray:
    """sum_i |x_ij theta_i|: the size of the terms of each inner product."""
    by_row = np.abs(by_row)
    product = abs(problem.X).T @ by_row
    return np.asarray(np.append(product, np.sum(by_row)) if problem.has_intercept else product)


def _unpenalised(problem: Problem, v: FloatArray, c: FloatArray, terms: FloatArray) -> BoolArray:
    """Flat columns, and balanced ones that only a single bound limits which they do not touch."""
    penalty = problem.penalty
    inside = (v > penalty.lower) & (v < penalty.upper)
    half_open = np.isinf(penalty.lower) | np.isinf(penalty.upper)
    without = (penalty.l1 == 0) & (penalty.l2 == 0) & inside & half_open
    return penalty.is_flat | (without & (np.abs(c) <= 1e-9 * terms))


def _imbalance(c: FloatArray, terms: FloatArray, balanced: BoolArray) -> float:
    """max |x_f'theta| beyond the rounding of the product, relative to its terms."""
    beyond = np.maximum(np.abs(c) - 64 * _EPS * terms, 0.0)[balanced]
    size = terms[balanced]
    relative = np.where(beyond > 0, beyond / np.where(size > 0, size, 1.0), 0.0)
    return float(np.max(relative, initial=0.0))


def _scalings(problem: Problem, c: FloatArray, kept: BoolArray) -> list[float]:
    """1, and the largest factors that make every c_j feasible with and without curvature."""
    penalty = problem.penalty
    beyond = np.where(c > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    excess = kept & beyond & (np.abs(c) > penalty.l1)
    factors = {1.0}
    for bound in (excess, excess & (penalty.l2 == 0)):
        if bound.any():
            l1, size = penalty.l1[bound], np.abs(c[bound])
            alpha = float(np.min(l1 / size))
            while alpha > 0 and np.any(alpha * size > l1):
                alpha = float(np.nextafter(alpha, 0.0))
            factors.add(alpha)
    return sorted(factors)


def _with_repairs(problem: Problem, v: FloatArray, theta: FloatArray) -> list[FloatArray]:
    """The dual point, and after least changes of its inner rows that balance the columns.

    Columns whose penalty has a single slope at v_j (flat ones: 0) should meet x_j'theta = -slope.
    """
    penalty = problem.penalty
    low, high = penalty.subdifferential(v)
    columns = np.flatnonzero((low == high) & ~penalty.is_pinned)
    below, above = (problem.weights * slope for slope in _slopes(problem))
    theta = np.clip(theta, below, above)
    points = _repaired(problem, theta, columns, low[columns])
    # A penalty whose slope is near the rounding of the pull is better given up than met.
    weak = np.abs(low[columns]) <= _WEAK * absolute_product(problem, theta)[columns]
    if np.any(weak & (low[columns] != 0)):
        points += _repaired(problem, theta, columns, np.where(weak, 0.0, low[columns]))[1:]
    return points


def _repaired(
    problem: Problem, theta: FloatArray, columns: IntArray, slopes: FloatArray
) -> list[FloatArray]:
    """theta, and after each of two least changes of its inner rows towards x_j'theta = -slope."""
    below, above = (problem.weights * slope for slope in _slopes(problem))
    room = np.minimum(theta - below, above - theta)
    rows = np.flatnonzero(room > 1e-9 * (above - below))
    points = [theta]
    if not 0 < rows.size * columns.size <= _LARGEST_REPAIR:
        return points
    block = problem.block(columns)[rows] * room[rows, None]
    size = np.linalg.norm(block, axis=0)
    size = np.where(size > 0, size, 1.0)
    for _ in range(2):
        left = problem.transposed_product(theta)[columns] + slopes
        change = np.linalg.lstsq((block / size).T, -left / size, rcond=1e-12)[0]
        theta = theta.copy()
        theta[rows] += room[rows] * change
        theta = np.clip(theta, below, above)
        points.append(theta)
    return points


def _rows_to_free(problem: Problem, v: FloatArray, eta: FloatArray) -> list[IntArray]:
    """Rows at their corner to rounding; the nearest few; then, where that is small, all."""
    n, size = problem.n, problem.size
    distance = np.abs(problem.y - eta)
    order = np.argsort(distance, kind="stable")
    at_corner = np.flatnonzero(distance <= 1024 * _EPS * magnitude(problem, v))
    choices = [at_corner, order[: min(n, 3 * size + 100)]]
    if n * size <= 2_000_000 and choices[-1].size < n:
        choices.append(order)
    return choices


def magnitude(problem: Problem, v: FloatArray) -> FloatArray:
    """|y| + |offset| + |X| |w| + |a|: the size of the terms of each residual."""
    terms = np.abs(problem.y) + np.abs(problem.offset) + abs(problem.X) @ np.abs(v[: problem.p])
    return np.asarray(terms + abs(v[-1]) if problem.has_intercept else terms)
