"""Spark MLlib: formulas only.

Measured on pyspark 4.3.0 (w coefficients, s weights, N = sum(s), e = elasticNetParam, sy the
population sd of y, sd_j of column j, both about the mean also without an intercept):

    LinearRegression     RSS / (2N) + regParam [e sum d_j |w_j| + (1 - e) / (2 sy) sum d_j^2 w_j^2]
    LogisticRegression   L / N + regParam [e sum u_j |w_j| + (1 - e) / 2 sum u_j^2 w_j^2]

Under ``standardization=True``, the default, d_j = sd_j and u_j is the unbiased sd of the column
(divisor N - sum(s^2) / N, n - 1 without weights); else both are 1.  LinearRegression is that of
solver="normal" ("auto" up to 4096 columns); "l-bfgs" has unbiased sds throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats
from bayesreg.conventions._programs import literal
from bayesreg.conventions._setting import Setting
from bayesreg.errors import NoEquivalentError

Parameters = Mapping[str, Any]

_SCALES = {"Gaussian": "sd_x", "Bernoulli": "unbiased_sd_x"}


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """regParam e = c l1 / (N d),  regParam (1 - e) = c sy l2 / (N d^2), d one for all columns."""
    l1, l2 = _forms.mean_rates(nats, setting)
    if np.any(l2 > 0):
        l2 = l2 * _target_scale(setting)
    standardizes = _standardizes(l1, l2, setting)
    if standardizes:
        sd = setting.per_column(_SCALES[setting.likelihood])
        l1, l2 = l1 / sd, l2 / sd**2
    strength, share, factors = _forms.strength_share_factors(l1, l2, setting.target, idle=0.0)
    if factors is not None and not np.allclose(factors, 1.0, rtol=1e-9, atol=0.0):
        raise NoEquivalentError(
            f"{setting.target} has one strength for all coefficients, of the columns as they are "
            "or standardised. Nearest: columns multiplied by b_j or tau_j, and a prior of one scale"
        )
    found: dict[str, Any] = {"regParam": strength, "elasticNetParam": share,
                             "standardization": standardizes}  # fmt: skip
    return {**found, **({"fitIntercept": False} if nats.intercept is None else {})}


def _standardizes(l1: FloatArray, l2: FloatArray, setting: Setting) -> bool:
    """What the caller wants; else where the strengths differ between columns."""
    wanted = setting.options.get("standardization")
    if wanted is not None:
        return _parameters.switch(wanted, "standardization", setting.target)
    return l1.size > 1


def _target_scale(setting: Setting) -> float:
    return setting.number("sd_y") if setting.likelihood == "Gaussian" else 1.0


_FAMILIES = ("auto", "binomial", "multinomial")


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """l1_j = N regParam e d_j / c,  l2_j = N regParam (1 - e) d_j^2 / (c sy)."""
    target = setting.target
    if parameters.get("solver") == "l-bfgs":
        raise NoEquivalentError(
            f"{target} with solver='l-bfgs' standardises with unbiased sds. Nearest: "
            "solver='normal', the one that 'auto' takes up to 4096 columns"
        )
    if parameters.get("loss", "squaredError") != "squaredError":
        raise NoEquivalentError(f"{target} with loss='huber'. Nearest: sklearn.HuberRegressor")
    family = _parameters.word(parameters.get("family", "auto"), "family", target, _FAMILIES)
    if family == "multinomial":
        raise NoEquivalentError(
            f"{target} with family='multinomial' has a vector of coefficients for each class, each "
            "penalised. Nearest: family='binomial'; for several classes "
            "sklearn.LogisticRegression, which is a Multinomial model"
        )
    strength = _parameters.nonnegative(parameters["regParam"], "regParam", target)
    share = _parameters.fraction(parameters["elasticNetParam"], "elasticNetParam", target)
    l1, l2 = np.array([strength * share]), np.array([strength * (1.0 - share)])
    if _parameters.switch(parameters["standardization"], "standardization", target) and strength:
        sd = setting.per_column(_SCALES[setting.likelihood])
        l1, l2 = l1 * sd, l2 * sd**2
    if np.any(l2 > 0):
        l2 = l2 / _target_scale(setting)
    present = _parameters.switch(parameters["fitIntercept"], "fitIntercept", target)
    return _forms.from_mean_rates(l1, l2, present, setting)


def _code(module: str, kind: str, arguments: Parameters, setting: Setting) -> str:
    inside = ", ".join(f"{name}={literal(value)}" for name, value in arguments.items())
    weights, name = ("", "")
    if setting.weighted:
        weights, name = ", sample_weight.tolist()", ', "weight"'
        inside += ', weightCol="weight"'
    return (
        f"from pyspark.ml.linalg import Vectors\nfrom pyspark.ml.{module} import {kind}\n"
        "from pyspark.sql import SparkSession\n\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        f"rows = [(Vectors.dense(row), *rest) for row, *rest in "
        f"zip(X.tolist(), y.astype(float).tolist(){weights})]\n"
        f'frame = spark.createDataFrame(rows, ["features", "label"{name}])\n'
        f"fit = {kind}({inside}).fit(frame)\n"
        "coef, intercept = fit.coefficients.toArray(), fit.intercept\n"
    )


def _build(module: str, kind: str, arguments: Parameters, setting: Setting) -> Any:
    raise NoEquivalentError(
        f"pyspark's {kind} needs a running Spark session. Nearest: run .code, which starts one"
    )


def _notes(*own: str) -> Any:
    def notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (
            "the intercept is not penalised",
            "standardization=True is the default: the penalty is on the coefficients of "
            "standardised columns",
            "weights are normalised to sum to 1: N is their sum",
            "a fixed regParam is not a fixed prior: the scale it means shrinks as N grows",
            *own,
        )

    return notes


_COMMON: dict[str, Any] = {
    "penalties": (L1, L2, ELASTIC_NET),
    "intercept": "flat or none",
    "encode": _encode,
    "decode": _decode,
    "options": ("standardization",),
    "per_coefficient": True,
    "solution": "coef",
}
_DEFAULTS = {"regParam": 0.0, "elasticNetParam": 0.0, "standardization": True,
             "fitIntercept": True}  # fmt: skip
_COLUMNS = ("featuresCol", "labelCol", "predictionCol", "weightCol", "maxIter", "tol",
            "aggregationDepth", "maxBlockSizeInMB")  # fmt: skip

_LINEAR = Convention(
    name="spark.LinearRegression",
    likelihoods=("Gaussian",),
    objective="RSS/(2 N) + regParam [e sum d_j |w_j| + (1 - e)/(2 sy) sum d_j^2 w_j^2], "
    "e = elasticNetParam",
    formula="regParam e = sigma^2 / (N b_j d_j), regParam (1 - e) = sy sigma^2 / (N tau_j^2 d_j^2)",
    fixes="sigma^2 / b and sigma / tau",
    source="pyspark 4.3.0, measured; ml/optim/WeightedLeastSquares.scala",
    defaults={**_DEFAULTS, "solver": "auto", "loss": "squaredError"},
    code=partial(_code, "regression", "LinearRegression"),
    build=partial(_build, "regression", "LinearRegression"),
    notes=_notes(
        "y is divided by its population sd, and regParam with it: the ridge part depends on y, the "
        "lasso part does not, as in R's glmnet",
        "solver='l-bfgs' has unbiased sds in their place: another answer at the same regParam",
    ),
    settings=lambda parameters: {"solver": "normal", "tol": 1e-15, "maxIter": 10_000},
    irrelevant=(*_COLUMNS, "epsilon"),
    **_COMMON,
)

_LOGISTIC = Convention(
    name="spark.LogisticRegression",
    likelihoods=("Bernoulli",),
    objective="L/N + regParam [e sum u_j |w_j| + (1 - e)/2 sum u_j^2 w_j^2], e = elasticNetParam",
    formula="regParam e = 1 / (N b_j u_j), regParam (1 - e) = 1 / (N tau_j^2 u_j^2)",
    fixes="",
    source="pyspark 4.3.0, measured; ml/classification/LogisticRegression.scala",
    defaults={**_DEFAULTS, "family": "auto"},
    code=partial(_code, "classification", "LogisticRegression"),
    build=partial(_build, "classification", "LogisticRegression"),
    notes=_notes("standardization divides by the unbiased sd (n - 1), not the population sd"),
    settings=lambda parameters: {"tol": 1e-15, "maxIter": 10_000},
    irrelevant=(*_COLUMNS, "threshold", "thresholds", "probabilityCol",
                "rawPredictionCol"),
    **_COMMON,
)  # fmt: skip

CONVENTIONS = {convention.name: convention for convention in (_LINEAR, _LOGISTIC)}
