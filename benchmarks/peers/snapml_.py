"""snapml: sum logloss + regularizer ||w||_1 (primal), regularizer = lambda1; no free intercept."""

from __future__ import annotations

from benchmarks.peers import Solution, Solver, decades, stacked
from benchmarks.problems import Problem

DISTRIBUTION = "snapml"


def _solve(problem: Problem, tolerance: float) -> Solution:
    from snapml import LogisticRegression

    points = []
    for lambda1 in problem.lambda1:
        model = LogisticRegression(
            regularizer=float(lambda1), penalty="l1", dual=False, tol=tolerance,
            max_iter=1_000_000, n_jobs=1, fit_intercept=False, random_state=0,
        )  # fmt: skip
        model.fit(problem.X, problem.y)
        points.append((model.coef_, 0.0))
    return stacked(points)


SOLVERS = (
    Solver(
        "snapml LogisticRegression",
        lambda q: q.likelihood == "bernoulli" and q.penalty == "l1" and not q.intercept,
        _solve,
        decades(2, 12),
    ),
)
