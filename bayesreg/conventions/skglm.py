"""skglm: formulas only.

Objectives as implemented in skglm 0.5 (r = l1_ratio, f = weights, one for each coefficient):

    Lasso                      RSS / (2n) + alpha sum |w_j|
    WeightedLasso              RSS / (2n) + alpha sum f_j |w_j|
    ElasticNet                 RSS / (2n) + alpha sum [r |w_j| + (1 - r) / 2 w_j^2]
    SparseLogisticRegression   mean logloss + alpha sum [r |w_j| + (1 - r) / 2 w_j^2]

Rows have no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats
from bayesreg.conventions._nonnegative import with_positive
from bayesreg.conventions._programs import program
from bayesreg.conventions._setting import Setting

Parameters = Mapping[str, Any]

_INEXACT = ("max_iter", "max_epochs", "p0", "verbose", "tol", "warm_start", "ws_strategy")

#: Estimators of skglm that no prior of this package is the twin of: the reason and what is nearest.
REFUSED = {
    "skglm.MCPRegression": "its penalty is bounded (it is constant beyond gamma alpha), so that "
    "exp(-penalty) is no density: there is no prior, and the optimum is one of several local ones. "
    "Nearest: skglm.WeightedLasso at the weights of its last reweighting; StudentT or Horseshoe, "
    "which shrink large coefficients as little",
    "skglm.GroupLasso": "its penalty sum_g alpha weights_g ||w_g||_2 is shared by the coefficients "
    "of a group, and conventions have a penalty per coefficient. Nearest: Model(Gaussian(sigma), "
    "GroupLaplace(scale=sigma^2 / (n alpha weights_g))) in find_map",
    "skglm.MultiTaskLasso": "it has several targets. Nearest: skglm.Lasso, a target at a time",
    "skglm.LinearSVC": "the hinge loss is not minus the logarithm of a density of y. Nearest: "
    "skglm.SparseLogisticRegression",
    "skglm.CoxEstimator": "the partial likelihood is no likelihood of rows. Nearest: none here",
    "skglm.GraphicalLasso": "it estimates a precision matrix and has no y. Nearest: none here",
}


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha r = c / (n b),  alpha (1 - r) = c / (n tau^2),  c = sigma^2 or 1."""
    l1, l2 = _forms.mean_rates(nats, setting)
    alpha, ratio, _ = _forms.strength_share_factors(l1, l2, setting.target)
    return {"alpha": alpha, "l1_ratio": ratio, **_forms.without_intercept(nats)}


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = n alpha r / c,  1 / tau^2 = n alpha (1 - r) / c."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    ratio = _parameters.fraction(parameters["l1_ratio"], "l1_ratio", setting.target)
    present = _forms.fits_intercept(parameters, setting)
    l1, l2 = np.array([alpha * ratio]), np.array([alpha * (1.0 - ratio)])
    return _forms.from_mean_rates(l1, l2, present, setting)


def _encode_lasso(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / (n b)."""
    found = _encode(nats, setting)
    del found["l1_ratio"]
    return found


def _decode_lasso(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = n alpha / sigma^2."""
    return _decode({**parameters, "l1_ratio": 1.0}, setting)


def _encode_weighted(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha f_j = sigma^2 / (n b_j)."""
    l1, l2 = _forms.mean_rates(nats, setting)
    alpha, _, weights = _forms.strength_share_factors(l1, l2, setting.target)
    found: dict[str, Any] = {"alpha": alpha}
    if weights is not None:
        found["weights"] = weights
    return {**found, **_forms.without_intercept(nats)}


def _decode_weighted(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b_j = n alpha f_j / sigma^2."""
    alpha = _parameters.nonnegative(parameters["alpha"], "alpha", setting.target)
    weights = _forms.factors(parameters["weights"], "weights", setting)
    present = _forms.fits_intercept(parameters, setting)
    return _forms.from_mean_rates(alpha * weights, 0.0 * weights, present, setting)


def _notes(*own: str) -> Any:
    def notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (
            "the intercept is not penalised",
            "X and y are not standardised",
            "rows have no weights",
            "a fixed alpha is not a fixed prior: the scale it means shrinks as n grows",
            *own,
        )

    return notes


_COMMON: dict[str, Any] = {
    "likelihoods": ("Gaussian",),
    "fixes": "sigma^2 / b and sigma / tau",
    "intercept": "flat or none",
    "settings": lambda parameters: {"tol": 1e-13, "max_iter": 1000, "max_epochs": 500_000},
    "takes_weights": False,
    "solution": "estimator.coef_",
    "irrelevant": _INEXACT,
}
_REST = {"fit_intercept": True, "positive": False}

_CODE, _BUILD = program("skglm", "Lasso")
LASSO = with_positive(
    Convention(
        name="skglm.Lasso",
        penalties=(L1,),
        objective="RSS/(2 n) + alpha sum|w|",
        formula="alpha = sigma^2 / (n b)",
        source="skglm 0.5, estimators.py and datafits/single_task.py",
        defaults={"alpha": 1.0, **_REST},
        encode=_encode_lasso,
        decode=_decode_lasso,
        code=_CODE,
        takes_sparse=True,
        build=_BUILD,
        notes=_notes(),
        **{**_COMMON, "fixes": "sigma^2 / b"},
    )
)

_CODE, _BUILD = program("skglm", "WeightedLasso")
WEIGHTED = with_positive(
    Convention(
        name="skglm.WeightedLasso",
        penalties=(L1,),
        objective="RSS/(2 n) + alpha sum f_j |w_j|, f = weights",
        formula="alpha f_j = sigma^2 / (n b_j)",
        source="skglm 0.5, estimators.py and penalties/separable.py",
        defaults={"alpha": 1.0, "weights": None, **_REST},
        encode=_encode_weighted,
        decode=_decode_weighted,
        code=_CODE,
        takes_sparse=True,
        build=_BUILD,
        notes=_notes("the docstring's formula leaves the weights out; the penalty has them"),
        per_coefficient=True,
        **{**_COMMON, "fixes": "sigma^2 / b"},
    )
)

_CODE, _BUILD = program("skglm", "ElasticNet")
ELASTIC = with_positive(
    Convention(
        name="skglm.ElasticNet",
        penalties=(L1, L2, ELASTIC_NET),
        objective="RSS/(2 n) + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2]",
        formula="alpha l1_ratio = sigma^2 / (n b), alpha (1 - l1_ratio) = sigma^2 / (n tau^2)",
        source="skglm 0.5, estimators.py and penalties/separable.py",
        defaults={"alpha": 1.0, "l1_ratio": 0.5, **_REST},
        encode=_encode,
        decode=_decode,
        code=_CODE,
        takes_sparse=True,
        build=_BUILD,
        notes=_notes(),
        **_COMMON,
    )
)

_CODE, _BUILD = program("skglm", "SparseLogisticRegression")
LOGISTIC = Convention(
    name="skglm.SparseLogisticRegression",
    penalties=(L1, L2, ELASTIC_NET),
    objective="(1/n) L + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2]",
    formula="alpha l1_ratio = 1 / (n b), alpha (1 - l1_ratio) = 1 / (n tau^2)",
    source="skglm 0.5, estimators.py and datafits/single_task.py",
    defaults={"alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": True},
    encode=_encode,
    decode=_decode,
    code=_CODE,
    takes_sparse=True,
    build=_BUILD,
    notes=_notes(
        "the loss is a mean: scikit-learn's C is 1 / (n alpha), and the C of celer's "
        "LogisticRegression too"
    ),
    **{**_COMMON, "likelihoods": ("Bernoulli",), "fixes": "", "solution": "estimator.coef_[0]"},
)

CONVENTIONS = {convention.name: convention for convention in (LASSO, WEIGHTED, ELASTIC, LOGISTIC)}
