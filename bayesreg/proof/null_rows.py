"""The rows of the model without coefficients: those with the same target are one row.

With every coefficient at 0 and one offset all rows have one linear predictor, and the sums over
n rows are sums over the distinct targets: two of them for a binary y, whatever n is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.problem import Problem

# Targets that are counted have to be whole numbers below the second, of many more rows.
_MANY, _LARGEST = 1000, 200


def null_rows(problem: Problem) -> Problem:
    """A problem with the same sums over rows wherever the coefficients are at their start.

    ``problem`` itself where rows differ by more than their target, or targets are not small whole
    numbers. X is 0 there: it has the intercept of the problem and says nothing of coefficients.
    """
    if problem.n < _MANY or hasattr(problem.likelihood, "for_trials"):
        return problem
    alike = np.all(problem.offset == problem.offset[0]) and not problem.start[: problem.p].any()
    if not alike or not (np.min(problem.y) >= 0 and np.max(problem.y) <= _LARGEST):
        return problem
    whole = problem.y.astype(np.intp)
    if np.any(whole != problem.y):
        return problem
    weights = np.asarray(np.bincount(whole, problem.weights), dtype=np.float64)
    targets = np.flatnonzero(weights)
    return replace(
        problem,
        X=np.zeros((targets.size, problem.p)),
        y=targets.astype(np.float64),
        weights=weights[targets],
        offset=np.full(targets.size, problem.offset[0]),
    )
