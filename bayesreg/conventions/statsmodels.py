"""statsmodels' fit_regularized: formulas only.

Objectives as implemented in statsmodels 0.15.0 (k runs over the columns of exog, the constant among
them; s weights, N = sum(s), n rows):

    OLS, WLS         RSS / (2N) + sum_k alpha_k [L1_wt |w_k| + (1 - L1_wt) / 2 w_k^2]
    GLM              L / n + the same, freq_weights summed in L
    Logit, Poisson   L + sum_k alpha_k |w_k|

A scalar alpha penalises the constant too; one entry 0 in front leaves it free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg._checks import shown
from bayesreg._types import FloatArray
from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, per_column, uniform
from bayesreg.conventions._programs import literal
from bayesreg.conventions._setting import Setting
from bayesreg.conventions._words import inverted, said_by
from bayesreg.errors import ConversionError, NoEquivalentError

Parameters = Mapping[str, Any]
PerNat = Callable[[Setting], float]

_FAMILIES = {"Bernoulli": "Binomial", "Poisson": "Poisson"}


def _mean(setting: Setting) -> float:
    """c of RSS / (2N)."""
    return setting.dispersion / setting.total_weight


def _row_mean(setting: Setting) -> float:
    """c of L / n: the number of rows, whatever their weights."""
    return 1.0 / setting.number("rows")


def _sum(setting: Setting) -> float:
    return 1.0


def _encode(per_nat: PerNat, nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha_k L1_wt = c l1_k,  alpha_k (1 - L1_wt) = c l2_k, the constant in front."""
    l1, l2 = nats.penalty.l1, nats.penalty.l2
    if nats.intercept is not None:
        size = int(setting.number("p")) if l1.size == 1 else l1.size
        l1, l2 = (
            np.append(at_constant, np.broadcast_to(rates, size))
            for at_constant, rates in ((nats.intercept.l1, l1), (nats.intercept.l2, l2))
        )
    c = per_nat(setting)
    strength, share, factors = _forms.strength_share_factors(c * l1, c * l2, setting.target)
    alpha = strength if factors is None else (strength * np.array(factors)).tolist()
    found: dict[str, Any] = {"alpha": alpha, "L1_wt": share}
    return {**found, **({"constant": False} if nats.intercept is None else {})}


def _decode(per_nat: PerNat, parameters: Parameters, setting: Setting) -> Nats:
    """l1_k = alpha_k L1_wt / c,  l2_k = alpha_k (1 - L1_wt) / c."""
    target = setting.target
    for name, reason in _ANOTHER_FIT.items():
        if name in parameters:
            _parameters.refuse_switch(parameters[name], name, target, reason)
    share = _parameters.fraction(parameters["L1_wt"], "L1_wt", target)
    constant = _parameters.switch(parameters["constant"], "constant", target)
    alpha = _strengths(parameters["alpha"], constant, setting) / per_nat(setting)
    l1, l2 = alpha * share, alpha * (1.0 - share)
    if not constant:
        return Nats(setting.likelihood, per_column(l1, l2), None)
    rest = slice(0, 1) if alpha.size == 1 else slice(1, None)
    at_constant = uniform(float(l1[0]), float(l2[0]))
    return Nats(setting.likelihood, per_column(l1[rest], l2[rest]), at_constant)


_ANOTHER_FIT = {
    "refit": "it fits the selected columns again without penalty. Nearest: refit=False",
    "profile_scale": "sigma is estimated inside the penalised fit. Nearest: profile_scale=False",
}


def _strengths(given: Any, constant: bool, setting: Setting) -> FloatArray:
    """One number, or one for each column of exog, of which the constant is one."""
    target = setting.target
    if np.ndim(given) == 0:
        return np.array([_parameters.nonnegative(given, "alpha", target)])
    values = np.array([_parameters.nonnegative(entry, "each alpha", target) for entry in given])
    columns = None if setting.columns is None else setting.columns + constant
    if values.size < 1 + constant or columns not in (None, values.size):
        there = "" if columns is None else f" ({columns}{', the constant first' * constant})"
        raise ConversionError(
            f"{target}: alpha is one number, or one for each column of exog{there}; "
            f"got {shown(given)}"
        )
    return values


def _with_method(
    methods: tuple[str, ...], parameters: dict[str, Any], setting: Setting
) -> dict[str, Any]:
    """Coordinate descent stops at wrong points, so the other method where it can."""
    wanted = setting.options.get("method")
    if wanted is None:
        wanted = methods[0] if parameters["L1_wt"] == 1 or not parameters["alpha"] else methods[-1]
    if wanted not in methods:
        raise ConversionError(
            f"{setting.target}: method is {' or '.join(map(repr, methods))}; got {wanted!r}"
        )
    return {**parameters, "method": wanted}


def _encode_linear(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha_k L1_wt = sigma^2 l1_k / N,  alpha_k (1 - L1_wt) = sigma^2 l2_k / N."""
    return _encode(_mean, nats, setting)


def _decode_linear(parameters: Parameters, setting: Setting) -> Nats:
    if parameters["method"] != "elastic_net":
        raise NoEquivalentError(
            f"{setting.target} with method={parameters['method']!r} minimises another objective "
            "(the square-root lasso has sigma inside). Nearest: method='elastic_net'"
        )
    return _decode(_mean, parameters, setting)


def _encode_glm(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha_k L1_wt = l1_k / n,  alpha_k (1 - L1_wt) = l2_k / n."""
    found = _encode(_row_mean, nats, setting)
    found = _with_method(("l1_slsqp", "elastic_net"), found, setting)
    return {"family": _FAMILIES[setting.likelihood], **found}


def _decode_glm(parameters: Parameters, setting: Setting) -> Nats:
    expected = _FAMILIES[setting.likelihood]
    if parameters["family"] not in (None, expected):
        raise ConversionError(
            f"{setting.target}: family of {setting.likelihood} data is {expected!r}; "
            f"got {shown(parameters['family'])}"
        )
    return _decode(_row_mean, parameters, setting)


def _encode_discrete(nats: Nats, setting: Setting) -> dict[str, Any]:
    """alpha_k = l1_k."""
    found = _encode(_sum, nats, setting)
    del found["L1_wt"]
    return found


def _decode_discrete(parameters: Parameters, setting: Setting) -> Nats:
    """l1_k = alpha_k."""
    return _decode(_sum, {**parameters, "L1_wt": 1.0}, setting)


def _code(kind: str, weights: str, arguments: Parameters, setting: Setting) -> str:
    given = dict(arguments)
    constant, family = given.pop("constant", True), given.pop("family", None)
    exog = 'sm.add_constant(X, has_constant="add")' if constant else "X"
    more = f", family=sm.families.{family}()" if family else ""
    more += f", {weights}=sample_weight" if setting.weighted else ""
    inside = ", ".join(f"{name}={literal(value)}" for name, value in given.items())
    parts = "params[1:], params[0]" if constant else "params, 0.0"
    return (
        "import numpy as np\nimport statsmodels.api as sm\n\n"
        f"fit = sm.{kind}(y, {exog}{more}).fit_regularized({inside})\n"
        "params = np.asarray(fit.params)\n"
        f"coef, intercept = {parts}\n"
    )


def _build(kind: str, arguments: Parameters, setting: Setting) -> Any:
    raise NoEquivalentError(
        f"statsmodels.{kind} takes y and exog when it is made, so there is no unfitted object to "
        "build. Nearest: run .code"
    )


_CONSTANT = (
    "alpha as one number penalises the constant column like the others (a prior on the intercept); "
    "as a vector, one entry for each column of exog, the constant's first (add_constant's place)"
)


_FREEZES = (
    "coordinate descent (method='elastic_net', the default) holds a coefficient that has once been "
    "below zero_tol at 0 for good, and can end far from the optimum; zero_tol=-1 keeps it moving"
)


def _notes(*own: str) -> Callable[[Parameters, Setting], tuple[str, ...]]:
    def notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
        return (
            _CONSTANT,
            "constant=False here means exog without a constant column: fit_regularized itself has "
            "no such argument",
            "columns are not standardised",
            *own,
        )

    return notes


def _linear(kind: str, takes_weights: bool) -> Convention:
    return Convention(
        name=f"statsmodels.{kind}",
        likelihoods=("Gaussian",),
        penalties=(L1, L2, ELASTIC_NET),
        objective="RSS/(2 N) + sum_k alpha_k [L1_wt |w_k| + (1 - L1_wt)/2 w_k^2]",
        formula="alpha_k L1_wt = sigma^2 / (N b_k), alpha_k (1 - L1_wt) = sigma^2 / (N tau_k^2)",
        fixes="sigma^2 / b and sigma / tau",
        intercept="flat, none, or like a coefficient",
        source="statsmodels 0.15.0, regression/linear_model.py and base/elastic_net.py",
        defaults={"alpha": 0.0, "L1_wt": 1.0, "method": "elastic_net", "constant": True,
                  "profile_scale": False, "refit": False},
        encode=_encode_linear,
        decode=_decode_linear,
        code=partial(_code, kind, "weights"),
        build=partial(_build, kind),
        notes=_notes(
            "a fixed alpha is not a fixed prior: the scale it means shrinks as N grows",
            "WLS multiplies alpha by the mean weight, so that N is the sum of the weights",
            _FREEZES,
        ),
        settings=lambda parameters: {"cnvrg_tol": 1e-12, "zero_tol": -1.0, "maxiter": 4000}
        if parameters["L1_wt"] else {},
        irrelevant=("start_params", "maxiter", "cnvrg_tol", "zero_tol"),
        penalises_intercept=True,
        per_coefficient=True,
        takes_weights=takes_weights,
        solution="coef",
    )  # fmt: skip


def _glm_settings(parameters: Parameters) -> dict[str, Any]:
    if parameters["method"] == "l1_slsqp":
        return {"maxiter": 10_000, "acc": 1e-16, "trim_mode": "off"}
    tight = {"cnvrg_tol": 1e-10, "zero_tol": -1.0, "maxiter": 1000}
    return tight if parameters["L1_wt"] else {}


_GLM = Convention(
    name="statsmodels.GLM",
    likelihoods=tuple(_FAMILIES),
    penalties=(L1, L2, ELASTIC_NET),
    objective="L/n + sum_k alpha_k [L1_wt |w_k| + (1 - L1_wt)/2 w_k^2]",
    formula="alpha_k L1_wt = 1 / (n b_k), alpha_k (1 - L1_wt) = 1 / (n tau_k^2)",
    fixes="",
    intercept="flat, none, or like a coefficient",
    source="statsmodels 0.15.0, genmod/generalized_linear_model.py and base/elastic_net.py",
    defaults={"family": None, "alpha": 0.0, "L1_wt": 1.0, "method": "elastic_net",
              "constant": True, "refit": False},
    encode=_encode_glm,
    decode=_decode_glm,
    code=partial(_code, "GLM", "freq_weights"),
    build=partial(_build, "GLM"),
    notes=_notes(
        _FREEZES,
        "method='l1_slsqp' does not stop there, and takes L1_wt=1 only",
        "n is the number of rows, also with freq_weights; with these, coordinate descent returned "
        "nan on data that have rows of weight 0 (l1_slsqp and the ridge path are right there)",
        "a Gaussian family is not converted: its scale is 1 on the L1 and elastic-net path and "
        "estimated on the ridge path (L1_wt=0). statsmodels.OLS and WLS say what they mean",
    ),
    settings=_glm_settings,
    irrelevant=("start_params", "opt_method", "maxiter", "cnvrg_tol", "zero_tol", "trim_mode",
                "size_trim_tol", "auto_trim_tol", "qc_tol", "qc_verbose", "acc"),
    options=("method",),
    usual=said_by("family", inverted(_FAMILIES), "statsmodels.GLM"),
    penalises_intercept=True,
    per_coefficient=True,
    solution="coef",
)  # fmt: skip


def _discrete(kind: str, likelihood: str) -> Convention:
    return Convention(
        name=f"statsmodels.{kind}",
        likelihoods=(likelihood,),
        penalties=(L1,),
        objective="L + sum_k alpha_k |w_k|",
        formula="alpha_k = 1 / b_k",
        fixes="",
        intercept="flat, none, or like a coefficient",
        source="statsmodels 0.15.0, discrete/discrete_model.py and base/l1_slsqp.py",
        defaults={"alpha": 0.0, "constant": True},
        encode=_encode_discrete,
        decode=_decode_discrete,
        code=partial(_code, kind, ""),
        build=partial(_build, kind),
        notes=_notes(
            "the loss is a sum: alpha is n times that of statsmodels.GLM",
            "trim_mode='auto', the default, sets coefficients to 0 by a rule of its own",
        ),
        settings=lambda parameters: {"method": "l1", "acc": 1e-15, "maxiter": 10_000,
                                     "trim_mode": "off", "disp": 0},
        irrelevant=("start_params", "method", "maxiter", "full_output", "disp", "callback",
                    "trim_mode", "auto_trim_tol", "size_trim_tol", "qc_tol", "qc_verbose", "acc"),
        penalises_intercept=True,
        per_coefficient=True,
        takes_weights=False,
        solution="coef",
    )  # fmt: skip


CONVENTIONS = {
    convention.name: convention
    for convention in (
        _linear("OLS", takes_weights=False), _linear("WLS", takes_weights=True), _GLM,
        _discrete("Logit", "Bernoulli"), _discrete("Poisson", "Poisson"),
    )
}  # fmt: skip
