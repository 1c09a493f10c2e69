"""scikit-learn's penalised least squares (RSS = sum s r^2, N = sum(s), r = l1_ratio):

LinearRegression             RSS
Ridge                        RSS + alpha ||w||^2                    alpha = sigma^2 / tau^2
KernelRidge(linear)          the same, without intercept
RidgeClassifier              the same on targets in {-1, 1}
Lasso, LassoLars             RSS / (2N) + alpha ||w||_1             alpha = sigma^2 / (N b)
ElasticNet                   RSS / (2N) + alpha [r ||w||_1 + (1 - r) / 2 ||w||^2]
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bayesreg._checks import shown
from bayesreg.conventions import _parameters
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, uniform
from bayesreg.conventions._nonnegative import with_positive
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.errors import NoEquivalentError

_NO_HALF = "no 1/n and no 1/2 here: at equal strength Ridge's alpha is n times ElasticNet's"


def encode_ridge(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / tau^2."""
    return {"alpha": setting.dispersion * nats.l2, **common.intercept_argument(nats)}


def decode_ridge(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = alpha / sigma^2."""
    alpha = common.strength(parameters, setting)
    return common.nats_of(setting, parameters, l2=alpha / setting.dispersion)


def encode_lasso(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / (N b)."""
    alpha = setting.dispersion * nats.l1 / setting.total_weight
    return {"alpha": alpha, **common.intercept_argument(nats)}


def decode_lasso(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = N alpha / sigma^2."""
    alpha = common.strength(parameters, setting)
    rate = alpha * setting.total_weight / setting.dispersion
    return common.nats_of(setting, parameters, l1=rate)


def encode_elastic_net(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = sigma^2 / N (1/b + 1/tau^2),  l1_ratio = (1/b) / (1/b + 1/tau^2)."""
    alpha, ratio = common.mixed(nats, setting.dispersion / setting.total_weight)
    return {"alpha": alpha, "l1_ratio": ratio, **common.intercept_argument(nats)}


def decode_elastic_net(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = N alpha l1_ratio / sigma^2,  1 / tau^2 = N alpha (1 - l1_ratio) / sigma^2."""
    alpha = common.strength(parameters, setting)
    ratio = _parameters.fraction(parameters["l1_ratio"], "l1_ratio", setting.target)
    total = alpha * setting.total_weight / setting.dispersion
    return common.nats_of(setting, parameters, l1=total * ratio, l2=total * (1.0 - ratio))


def _decode_lars(parameters: Parameters, setting: Setting) -> Nats:
    if parameters["jitter"] is not None:
        raise NoEquivalentError(
            f"{setting.target} with jitter={shown(parameters['jitter'])} adds noise to y before "
            "the fit. Nearest: jitter=None"
        )
    return decode_lasso(parameters, setting)


def _decode_kernel_ridge(parameters: Parameters, setting: Setting) -> Nats:
    if parameters["kernel"] != "linear":
        raise NoEquivalentError(
            f"{setting.target} with kernel={shown(parameters['kernel'])} is a Gaussian process "
            "with that kernel, not a regression on the columns. Nearest: kernel='linear'"
        )
    alpha = common.strength(parameters, setting)
    return Nats(setting.likelihood, uniform(l2=alpha / setting.dispersion), None)


def _encode_classifier(nats: Nats, setting: Setting) -> dict[str, Any]:
    common.in_signs(setting)
    return encode_ridge(nats, setting)


def decode_classifier(parameters: Parameters, setting: Setting) -> Nats:
    """Ridge on y in {-1, 1}."""
    common.refuse_class_weight(parameters, setting)
    common.in_signs(setting)
    return decode_ridge(parameters, setting)


def _encode_flat(nats: Nats, setting: Setting) -> dict[str, Any]:
    return common.intercept_argument(nats)


def _decode_flat(parameters: Parameters, setting: Setting) -> Nats:
    return common.nats_of(setting, parameters)


def _kernel_ridge_code(arguments: Parameters, setting: Setting) -> str:
    fit = common.code("KernelRidge", arguments, setting, module="kernel_ridge")
    return fit + "coef = X.T @ estimator.dual_coef_\n"


_LEAST_SQUARES = "alpha=0 is least squares, which {} (and scikit-learn warns): use LinearRegression"

LINEAR_REGRESSION = with_positive(
    Convention(
        name="sklearn.LinearRegression",
        likelihoods=("Gaussian",),
        penalties=(),
        objective="RSS",
        formula="no parameter: a flat prior, whatever sigma is",
        fixes="",
        intercept=common.FREE,
        source=f"{common.VERSION}/_base.py",
        defaults={"fit_intercept": True, "positive": False},
        encode=_encode_flat,
        decode=_decode_flat,
        takes_sparse=True,
        code=partial(common.code, "LinearRegression"),
        build=partial(common.build, "LinearRegression"),
        solution="estimator.coef_",
        notes=common.notes(common.INTERCEPT, common.AS_IS, common.SUMMED),
        irrelevant=("copy_X", "tol", "n_jobs"),
    )
)

RIDGE = with_positive(
    Convention(
        name="sklearn.Ridge",
        likelihoods=("Gaussian",),
        penalties=(L2,),
        objective="RSS + alpha sum w^2",
        formula="alpha = sigma^2 / tau^2",
        fixes="sigma / tau",
        intercept=common.FREE,
        source=f"{common.VERSION}/_ridge.py",
        defaults={"alpha": 1.0, "fit_intercept": True, "positive": False},
        encode=encode_ridge,
        decode=decode_ridge,
        takes_sparse=True,
        code=partial(common.code, "Ridge"),
        build=partial(common.build, "Ridge"),
        solution="estimator.coef_",
        notes=common.notes(common.INTERCEPT, common.AS_IS, common.SUMMED, _NO_HALF),
        settings=common.fixed(tol=1e-12),
        irrelevant=("copy_X", "max_iter", "tol", "solver", "random_state"),
    )
)

CLASSIFIER_NOTES = (
    common.INTERCEPT,
    common.AS_IS,
    common.SUMMED,
    "a least-squares fit to targets -1 and 1: the model is Gaussian on those numbers, and its "
    "sigma is the sd of what is left of them, not a probability of a class",
    "three classes and more are fitted one against the rest, each a model of its own",
)

RIDGE_CLASSIFIER = with_positive(
    Convention(
        name="sklearn.RidgeClassifier",
        likelihoods=("Gaussian",),
        penalties=(L2,),
        objective="RSS on y in {-1, 1} + alpha sum w^2",
        formula="alpha = sigma^2 / tau^2",
        fixes="sigma / tau",
        intercept=common.FREE,
        source=f"{common.VERSION}/_ridge.py",
        defaults={"alpha": 1.0, "fit_intercept": True, "positive": False, "class_weight": None},
        encode=_encode_classifier,
        decode=decode_classifier,
        takes_sparse=True,
        code=partial(common.code, "RidgeClassifier"),
        build=partial(common.build, "RidgeClassifier"),
        solution="estimator.coef_.ravel()",
        notes=common.notes(*CLASSIFIER_NOTES),
        settings=common.fixed(tol=1e-12),
        irrelevant=("copy_X", "max_iter", "tol", "solver", "random_state"),
    )
)

KERNEL_RIDGE = Convention(
    name="sklearn.KernelRidge",
    likelihoods=("Gaussian",),
    penalties=(L2,),
    objective="RSS + alpha sum w^2, w = X' dual_coef_",
    formula="alpha = sigma^2 / tau^2",
    fixes="sigma / tau",
    intercept="none",
    source="scikit-learn 1.9.1, kernel_ridge.py",
    defaults={"alpha": 1.0, "kernel": "linear"},
    encode=lambda nats, setting: {"alpha": setting.dispersion * nats.l2},
    decode=_decode_kernel_ridge,
    takes_sparse=True,
    code=_kernel_ridge_code,
    build=partial(common.build, "KernelRidge", module="kernel_ridge"),
    solution="coef",
    notes=common.notes(
        "there is no intercept: centre the columns and y, or use Ridge",
        "the coefficients are X.T @ dual_coef_; a Gaussian process with kernel tau^2 x'x and noise "
        "sigma^2 has the same mean",
        "with fewer columns than rows the system is singular at alpha=0, and alpha is lost beside "
        "squared columns of very different size",
        common.SUMMED,
    ),
    irrelevant=("gamma", "degree", "coef0", "kernel_params"),
    fits_intercept=False,
)

_DESCENT = ("precompute", "max_iter", "copy_X", "tol", "warm_start", "random_state", "selection")
_DESCENT_NOTES = common.notes(
    common.INTERCEPT,
    common.AS_IS,
    common.NORMALISED,
    common.SHRINKING,
    unpenalised=_LEAST_SQUARES.format("coordinate descent does badly"),
)

LASSO = with_positive(
    Convention(
        name="sklearn.Lasso",
        likelihoods=("Gaussian",),
        penalties=(L1,),
        objective="RSS/(2 N) + alpha sum|w|",
        formula="alpha = sigma^2 / (N b)",
        fixes="sigma^2 / b",
        intercept=common.FREE,
        source=f"{common.VERSION}/_coordinate_descent.py",
        defaults={"alpha": 1.0, "fit_intercept": True, "positive": False},
        encode=encode_lasso,
        decode=decode_lasso,
        takes_sparse=True,
        code=partial(common.code, "Lasso"),
        build=partial(common.build, "Lasso"),
        solution="estimator.coef_",
        notes=_DESCENT_NOTES,
        settings=common.fixed(tol=1e-12, max_iter=100_000),
        irrelevant=_DESCENT,
    )
)

ELASTIC_NET_ = with_positive(
    Convention(
        name="sklearn.ElasticNet",
        likelihoods=("Gaussian",),
        penalties=(L1, L2, ELASTIC_NET),
        objective="RSS/(2 N) + alpha [l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2]",
        formula="alpha = sigma^2 (1/b + 1/tau^2) / N, l1_ratio = (1/b) / (1/b + 1/tau^2)",
        fixes="sigma^2 / b and sigma / tau",
        intercept=common.FREE,
        source=f"{common.VERSION}/_coordinate_descent.py",
        defaults={"alpha": 1.0, "l1_ratio": 0.5, "fit_intercept": True, "positive": False},
        encode=encode_elastic_net,
        decode=decode_elastic_net,
        takes_sparse=True,
        code=partial(common.code, "ElasticNet"),
        build=partial(common.build, "ElasticNet"),
        solution="estimator.coef_",
        notes=_DESCENT_NOTES,
        settings=common.fixed(tol=1e-12, max_iter=100_000),
        irrelevant=_DESCENT,
    )
)

LASSO_LARS = Convention(
    name="sklearn.LassoLars",
    likelihoods=("Gaussian",),
    penalties=(L1,),
    objective="RSS/(2 n) + alpha sum|w|",
    formula="alpha = sigma^2 / (n b)",
    fixes="sigma^2 / b",
    intercept=common.FREE,
    source=f"{common.VERSION}/_least_angle.py",
    defaults={"alpha": 1.0, "fit_intercept": True, "positive": False, "jitter": None},
    encode=encode_lasso,
    decode=common.unbounded_only(_decode_lars),
    code=partial(common.code, "LassoLars"),
    build=partial(common.build, "LassoLars"),
    solution="estimator.coef_",
    notes=common.notes(
        common.INTERCEPT,
        common.AS_IS,
        common.UNWEIGHTED,
        common.SHRINKING,
        "max_iter counts the steps of the path: 500, and with more the fit stops before alpha",
        unpenalised=_LEAST_SQUARES.format("the path ends at"),
    ),
    settings=common.fixed(max_iter=100_000),
    irrelevant=("copy_X", "eps", "fit_path", "max_iter", "precompute", "random_state", "verbose"),
    takes_weights=False,
)

CONVENTIONS = (
    ELASTIC_NET_, KERNEL_RIDGE, LASSO, LASSO_LARS, LINEAR_REGRESSION, RIDGE, RIDGE_CLASSIFIER,
)  # fmt: skip
