"""scikit-learn: Lasso, ElasticNet (residual and Gram), LARS, Ridge, LogisticRegression, Poisson.

Lasso and ElasticNet minimise RSS/(2n) + alpha r ||w||_1 + alpha (1-r)/2 ||w||^2, so that
alpha r = lambda1/n and alpha (1-r) = lambda2/n.  Ridge: RSS + alpha ||w||^2, alpha = lambda2.
LogisticRegression: C sum logloss + penalty, C = 1/lambda.  PoissonRegressor: mean deviance/2 +
alpha/2 ||w||^2, alpha = lambda2/n.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Solution, Solver, centred, centring_helps, decades, stacked, uncentred
from benchmarks.problems import Problem

DISTRIBUTION = "scikit-learn"
_MANY = 1_000_000


def alpha_and_ratio(problem: Problem) -> tuple[np.ndarray, float]:
    """alpha (k,) and l1_ratio of the RSS/(2n) form."""
    total = problem.lambda1 + problem.lambda2
    return total / problem.n, float(problem.lambda1[0] / total[0])


def _kinked_gaussian(problem: Problem) -> bool:
    return problem.likelihood == "gaussian" and problem.penalty != "l2"


def _gram_pays(problem: Problem) -> bool:
    return _kinked_gaussian(problem) and not problem.sparse and problem.n >= problem.p


def _estimator(problem: Problem, tolerance: float, precompute: bool) -> Solution:
    """One estimator, warm-started along the path."""
    from sklearn.linear_model import ElasticNet, Lasso

    alphas, ratio = alpha_and_ratio(problem)
    options = {"tol": tolerance, "max_iter": _MANY, "precompute": precompute,
               "fit_intercept": problem.intercept, "warm_start": problem.k > 1}  # fmt: skip
    model = Lasso(**options) if ratio == 1.0 else ElasticNet(l1_ratio=ratio, **options)
    points = []
    for alpha in alphas:
        model.set_params(alpha=alpha).fit(problem.X, problem.y)
        points.append((model.coef_.copy(), model.intercept_))
    return stacked(points)


def _path(problem: Problem, tolerance: float, precompute: bool) -> Solution:
    """enet_path on centred data: the Gram matrix, where wanted, is computed once."""
    from sklearn.linear_model import enet_path

    alphas, ratio = alpha_and_ratio(problem)
    X, y, means, mean = centred(problem)
    _, coef, _ = enet_path(
        X, y, l1_ratio=ratio, alphas=alphas, precompute=precompute, tol=tolerance, max_iter=_MANY
    )
    return uncentred(coef.T, means, mean)


def _lars(problem: Problem, tolerance: float) -> Solution:
    """Exact knots, then linear interpolation, which is exact between knots."""
    from sklearn.linear_model import lars_path, lars_path_gram

    alphas, _ = alpha_and_ratio(problem)
    X, y, means, mean = centred(problem)
    options: dict[str, Any] = {"method": "lasso", "alpha_min": alphas[-1], "max_iter": 100_000}
    if problem.n > problem.p:
        knots, _, coef = lars_path_gram(X.T @ y, X.T @ X, n_samples=problem.n, **options)
    else:
        knots, _, coef = lars_path(X, y, **options)
    right = np.clip(np.searchsorted(-knots, -alphas), 1, knots.size - 1)
    share = np.clip((knots[right - 1] - alphas) / (knots[right - 1] - knots[right]), 0.0, 1.0)
    return uncentred(((1.0 - share) * coef[:, right - 1] + share * coef[:, right]).T, means, mean)


def _ridge(problem: Problem, tolerance: float) -> Solution:
    from sklearn.linear_model import Ridge

    points = []
    for lambda2 in problem.lambda2:
        model = Ridge(alpha=lambda2, fit_intercept=problem.intercept).fit(problem.X, problem.y)
        points.append((model.coef_, model.intercept_))
    return stacked(points)


def _ridge_by_conjugate_gradients(problem: Problem, tolerance: float) -> Solution:
    from sklearn.linear_model import Ridge

    points = []
    for lambda2 in problem.lambda2:
        model = Ridge(
            alpha=lambda2, solver="sparse_cg", tol=tolerance, max_iter=_MANY,
            fit_intercept=problem.intercept,
        ).fit(problem.X, problem.y)  # fmt: skip
        points.append((model.coef_, model.intercept_))
    return stacked(points)


def _logistic(problem: Problem, tolerance: float, solver: str) -> Solution:
    from sklearn.linear_model import LogisticRegression

    kinked = problem.penalty == "l1"
    points = []
    for strength in problem.lambda1 if kinked else problem.lambda2:
        model = LogisticRegression(
            C=1.0 / strength, l1_ratio=1.0 if kinked else 0.0, solver=solver, tol=tolerance,
            max_iter=_MANY, fit_intercept=problem.intercept, random_state=0,
        ).fit(problem.X, problem.y)  # fmt: skip
        points.append((model.coef_, model.intercept_))
    return stacked(points)


def _poisson(problem: Problem, tolerance: float, solver: str) -> Solution:
    from sklearn.linear_model import PoissonRegressor

    points = []
    for lambda2 in problem.lambda2:
        model = PoissonRegressor(
            alpha=lambda2 / problem.n, solver=solver, tol=tolerance, max_iter=_MANY,
            fit_intercept=problem.intercept,
        ).fit(problem.X, problem.y)  # fmt: skip
        points.append((model.coef_, model.intercept_))
    return stacked(points)


def _is_glm(likelihood: str, penalty: str) -> Any:
    return lambda problem: problem.likelihood == likelihood and problem.penalty == penalty


SOLVERS = (
    Solver("scikit-learn Lasso/ElasticNet",
           lambda q: _kinked_gaussian(q) and (q.k == 1 or q.sparse),
           lambda q, t: _estimator(q, t, False), decades(4, 14)),
    Solver("scikit-learn Lasso/ElasticNet, Gram", lambda q: _gram_pays(q) and q.k == 1,
           lambda q, t: _estimator(q, t, True), decades(4, 14)),
    Solver("scikit-learn enet_path",
           lambda q: centring_helps(q) and q.penalty != "l2" and q.k > 1,
           lambda q, t: _path(q, t, False), decades(4, 14)),
    Solver("scikit-learn enet_path, Gram",
           lambda q: _gram_pays(q) and centring_helps(q) and q.k > 1,
           lambda q, t: _path(q, t, True), decades(4, 14)),
    Solver("scikit-learn LARS",
           lambda q: centring_helps(q) and q.penalty == "l1",
           _lars, (0.0,)),
    Solver("scikit-learn Ridge, a loop",
           lambda q: _is_glm("gaussian", "l2")(q) and not q.sparse, _ridge, (0.0,)),
    Solver("scikit-learn Ridge sparse_cg",
           lambda q: _is_glm("gaussian", "l2")(q) and q.sparse,
           _ridge_by_conjugate_gradients, decades(2, 12)),
    Solver("scikit-learn liblinear", lambda q: _is_glm("bernoulli", "l1")(q) and not q.intercept,
           lambda q, t: _logistic(q, t, "liblinear"), decades(2, 14), order="C"),
    Solver("scikit-learn saga", _is_glm("bernoulli", "l1"),
           lambda q, t: _logistic(q, t, "saga"), decades(3, 12), order="C"),
    Solver("scikit-learn LogisticRegression lbfgs", _is_glm("bernoulli", "l2"),
           lambda q, t: _logistic(q, t, "lbfgs"), decades(2, 12), order="C"),
    Solver("scikit-learn LogisticRegression newton-cholesky",
           lambda q: _is_glm("bernoulli", "l2")(q) and not q.sparse,
           lambda q, t: _logistic(q, t, "newton-cholesky"), decades(2, 12), order="C"),
    Solver("scikit-learn LogisticRegression newton-cg", _is_glm("bernoulli", "l2"),
           lambda q, t: _logistic(q, t, "newton-cg"), decades(2, 12), order="C"),
    Solver("scikit-learn PoissonRegressor lbfgs", _is_glm("poisson", "l2"),
           lambda q, t: _poisson(q, t, "lbfgs"), decades(2, 12), order="C"),
    Solver("scikit-learn PoissonRegressor newton-cholesky", _is_glm("poisson", "l2"),
           lambda q, t: _poisson(q, t, "newton-cholesky"), decades(2, 12), order="C"),
)  # fmt: skip
