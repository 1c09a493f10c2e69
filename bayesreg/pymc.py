"""The same model in PyMC: one joint log density, constants included, to rounding.

    log p(y, coef, intercept) = sum_i log p(y_i | eta_i) + sum_j log p(coef_j) + log p(intercept)

Importing this module imports nothing of PyMC; calling it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import bind_classes, class_penalty
from bayesreg.covariance import AnyPenalty, CorrelatedPenalty
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.group_penalty import GroupedPenalty, joined
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    ClassLikelihood,
    Gamma,
    Gaussian,
    Likelihood,
    NegativeBinomial,
    Poisson,
    StudentT,
    noise_prior,
)
from bayesreg.model import Model, relative_to_noise, require_model_and_data
from bayesreg.penalty import Penalty
from bayesreg.priors import (
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Uniform,
)
from bayesreg.problem import Problem, bind
from bayesreg.tails import Tails

if TYPE_CHECKING:
    import pymc as pm


def to_pymc(model: Model, data: Data) -> pm.Model:
    """The model as a ``pymc.Model``, on the original columns.

    Its variables are ``coef`` (dimension ``feature``), ``intercept`` where the model has one,
    and the observed ``y`` (dimension ``obs``); its joint log density equals
    ``model.log_density(data, coef, intercept)``. With sigma unknown ``sigma`` is a variable too
    and the density that of ``model.log_density(data, coef, intercept, sigma=sigma)``.

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
        needs the named ones). ``MultivariateNormal`` for all coefficients is
        ``pm.MvNormal``; beside other priors, and for ``GroupLaplace``, ``coef`` is ``pm.Flat`` with
        the density in a ``pm.Potential``. Constant columns under ``standardize=True`` are pinned:
        then ``coef`` is a Deterministic of the random ``coef_free``. Under ``Multinomial`` ``coef``
        has the dimensions ``class`` and ``feature``, ``intercept`` the dimension ``class``; flat
        intercepts and flat columns sum to 0 over the classes, as Deterministics of the random
        ``intercept_free`` and ``coef_free`` without the last class.

    Raises
    ------
    ModelError
        A likelihood or a bound that has no counterpart here.

    Notes
    -----
    ``pymc.find_MAP`` on a model with unknown sigma climbs this same joint density, and which of
    its local modes it returns depends on the start, without a warning: for n = 60, p = 12,
    Laplace(0.05) and sigma ~ HalfNormal(5) it ends near sigma 0.57 from the least-squares
    coefficients, and from its own start near the null model, sigma 2.6 and every coefficient
    near 0, five nats below (``tests/test_noise_modes.py``). ``find_map(model, data,
    target="joint")`` lists both and returns the better.

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
    on_sigma = noise_prior(model.likelihood)
    stated = model if on_sigma is None else model.at_sigma(1.0)
    problem = bind(stated, data)
    used = np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)
    penalty = stated.coefficient_penalty(data)
    own = penalty.standard if isinstance(penalty, CorrelatedPenalty) else penalty
    on_intercept = stated.intercept_penalty()
    in_user_units = replace(
        problem,
        X=data.X[used],
        unit=np.ones(data.p),
        shift=np.zeros(data.p),
        offset=np.zeros(used.size) if data.offset is None else data.offset[used],
        penalty=own if on_intercept is None else joined([own, on_intercept]),
        blocks=(),
    )
    relative = relative_to_noise(model, data)
    return build_pymc(in_user_units, data.names, used.tolist(), penalty, on_sigma, relative)


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
    penalty = class_penalty(model, data)
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
    penalty = _of_classes(class_penalty(model, data), n_classes)
    free, flat = _free_entries(penalty), penalty.is_flat[0]

    def log_density(coef: FloatArray, intercept: Any = 0.0) -> float:
        W = np.asarray(coef, dtype=np.float64)
        W = W - np.where(flat, W.mean(axis=0), 0.0)
        a = np.broadcast_to(np.asarray(intercept, dtype=np.float64), (n_classes,))
        point = {"coef": W, "coef_free": W[free], "intercept": a}
        point["intercept_free"] = (a - a.mean())[:-1]
        return float(compiled({name: point[name] for name in names}))

    return log_density


def build_pymc(
    problem: Problem,
    names: Sequence[str],
    rows: Sequence[int],
    penalty: AnyPenalty | None = None,
    on_sigma: Any = None,
    relative: BoolArray | None = None,
) -> pm.Model:
    """A problem as a ``pymc.Model`` of the coefficients in the problem's own units.

    ``penalty`` is that of the coefficients, where it is not the problem's. With a prior
    ``on_sigma`` the problem is that at sigma = 1, and ``relative`` says which penalties move with
    sigma.
    """
    import pymc as pm

    penalty = problem.penalty.take(slice(0, problem.p)) if penalty is None else penalty
    _refuse_bounds(problem.penalty)
    with pm.Model(coords={"feature": list(names), "obs": list(rows)}) as pm_model:
        sigma = None if on_sigma is None else _sigma(on_sigma)
        spread: Any = np.ones(problem.size)
        if sigma is not None and relative is not None and relative.any():
            spread = pm.math.switch(relative, sigma, 1.0)
        eta = pm.math.dot(problem.X, _coefficients(penalty, names, spread))
        if problem.has_intercept:
            on_intercept = problem.penalty.take(problem.p)
            eta = eta + _prior("intercept", on_intercept, spread=spread[problem.p])
        if np.any(problem.offset):
            eta = eta + problem.offset
        _observe(problem, eta, sigma)
    return pm_model


def _sigma(prior: Any) -> Any:
    """The random noise sd, by its name in PyMC where the density has one there."""
    import pymc as pm

    # A Python float would become single precision there.
    double = np.float64
    if isinstance(prior, HalfNormal):
        return pm.HalfNormal("sigma", sigma=double(prior.scale))  # type: ignore[arg-type]
    if isinstance(prior, Exponential):
        return pm.Exponential("sigma", scale=double(prior.scale))  # type: ignore[arg-type]
    if isinstance(prior, Uniform):
        lower, upper = double(prior.lower), double(prior.upper)  # type: ignore[arg-type]
        return pm.Uniform("sigma", lower=lower, upper=upper)
    if isinstance(prior, HalfCauchy):
        return pm.HalfCauchy("sigma", beta=double(prior.scale))
    sigma = pm.HalfFlat("sigma")
    if isinstance(prior, Jeffreys):
        pm.Potential("sigma_prior", -pm.math.log(sigma))
    elif isinstance(prior, InverseGamma):
        # PyMC's InverseGamma would be a density of sigma^2; here it is taken in sigma.
        constant = math.log(2) + prior.shape * math.log(prior.scale) - math.lgamma(prior.shape)
        order = 2 * prior.shape + 1
        potential = constant - order * pm.math.log(sigma) - prior.scale / sigma**2
        pm.Potential("sigma_prior", potential)
    elif not isinstance(prior, Flat):
        raise ModelError(f"to_pymc has no counterpart of sigma ~ {prior!r}")
    return sigma


def _refuse_bounds(penalty: Penalty) -> None:
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    if np.any(bounded & ~penalty.is_pinned):
        raise ModelError("to_pymc cannot express bounds on coefficients; use an unbounded prior")


def _coefficients(penalty: AnyPenalty, names: Sequence[str], spread: Any) -> Any:
    """The vector of coefficients; pinned entries are constants in it."""
    import pymc as pm
    import pytensor.tensor as pt

    free = np.flatnonzero(~penalty.is_pinned)
    if free.size == penalty.size:
        return _prior("coef", penalty, "feature", spread[: penalty.size])
    coef = pt.as_tensor_variable(np.where(penalty.is_pinned, penalty.lower, 0.0))
    if free.size:
        pm.modelcontext(None).add_coord("free_feature", [names[int(j)] for j in free])
        drawn = _prior("coef_free", penalty.take(free), "free_feature", spread[free])
        coef = pt.set_subtensor(coef[free], drawn)
    return pm.Deterministic("coef", coef, dims="feature")


def _prior(name: str, penalty: AnyPenalty, dims: Any = None, spread: Any = 1.0) -> Any:
    """One random variable with the density exp(-g) / Z, by its name in PyMC if it has one.

    Its scale is ``spread`` times that of the penalty.
    """
    import pymc as pm

    if isinstance(penalty, CorrelatedPenalty) and penalty.blocks[0].loc.size == penalty.size:
        block = penalty.blocks[0]
        rows = spread[:, None] if np.ndim(spread) else spread
        return pm.MvNormal(name, mu=block.loc, chol=rows * block.factor, dims=dims)
    if isinstance(penalty, CorrelatedPenalty | GroupedPenalty):
        coef = pm.Flat(name, dims=dims)
        standard = penalty.loc + (coef - penalty.loc) / spread
        wider = pm.math.sum(_log_spread(penalty, spread))
        pm.Potential(f"{name}_log_prior", _joint_logp(standard, penalty) - wider)
        return coef
    l1, l2, loc = penalty.l1, penalty.l2, penalty.loc
    if penalty.tails is not None and np.any(penalty.tails.present):
        return _student_t(name, penalty, penalty.tails, dims, spread)
    if np.all(penalty.is_flat):
        return pm.Flat(name, dims=dims, shape=None if dims else l1.shape)
    if np.all(l1 > 0) and np.all(l2 == 0):
        return pm.Laplace(name, mu=loc, b=spread / l1, dims=dims)
    if np.all(l1 == 0) and np.all(l2 > 0):
        return pm.Normal(name, mu=loc, sigma=spread / np.sqrt(l2), dims=dims)
    normaliser = penalty.log_normaliser() + _log_spread(penalty, spread)
    return pm.CustomDist(
        name, l1 / spread, l2 / spread**2, loc, normaliser, logp=_elastic_net_logp, dims=dims,
        support_point=lambda rv, size, l1, l2, loc, normaliser: loc,
    )  # fmt: skip


def _log_spread(penalty: AnyPenalty, spread: Any) -> Any:
    """What a scale times ``spread`` adds to log Z: its logarithm wherever there is a density."""
    import pymc as pm

    known = isinstance(spread, float | np.ndarray)
    return np.where(penalty.is_flat, 0.0, 1.0) * (np.log(spread) if known else pm.math.log(spread))


def _student_t(name: str, penalty: Penalty, tails: Tails, dims: str | None, spread: Any) -> Any:
    """PyMC's StudentT or Cauchy where all coefficients have one, else their density."""
    import pymc as pm

    loc = penalty.loc
    if np.all(tails.present) and np.all(tails.nu == 1.0):
        return pm.Cauchy(name, alpha=loc, beta=spread * tails.scale, dims=dims)
    if np.all(tails.present):
        return pm.StudentT(name, nu=tails.nu, mu=loc, sigma=spread * tails.scale, dims=dims)
    # (distance / width)^2 is 0 without tails, for width is infinite.
    width, power = spread * tails.scale * np.sqrt(tails.nu), 0.5 * (tails.nu + 1.0)
    normaliser = penalty.log_normaliser() + _log_spread(penalty, spread)
    return pm.CustomDist(
        name, penalty.l1 / spread, penalty.l2 / spread**2, loc, normaliser, width, power,
        logp=_tailed_logp, dims=dims,
        support_point=lambda rv, size, l1, l2, loc, normaliser, width, power: loc,
    )  # fmt: skip


def _tailed_logp(
    value: Any, l1: Any, l2: Any, loc: Any, normaliser: Any, width: Any, power: Any
) -> Any:
    """The elastic-net density with Student-t tails on the coefficients that have them."""
    import pytensor.tensor as pt

    tails = power * pt.log1p(((value - loc) / width) ** 2)
    return _elastic_net_logp(value, l1, l2, loc, normaliser) - tails


def _joint_logp(coef: Any, penalty: CorrelatedPenalty | GroupedPenalty) -> Any:
    """-g(w) - log Z of all coefficients together, with the norms and covariances written out."""
    import pytensor.tensor as pt

    z = coef
    standard = penalty.standard if isinstance(penalty, CorrelatedPenalty) else penalty
    if isinstance(penalty, CorrelatedPenalty):
        for block in penalty.blocks:
            deviation = coef[block.columns] - block.loc
            solved = pt.linalg.solve_triangular(block.factor, deviation, lower=True)
            z = pt.set_subtensor(z[block.columns], solved)
    group = getattr(standard, "group", np.full(penalty.size, -1))
    single = np.flatnonzero(group < 0)
    part = standard.take(single)
    terms = _elastic_net_logp(z[single], part.l1, part.l2, part.loc, 0.0)
    total = pt.sum(terms) - np.sum(penalty.log_normaliser())
    for label in np.unique(group[group >= 0]):
        own = np.flatnonzero(group == label)
        scaled = standard.l1[own] * (z[own] - standard.loc[own])
        total = total - pt.sqrt(pt.sum(scaled**2))
    return total


def _elastic_net_logp(value: Any, l1: Any, l2: Any, loc: Any, normaliser: Any) -> Any:
    """-l1 |w - loc| - l2 (w - loc)^2 / 2 - log Z; flat, Laplace and normal are special cases."""
    distance = abs(value - loc)
    return -l1 * distance - 0.5 * l2 * distance**2 - normaliser


def _observe(problem: Problem, eta: Any, sigma: Any = None) -> None:
    """The observed variable ``y`` given the linear predictor."""
    import pymc as pm

    kind, y, weights = problem.likelihood, problem.y, problem.weights
    if isinstance(kind, Gaussian):
        noise = kind.sigma if sigma is None else sigma
        pm.Normal("y", mu=eta, sigma=noise / np.sqrt(weights), observed=y, dims="obs")
        return
    distribution, arguments = _counterpart(kind)
    counts = not isinstance(kind, Gamma | StudentT | AsymmetricLaplace)
    _observe_weighted(arguments, distribution, eta, y, weights, counts)


def _observe_weighted(
    arguments: Callable[[Any], dict[str, Any]],
    distribution: Any,
    eta: Any,
    y: FloatArray,
    weights: FloatArray,
    counts: bool = True,
    signature: str | None = None,
) -> None:
    """s_i log p(y_i | eta_i): the distribution itself where every weight is 1."""
    import pymc as pm

    observed = y.astype(np.int64) if counts else y
    if np.all(weights == 1.0):
        distribution("y", **arguments(eta), observed=observed, dims="obs")
        return

    def weighted_logp(value: Any, eta: Any, weights: Any) -> Any:
        return weights * pm.logp(distribution.dist(**arguments(eta)), value)

    pm.CustomDist(
        "y", eta, weights, logp=weighted_logp, observed=observed, dims="obs",
        dtype=str(observed.dtype), signature=signature,
    )  # fmt: skip


def _counterpart(kind: Likelihood) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
    """PyMC's distribution of a target, and its arguments at a linear predictor.

    Parameters are arrays: PyTensor may hold a plain number such as 2.5 in single precision.
    """
    import pymc as pm

    if isinstance(kind, Bernoulli):
        return pm.Bernoulli, lambda eta: {"logit_p": eta}
    if isinstance(kind, Binomial):
        trials = kind.trials.astype(np.int64)
        return pm.Binomial, lambda eta: {"n": trials, "logit_p": eta}
    if isinstance(kind, Poisson):
        return pm.Poisson, lambda eta: {"mu": pm.math.exp(eta)}
    if isinstance(kind, NegativeBinomial):
        alpha = np.asarray(kind.alpha)
        return pm.NegativeBinomial, lambda eta: {"mu": pm.math.exp(eta), "alpha": alpha}
    if isinstance(kind, Gamma) and isinstance(kind.phi, float):
        shape = np.asarray(1.0 / kind.phi)
        return pm.Gamma, lambda eta: {"alpha": shape, "beta": shape * pm.math.exp(-eta)}
    if isinstance(kind, StudentT):
        nu, sigma = np.asarray(kind.nu), np.asarray(kind.sigma)
        return pm.StudentT, lambda eta: {"nu": nu, "mu": eta, "sigma": sigma}
    if isinstance(kind, AsymmetricLaplace):
        # PyMC's rates are b kappa above mu and b / kappa below it: q / s and (1 - q) / s.
        kappa = np.sqrt(np.asarray(kind.q / (1.0 - kind.q)))
        b = np.sqrt(np.asarray(kind.q * (1.0 - kind.q))) / kind.s
        return pm.AsymmetricLaplace, lambda eta: {"mu": eta, "kappa": kappa, "b": b}
    raise ModelError(
        f"to_pymc has no counterpart of {kind!r}; it knows AsymmetricLaplace, Bernoulli, "
        "Binomial, Gamma, Gaussian, NegativeBinomial, Poisson, StudentT"
    )
