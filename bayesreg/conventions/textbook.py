"""The forms in which books, courses and papers write penalised regressions.

Every form is one data term and one or two penalty terms,

    J = c nll + A1 lam1 sum|w| + A2 lam2 sum w^2        (possibly all of it divided by m)

with c what the form makes of one nat.  Matching J / c with nats gives every formula:

    lam1 = c / (A1 b),    lam2 = c / (2 A2 tau^2)

RSS = sum s r^2, and with weights m is their sum N.  L1 forms are a Laplace prior, L2 forms a
Normal prior; the intercept is not penalised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import ELASTIC_NET, L1, L2, Nats, free_intercept, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.likelihoods import LIKELIHOODS

Factor = Callable[[Setting], float]


@dataclass(frozen=True)
class Term:
    """A penalty term: ``factor * parameter`` times sum|w| (L1) or sum w^2 (L2)."""

    kind: str
    factor: Factor
    text: str
    parameter: str = "lam"


@dataclass(frozen=True)
class Form:
    """One way of writing the objective.

    Attributes
    ----------
    per_nat : callable
        c: the data term of this form is c times the negative log likelihood.
    terms : tuple of Term
    data : str
        The data term as numpy on ``y``, ``eta`` and ``loss`` (nll of each row, without
        constants); ``{s}`` stands for the weights and ``{m}`` for their sum.
    over_m : bool
        Data and penalty are both divided by m, which thereby cancels.
    """

    name: str
    likelihoods: tuple[str, ...]
    per_nat: Factor
    data: str
    terms: tuple[Term, ...]
    objective: str
    formula: str
    source: str
    fixes: str = ""
    over_m: bool = False
    note: str = ""
    relative_to_noise: bool = False


def _times(number: float) -> Factor:
    return lambda setting: number


def _dispersion(number: float) -> Factor:
    """c of ``number * RSS / 2``: RSS / 2 = sigma^2 nll."""
    return lambda setting: number * setting.dispersion


def _mean_dispersion(number: float) -> Factor:
    """c of ``number * RSS / (2 m)``."""
    return lambda setting: number * setting.dispersion / setting.total_weight


def _per_row(setting: Setting) -> float:
    """c of ``L / m``."""
    return 1.0 / setting.total_weight


def _abs(text: str, factor: Factor, parameter: str = "lam") -> Term:
    return Term(L1, factor, f"{text} * np.sum(np.abs(coef))", parameter)


def _square(text: str, factor: Factor, parameter: str = "lam") -> Term:
    return Term(L2, factor, f"{text} * np.sum(coef**2)", parameter)


_GAUSSIAN, _BERNOULLI = ("Gaussian",), ("Bernoulli",)
_ANY = ("Gaussian", "Bernoulli", "Poisson")
_RSS = "np.sum({s}(y - eta) ** 2)"
_MEAN_RSS = "np.sum({s}(y - eta) ** 2) / {m}"
_HALF_MEAN_RSS = "np.sum({s}(y - eta) ** 2) / (2 * {m})"
_NLL = "np.sum({s}loss)"
_NG = "Ng, Machine Learning (Coursera), regularised regression"
_BISHOP = "Bishop (2006), Pattern Recognition and Machine Learning"
_ESL = "Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning"
_NO_HALF = "there is no 1/2 in this penalty: 1/tau^2 is twice what it is with lam/2 sum w^2"
_M_CANCELS = "m divides both terms and cancels: the prior does not depend on the number of rows"
_GROWS = (
    "the data term is a mean and the penalty is not: a fixed lam means a narrower prior as n grows"
)

FORMS = (
    Form(
        "nll_l1", _ANY, _times(1.0), _NLL, (_abs("lam", _times(1.0)),),
        objective="L + lam sum|w|", formula="lam = 1 / b",
        source="L is the negative log likelihood, a sum over rows",
    ),
    Form(
        "nll_l2", _ANY, _times(1.0), _NLL, (_square("lam", _times(1.0)),),
        objective="L + lam sum w^2", formula="lam = 1 / (2 tau^2)",
        source="L is the negative log likelihood, a sum over rows", note=_NO_HALF,
    ),
    Form(
        "nll_half_l2", _ANY, _times(1.0), _NLL, (_square("lam / 2", _times(0.5)),),
        objective="L + lam/2 sum w^2", formula="lam = 1 / tau^2",
        source="L is the negative log likelihood, a sum over rows",
    ),
    Form(
        "mean_nll_l1", ("Bernoulli", "Poisson"), _per_row, f"{_NLL} / {{m}}",
        (_abs("lam", _times(1.0)),),
        objective="L/m + lam sum|w|", formula="lam = 1 / (N b)",
        source="a mean loss with a penalty that is not divided by m", note=_GROWS,
    ),
    Form(
        "mean_nll_l2", ("Bernoulli", "Poisson"), _per_row, f"{_NLL} / {{m}}",
        (_square("lam", _times(1.0)),),
        objective="L/m + lam sum w^2", formula="lam = 1 / (2 N tau^2)",
        source="a mean loss with a penalty that is not divided by m", note=_GROWS,
    ),
    Form(
        "rss_ridge", _GAUSSIAN, _dispersion(2.0), _RSS, (_square("lam", _times(1.0)),),
        objective="RSS + lam sum w^2", formula="lam = sigma^2 / tau^2",
        fixes="sigma / tau", source=_ESL,
    ),
    Form(
        "rss_lasso", _GAUSSIAN, _dispersion(2.0), _RSS, (_abs("lam", _times(1.0)),),
        objective="RSS + lam sum|w|", formula="lam = 2 sigma^2 / b",
        fixes="sigma^2 / b", source="Tibshirani (1996) in Lagrangian form",
    ),
    Form(
        "rss_elastic_net", _GAUSSIAN, _dispersion(2.0), _RSS,
        (_abs("lam1", _times(1.0), "lam1"), _square("lam2", _times(1.0), "lam2")),
        objective="RSS + lam1 sum|w| + lam2 sum w^2",
        formula="lam1 = 2 sigma^2 / b, lam2 = sigma^2 / tau^2",
        fixes="sigma^2 / b and sigma / tau", source="Zou and Hastie (2005), naive elastic net",
    ),
    Form(
        "half_rss_lasso", _GAUSSIAN, _dispersion(1.0), f"{_RSS} / 2", (_abs("lam", _times(1.0)),),
        objective="RSS/2 + lam sum|w|", formula="lam = sigma^2 / b",
        fixes="sigma^2 / b", source=_ESL,
    ),
    Form(
        "bishop_ridge", _GAUSSIAN, _dispersion(1.0), f"{_RSS} / 2",
        (_square("lam / 2", _times(0.5)),),
        objective="RSS/2 + lam/2 sum w^2", formula="lam = sigma^2 / tau^2",
        fixes="sigma / tau", source=_BISHOP,
    ),
    Form(
        "bishop_lasso", _GAUSSIAN, _dispersion(1.0), f"{_RSS} / 2",
        (_abs("lam / 2", _times(0.5)),),
        objective="RSS/2 + lam/2 sum|w|", formula="lam = 2 sigma^2 / b",
        fixes="sigma^2 / b", source=_BISHOP,
    ),
    Form(
        "ng_ridge", _GAUSSIAN, _dispersion(1.0), _HALF_MEAN_RSS,
        (_square("lam / (2 * {m})", _times(0.5)),),
        objective="(1/(2 m)) [RSS + lam sum w^2]", formula="lam = sigma^2 / tau^2",
        fixes="sigma / tau", source=_NG, over_m=True, note=_M_CANCELS,
    ),
    Form(
        "ng_lasso", _GAUSSIAN, _dispersion(1.0), _HALF_MEAN_RSS, (_abs("lam / {m}", _times(1.0)),),
        objective="RSS/(2 m) + (lam/m) sum|w|", formula="lam = sigma^2 / b",
        fixes="sigma^2 / b", source=_NG, over_m=True, note=_M_CANCELS,
    ),
    Form(
        "ng_logistic_l2", _BERNOULLI, _times(1.0), f"{_NLL} / {{m}}",
        (_square("lam / (2 * {m})", _times(0.5)),),
        objective="mean logloss + lam/(2 m) sum w^2", formula="lam = 1 / tau^2",
        source=_NG, over_m=True, note=_M_CANCELS,
    ),
    Form(
        "ng_logistic_l1", _BERNOULLI, _times(1.0), f"{_NLL} / {{m}}",
        (_abs("lam / {m}", _times(1.0)),),
        objective="mean logloss + (lam/m) sum|w|", formula="lam = 1 / b",
        source=_NG, over_m=True, note=_M_CANCELS,
    ),
    Form(
        "mse_ridge", _GAUSSIAN, _mean_dispersion(2.0), _MEAN_RSS, (_square("lam", _times(1.0)),),
        objective="MSE + lam sum w^2", formula="lam = sigma^2 / (N tau^2)",
        fixes="sigma / tau", source="MSE = RSS / N, as in loss='mse'", note=_GROWS,
    ),
    Form(
        "mse_lasso", _GAUSSIAN, _mean_dispersion(2.0), _MEAN_RSS, (_abs("lam", _times(1.0)),),
        objective="MSE + lam sum|w|", formula="lam = 2 sigma^2 / (N b)",
        fixes="sigma^2 / b", source="MSE = RSS / N, as in loss='mse'", note=_GROWS,
    ),
    Form(
        "park_casella", _GAUSSIAN, _times(1.0), _NLL,
        (_abs("lam / sigma", lambda setting: 1.0 / setting.sigma),),
        objective="RSS/(2 sigma^2) + (lam/sigma) sum|w|", formula="lam = sigma / b",
        fixes="b / sigma", source="Park and Casella (2008), The Bayesian Lasso",
        note="p(w | sigma) is Laplace with scale sigma / lam: the prior moves with sigma, and "
        "equals an absolute one only at this sigma", relative_to_noise=True,
    ),
    Form(
        "conjugate_ridge", _GAUSSIAN, _dispersion(2.0), _RSS, (_square("lam", _times(1.0)),),
        objective="RSS + lam sum w^2, from the prior w | sigma ~ N(0, sigma^2 / lam)",
        formula="lam = sigma^2 / tau^2", fixes="tau / sigma",
        source="the conjugate prior of the Gaussian linear model",
        note="the prior moves with sigma, so that lam is the ridge penalty whatever sigma is",
        relative_to_noise=True,
    ),
)  # fmt: skip


def _encode(form: Form, nats: Nats, setting: Setting) -> dict[str, Any]:
    """lam1 = c / (A1 b), lam2 = c / (2 A2 tau^2)."""
    parameters: dict[str, Any] = {}
    for term in form.terms:
        rate = nats.l1 if term.kind == L1 else nats.l2 / 2
        parameters[term.parameter] = rate * form.per_nat(setting) / term.factor(setting)
    if nats.intercept is None:
        parameters["fit_intercept"] = False
    return parameters


def _decode(form: Form, parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """1 / b = A1 lam1 / c, 1 / tau^2 = 2 A2 lam2 / c."""
    rates = {L1: 0.0, L2: 0.0}
    for term in form.terms:
        lam = _parameters.nonnegative(parameters[term.parameter], term.parameter, setting.target)
        rates[term.kind] = lam * term.factor(setting) / form.per_nat(setting)
    present = _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target)
    return Nats(setting.likelihood, uniform(rates[L1], 2 * rates[L2]), free_intercept(present))


_LOSS = {
    "Gaussian": "(y - eta) ** 2 / (2 * sigma**2)",
    "Bernoulli": "np.logaddexp(0, eta) - y * eta",
    "Poisson": "np.exp(eta) - y * eta",
}


def _code(form: Form, parameters: Mapping[str, Any], setting: Setting) -> str:
    """The objective as a numpy function, and its value at the null model."""
    symbols = {
        "s": "sample_weight * " if setting.weighted else "",
        "m": "np.sum(sample_weight)" if setting.weighted else "y.size",
    }
    names = [term.parameter for term in form.terms]
    constants = [f"{name} = {parameters[name]!r}" for name in names]
    terms = [form.data, *(term.text for term in form.terms)]
    needs_loss = "loss" in form.data
    if needs_loss and setting.likelihood == "Gaussian":
        constants.append(f"sigma = {setting.sigma!r}")
    weights = ", sample_weight" if setting.weighted else ""
    intercept = "y.mean()" if setting.likelihood == "Gaussian" else "0.0"
    intercept = intercept if parameters.get("fit_intercept", True) else "0.0"
    body = ["eta = intercept + X @ coef"]
    body += [f"loss = {_LOSS[setting.likelihood]}"] if needs_loss else []
    body += ["return " + " + ".join(term.format(**symbols) for term in terms)]
    return (
        "import numpy as np\n\n"
        + "".join(f"{line}\n" for line in constants)
        + f"\n\ndef objective(coef, intercept, X, y{weights}):\n"
        + "".join(f"    {line}\n" for line in body)
        + f"\n\nvalue = objective(np.zeros(X.shape[1]), {intercept}, X, y{weights})\n"
    )


def _build(form: Form, parameters: Mapping[str, Any], setting: Setting) -> Any:
    """The objective as a function of coef, intercept, X, y and sample_weight.

    Assembled from the factors of the formulas, not from the text of the code.
    """
    if setting.likelihood == "Gaussian":
        setting = setting.assuming("sigma", setting.known.get("sigma", 1.0))
        likelihood = LIKELIHOODS["Gaussian"](sigma=setting.sigma)
    else:
        likelihood = LIKELIHOODS[setting.likelihood]()

    def objective(coef: Any, intercept: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        coef, y = np.asarray(coef, dtype=float), np.asarray(y, dtype=float)
        weights = np.ones(y.shape) if sample_weight is None else np.asarray(sample_weight)
        here = setting.assuming("total_weight", float(np.sum(weights)))
        loss = likelihood.loss(y, intercept + np.asarray(X) @ coef)
        value = form.per_nat(here) * np.sum(weights * loss)
        for term in form.terms:
            size = np.abs(coef) if term.kind == L1 else coef**2
            value += term.factor(here) * parameters[term.parameter] * np.sum(size)
        return float(value / here.total_weight if form.over_m else value)

    return objective


def _notes(form: Form, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = ["the intercept is not penalised; X and y are not standardised"]
    if "{m}" in form.data:
        notes.append("with weights, RSS is sum s r^2 and m = N their sum")
    return (*notes, form.note) if form.note else tuple(notes)


def _penalties(form: Form) -> tuple[str, ...]:
    kinds = tuple(term.kind for term in form.terms)
    return (*kinds, ELASTIC_NET) if len(kinds) == 2 else kinds


def _convention(form: Form) -> Convention:
    return Convention(
        name=f"textbook.{form.name}",
        likelihoods=form.likelihoods,
        penalties=_penalties(form),
        objective=form.objective,
        formula=form.formula,
        fixes=form.fixes,
        intercept="flat or none",
        source=form.source,
        defaults={**{term.parameter: ... for term in form.terms}, "fit_intercept": True},
        encode=partial(_encode, form),
        decode=partial(_decode, form),
        code=partial(_code, form),
        build=partial(_build, form),
        notes=partial(_notes, form),
        relative_to_noise=form.relative_to_noise,
    )


CONVENTIONS = {f"textbook.{form.name}": _convention(form) for form in FORMS}
