"""The optimum of the unpenalised entries of K classes, everything else held."""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import ClassProblem

_EPS = float(np.finfo(float).eps)


def refit(problem: ClassProblem, eta: FloatArray, entries: BoolArray) -> FloatArray:
    """The linear predictors after the given entries are moved to their optimum, by Newton."""
    if not entries.any():
        return eta
    columns = np.flatnonzero(entries.any(axis=0))
    block = problem.block(columns)
    size = np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)
    block /= size
    chosen = entries[:, columns]
    loss, last = problem.loss(eta), np.inf
    for _ in range(60):
        step, decrement = newton_step(problem, eta, block, chosen)
        if not decrement < 0.5 * last:
            break
        last = decrement
        eta, loss = _line_search(problem, eta, step, loss)
    return eta


def newton_step(
    problem: ClassProblem, eta: FloatArray, block: FloatArray, chosen: BoolArray
) -> tuple[FloatArray, float]:
    """Change of eta by a Newton step in the chosen entries, and the nats it promises.

    A common shift of all classes is in the null space of the Hessian and of the gradient: the
    least-norm solution leaves it out.
    """
    n_classes = problem.n_classes
    gradient = (problem.gradient_rows(eta).T @ block)[chosen]
    chance, complement = problem.likelihood.probabilities(eta)
    members = np.cumsum(chosen).reshape(chosen.shape) - 1
    H = np.empty((gradient.size, gradient.size))
    for k in range(n_classes):
        left = block[:, chosen[k]]
        for other in range(n_classes):
            factor = complement[:, k] if k == other else -chance[:, other]
            right = block[:, chosen[other]] * (problem.weights * chance[:, k] * factor)[:, None]
            H[np.ix_(members[k][chosen[k]], members[other][chosen[other]])] = left.T @ right
    if not (np.all(np.isfinite(H)) and np.all(np.isfinite(gradient))):
        return np.zeros_like(eta), np.inf
    size = np.sqrt(np.maximum(np.diag(H), 0.0))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(0.5 * (H + H.T) / size / size[:, None])
    kept = values > 1e-13 * len(values) * max(values[-1], 0.0)
    coordinates = vectors[:, kept].T @ (-gradient / size) / values[kept]
    change = np.zeros(chosen.shape)
    change[chosen] = vectors[:, kept] @ coordinates / size
    return block @ change.T, max(0.0, -0.5 * float(gradient @ change[chosen]))


def _line_search(
    problem: ClassProblem, eta: FloatArray, step: FloatArray, loss: float
) -> tuple[FloatArray, float]:
    slack = 64 * _EPS * abs(loss)
    for halving in range(30):
        moved = eta + step * 0.5**halving
        moved_loss = problem.loss(moved)
        if moved_loss <= loss + slack:
            return moved, min(moved_loss, loss)
    return eta, loss
