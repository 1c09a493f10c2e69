"""Likelihoods of K classes in PyMC: a vector of coefficients and an intercept per class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes, class_penalty
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.penalty import Penalty
from bayesreg.pymc.priors import prior_variable, refuse_bounds
from bayesreg.pymc.targets import observe_weighted

if TYPE_CHECKING:
    import pymc as pm


def class_model(model: Model, data: Data) -> pm.Model:
    """K classes: coef (class, feature), intercept (class,), y Categorical."""
    problem = bind_classes(model, data)
    own, on_intercept = class_penalty(model, data), model.intercept_penalty()
    used = np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)
    in_user_units = replace(
        problem,
        X=data.X[used],
        unit=np.ones(data.p),
        shift=np.zeros(data.p),
        penalty=own if on_intercept is None else Penalty.joined([own, on_intercept]),
    )
    return build_class_pymc(in_user_units, data.names, used.tolist())


def build_class_pymc(problem: ClassProblem, names: Sequence[str], rows: Sequence[int]) -> pm.Model:
    """A problem as a ``pymc.Model`` of the coefficients in the problem's own units."""
    import pymc as pm

    refuse_bounds(problem.penalty)
    n_classes, p = problem.n_classes, problem.p
    coords = {"feature": list(names), "class": list(range(n_classes)), "obs": list(rows)}
    penalty = of_classes(problem.penalty, n_classes)
    with pm.Model(coords=coords) as pm_model:
        coef = _by_class("coef", penalty.take((slice(None), slice(0, p))), ("class", "feature"))
        eta = pm.math.dot(problem.X, coef.T)
        if problem.has_intercept:
            on_intercept = penalty.take((slice(None), slice(p, None)))
            eta = eta + _by_class("intercept", on_intercept, ("class", None)).T
        observe_weighted(
            lambda eta: {"logit_p": eta}, pm.Categorical, eta, problem.y, problem.weights,
            signature="(k),()->()",
        )  # fmt: skip
    return pm_model


def class_point(problem: ClassProblem, V: FloatArray) -> dict[str, FloatArray]:
    """The variables that the model of a problem may have, at extended vectors V."""
    V = problem.centred(V)
    free = _free_entries(of_classes(problem.penalty, problem.n_classes))
    W, of_coef = V[:, : problem.p], free[:, : problem.p]
    point = {"coef": W, "coef_free": W[of_coef]}
    if problem.has_intercept:
        point |= {"intercept": V[:, -1], "intercept_free": V[free[:, -1], -1]}
    return point


def of_classes(penalty: Penalty, n_classes: int) -> Penalty:
    """(K, p) arrays."""
    return Penalty.joined([penalty] * n_classes).take(
        np.arange(n_classes * penalty.size).reshape(n_classes, -1)
    )


def _by_class(name: str, penalty: Penalty, dims: tuple[str, str | None]) -> Any:
    """A (class, column) variable; the last class of flat columns is minus the sum of the others."""
    import pymc as pm
    import pytensor.tensor as pt

    intercept = dims[1] is None
    free = _free_entries(penalty)
    if free.all():
        part = penalty.take((slice(None), 0)) if intercept else penalty
        drawn = prior_variable(name, part, dims="class" if intercept else dims)
        return drawn[:, None] if intercept else drawn
    matrix = pt.as_tensor_variable(np.where(penalty.is_pinned, penalty.lower, 0.0))
    if free.any():
        drawn = prior_variable(f"{name}_free", penalty.take(free))
        matrix = pt.set_subtensor(matrix[np.nonzero(free)], drawn)
    flat = np.flatnonzero(penalty.is_flat[-1])
    if flat.size:
        matrix = pt.set_subtensor(matrix[-1, flat], -pt.sum(matrix[:-1, flat], axis=0))
    if intercept:
        pm.Deterministic(name, matrix[:, 0], dims="class")
        return matrix
    return pm.Deterministic(name, matrix, dims=dims)


def _free_entries(penalty: Penalty) -> Any:
    """The entries that are random: neither pinned nor the last class of a flat column."""
    free = ~penalty.is_pinned
    free[-1] &= ~penalty.is_flat[-1]
    return free


def class_density(
    model: Model, data: Data, compiled: Callable[[dict[str, Any]], Any], names: set[str]
) -> Callable[[FloatArray, Any], float]:
    n_classes = model.number_of_classes(data)
    penalty = of_classes(class_penalty(model, data), n_classes)
    free, flat = _free_entries(penalty), penalty.is_flat[0]

    def log_density(coef: FloatArray, intercept: Any = 0.0) -> float:
        W = np.asarray(coef, dtype=np.float64)
        W = W - np.where(flat, W.mean(axis=0), 0.0)
        a = np.broadcast_to(np.asarray(intercept, dtype=np.float64), (n_classes,))
        point = {"coef": W, "coef_free": W[free], "intercept": a}
        point["intercept_free"] = (a - a.mean())[:-1]
        return float(compiled({name: point[name] for name in names}))

    return log_density
