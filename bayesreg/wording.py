"""The model in words: likelihood, prior, penalty twin, size of the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesreg._tables import number
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.problem import bind

_LIKELIHOODS = {
    "AsymmetricLaplace": "y_i ~ AsymmetricLaplace with its {q}-quantile at {eta}, scale {s}",
    "Gaussian": "y_i ~ Normal({eta}, sd = {sigma})",
    "Bernoulli": "y_i ~ Bernoulli(1 / (1 + exp(-({eta}))))",
    "Poisson": "y_i ~ Poisson(exp({eta}))",
}


def describe(model: Model, data: Data) -> str:
    """One line each for likelihood, prior, intercept, penalty twin and data."""
    return "\n".join(f"{name:<11}{text}" for name, text in description(model, data))


def description(model: Model, data: Data) -> Sequence[tuple[str, str]]:
    """(word, sentence) pairs of :func:`describe`."""
    problem = bind(model, data)
    p = problem.p
    l1 = problem.penalty.l1[:p] / problem.unit
    l2 = problem.penalty.l2[:p] / problem.unit**2
    return [
        ("likelihood", _likelihood(model, data)),
        ("prior", _prior(model)),
        ("intercept", _intercept(model)),
        ("penalty", _penalty(model, l1, l2, data.weights is not None)),
        ("data", _size(data)),
    ]


def _likelihood(model: Model, data: Data) -> str:
    kind = type(model.likelihood).__name__
    eta = " + ".join(
        term
        for term, present in (
            ("offset_i", data.offset is not None),
            ("a", model.intercept is not None),
            ("x_i . w", True),
        )
        if present
    )
    sigma = number(model.likelihood.noise, 6)
    if data.weights is not None and kind == "Gaussian":
        sigma += " / sqrt(weight_i)"
    stated = {name: number(getattr(model.likelihood, name, 0.0), 6) for name in ("q", "s")}
    sentence = _LIKELIHOODS.get(kind)
    return (
        repr(model.likelihood)
        if sentence is None
        else sentence.format(eta=eta, sigma=sigma, **stated)
    )


def _prior(model: Model) -> str:
    if isinstance(model.prior, dict):
        parts = "; ".join(f"{name}: {prior!r}" for name, prior in model.prior.items())
    else:
        parts = f"w_j ~ {model.prior!r}"
    return parts + (" on standardised columns" if model.standardize else "")


def _intercept(model: Model) -> str:
    if model.intercept is None:
        return "none"
    penalty = model.intercept_penalty()
    if penalty is not None and penalty.is_flat[0]:
        return "a flat, not penalised"
    return f"a ~ {model.intercept!r}"


def _penalty(model: Model, l1: FloatArray, l2: FloatArray, weighted: bool) -> str:
    """The same optimum as penalised least squares (or penalised likelihood)."""
    variance = model.likelihood.noise**2
    gaussian = type(model.likelihood).__name__ == "Gaussian"
    squares = "1/2 sum weight_i (y_i - eta_i)^2" if weighted else "1/2 ||y - eta||^2"
    loss = squares if gaussian else "negative log likelihood"
    if np.any(l1 > 0):
        loss += " + lambda1 ||w||_1"
    if np.any(l2 > 0):
        loss += " + lambda2/2 ||w||_2^2"
    return (
        f"{loss}{_lambda('lambda1', 'b', l1, variance)}{_lambda('lambda2', 'tau^2', l2, variance)}"
    )


def _lambda(name: str, scale: str, rates: FloatArray, variance: float) -> str:
    if not np.any(rates > 0):
        return ""
    formula = f"sigma^2 / {scale}" if variance != 1.0 else f"1 / {scale}"
    low, high = variance * rates.min(), variance * rates.max()
    same = high - low <= 1e-12 * high
    value = number(high, 6) if same else f"{number(low, 6)} ... {number(high, 6)} by column"
    return f", {name} = {formula} = {value}"


def _size(data: Data) -> str:
    size = f"n = {data.n} rows, p = {data.p} columns"
    return size if data.weights is None else f"{size}, total weight {number(data.total_weight, 6)}"
