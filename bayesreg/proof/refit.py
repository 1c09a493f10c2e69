"""The optimum of the unpenalised columns, everything else held: Newton in a small block."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)

# A step of one column by so little leaves its square, which is rounding.
_LAST_STEP = 1e-8


def refit(problem: Problem, eta: FloatArray, columns: IntArray) -> FloatArray:
    """The linear predictor after the given columns are moved to their optimum, by Newton."""
    if not columns.size:
        return eta
    block = problem.block(columns)
    size = np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)
    block /= size
    last, loss = np.inf, None
    for _ in range(60):
        step, decrement = _newton_step(problem, eta, block)
        # Beyond a nat Newton is still damped by its line search, and may promise more than before.
        if not (decrement < 0.5 * last or 1.0 < decrement < np.inf):
            break
        last = decrement
        if columns.size == 1 and np.max(np.abs(step)) <= _LAST_STEP:
            return eta + step
        loss = problem.loss(eta) if loss is None else loss
        eta, loss = _line_search(problem, eta, step, loss)
        if np.max(np.abs(step)) <= _EPS * np.max(np.abs(eta)):
            break  # the step was within the rounding of eta
    return eta


def _newton_step(problem: Problem, eta: FloatArray, block: FloatArray) -> tuple[FloatArray, float]:
    """Change of eta by a Newton step in the block, and the nats it promises."""
    h, g = problem.curvature_rows(eta), problem.gradient_rows(eta)
    if block.shape[1] == 1:
        return _newton_step_along(block[:, 0], h, g)
    root = np.sqrt(h)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        target = np.where(root > 0, -g / root, 0.0)
    if not (np.all(np.isfinite(root)) and np.all(np.isfinite(target))):
        return np.zeros_like(eta), np.inf
    step = block @ np.linalg.lstsq(root[:, None] * block, target, rcond=4 * _EPS)[0]
    return step, max(0.0, -0.5 * float(g @ step))


def _newton_step_along(x: FloatArray, h: FloatArray, g: FloatArray) -> tuple[FloatArray, float]:
    slope, curvature = float(g @ x), float(h @ x**2)
    if not (np.isfinite(slope) and np.isfinite(curvature)):
        return np.zeros_like(x), np.inf
    length = -slope / curvature if curvature > 0 else 0.0
    return length * x, max(0.0, -0.5 * length * slope)


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
