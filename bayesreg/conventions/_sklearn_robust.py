"""scikit-learn's regressions with a loss other than the squared one (rho_q the pinball loss):

    QuantileRegressor   sum s rho_q(r) / N + alpha ||w||_1                alpha = s_ald / (N b)
    LinearSVR           C sum s |r| + (||w||^2 + w_0^2) / 2               C = tau^2 / (2 s_ald)
                        C sum s r^2 + the same                            C = tau^2 / (2 sigma^2)
    HuberRegressor      sum s (scale + H(r / scale) scale) + alpha ||w||^2,   H(z) = z^2 in the core

LinearSVR's intercept is intercept_scaling * w_0: its prior is Normal, intercept_scaling times as
wide as that of the coefficients.  Huber's scale is fitted too; at that scale its core is a Gaussian
one with sigma = scale, a nat of it is 2 scale, and alpha = scale / tau^2.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from bayesreg.conventions import _parameters
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import FLAT, L1, L2, Nats, penalty_kind, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.conventions._sklearn_sgd import require_median
from bayesreg.data import Data
from bayesreg.errors import ConversionError, NoEquivalentError


def _encode_quantile(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = s / (N b)."""
    alpha = setting.dispersion * nats.l1 / setting.total_weight
    return {"quantile": nats.shape["q"], "alpha": alpha, **common.intercept_argument(nats)}


def _decode_quantile(parameters: Parameters, setting: Setting) -> Nats:
    """1 / b = N alpha / s."""
    alpha = common.strength(parameters, setting)
    q = _parameters.fraction(parameters["quantile"], "quantile", setting.target)
    stated = setting.shape.get("q", q)
    if not 0 < q < 1 or stated != q:
        raise ConversionError(
            f"{setting.target} has quantile={q!r}"
            + (f", and the likelihood q={stated!r}; they must agree" if stated != q else
               "; it must be between 0 and 1")
        )  # fmt: skip
    rate = alpha * setting.total_weight / setting.dispersion
    return common.nats_of(setting, parameters, l1=rate, q=q)


_LOSSES = {
    "epsilon_insensitive": ("AsymmetricLaplace", "EpsilonInsensitive"),
    "squared_epsilon_insensitive": ("Gaussian", "SquaredEpsilonInsensitive"),
}


def _loss(parameters: Parameters, data: Data | None) -> str:
    """The likelihood of LinearSVR's loss, or the name of one that has none here."""
    target = "sklearn.LinearSVR"
    loss = _parameters.word(parameters["loss"], "loss", target, _LOSSES)
    insensitive = _parameters.nonnegative(parameters["epsilon"], "epsilon", target) > 0
    return _LOSSES[loss][insensitive]


def _encode_svr(nats: Nats, setting: Setting) -> dict[str, Any]:
    """C = tau^2 / (2 s) or tau^2 / (2 sigma^2), and the intercept's share."""
    if nats.kind == FLAT:
        raise NoEquivalentError(
            "sklearn.LinearSVR takes no infinite C, so that it cannot do without a penalty. "
            "Nearest: sklearn.LinearRegression, sklearn.QuantileRegressor with alpha=0"
        )
    absolute = nats.likelihood == "AsymmetricLaplace"
    if absolute:
        require_median(nats, setting)
    loss = "epsilon_insensitive" if absolute else "squared_epsilon_insensitive"
    C = 1.0 / (2.0 * setting.dispersion * nats.l2)
    return {"loss": loss, "epsilon": 0.0, "C": C, **_intercept_arguments(nats)}


def _intercept_arguments(nats: Nats) -> dict[str, Any]:
    if nats.intercept is None:
        return {"fit_intercept": False}
    if penalty_kind(nats.intercept) != L2:
        raise NoEquivalentError(
            "sklearn.LinearSVR penalises the intercept, as a Normal prior at 0, and the model does "
            "not. Nearest: intercept=Normal(scale=s * tau), which is intercept_scaling=s; or "
            "sklearn.QuantileRegressor, sklearn.Ridge, whose intercept is free"
        )
    return {"intercept_scaling": math.sqrt(nats.l2 / float(nats.intercept.l2[0]))}


def _decode_svr(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = 1 / (2 s C) or 1 / (2 sigma^2 C)."""
    loss = _loss(parameters, setting.data)
    common.only_of(setting, loss, f"loss={parameters['loss']!r}")
    target = setting.target
    C = _parameters.positive(parameters["C"], "C", target)
    if math.isinf(C):
        raise ConversionError(f"{target} takes no infinite C; got C={C!r}")
    rate = 1.0 / (2.0 * setting.dispersion * C)
    shape = {"q": 0.5} if loss == "AsymmetricLaplace" else {}
    intercept = None
    if _parameters.switch(parameters["fit_intercept"], "fit_intercept", target):
        width = _parameters.positive(parameters["intercept_scaling"], "intercept_scaling", target)
        intercept = uniform(l2=rate / width**2)
    return Nats(setting.likelihood, uniform(l2=rate), intercept, shape)


def _decode_huber(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = alpha / scale."""
    alpha = common.strength(parameters, setting)
    return common.nats_of(setting, parameters, l2=alpha / setting.sigma)


def _fitted_scale(parameters: Parameters) -> dict[str, float]:
    scale = parameters["scale_"]
    return {} if scale is None else {
        "sigma": _parameters.positive(scale, "scale_", "sklearn.HuberRegressor")
    }  # fmt: skip


QUANTILE = Convention(
    name="sklearn.QuantileRegressor",
    likelihoods=("AsymmetricLaplace",),
    penalties=(L1,),
    objective="(1/N) sum s rho_q(r) + alpha sum|w|",
    formula="alpha = s_ald / (N b), quantile = q",
    fixes="s / b",
    intercept=common.FREE,
    source=f"{common.VERSION}/_quantile.py",
    defaults={"quantile": 0.5, "alpha": 1.0, "fit_intercept": True},
    encode=_encode_quantile,
    decode=_decode_quantile,
    takes_sparse=True,
    code=partial(common.code, "QuantileRegressor"),
    build=partial(common.build, "QuantileRegressor"),
    solution="estimator.coef_",
    notes=common.notes(
        common.INTERCEPT,
        common.AS_IS,
        common.NORMALISED,
        common.SHRINKING,
        "s is the scale of AsymmetricLaplace, density q(1 - q)/s exp(-rho_q(r)/s): a symmetric "
        "Laplace noise of scale c is s = c/2 at q = 0.5",
        "a linear programme: where its optimum is not unique, another solver ends elsewhere",
    ),
    irrelevant=("solver", "solver_options"),
    usual=lambda parameters, data: None,
)

SVR = Convention(
    name="sklearn.LinearSVR",
    likelihoods=("Gaussian", "AsymmetricLaplace"),
    without_model=("EpsilonInsensitive", "SquaredEpsilonInsensitive"),
    penalties=(L2,),
    objective="C sum s loss + 1/2 (sum w^2 + (intercept/intercept_scaling)^2), loss = |r| or r^2 "
    "beyond epsilon",
    formula="C = tau^2 / (2 sigma^2) (squared_epsilon_insensitive) or tau^2 / (2 s_ald) "
    "(epsilon_insensitive, q = 0.5), both with epsilon=0",
    fixes="sigma / tau, or s / tau^2",
    intercept="Normal, intercept_scaling as wide",
    source="scikit-learn 1.9.1, svm/_classes.py, liblinear",
    defaults={
        "loss": "epsilon_insensitive", "epsilon": 0.0, "C": 1.0, "fit_intercept": True,
        "intercept_scaling": 1.0,
    },
    encode=_encode_svr,
    decode=_decode_svr,
    takes_sparse=True,
    code=partial(common.code, "LinearSVR", module="svm"),
    build=partial(common.build, "LinearSVR", module="svm"),
    solution="estimator.coef_",
    notes=common.notes(
        "the intercept is penalised: its prior is Normal with sd intercept_scaling * tau",
        common.AS_IS,
        common.SUMMED,
        "epsilon=0 is the default here (0.1 in SVR); above 0 there is a prior and no model",
        "liblinear warns when max_iter ends it before tol; then coef_ is not the optimum",
    ),
    settings=common.fixed(tol=1e-10, max_iter=1_000_000, random_state=0),
    irrelevant=("dual", "tol", "random_state", "max_iter", "verbose"),
    penalises_intercept=True,
    usual=_loss,
)  # fmt: skip

HUBER = Convention(
    name="sklearn.HuberRegressor",
    likelihoods=(),
    without_model=("Huber",),
    penalties=(L2,),
    objective="sum s (scale + H_epsilon(r/scale) scale) + alpha sum w^2, H(z) = z^2 in the core",
    formula="alpha = scale_ / tau^2",
    fixes="scale_ / tau^2",
    intercept=common.FREE,
    source=f"{common.VERSION}/_huber.py",
    defaults={"epsilon": 1.35, "alpha": 1e-4, "fit_intercept": True},
    encode=common.no_target,
    decode=_decode_huber,
    takes_sparse=True,
    code=partial(common.code, "HuberRegressor"),
    build=partial(common.build, "HuberRegressor"),
    solution="estimator.coef_",
    notes=common.notes(
        common.INTERCEPT,
        common.AS_IS,
        common.SUMMED,
        "scale_ is fitted with the coefficients and is Huber's concomitant scale, not a sigma of "
        "maximum posterior; the prior is the one at that scale (unfitted: pass sigma=, the scale)",
        "alpha / tau^2 goes with the first power of the scale, in Ridge with the second",
    ),
    irrelevant=("max_iter", "tol", "warm_start"),
    learned={"scale_": None},
    usual=lambda parameters, data: "Huber",
    says=_fitted_scale,
    one_way="it fits its scale with the coefficients and takes none, and bayesreg has no Huber "
    "likelihood. Nearest: sklearn.Ridge, or find_map under a StudentT likelihood",
)

CONVENTIONS = (HUBER, SVR, QUANTILE)
