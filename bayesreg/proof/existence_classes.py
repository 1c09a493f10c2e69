"""Does a posterior over K classes have a mode at all?

A change D of the flat columns and intercepts never raises the loss when x_i (D_k - D_{y_i}) <= 0 in
every row for every class k.  If some such D lowers it anywhere, the loss falls along D without
end: the classes are separated.  That is a linear programme.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import IntArray
from bayesreg.class_problem import ClassProblem


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

    block = problem.block(flat)
    block = block / np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)
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
