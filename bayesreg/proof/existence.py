"""Does the posterior have a mode at all?

With proper priors always.  Unpenalised directions (flat columns, a flat intercept) can run away
when some combination of them never raises the loss in any row: separation for Bernoulli, counts
of zero for Poisson and NegativeBinomial, all or none of the trials for Binomial.  Such a
combination d satisfies sign_i x_i d >= 0 where the loss recedes and x_i d = 0 where it does not,
which is a linear programme.

A point near a mode shows without the programme that there is one (Stiemke's alternative): if some
theta' has X_f' theta' = 0 over the unpenalised columns and the sign of the gradient in every row
that recedes, then 0 = sum_i theta'_i x_i d has terms of one sign only, so that x_i d = 0 in every
row.  theta' is theta after one Newton step: theta_i - h_i x_i c, (X_f' h X_f) c = X_f' theta.
Where targets are separated that step moves their rows by 1, however small the gradient is there.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem

# Rows with a smaller share of the largest gradient are left out of the proof: rounding rules them.
_FELT = 1e-9
# A pivot below this, of a matrix with a diagonal of ones, says that columns are dependent.
_DEPENDENT = 1e-7


def mode_exists(problem: Problem, eta: FloatArray) -> bool:
    """False when J has no minimum; ``eta`` is the linear predictor of a point near its infimum."""
    free = _free_to_leave(problem)
    signs = problem.likelihood.receding(problem.y)
    if not free.size or not signs.any():
        return True
    if free.size == 1 and free[0] == problem.p:
        return bool(np.any(signs != signs[0]) or signs[0] == 0)
    if np.array_equal(free, np.flatnonzero(problem.penalty.is_flat)):
        block = _in_units(problem.block(free))
        if _shown_to_exist(problem, eta, signs, block):
            return True
    return _receding_combination(problem, signs, free) is None


def _free_to_leave(problem: Problem) -> IntArray:
    """Unpenalised extended columns with no bound on one side at least."""
    penalty = problem.penalty
    open_ended = np.isinf(penalty.lower) | np.isinf(penalty.upper)
    free: BoolArray = (penalty.l1 == 0) & (penalty.l2 == 0) & open_ended
    return np.flatnonzero(free if penalty.tails is None else free & ~penalty.tails.present)


def _in_units(block: FloatArray) -> FloatArray:
    return block / np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)


def _shown_to_exist(
    problem: Problem, eta: FloatArray, signs: FloatArray, block: FloatArray
) -> bool:
    """The proof by theta' over the rows whose gradient is felt; False when it does not succeed.

    In these rows x_i d = 0 then, and where the columns are independent over them, d = 0.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    theta, h = problem.gradient_rows(eta), problem.curvature_rows(eta)
    felt = np.abs(theta) > _FELT * np.max(np.abs(theta))
    # Of rows that do not recede x_i d = 0 is given, whatever their gradient.
    felt = (felt | (signs == 0)) & np.isfinite(theta) & np.isfinite(h) & (h > 0)
    block, theta, h, signs = block[felt], theta[felt], h[felt], signs[felt]
    gram = block.T @ (h[:, None] * block)
    size = np.sqrt(np.diag(gram))
    if not (np.all(np.isfinite(size)) and np.all(size > 0)):
        return False
    try:
        factor = cho_factor(gram / size / size[:, None])
    except LinAlgError:
        return False
    if np.min(np.diag(factor[0])) < _DEPENDENT:
        return False
    moved = block @ (cho_solve(factor, block.T @ theta / size) / size)
    return bool(np.all((h * np.abs(moved) < 0.5 * np.abs(theta))[signs != 0]))


def why_no_mode(problem: Problem, names: tuple[str, ...]) -> str | None:
    """The reason why J has no minimum, with the remedy; None when it has one."""
    flat = _free_to_leave(problem)
    signs = problem.likelihood.receding(problem.y)
    if not flat.size or not signs.any():
        return None
    if problem.flat_intercept and np.all(signs == signs[0]):
        return _one_sided(problem)
    columns = flat[flat < problem.p]
    if not columns.size:
        return None
    involved = _receding_combination(problem, signs, flat)
    if involved is None:
        return None
    listed = ", ".join(repr(names[j]) for j in involved if j < problem.p) or "the intercept"
    return (
        f"the flat-prior column(s) {listed} separate the targets: along a combination of them the "
        f"likelihood of {problem.likelihood!r} never decreases, so their coefficients run to "
        "infinity: the posterior has no mode and does not integrate. Give them a proper prior, "
        "such as Normal(scale=...), or drop them"
    )


def _one_sided(problem: Problem) -> str:
    same = np.all(problem.y == problem.y[0])
    found = f"y is {problem.y[0]:g}" if same else "y is all of the trials"
    return (
        f"{found} in every row, so with a flat intercept the intercept of "
        f"{problem.likelihood!r} runs to infinity: the posterior has no mode and does not "
        "integrate. Give the intercept a proper prior: Model(..., intercept=Normal(scale=...)), or "
        "check y"
    )


def _receding_combination(problem: Problem, signs: FloatArray, flat: IntArray) -> IntArray | None:
    """Extended columns of a direction that never raises the loss and lowers it somewhere."""
    from scipy.optimize import linprog

    block = _in_units(problem.block(flat))
    low = np.where(np.isinf(problem.penalty.lower[flat]), -1.0, 0.0)
    high = np.where(np.isinf(problem.penalty.upper[flat]), 1.0, 0.0)
    recedes = signs != 0
    signed = signs[recedes, None] * block[recedes]
    found = linprog(
        -np.sum(signed, axis=0),
        A_ub=-signed,
        b_ub=np.zeros(signed.shape[0]),
        A_eq=block[~recedes] if np.any(~recedes) else None,
        b_eq=np.zeros(np.count_nonzero(~recedes)) if np.any(~recedes) else None,
        bounds=np.column_stack([low, high]),
        method="highs",
    )
    if not found.success or -found.fun <= 1e-6:
        return None
    return flat[np.abs(found.x) > 1e-7]
