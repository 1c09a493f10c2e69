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
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import AsymmetricLaplace, Bernoulli, Gaussian, Poisson
from bayesreg.model import Model
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
        ``coef`` is a Deterministic of the random ``coef_free``.

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
    data = data.to_dense()
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


def log_density_function(model: Model, data: Data) -> Callable[[FloatArray, float], float]:
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

    def log_density(coef: FloatArray, intercept: float = 0.0) -> float:
        w = np.asarray(coef, dtype=np.float64)
        point = {"coef": w, "coef_free": w[free], "intercept": np.asarray(float(intercept))}
        return float(compiled({name: point[name] for name in names}))

    return log_density


def build_pymc(problem: Problem, names: Sequence[str], rows: Sequence[int]) -> pm.Model:
    """A problem as a ``pymc.Model`` of the coefficients in the problem's own units."""
    import pymc as pm

    bounded = np.isfinite(problem.penalty.lower) | np.isfinite(problem.penalty.upper)
    if np.any(bounded & ~problem.penalty.is_pinned):
        raise ModelError("to_pymc cannot express bounds on coefficients; use an unbounded prior")
    with pm.Model(coords={"feature": list(names), "obs": list(rows)}) as pm_model:
        eta = pm.math.dot(problem.X, _coefficients(problem, names))
        if problem.has_intercept:
            eta = eta + _prior("intercept", problem.penalty.take(problem.p))
        if np.any(problem.offset):
            eta = eta + problem.offset
        _observe(problem, eta)
    return pm_model


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


def _prior(name: str, penalty: Penalty, dims: str | None = None) -> Any:
    """One random variable with the density exp(-g) / Z, by its name in PyMC if it has one."""
    import pymc as pm

    l1, l2, loc = penalty.l1, penalty.l2, penalty.loc
    if np.all(penalty.is_flat):
        return pm.Flat(name, dims=dims)
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
    elif isinstance(kind, AsymmetricLaplace):
        _observe_asymmetric_laplace(kind, eta, y, weights)
    else:
        raise ModelError(
            f"to_pymc has no counterpart of {kind!r}; it knows AsymmetricLaplace, Bernoulli, "
            "Gaussian, Poisson"
        )


def _observe_asymmetric_laplace(
    kind: AsymmetricLaplace, eta: Any, y: FloatArray, weights: FloatArray
) -> None:
    """PyMC's rates are b kappa above mu and b / kappa below it: q / s and (1 - q) / s."""
    import pymc as pm

    arguments = {
        "kappa": float(np.sqrt(kind.q / (1.0 - kind.q))),
        "b": float(np.sqrt(kind.q * (1.0 - kind.q)) / kind.s),
    }
    if np.all(weights == 1.0):
        pm.AsymmetricLaplace("y", mu=eta, **arguments, observed=y, dims="obs")
        return

    def weighted_logp(value: Any, eta: Any, weights: Any) -> Any:
        return weights * pm.logp(pm.AsymmetricLaplace.dist(mu=eta, **arguments), value)

    pm.CustomDist("y", eta, weights, logp=weighted_logp, observed=y, dims="obs")


def _observe_weighted(
    arguments: Callable[[Any], dict[str, Any]],
    distribution: Any,
    eta: Any,
    y: FloatArray,
    weights: FloatArray,
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
        "y", eta, weights, logp=weighted_logp, observed=counts, dims="obs", dtype="int64"
    )  # fmt: skip
