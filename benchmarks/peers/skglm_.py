"""skglm: Lasso, ElasticNet (RSS/(2n)), paths by AndersonCD, L1 logistic (mean logloss).

alpha r = lambda1/n, alpha (1-r) = lambda2/n in all of them.
"""

from __future__ import annotations

from benchmarks.peers import Solution, Solver, decades, stacked
from benchmarks.peers.scikit_learn import alpha_and_ratio
from benchmarks.problems import Problem

DISTRIBUTION = "skglm"
_ITERATIONS = {"max_iter": 1000, "max_epochs": 1_000_000}


def _estimator(problem: Problem, tolerance: float) -> Solution:
    from skglm import ElasticNet, Lasso

    alphas, ratio = alpha_and_ratio(problem)
    options = {"tol": tolerance, "fit_intercept": problem.intercept, **_ITERATIONS}
    model = Lasso(**options) if ratio == 1.0 else ElasticNet(l1_ratio=ratio, **options)
    model.set_params(alpha=alphas[0]).fit(problem.X, problem.y)
    return stacked([(model.coef_, model.intercept_)])


def _path(problem: Problem, tolerance: float) -> Solution:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1
    from skglm.solvers import AndersonCD
    from skglm.utils.jit_compilation import compiled_clone

    alphas, _ = alpha_and_ratio(problem)
    solver = AndersonCD(tol=tolerance, fit_intercept=problem.intercept, **_ITERATIONS)
    _, coef, _ = solver.path(
        problem.X, problem.y, compiled_clone(Quadratic()), compiled_clone(L1(1.0)), alphas
    )
    return coef[: problem.p].T, coef[problem.p] if problem.intercept else 0.0


def _logistic(problem: Problem, tolerance: float) -> Solution:
    from skglm import SparseLogisticRegression

    model = SparseLogisticRegression(
        alpha=problem.lambda1[0] / problem.n, tol=tolerance, fit_intercept=problem.intercept,
        **_ITERATIONS,
    ).fit(problem.X, problem.y)  # fmt: skip
    return stacked([(model.coef_, model.intercept_)])


SOLVERS = (
    Solver("skglm Lasso/ElasticNet",
           lambda q: q.likelihood == "gaussian" and q.penalty != "l2" and q.k == 1,
           _estimator, decades(4, 14)),
    Solver("skglm AndersonCD.path",
           lambda q: q.likelihood == "gaussian" and q.penalty == "l1" and q.k > 1,
           _path, decades(4, 14)),
    Solver("skglm SparseLogisticRegression",
           lambda q: q.likelihood == "bernoulli" and q.penalty == "l1" and q.k == 1,
           _logistic, decades(4, 14)),
)  # fmt: skip
