"""The certificate of an extended vector: gap, residual and proof of zeros, put together."""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import ClassProblem
from bayesreg.likelihoods import is_smooth
from bayesreg.problem import Problem
from bayesreg.proof import stationarity
from bayesreg.proof.arithmetic import column_norms, linear_predictor
from bayesreg.proof.certificate import Certificate, local_certificate
from bayesreg.proof.classes import class_figures, half_null_loss
from bayesreg.proof.corner_gap import prove
from bayesreg.proof.corner_limits import require_supported_penalty
from bayesreg.proof.corner_zeros import corner_zeros_proved
from bayesreg.proof.existence import mode_exists
from bayesreg.proof.gap import gap_and_imbalance, weakly_penalised
from bayesreg.proof.null import null_deviance
from bayesreg.proof.polish import polished_gap
from bayesreg.proof.zeros import zeros_proved

# Beyond this tolerance a gap is expected to be larger than rounding.
_LOOSE = 1e-8
# Multiply-adds of a factorisation that take about a hundredth of a second.
_CHEAP = 2e7


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
    eta = linear_predictor(problem, v)
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
    gap, flat_residual = gap_and_imbalance(problem, v, eta, gradient, free)
    if not gap <= _polish_beyond(problem, v, tol) * scale:
        gap = min(gap, polished_gap(problem, v, eta))
    if not gap <= tol * scale:
        weak = weakly_penalised(problem, v, eta, scale)
        if weak.any():
            relaxed, residual = gap_and_imbalance(problem, v, eta, gradient, free | weak)
            if relaxed < gap:
                gap, flat_residual = relaxed, residual
    if gap <= tol * scale and not mode_exists(problem, eta):
        gap = np.inf
    return Certificate(
        gap=gap,
        relative_gap=gap / scale,
        kkt_residual=_kkt_residual(problem, v, eta, gradient),
        zeros_proved=zeros_proved(problem, v, eta, gradient, gap),
        flat_residual=flat_residual,
        half_null_deviance=half_null_deviance,
        tol=tol,
    )


def _polish_beyond(problem: Problem, v: FloatArray, tol: float) -> float:
    """The relative gap that is worth a factorisation: where that is cheap, any above rounding.

    Not of a point that is asked for loosely: its gap is no rounding.
    """
    if tol > _LOOSE:
        return tol
    low, high = problem.penalty.subdifferential(v)
    cost = problem.n * int(np.count_nonzero(low == high)) ** 2
    return tol if cost > _CHEAP else min(tol, 1e-13)


def _unpenalised(problem: Problem, v: FloatArray) -> BoolArray:
    """Flat columns, and those that only a bound limits which they do not touch."""
    penalty = problem.penalty
    inside = (v > penalty.lower) & (v < penalty.upper)
    half_open = np.isinf(penalty.lower) | np.isinf(penalty.upper)
    return (penalty.l1 == 0) & (penalty.l2 == 0) & inside & half_open


def _kkt_residual(problem: Problem, v: FloatArray, eta: FloatArray, gradient: FloatArray) -> float:
    distance = problem.penalty.subgradient_distance(v, gradient)
    root = np.hypot(
        column_norms(problem, problem.curvature_rows(eta)), np.sqrt(problem.penalty.curvature(v))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.where(distance > 0, distance / root, 0.0)
    worst = float(np.max(residual))
    return worst if np.isfinite(worst) else np.inf
