"""Does a posterior over K classes have a mode at all?

A change D of the flat columns and intercepts never raises the loss when x_i (D_k - D_{y_i}) <= 0 in
every row for every class k.  If some such D lowers it anywhere, the loss falls along D without
end: the classes are separated.  That is a linear programme.

As for one predictor (``existence``) a point near a mode shows without it that there is one: with
theta' after a Newton step, theta'_ik > 0 for k other than y_i and X_f' theta' = 0,
0 = sum_ik theta'_ik x_i (D_k - D_{y_i}) has terms of one sign only.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.class_problem import ClassProblem
from bayesreg.proof.refit_classes import newton_step

# A probability below this is not felt in the Newton step of many rows.
_FELT = 1e-7


def class_mode_exists(problem: ClassProblem, eta: FloatArray) -> bool:
    """False when J has no minimum; ``eta`` are the predictors of a point near its infimum."""
    free = np.flatnonzero(problem.is_unpenalised)
    if problem.has_intercept and problem.is_unpenalised[-1] and np.any(problem.class_weights == 0):
        return False
    if not np.any(free < problem.p):
        return True
    return _shown_to_exist(problem, eta, free) or _receding_columns(problem, free) is None


def _shown_to_exist(problem: ClassProblem, eta: FloatArray, free: IntArray) -> bool:
    if not np.all(problem.penalty.is_flat[free]):
        return False
    block = _in_units(problem.block(free))
    chance, _ = problem.likelihood.probabilities(eta)
    other = np.arange(problem.n_classes) != problem.y.astype(np.intp)[:, None]
    if not np.all(chance[other] > _FELT) or np.linalg.matrix_rank(block) < free.size:
        return False
    everything = np.ones((problem.n_classes, free.size), dtype=bool)
    step, _ = newton_step(problem, eta, block, everything)
    relative = step - np.sum(chance * step, axis=1, keepdims=True)
    return bool(np.all(np.abs(relative[other]) < 0.5))


def _in_units(block: FloatArray) -> FloatArray:
    return block / np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)


def why_no_class_mode(problem: ClassProblem, names: tuple[str, ...]) -> str | None:
    """The reason why J has no minimum, with the remedy; None when it has one."""
    if problem.has_intercept and problem.is_unpenalised[-1]:
        absent = np.flatnonzero(problem.class_weights == 0)
        if absent.size:
            return _absent(problem, absent)
    flat = np.flatnonzero(problem.is_unpenalised)
    if not np.any(flat < problem.p):
        return None
    involved = _receding_columns(problem, flat)
    if involved is None:
        return None
    listed = ", ".join(repr(names[j]) for j in involved if j < problem.p) or "the intercept"
    return (
        f"the flat-prior column(s) {listed} separate the classes: along a combination of them the "
        f"likelihood of {problem.likelihood!r} never decreases, so their coefficients run to "
        "infinity: the posterior has no mode and does not integrate. Give them a proper prior, "
        "such as Normal(scale=...), or drop them"
    )


def _absent(problem: ClassProblem, absent: IntArray) -> str:
    listed = ", ".join(str(int(k)) for k in absent[:10])
    return (
        f"no row of y is of class {listed}, so without a proper prior the intercept of that class "
        "runs to minus infinity: the posterior has no mode and does not integrate. Give the "
        "intercept a proper prior: Model(..., intercept=Normal(scale=...)), or number the classes "
        "that occur from 0"
    )


def _receding_columns(problem: ClassProblem, flat: IntArray) -> IntArray | None:
    """Extended columns of a direction that never raises the loss and lowers it somewhere."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    block = _in_units(problem.block(flat))
    K, m = problem.n_classes, flat.size
    y = problem.y.astype(np.intp)
    parts = []
    for k in range(K):
        # Row i: x_i D_{y_i} - x_i D_k, over the classes' blocks of D one after the other.
        other = np.flatnonzero(y != k)
        rows = np.repeat(np.arange(other.size), m)
        values = block[other].ravel()
        own = (y[other][:, None] * m + np.arange(m)).ravel()
        competing = np.tile(k * m + np.arange(m), other.size)
        shape = (other.size, K * m)
        parts.append(csr_array((values, (rows, own)), shape=shape)
                     - csr_array((values, (rows, competing)), shape=shape))  # fmt: skip
    margins = vstack(parts).tocsr()
    found = linprog(
        -np.asarray(margins.sum(axis=0)).ravel(),
        A_ub=-margins,
        b_ub=np.zeros(margins.shape[0]),
        bounds=(-1, 1),
        method="highs",
    )
    if not found.success or -found.fun <= 1e-6:
        return None
    D = found.x.reshape(K, m)
    spread = np.max(D, axis=0) - np.min(D, axis=0)
    return flat[spread > 1e-7]
