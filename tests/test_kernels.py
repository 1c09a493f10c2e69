"""The compiled loops: optimal by the conditions, arrays only, compiled once per machine."""

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
from typing import get_args, get_origin, get_type_hints

import numpy as np
import pytest

import bayesreg._kernels as kernels
from bayesreg._kernels.quadratic_descent import quadratic_descent
from bayesreg.penalty import Penalty
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic, solve_symmetric

PROGRAM = """
import importlib, json, pkgutil
import numpy as np
import scipy.sparse as sp
import bayesreg as br
import bayesreg._kernels as kernels
rng = np.random.default_rng(0)
tall, wide = rng.normal(size=(30, 4)), rng.normal(size=(10, 20))
lasso = br.Model(br.Gaussian(1.0), br.Laplace(0.1))
br.find_map(lasso, br.Data(tall, rng.normal(size=30)))
br.find_map_path(lasso, br.Data(wide, rng.normal(size=10)), n_scales=5)
br.find_map_path(lasso, br.Data(sp.csc_array(wide), rng.normal(size=10)), n_scales=8)
logit, won = br.Model(br.Bernoulli(), br.Laplace(1.0)), tall[:, 0] + tall[:, 1] > 0
br.find_map(logit, br.Data(tall, won))
br.find_map(logit, br.Data(sp.csc_array(tall), won))
many = rng.normal(size=(300, 200))
br.find_map(br.Model(br.Bernoulli(), br.Laplace(1.0)), br.Data(many, many @ np.ones(200) > 0))
hits, misses = set(), set()
for module in pkgutil.iter_modules(kernels.__path__):
    for name, found in vars(importlib.import_module(f"bayesreg._kernels.{module.name}")).items():
        if hasattr(found, "py_func"):
            hits |= {name} if found.stats.cache_hits else set()
            misses |= {name} if found.stats.cache_misses else set()
print(json.dumps([sorted(hits), sorted(misses)]))
"""
#: The loops that Python calls; what they call is compiled into them.
ENTRIES = {
    "four_pulls", "free_block", "gram_path", "quadratic_descent", "residual_descent",
    "scaled_columns", "settle_dense", "settle_sparse", "survey", "weighted_columns",
}  # fmt: skip


def test_a_second_process_compiles_nothing(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    (_, compiled), (loaded, again) = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROGRAM], env=environment, check=True,
                capture_output=True, text=True,
            ).stdout
        )
        for _ in range(2)
    )  # fmt: skip
    assert set(compiled) >= ENTRIES
    assert set(loaded) >= ENTRIES
    assert not again


def _kernels():
    for module in pkgutil.iter_modules(kernels.__path__):
        for name, found in vars(
            importlib.import_module(f"{kernels.__name__}.{module.name}")
        ).items():
            if hasattr(found, "py_func"):
                yield pytest.param(found, id=f"{module.name}.{name}")


@pytest.mark.parametrize("kernel", list(_kernels()))
def test_kernels_take_arrays_numbers_and_streams_only(kernel):
    """Or named tuples of these. What takes a jitclass or a function is never loaded from disk."""
    hints = inspect.get_annotations(kernel.py_func, eval_str=True)
    returned = hints.pop("return", None)
    taken = {part for hint in hints.values() for part in _parts(hint)}
    assert taken <= {np.ndarray, int, float, bool, np.random.Generator}
    assert len(hints) == len(inspect.signature(kernel.py_func).parameters)
    assert set(_parts(returned)) <= {None, np.ndarray, int, float, bool}


def _parts(hint):
    """What a tuple holds, named or not, and else the type itself."""
    if get_origin(hint) is tuple:
        return [part for inner in get_args(hint) for part in _parts(inner)]
    if isinstance(hint, type) and issubclass(hint, tuple):
        fields = get_type_hints(hint).values()
        return [part for inner in fields for part in _parts(inner)]
    return [hint]


def _random_penalty(rng, p):
    l1 = rng.choice([0.0, 0.5, 2.0], size=p)
    lower = np.where(rng.random(p) < 0.3, -0.2, -np.inf)
    upper = np.where(rng.random(p) < 0.3, 0.1, np.inf)
    return Penalty(l1, rng.choice([0.0, 1.0], size=p), 0.1 * rng.normal(size=p), lower, upper)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rank", [6, 3])
def test_quadratic_minimiser_satisfies_the_conditions(seed, rank):
    """Random penalties with kinks, curvature, bounds; full-rank and singular matrices."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(rank, 6))
    H, penalty = A.T @ A, _random_penalty(rng, 6)
    gradient, point = A.T @ rng.normal(size=rank), rng.normal(size=6)
    v = minimise_quadratic(Quadratic(H, gradient, point), penalty)
    slope = gradient + H @ (v - point)
    assert np.max(penalty.subgradient_distance(v, slope)) < 1e-10
    assert np.all((v >= penalty.lower) & (v <= penalty.upper))


def test_descent_keeps_its_gradient_current_and_never_rises():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(30, 8))
    H, penalty = A.T @ A, _random_penalty(rng, 8)
    gradient, v = A.T @ rng.normal(size=30), np.clip(np.zeros(8), penalty.lower, penalty.upper)
    start, r = v.copy(), gradient.copy()
    arrays = (penalty.l1, penalty.l2, penalty.loc, penalty.lower, penalty.upper)
    last = penalty.value(v)
    for _ in range(5):
        quadratic_descent(H, r, v, *arrays, 1, 0.0)
        d = v - start
        np.testing.assert_allclose(r, gradient + H @ d, atol=1e-11)
        value = gradient @ d + 0.5 * d @ H @ d + penalty.value(v)
        assert value <= last + 1e-12
        last = value


def test_singular_systems_get_the_least_norm_solution():
    A = np.array([[1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(solve_symmetric(A, np.array([2.0, 2.0])), [1.0, 1.0], atol=1e-12)
