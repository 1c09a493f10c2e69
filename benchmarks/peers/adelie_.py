"""adelie: mean loss + lmda (alpha ||w||_1 + (1-alpha)/2 ||w||^2), lmda alpha = lambda1/n and so on.

Needs numpy < 2, hence an environment of its own.  For a single point it is given the target alone
and, as a second solver, a short path down to it, which is how its authors mean it to be used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Solution, Solver, centred, centring_helps, decades, uncentred
from benchmarks.problems import Problem

DISTRIBUTION = "adelie"
_PATH = {"early_exit": False, "progress_bar": False, "max_iters": 10_000_000}


def _lmda_and_alpha(problem: Problem) -> tuple[np.ndarray, float]:
    total = problem.lambda1 + problem.lambda2
    return total / problem.n, float(problem.lambda1[0] / total[0])


def _naive(problem: Problem, tolerance: float, lead_in: int = 0) -> Solution:
    import adelie as ad

    lmda, alpha = _lmda_and_alpha(problem)
    path = np.concatenate([lmda[0] * np.geomspace(100.0, 1.0, lead_in + 1)[:-1], lmda])
    wrap = ad.matrix.sparse if problem.sparse else ad.matrix.dense
    families = {
        "gaussian": ad.glm.gaussian,
        "bernoulli": ad.glm.binomial,
        "poisson": ad.glm.poisson,
    }
    options: dict[str, Any] = {**_PATH, "tol": tolerance, "newton_tol": 1e-14}
    if problem.likelihood != "gaussian":
        options["irls_tol"] = tolerance
    state = ad.grpnet(
        wrap(problem.X, method="naive", n_threads=1), families[problem.likelihood](problem.y),
        alpha=alpha, lmda_path=path, intercept=problem.intercept, n_threads=1,
        adev_tol=1.0, **options,
    )  # fmt: skip
    return state.betas[-problem.k :], np.asarray(state.intercepts)[-problem.k :]


def _covariance(problem: Problem, tolerance: float) -> Solution:
    import adelie as ad

    lmda, alpha = _lmda_and_alpha(problem)
    X, y, means, mean = centred(problem)
    state = ad.gaussian_cov(
        X.T @ X / problem.n, X.T @ y / problem.n, alpha=alpha, lmda_path=lmda, tol=tolerance,
        newton_tol=1e-14, rdev_tol=0.0, n_threads=1, **_PATH,
    )  # fmt: skip
    return uncentred(np.asarray(state.betas.toarray()), means, mean)


def _kinked(problem: Problem) -> bool:
    return problem.penalty != "l2"


SOLVERS = (
    Solver("adelie grpnet", _kinked, _naive, decades(6, 24)),
    Solver("adelie grpnet, path of 20 to the point", lambda q: _kinked(q) and q.k == 1,
           lambda q, t: _naive(q, t, 20), decades(6, 24)),
    Solver("adelie gaussian_cov",
           lambda q: centring_helps(q) and _kinked(q) and q.n >= q.p,
           _covariance, decades(6, 24)),
)  # fmt: skip
