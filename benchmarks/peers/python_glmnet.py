"""python-glmnet, the Fortran code of Friedman, Hastie and Tibshirani under a Python face.

RSS/(2n) + lambda alpha ||w||_1 + (lambda/sd(y)) (1-alpha)/2 ||w||^2, sd the population one: glmnet
divides y (and lambda) by it first.  So lambda alpha = lambda1/n and
lambda (1-alpha) = sd(y) lambda2/n.
Binomial: mean logloss, y not scaled.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Solution, Solver, decades
from benchmarks.problems import Problem

DISTRIBUTION = "python-glmnet"


def _lambda_and_alpha(problem: Problem) -> tuple[np.ndarray, float]:
    sd = float(problem.y.std()) if problem.likelihood == "gaussian" else 1.0
    total = problem.lambda1 + sd * problem.lambda2
    return total / problem.n, float(problem.lambda1[0] / total[0])


def _solve(problem: Problem, tolerance: float, lead_in: int = 0) -> Solution:
    from glmnet import ElasticNet, LogitNet

    wanted, alpha = _lambda_and_alpha(problem)
    path = np.concatenate([wanted[0] * np.geomspace(100.0, 1.0, lead_in + 1)[:-1], wanted])
    kind = ElasticNet if problem.likelihood == "gaussian" else LogitNet
    model = kind(
        alpha=alpha, lambda_path=path, standardize=False, fit_intercept=problem.intercept,
        n_splits=0, tol=tolerance, max_iter=100_000_000,
    ).fit(problem.X, problem.y)  # fmt: skip
    coef = np.reshape(model.coef_path_, (problem.p, -1)).T
    intercept = np.ravel(model.intercept_path_)
    return coef[-problem.k :], intercept[-problem.k :]


def _applies(problem: Problem) -> bool:
    return problem.likelihood in ("gaussian", "bernoulli") and problem.penalty != "l2"


SOLVERS = (
    Solver("python-glmnet", _applies, _solve, decades(7, 24)),
    Solver("python-glmnet, path of 20 to the point", lambda q: _applies(q) and q.k == 1,
           lambda q, t: _solve(q, t, 20), decades(7, 24)),
)  # fmt: skip
