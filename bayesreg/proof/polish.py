"""A dual point with more digits than eta has: the gap of a point where rounding rules it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem
from bayesreg.proof.arithmetic import column_norms, exact_products
from bayesreg.proof.gap import least_over_scalings

_EPS = float(np.finfo(float).eps)
# Multiply-adds that exact arithmetic may take.
_AFFORDABLE = 2e5


def polished_gap(problem: Problem, v: FloatArray, eta: FloatArray) -> float:
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
    reach = noise + unmet * column_norms(problem, problem.weights * h)
    # Held columns: as far from feasible as the last step might have brought them.
    away = np.where(v <= penalty.lower, 1.0, np.where(v >= penalty.upper, -1.0, -np.sign(product)))
    c = np.where(smooth, low + penalty.l2 * d, -product + away * reach)
    kept = ~penalty.is_flat & ~penalty.is_pinned
    gap = least_over_scalings(problem, v, eta, shift, c, kept)
    return float((np.sqrt(gap) + unmet / np.sqrt(2.0)) ** 2)


def _imbalance_of(
    problem: Problem, parts: list[FloatArray], slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """X' s (sum of the parts) + slope, and how far rounding can have moved it.

    Exactly, and rounded once, where that is affordable.
    """
    if problem.n * problem.size * len(parts) > _AFFORDABLE:
        theta = problem.weights * np.sum(parts, axis=0)
        rounding = _EPS * column_norms(problem, np.ones(problem.n)) * np.linalg.norm(theta)
        return problem.transposed_product(theta) + slope, rounding
    block = problem.block(np.arange(problem.size)).T
    terms = [slope[:, None]]
    for part in parts:
        terms += exact_products(block, problem.weights * part)
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
