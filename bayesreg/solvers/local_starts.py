"""Where the search for local modes begins: the same points every time.

No finite list finds every mode of every problem.  These are the places where modes of the models at
hand are known to lie: the prior's centre, the convex problem with a Gaussian in place of Student's
t, the data without the prior, a fit that outliers hardly touch, clusters of rows, and coefficients
in turn believed or shrunk (all choices of few: :mod:`bayesreg.solvers.local_patterns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem
from bayesreg.solvers.local_patterns import pattern_starts
from bayesreg.solvers.newton import minimise
from bayesreg.solvers.start import starting_point

_SEED = 20240229
_SUBSETS, _BEST_SUBSETS, _MIXTURES = 300, 8, 6
_MOST_COEFFICIENTS = 30
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
    yield from pattern_starts(problem, believed)
    if robust:
        yield from _shifted_intercepts(problem, shrunk)
        yield from _subsets(problem, rng)
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


def _subsets(problem: Problem, rng: np.random.Generator) -> Iterator[FloatArray]:
    """The best of many exact fits to as few rows as there are coefficients.

    Some of them hold no outlier, or one cluster alone (Rousseeuw and Leroy 1987, chapter 5).
    """
    size, n = problem.size, problem.n
    if size > min(n, _MOST_COEFFICIENTS):
        return
    if comb(n, size) <= _SUBSETS:
        rows = np.array(list(combinations(range(n), size)))
    else:
        rows = np.stack([rng.choice(n, size, replace=False) for _ in range(_SUBSETS)])
    A = problem.block(np.arange(size))[rows]
    b = (problem.y - problem.offset)[rows]
    normal = np.swapaxes(A, 1, 2) @ A
    diagonal = np.einsum("kjj->kj", normal)
    unit = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = normal / unit[:, None, :] / unit[:, :, None] + 1e-9 * np.eye(size)
    right = (np.swapaxes(A, 1, 2) @ b[..., None])[..., 0] / unit
    fits = np.linalg.solve(scaled, right[..., None])[..., 0] / unit
    fits = np.clip(fits, problem.penalty.lower, problem.penalty.upper)
    values = np.array([problem.value(v) for v in fits])
    yield from fits[np.argsort(values, kind="stable")[:_BEST_SUBSETS]]


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
