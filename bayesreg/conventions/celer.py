"""celer: formulas only.

Objectives as implemented in celer 0.7.4 (r = l1_ratio, f = weights, one for each coefficient):

    Lasso                RSS / (2n) + alpha sum f_j |w_j|
    ElasticNet           RSS / (2n) + alpha sum f_j [r |w_j| + (1 - r) / 2 w_j^2]
    LogisticRegression   sum logloss + sum |w_j| / C, without intercept

Rows have no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, Nats, uniform
from bayesreg.conventions._nonnegative import with_positive
from bayesreg.conventions._programs import program
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError

Parameters = Mapping[str, Any]

_ROWS = "rows have no weights"
_AS_IS = "X and y are not standardised"
_WEIGHTS = "weights are one factor per coefficient, each above 0; they are not rescaled"
_INEXACT = ("tol", "max_iter", "max_epochs", "p0", "prune", "verbose", "warm_start")


def _encode_lasso(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha f_j = sigma^2 / (n b_j)."""
    found = _encode_elastic_net(nats, setting)
    del found["l1_ratio"]
    return found


def _decode_lasso(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b_j = n alpha f_j / sigma^2."""
    return _decode_elastic_net({**parameters, "l1_ratio": 1.0}, setting)


def _encode_elastic_net(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha r f_j = sigma^2 / (n b_j),  alpha (1 - r) f_j = sigma^2 / (n tau_j^2)."""
    l1, l2 = _forms.mean_rates(nats, setting)
    alpha, ratio, weights = _forms.strength_share_factors(l1, l2, setting.target)
    _forms.positive_factors(weights, "weights", setting.target)
    found: dict[str, Any] = {"alpha": alpha, "l1_ratio": ratio}
    if weights is not None:
        found["weights"] = weights
    return {**found, **_forms.without_intercept(nats)}


def _decode_elastic_net(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b_j = n alpha r f_j / sigma^2,  1 / tau_j^2 = n alpha (1 - r) f_j / sigma^2."""
    target = setting.target
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", target)
    ratio = _parameters.fraction(parameters["l1_ratio"], "l1_ratio", target)
    if ratio == 0 and alpha > 0:
        raise ConversionError(
            f"{target} refuses l1_ratio=0 (ridge), so this is no estimator; use sklearn.Ridge"
        )
    weights = _forms.factors(parameters["weights"], "weights", setting)
    if np.any(weights <= 0):
        raise ConversionError(f"{target}: every entry of weights must be above 0")
    strength = alpha * weights
    present = _forms.fits_intercept(parameters, setting)
    return _forms.from_mean_rates(strength * ratio, strength * (1.0 - ratio), present, setting)


def _encode_logistic(nats: Nats, setting: Setting) -> dict[str, Any]:
    """C = b."""
    return {"C": 1.0 / nats.l1 if nats.l1 else float("inf")}


def _decode_logistic(parameters: Parameters, setting: Setting) -> Nats:
    """b = C."""
    target = setting.target
    if parameters["penalty"] != "l1":
        raise ConversionError(f"{target} has only penalty='l1'; got {parameters['penalty']!r}")
    if _forms.fits_intercept(parameters, setting):
        raise NoEquivalentError(
            f"{target} cannot fit an intercept (it raises). Nearest: sklearn.LogisticRegression"
        )
    inverse = _parameters.positive(parameters["C"], "C", target)
    return Nats(setting.likelihood, uniform(1.0 / inverse), None)


def _notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
    return (
        "the intercept is not penalised", _AS_IS, _ROWS, _WEIGHTS,
        "a fixed alpha is not a fixed prior: the scale it means shrinks as n grows",
        "alpha=0 is least squares, which celer advises against",
    )  # fmt: skip


def _logistic_notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
    return (
        "no intercept: fit_intercept=True raises",
        _AS_IS,
        _ROWS,
        "the loss is a sum: C is the Laplace scale b itself, as in scikit-learn",
    )


_COMMON: dict[str, Any] = {
    "likelihoods": ("Gaussian",),
    "intercept": "flat or none",
    "notes": _notes,
    "settings": lambda parameters: {"tol": 1e-14, "max_iter": 1000, "max_epochs": 500_000},
    "per_coefficient": True,
    "takes_weights": False,
    "solution": "estimator.coef_",
}
_REST = {"fit_intercept": True, "weights": None, "positive": False}

_CODE, _BUILD = program("celer", "Lasso")
LASSO = with_positive(
    Convention(
        name="celer.Lasso",
        penalties=(L1,),
        objective="RSS/(2 n) + alpha sum f_j |w_j|, f = weights",
        formula="alpha f_j = sigma^2 / (n b_j)",
        fixes="sigma^2 / b",
        source="celer 0.7.4, dropin_sklearn.py and homotopy.py",
        defaults={"alpha": 1.0, **_REST},
        encode=_encode_lasso,
        decode=_decode_lasso,
        code=_CODE,
        takes_sparse=True,
        build=_BUILD,
        irrelevant=_INEXACT,
        **_COMMON,
    )
)

_CODE, _BUILD = program("celer", "ElasticNet")
ELASTIC = with_positive(
    Convention(
        name="celer.ElasticNet",
        penalties=(L1, ELASTIC_NET),
        objective="RSS/(2 n) + alpha sum f_j [l1_ratio |w_j| + (1 - l1_ratio)/2 w_j^2], "
        "f = weights",
        formula="alpha l1_ratio f_j = sigma^2 / (n b_j), "
        "alpha (1 - l1_ratio) f_j = sigma^2 / (n tau_j^2)",
        fixes="sigma^2 / b and sigma / tau",
        source="celer 0.7.4, dropin_sklearn.py and homotopy.py",
        defaults={"alpha": 1.0, "l1_ratio": 1.0, **_REST},
        encode=_encode_elastic_net,
        decode=_decode_elastic_net,
        code=_CODE,
        takes_sparse=True,
        build=_BUILD,
        irrelevant=_INEXACT,
        **_COMMON,
    )
)

_CODE, _BUILD = program("celer", "LogisticRegression")
LOGISTIC = Convention(
    name="celer.LogisticRegression",
    likelihoods=("Bernoulli",),
    penalties=(L1,),
    objective="L + sum|w| / C",
    formula="C = b",
    fixes="",
    intercept="none",
    source="celer 0.7.4, dropin_sklearn.py",
    defaults={"C": 1.0, "penalty": "l1", "fit_intercept": False},
    encode=_encode_logistic,
    decode=_decode_logistic,
    code=_CODE,
    takes_sparse=True,
    build=_BUILD,
    notes=_logistic_notes,
    settings=lambda parameters: {"tol": 1e-14, "max_iter": 1000},
    irrelevant=("solver", *_INEXACT),
    takes_weights=False,
    fits_intercept=False,
    solution="estimator.coef_[0]",
)

CONVENTIONS = {convention.name: convention for convention in (LASSO, ELASTIC, LOGISTIC)}
