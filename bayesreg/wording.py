"""The model in words: likelihood, prior, penalty twin, size of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg._estimated import Estimated
from bayesreg._tables import number
from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import ClassProblem, bind_classes
from bayesreg.covariance import AnyPenalty, CorrelatedPenalty
from bayesreg.data import Data
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.likelihoods import ClassLikelihood, Dispersed, estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.problem import Problem, bind

_LIKELIHOODS = {
    "AsymmetricLaplace": "y_i ~ AsymmetricLaplace with its {q}-quantile at {eta}, scale {s}",
    "Gaussian": "y_i ~ Normal({eta}, sd = {sigma})",
    "Bernoulli": "y_i ~ Bernoulli(1 / (1 + exp(-({eta}))))",
    "Binomial": "y_i ~ Binomial(trials_i, 1 / (1 + exp(-({eta}))))",
    "Gamma": "y_i ~ Gamma(mean = exp({eta}), shape = 1 / {dispersion})",
    "NegativeBinomial": "y_i ~ NegativeBinomial(mean = exp({eta}), alpha = {dispersion})",
    "Multinomial": "P(y_i = k) = exp(eta_ik) / sum_l exp(eta_il), eta_ik = {eta}",
    "Poisson": "y_i ~ Poisson(exp({eta}))",
    "StudentT": "y_i ~ StudentT(nu = {nu}, {eta}, scale = {sigma})",
}


def describe(model: Model, data: Data) -> str:
    """One line each for likelihood, prior, intercept, penalty twin and data."""
    return "\n".join(f"{name:<11}{text}" for name, text in description(model, data))


def description(model: Model, data: Data) -> Sequence[tuple[str, str]]:
    """(word, sentence) pairs of :func:`describe`."""
    name, unknown = _unknown(model)
    # Without a number for sigma its rates have none either: only which of them are 0 is used.
    stated = model if unknown is None else _at_one(model)
    classes = isinstance(model.likelihood, ClassLikelihood)
    problem = bind_classes(model, data) if classes else bind(stated, data)
    penalty = _penalty(model, stated.coefficient_penalty(data), data.weights is not None)
    return [
        ("likelihood", _likelihood(model, data)),
        *([] if unknown is None else [(name, _density(name, unknown))]),
        ("prior", _prior(model) + _sums(model, problem.penalty.is_flat[: problem.p])),
        ("intercept", _intercept(stated)),
        ("penalty", penalty + _tails(problem)),
        ("data", _size(data)),
    ]


def _likelihood(model: Model, data: Data) -> str:
    kind = type(model.likelihood).__name__
    eta = " + ".join(
        term
        for term, present in (
            ("offset_i", data.offset is not None),
            (f"a{_index(model)}", model.intercept is not None),
            (f"x_i . w{_index(model)}", True),
        )
        if present
    )
    name, unknown = _unknown(model)
    noise = getattr(model.likelihood, "sigma", model.likelihood.noise)
    sigma = "sigma" if name == "sigma" else number(noise, 6)
    if data.weights is not None and kind == "Gaussian":
        sigma += " / sqrt(weight_i)"
    words = _LIKELIHOODS.get(kind)
    if words is None:
        return repr(model.likelihood)
    dispersion = getattr(model.likelihood, "dispersion", None) if unknown is None else name
    shape = (key for key in ("nu", "q", "s") if key != name)
    stated = {key: number(getattr(model.likelihood, key, 0.0), 6) for key in shape}
    stated.setdefault("s", "s")
    origin = f"; sigma = {noise}" if isinstance(noise, Estimated) else ""
    return words.format(eta=eta, sigma=sigma, dispersion=dispersion, **stated) + origin


def _index(model: Model) -> str:
    return "_k" if isinstance(model.likelihood, ClassLikelihood) else ""


def _sums(model: Model, flat: BoolArray) -> str:
    """What fixes the constant that a flat prior leaves open between classes."""
    if not (_index(model) and flat.any()):
        return ""
    return "; flat columns are determined up to a constant and sum to 0 over the classes"


def _unknown(model: Model) -> tuple[str, Any]:
    """The parameter of the likelihood that has a density, by name; ("", None) without one."""
    likelihood = model.likelihood
    if noise_prior(likelihood) is not None:
        return "sigma", noise_prior(likelihood)
    density = estimated_dispersion(likelihood)
    if density is None or not isinstance(likelihood, Dispersed):
        return "", None
    return likelihood.dispersion_name, density


def _at_one(model: Model) -> Model:
    likelihood = model.likelihood
    if noise_prior(likelihood) is not None:
        return model.at_sigma(1.0)
    assert isinstance(likelihood, Dispersed)
    return replace(model, likelihood=likelihood.with_dispersion(1.0))


def _density(name: str, prior: Any) -> str:
    improper = {"Jeffreys": f" (p = 1 / {name}, improper)", "Flat": f" on {name} > 0 (improper)"}
    return f"{name} ~ {prior!r}{improper.get(type(prior).__name__, '')}"


def _prior(model: Model) -> str:
    if isinstance(model.prior, dict):
        parts = "; ".join(f"{name}: {prior!r}" for name, prior in model.prior.items())
    else:
        parts = f"w{_index(model) or '_'}j ~ {model.prior!r}"
    return parts + (" on standardised columns" if model.standardize else "")


def _intercept(model: Model) -> str:
    if model.intercept is None:
        return "none"
    penalty = model.intercept_penalty()
    if penalty is not None and penalty.is_flat[0]:
        sums = ", summing to 0 over the classes" if _index(model) else ""
        return f"a{_index(model)} flat, not penalised{sums}"
    return f"a{_index(model)} ~ {model.intercept!r}"


def _penalty(model: Model, penalty: AnyPenalty, weighted: bool) -> str:
    """The same optimum as penalised least squares (or penalised likelihood)."""
    variance = model.likelihood.noise**2  # NaN while sigma is unknown
    gaussian = type(model.likelihood).__name__ == "Gaussian"
    squares = "1/2 sum weight_i (y_i - eta_i)^2" if weighted else "1/2 ||y - eta||^2"
    loss = squares if gaussian else "negative log likelihood"
    standard = penalty.standard if isinstance(penalty, CorrelatedPenalty) else penalty
    blocks = penalty.blocks if isinstance(penalty, CorrelatedPenalty) else ()
    in_group = standard.group >= 0 if isinstance(standard, GroupedPenalty) else np.array([False])
    l1, l2 = standard.l1, standard.l2.copy()
    for block in blocks:
        l2[block.columns] = 0.0
    if np.any((l1 > 0) & ~in_group):
        loss += " + lambda1 ||w||_1"
    if np.any(in_group):
        loss += " + lambda1 sum_G ||w_G||_2"
    if np.any(l2 > 0):
        loss += " + lambda2/2 ||w||_2^2"
    scale = "sigma^2 S^-1" if variance != 1.0 else "S^-1"
    correlated = f", Lambda = {scale} with S the prior covariance" if blocks else ""
    loss += " + 1/2 (w - m)' Lambda (w - m)" if blocks else ""
    lambdas = (_lambda("lambda1", "b", l1, variance), _lambda("lambda2", "tau^2", l2, variance))
    return f"{loss}{''.join(lambdas)}{correlated}"


def _tails(problem: Problem | ClassProblem) -> str:
    """The term of StudentT and Cauchy priors, which has no lambda."""
    if problem.penalty.take(slice(0, problem.p)).tails is None:
        return ""
    return " + sum (nu + 1)/2 log(1 + (w_j - m_j)^2 / (nu scale_j^2)) over columns with tails"


def _lambda(name: str, scale: str, rates: FloatArray, variance: float) -> str:
    if not np.any(rates > 0):
        return ""
    formula = f"sigma^2 / {scale}" if variance != 1.0 else f"1 / {scale}"
    if np.isnan(variance):
        return f", {name} = {formula} at the sigma found"
    low, high = variance * rates.min(), variance * rates.max()
    same = high - low <= 1e-12 * high
    value = number(high, 6) if same else f"{number(low, 6)} ... {number(high, 6)} by column"
    return f", {name} = {formula} = {value}"


def _size(data: Data) -> str:
    size = f"n = {data.n} rows, p = {data.p} columns"
    return size if data.weights is None else f"{size}, total weight {number(data.total_weight, 6)}"
