"""The numbers of a certificate for K classes, from data and point alone.

The dual point of row i is u_i = q_i - e_{y_i} with q_i a distribution over the classes, and

    J(V) - min J <= sum_i s_i KL(q_i || p_i) + sum_kj [g_j(v_kj) + g_j*(c_kj) - c_kj v_kj],

c_k = -X'(s u_k) (Fenchel and Young; every bracket is non-negative).  q starts from the
probabilities after the unpenalised entries have been refitted, and u = q - e_y is scaled towards
0, which mixes q with e_y and so keeps it a distribution, until every c_kj is feasible.  Nothing
here is shared with the solvers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import ClassProblem
from bayesreg.proof.existence_classes import class_mode_exists
from bayesreg.proof.null_intercept import best_intercept
from bayesreg.proof.refit_classes import refit

_EPS = float(np.finfo(float).eps)


class Figures(NamedTuple):
    """What :class:`bayesreg.proof.certificate.Certificate` is made of; see there."""

    gap: float
    kkt_residual: float
    zeros_proved: bool
    flat_residual: float


def class_figures(problem: ClassProblem, V: FloatArray, tol: float, scale: float) -> Figures:
    """Gap, residual and proof of zeros at extended vectors V (K, size).

    ``tol * scale`` is the gap that is asked for; a finer dual point is only tried beyond it.
    """
    eta = problem.linear_predictors(V)
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    free = np.tile(problem.is_unpenalised, (problem.n_classes, 1))
    gap, flat_residual = _gap(problem, V, eta, free)
    if not gap <= tol * scale:
        weak = _weakly_penalised(problem, V, eta, scale)
        if weak.any():
            relaxed, residual = _gap(problem, V, eta, free | weak)
            if relaxed < gap:
                gap, flat_residual = relaxed, residual
    if gap <= tol * scale and not class_mode_exists(problem, eta):
        gap = np.inf
    return Figures(
        gap=gap,
        kkt_residual=_kkt_residual(problem, V, eta, gradient),
        zeros_proved=_zeros_proved(problem, V, gradient, gap),
        flat_residual=flat_residual,
    )


def half_null_loss(problem: ClassProblem) -> float:
    """The loss with every coefficient at its loc: intercepts and flat columns at their optimum.

    A loc is the same for all classes and cancels in the softmax. The least possible loss is 0.
    """
    V = problem.start.copy()
    flat = np.tile(problem.penalty.is_flat, (problem.n_classes, 1))
    V[flat] = 0.0
    eta = refit(problem, problem.linear_predictors(V), flat)
    if problem.has_intercept and not problem.flat_intercept:
        eta = _penalised_intercepts(problem, eta, V[:, -1].copy(), flat)
    return problem.loss(eta)


def _gap(
    problem: ClassProblem, V: FloatArray, eta: FloatArray, relaxed: BoolArray
) -> tuple[float, float]:
    """The duality gap with the given entries treated as unpenalised in the dual.

    Dropping a non-negative penalty leaves a lower bound on J: it costs g_j(v_kj) and no more.
    """
    penalty, likelihood = problem.penalty, problem.likelihood
    refitted = refit(problem, eta, relaxed)
    at_point = likelihood.gradient(problem.y, eta)
    u = likelihood.gradient(problem.y, refitted)
    shift = u - at_point
    c = -problem.transposed_product(problem.weights[:, None] * u)
    kept = ~relaxed & ~penalty.is_pinned
    gap = np.inf
    for alpha in _dual_scalings(problem, c, kept):
        # alpha u - gradient(eta), without subtracting the two
        rows = likelihood.fenchel_young(problem.y, eta, alpha * shift - (1 - alpha) * at_point)
        entries = np.where(kept, penalty.fenchel_young(V, alpha * c), 0.0)
        gap = min(gap, float(problem.weights @ rows + np.sum(entries)))
    gap += float(np.sum(penalty.values(V)[relaxed]))
    return gap, _imbalance(problem, V, refitted, u, relaxed)


def _dual_scalings(problem: ClassProblem, c: FloatArray, kept: BoolArray) -> list[float]:
    """Factors that make every c_kj feasible, without and with the help of curvature; and 0.

    At 0 the gap is the loss itself and what the penalties are above their least: little where the
    classes are separated and only bounds keep the coefficients finite.
    """
    penalty = problem.penalty
    l1, l2 = (np.broadcast_to(part, c.shape) for part in (penalty.l1, penalty.l2))
    beyond = np.where(c > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    excess = kept & beyond & (np.abs(c) > l1)
    factors = {0.0, 1.0}
    for bound in (excess, excess & (l2 == 0)):
        factors.add(_largest_factor(l1[bound], np.abs(c[bound])))
    return sorted(factors)


def _largest_factor(l1: FloatArray, size: FloatArray) -> float:
    """The largest alpha <= 1 with alpha |c| <= l1 in floating point."""
    alpha = float(np.min(l1 / size, initial=1.0))
    while alpha > 0 and np.any(alpha * size > l1):
        alpha = float(np.nextafter(alpha, 0.0))
    return alpha


def _imbalance(
    problem: ClassProblem, V: FloatArray, eta: FloatArray, u: FloatArray, relaxed: BoolArray
) -> float:
    """max over unpenalised entries of |x_j' theta_k| beyond rounding, relative to its terms."""
    if not relaxed.any():
        return 0.0
    columns = np.flatnonzero(relaxed.any(axis=0))
    block, chosen = problem.block(columns), relaxed[:, columns]
    absolute, theta = np.abs(block), problem.weights[:, None] * u
    left = np.abs(theta.T @ block)
    terms = np.abs(theta).T @ absolute
    magnitude = np.abs(eta) + absolute @ np.abs(V[:, columns]).T
    # Rounding of one class's predictor moves the probabilities of all.
    moved = problem.curvature_rows(eta) * np.max(magnitude, axis=1)[:, None]
    rounding = 16 * _EPS * ((moved + np.abs(theta)).T @ absolute)
    beyond = np.maximum(left - rounding, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(chosen & (beyond > 0), beyond / terms, 0.0)
    worst = float(np.max(relative))
    return worst if np.isfinite(worst) else np.inf


def _weakly_penalised(
    problem: ClassProblem, V: FloatArray, eta: FloatArray, scale: float
) -> BoolArray:
    """Entries whose penalty is so weak that the rounding of x_j' theta alone would be felt."""
    penalty = problem.penalty
    theta = np.linalg.norm(problem.gradient_rows(eta), axis=0)
    noise = _EPS * np.outer(theta, _column_norms(problem))
    weak = (penalty.l1 < 1e7 * noise) & (penalty.l2 * scale < 1e10 * noise**2)
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    return unbounded & ~penalty.is_flat & (penalty.loc != V) & weak


def _kkt_residual(
    problem: ClassProblem, V: FloatArray, eta: FloatArray, gradient: FloatArray
) -> float:
    distance = problem.penalty.subgradient_distance(V, gradient)
    curvature = problem.column_squares(problem.curvature_rows(eta)) + problem.penalty.l2
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.where(distance > 0, distance / np.sqrt(curvature), 0.0)
    worst = float(np.max(residual))
    return worst if np.isfinite(worst) else np.inf


def _zeros_proved(problem: ClassProblem, V: FloatArray, gradient: FloatArray, gap: float) -> bool:
    """|x_j' theta_k| + ||x_j|| sqrt(gap / 2) < l1_j for every entry at its kink or bound.

    In general: -x_j' theta_k is inside the subdifferential of g_j by more than that reach. The
    probabilities p* of the mode have sum_i s_i KL(p*_i || p_i) <= gap, and KL >= ||p* - p||_1^2 / 2
    >= 2 (p*_k - p_k)^2 (Pinsker; the differences of a row sum to 0). With a flat intercept both
    thetas sum to 0 in each class and x_j may be centred.
    """
    penalty = problem.penalty
    low, high = penalty.subdifferential(V)
    zeros = (low < high) & ~penalty.is_pinned
    if not zeros.any():
        return True
    if not np.isfinite(gap):
        return False
    weights, total = problem.weights, np.sum(problem.weights)
    norm = _column_norms(problem, weights)
    # Rounding of the inner products themselves, with room to spare.
    theta = np.linalg.norm(weights[:, None] * _dual(problem, V), axis=0)
    allowance = 64 * _EPS * np.outer(theta, _column_norms(problem))
    if problem.flat_intercept:
        mean = problem.transposed_product(weights[:, None])[0] / total
        centred = np.sqrt(np.maximum(norm**2 - mean**2 * total, 0.0) + 1e-12 * norm**2)
        norm = np.minimum(norm, centred)
        allowance = allowance + np.abs(np.outer(gradient[:, -1], mean))
    reach = norm * np.sqrt(0.5 * gap) + allowance
    inside = (-gradient - reach > low) & (-gradient + reach < high)
    return bool(np.all(inside[zeros]))


def _dual(problem: ClassProblem, V: FloatArray) -> FloatArray:
    return problem.likelihood.gradient(problem.y, problem.linear_predictors(V))


def _column_norms(problem: ClassProblem, by_row: FloatArray | None = None) -> FloatArray:
    """sqrt(sum_i h_i x_ij^2) for each extended column."""
    by_row = np.ones(problem.n) if by_row is None else by_row
    return np.sqrt(problem.column_squares(by_row[:, None])[0])


def _penalised_intercepts(
    problem: ClassProblem, eta: FloatArray, a: FloatArray, flat: BoolArray
) -> FloatArray:
    """Alternate between the flat columns and intercepts that have a proper prior.

    Until a round wins a negligible share: the loss found here is only a unit of measure.
    """
    prior = problem.penalty.take(slice(-1, None))
    best = np.inf
    for _ in range(30):
        for k in range(problem.n_classes):
            without = eta.copy()
            without[:, k] -= a[k]

            def slope(x: float, without: FloatArray = without, k: int = k) -> float:
                moved = without.copy()
                moved[:, k] += x
                return float(np.sum(problem.gradient_rows(moved)[:, k]))

            a[k] = best_intercept(slope, prior)
            eta = without
            eta[:, k] += a[k]
        eta = refit(problem, eta, flat)
        value = problem.loss(eta) + prior.value(a)
        if not value < best - 1e-8 * abs(value):
            break
        best = value
    return eta
