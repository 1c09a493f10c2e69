"""The observed variable: PyMC's distribution of a target, weighted where rows are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    Binomial,
    Gamma,
    Gaussian,
    Likelihood,
    NegativeBinomial,
    Poisson,
    StudentT,
)
from bayesreg.problem import Problem

_KNOWN = (
    AsymmetricLaplace, Bernoulli, Binomial, Gamma, Gaussian, NegativeBinomial, Poisson, StudentT,
)  # fmt: skip


def observe(problem: Problem, eta: Any, sigma: Any = None, dispersion: Any = None) -> None:
    """The observed variable ``y`` given the linear predictor, and what is unknown of its spread."""
    import pymc as pm

    kind, y, weights = problem.likelihood, problem.y, problem.weights
    if isinstance(kind, Gaussian):
        noise = kind.sigma if sigma is None else sigma
        pm.Normal("y", mu=eta, sigma=noise / np.sqrt(weights), observed=y, dims="obs")
        return
    distribution, arguments = _counterpart(kind)
    counts = not isinstance(kind, Gamma | StudentT | AsymmetricLaplace)
    extra = () if dispersion is None else (dispersion,)
    observed = observe_weighted(arguments, distribution, eta, y, weights, counts, extra=extra)
    # A CustomDist does not say what it is; from_pymc reads it here, and checks it.
    if dispersion is None:
        observed.tag.bayesreg_likelihood = kind


def observe_weighted(
    arguments: Callable[..., dict[str, Any]],
    distribution: Any,
    eta: Any,
    y: FloatArray,
    weights: FloatArray,
    counts: bool = True,
    signature: str | None = None,
    extra: tuple[Any, ...] = (),
) -> Any:
    """s_i log p(y_i | eta_i): the distribution itself where every weight is 1."""
    import pymc as pm

    observed = y.astype(np.int64) if counts else y
    if np.all(weights == 1.0):
        return distribution("y", **arguments(eta, *extra), observed=observed, dims="obs")

    def weighted_logp(value: Any, eta: Any, weights: Any, *extra: Any) -> Any:
        return weights * pm.logp(distribution.dist(**arguments(eta, *extra)), value)

    return pm.CustomDist(
        "y", eta, weights, *extra, logp=weighted_logp, observed=observed, dims="obs",
        dtype=str(observed.dtype), signature=signature,
    )  # fmt: skip


def _counterpart(kind: Likelihood) -> tuple[Any, Callable[..., dict[str, Any]]]:
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
        return pm.NegativeBinomial, lambda eta, alpha=alpha: {
            "mu": pm.math.exp(eta),
            "alpha": alpha,
        }
    if isinstance(kind, Gamma) and isinstance(kind.phi, float):
        phi = np.asarray(kind.phi)
        # shape exp(-eta), not exp(-eta) / phi: from_pymc reads the offset back to the last bit.
        return pm.Gamma, lambda eta, phi=phi: {
            "alpha": 1.0 / phi,
            "beta": (1.0 / phi) * pm.math.exp(-eta),
        }
    if isinstance(kind, StudentT):
        nu, scale = np.asarray(kind.nu), np.asarray(kind.sigma)
        return pm.StudentT, lambda eta, sigma=scale: {"nu": nu, "mu": eta, "sigma": sigma}
    if isinstance(kind, AsymmetricLaplace):
        # PyMC's rates are b kappa above mu and b / kappa below it: q / s and (1 - q) / s.
        kappa = np.sqrt(np.asarray(kind.q / (1.0 - kind.q)))
        root, scale = np.sqrt(np.asarray(kind.q * (1.0 - kind.q))), np.asarray(kind.s)
        return pm.AsymmetricLaplace, lambda eta, s=scale: {
            "mu": eta,
            "kappa": kappa,
            "b": root / s,
        }
    require_known(kind)
    raise AssertionError(kind)


def require_known(kind: Likelihood) -> None:
    """Refuse a likelihood that PyMC has no distribution for."""
    if not isinstance(kind, _KNOWN):
        raise ModelError(
            f"to_pymc has no counterpart of {kind!r}; it knows AsymmetricLaplace, Bernoulli, "
            "Binomial, Gamma, Gaussian, NegativeBinomial, Poisson, StudentT"
        )
