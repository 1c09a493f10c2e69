"""scikit-learn's SGDRegressor and SGDClassifier (n rows, r = l1_ratio):

    (1/n) sum s L(y, eta) + alpha [r ||w||_1 + (1 - r) / 2 ||w||^2]

    squared_error                  L = r^2 / 2        one nat is sigma^2
    log_loss                       L = log loss       one nat is 1
    epsilon_insensitive, eps = 0   L = |r|            one nat is 2 s (AsymmetricLaplace, q = 1/2)
    squared_epsilon_insensitive, 0 L = r^2            one nat is 2 sigma^2

n is the number of rows, whatever their weights: every row, also one of weight 0, shrinks once.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from bayesreg._checks import shown
from bayesreg._text import nearest
from bayesreg.conventions import _parameters
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, FLAT, L1, L2, Nats
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError

# What one nat is, in units of the dispersion of its likelihood.
_PER_NAT = {
    "Gaussian": 1.0,
    "Bernoulli": 1.0,
    "AsymmetricLaplace": 2.0,
    "Huber": 1.0,
    "EpsilonInsensitive": 2.0,
    "SquaredEpsilonInsensitive": 2.0,
}
_HINGES = ("hinge", "squared_hinge", "modified_huber", "perceptron")
_SQUARED = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")
_OF_CLASSES = ("log_loss", *_HINGES, *_SQUARED)


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha r = c / (n b),  alpha (1 - r) = c / (n tau^2)."""
    loss = {"Gaussian": "squared_error", "Bernoulli": "log_loss"}.get(nats.likelihood)
    parameters: dict[str, Any] = {"loss": loss or "epsilon_insensitive"}
    if loss is None:
        require_median(nats, setting)
        parameters["epsilon"] = 0.0
    per_nat = _PER_NAT[nats.likelihood] * setting.dispersion / setting.number("rows")
    alpha, ratio = common.mixed(nats, per_nat)
    if nats.kind == FLAT:
        parameters["penalty"] = None
    else:
        kinds = {L1: "l1", L2: "l2", ELASTIC_NET: "elasticnet"}
        parameters |= {"penalty": kinds[nats.kind], "alpha": alpha}
    if nats.kind == ELASTIC_NET:
        parameters["l1_ratio"] = ratio
    return {**parameters, **common.intercept_argument(nats)}


def require_median(nats: Nats, setting: Setting) -> None:
    """The absolute error is the pinball loss of the median alone."""
    if nats.shape.get("q") != 0.5:
        raise NoEquivalentError(
            f"{setting.target} has the absolute error, which is AsymmetricLaplace at q=0.5; the "
            f"model has q={nats.shape.get('q')!r}. Nearest: sklearn.QuantileRegressor"
        )


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = n alpha r / c,  1 / tau^2 = n alpha (1 - r) / c."""
    loss = _loss(setting.target, parameters, setting.data)
    common.only_of(setting, loss, f"loss={parameters['loss']!r}")
    _refuse_other_steps(parameters, setting)
    alpha = common.strength(parameters, setting)
    ratio = _ratio(parameters, setting)
    shape = {"q": 0.5} if loss == "AsymmetricLaplace" else {}
    if ratio is None:
        return common.nats_of(setting, parameters, **shape)
    total = alpha * setting.number("rows") / (_PER_NAT[loss] * setting.dispersion)
    return common.nats_of(setting, parameters, l1=total * ratio, l2=total * (1.0 - ratio), **shape)


def _ratio(parameters: Parameters, setting: Setting) -> float | None:
    """The share of L1; None without penalty. l1_ratio counts for penalty='elasticnet' only."""
    penalty = parameters["penalty"]
    if penalty is None:
        return None
    if penalty == "elasticnet":
        return _parameters.fraction(parameters["l1_ratio"], "l1_ratio", setting.target)
    if penalty not in ("l1", "l2"):
        raise ConversionError(
            f"{setting.target}: penalty must be 'l1', 'l2', 'elasticnet' or None; got "
            f"{shown(penalty)}"
        )
    return 1.0 if penalty == "l1" else 0.0


def _refuse_other_steps(parameters: Parameters, setting: Setting) -> None:
    if str(parameters["learning_rate"]).startswith("pa"):
        raise NoEquivalentError(
            f"{setting.target} with learning_rate={parameters['learning_rate']!r} is the "
            "passive-aggressive algorithm, which minimises no objective on all rows. Nearest: "
            "learning_rate='invscaling'"
        )
    if "class_weight" in parameters:
        common.refuse_class_weight(parameters, setting)


def _loss(target: str, parameters: Parameters, data: Data | None) -> str:
    """The likelihood of this loss, or the name of a loss that has none here."""
    loss = parameters["loss"]
    known = _OF_CLASSES if target.endswith("Classifier") else _SQUARED
    if loss not in known:
        raise ConversionError(f"{target} has no loss {loss!r}.{nearest(str(loss), known)}")
    if loss in _HINGES:
        raise NoEquivalentError(
            f"{target} with loss={loss!r} has no equivalent: it is not minus the logarithm of a "
            "density of y in {-1, 1}, whatever its scale. Nearest: loss='log_loss', which is"
        )
    if target.endswith("Classifier") and loss != "log_loss":
        raise NoEquivalentError(
            f"{target} with loss={loss!r} fits the classes as the numbers -1 and 1. Nearest: "
            "sklearn.SGDRegressor with the same loss, on y in {-1, 1}; or loss='log_loss'"
        )
    if loss in ("log_loss", "squared_error"):
        return "Bernoulli" if loss == "log_loss" else "Gaussian"
    if loss == "huber":
        _parameters.positive(parameters["epsilon"], "epsilon", target)
        return "Huber"
    exact = _parameters.nonnegative(parameters["epsilon"], "epsilon", target) == 0
    if loss == "epsilon_insensitive":
        return "AsymmetricLaplace" if exact else "EpsilonInsensitive"
    return "Gaussian" if exact else "SquaredEpsilonInsensitive"


def _decode_regressor(parameters: Parameters, setting: Setting) -> Nats:
    """squared_epsilon_insensitive with epsilon=0 is r^2, twice squared_error."""
    squared = parameters["loss"] == "squared_epsilon_insensitive"
    if squared and parameters["epsilon"] == 0:
        alpha = common.strength(parameters, setting)
        parameters = {**parameters, "loss": "squared_error", "alpha": alpha / 2}
    return _decode(parameters, setting)


_NOTES = (
    common.INTERCEPT,
    "the columns are not standardised, and without that the steps diverge or crawl: put a "
    "StandardScaler before it (to_prior reads the Pipeline)",
    "n is the number of rows and the weights are not normalised: with weights s the data term is "
    "(1/n) sum s L, and a row of weight 0 counts in n",
    common.SHRINKING,
    "stochastic steps end near the optimum, not at it: learning_rate, eta0, power_t, max_iter and "
    "early_stopping decide how near. LogisticRegression, ElasticNet and Ridge reach it",
    "average=True with an L1 part does not end there at all: the averaged coefficients miss the "
    "truncations of the steps (scikit-learn 1.9.1; coefficients in the thousands were seen)",
    "the default is not unpenalised: alpha=1e-4, penalty='l2'",
)

_STEPS = (
    "average", "early_stopping", "eta0", "max_iter", "n_iter_no_change", "power_t", "random_state",
    "shuffle", "tol", "validation_fraction", "verbose", "warm_start",
)  # fmt: skip

REGRESSOR = Convention(
    name="sklearn.SGDRegressor",
    likelihoods=("Gaussian", "AsymmetricLaplace"),
    without_model=("Huber", "EpsilonInsensitive", "SquaredEpsilonInsensitive"),
    penalties=(L1, L2, ELASTIC_NET),
    objective="(1/n) sum s loss + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2], n rows; "
    "loss = r^2/2 (squared_error), |r| (epsilon_insensitive, epsilon=0)",
    formula="alpha l1_ratio = sigma^2 / (n b), alpha (1 - l1_ratio) = sigma^2 / (n tau^2); "
    "AsymmetricLaplace(q=0.5, s): 2 s for sigma^2",
    fixes="sigma^2 / b and sigma / tau",
    intercept=common.FREE,
    source=f"{common.VERSION}/_stochastic_gradient.py, _sgd_fast.pyx.tp",
    defaults={
        "loss": "squared_error", "penalty": "l2", "alpha": 1e-4, "l1_ratio": 0.15,
        "epsilon": 0.1, "fit_intercept": True, "learning_rate": "invscaling",
    },
    encode=_encode,
    decode=_decode_regressor,
    takes_sparse=True,
    code=partial(common.code, "SGDRegressor"),
    build=partial(common.build, "SGDRegressor"),
    solution="estimator.coef_",
    notes=common.notes(*_NOTES),
    settings=common.fixed(
        max_iter=30_000, tol=None, learning_rate="invscaling", eta0=0.05, power_t=0.5,
        random_state=0,
    ),
    irrelevant=_STEPS,
    usual=partial(_loss, "sklearn.SGDRegressor"),
)  # fmt: skip

CLASSIFIER = dataclasses.replace(
    REGRESSOR,
    name="sklearn.SGDClassifier",
    likelihoods=("Bernoulli",),
    without_model=(),
    objective="(1/n) sum s logloss + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2], n rows "
    "(loss='log_loss')",
    formula="alpha l1_ratio = 1 / (n b), alpha (1 - l1_ratio) = 1 / (n tau^2)",
    fixes="",
    defaults={
        "loss": "hinge", "penalty": "l2", "alpha": 1e-4, "l1_ratio": 0.15, "epsilon": 0.1,
        "fit_intercept": True, "class_weight": None, "learning_rate": "optimal",
    },
    decode=_decode,
    takes_sparse=True,
    code=partial(common.code, "SGDClassifier"),
    build=partial(common.build, "SGDClassifier"),
    solution="estimator.coef_[0]",
    irrelevant=(*_STEPS, "n_jobs"),
    usual=partial(_loss, "sklearn.SGDClassifier"),
)  # fmt: skip

CONVENTIONS = (CLASSIFIER, REGRESSOR)
