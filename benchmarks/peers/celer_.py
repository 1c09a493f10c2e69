"""celer: Lasso and ElasticNet (RSS/(2n) + alpha ...), paths, and logistic (no intercept).

alpha r = lambda1/n, alpha (1-r) = lambda2/n.  LogisticRegression: sum logloss + ||w||_1/C.
"""

from __future__ import annotations

from benchmarks.peers import Solution, Solver, centred, centring_helps, decades, stacked, uncentred
from benchmarks.peers.scikit_learn import alpha_and_ratio
from benchmarks.problems import Problem

DISTRIBUTION = "celer"
_ITERATIONS = {"max_iter": 1000, "max_epochs": 1_000_000}


def _estimator(problem: Problem, tolerance: float) -> Solution:
    from celer import ElasticNet, Lasso

    alphas, ratio = alpha_and_ratio(problem)
    options = {"tol": tolerance, "fit_intercept": problem.intercept,
               "warm_start": problem.k > 1, **_ITERATIONS}  # fmt: skip
    model = Lasso(**options) if ratio == 1.0 else ElasticNet(l1_ratio=ratio, **options)
    points = []
    for alpha in alphas:
        model.set_params(alpha=alpha).fit(problem.X, problem.y)
        points.append((model.coef_.copy(), model.intercept_))
    return stacked(points)


def _path(problem: Problem, tolerance: float) -> Solution:
    from celer import celer_path

    alphas, ratio = alpha_and_ratio(problem)
    X, y, means, mean = centred(problem)
    _, coef, _ = celer_path(
        X, y, "lasso", alphas=alphas, l1_ratio=ratio, tol=tolerance, prune=1, **_ITERATIONS
    )
    return uncentred(coef.T, means, mean)


def _logistic(problem: Problem, tolerance: float) -> Solution:
    from celer import LogisticRegression

    points = []
    for lambda1 in problem.lambda1:
        model = LogisticRegression(C=1.0 / lambda1, tol=tolerance, **_ITERATIONS)
        model.fit(problem.X, problem.y)
        points.append((model.coef_, 0.0))
    return stacked(points)


def _kinked_gaussian(problem: Problem) -> bool:
    return problem.likelihood == "gaussian" and problem.penalty != "l2"


SOLVERS = (
    Solver("celer Lasso/ElasticNet", lambda q: _kinked_gaussian(q) and (q.k == 1 or q.sparse),
           _estimator, decades(4, 14)),
    Solver("celer_path", lambda q: centring_helps(q) and q.penalty != "l2" and q.k > 1,
           _path, decades(4, 14)),
    Solver("celer LogisticRegression",
           lambda q: q.likelihood == "bernoulli" and q.penalty == "l1" and not q.intercept,
           _logistic, decades(3, 14)),
)  # fmt: skip
