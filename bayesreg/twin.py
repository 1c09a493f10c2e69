"""The penalised twin, fitted for real: the same optimum from another library.

The library's point is judged by *our* objective: how many nats it lies above the certified mode,
and how far its coefficients are.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import Penalised, to_penalty
from bayesreg.data import Data
from bayesreg.design import is_sparse
from bayesreg.errors import NoEquivalentError
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.solvers import MapEstimate


@dataclass(frozen=True, eq=False)
class TwinFit:
    """What the library returned, beside the mode.

    Attributes
    ----------
    model : Model
        The model whose twin it is.
    penalised : Penalised
        Target, converted parameters, objective and code.
    coef, intercept
        The library's estimates.
    largest_difference : float
        Largest absolute difference of a coefficient or the intercept from the mode.
    excess : float
        The library's objective minus the mode's, in nats: negative if the library went lower.
    zeros_agree : bool
        Both have the same exact zeros.
    converged : bool
        False when the library itself warned that its solver stopped early, or stopped where its
        rule says nothing (saga at coefficients that are all 0).
    """

    model: Model
    penalised: Penalised
    coef: FloatArray
    intercept: float
    largest_difference: float
    excess: float
    zeros_agree: bool
    converged: bool


def twin_target(problem: Problem) -> str:
    """The scikit-learn estimator with the same likelihood and penalty.

    Raises
    ------
    NoEquivalentError
        When there is none.
    """
    has_l1 = bool(np.any(problem.penalty.l1[: problem.p] > 0))
    has_l2 = bool(np.any(problem.penalty.l2[: problem.p] > 0))
    kind = type(problem.likelihood).__name__
    if kind == "Gaussian":
        return {
            (True, False): "sklearn.Lasso",
            (True, True): "sklearn.ElasticNet",
        }.get((has_l1, has_l2), "sklearn.Ridge")
    if kind == "Bernoulli":
        return "sklearn.LogisticRegression"
    if kind in ("Poisson", "Gamma") and not has_l1:
        return f"sklearn.{kind}Regressor"
    if kind == "AsymmetricLaplace" and not has_l2:
        return "sklearn.QuantileRegressor"
    with_l1 = " with an L1 penalty" if kind in ("Poisson", "Gamma") else ""
    raise NoEquivalentError(
        f"no scikit-learn estimator is known here for {problem.likelihood!r}{with_l1}"
    )


def fit_twin(model: Model, data: Data, fit: MapEstimate, target: str | None = None) -> TwinFit:
    """Convert the model, fit the library's estimator, compare with the mode.

    Parameters
    ----------
    model, data : the posterior
    fit : MapEstimate
        Its mode.
    target : str, optional
        Name of the estimator; by default the scikit-learn one with the same penalty.

    Raises
    ------
    NoEquivalentError
        When the library cannot express the model.
    """
    problem = bind(model, data)
    penalised = to_penalty(model, target or twin_target(problem), data)
    estimator = penalised.build()
    factors = penalised.column_factors
    converged = _fitted(estimator, data if factors is None else _rescaled(data, factors))
    coef = np.ravel(estimator.coef_).astype(np.float64) * (1.0 if factors is None else factors)
    converged = converged and not _stopped_at_zero(penalised, coef)
    intercept = float(np.ravel(estimator.intercept_)[0]) if problem.has_intercept else 0.0
    excess = problem.value(problem.extended(coef, intercept))
    excess -= problem.value(problem.extended(fit.coef, fit.intercept))
    differences = np.append(coef - fit.coef, intercept - fit.intercept)
    return TwinFit(
        model=model,
        penalised=penalised,
        coef=coef,
        intercept=intercept,
        largest_difference=float(np.max(np.abs(differences))),
        excess=excess,
        zeros_agree=bool(np.array_equal(coef == 0, fit.coef == 0)),
        converged=converged,
    )


def _rescaled(data: Data, factors: FloatArray) -> Data:
    """The columns on which one strength serves coefficients with scales of their own."""
    X = data.X.multiply(factors).tocsr() if is_sparse(data.X) else data.X * factors
    return Data(X, data.y, weights=data.weights, offset=data.offset)


def _stopped_at_zero(penalised: Penalised, coef: FloatArray) -> bool:
    """saga's rule leaves the intercept out: at zero coefficients it stops wherever that is."""
    return penalised.parameters.get("solver") == "saga" and not np.any(coef)


def _fitted(estimator: Any, data: Data) -> bool:
    """Fit in place; False when the library says that it did not converge."""
    from sklearn.exceptions import ConvergenceWarning

    arguments = {} if data.weights is None else {"sample_weight": data.weights}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(data.X, data.y, **arguments)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
