"""The duality gap of a point, from data and point alone.

For any dual point u with u_i in the domain of the conjugate loss,

    J(v) - min J  <=  gap  =  sum_i s_i [f_i(eta_i) + f_i*(u_i) - u_i eta_i]
                            + sum_j     [g_j(v_j)   + g_j*(c_j) - c_j v_j],    c = -X'(s u)

(Fenchel and Young; every bracket is non-negative and is computed as such, never as a difference
of large sums).  u is the gradient of the loss after the unpenalised columns have been refitted,
scaled towards 0 until every c_j is feasible.  Nothing here is shared with the solvers.

The bound holds up to the rounding of the linear predictor itself: where X w + a is large beside the
residual, J of the stored coefficients is only known to eps |eta| times the gradient of the loss.
(Where the terms of X w cancel, their sum is formed exactly.)
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem
from bayesreg.proof.arithmetic import column_norms
from bayesreg.proof.refit import refit

_EPS = float(np.finfo(float).eps)


def gap_and_imbalance(
    problem: Problem, v: FloatArray, eta: FloatArray, gradient: FloatArray, relaxed: BoolArray
) -> tuple[float, float]:
    """The duality gap with the given columns treated as unpenalised in the dual.

    Dropping the non-negative penalty of a column leaves a lower bound on J, so that relaxing a
    column costs g_j(v_j) and nothing else. ``gradient`` is X' theta at eta.
    """
    penalty, likelihood = problem.penalty, problem.likelihood
    columns = np.flatnonzero(relaxed)
    kept = ~relaxed & ~penalty.is_pinned
    relaxation = float(np.sum(penalty.values(v)[relaxed])) if columns.size else 0.0
    if _only_the_intercept(problem, columns):
        theta = problem.gradient_rows(eta)
        if imbalance(problem, v, eta, theta, columns) == 0:
            still = np.zeros(problem.n)
            return least_over_scalings(problem, v, eta, still, -gradient, kept) + relaxation, 0.0
    refitted = refit(problem, eta, columns)
    u = likelihood.gradient(problem.y, refitted)
    theta = problem.weights * u
    c = -problem.transposed_product(theta)
    shift = u - likelihood.gradient(problem.y, eta)
    gap = least_over_scalings(problem, v, eta, shift, c, kept) + relaxation
    return gap, imbalance(problem, v, refitted, theta, columns)


def _only_the_intercept(problem: Problem, columns: IntArray) -> bool:
    return columns.size == 1 and bool(columns[0] == problem.p)


def least_over_scalings(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    shift: FloatArray,
    c: FloatArray,
    kept: BoolArray,
) -> float:
    """The least gap over multiples alpha of the dual point u = gradient(eta) + shift."""
    penalty, likelihood = problem.penalty.take(kept), problem.likelihood
    best = np.inf
    for alpha in reversed(penalty.dual_scalings(c[kept])):
        by_column = float(np.sum(penalty.fenchel_young(v[kept], alpha * c[kept])))
        if not by_column < best:
            continue
        moved = shift if alpha == 1 else _scaled(problem, eta, shift, alpha)
        if moved.any():
            rows = likelihood.fenchel_young(problem.y, eta, moved)
            by_column += float(problem.weights @ rows)
        best = min(best, by_column)
    return best


def _scaled(problem: Problem, eta: FloatArray, shift: FloatArray, alpha: float) -> FloatArray:
    """alpha u - gradient(eta), without subtracting the two."""
    return alpha * shift - (1 - alpha) * problem.likelihood.gradient(problem.y, eta)


def imbalance(
    problem: Problem, v: FloatArray, eta: FloatArray, theta: FloatArray, columns: IntArray
) -> float:
    """max over unpenalised columns of |x_f' theta| beyond rounding, relative to its terms."""
    if not columns.size:
        return 0.0
    block = problem.block(columns)
    absolute = np.abs(block)
    left = np.abs(block.T @ theta)
    terms = absolute.T @ np.abs(theta)
    magnitude = np.abs(eta) + np.abs(problem.offset) + absolute @ np.abs(v[columns])
    moved = problem.curvature_rows(eta) * magnitude
    cancelled = _cancelling_terms(problem, eta)
    rounding = 16 * _EPS * (absolute.T @ (moved + cancelled + np.abs(theta)))
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = left - rounding
        relative = np.where(beyond <= 0, 0.0, beyond / terms)
    worst = float(np.max(relative))
    return worst if np.isfinite(worst) else np.inf


def _cancelling_terms(problem: Problem, eta: FloatArray) -> FloatArray:
    """|A_i| + |B_i y_i| of the gradients s_i (A_i - B_i y_i), which are affine in y.

    Each is rounded before the difference is taken: mean - y is known to eps (|mean| + |y|) only.
    Not so of rows whose loss recedes (y = 0 of a count, both classes): one term, formed directly.
    """
    likelihood = problem.likelihood
    mixed = likelihood.receding(problem.y) == 0
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        at_zero = likelihood.gradient(np.zeros(problem.n), eta)
        terms = np.abs(at_zero) + np.abs(likelihood.gradient(problem.y, eta) - at_zero)
        return np.where(mixed, problem.weights * terms, 0.0)


def weakly_penalised(problem: Problem, v: FloatArray, eta: FloatArray, scale: float) -> BoolArray:
    """Columns whose penalty is so weak that the rounding of x_j' theta alone would be felt."""
    penalty = problem.penalty
    theta = problem.gradient_rows(eta)
    noise = _EPS * column_norms(problem, np.ones(problem.n)) * np.linalg.norm(theta)
    weak_slope = penalty.l1 < 1e7 * noise
    weak_curvature = penalty.l2 * scale < 1e10 * noise**2
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    off_centre = ~penalty.is_flat & ~penalty.at_loc(v)
    return ~penalty.whole(~(unbounded & off_centre & weak_slope & weak_curvature))
