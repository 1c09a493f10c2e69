"""Does the posterior have a mode at all?

With proper priors always.  Unpenalised directions (flat columns, a flat intercept) can run away
when some combination of them never raises the loss in any row: separation for Bernoulli, counts
of zero for Poisson and NegativeBinomial, all or none of the trials for Binomial.  Such a
combination d satisfies sign_i x_i d >= 0 where the loss recedes and x_i d = 0 where it does not,
which is a linear programme.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem


def why_no_mode(problem: Problem, names: tuple[str, ...]) -> str | None:
    """The reason why J has no minimum, with the remedy; None when it has one."""
    flat = np.flatnonzero(problem.penalty.is_flat)
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

    block = problem.block(flat)
    block = block / np.maximum(np.max(np.abs(block), axis=0), np.finfo(float).tiny)
    recedes = signs != 0
    signed = signs[recedes, None] * block[recedes]
    found = linprog(
        -np.sum(signed, axis=0),
        A_ub=-signed,
        b_ub=np.zeros(signed.shape[0]),
        A_eq=block[~recedes] if np.any(~recedes) else None,
        b_eq=np.zeros(np.count_nonzero(~recedes)) if np.any(~recedes) else None,
        bounds=(-1, 1),
        method="highs",
    )
    if not found.success or -found.fun <= 1e-6:
        return None
    return flat[np.abs(found.x) > 1e-7]
