"""The null model of a loss with corners: coefficients at loc, the unpenalised part at its optimum.

Only the intercept free: the weighted q-quantile.  Flat columns too: a linear programme, in the
dual.  An intercept with a prior: its one-dimensional convex problem around either.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

_EPS = float(np.finfo(float).eps)


def null_loss(problem: Problem, eta: FloatArray | None = None) -> float:
    """The data term of the null model; 0 when that is only rounding.

    Where every column is flat the null model is the model: at ``eta``, the linear predictor of a
    point whose gap is known, its loss is right to within that gap, and no programme is needed.
    """
    penalty = problem.penalty
    if eta is not None and np.all(penalty.is_flat | penalty.is_pinned):
        return _beyond_rounding(problem, _loss(problem, problem.y - eta), eta)
    v = problem.start.copy()
    flat = np.flatnonzero(penalty.is_flat)
    v[flat] = 0.0
    penalised = problem.has_intercept and not penalty.is_flat[-1] and not penalty.is_pinned[-1]
    if penalised:
        v[-1] = 0.0
    base = problem.linear_predictor(v)
    z = problem.y - base
    if penalised:
        loss = _least_loss(problem, z - _best_intercept(problem, z, flat), flat)
    else:
        loss = _least_loss(problem, z, flat)
    return _beyond_rounding(problem, loss, base)


def _beyond_rounding(problem: Problem, loss: float, base: FloatArray) -> float:
    high = np.maximum(*np.abs(problem.likelihood.slopes))  # type: ignore[attr-defined]
    rounding = 64 * _EPS * high * float(problem.weights @ (np.abs(problem.y) + np.abs(base)))
    return loss if loss > rounding else 0.0


def _least_loss(problem: Problem, z: FloatArray, flat: IntArray) -> float:
    """min over the flat columns of sum_i s_i rho(z_i - x_i v)."""
    if not flat.size:
        return _loss(problem, z)
    if flat.size == 1 and flat[0] == problem.p:
        return _loss(problem, z - _quantile(problem, z))
    return _linear_programme(problem, z, flat)


def _loss(problem: Problem, z: FloatArray) -> float:
    return float(problem.weights @ problem.likelihood.loss(z, np.zeros(z.size)))


def _quantile(problem: Problem, z: FloatArray) -> float:
    """The first z at which the weight below reaches the share q."""
    low, high = problem.likelihood.slopes  # type: ignore[attr-defined]
    order = np.argsort(z, kind="stable")
    below = np.cumsum(problem.weights[order])
    k = np.searchsorted(below, -low / (high - low) * below[-1], side="left")
    return float(z[order[min(int(k), z.size - 1)]])


def _linear_programme(problem: Problem, z: FloatArray, flat: IntArray) -> float:
    """max z'd over X_f'd = 0, d in its box: the dual, whose value is the least loss."""
    from scipy.optimize import linprog

    low, high = problem.likelihood.slopes  # type: ignore[attr-defined]
    weights = problem.weights * (high - low)
    block = problem.block(flat) * weights[:, None]
    size = np.sum(np.abs(block), axis=0)
    typical = max(float(np.max(np.abs(z) * weights)), 1e-300)
    found = linprog(
        -z * weights / typical,
        A_eq=(block / np.where(size > 0, size, 1.0)).T,
        b_eq=np.zeros(flat.size),
        bounds=(-high / (high - low), -low / (high - low)),
        method="highs",
    )
    return max(-float(found.fun) * typical, 0.0) if found.fun is not None else _loss(problem, z)


def _best_intercept(problem: Problem, z: FloatArray, flat: IntArray) -> float:
    """argmin over a of the least loss at z - a plus the intercept's penalty."""
    from scipy.optimize import minimize_scalar

    prior = problem.penalty.take(slice(-1, None))
    centre = float(np.clip(prior.loc, prior.lower, prior.upper)[0])
    low = max(min(centre, float(np.min(z))), float(prior.lower[0]))
    high = min(max(centre, float(np.max(z))), float(prior.upper[0]))
    if not low < high:
        return low

    def objective(a: float) -> float:
        return _least_loss(problem, z - a, flat) + prior.value(np.array([a]))

    found = minimize_scalar(objective, bounds=(low, high), method="bounded",
                            options={"xatol": 1e-9 * (high - low)})  # fmt: skip
    ends = min((objective(a), a) for a in (float(found.x), centre, low, high))
    return ends[1]
