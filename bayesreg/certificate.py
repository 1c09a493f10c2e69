"""Proof that a point is the posterior mode, from data and point alone.

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

import math
from dataclasses import dataclass

import numpy as np

from bayesreg import _checks, stationarity
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.certificate_classes import class_figures, half_null_loss
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.coefficients import class_intercepts, coefficient_matrix, coefficient_vector
from bayesreg.corner_gap import prove
from bayesreg.corner_limits import require_supported_penalty
from bayesreg.corner_null import null_loss
from bayesreg.corner_zeros import corner_zeros_proved
from bayesreg.data import Data
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import has_classes, is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem, bind

_EPS = float(np.finfo(float).eps)

# X_f' theta = 0 must hold for the unpenalised columns; beyond this, relative to the size of its
# terms, the imbalance is not rounding but a point that is no optimum (separation, say).
_FLAT_TOLERANCE = 1e-9

# An eigenvalue below this, of a Hessian scaled to at most 1, is negative beyond rounding.
_SADDLE = 1e-9
# Multiply-adds of a factorisation that take about a hundredth of a second.
_CHEAP = 2e7


@dataclass(frozen=True)
class Certificate:
    """How far a point can be from the mode.

    Attributes
    ----------
    gap : float
        Upper bound on J(point) - J(mode), in nats.
    relative_gap : float
        ``gap`` divided by ``half_null_deviance``, or by 1 nat where that is 0.
    kkt_residual : float
        max_j of the distance from stationarity in coefficient j, divided by the root of the
        curvature there: a local measure, the root of twice the nats that a coordinate could win
        if it were far from any kink. A coefficient 1e-9 off a kink shows a large residual beside
        a tiny gap: J is nearly right, the exact zero is not. For a likelihood with corners, which
        has no curvature: the root of twice the largest bracket of the gap.
    zeros_proved : bool
        Every coefficient that the point puts exactly on the kink of its prior (or on a bound) is
        proved to be there in the mode as well. Says nothing of coefficients off their kink.
    flat_residual : float
        What is left of X_f' theta = 0 for unpenalised columns, relative to the size of its terms
        beyond their rounding. The bound assumes 0.
    half_null_deviance : float
        Loss of the model without coefficients minus the least possible loss, in nats.
    tol : float
        The relative gap that was asked for.
    local : bool
        The problem is not convex: there is no gap (it is NaN), and the point is only shown to be
        stationary, by its KKT residual.
    least_curvature : float
        Of a local point: the least eigenvalue of the scaled Hessian over the coefficients off
        their kinks and bounds; negative at a saddle, NaN where it was not computed.
    """

    gap: float
    relative_gap: float
    kkt_residual: float
    zeros_proved: bool
    flat_residual: float
    half_null_deviance: float
    tol: float
    local: bool = False
    least_curvature: float = float("nan")

    @property
    def holds(self) -> bool:
        """The relative gap is within ``tol`` and unpenalised columns are balanced.

        Of a local point: what one coordinate could still win is at most ``tol`` of the scale,
        and it is no saddle.
        """
        if self.local:
            scale = self.half_null_deviance if self.half_null_deviance > 0 else 1.0
            saddle = self.least_curvature < -_SADDLE
            return 0.5 * self.kkt_residual**2 <= self.tol * scale and not saddle
        return self.relative_gap <= self.tol and self.flat_residual <= _FLAT_TOLERANCE

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        zeros = "proved" if self.zeros_proved else "not proved"
        if self.local:
            return (
                f"local mode (not convex: no bound on the distance from the best), certificate "
                f"{verdict}: KKT residual {self.kkt_residual:.2g} root nats"
                f"{', a saddle' if self.least_curvature < -_SADDLE else ''}"
            )
        return (
            f"certificate {verdict}: gap {self.gap:.2g} nats (relative {self.relative_gap:.2g}, "
            f"asked {self.tol:.0e}), KKT residual {self.kkt_residual:.2g}, zeros {zeros}"
        )


def certify(
    model: Model,
    data: Data,
    coef: FloatArray,
    intercept: float | FloatArray = 0.0,
    *,
    tol: float = 1e-8,
    dual: FloatArray | None = None,
) -> Certificate:
    """Bound how far any coefficients, from any software, are from the posterior mode.

    Parameters
    ----------
    model, data
        The posterior.
    coef : (p,) array, or (1, p) as scikit-learn's classifiers have it; (K, p) for Multinomial
    intercept : float, or an array of one; (K,) for Multinomial
        Ignored when the model has none.
    tol : float
        Relative gap at which the certificate holds.
    dual : (n,) array, optional
        For a likelihood with corners (AsymmetricLaplace): a dual point, d (data term) / d eta of
        each row, to be checked as the proof. Without one, or where it does not suffice, one is
        found here. A smooth likelihood has no use for it.

    Raises
    ------
    DataError, DataTypeError, ModelError
        For coefficients, intercept or tol that are not finite real numbers of the right shape.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> br.certify(model, data, np.array([0.5]), 0.5).holds
    True
    >>> br.certify(model, data, np.array([0.6]), 0.4).holds
    False
    """
    if has_classes(model.likelihood):
        return _certify_classes(model, data, coef, intercept, tol)
    problem = bind(model, data)
    w = coefficient_vector(coef, data.p)
    if not np.all(np.isfinite(w)):
        j = int(np.argmin(np.isfinite(w)))
        raise DataError(f"coef must be finite; found {float(w[j])!r} for column {data.names[j]!r}")
    a = float(coefficient_vector(np.ravel(intercept), 1, "intercept")[0])
    if not np.isfinite(a):
        raise DataError(f"intercept must be finite; got {a!r}")
    tol = _checks.positive_number(tol, "tol")
    theta = None if dual is None else _checked_dual(problem, data, dual)
    return certify_point(problem, problem.extended(w, a), tol, dual=theta)


def _checked_dual(problem: Problem, data: Data, dual: FloatArray) -> FloatArray:
    """The dual of the rows that count."""
    if is_smooth(problem.likelihood):
        raise ModelError(
            f"dual is for likelihoods with corners; that of {problem.likelihood!r} follows from "
            "the coefficients. Leave it out"
        )
    theta = coefficient_vector(dual, data.n if data.weights is None else data.y.size, "dual")
    if not np.all(np.isfinite(theta)):
        raise DataError("dual must be finite")
    return theta if data.weights is None else theta[data.weights > 0]


def _certify_classes(
    model: Model, data: Data, coef: FloatArray, intercept: float | FloatArray, tol: float
) -> Certificate:
    problem = bind_classes(model, data)
    W = coefficient_matrix(coef, problem.n_classes, data.p)
    if not np.all(np.isfinite(W)):
        k, j = np.argwhere(~np.isfinite(W))[0]
        raise DataError(
            f"coef must be finite; found {float(W[k, j])!r} for class {k}, column {data.names[j]!r}"
        )
    a = class_intercepts(intercept, problem.n_classes)
    if not np.all(np.isfinite(a)):
        raise DataError(f"intercept must be finite; got {a.tolist()!r}")
    tol = _checks.positive_number(tol, "tol")
    return certify_class_point(problem, problem.extended(W, a), tol)


def certify_class_point(
    problem: ClassProblem,
    V: FloatArray,
    tol: float = 1e-8,
    half_null_deviance: float | None = None,
) -> Certificate:
    """The certificate of extended vectors (K, size)."""
    if half_null_deviance is None:
        half_null_deviance = half_null_loss(problem)
    scale = half_null_deviance if half_null_deviance > 0 else 1.0
    figures = class_figures(problem, V, tol, scale)
    return Certificate(
        relative_gap=figures.gap / scale,
        half_null_deviance=half_null_deviance,
        tol=tol,
        **figures._asdict(),
    )


def local_certificate(
    kkt_residual: float,
    half_null_deviance: float,
    tol: float,
    least_curvature: float = float("nan"),
) -> Certificate:
    """The certificate of a stationary point of a problem that is not convex."""
    return Certificate(
        gap=float("nan"),
        relative_gap=float("nan"),
        kkt_residual=kkt_residual,
        zeros_proved=False,
        flat_residual=0.0,
        half_null_deviance=half_null_deviance,
        tol=tol,
        local=True,
        least_curvature=least_curvature,
    )


def certify_point(
    problem: Problem,
    v: FloatArray,
    tol: float = 1e-8,
    half_null_deviance: float | None = None,
    dual: FloatArray | None = None,
) -> Certificate:
    """The certificate of an extended vector; a local one where the problem is not convex.

    ``dual`` is only for a likelihood with corners.
    """
    corners = not is_smooth(problem.likelihood)
    if corners:
        require_supported_penalty(problem)
    if not problem.convex:
        scale = half_null_deviance
        scale = stationarity.half_null_deviance(problem) if scale is None else scale
        residual = stationarity.kkt_residual(problem, v)
        return local_certificate(residual, scale, tol, stationarity.least_curvature(problem, v))
    eta = _linear_predictor(problem, v)
    if half_null_deviance is None:
        half_null_deviance = null_deviance(problem, eta) / 2
    scale = half_null_deviance if half_null_deviance > 0 else 1.0
    if corners:
        proof = prove(problem, v, eta, tol * scale, dual)
        return Certificate(
            gap=proof.gap,
            relative_gap=proof.gap / scale,
            kkt_residual=float(np.sqrt(2 * proof.largest_term)),
            zeros_proved=corner_zeros_proved(problem, v, eta, proof.theta),
            flat_residual=proof.flat_residual,
            half_null_deviance=half_null_deviance,
            tol=tol,
        )
    gradient = problem.transposed_product(problem.gradient_rows(eta))
    free = _unpenalised(problem, v)
    gap, flat_residual = _gap(problem, v, eta, free)
    if not gap <= _polish_beyond(problem, v, tol) * scale:
        gap = min(gap, _polished_gap(problem, v, eta))
    if not gap <= tol * scale:
        weak = _weakly_penalised(problem, v, eta, scale)
        if weak.any():
            relaxed, residual = _gap(problem, v, eta, free | weak)
            if relaxed < gap:
                gap, flat_residual = relaxed, residual
    return Certificate(
        gap=gap,
        relative_gap=gap / scale,
        kkt_residual=_kkt_residual(problem, v, eta, gradient),
        zeros_proved=_zeros_proved(problem, v, eta, gradient, gap),
        flat_residual=flat_residual,
        half_null_deviance=half_null_deviance,
        tol=tol,
    )


def _linear_predictor(problem: Problem, v: FloatArray) -> FloatArray:
    """offset + X w + a, rounded once per row where large terms cancel in it.

    Of nearly dependent columns the coefficients are large and the sum is not: its rounding would
    be a point other than the one that is judged.
    """
    eta = problem.linear_predictor(v)
    columns = np.flatnonzero(v)
    terms = _column_norms(problem, np.ones(problem.n)) @ np.abs(v)
    cancelling = terms > 1e3 * np.linalg.norm(eta)
    if not cancelling or problem.n * columns.size > _CHEAP / 20:
        return eta
    product, error = _exact_products(problem.block(columns), v[columns])
    exact = np.column_stack([problem.offset, product, error])
    return np.array([math.fsum(row) for row in exact.tolist()])


def _exact_products(block: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x_ij v_j and what its rounding lost (Dekker 1971)."""
    halves = []
    for factor in (block, v):
        shifted = factor * 134217729.0
        high = shifted - (shifted - factor)
        halves.append((high, factor - high))
    (x_high, x_low), (v_high, v_low) = halves
    product = block * v
    error = x_high * v_high - product + x_high * v_low + x_low * v_high + x_low * v_low
    return product, np.where(np.isfinite(error), error, 0.0)


def _polish_beyond(problem: Problem, v: FloatArray, tol: float) -> float:
    """The relative gap that is worth a factorisation: where that is cheap, any above rounding."""
    low, high = problem.penalty.subdifferential(v)
    cost = problem.n * int(np.count_nonzero(low == high)) ** 2
    return tol if cost > _CHEAP else min(tol, 1e-13)


def _unpenalised(problem: Problem, v: FloatArray) -> BoolArray:
    """Flat columns, and those that only a bound limits which they do not touch."""
    penalty = problem.penalty
    inside = (v > penalty.lower) & (v < penalty.upper)
    half_open = np.isinf(penalty.lower) | np.isinf(penalty.upper)
    return (penalty.l1 == 0) & (penalty.l2 == 0) & inside & half_open


def _gap(
    problem: Problem, v: FloatArray, eta: FloatArray, relaxed: BoolArray
) -> tuple[float, float]:
    """The duality gap with the given columns treated as unpenalised in the dual.

    Dropping the non-negative penalty of a column leaves a lower bound on J, so that relaxing a
    column costs g_j(v_j) and nothing else.
    """
    penalty, likelihood = problem.penalty, problem.likelihood
    columns = np.flatnonzero(relaxed)
    refitted = _refit(problem, eta, columns)
    u = likelihood.gradient(problem.y, refitted)
    theta = problem.weights * u
    c = -problem.transposed_product(theta)
    kept = ~relaxed & ~penalty.is_pinned
    shift = u - likelihood.gradient(problem.y, eta)
    relaxation = float(np.sum(penalty.values(v)[relaxed])) if columns.size else 0.0
    gap = _least_over_scalings(problem, v, eta, shift, c, kept) + relaxation
    return gap, _imbalance(problem, v, refitted, theta, columns)


def _least_over_scalings(
    problem: Problem,
    v: FloatArray,
    eta: FloatArray,
    shift: FloatArray,
    c: FloatArray,
    kept: BoolArray,
) -> float:
    """The least gap over multiples alpha of the dual point u = gradient(eta) + shift."""
    penalty, likelihood = problem.penalty.take(kept), problem.likelihood
    at_point = likelihood.gradient(problem.y, eta)
    best = np.inf
    for alpha in penalty.dual_scalings(c[kept]):
        # alpha u - gradient(eta), without subtracting the two
        rows = likelihood.fenchel_young(problem.y, eta, alpha * shift - (1 - alpha) * at_point)
        by_column = penalty.fenchel_young(v[kept], alpha * c[kept])
        best = min(best, float(problem.weights @ rows + np.sum(by_column)))
    return best


def _polished_gap(problem: Problem, v: FloatArray, eta: FloatArray) -> float:
    """The gap at a dual point that meets x_j' theta = -g_j'(v_j) more exactly than eta can say.

    Where y and eta are large beside the residual, theta carries their rounding; as a dual point
    it is free, and a Newton step (theta, v) -> (theta + s h X d, v + d) of both, never passing
    through eta, removes it. With R'R = X' s h X + L2 over the smooth columns,

        e = X' theta + g'(v) + L2 d,

    e the imbalance that is left after the steps (their rounding included), another step would
    cost at most |R^-T e|^2 / 2 nats more, and move x_k' theta by at most |x_k sqrt(s h)| |R^-T e|.
    """
    penalty = problem.penalty
    low, high = penalty.subdifferential(v)
    smooth = (low == high) & ~penalty.is_pinned
    h = problem.likelihood.curvature(problem.y, eta)
    triangle = _Triangle.of(problem, np.flatnonzero(smooth), problem.weights * h)
    if triangle is None:
        return np.inf
    d, slope = np.zeros(problem.size), np.where(smooth, low, 0.0)
    # u as a sum of ever smaller parts: all of its digits are free, not only a double's.
    parts = [problem.likelihood.gradient(problem.y, eta)]
    for _ in range(4):
        left, noise = _imbalance_of(problem, parts, slope)
        step = triangle.step(left + penalty.l2 * d, problem.size)
        d = d + step
        parts.append(h * (problem.linear_predictor(step) - problem.offset))
    shift = np.sum(parts[1:], axis=0)
    left, noise = _imbalance_of(problem, parts, slope)
    product = left - slope
    unmet = triangle.norm(left + penalty.l2 * d, noise)
    reach = noise + unmet * _column_norms(problem, problem.weights * h)
    # Held columns: as far from feasible as the last step might have brought them.
    away = np.where(v <= penalty.lower, 1.0, np.where(v >= penalty.upper, -1.0, -np.sign(product)))
    c = np.where(smooth, low + penalty.l2 * d, -product + away * reach)
    kept = ~penalty.is_flat & ~penalty.is_pinned
    gap = _least_over_scalings(problem, v, eta, shift, c, kept)
    return float((np.sqrt(gap) + unmet / np.sqrt(2.0)) ** 2)


def _imbalance_of(
    problem: Problem, parts: list[FloatArray], slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """X' s (sum of the parts) + slope, and how far rounding can have moved it.

    Exactly, and rounded once, where that is affordable.
    """
    if problem.n * problem.size * len(parts) > _CHEAP / 100:
        theta = problem.weights * np.sum(parts, axis=0)
        rounding = _EPS * _column_norms(problem, np.ones(problem.n)) * np.linalg.norm(theta)
        return problem.transposed_product(theta) + slope, rounding
    block = problem.block(np.arange(problem.size)).T
    terms = [slope[:, None]]
    for part in parts:
        terms += _exact_products(block, problem.weights * part)
    exact = np.array([math.fsum(row) for row in np.hstack(terms).tolist()])
    return exact, _EPS * np.abs(exact)


@dataclass(frozen=True)
class _Triangle:
    """R of [sqrt(s h) X ; sqrt(l2)] = Q R over some columns, in units of ``size``."""

    R: FloatArray
    size: FloatArray
    columns: IntArray

    @staticmethod
    def of(problem: Problem, columns: IntArray, by_row: FloatArray) -> _Triangle | None:
        """None where the columns are too many or dependent."""
        l2 = problem.penalty.l2[columns]
        if not 0 < columns.size <= min(problem.n + int(np.count_nonzero(l2)), 2000):
            return None
        block = problem.block(columns) * np.sqrt(by_row)[:, None]
        block = np.vstack([block, np.diag(np.sqrt(l2))[l2 > 0]])
        size = np.linalg.norm(block, axis=0)
        if not (np.all(np.isfinite(size)) and np.all(size > 0)):
            return None
        block /= size
        # Householder's method is accurate row by row when the large rows come first.
        order = np.argsort(-np.max(np.abs(block), axis=1), kind="stable")
        R: FloatArray = np.asarray(np.linalg.qr(block[order], mode="r"))
        diagonal = np.abs(np.diagonal(R))
        if np.min(diagonal) < 1e-14 * np.max(diagonal):
            return None
        return _Triangle(R, size, columns)

    def step(self, left: FloatArray, length: int) -> FloatArray:
        """-(R'R)^-1 left on the columns, 0 elsewhere."""
        from scipy.linalg import solve_triangular

        half = solve_triangular(self.R, left[self.columns] / self.size, trans="T")
        d = np.zeros(length)
        d[self.columns] = -solve_triangular(self.R, half) / self.size
        return d

    def norm(self, left: FloatArray, noise: FloatArray) -> float:
        """|R^-T left|, left known to within ``noise``."""
        from scipy.linalg import solve_triangular

        noise = np.diag(noise[self.columns] / self.size)
        right = np.column_stack([left[self.columns] / self.size, noise])
        solved = solve_triangular(self.R, right, trans="T")
        return float(np.linalg.norm(solved[:, 0]) + np.linalg.norm(solved[:, 1:]))


def _refit(problem: Problem, eta: FloatArray, columns: IntArray) -> FloatArray:
    """The linear predictor after the given columns are moved to their optimum, by Newton."""
    if not columns.size:
        return eta
    block = problem.block(columns)
    size = np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)
    block /= size
    loss = problem.loss(eta)
    last = np.inf
    for _ in range(60):
        step, decrement = _newton_step(problem, eta, block)
        # Beyond a nat Newton is still damped by its line search, and may promise more than before.
        if not (decrement < 0.5 * last or 1.0 < decrement < np.inf):
            break
        last = decrement
        eta, loss = _line_search(problem, eta, step, loss)
        if np.max(np.abs(step)) <= _EPS * np.max(np.abs(eta)):
            break  # the step was within the rounding of eta
    return eta


def _newton_step(problem: Problem, eta: FloatArray, block: FloatArray) -> tuple[FloatArray, float]:
    """Change of eta by a Newton step in the block, and the nats it promises."""
    h, g = problem.curvature_rows(eta), problem.gradient_rows(eta)
    root = np.sqrt(h)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        target = np.where(root > 0, -g / root, 0.0)
    if not (np.all(np.isfinite(root)) and np.all(np.isfinite(target))):
        return np.zeros_like(eta), np.inf
    if block.shape[1] == 1:
        curvature = float(h @ block[:, 0] ** 2)
        step = block[:, 0] * (-float(g @ block[:, 0]) / curvature if curvature > 0 else 0.0)
    else:
        step = block @ np.linalg.lstsq(root[:, None] * block, target, rcond=4 * _EPS)[0]
    return step, max(0.0, -0.5 * float(g @ step))


def _line_search(
    problem: Problem, eta: FloatArray, step: FloatArray, loss: float
) -> tuple[FloatArray, float]:
    slack = 64 * _EPS * abs(loss)
    for halving in range(30):
        moved = eta + step * 0.5**halving
        moved_loss = problem.loss(moved)
        if moved_loss <= loss + slack:
            return moved, min(moved_loss, loss)
    return eta, loss


def _imbalance(
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
    rounding = 16 * _EPS * (absolute.T @ (moved + np.abs(theta)))
    beyond = np.maximum(left - rounding, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(beyond > 0, beyond / terms, 0.0)
    worst = float(np.max(relative))
    return worst if np.isfinite(worst) else np.inf


def _weakly_penalised(problem: Problem, v: FloatArray, eta: FloatArray, scale: float) -> BoolArray:
    """Columns whose penalty is so weak that the rounding of x_j' theta alone would be felt."""
    penalty = problem.penalty
    theta = problem.gradient_rows(eta)
    noise = _EPS * _column_norms(problem, np.ones(problem.n)) * np.linalg.norm(theta)
    weak_slope = penalty.l1 < 1e7 * noise
    weak_curvature = penalty.l2 * scale < 1e10 * noise**2
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    off_centre = ~penalty.is_flat & ~penalty.at_loc(v)
    return ~penalty.whole(~(unbounded & off_centre & weak_slope & weak_curvature))


def _kkt_residual(problem: Problem, v: FloatArray, eta: FloatArray, gradient: FloatArray) -> float:
    distance = problem.penalty.subgradient_distance(v, gradient)
    root = np.hypot(
        _column_norms(problem, problem.curvature_rows(eta)), np.sqrt(problem.penalty.curvature(v))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.where(distance > 0, distance / root, 0.0)
    worst = float(np.max(residual))
    return worst if np.isfinite(worst) else np.inf


def _zeros_proved(
    problem: Problem, v: FloatArray, eta: FloatArray, gradient: FloatArray, gap: float
) -> bool:
    """|x_j' theta| + ||x_j|| radius < l1_j for every coefficient at its kink or bound.

    In general: -x_j' theta is inside the subdifferential of g_j by more than ||x_j|| radius; of a
    group, ||(X_g' theta) / l1|| + ||(||x_j|| radius / l1_j)_j|| < 1.

    theta* of the mode lies within Bregman divergence ``gap`` of theta at the point, so that
    |x_j'(theta - theta*)| <= sqrt(2 gap sum_i s_i L_i x_ij^2), L_i bounding the curvature over
    that set. With a flat intercept both thetas sum to 0 and x_j may be centred.
    """
    penalty = problem.penalty
    low, high = penalty.subdifferential(v)
    zeros = (low < high) & ~penalty.is_pinned
    if not zeros.any():
        return True
    if not np.isfinite(gap):
        return False
    weights = problem.weights
    smoothness = problem.likelihood.smoothness_within(problem.y, eta, gap / weights)
    by_row = weights * smoothness
    total = np.sum(by_row)
    norm = _column_norms(problem, by_row)
    # Rounding of the inner products themselves, with room to spare.
    rounding = 64 * _EPS * _column_norms(problem, np.ones(problem.n))
    allowance = rounding * np.linalg.norm(problem.gradient_rows(eta))
    if problem.flat_intercept:
        mean = problem.transposed_product(by_row) / total
        centred = np.sqrt(np.maximum(norm**2 - mean**2 * total, 0.0) + 1e-12 * norm**2)
        norm = np.minimum(norm, centred)
        allowance = allowance + np.abs(mean * gradient[-1])
    reach = norm * np.sqrt(2 * gap) + allowance
    inside = penalty.strictly_inside(v, -gradient, reach)
    return bool(np.all(inside[zeros]))


def _column_norms(problem: Problem, by_row: FloatArray) -> FloatArray:
    """sqrt(sum_i by_row_i x_ij^2) for each extended column."""
    return np.sqrt(problem.column_squares(by_row))


def null_deviance(problem: Problem, eta: FloatArray | None = None) -> float:
    """Twice the loss at w = loc beyond the least possible; 0 when that is only rounding.

    Intercept, offset and flat columns are at their optimum. ``eta``, the linear predictor of a
    point to be certified, spares a loss with corners a programme where all columns are flat.
    """
    if not is_smooth(problem.likelihood):
        return 2 * null_loss(problem, eta)
    v = problem.start.copy()
    flat = np.flatnonzero(problem.penalty.is_flat)
    v[flat] = 0.0
    eta = _refit(problem, problem.linear_predictor(v), flat)
    if problem.has_intercept and not problem.flat_intercept:
        eta = _penalised_intercept(problem, eta, flat)
    likelihood = problem.likelihood
    excess = likelihood.loss(problem.y, eta) - likelihood.saturated_loss(problem.y)
    half = float(problem.weights @ np.maximum(excess, 0.0))
    magnitude = np.abs(eta) + np.abs(problem.offset)
    rounding = float(problem.curvature_rows(eta) @ (32 * _EPS * magnitude) ** 2)
    return 2 * half if half > rounding else 0.0


def _penalised_intercept(problem: Problem, eta: FloatArray, flat: IntArray) -> FloatArray:
    """Alternate between the flat columns and an intercept that has a proper prior."""
    from scipy.optimize import minimize_scalar

    prior = problem.penalty.take(slice(-1, None))
    current = float(problem.start[-1])
    for _ in range(50):
        without = eta - current

        def objective(a: float, without: FloatArray = without) -> float:
            # Level beyond the bounds: parabolas through infinite values are no numbers.
            inside = np.clip([a], prior.lower, prior.upper)
            return problem.loss(without + inside[0]) + prior.value(inside)

        found = float(minimize_scalar(objective, bracket=(current - 1.0, current + 1.0)).x)
        found = float(np.clip(found, prior.lower[0], prior.upper[0]))
        eta = _refit(problem, without + found, flat)
        settled = abs(found - current) <= 1e-9 * (1.0 + abs(found))
        current = found
        if settled or not flat.size:
            break
    return eta
