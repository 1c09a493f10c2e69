"""PyMC's no-U-turn sampler: everything that the specialised samplers don't cover.

Hoffman and Gelman (2014, JMLR 15:1593). Chains start around the mode and the metric begins at
the curvature there, so that the units of X and y don't matter; with a flat intercept the columns
are centred first (a shift of a flat variable, so the posterior is the same one) and the intercept
is moved back afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.protocol import Advance, Draws, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem
from bayesreg.pymc import build_pymc

# Above PyMC's 0.8: the kink of a Laplace prior rewards smaller steps.
_TARGET_ACCEPT = 0.9
# The starting metric counts as many draws in the first window of PyMC's own adaptation.
_METRIC_WEIGHT = 10
_STATISTICS = ("diverging", "energy", "tree_depth", "n_steps", "acceptance_rate", "step_size")


def unsuited(posterior: Posterior) -> str | None:
    """Why NUTS cannot run on this posterior; None when it can."""
    problem = posterior.problem
    if not problem.penalty.is_separable:
        return "its gradients would be misled by the kinks of GroupLaplace at whole groups"
    if not posterior.only_coefficients:
        return "it needs a number for sigma and every scale, and no Horseshoe prior"
    free = ~problem.penalty.is_pinned
    if np.any((np.isfinite(problem.penalty.lower) | np.isfinite(problem.penalty.upper)) & free):
        return "it cannot keep coefficients within bounds"
    if not free.any():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    return None


def draw(
    setup: Setup,
    draws: int,
    seeds: Sequence[np.random.SeedSequence],
    advance: Advance,
    cores: int,
) -> Draws:
    """One run of PyMC per chain, on one compiled density."""
    import pymc as pm

    from bayesreg.posterior.tree import as_tree

    centred, mean = _centred(setup.posterior.problem)
    start = _moved(setup.start, mean, +1.0)
    deviation = _deviation(centred, start)
    v = np.empty((len(seeds), draws, centred.size))
    statistics: dict[str, list[np.ndarray]] = {}
    with warnings.catch_warnings():
        # Raised once per process by PyTensor from PyPI; it concerns speed only.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        names = [str(j) for j in range(centred.p)]
        with build_pymc(centred, names, range(centred.n)) as pm_model:
            step = _step(pm_model, centred, start, deviation)
            for chain, seed in zip(v, seeds, strict=True):
                begin, sampling = seed.spawn(2)
                point = dispersed_start(centred, start, deviation, np.random.default_rng(begin))
                found = pm.sample(
                    draws=draws, tune=setup.tune, chains=1, cores=1, step=step,
                    initvals=_point(pm_model, centred, point),
                    random_seed=int(sampling.generate_state(1)[0]),
                    callback=lambda **_: advance(1),
                    progressbar=False, quiet=True, compute_convergence_checks=False,
                )  # fmt: skip
                _read(as_tree(found), chain, statistics, centred)
    found_statistics = {name: np.array(s) for name, s in statistics.items()}
    return Draws(_moved(v, mean, -1.0), statistics=found_statistics)


def _read(
    tree: Any, chain: FloatArray, statistics: dict[str, list[np.ndarray]], problem: Problem
) -> None:
    """Copy PyMC's only chain into ours, and what it says about each draw.

    PyMC takes Ctrl-C for an order to return what it has; with one chain of several there is no
    result.
    """
    coef = tree["posterior"]["coef"].values[0]
    if len(coef) < len(chain):
        raise KeyboardInterrupt
    chain[:, : problem.p] = coef
    if problem.has_intercept:
        chain[:, problem.p] = tree["posterior"]["intercept"].values[0]
    for name in _STATISTICS:
        if name in tree["sample_stats"]:
            statistics.setdefault(name, []).append(tree["sample_stats"][name].values[0])


def _centred(problem: Problem) -> tuple[Problem, FloatArray]:
    """The problem on centred columns, and what was subtracted: 0 unless the intercept is flat."""
    if not problem.flat_intercept:
        return problem, np.zeros(problem.p)
    mean = problem.weights @ problem.X / np.sum(problem.weights)
    return replace(problem, X=problem.X - mean), mean


def _moved(v: FloatArray, mean: FloatArray, sign: float) -> FloatArray:
    """Extended vectors with the intercept moved by mean'w: there (+1) or back (-1)."""
    p = mean.size
    if not np.any(mean):
        return v
    moved = v.copy()
    moved[..., p] += sign * (v[..., :p] @ mean)
    return moved


def _deviation(problem: Problem, v: FloatArray) -> FloatArray:
    """1 / sqrt(curvature) of each entry at v; a Laplace prior counts as its variance, 2 b^2.

    Where J is not convex the curvature is that of the parabola above it.
    """
    h = problem.majorising_rows(problem.linear_predictor(v))
    from_prior = problem.penalty.majorant(v).l2 + 0.5 * problem.penalty.l1**2
    curvature = problem.column_squares(h) + from_prior
    return 1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0))


def dispersed_start(
    problem: Problem, v: FloatArray, deviation: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """A random point about two deviations from v.

    The step is halved until the density is at most ``5 + 2 size`` nats below the one at v (half
    a chi-square of ``size`` is near size / 2), so that no chain starts where e^eta overflows.
    """
    step = 2.0 * deviation * rng.standard_normal(problem.size)
    step[problem.penalty.is_pinned] = 0.0
    allowed = problem.value(v) + 5.0 + 2.0 * problem.size
    for _ in range(60):
        if problem.value(v + step) <= allowed:
            break
        step *= 0.5
    return v + step


def _point(pm_model: Any, problem: Problem, v: FloatArray) -> dict[str, Any]:
    """An extended vector as PyMC's dictionary of free variables."""
    w = v[: problem.p]
    parts = {"coef": w, "coef_free": w[~problem.penalty.is_pinned[: problem.p]]}
    if problem.has_intercept:
        parts["intercept"] = np.asarray(v[problem.p])
    return {variable.name: parts[variable.name] for variable in pm_model.free_RVs}


def _step(pm_model: Any, problem: Problem, start: FloatArray, deviation: FloatArray) -> Any:
    """NUTS whose metric starts at the curvature of the mode and adapts from there."""
    import pymc as pm
    from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

    def ravelled(v: FloatArray) -> FloatArray:
        return np.concatenate([np.ravel(x) for x in _point(pm_model, problem, v).values()])

    mean = ravelled(start)
    potential = QuadPotentialDiagAdapt(mean.size, mean, ravelled(deviation) ** 2, _METRIC_WEIGHT)
    return pm.NUTS(potential=potential, target_accept=_TARGET_ACCEPT)
