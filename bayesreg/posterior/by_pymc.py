"""PyMC's model, sampled by nutpie where it is installed, else by PyMC's own no-U-turn sampler.

Hoffman and Gelman (2014, JMLR 15:1593). Everything that no sampler here covers, and an oracle for
those: it shares no density with them. With a flat intercept the columns are centred first (a shift
of a flat variable, so the posterior is the same one) and the intercept is moved back afterwards.
Under PyMC, with nothing but coefficients unknown, chains start around the mode and the metric begins
at the curvature there, so that the units of X and y don't matter.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.protocol import Advance, Draws, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem
from bayesreg.pymc import build_pymc, require_counterpart

# Above PyMC's 0.8: the kink of a Laplace prior rewards smaller steps.
_TARGET_ACCEPT = 0.9
# The starting metric counts as many draws in the first window of PyMC's own adaptation.
_METRIC_WEIGHT = 10
#: Statistics by our names, and what PyMC and nutpie call them.
_STATISTICS = {
    "diverging": ("diverging",), "energy": ("energy",), "tree_depth": ("tree_depth", "depth"),
    "n_steps": ("n_steps",), "acceptance_rate": ("acceptance_rate", "mean_tree_accept"),
    "step_size": ("step_size",),
}  # fmt: skip

#: One chain: its number and its seed to a result.
RunChain = Callable[[np.random.SeedSequence], Any]


def unsuited(posterior: Posterior) -> str | None:
    """Why PyMC's model cannot be sampled; None when it can."""
    from bayesreg.errors import ModelError

    problem = posterior.problem
    if not problem.penalty.is_separable:
        return "its gradients would be misled by the kinks of GroupLaplace at whole groups"
    if problem.penalty.is_pinned.all():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    try:
        require_counterpart(problem, posterior)
    except ModelError as error:
        return str(error)
    return None


def draw(
    setup: Setup,
    draws: int,
    seeds: Sequence[np.random.SeedSequence],
    advance: Advance,
    cores: int,
) -> Draws:
    """One run per chain, on one compiled density."""
    from bayesreg.posterior.tree import as_tree

    posterior = setup.posterior
    centred, mean = _centred(posterior.problem)
    v = np.empty((len(seeds), draws, centred.size))
    scalars = {name: np.empty((len(seeds), draws)) for name in posterior.scalars}
    statistics: dict[str, list[np.ndarray]] = {}
    with warnings.catch_warnings():
        # Raised once per process by PyTensor from PyPI; it concerns speed only.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        names = [str(j) for j in range(centred.p)]
        with build_pymc(centred, names, range(centred.n), unknown=posterior) as pm_model:
            run = _runner(pm_model, replace(setup, start=_moved(setup.start, mean, +1.0)), centred,
                          draws, advance)  # fmt: skip
            for k, (chain, seed) in enumerate(zip(v, seeds, strict=True)):
                tree = as_tree(run(seed))
                _read(tree, chain, statistics, centred)
                for name, values in scalars.items():
                    values[k] = tree["posterior"][name].values[0]
    found_statistics = {name: np.array(s) for name, s in statistics.items()}
    return Draws(_moved(v, mean, -1.0), scalars, found_statistics)


def _runner(
    pm_model: Any, setup: Setup, centred: Problem, draws: int, advance: Advance
) -> RunChain:
    """How one chain is run."""
    if find_spec("nutpie") is not None:
        return _by_nutpie(pm_model, setup.tune, draws, advance)
    if not setup.posterior.only_coefficients or _has_bounds(centred):
        return _by_pymc(setup.tune, draws, advance, lambda rng: {"target_accept": _TARGET_ACCEPT})
    deviation = _deviation(centred, setup.start)
    step = _step(pm_model, centred, setup.start, deviation)

    def around_mode(rng: np.random.Generator) -> dict[str, Any]:
        point = dispersed_start(centred, setup.start, deviation, rng)
        return {"step": step, "initvals": _point(pm_model, centred, point)}

    return _by_pymc(setup.tune, draws, advance, around_mode)


def _by_pymc(
    tune: int, draws: int, advance: Advance,
    start: Callable[[np.random.Generator], dict[str, Any]],
) -> RunChain:  # fmt: skip
    import pymc as pm

    def run(seed: np.random.SeedSequence) -> Any:
        begin, sampling = seed.spawn(2)
        return pm.sample(
            draws=draws, tune=tune, chains=1, cores=1,
            random_seed=int(sampling.generate_state(1)[0]), callback=lambda **_: advance(1),
            progressbar=False, quiet=True, compute_convergence_checks=False,
            **start(np.random.default_rng(begin)),
        )  # fmt: skip

    return run


def _by_nutpie(pm_model: Any, tune: int, draws: int, advance: Advance) -> RunChain:
    import nutpie

    compiled = nutpie.compile_pymc_model(pm_model)

    def run(seed: np.random.SeedSequence) -> Any:
        found = nutpie.sample(
            compiled, draws=draws, tune=tune, chains=1, cores=1, progress_bar=False,
            seed=int(seed.generate_state(1)[0]), target_accept=_TARGET_ACCEPT,
        )  # fmt: skip
        advance(tune + draws)
        return found

    return run


def _has_bounds(problem: Problem) -> bool:
    penalty = problem.penalty
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    return bool(np.any(bounded & ~penalty.is_pinned))


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
    for name, theirs in _STATISTICS.items():
        for word in theirs:
            if word in tree["sample_stats"]:
                statistics.setdefault(name, []).append(tree["sample_stats"][word].values[0])


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
