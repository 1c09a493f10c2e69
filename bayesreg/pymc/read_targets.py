"""The observed variable of a PyMC model as a likelihood of a linear predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import NoEquivalentError
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Gamma,
    NegativeBinomial,
    Poisson,
    StudentT,
)
from bayesreg.pymc.links import log_of, logit_of, plain
from bayesreg.pymc.read_priors import kind_of, parameters_of

Numbers = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Target:
    """The observed variable.

    Attributes
    ----------
    eta : pytensor variable
        The linear predictor.
    parameters : mapping of str to pytensor variable
        The other parameters of the likelihood.
    likelihood : callable
        The likelihood of the values of the parameters; Gaussian has its sigma read elsewhere.
    scale : str
        The one parameter that may be unknown; empty where none may.
    """

    eta: Any
    parameters: Mapping[str, Any]
    likelihood: Callable[[Numbers], Any]
    scale: str = ""


def read_target(rv: Any) -> Target:
    """What an observed variable is a likelihood of.

    Raises
    ------
    NoEquivalentError
        For a distribution, or a link, that is no likelihood here.
    """
    kind = kind_of(rv)
    stated = getattr(rv.tag, "bayesreg_likelihood", None)
    if kind.startswith("CustomDist") and stated is not None:
        eta, weights = parameters_of(rv)
        if not isinstance(stated, Binomial):
            return Target(eta, {"weights": weights}, lambda values: stated)
        trials = as_tensor(stated.trials)
        return Target(eta, {"weights": weights, "trials": trials}, lambda values: Binomial())
    if kind not in _READERS:
        family = "Truncated" if kind.startswith("Truncated") else kind.split("_")[0]
        raise NoEquivalentError(
            f"{rv.name} ~ {kind} is no likelihood of a penalised regression here. Nearest: "
            f"{_NEAREST.get(family, 'one of ' + ', '.join(sorted(_READERS)))}"
        )
    return _READERS[kind](*parameters_of(rv))


def as_tensor(value: FloatArray) -> Any:
    import pytensor.tensor as pt

    return pt.as_tensor_variable(value)


def _gaussian(mu: Any, sigma: Any) -> Target:
    return Target(plain(mu), {"sigma": sigma}, lambda values: None, "sigma")


def _bernoulli(p: Any) -> Target:
    return Target(logit_of(p), {}, lambda values: Bernoulli())


def _binomial(n: Any, p: Any) -> Target:
    return Target(logit_of(p), {"trials": n}, lambda values: Binomial())


def _poisson(mu: Any) -> Target:
    return Target(log_of(mu), {}, lambda values: Poisson())


def _negative_binomial(n: Any, p: Any) -> Target:
    """p = alpha / (mu + alpha), so that log mu = log alpha - logit p."""
    eta = log_of(n) - logit_of(p)
    return Target(plain(eta), {"alpha": n}, lambda values: NegativeBinomial(one(values, "alpha")))


def _gamma(shape: Any, scale: Any) -> Target:
    """mu = shape scale."""
    eta = log_of(shape) + log_of(scale)
    return Target(eta, {"alpha": shape}, lambda values: Gamma(phi=1.0 / one(values, "alpha")))


def _student_t(nu: Any, mu: Any, sigma: Any) -> Target:
    return Target(
        plain(mu), {"nu": nu, "sigma": sigma},
        lambda values: StudentT(one(values, "nu"), sigma=one(values, "sigma")), "sigma",
    )  # fmt: skip


def _cauchy(alpha: Any, beta: Any) -> Target:
    return Target(
        plain(alpha), {"beta": beta}, lambda values: StudentT(1.0, sigma=one(values, "beta")),
        "beta",
    )  # fmt: skip


def _laplace(mu: Any, b: Any) -> Target:
    """exp(-|r| / b) / (2 b) is the asymmetric one with q = 1/2 and s = b / 2."""
    return Target(
        plain(mu), {"b": b}, lambda values: AsymmetricLaplace(q=0.5, s=one(values, "b") / 2)
    )


def _asymmetric_laplace(b: Any, kappa: Any, mu: Any) -> Target:
    """Rates b kappa = q / s above mu and b / kappa = (1 - q) / s below."""

    def likelihood(values: Numbers) -> AsymmetricLaplace:
        rate, k = one(values, "b"), one(values, "kappa")
        return AsymmetricLaplace(q=k**2 / (1 + k**2), s=1.0 / (rate * (k + 1.0 / k)))

    return Target(plain(mu), {"b": b, "kappa": kappa}, likelihood)


_READERS: dict[str, Callable[..., Target]] = {
    "Normal": _gaussian,
    "Bernoulli": _bernoulli,
    "Binomial": _binomial,
    "Poisson": _poisson,
    "NegativeBinomial": _negative_binomial,
    "Gamma": _gamma,
    "StudentT": _student_t,
    "Cauchy": _cauchy,
    "Laplace": _laplace,
    "AsymmetricLaplace": _asymmetric_laplace,
}

_NEAREST = {
    "Categorical": "Multinomial(), stated by hand: bayesreg.Model(Multinomial(), prior)",
    "LogNormal": "pm.Normal of log y, which is the same regression",
    "MultivariateNormal": "pm.Normal with one sigma per row",
    "Exponential": "pm.Gamma(alpha=1, beta=1 / mu)",
    "Truncated": "the likelihood without bounds, where they cut off little",
    "Censored": "the likelihood without the censored rows",
    "Beta": "Binomial, where y are counts",
    "ZeroInflatedPoisson": "Poisson or NegativeBinomial",
    "HurdlePoisson": "Poisson or NegativeBinomial",
    "MarginalMixture": "one of its components",
    "Mixture": "one of its components; StudentT, where it stands for outliers",
    "BetaBinomial": "Binomial",
    "Weibull": "Gamma",
    "Logistic": "StudentT",
    "CustomDist": "a named distribution, such as pm.Normal or pm.Bernoulli",
}


def one(values: Numbers, name: str) -> float:
    """A parameter that must be one number."""
    value = np.ravel(values[name])
    if np.any(value != value[0]):
        raise NoEquivalentError(
            f"the likelihood has a {name} of its own in each row. Nearest: one number for all rows"
        )
    return float(value[0])
