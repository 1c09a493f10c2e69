"""Proof that coefficients from anywhere are the posterior mode: checks, then :mod:`.point`."""

from __future__ import annotations

import numpy as np

from bayesreg import _checks
from bayesreg._frames import require_column_order
from bayesreg._types import FloatArray
from bayesreg.class_problem import bind_classes
from bayesreg.coefficients import class_intercepts, coefficient_matrix, coefficient_vector
from bayesreg.data import Data
from bayesreg.design import Design
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import has_classes, is_smooth
from bayesreg.model import Model
from bayesreg.problem import Problem, bind
from bayesreg.proof.certificate import Certificate
from bayesreg.proof.point import certify_class_point, certify_point


def certify(
    model: Model,
    data: Data,
    coef: FloatArray,
    intercept: float | FloatArray | None = None,
    *,
    tol: float = 1e-8,
    dual: FloatArray | None = None,
) -> Certificate:
    """Bound how far any coefficients, from any software, are from the posterior mode.

    Parameters
    ----------
    model, data
        The posterior.
    coef : (p,) array, or (1, p) as scikit-learn's classifiers have it; (K, p) for Multinomial
    intercept : float, or an array of one; (K,) for Multinomial
        Required where the model has one; ignored where it has none.
    tol : float
        Relative gap at which the certificate holds.
    dual : (n,) array, optional
        For a likelihood with corners (AsymmetricLaplace): a dual point, d (data term) / d eta of
        each row, to be checked as the proof. Without one, or where it does not suffice, one is
        found here. A smooth likelihood has no use for it.

    Raises
    ------
    DataError, DataTypeError, ModelError
        For coefficients, intercept or tol that are not finite real numbers of the right shape, or
        so large that the linear predictor is out of floating point; for coefficients whose labels
        are not the columns in order; for no intercept where the model has one.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0))
    >>> br.certify(model, data, np.array([0.5]), 0.5).holds
    True
    >>> br.certify(model, data, np.array([0.6]), 0.4).holds
    False
    """
    if has_classes(model.likelihood):
        return _certify_classes(model, data, coef, intercept, tol)
    problem = bind(model, data)
    require_column_order(coef, data.names, "coef")
    w = coefficient_vector(coef, data.p)
    if not np.all(np.isfinite(w)):
        j = int(np.argmin(np.isfinite(w)))
        raise DataError(f"coef must be finite; found {float(w[j])!r} for column {data.names[j]!r}")
    intercept = _given_intercept(model, intercept)
    a = float(coefficient_vector(np.ravel(intercept), 1, "intercept")[0])
    if not np.isfinite(a):
        raise DataError(f"intercept must be finite; got {a!r}")
    tol = _checks.positive_number(tol, "tol")
    theta = None if dual is None else _checked_dual(problem, data, dual)
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite gap is an answer
        v = problem.extended(w, a)
        _require_moderate(np.abs(problem.offset) + _term_sizes(problem.X, v, problem.p))
        return certify_point(problem, v, tol, dual=theta)


def _given_intercept(model: Model, intercept: float | FloatArray | None) -> float | FloatArray:
    """Coefficients are a mode together with their intercept, so that none is assumed."""
    if intercept is not None:
        return intercept
    if model.intercept is None:
        return 0.0
    raise ModelError(
        f"intercept is missing, and the model has one ({model.intercept!r}); pass intercept= "
        "(scikit-learn's intercept_), or certify a model with intercept=None"
    )


def _term_sizes(X: Design, v: FloatArray, p: int) -> FloatArray:
    """sum_j |x_ij w_j| + |a| of each row."""
    terms = abs(X) @ np.abs(v[:p])
    return np.asarray(terms + np.abs(v[p]) if v.size > p else terms)


def _require_moderate(terms: FloatArray) -> None:
    """Refuse a linear predictor whose products with the data would not be numbers."""
    beyond = ~(terms <= _checks.LARGEST)
    if beyond.any():
        row = int(np.argmax(beyond))
        size = "overflows" if not np.isfinite(terms[row]) else f"has terms up to {terms[row]:.3g}"
        raise DataError(
            f"the linear predictor {size} in row {row}; beyond {_checks.LARGEST:g} its products "
            "with the data are out of floating point. Check coef and intercept (are they in the "
            "units of X?), or measure the columns and y in other units"
        )


def _checked_dual(problem: Problem, data: Data, dual: FloatArray) -> FloatArray:
    """The dual of the rows that count."""
    if is_smooth(problem.likelihood):
        raise ModelError(
            f"dual is for likelihoods with corners; that of {problem.likelihood!r} follows from "
            "the coefficients. Leave it out"
        )
    theta = coefficient_vector(dual, data.n if data.weights is None else data.y.size, "dual")
    if not np.all(np.isfinite(theta)):
        raise DataError("dual must be finite")
    return theta if data.weights is None else theta[data.weights > 0]


def _certify_classes(
    model: Model, data: Data, coef: FloatArray, intercept: float | FloatArray | None, tol: float
) -> Certificate:
    problem = bind_classes(model, data)
    require_column_order(coef, data.names, "coef")
    W = coefficient_matrix(coef, problem.n_classes, data.p)
    if not np.all(np.isfinite(W)):
        k, j = np.argwhere(~np.isfinite(W))[0]
        raise DataError(
            f"coef must be finite; found {float(W[k, j])!r} for class {k}, column {data.names[j]!r}"
        )
    intercept = _given_intercept(model, intercept)
    a = class_intercepts(intercept, problem.n_classes)
    if not np.all(np.isfinite(a)):
        raise DataError(f"intercept must be finite; got {a.tolist()!r}")
    tol = _checks.positive_number(tol, "tol")
    with np.errstate(over="ignore", invalid="ignore"):
        V = problem.extended(W, a)
        for v in V:
            _require_moderate(_term_sizes(problem.X, v, problem.p))
        return certify_class_point(problem, V, tol)
