"""The same model in PyMC: one joint log density, constants included, to rounding.

    log p(y, coef, intercept) = sum_i log p(y_i | eta_i) + sum_j log p(coef_j) + log p(intercept)

Importing this module imports nothing of PyMC; calling it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.class_problem import bind_classes
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Bernoulli, ClassLikelihood, Gaussian, Poisson
from bayesreg.model import Model, require_model_and_data
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem, bind

if TYPE_CHECKING:
    import pymc as pm


def to_pymc(model: Model, data: Data) -> pm.Model:
    """The model as a ``pymc.Model``, on the original columns.

    Its variables are ``coef`` (dimension ``feature``), ``intercept`` where the model has one,
    and the observed ``y`` (dimension ``obs``); its joint log density equals
    ``model.log_density(data, coef, intercept)``.

    Parameters
    ----------
    model, data
        The posterior. Rows of weight 0 are left out; ``obs`` keeps their numbers free.

    Returns
    -------
    pymc.Model
        Named PyMC distributions where one exists for all coefficients; a ``CustomDist`` with
        the same density for an elastic net or a mixture of priors, and for weights of a
        likelihood other than Gaussian (both without a random method: sampling from the prior
        needs the named ones). Constant columns under ``standardize=True`` are pinned: then
        ``coef`` is a Deterministic of the random ``coef_free``. Under ``Multinomial`` ``coef``
        has the dimensions ``class`` and ``feature``, ``intercept`` the dimension ``class``; flat
        intercepts and flat columns sum to 0 over the classes, as Deterministics of the random
        ``intercept_free`` and ``coef_free`` without the last class.

    Raises
    ------
    ModelError
        A likelihood or a bound that has no counterpart here.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> pm_model = br.to_pymc(br.Model(br.Gaussian(sigma=1.0), br.Laplace(scale=1.0)), data)
    >>> [variable.name for variable in pm_model.free_RVs]
    ['coef', 'intercept']
    """
    require_model_and_data(model, data)
    data = data.to_dense()
    if isinstance(model.likelihood, ClassLikelihood):
        return _class_model(model, data)
    problem = bind(model, data)
    used = np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)
    penalty = model.coefficient_penalty(data)
    on_intercept = model.intercept_penalty()
    in_user_units = replace(
        problem,
        X=data.X[used],
        unit=np.ones(data.p),
        shift=np.zeros(data.p),
        penalty=penalty if on_intercept is None else Penalty.joined([penalty, on_intercept]),
    )
    return build_pymc(in_user_units, data.names, used.tolist())


def log_density_function(model: Model, data: Data) -> Callable[[FloatArray, Any], float]:
    """PyMC's joint log density as a function of coef and intercept, compiled once.

    The fast compiler is used: this is for comparing values, not for sampling.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        pm_model = to_pymc(model, data)
        compiled = pm_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    free = ~model.coefficient_penalty(data).is_pinned
    names = {variable.name for variable in pm_model.free_RVs}
    if isinstance(model.likelihood, ClassLikelihood):
        return _class_density(model, data, compiled, names)

    def log_density(coef: FloatArray, intercept: float = 0.0) -> float:
        w = np.asarray(coef, dtype=np.float64)
        point = {"coef": w, "coef_free": w[free], "intercept": np.asarray(float(intercept))}
        return float(compiled({name: point[name] for name in names}))

    return log_density


def _class_model(model: Model, data: Data) -> pm.Model:
    """K classes: coef (class, feature), intercept (class,), y Categorical."""
    import pymc as pm

    problem = bind_classes(model, data)
    penalty = model.coefficient_penalty(data)
    _refuse_bounds(penalty)
    used = np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)
    coords = {
        "feature": list(data.names),
        "class": list(range(problem.n_classes)),
        "obs": used.tolist(),
    }
    with pm.Model(coords=coords) as pm_model:
        coef = _by_class("coef", _of_classes(penalty, problem.n_classes), ("class", "feature"))
        eta = pm.math.dot(data.X[used], coef.T)
        on_intercept = model.intercept_penalty()
        if on_intercept is not None:
            _refuse_bounds(on_intercept)
            prior = _of_classes(on_intercept, problem.n_classes)
            eta = eta + _by_class("intercept", prior, ("class", None)).T
        _observe_weighted(
            lambda eta: {"logit_p": eta}, pm.Categorical, eta, problem.y, problem.weights,
            signature="(k),()->()",
        )  # fmt: skip
    return pm_model


def _of_classes(penalty: Penalty, n_classes: int) -> Penalty:
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
        drawn = _prior(name, part, dims="class" if intercept else dims)
        return drawn[:, None] if intercept else drawn
    matrix = pt.as_tensor_variable(np.where(penalty.is_pinned, penalty.lower, 0.0))
    if free.any():
        drawn = _prior(f"{name}_free", penalty.take(free))
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


def _class_density(
    model: Model, data: Data, compiled: Callable[[dict[str, Any]], Any], names: set[str]
) -> Callable[[FloatArray, Any], float]:
    n_classes = model.number_of_classes(data)
    penalty = _of_classes(model.coefficient_penalty(data), n_classes)
    free, flat = _free_entries(penalty), penalty.is_flat[0]

    def log_density(coef: FloatArray, intercept: Any = 0.0) -> float:
        W = np.asarray(coef, dtype=np.float64)
        W = W - np.where(flat, W.mean(axis=0), 0.0)
        a = np.broadcast_to(np.asarray(intercept, dtype=np.float64), (n_classes,))
        point = {"coef": W, "coef_free": W[free], "intercept": a}
        point["intercept_free"] = (a - a.mean())[:-1]
        return float(compiled({name: point[name] for name in names}))

    return log_density


def build_pymc(problem: Problem, names: Sequence[str], rows: Sequence[int]) -> pm.Model:
    """A problem as a ``pymc.Model`` of the coefficients in the problem's own units."""
    import pymc as pm

    _refuse_bounds(problem.penalty)
    with pm.Model(coords={"feature": list(names), "obs": list(rows)}) as pm_model:
        eta = pm.math.dot(problem.X, _coefficients(problem, names))
        if problem.has_intercept:
            eta = eta + _prior("intercept", problem.penalty.take(problem.p))
        if np.any(problem.offset):
            eta = eta + problem.offset
        _observe(problem, eta)
    return pm_model


def _refuse_bounds(penalty: Penalty) -> None:
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    if np.any(bounded & ~penalty.is_pinned):
        raise ModelError("to_pymc cannot express bounds on coefficients; use an unbounded prior")


def _coefficients(problem: Problem, names: Sequence[str]) -> Any:
    """The vector of coefficients; pinned entries are constants in it."""
    import pymc as pm
    import pytensor.tensor as pt

    penalty = problem.penalty.take(slice(0, problem.p))
    free = np.flatnonzero(~penalty.is_pinned)
    if free.size == problem.p:
        return _prior("coef", penalty, dims="feature")
    coef = pt.as_tensor_variable(np.where(penalty.is_pinned, penalty.lower, 0.0))
    if free.size:
        pm.modelcontext(None).add_coord("free_feature", [names[int(j)] for j in free])
        drawn = _prior("coef_free", penalty.take(free), dims="free_feature")
        coef = pt.set_subtensor(coef[free], drawn)
    return pm.Deterministic("coef", coef, dims="feature")


def _prior(name: str, penalty: Penalty, dims: Any = None) -> Any:
    """One random variable with the density exp(-g) / Z, by its name in PyMC if it has one."""
    import pymc as pm

    l1, l2, loc = penalty.l1, penalty.l2, penalty.loc
    if np.all(penalty.is_flat):
        return pm.Flat(name, dims=dims, shape=None if dims else l1.shape)
    if np.all(l1 > 0) and np.all(l2 == 0):
        return pm.Laplace(name, mu=loc, b=1.0 / l1, dims=dims)
    if np.all(l1 == 0) and np.all(l2 > 0):
        return pm.Normal(name, mu=loc, sigma=1.0 / np.sqrt(l2), dims=dims)
    normaliser = penalty.log_normaliser()
    return pm.CustomDist(
        name, l1, l2, loc, normaliser, logp=_elastic_net_logp, dims=dims,
        support_point=lambda rv, size, l1, l2, loc, normaliser: loc,
    )  # fmt: skip


def _elastic_net_logp(value: Any, l1: Any, l2: Any, loc: Any, normaliser: Any) -> Any:
    """-l1 |w - loc| - l2 (w - loc)^2 / 2 - log Z; flat, Laplace and normal are special cases."""
    distance = abs(value - loc)
    return -l1 * distance - 0.5 * l2 * distance**2 - normaliser


def _observe(problem: Problem, eta: Any) -> None:
    """The observed variable ``y`` given the linear predictor."""
    import pymc as pm

    kind, y, weights = problem.likelihood, problem.y, problem.weights
    if isinstance(kind, Gaussian):
        pm.Normal("y", mu=eta, sigma=kind.sigma / np.sqrt(weights), observed=y, dims="obs")
    elif isinstance(kind, Bernoulli):
        _observe_weighted(lambda eta: {"logit_p": eta}, pm.Bernoulli, eta, y, weights)
    elif isinstance(kind, Poisson):
        _observe_weighted(lambda eta: {"mu": pm.math.exp(eta)}, pm.Poisson, eta, y, weights)
    else:
        raise ModelError(
            f"to_pymc has no counterpart of {kind!r}; it knows Bernoulli, Gaussian, Poisson"
        )


def _observe_weighted(
    arguments: Callable[[Any], dict[str, Any]],
    distribution: Any,
    eta: Any,
    y: FloatArray,
    weights: FloatArray,
    signature: str | None = None,
) -> None:
    """s_i log p(y_i | eta_i): the distribution itself where every weight is 1."""
    import pymc as pm

    counts = y.astype(np.int64)
    if np.all(weights == 1.0):
        distribution("y", **arguments(eta), observed=counts, dims="obs")
        return

    def weighted_logp(value: Any, eta: Any, weights: Any) -> Any:
        return weights * pm.logp(distribution.dist(**arguments(eta)), value)

    pm.CustomDist(
        "y", eta, weights, logp=weighted_logp, observed=counts, dims="obs", dtype="int64",
        signature=signature,
    )  # fmt: skip
