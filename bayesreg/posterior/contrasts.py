"""A Gaussian model as rows of noise sigma I, with flat coefficients integrated out exactly.

    t = A u + sigma e,   e ~ N(0, I),   v_j = loc_j + unit_j u_j

for the coefficients with a proper prior; with a number for sigma, rows are divided by it and sigma
is 1. A flat intercept is removed by (weighted) centring and flat columns by projection: of n rows
``contrasts`` = n - 1 - (flat columns) directions are left, and sigma^-contrasts is what they say
of its size. With at most as many columns as contrasts, a QR decomposition leaves one row per column
and a residual square ``rest``; with more, an orthonormal basis of the contrasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

if TYPE_CHECKING:
    from bayesreg._kernels.completion import Whole


@dataclass(frozen=True, eq=False)
class Contrasts:
    """The rows, and what makes draws of u into draws of v.

    Attributes
    ----------
    design, target : (r, q) and (r,) arrays
        A and t, r = min(contrasts, q).
    rest : float
        The least residual square; 0 where q >= contrasts.
    contrasts : int
    whole : Whole
        For :func:`bayesreg._kernels.completion.complete`.
    """

    design: FloatArray
    target: FloatArray
    rest: float
    contrasts: int
    whole: Whole


def contrasts_of(problem: Problem, proper: IntArray, unit: FloatArray) -> Contrasts:
    """Integrate the flat coefficients out; ``proper`` are those that stay, measured in ``unit``."""
    from bayesreg._kernels.completion import Whole

    columns = np.arange(problem.size)
    centred = problem.flat_intercept
    flat = columns[problem.penalty.is_flat & ~(centred & (columns == problem.p))]
    base = np.where(problem.penalty.is_flat, 0.0, problem.start)
    A, F = problem.block(proper), problem.block(flat)
    t = problem.y - problem.linear_predictor(base)
    root = np.sqrt(problem.weights) / problem.likelihood.noise
    residual, deviation = 0.0, 0.0
    mean_proper, mean_flat = np.zeros(proper.size), np.zeros(flat.size)
    if centred:
        total = float(np.sum(problem.weights))
        A, mean_proper = _without_mean(A, problem.weights, total)
        F, mean_flat = _without_mean(F, problem.weights, total)
        t, mean = _without_mean(t, problem.weights, total)
        residual, deviation = float(mean), problem.likelihood.noise / np.sqrt(total)
    A, F, t = root[:, None] * A * unit, root[:, None] * F, root * t
    Q, R = np.linalg.qr(F)
    flat_target, flat_on_proper = Q.T @ t, np.ascontiguousarray(Q.T @ A)
    A, t = _projected_off(Q, A, flat_on_proper), _projected_off(Q, t, flat_target)
    integrated = np.column_stack([root, F]) if centred else F
    design, target, rest = _reduced(A, t, integrated)
    whole = Whole(
        base, proper, unit, flat, np.ascontiguousarray(R), flat_target, flat_on_proper,
        residual, mean_proper, mean_flat, float(deviation),
    )  # fmt: skip
    return Contrasts(design, target, rest, problem.n - integrated.shape[1], whole)


def _without_mean(
    columns: FloatArray, weights: FloatArray, total: float
) -> tuple[FloatArray, FloatArray]:
    """Columns minus their weighted means, and the means.

    The mean's rounding enters products of centred columns only squared.
    """
    mean = weights @ columns / total
    return columns - mean, mean


def _projected_off(Q: FloatArray, columns: FloatArray, product: FloatArray) -> FloatArray:
    """(I - QQ') columns; a second pass restores the orthogonality that the first one rounds."""
    if not Q.shape[1]:
        return columns
    rest = columns - Q @ product
    remainder: FloatArray = rest - Q @ (Q.T @ rest)
    return remainder


def _reduced(
    A: FloatArray, t: FloatArray, integrated: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """min(contrasts, q) rows with the same inner products, and what is left of t beyond them."""
    (n, q), k = A.shape, integrated.shape[1]
    if n - k > q:
        R: FloatArray = np.asarray(np.linalg.qr(np.column_stack([A, t]), mode="r"))
        return np.ascontiguousarray(R[:q, :q]), R[:q, q].copy(), float(R[q, q] ** 2)
    if not k:
        return np.ascontiguousarray(A), t, 0.0
    Q: FloatArray = np.linalg.qr(integrated, mode="complete")[0]
    basis = Q[:, k:]
    return np.ascontiguousarray(basis.T @ A), basis.T @ t, 0.0
