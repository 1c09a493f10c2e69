"""R's glmnet: formulas only.

Measured on glmnet 4.1-6 (w coefficients on the user's columns, s weights, N = sum(s), sy the
population sd of y, sd_j of column j, f the penalty factors rescaled to mean 1):

    family = "gaussian"    RSS / (2N) + lambda alpha sum f_j sd_j |w_j|
                                      + (lambda / sy) (1 - alpha) / 2 sum f_j sd_j^2 w_j^2
    family = gaussian()    the same without sy
    binomial, poisson      L / N + lambda [alpha sum f_j sd_j |w_j|
                                      + (1 - alpha) / 2 sum f_j sd_j^2 w_j^2]

with sd_j = 1 under ``standardize = FALSE``.  The string "gaussian" divides y and lambda by sy, so
that its ridge penalty depends on y while its lasso penalty does not; without an intercept sy is the
root mean square of y, and sd_j stays the centred sd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, free_intercept, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import said_by
from bayesreg.errors import ConversionError, NoEquivalentError

_FAMILIES = {"Gaussian": ("gaussian", "gaussian()"), "Bernoulli": ("binomial",),
             "Poisson": ("poisson",)}  # fmt: skip
_LIKELIHOODS = {word: name for name, words in _FAMILIES.items() for word in words}


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """lambda f_j alpha = c l1_j / sd_j,  lambda f_j (1 - alpha) = c sy l2_j / sd_j^2."""
    family = _family(setting.options.get("family"), nats.likelihood)
    standardize = _standardizes(nats, setting)
    sd = setting.per_column("sd_x") if standardize else np.ones(1)
    per_nat = setting.dispersion / setting.total_weight
    l1 = per_nat * nats.penalty.l1 / sd
    l2 = per_nat * nats.penalty.l2 / sd**2
    if np.any(l2 > 0):
        l2 = l2 * _target_scale(family, nats.intercept is not None, setting)
    strength, alpha, factor = _forms.strength_share_factors(l1, l2, setting.target)
    parameters: dict[str, Any] = {"family": family, "lambda": strength, "alpha": alpha,
                                  "standardize": standardize}  # fmt: skip
    if factor is not None:
        parameters["penalty.factor"] = factor
    if nats.intercept is None:
        parameters["intercept"] = False
    return parameters


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """l1_j = lambda f_j alpha sd_j / c,  l2_j = lambda f_j (1 - alpha) sd_j^2 / (c sy)."""
    target = setting.target
    strength = _parameters.nonnegative(parameters["lambda"], "lambda", target)
    alpha = _parameters.fraction(parameters["alpha"], "alpha", target)
    family = _family(parameters["family"], setting.likelihood)
    intercept = _parameters.switch(parameters["intercept"], "intercept", target)
    sd: FloatArray = np.ones(1)
    if _parameters.switch(parameters["standardize"], "standardize", target):
        sd = setting.per_column("sd_x")
    factor = _factors(parameters["penalty.factor"], setting)
    per_nat = setting.dispersion / setting.total_weight
    l1 = strength * alpha * factor * sd / per_nat
    l2 = strength * (1.0 - alpha) * factor * sd**2 / per_nat
    if np.any(l2 > 0):
        l2 = l2 / _target_scale(family, intercept, setting)
    return Nats(setting.likelihood, per_column(l1, l2), free_intercept(intercept))


def _family(wanted: Any, likelihood: str) -> str:
    families = _FAMILIES[likelihood]
    if wanted is None:
        return families[0]
    if wanted not in families:
        raise ConversionError(
            f"glmnet: family of {likelihood} data is {' or '.join(map(repr, families))}; "
            f"got {wanted!r}"
        )
    return str(wanted)


def _standardizes(nats: Nats, setting: Setting) -> bool:
    """What the caller wants; else TRUE where that makes one strength of unequal ones."""
    wanted = setting.options.get("standardize")
    if wanted is not None:
        return _parameters.switch(wanted, "standardize", setting.target)
    if nats.penalty.size == 1 or setting.data is None:
        return False
    sd = np.asarray(setting.quantity("sd_x"))
    if np.any(sd == 0):
        return False
    return _forms.nearly_equal(nats.penalty.l1 / sd) and _forms.nearly_equal(
        nats.penalty.l2 / sd**2
    )


def _target_scale(family: str, intercept: bool, setting: Setting) -> float:
    """sy, by which the string "gaussian" divides y."""
    if family != "gaussian":
        return 1.0
    return setting.number("sd_y" if intercept else "rms_y")


def _factors(given: Any, setting: Setting) -> FloatArray:
    """The penalty factors as glmnet uses them: rescaled to mean 1."""
    factor = _forms.factors(given, "penalty.factor", setting)
    return np.asarray(factor / np.mean(factor))


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    words = {True: "TRUE", False: "FALSE"}
    family = arguments["family"]
    parts = [
        "x, y",
        f"family = {family if '(' in family else repr(family).replace(chr(39), chr(34))}",
    ]
    for name, value in arguments.items():
        if name == "family":
            continue
        text = words[value] if isinstance(value, bool) else _vector(value)
        parts.append(f"{name} = {text}")
    if setting.weighted:
        parts.append("weights = weights")
    inside = ", ".join(parts)
    return f"library(glmnet)\nfit <- glmnet({inside})\ncoef(fit)\n"


def _vector(value: Any) -> str:
    if isinstance(value, list):
        return f"c({', '.join(repr(entry) for entry in value)})"
    return repr(value)


def _build(arguments: Mapping[str, Any], setting: Setting) -> Any:
    raise NoEquivalentError(
        "glmnet is an R package, so there is no Python object to build. Nearest: run .code in R"
    )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = ["the intercept is not penalised" if parameters.get("intercept", True)
             else "intercept = FALSE: sy is the root mean square of y, not its sd"]  # fmt: skip
    if parameters["family"] == "gaussian":
        notes.append(
            'family = "gaussian" divides y by its population sd sy and lambda with it: the ridge '
            "part depends on y, the lasso part does not; family = gaussian() (the object) does not "
            "divide, and at the same lambda gives another answer"
        )
    notes += [
        "standardize = TRUE is the default: the penalty is on w_j sd_j, population sd",
        "penalty.factor is rescaled to mean 1, so that doubling all of it changes nothing",
        "weights are normalised to sum to 1: N is their sum",
        "lambda as a single number is solved afresh here; coef(fit, s =) on a path interpolates "
        "linearly unless exact = TRUE",
        "thresh = 1e-20: the default 1e-7 is visible in the fourth digit",
    ]
    return tuple(notes)


GLMNET = Convention(
    name="glmnet.glmnet",
    likelihoods=("Gaussian", "Bernoulli", "Poisson"),
    penalties=(L1, L2, ELASTIC_NET),
    objective="L_lib/N + lambda [alpha sum f_j sd_j |w_j| + (1 - alpha)/2 sum f_j sd_j^2 w_j^2], "
    'L_lib = RSS/2 or L, the L2 part divided by sy for family = "gaussian"',
    formula="lambda alpha f_j = sigma^2 / (N b_j sd_j), "
    "lambda (1 - alpha) f_j = sy sigma^2 / (N tau_j^2 sd_j^2)",
    fixes="sigma^2 / b and sigma / tau",
    intercept="flat or none",
    source="glmnet 4.1-6 (R), measured",
    defaults={"family": None, "lambda": ..., "alpha": 1.0, "standardize": True,
              "penalty.factor": None, "intercept": True},
    encode=_encode,
    decode=_decode,
    takes_sparse=True,
    code=_code,
    build=_build,
    notes=_notes,
    settings=lambda parameters: {"thresh": 1e-20, "maxit": 10_000_000},
    irrelevant=("nlambda", "lambda.min.ratio", "thresh", "maxit", "dfmax", "pmax", "weights",
                "type.gaussian", "trace.it"),
    options=("family", "standardize"),
    per_coefficient=True,
    usual=said_by("family", _LIKELIHOODS, "glmnet.glmnet"),
    solution="as.numeric(fit$beta)",
)  # fmt: skip

CONVENTIONS = {GLMNET.name: GLMNET}
