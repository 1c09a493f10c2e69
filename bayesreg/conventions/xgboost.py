"""XGBoost's linear booster: formulas only.

booster="gblinear" of xgboost 3.4.1 minimises (w coefficients, s weights, N = sum(s))

    sum s loss + N [lambda / 2 sum w^2 + alpha sum |w|],   loss = r^2 / 2, logloss, Poisson

with an unpenalised bias, in single precision.  lambda and alpha of the tree boosters act on the
values of leaves, and are not multiplied by N.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats
from bayesreg.conventions._programs import literal
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import inverted, said_by
from bayesreg.errors import ConversionError, NoEquivalentError

_OBJECTIVES = {"Gaussian": "reg:squarederror", "Bernoulli": "binary:logistic",
               "Poisson": "count:poisson"}  # fmt: skip
#: The base_score that adds nothing to the linear predictor.
_NEUTRAL = {"Gaussian": 0.0, "Bernoulli": 0.5, "Poisson": 1.0}

_TREES = (
    "lambda and alpha of the tree boosters act on the values of leaves, and there are no "
    "coefficients. Nearest: xgboost.gblinear"
)
#: What no prior is the twin of.
REFUSED = dict.fromkeys(("xgboost.gbtree", "xgboost.dart"), _TREES)


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = c l1 / N,  lambda = c l2 / N."""
    _forms.require_intercept(nats, setting.target)
    l1, l2 = _forms.mean_rates(nats, setting)
    return {"objective": _OBJECTIVES[setting.likelihood], "lambda": float(l2[0]),
            "alpha": float(l1[0])}  # fmt: skip


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """l1 = N alpha / c,  l2 = N lambda / c."""
    target, expected = setting.target, _OBJECTIVES[setting.likelihood]
    if parameters["booster"] != "gblinear":
        raise NoEquivalentError(f"{target} with booster={parameters['booster']!r}: {_TREES}")
    if parameters["objective"] not in (None, expected):
        raise ConversionError(
            f"{target}: objective of {setting.likelihood} data is {expected!r}; "
            f"got {shown(parameters['objective'])}"
        )
    l1 = _parameters.nonnegative(parameters["alpha"], "alpha", target)
    l2 = _parameters.nonnegative(parameters["lambda"], "lambda", target)
    return _forms.from_mean_rates(np.array([l1]), np.array([l2]), True, setting)


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    given = {"booster": "gblinear", **arguments, "base_score": _NEUTRAL[setting.likelihood]}
    rounds = given.pop("num_boost_round")
    inside = ", ".join(f"{name!r}: {literal(value)}" for name, value in given.items())
    weights = ", weight=sample_weight" if setting.weighted else ""
    return (
        "import json\n\nimport numpy as np\nimport xgboost as xgb\n\n"
        f"parameters = {{{inside}}}\n"
        f"booster = xgb.train(parameters, xgb.DMatrix(X, label=y{weights}), {rounds})\n"
        'learner = json.loads(booster.save_raw("json"))["learner"]\n'
        'found = np.array(learner["gradient_booster"]["model"]["weights"])\n'
        "coef, intercept = found[:-1], found[-1]\n"
    )


def _build(arguments: Mapping[str, Any], setting: Setting) -> Any:
    raise NoEquivalentError(
        "xgboost.train is a function of data, so there is no unfitted object to build. "
        "Nearest: run .code"
    )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    return (
        "there is always an intercept (the bias), and it is not penalised",
        "lambda and alpha are multiplied by the sum of the weights; those of trees are not",
        "everything is in single precision: about five digits",
        "base_score shifts the linear predictor; here it is the value that adds nothing",
        "columns are not standardised",
        "gblinear is deprecated since 3.3",
    )


GBLINEAR = Convention(
    name="xgboost.gblinear",
    likelihoods=tuple(_OBJECTIVES),
    penalties=(L1, L2, ELASTIC_NET),
    objective="L_lib + N [lambda/2 sum w^2 + alpha sum|w|], L_lib = RSS/2 or L",
    formula="lambda = sigma^2 / (N tau^2), alpha = sigma^2 / (N b) (sigma = 1 for logistic and "
    "Poisson)",
    fixes="sigma^2 / b and sigma / tau",
    intercept="flat",
    source="xgboost 3.4.1, src/gbm/gblinear.cc and src/linear/coordinate_common.h",
    defaults={"booster": "gblinear", "objective": None, "lambda": 0.0, "alpha": 0.0},
    encode=_encode,
    decode=_decode,
    takes_sparse=True,
    code=_code,
    build=_build,
    notes=_notes,
    settings=lambda parameters: {"eta": 1.0, "updater": "coord_descent", "tolerance": 0.0,
                                 "feature_selector": "cyclic", "num_boost_round": 2000},
    irrelevant=("eta", "updater", "feature_selector", "top_k", "tolerance", "num_boost_round",
                "nthread", "seed", "verbosity", "max_delta_step", "base_score"),
    usual=said_by("objective", inverted(_OBJECTIVES), "xgboost.gblinear"),
    solution="coef",
)  # fmt: skip

CONVENTIONS = {GBLINEAR.name: GBLINEAR}
