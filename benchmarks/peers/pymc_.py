"""pymc.find_MAP on the density itself: w ~ Laplace(0, 1/lambda1), y ~ Normal(a + X w, 1), a flat.

The model is built once and its first call compiles; later calls are timed, and again, below, with
the compiled density handed straight to the optimiser that find_MAP uses, which is the least that
find_MAP could cost.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from benchmarks.peers import Solution, Solver
from benchmarks.problems import Problem

DISTRIBUTION = "pymc"
_MODELS: weakref.WeakKeyDictionary[Problem, Any] = weakref.WeakKeyDictionary()
_FUNCTIONS: weakref.WeakKeyDictionary[Problem, Any] = weakref.WeakKeyDictionary()


def _model(problem: Problem) -> Any:
    if problem not in _MODELS:
        import pymc as pm

        with pm.Model() as model:
            w = pm.Laplace("w", mu=0.0, b=1.0 / float(problem.lambda1[0]), shape=problem.p)
            a = pm.Flat("a")
            pm.Normal("y", mu=a + problem.X @ w, sigma=1.0, observed=problem.y)
        _MODELS[problem] = model
    return _MODELS[problem]


def _find_map(problem: Problem, tolerance: float) -> Solution:
    import pymc as pm

    options = {} if tolerance == 0 else {"tol": tolerance}
    point = pm.find_MAP(model=_model(problem), progressbar=False, **options)
    return np.asarray(point["w"])[None], np.array([float(point["a"])])


def _compiled(problem: Problem) -> Any:
    if problem not in _FUNCTIONS:
        model = _model(problem)
        start = model.initial_point()
        from pymc.blocking import DictToArrayBijection

        raveled = DictToArrayBijection.map(start)
        value, slope = model.compile_logp(), model.compile_dlogp()

        def minus_log_density(x: np.ndarray) -> tuple[float, np.ndarray]:
            point = DictToArrayBijection.rmap(type(raveled)(x, raveled.point_map_info), start)
            return -float(value(point)), -np.asarray(slope(point))

        _FUNCTIONS[problem] = (minus_log_density, raveled, start)
    return _FUNCTIONS[problem]


def _compiled_once(problem: Problem, tolerance: float) -> Solution:
    from pymc.blocking import DictToArrayBijection
    from scipy.optimize import minimize

    function, raveled, start = _compiled(problem)
    options = {} if tolerance == 0 else {"tol": tolerance}
    found = minimize(function, raveled.data, jac=True, method="L-BFGS-B", **options)
    point = DictToArrayBijection.rmap(type(raveled)(found.x, raveled.point_map_info), start)
    return np.asarray(point["w"])[None], np.array([float(point["a"])])


def _applies(problem: Problem) -> bool:
    small = not problem.sparse and problem.n * problem.p <= 100_000
    return problem.likelihood == "gaussian" and problem.penalty == "l1" and problem.k == 1 and small


# The first entry is find_MAP's own default.
_TOLERANCES = (0.0, 1e-10, 1e-12, 1e-14)
SOLVERS = (
    Solver("pymc.find_MAP", _applies, _find_map, _TOLERANCES),
    Solver("L-BFGS-B on PyMC's compiled density", _applies, _compiled_once, _TOLERANCES,
           role="variant"),
)  # fmt: skip
