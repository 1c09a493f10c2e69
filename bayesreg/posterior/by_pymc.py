"""PyMC's model, sampled by nutpie where it is installed, else by PyMC's own no-U-turn sampler.

Hoffman and Gelman (2014, JMLR 15:1593). Everything that no sampler here covers, and an oracle for
those: it shares no density with them. Coefficients are in units of their deviation, and beside a
flat intercept the columns are centred (a shift of a flat variable, so the posterior is the same
one). Under PyMC's own sampler, with nothing but coefficients unknown and none bounded, chains
start around the mode and the metric begins at the curvature there.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.posterior.protocol import Advance, Draws, Setup
from bayesreg.posterior.pymc_runs import (
    TARGET_ACCEPT,
    RunChain,
    by_nutpie,
    by_pymc,
    note_statistics,
    whole,
)
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem
from bayesreg.pymc import build_pymc, has_bounds, require_counterpart

# The starting metric counts as many draws in the first window of PyMC's own adaptation.
_METRIC_WEIGHT = 10


def unsuited(posterior: Posterior) -> str | None:
    """Why PyMC's model cannot be sampled; None when it can."""
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
    """One run per chain, one after another, on one compiled density; ``cores`` is not used.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C at any time: there is no result of a part of the chains.
    """
    chart = _chart(setup)
    v = np.empty((len(seeds), draws, chart.problem.size))
    scalars = {name: np.empty((len(seeds), draws)) for name in setup.posterior.scalars}
    statistics: dict[str, list[np.ndarray]] = {}
    with warnings.catch_warnings():
        # Raised once per process by PyTensor from PyPI; it concerns speed only.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        with _built(chart.problem, setup.posterior) as pm_model:
            program, run = _runner(pm_model, replace(setup, start=chart.there(setup.start)),
                                   chart.problem, draws, advance)  # fmt: skip
            for k, seed in enumerate(seeds):
                found = whole(run(seed), draws)
                _read(found, v[k], chart.problem)
                note_statistics(found, statistics)
                for name, values in scalars.items():
                    values[k] = found["posterior"][name].values[0]
    found_statistics = {name: np.array(s) for name, s in statistics.items()}
    return Draws(chart.back(v), scalars, found_statistics, {"drawn_by": program})


def _built(problem: Problem, posterior: Posterior) -> Any:
    names = [str(j) for j in range(problem.p)]
    return build_pymc(problem, names, range(problem.n), unknown=posterior)


def _runner(
    pm_model: Any, setup: Setup, problem: Problem, draws: int, advance: Advance
) -> tuple[str, RunChain]:
    """The program with its version, and how it runs one chain."""
    if find_spec("nutpie") is not None:
        program = f"nutpie {version('nutpie')} on PyMC {version('pymc')}"
        point = _point(pm_model, problem, _inside(problem, setup.start))
        return program, by_nutpie(pm_model, point, setup.tune, draws, advance)
    deviation = _deviation(problem, setup.start)
    options = {"target_accept": TARGET_ACCEPT, "init": "adapt_diag"}
    if setup.posterior.only_coefficients and not np.any(has_bounds(problem.penalty)):
        options = {"step": _step(pm_model, problem, setup.start, deviation)}

    def around_mode(rng: np.random.Generator) -> dict[str, Any]:
        point = dispersed_start(problem, setup.start, deviation, rng)
        return {**options, "initvals": _point(pm_model, problem, point)}

    return f"PyMC {version('pymc')}", by_pymc(setup.tune, draws, advance, around_mode)


def _read(tree: Any, chain: FloatArray, problem: Problem) -> None:
    """Copy the only chain into ours."""
    chain[:, : problem.p] = tree["posterior"]["coef"].values[0]
    if problem.has_intercept:
        chain[:, problem.p] = tree["posterior"]["intercept"].values[0]


@dataclass(frozen=True, eq=False)
class _Chart:
    """The posterior in units in which programs that know nothing of it begin well.

        w_j = unit_j u_j,    a = level + b - mean'w

    Attributes
    ----------
    problem : Problem
        Of the extended vector (u, b).
    unit : (p,) array
        About the posterior deviations; powers of 2, so that nothing is rounded.
    mean : (p,) array
    level : float
        Both 0 unless the intercept is flat.
    """

    problem: Problem
    unit: FloatArray
    mean: FloatArray
    level: float

    def there(self, v: FloatArray) -> FloatArray:
        moved, p = v.copy(), self.unit.size
        if self.problem.has_intercept:
            moved[..., p] += v[..., :p] @ self.mean - self.level
        moved[..., :p] /= self.unit
        return moved

    def back(self, v: FloatArray) -> FloatArray:
        moved, p = v.copy(), self.unit.size
        moved[..., :p] *= self.unit
        if self.problem.has_intercept:
            moved[..., p] += self.level - moved[..., :p] @ self.mean
        return moved


def _chart(setup: Setup) -> _Chart:
    """Columns centred beside a flat intercept, coefficients in units of their deviation."""
    problem, start = setup.posterior.problem, setup.start
    mean, level = np.zeros(problem.p), 0.0
    if problem.flat_intercept:
        mean = problem.weights @ problem.X / np.sum(problem.weights)
        level = float(start[problem.p] + start[: problem.p] @ mean)
        problem = replace(problem, X=problem.X - mean, offset=problem.offset + level)
        start = np.append(start[: problem.p], 0.0)
    noise = 1.0 if setup.posterior.sigma is None else _residual_size(problem, start)
    deviation = _deviation(problem, start, noise)
    unit = np.exp2(np.round(np.log2(np.where(problem.penalty.is_pinned, 1.0, deviation))))
    unit[problem.p :] = 1.0
    scaled = replace(
        problem, X=problem.X * unit[: problem.p], penalty=problem.penalty.in_units(unit)
    )
    return _Chart(scaled, unit[: problem.p], mean, level)


def _residual_size(problem: Problem, v: FloatArray) -> float:
    """Root mean square of the residuals; 1 where there are none."""
    residual = problem.y - problem.linear_predictor(v)
    square = problem.weights @ residual**2 / np.sum(problem.weights)
    return float(np.sqrt(square)) if square > 0 else 1.0


def _deviation(problem: Problem, v: FloatArray, noise: float = 1.0) -> FloatArray:
    """1 / sqrt(curvature) of each entry at v; a Laplace prior counts as its variance, 2 b^2.

    Where J is not convex the curvature is that of the parabola above it. ``noise`` stands for a
    sigma that the problem has at 1.
    """
    h = problem.majorising_rows(problem.linear_predictor(v)) / noise**2
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
    allowed = problem.value(_inside(problem, v)) + 5.0 + 2.0 * problem.size
    for _ in range(60):
        if problem.value(_inside(problem, v + step)) <= allowed:
            break
        step *= 0.5
    return _inside(problem, v + step)


def _inside(problem: Problem, v: FloatArray) -> FloatArray:
    """The nearest point a little away from every bound; there, a deviation is about 1."""
    lower, upper = problem.penalty.lower, problem.penalty.upper
    away = np.minimum(0.1, 0.25 * (upper - lower))
    return np.clip(v, lower + away, upper - away)


def _point(pm_model: Any, problem: Problem, v: FloatArray) -> dict[str, Any]:
    """An extended vector as PyMC's dictionary of free variables; scalars are not in it."""
    w = v[: problem.p]
    parts = {"coef": w, "coef_free": w[~problem.penalty.is_pinned[: problem.p]]}
    if problem.has_intercept:
        parts["intercept"] = np.asarray(v[problem.p])
    names = [variable.name for variable in pm_model.free_RVs]
    return {name: parts[name] for name in names if name in parts}


def _step(pm_model: Any, problem: Problem, start: FloatArray, deviation: FloatArray) -> Any:
    """NUTS whose metric starts at the curvature of the mode and adapts from there."""
    import pymc as pm
    from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

    def ravelled(v: FloatArray) -> FloatArray:
        return np.concatenate([np.ravel(x) for x in _point(pm_model, problem, v).values()])

    mean = ravelled(start)
    potential = QuadPotentialDiagAdapt(mean.size, mean, ravelled(deviation) ** 2, _METRIC_WEIGHT)
    return pm.NUTS(potential=potential, target_accept=TARGET_ACCEPT)
