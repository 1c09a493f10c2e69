"""scikit-learn's BayesianRidge and ARDRegression, which estimate both precisions:

    coef_ is the posterior mean, hence the mode, under    sigma = alpha_^(-1/2),
    tau = lambda_^(-1/2) (ARDRegression: tau_j = lambda_j^(-1/2))

alpha_ is the precision of the noise: the opposite of Ridge's alpha, which is lambda_ / alpha_.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _parameters
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L2, Nats, free_intercept, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.errors import ConversionError, NoEquivalentError


def _fitted_sigma(parameters: Parameters) -> dict[str, float]:
    """sigma = alpha_^(-1/2)."""
    if parameters["alpha_"] is None:
        return {}
    return {"sigma": float(_parameters.positive(parameters["alpha_"], "alpha_", "BayesianRidge"))
            ** -0.5}  # fmt: skip


def _require_fitted(parameters: Parameters, setting: Setting) -> None:
    for name in ("alpha_", "lambda_"):
        if parameters[name] is None:
            raise NoEquivalentError(
                f"{setting.target} estimates both precisions when it is fitted, and this one is "
                "not: alpha_ and lambda_ are the model. Nearest: the fitted estimator, or "
                "parameters={'alpha_': ..., 'lambda_': ...}"
            )


def _decode_ridge(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = lambda_."""
    _require_fitted(parameters, setting)
    rate = common.strength(parameters, setting, "lambda_")
    return common.nats_of(setting, parameters, l2=rate)


def _decode_ard(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau_j^2 = lambda_j."""
    _require_fitted(parameters, setting)
    rates = _precisions(parameters["lambda_"], setting)
    limit = _parameters.positive(parameters["threshold_lambda"], "threshold_lambda", setting.target)
    _refuse_pruned(rates, limit, setting)
    present = _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target)
    penalty = per_column(np.zeros(rates.size), rates)
    return Nats(setting.likelihood, penalty, free_intercept(present))


def _precisions(values: Any, setting: Setting) -> FloatArray:
    try:
        rates = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        rates = np.empty(0)
    if rates.ndim != 1 or not rates.size or not np.all(rates > 0) or np.any(np.isnan(rates)):
        raise ConversionError(
            f"{setting.target}: lambda_ must be one positive number per column; got {values!r}"
        )
    return setting.fitting(rates, "lambda_")


def _refuse_pruned(rates: FloatArray, limit: float, setting: Setting) -> None:
    pruned = np.flatnonzero(~(rates < limit))
    if pruned.size:
        raise NoEquivalentError(
            f"{setting.target} holds the coefficients of columns {pruned.tolist()} at 0, for their "
            f"lambda_ is not below threshold_lambda={limit!r}: no Normal prior does that. Nearest: "
            "leave those columns out of the data, and pass parameters={'alpha_': ..., 'lambda_': "
            "lambda_ of the others}, or refit with a threshold_lambda above them all"
        )


_NOTES = (
    common.INTERCEPT,
    common.AS_IS,
    "alpha_ is the precision of the noise, sigma = alpha_^(-1/2): not Ridge's alpha, which is "
    "lambda_ / alpha_",
    "coef_ is the posterior mean given both precisions, which is the mode; that they were "
    "estimated from the same data (evidence, with Gamma hyperpriors of 1e-6) is not in it",
)
_IRRELEVANT = (
    "alpha_1", "alpha_2", "lambda_1", "lambda_2", "compute_score", "copy_X", "max_iter", "tol",
    "verbose",
)  # fmt: skip

BAYESIAN_RIDGE = Convention(
    name="sklearn.BayesianRidge",
    likelihoods=("Gaussian",),
    penalties=(L2,),
    objective="alpha_ RSS/2 + lambda_/2 sum w^2 at the estimated alpha_, lambda_",
    formula="sigma = alpha_^(-1/2), tau = lambda_^(-1/2)",
    fixes="",
    intercept=common.FREE,
    source=f"{common.VERSION}/_bayes.py",
    defaults={"fit_intercept": True},
    encode=common.no_target,
    decode=_decode_ridge,
    code=lambda parameters, setting: "",
    build=lambda parameters, setting: None,
    notes=common.notes(*_NOTES, common.SUMMED),
    irrelevant=(*_IRRELEVANT, "alpha_init", "lambda_init"),
    learned={"alpha_": None, "lambda_": None},
    says=_fitted_sigma,
    one_way="it estimates both precisions itself and takes none. Nearest: sklearn.Ridge, whose "
    "alpha is lambda_ / alpha_; or find_map(target='joint') for an unknown sigma",
)

ARD = dataclasses.replace(
    BAYESIAN_RIDGE,
    name="sklearn.ARDRegression",
    objective="alpha_ RSS/2 + 1/2 sum lambda_j w_j^2 at the estimated alpha_, lambda_",
    formula="sigma = alpha_^(-1/2), tau_j = lambda_j^(-1/2)",
    defaults={"fit_intercept": True, "threshold_lambda": 1e4},
    decode=_decode_ard,
    notes=common.notes(
        *_NOTES,
        common.UNWEIGHTED,
        "a column whose lambda_ is not below threshold_lambda is held at exactly 0, although its "
        "lambda_ is finite: that is no Normal prior, and refused",
    ),
    irrelevant=_IRRELEVANT,
    takes_weights=False,
    per_coefficient=True,
    one_way="it estimates all precisions itself and takes none. Nearest: sklearn.Ridge on "
    "rescaled columns, to_penalty(model, 'sklearn.Ridge', data)",
)

CONVENTIONS = (ARD, BAYESIAN_RIDGE)
