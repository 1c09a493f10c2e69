"""The rows of the model without coefficients: those with the same target are one row.

With every coefficient at 0 and no offset all rows have one linear predictor, and the sums over n
rows are sums over the distinct targets: two of them for a binary y, whatever n is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.problem import Problem

# So many rows are looked at first: more distinct targets among them than this are not worth it.
_LOOK, _FEW = 1000, 100


def null_rows(problem: Problem) -> Problem:
    """A problem with the same sums over rows wherever the coefficients are at their start.

    ``problem`` itself where rows differ by more than their target, or hardly any share theirs.
    X is 0 there: it has the intercept of the problem and says nothing of coefficients.
    """
    if problem.n <= _LOOK or np.unique(problem.y[:_LOOK]).size > _FEW:
        return problem
    alike = np.all(problem.offset == problem.offset[0]) and not problem.start[: problem.p].any()
    if not alike or hasattr(problem.likelihood, "for_trials"):
        return problem
    targets = np.unique(problem.y)
    weights = np.bincount(np.searchsorted(targets, problem.y), problem.weights, targets.size)
    return replace(
        problem,
        X=np.zeros((targets.size, problem.p)),
        y=targets,
        weights=weights,
        offset=np.full(targets.size, problem.offset[0]),
    )
