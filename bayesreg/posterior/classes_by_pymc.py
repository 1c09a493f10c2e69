"""PyMC's model of K classes, sampled as :mod:`bayesreg.posterior.by_pymc` does for one predictor.

Columns are centred beside a flat intercept and coefficients are in units of their deviation: which
changes nothing of the posterior, for flat intercepts are determined up to a shift of all of them.
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
from bayesreg.class_problem import ClassProblem
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.protocol import Advance, ClassSetup, Draws
from bayesreg.posterior.pymc_runs import (
    TARGET_ACCEPT,
    RunChain,
    by_nutpie,
    by_pymc,
    note_statistics,
    whole,
)
from bayesreg.pymc import build_class_pymc, class_point, has_bounds


def unsuited(posterior: ClassPosterior) -> str | None:
    """Why PyMC's model cannot be sampled; None when it can."""
    penalty = posterior.problem.penalty
    if posterior.scales:
        return "to_pymc cannot express unknown prior scales of coefficients of classes"
    if np.any(has_bounds(penalty)):
        return "to_pymc cannot express bounds on coefficients of classes"
    if penalty.is_pinned.all():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    return None


def draw(
    setup: ClassSetup,
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
    posterior = setup.posterior
    chart = _chart(posterior.problem, posterior.by_class(setup.start))
    v = np.empty((len(seeds), draws, posterior.size))
    statistics: dict[str, list[np.ndarray]] = {}
    with warnings.catch_warnings():
        # Raised once per process by PyTensor from PyPI; it concerns speed only.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        problem = chart.problem
        names = [str(j) for j in range(problem.p)]
        with build_class_pymc(problem, names, range(problem.n)) as pm_model:
            start = chart.there(posterior.by_class(setup.start))
            program, run = _runner(pm_model, problem, start, setup.tune, draws, advance)
            for k, seed in enumerate(seeds):
                found = whole(run(seed), draws)
                v[k] = chart.back(_read(found, problem)).reshape(draws, -1)
                note_statistics(found, statistics)
    found_statistics = {name: np.array(s) for name, s in statistics.items()}
    return Draws(v, {}, found_statistics, {"drawn_by": program})


def _runner(
    pm_model: Any, problem: ClassProblem, start: FloatArray, tune: int, draws: int, advance: Advance
) -> tuple[str, RunChain]:
    """The program with its version, and how it runs one chain."""
    names = [variable.name for variable in pm_model.free_RVs]

    def point(V: FloatArray) -> dict[str, Any]:
        found = class_point(problem, V)
        return {name: found[name] for name in names}

    if find_spec("nutpie") is not None:
        program = f"nutpie {version('nutpie')} on PyMC {version('pymc')}"
        return program, by_nutpie(pm_model, point(start), tune, draws, advance)
    deviation = _deviation(problem, start)

    def around_mode(rng: np.random.Generator) -> dict[str, Any]:
        V = _dispersed(problem, start, deviation, rng)
        return {"target_accept": TARGET_ACCEPT, "init": "adapt_diag", "initvals": point(V)}

    return f"PyMC {version('pymc')}", by_pymc(tune, draws, advance, around_mode)


def _read(tree: Any, problem: ClassProblem) -> FloatArray:
    """V of every draw, shape (draws, K, size)."""
    coef = np.asarray(tree["posterior"]["coef"].values[0], dtype=np.float64)
    if not problem.has_intercept:
        return coef
    intercept = tree["posterior"]["intercept"].values[0]
    return np.concatenate([coef, intercept[..., None]], axis=2)


@dataclass(frozen=True, eq=False)
class _Chart:
    """w_kj = unit_j u_kj,    a_k = b_k - mean'w_k;    see ``_Chart`` of ``by_pymc``."""

    problem: ClassProblem
    unit: FloatArray
    mean: FloatArray

    def there(self, V: FloatArray) -> FloatArray:
        moved, p = V.copy(), self.unit.size
        if self.problem.has_intercept:
            moved[..., p] += V[..., :p] @ self.mean
        moved[..., :p] /= self.unit
        return moved

    def back(self, V: FloatArray) -> FloatArray:
        moved, p = V.copy(), self.unit.size
        moved[..., :p] *= self.unit
        if self.problem.has_intercept:
            moved[..., p] -= moved[..., :p] @ self.mean
        return moved


def _chart(problem: ClassProblem, V: FloatArray) -> _Chart:
    mean = np.zeros(problem.p)
    if problem.flat_intercept:
        mean = problem.weights @ problem.X / np.sum(problem.weights)
        V = V.copy()
        V[:, -1] += V[:, :-1] @ mean
        problem = replace(problem, X=problem.X - mean)
    deviation = np.mean(_deviation(problem, V), axis=0)
    unit = np.exp2(np.round(np.log2(np.where(problem.penalty.is_pinned, 1.0, deviation))))
    unit[problem.p :] = 1.0
    scaled = replace(
        problem, X=problem.X * unit[: problem.p], penalty=problem.penalty.in_units(unit)
    )
    return _Chart(scaled, unit[: problem.p], mean)


def _deviation(problem: ClassProblem, V: FloatArray) -> FloatArray:
    """1 / sqrt(curvature) of each entry at V; a Laplace prior counts as its variance, 2 b^2."""
    h = problem.curvature_rows(problem.linear_predictors(V))
    curvature = problem.column_squares(h) + problem.penalty.l2 + 0.5 * problem.penalty.l1**2
    return np.asarray(1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0)))


def _dispersed(
    problem: ClassProblem, V: FloatArray, deviation: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """A random point about two deviations from V, nearer where that is too unlikely."""
    step = np.where(problem.penalty.is_pinned, 0.0, 2.0 * deviation * rng.standard_normal(V.shape))
    allowed = problem.value(V) + 5.0 + 2.0 * V.size
    for _ in range(60):
        if problem.value(V + step) <= allowed:
            break
        step *= 0.5
    return V + step
