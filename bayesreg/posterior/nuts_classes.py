"""The posterior of K classes as the arrays of :mod:`bayesreg._kernels.posterior_density`.

What all classes share of a flat column changes no probability: its entry in the last class is held
at loc, and draws are moved so that they sum to 0 over the classes. The Jacobian is a constant.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg._kernels import posterior_density as density
from bayesreg._kernels import row_losses as rows
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.class_problem import ClassProblem
from bayesreg.penalty import Penalty
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.nuts_target import (
    Coordinates,
    padded,
    priors,
    rows_in_cache,
    target_of,
    why_scale_is_foreign,
)
from bayesreg.posterior.protocol import ClassSetup
from bayesreg.posterior.scalars import encode


def unsuited(posterior: ClassPosterior) -> str | None:
    """Why this density is not among those compiled here; None when it is."""
    if posterior.problem.penalty.is_pinned.all():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    moving = np.zeros(posterior.problem.size, dtype=bool)
    for scale in posterior.scales:
        moving |= scale.columns
    return why_scale_is_foreign(posterior.scalars, posterior.problem.penalty, moving)


def coordinates(posterior: ClassPosterior) -> Coordinates:
    """The target; entries of V class by class."""
    problem = posterior.problem
    free = np.flatnonzero(_moves(problem))
    penalty = Penalty.joined([problem.penalty] * problem.n_classes)
    held = np.where(problem.penalty.is_pinned, problem.penalty.lower, problem.penalty.loc)
    X = padded(problem.block(np.arange(problem.size)))
    still = np.zeros((problem.n_classes, X.shape[1]))
    still[:, : problem.size] = held - problem.penalty.loc
    of_class, column = np.divmod(free, problem.size)
    nothing, numbers = np.zeros(problem.n), encode([*posterior.scalars.values()])
    governing, governed = _pairs(posterior, column)
    parts = {
        "X": X, "chunk": rows_in_cache(X), "family": rows.GAUSSIAN, "sign": 1.0,
        "a": problem.weights, "b": problem.y, "c": nothing, "offset": nothing, "shift": nothing,
        "known_dispersion": 1.0, "dispersion_kind": density.NO_DISPERSION, "dispersion": 0,
        "rows_weight": float(np.sum(problem.weights)), "counts": np.zeros(0),
        "counts_weight": np.zeros(0), **priors(penalty.take(free)), "codes": numbers.codes,
        "parameters": numbers.parameters, "governing": governing, "governed": governed,
        "n_classes": problem.n_classes, "place": of_class * X.shape[1] + column,
        "still": np.ravel(still),
    }  # fmt: skip
    base = np.tile(held, problem.n_classes)
    return Coordinates(target_of(parts), problem, free, base, len(posterior.scales))


def _pairs(posterior: ClassPosterior, column: IntArray) -> tuple[IntArray, IntArray]:
    """Which scale governs which free entry, given the columns of these; flat ones have none."""
    proper = ~posterior.problem.penalty.is_flat[column]
    own = [np.flatnonzero(scale.columns[column] & proper) for scale in posterior.scales]
    which = [np.full(entries.size, k) for k, entries in enumerate(own)]
    nothing = np.zeros(0, dtype=np.intp)
    return np.concatenate([nothing, *which]), np.concatenate([nothing, *own])


def _moves(problem: ClassProblem) -> BoolArray:
    """(K, size): neither pinned nor the last class of a flat column."""
    moves = np.tile(~problem.penalty.is_pinned, (problem.n_classes, 1))
    moves[-1] &= ~problem.penalty.is_flat
    return moves


def with_last_held(setup: ClassSetup) -> ClassSetup:
    """The start with flat columns shifted to where the last class is at loc."""
    V = setup.posterior.by_class(setup.start)
    penalty = setup.posterior.problem.penalty
    return replace(setup, start=np.ravel(V - np.where(penalty.is_flat, V[-1] - penalty.loc, 0.0)))


def likelihood_curvature(
    problem: ClassProblem, found: Coordinates, w: density.Workspace
) -> FloatArray:
    """(d, d) Hessian of the loss in the entries v, from w after ``potential``:

    X' diag(s p_k ([k = l] - p_l)) X  for classes k and l.
    """
    chance, by_class = _chances(problem, found, w), _by_class(problem, found)
    d = found.free.size
    H = np.empty((d, d))
    for k, (left, columns) in enumerate(by_class):
        for m, (right, others) in enumerate(by_class[k:], start=k):
            h = problem.weights * chance[:, k] * (float(k == m) - chance[:, m])
            X = found.target.X
            block = (X[:, columns] * h[:, None]).T @ X[:, others]
            H[np.ix_(left, right)] = block
            H[np.ix_(right, left)] = block.T
    return H


def likelihood_curvatures(
    problem: ClassProblem, found: Coordinates, w: density.Workspace
) -> FloatArray:
    """(d,) its diagonal."""
    h = problem.curvature_rows(_predictors(found, w))
    of_class, column = np.divmod(found.target.place, found.target.X.shape[1])
    return np.asarray((h.T @ found.target.X**2)[of_class, column])


def _by_class(problem: ClassProblem, found: Coordinates) -> list[tuple[IntArray, IntArray]]:
    """The entries of each class and their columns."""
    of_class, column = np.divmod(found.target.place, found.target.X.shape[1])
    members = [np.flatnonzero(of_class == k) for k in range(problem.n_classes)]
    return [(own, column[own]) for own in members]


def _chances(problem: ClassProblem, found: Coordinates, w: density.Workspace) -> FloatArray:
    return problem.likelihood.mean(_predictors(found, w))


def _predictors(found: Coordinates, w: density.Workspace) -> FloatArray:
    V = w.v_by_class.reshape(-1, found.target.X.shape[1])
    return np.asarray(found.target.X @ V.T)
