"""scikit-learn's generalised linear models, whose deviance is twice phi times the nll:

    sum s deviance / (2N) + alpha / 2 ||w||^2           alpha = phi / (N tau^2)

with phi = sigma^2 for power 0, 1 for Poisson, the dispersion for Gamma and every other power.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bayesreg._checks import shown
from bayesreg.conventions import _sklearn_common as common
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L2, Nats
from bayesreg.conventions._parameters import real
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._sklearn_common import Parameters
from bayesreg.data import Data
from bayesreg.errors import ConversionError

_POWERS = {"Gaussian": 0, "Poisson": 1, "Gamma": 2}
_LINKS = {"Gaussian": "identity", "Poisson": "log", "Gamma": "log"}


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha = phi / (N tau^2)."""
    alpha = setting.dispersion * nats.l2 / setting.total_weight
    return {"alpha": alpha, **common.intercept_argument(nats)}


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau^2 = N alpha / phi."""
    alpha = common.strength(parameters, setting)
    rate = alpha * setting.total_weight / setting.dispersion
    return common.nats_of(setting, parameters, l2=rate)


def _encode_tweedie(nats: Nats, setting: Setting) -> dict[str, Any]:
    return {"power": _POWERS[nats.likelihood], **_encode(nats, setting)}


def _decode_tweedie(parameters: Parameters, setting: Setting) -> Nats:
    common.only_of(setting, _loss(parameters, setting.data), f"power={parameters['power']!r}")
    return _decode(parameters, setting)


def _loss(parameters: Parameters, data: Data | None) -> str:
    """The likelihood of this power and link, or Tweedie where there is none here."""
    target = "sklearn.TweedieRegressor"
    power, link = real(parameters["power"], "power", target), parameters["link"]
    if 0 < power < 1:
        raise ConversionError(
            f"{target}: no distribution has a power between 0 and 1; got power={power!r}"
        )
    if link not in ("auto", "identity", "log"):
        raise ConversionError(
            f"{target}: link must be 'auto', 'identity' or 'log'; got {shown(link)}"
        )
    link = ("identity" if power <= 0 else "log") if link == "auto" else link
    for name, its_own in _POWERS.items():
        if power == its_own and link == _LINKS[name]:
            return name
    return "Tweedie"


_NOTES = (common.INTERCEPT, common.AS_IS, common.NORMALISED, common.SHRINKING)
_DEVIANCE = "the deviance is twice the negative log likelihood; the library halves it"
_IRRELEVANT = ("solver", "max_iter", "tol", "warm_start", "verbose")
_SETTINGS = common.fixed(solver="newton-cholesky", tol=1e-10, max_iter=1000)


def _log_link(kind: str, likelihood: str, *notes: str, **words: Any) -> Convention:
    """PoissonRegressor and GammaRegressor."""
    return Convention(
        name=f"sklearn.{kind}",
        likelihoods=(likelihood,),
        penalties=(L2,),
        intercept=common.FREE,
        source=f"{common.VERSION}/_glm/glm.py",
        defaults={"alpha": 1.0, "fit_intercept": True},
        encode=_encode,
        decode=_decode,
        takes_sparse=True,
        code=partial(common.code, kind),
        build=partial(common.build, kind),
        solution="estimator.coef_",
        notes=common.notes(*_NOTES, *notes),
        settings=_SETTINGS,
        irrelevant=_IRRELEVANT,
        **words,
    )


POISSON = _log_link(
    "PoissonRegressor",
    "Poisson",
    _DEVIANCE,
    objective="(1/N) sum s (exp(eta) - y eta) + alpha/2 sum w^2",
    formula="alpha = 1 / (N tau^2)",
    fixes="",
)

GAMMA = _log_link(
    "GammaRegressor",
    "Gamma",
    "half the deviance is phi times the negative log likelihood, and the library never estimates "
    "phi: alpha alone fixes phi / tau^2",
    objective="(1/N) sum s (eta + y exp(-eta)) + alpha/2 sum w^2",
    formula="alpha = phi / (N tau^2)",
    fixes="phi / tau^2",
)

TWEEDIE = Convention(
    name="sklearn.TweedieRegressor",
    likelihoods=("Gaussian", "Poisson", "Gamma"),
    without_model=("Tweedie",),
    penalties=(L2,),
    objective="(1/(2 N)) sum s deviance_power + alpha/2 sum w^2",
    formula="alpha = phi / (N tau^2), phi = sigma^2 for power 0, 1 for power 1",
    fixes="phi / tau^2",
    intercept=common.FREE,
    source=f"{common.VERSION}/_glm/glm.py",
    defaults={"power": 0.0, "link": "auto", "alpha": 1.0, "fit_intercept": True},
    encode=_encode_tweedie,
    decode=_decode_tweedie,
    takes_sparse=True,
    code=partial(common.code, "TweedieRegressor"),
    build=partial(common.build, "TweedieRegressor"),
    solution="estimator.coef_",
    notes=common.notes(
        *_NOTES,
        "power 0 with the identity link is Gaussian, power 1 and 2 with the log link are Poisson "
        "and Gamma; any other power or link has a prior here, given phi, and no model",
    ),
    settings=_SETTINGS,
    irrelevant=_IRRELEVANT,
    usual=_loss,
)

CONVENTIONS = (GAMMA, POISSON, TWEEDIE)
