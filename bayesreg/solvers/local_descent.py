"""From one starting point to one local mode, where the objective is not convex.

Majorise and minimise: tails and non-convex losses are replaced by parabolas that lie above them
and touch them at the current point; the convex problem that results keeps kinks and bounds as they
are, is solved by :mod:`bayesreg.solvers.newton`, and its optimum lowers J (Hunter and Lange 2004,
The American Statistician 58:30).  It finds out which coefficients sit at a kink or bound, but
creeps in the end; Newton's method on the others finishes, to the rounding of the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.likelihoods import Gaussian
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.solvers.local_systems import WideSystem, is_wide, solve_definite
from bayesreg.solvers.newton import minimise
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic

_EPS = float(np.finfo(float).eps)

# Majorising steps before the first Newton step, so that the latter begins near the end of the
# valley in which the start lies.
_FIRST_STEPS = 20
# Iterations on each majorant: few, for it changes anyway, and many where few found nothing.
_INNER_ITERATIONS = (3, 50)

# Up to this size a quadratic model over all coefficients is formed at once.
_SMALL = 60

# A row far out weighs at least this share of the heaviest: more curvature is a majorant too.
_LEAST_WEIGHT = 1e-16

# Largest free set whose eigenvectors are sought to leave a saddle.
_LARGEST_EIGENPROBLEM = 2000


@dataclass(frozen=True, eq=False)
class LocalPoint:
    """Where a descent ended.

    Attributes
    ----------
    v : extended vector
    value : float
        J without its constants.
    residual : float
        max_j distance from stationarity / root curvature of the majorant, in root nats.
    steps : int
        Majorising and Newton steps.
    settled : bool
        Nothing is left to win but rounding.
    """

    v: FloatArray
    value: float
    residual: float
    steps: int
    settled: bool


def descend(problem: Problem, v: FloatArray, max_steps: int = 1000) -> LocalPoint:
    """The local mode in whose valley the extended vector v lies, or a saddle."""
    v = np.clip(v, problem.penalty.lower, problem.penalty.upper)
    best, best_residual, steps, stalled = v, np.inf, 0, 0
    while steps < max_steps and stalled < 3:
        v, used = _majorising_steps(
            problem, v, min(max_steps - steps, 1 if steps else _FIRST_STEPS)
        )
        steps += used
        v, used = _newton_steps(problem, v, max_steps - steps)
        steps += used
        residual = stationarity_residual(problem, v)
        stalled = 0 if residual < 0.5 * best_residual else stalled + 1
        if residual < best_residual:
            best, best_residual = v, residual
        if _is_rounding(best_residual, problem.value(best), 1e-20):
            break
    value = problem.value(best)
    return LocalPoint(best, value, best_residual, steps, _is_rounding(best_residual, value, 1e-12))


def stationarity_residual(problem: Problem, v: FloatArray) -> float:
    """max_j distance from stationarity / root curvature of the majorant."""
    eta = problem.linear_predictor(v)
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    distance = problem.penalty.subgradient_distance(v, gradient)
    root = np.sqrt(majorant_curvature(problem, v, eta))
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = np.max(np.where(distance > 0, distance / root, 0.0), initial=0.0)
    return float(worst) if np.isfinite(worst) else np.inf


def majorant_curvature(problem: Problem, v: FloatArray, eta: FloatArray) -> FloatArray:
    """Second derivative of the majorant in each coefficient."""
    return problem.column_squares(problem.majorising_rows(eta)) + problem.penalty.majorant(v).l2


def majorant_problem(problem: Problem, v: FloatArray, eta: FloatArray) -> Problem:
    """The convex problem that lies above J, but for a constant, and touches it at v.

    A non-convex loss becomes h (t - eta + gradient / h)^2 / 2: reweighted least squares.
    """
    penalty = problem.penalty.majorant(v)
    if problem.majorised is None:
        return replace(problem, penalty=penalty)
    h = problem.majorised.majorising_curvature(problem.y, eta)
    h = np.maximum(h, _LEAST_WEIGHT * np.max(h))
    target = eta - problem.likelihood.gradient(problem.y, eta) / h
    return replace(
        problem, y=target, weights=problem.weights * h, likelihood=Gaussian(1.0), penalty=penalty
    )


def _majorising_steps(problem: Problem, v: FloatArray, limit: int) -> tuple[FloatArray, int]:
    """Up to ``limit`` steps, until one moves no coefficient by a hundredth of its natural unit."""
    value = problem.value(v)
    for step in range(1, limit + 1):
        eta = problem.linear_predictor(v)
        moved, lower = _majorant_optimum(problem, v, eta, value)
        if not lower <= value + 64 * _EPS * abs(value):
            return v, step
        size = np.abs(moved - v) * np.sqrt(majorant_curvature(problem, v, eta))
        v, value = moved, lower
        if np.max(size, initial=0.0) <= 0.01:
            break
    return v, step


def _majorant_optimum(
    problem: Problem, v: FloatArray, eta: FloatArray, value: float
) -> tuple[FloatArray, float]:
    """The optimum of the majorant (or near it), and J there.

    Small problems form the majorant's quadratic model once and solve it exactly; where that does
    not lower J (a convex loss that is no parabola), and for large ones, the convex solver runs.
    """
    if problem.size <= _SMALL:
        by_row = problem.majorising_rows(eta)
        H = problem.cross_products(np.arange(problem.size), np.arange(problem.size), by_row, None)
        gradient = problem.transposed_product(problem.gradient_rows(eta))
        moved = minimise_quadratic(Quadratic(H, gradient, v), problem.penalty.majorant(v))
        lower = problem.value(moved)
        if lower < value:
            return moved, lower
    wide = _wide_majorant_optimum(problem, v, eta)
    if wide is not None and (lower := problem.value(wide)) < value:
        return wide, lower
    above = majorant_problem(problem, v, eta)
    moved = minimise(above, v, _INNER_ITERATIONS[0]).v
    if np.array_equal(moved, v):
        moved = minimise(above, v, _INNER_ITERATIONS[1]).v
    return moved, problem.value(moved)


def _wide_majorant_optimum(problem: Problem, v: FloatArray, eta: FloatArray) -> FloatArray | None:
    """The same without kinks and with few rows: one system in as many dimensions as these."""
    penalty = problem.penalty
    if penalty.l1.any() or not is_wide(problem.n, problem.size):
        return None
    everything = np.arange(problem.size)
    rows = np.sqrt(np.maximum(problem.majorising_rows(eta), 0.0))
    gradient = problem.transposed_product(problem.gradient_rows(eta)) + penalty.slope(v)
    system = WideSystem(rows[:, None] * problem.block(everything))
    step = system.solve(penalty.majorant(v).l2, -gradient)
    return None if step is None else np.clip(v + step, penalty.lower, penalty.upper)


def _newton_steps(problem: Problem, v: FloatArray, limit: int) -> tuple[FloatArray, int]:
    """Newton's method on the free coefficients, until the gradient there is rounding."""
    last = np.inf
    for step in range(limit):
        eta = problem.linear_predictor(v)
        free = np.flatnonzero(_is_free(problem.penalty, v))
        if not free.size:
            return v, step
        gradient = problem.transposed_product(problem.gradient_rows(eta))[free]
        gradient = gradient + problem.penalty.take(free).slope(v[free])
        direction = _newton_direction(problem, v, eta, free, gradient)
        decrement = -float(gradient @ direction)
        if not decrement < 0.25 * last and _is_rounding(np.sqrt(max(last, 0.0)), 1.0, 1e-18):
            return v, step
        last = decrement
        moved = _line_search(problem, v, eta, free, direction, decrement)
        if moved is None:
            return v, step + 1
        v = moved
    return v, limit


def _is_free(penalty: Penalty, v: FloatArray) -> BoolArray:
    """Off the kink and inside the bounds: J is smooth there."""
    at_kink = (v == penalty.loc) & (penalty.l1 > 0)
    return ~at_kink & (v > penalty.lower) & (v < penalty.upper)


def _newton_direction(
    problem: Problem, v: FloatArray, eta: FloatArray, free: IntArray, gradient: FloatArray
) -> FloatArray:
    """-H^-1 gradient, H moved towards the majorant's Hessian as far as it is not positive definite.

    At the majorant's own Hessian this is a step of reweighted least squares, which descends.
    """
    penalty = problem.penalty.take(free)
    direction = _wide_direction(problem, penalty.curvature(v[free]), penalty.majorant(v[free]).l2,
                                eta, free, gradient)  # fmt: skip
    if direction is not None:
        return direction
    exact = _hessian(problem, free, problem.curvature_rows(eta), penalty.curvature(v[free]))
    direction = solve_definite(exact, -gradient)
    if direction is not None:
        return direction
    above = _hessian(problem, free, problem.majorising_rows(eta), penalty.majorant(v[free]).l2)
    for share in (0.1, 0.3, 0.6, 0.9, 1.0):
        direction = solve_definite((1.0 - share) * exact + share * above, -gradient)
        if direction is not None:
            return direction
    ridge = above + 1e-10 * np.diag(np.maximum(np.diag(above), np.finfo(float).tiny))
    direction = solve_definite(ridge, -gradient)
    return -gradient / np.maximum(np.diag(above), _EPS) if direction is None else direction


def _wide_direction(
    problem: Problem,
    exact: FloatArray,
    above: FloatArray,
    eta: FloatArray,
    free: IntArray,
    gradient: FloatArray,
) -> FloatArray | None:
    """The same in as many dimensions as there are rows, where these are few; else None.

    ``exact`` and ``above`` are the curvatures of the penalty and of its majorant.
    """
    if not is_wide(problem.n, free.size) or problem.majorised is not None:
        return None
    rows = problem.curvature_rows(eta)
    system = WideSystem(np.sqrt(np.maximum(rows, 0.0))[:, None] * problem.block(free))
    for share in (0.0, 0.1, 0.3, 0.6, 0.9, 1.0):
        direction = system.solve((1.0 - share) * exact + share * above, -gradient)
        if direction is not None:
            return direction
    return None


def _hessian(
    problem: Problem, free: IntArray, by_row: FloatArray, on_diagonal: FloatArray
) -> FloatArray:
    """X' diag(h) X + diag(d) over the free columns; the rows of negative h apart."""
    matrix = problem.cross_products(free, free, np.maximum(by_row, 0.0), None)
    if np.any(by_row < 0):
        matrix -= problem.cross_products(free, free, np.maximum(-by_row, 0.0), None)
    matrix[np.diag_indices_from(matrix)] += on_diagonal
    return matrix


def _line_search(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    free: IntArray,
    direction: FloatArray,
    decrement: float,
) -> FloatArray | None:
    """The first of the steps 1, 1/2, 1/4, ... that lowers J by a share of the promise.

    Coefficients that would cross their kink are put on it, those that would leave their bounds
    on the bound.
    """
    penalty = problem.penalty.take(free)
    before = problem.value(v, eta)
    slack = 64 * _EPS * abs(before)
    for halving in range(50):
        share = 0.5**halving
        moved = v.copy()
        moved[free] = _projected(penalty, v[free], share * direction)
        if problem.value(moved) <= before - 1e-4 * share * decrement + slack:
            return moved
    return None


def _projected(penalty: Penalty, v: FloatArray, step: FloatArray) -> FloatArray:
    moved = v + step
    crossed = (penalty.l1 > 0) & ((moved - penalty.loc) * (v - penalty.loc) < 0)
    return np.clip(np.where(crossed, penalty.loc, moved), penalty.lower, penalty.upper)


def ways_off_a_saddle(problem: Problem, point: LocalPoint) -> list[FloatArray]:
    """Lower points on both sides of a saddle, along its direction of most negative curvature.

    Empty at a local mode.
    """
    v = point.v
    free = np.flatnonzero(_is_free(problem.penalty, v))
    if not 0 < free.size <= _LARGEST_EIGENPROBLEM:
        return []
    eta, penalty = problem.linear_predictor(v), problem.penalty.take(free)
    unit = 1.0 / np.sqrt(
        np.maximum(majorant_curvature(problem, v, eta)[free], np.finfo(float).tiny)
    )
    if _is_convex_there(problem, eta, free, penalty.curvature(v[free]), unit):
        return []
    hessian = _hessian(problem, free, problem.curvature_rows(eta), penalty.curvature(v[free]))
    values, vectors = np.linalg.eigh(hessian * unit * unit[:, None])
    if values[0] > -1e-9:
        return []
    found = []
    for sign in (1.0, -1.0):
        for size in (1.0, 0.3, 0.1, 1e-2, 1e-3):
            moved = v.copy()
            moved[free] = _projected(penalty, v[free], sign * size * unit * vectors[:, 0])
            if problem.value(moved) < point.value:
                found.append(moved)
                break
    return found


def _is_convex_there(
    problem: Problem, eta: FloatArray, free: IntArray, on_diagonal: FloatArray, unit: FloatArray
) -> bool:
    """Whether the Hessian is seen to be positive definite without its eigenvalues."""
    if not is_wide(problem.n, free.size) or problem.majorised is not None:
        return False
    rows = np.sqrt(np.maximum(problem.curvature_rows(eta), 0.0))
    system = WideSystem(rows[:, None] * problem.block(free) * unit)
    return system.solve(on_diagonal * unit**2, np.zeros(free.size)) is not None


def _is_rounding(residual: float, value: float, share: float) -> bool:
    """What one coordinate can still win is below this share of J."""
    return bool(residual * residual <= share * max(1.0, abs(value)))
