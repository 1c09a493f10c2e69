"""scikit-learn: formulas only; the library is imported by ``build`` and nowhere else.

Objectives as implemented in scikit-learn 1.9.1 (w coefficients, s weights, N = sum(s),
RSS = sum s r^2, r = l1_ratio):

    Ridge                RSS + alpha ||w||^2
    Lasso                RSS / (2N) + alpha ||w||_1
    ElasticNet           RSS / (2N) + alpha r ||w||_1 + alpha (1 - r) / 2 ||w||^2
    LogisticRegression   C sum s logloss + r ||w||_1 + (1 - r) / 2 ||w||^2
    PoissonRegressor     sum s deviance / (2N) + alpha / 2 ||w||^2
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, free_intercept, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_logistic import (
    OBJECTIVE_LOGISTIC,
    decode_logistic,
    encode_logistic,
    logistic_notes,
    logistic_settings,
)

Parameters = Mapping[str, Any]

_VERSION = "scikit-learn 1.9.1, linear_model"
_FREE = "flat or none"
_NORMALISED = (
    "sample weights are normalised to sum to 1: N in the formula is their sum, and a row of "
    "weight 0 does not count"
)
_SUMMED = "sample weights enter as a plain sum: neither n nor their sum is in the formula"
_AS_IS = "X and y are not standardised (the former normalize= is gone)"
_INTERCEPT = "the intercept is not penalised"
_SHRINKING = (
    "a fixed alpha is not a fixed prior: the scale it means shrinks as N grows, so an alpha chosen "
    "on folds means another prior when refitted on all rows"
)


def _intercept_argument(nats: Nats) -> dict[str, Any]:
    """fit_intercept, where it is not the default."""
    return {"fit_intercept": False} if nats.intercept is None else {}


def _nats(setting: Setting, parameters: Parameters, *, l1: float = 0.0, l2: float = 0.0) -> Nats:
    present = _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target)
    return Nats(setting.likelihood, uniform(l1, l2), free_intercept(present))


def _encode_ridge(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / tau^2."""
    return {"alpha": setting.dispersion * nats.l2, **_intercept_argument(nats)}


def _decode_ridge(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = alpha / sigma^2."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    return _nats(setting, parameters, l2=alpha / setting.dispersion)


def _encode_lasso(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / (N b)."""
    alpha = setting.dispersion * nats.l1 / setting.total_weight
    return {"alpha": alpha, **_intercept_argument(nats)}


def _decode_lasso(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = N alpha / sigma^2."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    return _nats(setting, parameters, l1=alpha * setting.total_weight / setting.dispersion)


def _encode_elastic_net(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / N (1/b + 1/tau^2),  l1_ratio = (1/b) / (1/b + 1/tau^2)."""
    total = nats.l1 + nats.l2
    alpha = setting.dispersion * total / setting.total_weight
    ratio = nats.l1 / total if total else 0.5  # no penalty: any ratio will do
    return {"alpha": alpha, "l1_ratio": ratio, **_intercept_argument(nats)}


def _decode_elastic_net(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = N alpha l1_ratio / sigma^2,  1 / tau^2 = N alpha (1 - l1_ratio) / sigma^2."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    ratio = _parameters.fraction(parameters["l1_ratio"], "l1_ratio", setting.target)
    total = alpha * setting.total_weight / setting.dispersion
    return _nats(setting, parameters, l1=total * ratio, l2=total * (1.0 - ratio))


def _encode_poisson(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = 1 / (N tau^2)."""
    return {"alpha": nats.l2 / setting.total_weight, **_intercept_argument(nats)}


def _decode_poisson(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = N alpha."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    return _nats(setting, parameters, l2=alpha * setting.total_weight)


def _code(kind: str, arguments: Parameters, setting: Setting) -> str:
    """Import, constructor and fit, as a program on X and y."""
    inside = ", ".join(f"{name}={_literal(value)}" for name, value in arguments.items())
    weights = ", sample_weight=sample_weight" if setting.weighted else ""
    return (
        f"from sklearn.linear_model import {kind}\n\n"
        f"estimator = {kind}({inside})\n"
        f"estimator.fit(X, y{weights})\n"
    )


def _literal(value: Any) -> str:
    return 'float("inf")' if value == float("inf") else repr(value)


def _build(kind: str, arguments: Parameters, setting: Setting) -> Any:
    return getattr(importlib.import_module("sklearn.linear_model"), kind)(**arguments)


def _notes(*always: str, unpenalised: str = "") -> Callable[[Parameters, Setting], tuple[str, ...]]:
    """The standing notes, and what to say when there is no penalty."""

    def notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (*always, unpenalised) if unpenalised and parameters["alpha"] == 0 else always

    return notes


def _fixed(**settings: Any) -> Callable[[Parameters], dict[str, Any]]:
    return lambda parameters: dict(settings)


def _positive_refusal(
    decode: Callable[[Parameters, Setting], Nats], parameters: Parameters, setting: Setting
) -> Nats:
    """``positive=True`` bounds the coefficients: another prior altogether."""
    _parameters.refuse_switch(
        parameters["positive"],
        "positive",
        setting.target,
        "it holds every coefficient at or above 0, a prior cut off there, which this version "
        "does not have",
    )
    return decode(parameters, setting)


def _coordinate_descent(
    kind: str,
    *,
    penalties: tuple[str, ...],
    objective: str,
    formula: str,
    fixes: str,
    defaults: Parameters,
    encode: Callable[[Nats, Setting], dict[str, Any]],
    decode: Callable[[Parameters, Setting], Nats],
) -> Convention:
    """Lasso and ElasticNet: one solver, one way with weights."""
    return Convention(
        name=f"sklearn.{kind}",
        likelihoods=("Gaussian",),
        penalties=penalties,
        objective=objective,
        formula=formula,
        fixes=fixes,
        intercept=_FREE,
        source=f"{_VERSION}/_coordinate_descent.py",
        defaults={**defaults, "fit_intercept": True, "positive": False},
        encode=encode,
        decode=partial(_positive_refusal, decode),
        code=partial(_code, kind),
        build=partial(_build, kind),
        solution="estimator.coef_",
        notes=_notes(
            _INTERCEPT,
            _AS_IS,
            _NORMALISED,
            _SHRINKING,
            unpenalised="alpha=0 is least squares, which coordinate descent does badly (and "
            "scikit-learn warns): use LinearRegression",
        ),
        settings=_fixed(tol=1e-12, max_iter=100_000),
        irrelevant=(
            "precompute",
            "max_iter",
            "copy_X",
            "tol",
            "warm_start",
            "random_state",
            "selection",
        ),
    )


_LASSO = _coordinate_descent(
    "Lasso",
    penalties=(L1,),
    objective="RSS/(2 N) + alpha sum|w|",
    formula="alpha = sigma^2 / (N b)",
    fixes="sigma^2 / b",
    defaults={"alpha": 1.0},
    encode=_encode_lasso,
    decode=_decode_lasso,
)

_ELASTIC_NET = _coordinate_descent(
    "ElasticNet",
    penalties=(L1, L2, ELASTIC_NET),
    objective="RSS/(2 N) + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2]",
    formula="alpha = sigma^2 (1/b + 1/tau^2) / N, l1_ratio = (1/b) / (1/b + 1/tau^2)",
    fixes="sigma^2 / b and sigma / tau",
    defaults={"alpha": 1.0, "l1_ratio": 0.5},
    encode=_encode_elastic_net,
    decode=_decode_elastic_net,
)

_RIDGE = Convention(
    name="sklearn.Ridge",
    likelihoods=("Gaussian",),
    penalties=(L2,),
    objective="RSS + alpha sum w^2",
    formula="alpha = sigma^2 / tau^2",
    fixes="sigma / tau",
    intercept=_FREE,
    source=f"{_VERSION}/_ridge.py",
    defaults={"alpha": 1.0, "fit_intercept": True, "positive": False},
    encode=_encode_ridge,
    decode=partial(_positive_refusal, _decode_ridge),
    code=partial(_code, "Ridge"),
    build=partial(_build, "Ridge"),
    solution="estimator.coef_",
    notes=_notes(
        _INTERCEPT,
        _AS_IS,
        _SUMMED,
        "no 1/n and no 1/2 here: at equal strength Ridge's alpha is n times ElasticNet's",
    ),
    settings=_fixed(tol=1e-12),
    irrelevant=("copy_X", "max_iter", "tol", "solver", "random_state"),
)

_POISSON = Convention(
    name="sklearn.PoissonRegressor",
    likelihoods=("Poisson",),
    penalties=(L2,),
    objective="(1/N) sum s (exp(eta) - y eta) + alpha/2 sum w^2",
    formula="alpha = 1 / (N tau^2)",
    fixes="",
    intercept=_FREE,
    source=f"{_VERSION}/_glm/glm.py",
    defaults={"alpha": 1.0, "fit_intercept": True},
    encode=_encode_poisson,
    decode=_decode_poisson,
    code=partial(_code, "PoissonRegressor"),
    build=partial(_build, "PoissonRegressor"),
    solution="estimator.coef_",
    notes=_notes(
        _INTERCEPT,
        _AS_IS,
        _NORMALISED,
        _SHRINKING,
        "the deviance is twice the negative log likelihood; the library halves it",
    ),
    settings=_fixed(solver="newton-cholesky", tol=1e-10, max_iter=1000),
    irrelevant=("solver", "max_iter", "tol", "warm_start", "verbose"),
)

_LOGISTIC = Convention(
    name="sklearn.LogisticRegression",
    likelihoods=("Bernoulli",),
    penalties=(L1, L2, ELASTIC_NET),
    objective=OBJECTIVE_LOGISTIC,
    formula="C = 1 / (1/b + 1/tau^2), l1_ratio = C / b (L1: C = b; L2: C = tau^2)",
    fixes="",
    intercept="flat or none; liblinear: like a coefficient",
    source=f"{_VERSION}/_logistic.py",
    defaults={
        "penalty": "deprecated",
        "C": 1.0,
        "l1_ratio": 0.0,
        "fit_intercept": True,
        "intercept_scaling": 1.0,
        "class_weight": None,
        "solver": "lbfgs",
    },
    encode=encode_logistic,
    decode=decode_logistic,
    code=partial(_code, "LogisticRegression"),
    build=partial(_build, "LogisticRegression"),
    solution="estimator.coef_[0]",
    notes=lambda parameters, setting: (*logistic_notes(parameters), _AS_IS, _SUMMED),
    settings=logistic_settings,
    irrelevant=("dual", "tol", "random_state", "max_iter", "verbose", "warm_start", "n_jobs"),
    options=("solver",),
    penalises_intercept=True,
)

CONVENTIONS = {
    convention.name: convention
    for convention in (_LASSO, _RIDGE, _ELASTIC_NET, _LOGISTIC, _POISSON)
}
