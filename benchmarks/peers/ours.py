"""bayesreg: find_map and find_map_path, certificate and validation of the data included."""

from __future__ import annotations

import weakref

import numpy as np

import bayesreg as br
from benchmarks.peers import Solution, Solver, decades
from benchmarks.problems import Problem

DISTRIBUTION = "bayesreg"
_READY: weakref.WeakKeyDictionary[Problem, br.Data] = weakref.WeakKeyDictionary()


def _model(problem: Problem) -> br.Model:
    """b = 1 / lambda1, tau = 1 / sqrt(lambda2), at the weakest penalty."""
    lambda1, lambda2 = float(problem.lambda1[-1]), float(problem.lambda2[-1])
    likelihoods = {
        "gaussian": br.Gaussian(1.0),
        "bernoulli": br.Bernoulli(),
        "poisson": br.Poisson(),
    }
    prior = {
        "l1": lambda: br.Laplace(1.0 / lambda1),
        "l2": lambda: br.Normal(lambda2**-0.5),
        "elastic-net": lambda: br.ElasticNet(1.0 / lambda1, lambda2**-0.5),
    }[problem.penalty]()
    return br.Model(
        likelihoods[problem.likelihood], prior, br.Flat() if problem.intercept else None
    )


def _fit(problem: Problem, data: br.Data, tolerance: float) -> Solution:
    model = _model(problem)
    if problem.k == 1:
        fit = br.find_map(model, data, tol=tolerance, on_failure="return")
        return fit.coef[None], np.array([fit.intercept])
    scales = problem.lambda2**-0.5 if problem.penalty == "l2" else 1.0 / problem.lambda1
    path = br.find_map_path(model, data, scales=scales, tol=tolerance, on_failure="return")
    return path.coef, path.intercept


def _from_arrays(problem: Problem, tolerance: float) -> Solution:
    return _fit(problem, br.Data(problem.X, problem.y), tolerance)


def _from_data(problem: Problem, tolerance: float) -> Solution:
    if problem not in _READY:
        _READY[problem] = br.Data(problem.X, problem.y)
    return _fit(problem, _READY[problem], tolerance)


SOLVERS = (
    Solver("bayesreg", lambda problem: True, _from_arrays, decades(6, 13), role="ours"),
    Solver("bayesreg, Data made before", lambda problem: True, _from_data, decades(6, 13),
           role="variant"),
)  # fmt: skip
