"""Where the search for local modes begins: the same points every time.

No finite list finds every mode of every problem.  These are the places where modes of the models at
hand are known to lie: the prior's centre, the convex problem with a Gaussian in place of Student's
t, the data without the prior, a fit that outliers hardly touch, clusters of rows, and coefficients
in turn believed or shrunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem
from bayesreg.solvers.mode import starting_point
from bayesreg.solvers.newton import minimise

_SEED = 20240229
_SUBSETS, _MIXTURES = 8, 6
_QUANTILES = (0.1, 0.3, 0.7, 0.9)

# Multiplications in one Newton step beyond which only the first starts are worth their time.
_LARGE = 2e8

# Share of the tails' curvature at their centre that is left where the data speak alone.
_NEARLY_FLAT = 1e-6


def starting_points(problem: Problem, names: tuple[str, ...]) -> Iterator[FloatArray]:
    """Extended vectors, the most promising first."""
    close, wide = _stand_in(problem, 1.0), _stand_in(problem, _NEARLY_FLAT)
    yield starting_point(close, names)
    shrunk = minimise(close, starting_point(close, names), 50).v
    yield shrunk
    believed = shrunk
    if problem.penalty.tails is not None:
        believed = minimise(wide, starting_point(wide, names), 50).v
        yield believed
    robust = problem.majorised is not None
    if robust:
        yield _least_absolute(wide, believed)
    if float(problem.n) * problem.size**2 > _LARGE:
        return
    rng = np.random.default_rng(_SEED)
    if robust:
        yield from _shifted_intercepts(problem, shrunk)
        yield from _subsets(wide, names, rng)
    if problem.penalty.tails is not None:
        yield from _mixtures(problem, shrunk, believed, rng)


def _stand_in(problem: Problem, share: float) -> Problem:
    """The convex problem with parabolas of the same curvature at the centre.

    That of the tails is multiplied by ``share``.
    """
    penalty, tails = problem.penalty, problem.penalty.tails
    if tails is not None:
        tight = penalty.l2 + share * tails.weight(np.zeros(penalty.size))
        penalty = replace(penalty, l2=tight, tails=None)
    if problem.majorised is None:
        return replace(problem, penalty=penalty)
    steepest = problem.majorised.majorising_curvature(problem.y, problem.y)
    weights = problem.weights * steepest
    return replace(problem, weights=weights, likelihood=Gaussian(1.0), penalty=penalty)


def _least_absolute(problem: Problem, v: FloatArray) -> FloatArray:
    """Near the least absolute deviations, by reweighting with 1 / |residual|."""
    for _ in range(10):
        distance = np.abs(problem.y - problem.linear_predictor(v))
        middle = float(np.median(distance))
        if middle == 0:
            break
        weights = problem.weights / np.maximum(distance / middle, 1e-3)
        v = minimise(replace(problem, weights=weights), v, 10).v
    return v


def _shifted_intercepts(problem: Problem, v: FloatArray) -> Iterator[FloatArray]:
    """The intercept moved to quantiles of the residuals, where it is there."""
    if not problem.has_intercept:
        return
    residual = problem.y - problem.linear_predictor(v)
    for shift in np.quantile(residual, _QUANTILES):
        moved = v.copy()
        moved[-1] += shift
        yield moved


def _subsets(
    problem: Problem, names: tuple[str, ...], rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Fits to a few rows each: some of them hold no outlier, or one cluster alone."""
    size = min(problem.size + 1, problem.n)
    for _ in range(_SUBSETS if size < problem.n else 0):
        rows = np.sort(rng.choice(problem.n, size, replace=False))
        part = replace(
            problem,
            X=problem.X[rows],
            y=problem.y[rows],
            weights=problem.weights[rows],
            offset=problem.offset[rows],
        )
        yield minimise(part, starting_point(part, names), 20).v


def _mixtures(
    problem: Problem, shrunk: FloatArray, believed: FloatArray, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Each coefficient with tails at its centre or where the data alone put it."""
    tails = problem.penalty.tails
    assert tails is not None
    centre = np.where(tails.present, problem.start, shrunk)
    yield centre
    for _ in range(_MIXTURES):
        mixed = np.where(rng.random(problem.size) < 0.5, centre, believed)
        yield np.where(tails.present, mixed, shrunk)
