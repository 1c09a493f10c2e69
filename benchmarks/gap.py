"""The relative duality gap of any solver's coefficients, ours included, from data alone.

Shares no code with the package nor with any peer.  For the dual point u, a row of Fenchel and Young
each, so that no two large sums are subtracted:

    P(a, w) - min P  <=  sum_i [f_i(eta_i) + f_i*(u_i) - u_i eta_i]
                         + sum_j [g(w_j) + g*(v_j) - v_j w_j]

    v = -X'u,   g(w) = lambda1 |w| + lambda2/2 w^2

u is the gradient of the loss with the intercept refitted (so that sum u = 0) and, where
lambda2 = 0, scaled until |v_j| <= lambda1.  eta has the intercept that the solver returned: an
intercept off its optimum costs what it costs.  The gap is divided by half the null deviance, the
loss of the best model with w = 0 minus the least possible loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, kl_div, rel_entr, xlogy

from benchmarks.problems import Problem

_POINTS_AT_ONCE = 25


def relative_gaps(problem: Problem, coef: Any, intercept: Any) -> np.ndarray:
    """Upper bounds on (P(returned) - min P) / half null deviance.

    Parameters
    ----------
    coef : (k, p) array or scipy sparse matrix
    intercept : (k,) array
        Ignored when the problem has none.

    Returns
    -------
    (k,) array
        NaN where a coefficient is not finite.
    """
    coef = np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, dtype=np.float64)
    a = np.broadcast_to(np.asarray(intercept, dtype=np.float64), (problem.k,))
    if coef.shape != (problem.k, problem.p):
        raise ValueError(f"coef has shape {coef.shape}, expected {(problem.k, problem.p)}")
    half = half_null_deviance(problem)
    gaps = np.empty(problem.k)
    for start in range(0, problem.k, _POINTS_AT_ONCE):
        part = slice(start, start + _POINTS_AT_ONCE)
        gaps[part] = _gaps(problem, coef[part], a[part], part) / half
    return gaps


def _gaps(problem: Problem, coef: np.ndarray, a: np.ndarray, part: slice) -> np.ndarray:
    with np.errstate(all="ignore"):
        fitted = np.asarray(problem.X @ coef.T)
        eta = fitted + a if problem.intercept else fitted
        best = fitted + _best_intercept(problem, fitted) if problem.intercept else fitted
        u = _mean(problem.likelihood, best) - problem.y[:, None]
        v = -np.asarray(problem.X.T @ u)
        shrink = _feasible(v, problem.lambda1[part], problem.lambda2[part])
        rows = _loss_gap(problem.likelihood, problem.y[:, None], eta, u * shrink)
        columns = _penalty_gap(coef.T, v * shrink, problem.lambda1[part], problem.lambda2[part])
        return np.asarray(rows.sum(axis=0) + columns.sum(axis=0))


def _feasible(v: np.ndarray, lambda1: np.ndarray, lambda2: np.ndarray) -> np.ndarray:
    """The largest factor <= 1 that puts v into the conjugate's domain; 1 where that is the line."""
    steepest = np.max(np.abs(v), axis=0)
    inside = (lambda2 > 0) | (steepest <= lambda1)
    return np.where(inside, 1.0, lambda1 / np.where(inside, 1.0, steepest))


def _mean(likelihood: str, eta: np.ndarray) -> np.ndarray:
    if likelihood == "gaussian":
        return eta
    return np.asarray(expit(eta)) if likelihood == "bernoulli" else np.exp(eta)


def _loss_gap(likelihood: str, y: np.ndarray, eta: np.ndarray, u: np.ndarray) -> np.ndarray:
    """f(eta) + f*(u) - u eta: the divergence between the dual mean q = y + u and the primal one."""
    q = y + u
    if likelihood == "gaussian":
        return 0.5 * (eta - q) ** 2
    if likelihood == "bernoulli":
        return np.asarray(rel_entr(q, expit(eta)) + rel_entr(1.0 - q, expit(-eta)))
    return np.asarray(kl_div(q, np.exp(eta)))


def _penalty_gap(
    w: np.ndarray, v: np.ndarray, lambda1: np.ndarray, lambda2: np.ndarray
) -> np.ndarray:
    """g(w) + g*(v) - v w, for lambda2 > 0 with prox s = soft(v, lambda1) / lambda2."""
    kink = lambda1 * np.abs(w) - v * w
    safe = np.where(lambda2 > 0, lambda2, 1.0)
    s = np.sign(v) * np.maximum(np.abs(v) - lambda1, 0.0) / safe
    # lambda1 |w| - v w + lambda2/2 (w^2 + s^2), its quadratic part completed to a square.
    smooth = 0.5 * lambda2 * (w - s) ** 2 + (lambda1 * np.abs(w) - (v - lambda2 * s) * w)
    return np.where(lambda2 > 0, smooth, kink)


def _best_intercept(problem: Problem, fitted: np.ndarray) -> np.ndarray:
    """The root in a of sum_i (mean(fitted_i + a) - y_i), one for every column of ``fitted``."""
    y = problem.y
    if problem.likelihood == "gaussian":
        return np.asarray(np.mean(y[:, None] - fitted, axis=0))
    if problem.likelihood == "poisson":
        return np.asarray(np.log(y.sum() / np.exp(fitted).sum(axis=0)))
    a = np.zeros(fitted.shape[1])
    for _ in range(100):
        mean = expit(fitted + a)
        step = (y.sum() - mean.sum(axis=0)) / np.sum(mean * (1.0 - mean), axis=0)
        a = a + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) <= 1e-15 * (1.0 + np.max(np.abs(a))):
            break
    return a


def half_null_deviance(problem: Problem) -> float:
    """Least loss with w = 0, minus the least loss that any eta reaches."""
    y = problem.y
    if problem.likelihood == "gaussian":
        return float(0.5 * np.sum((y - (y.mean() if problem.intercept else 0.0)) ** 2))
    if problem.likelihood == "bernoulli":
        mean = y.mean() if problem.intercept else 0.5
        return float(-np.sum(xlogy(y, mean) + xlogy(1.0 - y, 1.0 - mean)))
    mean = y.mean() if problem.intercept else 1.0
    return float(np.sum(mean - xlogy(y, mean) - (y - xlogy(y, y))))
