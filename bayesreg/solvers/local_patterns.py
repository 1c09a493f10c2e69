"""Starts for every way to believe some coefficients with tails and to shrink the others.

A Cauchy or Student-t prior is a spike with a slab: a mode keeps some coefficients in the spike,
near loc, and leaves the others to the data.  Of few coefficients all 2^m choices are gone through,
many at once: reweighted least squares on one quadratic stand-in of the loss,

    v <- argmin  v' G v / 2 - b' v + sum_j weight_j(v_old) (v_j - loc_j)^2 / 2,

exact for a Gaussian likelihood.  Where these end, apart from repetitions, the proper descent
begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem

_MOST_COEFFICIENTS = 8
_STEPS = 60
_MOST_STARTS = 24
# Share of the tails' curvature at their centre that a believed coefficient starts with.
_NEARLY_FLAT = 1e-6
# In natural units: nearer than this two points are one start.
_APART = 0.1
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class QuadraticLoss:
    """v' G v / 2 - b' v over some coefficients, with the penalty on them."""

    G: FloatArray
    b: FloatArray
    penalty: Penalty

    @classmethod
    def at(cls, problem: Problem, v: FloatArray) -> QuadraticLoss:
        """The loss about v, by parabolas above it where it is not convex."""
        eta, everything = problem.linear_predictor(v), np.arange(problem.size)
        G = problem.cross_products(everything, everything, problem.majorising_rows(eta), None)
        b = G @ v - problem.transposed_product(problem.gradient_rows(eta))
        return cls(G, b, problem.penalty)

    def values(self, V: FloatArray) -> FloatArray:
        """Quadratic plus penalty at the rows of V."""
        quadratic = 0.5 * np.einsum("ki,ki->k", V @ self.G, V) - V @ self.b
        return np.asarray(quadratic + np.sum(self.penalty.values(V), axis=1))

    def weights(self, V: FloatArray) -> FloatArray:
        """Curvatures of parabolas that lie above the penalty and touch it at V."""
        penalty = self.penalty
        away = np.abs(V - penalty.loc)
        kink = penalty.l1 / np.maximum(away, 1e-6 * self.unit)
        tails = 0.0 if penalty.tails is None else penalty.tails.weight(V - penalty.loc)
        return np.asarray(penalty.l2 + kink + tails)

    @property
    def unit(self) -> FloatArray:
        """What the data alone tell apart, for each coefficient."""
        diagonal = np.diagonal(self.G)
        return 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))

    def step(self, weights: FloatArray) -> FloatArray:
        """The optimum with each row of weights in place of the penalty."""
        H = np.repeat(self.G[None], len(weights), axis=0)
        diagonal = np.arange(self.b.size)
        loc = np.where(weights > 0, self.penalty.loc, 0.0)
        H[:, diagonal, diagonal] += weights + 1e-11 * np.diagonal(self.G) + np.finfo(float).tiny
        V = np.linalg.solve(H, (self.b + weights * loc)[..., None])[..., 0]
        return np.clip(V, self.penalty.lower, self.penalty.upper)

    def descend(self, V: FloatArray, steps: int) -> FloatArray:
        """Rows of V after so many steps of reweighting."""
        for _ in range(steps):
            V = self.step(self.weights(V))
        return V


def pattern_starts(problem: Problem, believed: FloatArray) -> list[FloatArray]:
    """Where reweighting ends from every choice of believed coefficients, the best first.

    Empty where there are too many to choose from.
    """
    tails = problem.penalty.tails
    if tails is None:
        return []
    free = np.flatnonzero(tails.present & ~problem.penalty.is_pinned)
    if not 0 < free.size <= _MOST_COEFFICIENTS or problem.size > 4 * _MOST_COEFFICIENTS:
        return []
    loss = QuadraticLoss.at(problem, believed)
    if not (np.all(np.isfinite(loss.G)) and np.all(np.isfinite(loss.b))):
        return []
    V = loss.step(_pattern_weights(loss, free))
    V = loss.descend(V, _STEPS)
    return distinct(loss, V[np.all(np.isfinite(V), axis=1)], _MOST_STARTS)


def _pattern_weights(loss: QuadraticLoss, free: IntArray) -> FloatArray:
    """Curvatures at the centre, those of the believed all but gone."""
    centre = loss.weights(loss.penalty.loc)
    believed = np.array(list(product([False, True], repeat=free.size)))
    weights = np.repeat(centre[None], len(believed), axis=0)
    weights[:, free] *= np.where(believed, _NEARLY_FLAT, 1.0)
    return weights


def distinct(loss: QuadraticLoss, V: FloatArray, most: int) -> list[FloatArray]:
    """The lowest rows of V that lie apart from those before them."""
    root = np.sqrt(np.diagonal(loss.G) + loss.weights(V))
    kept: list[int] = []
    for k in np.argsort(loss.values(V), kind="stable").tolist():
        if all(np.max(np.abs(V[k] - V[i]) * root[i]) > _APART for i in kept):
            kept.append(k)
        if len(kept) == most:
            break
    return [V[k] for k in kept]
