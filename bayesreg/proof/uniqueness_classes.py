"""Is the mode over K classes the only point with its density?

Up to the constant of flat columns and intercepts, which summing to 0 over the classes fixes.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.class_problem import ClassProblem


def class_mode_is_unique(problem: ClassProblem, V: FloatArray) -> bool:
    """True when no other point attains the same objective; False may be said in doubt.

    As :func:`bayesreg.proof.uniqueness.mode_is_unique`: entries that could move at no first-order
    cost are those without curvature whose gradient reaches the slope of their penalty; the mode is
    unique when the Hessian of the loss over them is positive definite. Where all classes of a
    column are among them it never is: under a pure Laplace prior and an even number of classes
    a column may often be shifted.
    """
    penalty = problem.penalty
    eta = problem.linear_predictors(V)
    pull = -problem.transposed_product(problem.gradient_rows(eta))
    low, high = penalty.subdifferential(V)
    slack = 1e-7 * np.maximum(penalty.l1, np.abs(pull))
    at_rest = (low < high) & (pull > low + slack) & (pull < high - slack)
    free = (penalty.l2 == 0) & ~penalty.is_pinned & ~at_rest
    if np.any(free.all(axis=0) & ~penalty.is_flat):  # a shift: singular whatever the data
        return False
    free[0, penalty.is_flat] = False
    entries = np.flatnonzero(free)
    if not entries.size:
        return True
    if entries.size > problem.n * (problem.n_classes - 1):
        return False
    gram = _root_hessian(problem, eta, entries)
    size = np.linalg.norm(gram, axis=0)
    if np.any(size == 0):
        return False
    return bool(np.linalg.matrix_rank(gram / size) == entries.size)


def _root_hessian(problem: ClassProblem, eta: FloatArray, entries: IntArray) -> FloatArray:
    """Z with Z'Z the Hessian over the entries: rows sqrt(s_i p_il) x_ij (1[k = l] - p_ik)."""
    of_class, of_column = np.divmod(entries, problem.size)
    columns, place = np.unique(of_column, return_inverse=True)
    block = problem.block(columns)[:, place]
    chance, complement = problem.likelihood.probabilities(eta)
    own = chance[:, of_class]
    parts = []
    for k in range(problem.n_classes):
        root = np.sqrt(problem.weights * chance[:, k])
        factor = np.where(of_class == k, complement[:, of_class], -own)
        parts.append(np.linalg.qr(root[:, None] * factor * block, mode="r"))
    return np.vstack(parts)
