"""Proof that (intercept, coefficients, sigma) is the joint mode, where that problem is convex.

With every penalty relative to the noise, phi = (w - m) / sigma and rho = 1 / sigma make

    J = |u|^2 / 2 + sum_j g_j(phi_j) + h(rho),    u = rho r_m - Z phi,    h = -N log rho - log p

jointly convex (Park and Casella, 2008): Z are the rows of X and r_m the residuals at w = m, both
times sqrt(s).  For any theta with Z_f' theta = 0 over the unpenalised columns

    J - min J  <=  |u - theta|^2 / 2 + sum_j [g_j(phi_j) + g_j*(c_j) - c_j phi_j]
                 + [h(rho) + d rho - min_rho (h + d rho)],      c = Z' theta,  d = theta' r_m

Every bracket is non-negative and computed as such.  theta is u without its part along the
unpenalised columns, scaled towards 0 until every c_j is feasible.  Nothing here is shared with the
solvers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.penalty import Penalty
from bayesreg.priors.on_noise import NoiseDensity
from bayesreg.problem import Problem
from bayesreg.proof.certificate import Certificate

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class JointPoint:
    """What is to be proved: an extended vector and its sigma."""

    v: FloatArray
    sigma: float


def noise_kkt_residual(
    density: NoiseDensity, count: int, slopes: float, squares: float, sigma: float
) -> float:
    """|dJ / d log sigma| over the root of the second derivative, in root nats.

    ``count`` is N; ``slopes`` is sum l1 |v - m| and ``squares`` sum s r^2 + sum l2 (v - m)^2 of
    what is divided by sigma and sigma^2. At an end of the support only the way inside counts.
    """
    slope = count - float(density.elasticity(sigma)) - slopes / sigma - squares / sigma / sigma
    if (sigma <= density.lower and slope > 0) or (sigma >= density.upper and slope < 0):
        return 0.0
    bend = slopes / sigma + 2 * squares / sigma / sigma - float(density.bend(sigma))
    return abs(slope) / float(np.sqrt(bend)) if bend > 0 else float("inf")


def certify_joint(
    unit: Problem, density: NoiseDensity, count: int, point: JointPoint, conditional: Certificate
) -> Certificate:
    """The duality gap of the joint mode.

    Parameters
    ----------
    unit : Problem
        The problem at sigma = 1; every penalty in it is relative to the noise.
    density : NoiseDensity
    count : int
        N: rows, and coefficients with a density.
    point : JointPoint
    conditional : Certificate
        Of the coefficients given sigma: for the scale of the gap and the KKT residual.
    """
    penalty, root, sigma = unit.penalty, np.sqrt(unit.weights), point.sigma
    phi = (point.v - unit.start) / sigma
    centred = _centred_penalty(unit)
    residual = root * (unit.y - unit.linear_predictor(point.v))
    u = residual / sigma
    target = root * (unit.y - unit.linear_predictor(unit.start))
    free = penalty.is_flat
    projected = _without(u, unit, np.flatnonzero(free), root)
    c = unit.transposed_product(root * projected)
    kept = ~free & ~penalty.is_pinned
    best, theta = float("inf"), projected
    for alpha in {1.0, _feasible_share(centred, c, kept)}:
        scaled = alpha * projected
        by_column = centred.take(kept).fenchel_young(phi[kept], alpha * c[kept])
        gap = 0.5 * float(np.sum((u - scaled) ** 2)) + float(np.sum(by_column))
        gap += _noise_bracket(density, count, sigma, float(scaled @ target))
        if gap < best:
            best, theta = gap, scaled
    scale = conditional.half_null_deviance if conditional.half_null_deviance > 0 else 1.0
    slopes = float(np.sum(np.where(kept, centred.l1 * np.abs(phi), 0.0))) * sigma
    squares = float(residual @ residual)
    squares += float(np.sum(np.where(kept, centred.l2 * phi**2, 0.0))) * sigma**2
    in_sigma = noise_kkt_residual(density, count, slopes, squares, sigma)
    return replace(
        conditional,
        gap=best,
        relative_gap=best / scale,
        kkt_residual=max(conditional.kkt_residual, in_sigma),
        zeros_proved=_zeros_proved(unit, phi, theta, root, kept, best),
        flat_residual=_imbalance(unit, theta, root, free),
    )


def _centred_penalty(unit: Problem) -> Penalty:
    """The penalties as functions of phi: loc at 0, bounds (which lie at loc) too."""
    penalty = unit.penalty
    bound = np.isfinite(penalty.lower), np.isfinite(penalty.upper)
    return replace(
        penalty,
        loc=np.zeros(penalty.size),
        lower=np.where(bound[0], 0.0, -np.inf),
        upper=np.where(bound[1], 0.0, np.inf),
    )


def _without(u: FloatArray, unit: Problem, columns: IntArray, root: FloatArray) -> FloatArray:
    """u less its projection on the unpenalised columns; twice, which is enough (Kahan)."""
    if not columns.size:
        return u
    block = _rows(unit, columns, root)
    for _ in range(2):
        u = u - block @ np.linalg.lstsq(block, u, rcond=4 * _EPS)[0]
    return u


def _rows(unit: Problem, columns: IntArray, root: FloatArray) -> FloatArray:
    """Columns of Z of unit length."""
    block = unit.block(columns) * root[:, None]
    size = np.linalg.norm(block, axis=0)
    return block / np.where(size > 0, size, 1.0)


def _feasible_share(penalty: Penalty, c: FloatArray, kept: BoolArray) -> float:
    """The largest alpha <= 1 for which alpha c is in the domain of every conjugate."""
    beyond = np.where(c > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    bound = kept & beyond & (penalty.l2 == 0) & (np.abs(c) > penalty.l1)
    if not bound.any():
        return 1.0
    alpha = float(np.min(penalty.l1[bound] / np.abs(c[bound])))
    while alpha > 0 and np.any(alpha * np.abs(c[bound]) > penalty.l1[bound]):
        alpha = float(np.nextafter(alpha, 0.0))
    return alpha


def _noise_bracket(density: NoiseDensity, count: int, sigma: float, d: float) -> float:
    """h(rho) + d rho - min_rho' [h(rho') + d rho'] for h = -count log rho - log p(1 / rho).

    The minimum solves count = d rho + e(1 / rho), whose right side rises with rho. With
    delta = log(rho / rho') and d rho' = count - e':
    count (exp(delta) - 1 - delta) - e' (exp(delta) - 1) - log p(sigma) + log p(sigma').
    """
    from scipy.optimize import brentq

    def excess(t: float) -> float:
        other = float(np.exp(t))
        return d / other + float(density.elasticity(other)) - count

    ends = [float(np.log(sigma))] * 2
    with np.errstate(divide="ignore"):
        low, high = np.log([density.lower, density.upper])
    step = 1e-6
    while excess(ends[0]) < 0 and ends[0] > low and ends[0] > -230:
        ends[0], step = max(ends[0] - step, low), 2 * step
    step = 1e-6
    while excess(ends[1]) > 0 and ends[1] < high and ends[1] < 230:
        ends[1], step = min(ends[1] + step, high), 2 * step
    if excess(ends[0]) <= 0:
        if excess(ends[0]) < 0 and ends[0] > low:
            return float("inf")
        best = ends[0]
    elif excess(ends[1]) >= 0:
        if excess(ends[1]) > 0 and ends[1] < high:
            return float("inf")
        best = ends[1]
    else:
        best = brentq(excess, *ends, xtol=1e-15, rtol=1e-15)
    at_best = float(np.exp(best))
    delta = best - float(np.log(sigma))
    difference = float(density.log_density(sigma)) - float(density.log_density(at_best))
    # d (rho - rho') in place of count - e' where the minimum is an end of the support.
    return max(0.0, d / at_best * float(np.expm1(delta)) - count * delta - difference)


def _zeros_proved(
    unit: Problem,
    phi: FloatArray,
    theta: FloatArray,
    root: FloatArray,
    kept: BoolArray,
    gap: float,
) -> bool:
    """c_j is inside the subdifferential of g_j at 0 by more than ||z_j|| sqrt(2 gap).

    The dual is strongly concave with modulus 1, so that theta lies within sqrt(2 gap) of the
    dual optimum.
    """
    zeros = kept & (phi == 0) & ((unit.penalty.l1 > 0) | np.isfinite(unit.penalty.lower)
                                 | np.isfinite(unit.penalty.upper))  # fmt: skip
    if not zeros.any():
        return True
    if not np.isfinite(gap):
        return False
    c = unit.transposed_product(root * theta)
    norm = np.sqrt(unit.column_squares(unit.weights))
    reach = norm * (np.sqrt(2 * gap) + 64 * _EPS * float(np.linalg.norm(theta)))
    low = np.where(np.isfinite(unit.penalty.lower), -np.inf, -unit.penalty.l1)
    high = np.where(np.isfinite(unit.penalty.upper), np.inf, unit.penalty.l1)
    return bool(np.all(((c - reach > low) & (c + reach < high))[zeros]))


def _imbalance(unit: Problem, theta: FloatArray, root: FloatArray, free: BoolArray) -> float:
    """max over unpenalised columns of |z_f' theta| beyond rounding, relative to |theta|."""
    columns = np.flatnonzero(free)
    size = float(np.linalg.norm(theta))
    if not columns.size or size == 0:
        return 0.0
    left = float(np.max(np.abs(_rows(unit, columns, root).T @ theta))) / size
    return max(0.0, left - 64 * _EPS * np.sqrt(unit.n))
