"""glum: mean deviance/2 + alpha r ||w||_1 + alpha (1-r)/2 ||w||^2.

alpha r = lambda1/n, alpha (1-r) = lambda2/n.
"""

from __future__ import annotations

from benchmarks.peers import Solution, Solver, decades, stacked
from benchmarks.peers.scikit_learn import alpha_and_ratio
from benchmarks.problems import Problem

DISTRIBUTION = "glum"
_FAMILIES = {"gaussian": "normal", "bernoulli": "binomial", "poisson": "poisson"}


def _solve(problem: Problem, tolerance: float) -> Solution:
    from glum import GeneralizedLinearRegressor

    alphas, ratio = alpha_and_ratio(problem)
    model = GeneralizedLinearRegressor(
        family=_FAMILIES[problem.likelihood], alpha=float(alphas[0]), l1_ratio=ratio,
        fit_intercept=problem.intercept, gradient_tol=tolerance, max_iter=10_000,
    ).fit(problem.X, problem.y)  # fmt: skip
    return stacked([(model.coef_, model.intercept_)])


def _path(problem: Problem, tolerance: float) -> Solution:
    from glum import GeneralizedLinearRegressor

    alphas, ratio = alpha_and_ratio(problem)
    model = GeneralizedLinearRegressor(
        family=_FAMILIES[problem.likelihood], alpha_search=True, alphas=alphas, l1_ratio=ratio,
        fit_intercept=problem.intercept, gradient_tol=tolerance, max_iter=10_000,
    ).fit(problem.X, problem.y)  # fmt: skip
    return model.coef_path_, model.intercept_path_


def _applies(problem: Problem) -> bool:
    return not (problem.likelihood == "gaussian" and problem.penalty == "l2")


SOLVERS = (
    Solver("glum", lambda q: _applies(q) and q.k == 1 and q.n * 10 >= q.p and not q.sparse,
           _solve, decades(4, 13)),
    Solver("glum, alpha_search", lambda q: _applies(q) and q.k > 1 and q.n >= q.p,
           _path, decades(4, 13)),
)  # fmt: skip
