"""LIBLINEAR itself, through liblinear-official: formulas only.

With the options of its command line (B the bias column, R: it is not penalised)

    -s 0, 7     C L + ||w||^2 / 2            logistic regression, primal and dual
    -s 6        C L + ||w||_1
    -s 11, 12   C sum r^2 + ||w||^2 / 2      regression with -p 0

The bias w_0 is a coefficient of a column that is B everywhere: the intercept is B w_0, and its
prior is B times as wide as that of the coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import FLAT, L1, L2, Nats, uniform
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError

Parameters = Mapping[str, Any]

_PRIMAL = {("Bernoulli", L1): 6, ("Bernoulli", L2): 0, ("Gaussian", L2): 11}
_KIND = {0: ("Bernoulli", L2), 7: ("Bernoulli", L2), 6: ("Bernoulli", L1),
         11: ("Gaussian", L2), 12: ("Gaussian", L2)}  # fmt: skip
_FREE_BIAS = (0, 6, 11)


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """C = b (L1), tau^2 (L2), tau^2 / (2 sigma^2) (regression);  B = intercept scale / scale."""
    kind = nats.kind
    if kind == FLAT:
        raise NoEquivalentError(
            f"{setting.target} has no parameter for no penalty: C is finite. Nearest: "
            "sklearn.LogisticRegression with C=inf, sklearn.Ridge with alpha=0"
        )
    inverse = 1.0 / nats.l1 if kind == L1 else 1.0 / nats.l2
    halves = 2.0 * setting.dispersion if setting.likelihood == "Gaussian" else 1.0
    found: dict[str, Any] = {"s": _PRIMAL[setting.likelihood, kind], "c": inverse / halves}
    if setting.likelihood == "Gaussian":
        found["p"] = 0.0
    return {**found, **_bias(nats, setting)}


def _bias(nats: Nats, setting: Setting) -> dict[str, Any]:
    if nats.intercept is None:
        return {}
    if not nats.has_proper_intercept:
        return {"B": 1.0, "R": True}
    l1, l2 = float(nats.intercept.l1[0]), float(nats.intercept.l2[0])
    if (l1 > 0) != (nats.l1 > 0) or (l2 > 0) != (nats.l2 > 0):
        raise NoEquivalentError(
            f"{setting.target} penalises the intercept in the way of the coefficients, L1 or L2. "
            "Nearest: an intercept prior of the same kind, or intercept=Flat()"
        )
    return {"B": nats.l1 / l1 if l1 else float(np.sqrt(nats.l2 / l2))}


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """b = C or tau^2 = C (2 sigma^2 C);  intercept scale = B times the scale."""
    target = setting.target
    solver = parameters["s"]
    known = isinstance(solver, int) and solver in _KIND
    if not known or _KIND[solver][0] != setting.likelihood:
        able = [str(s) for s, (likelihood, _) in _KIND.items() if likelihood == setting.likelihood]
        raise NoEquivalentError(
            f"{target}: -s {solver} is not {setting.likelihood} regression (support vector machines"
            f" are none at all). Nearest: -s {', -s '.join(able)}"
        )
    if setting.likelihood == "Gaussian" and _parameters.real(parameters["p"], "p", target):
        raise NoEquivalentError(
            f"{target}: -p {parameters['p']} (0.1 where it is left out) is a zone without loss, "
            "which is no Gaussian likelihood. Nearest: -p 0"
        )
    inverse = _parameters.positive(parameters["c"], "c", target)
    if setting.likelihood == "Gaussian":
        inverse *= 2.0 * setting.dispersion
    bias = _parameters.real(parameters["B"], "B", target)
    free = _parameters.switch(parameters["R"], "R", target)
    kind = _KIND[solver][1]
    penalty = uniform(1.0 / inverse, 0.0) if kind == L1 else uniform(0.0, 1.0 / inverse)
    if bias < 0:
        return Nats(setting.likelihood, penalty, None)
    if bias == 0 or (free and (bias != 1 or solver not in _FREE_BIAS)):
        raise ConversionError(f"{target}: -R goes with -B 1 and -s 0, 6 or 11; -B 0 is no column")
    if free:
        return Nats(setting.likelihood, penalty, uniform())
    l1, l2 = 1.0 / (inverse * bias), 1.0 / (inverse * bias**2)
    intercept = uniform(l1, 0.0) if kind == L1 else uniform(0.0, l2)
    return Nats(setting.likelihood, penalty, intercept)


def _code(arguments: Parameters, setting: Setting) -> str:
    given = {**arguments, "q": True}
    words = [f"-{k}" if v is True else f"-{k} {v!r}" for k, v in given.items() if v is not False]
    target, column = "y", "0"
    if setting.likelihood == "Bernoulli":
        target, column = "np.where(y > 0, 1.0, -1.0)", "model.get_labels().index(1)"
    return (
        "import numpy as np\nfrom liblinear.liblinearutil import train\n\n"
        f'model = train({target}, X, "{" ".join(words)}")\n'
        f"column = {column}\n"
        "coef = np.array([model.get_decfun_coef(j + 1, column) for j in range(X.shape[1])])\n"
        f"intercept = {'model.get_decfun_bias(column)' if arguments.get('B', -1) > 0 else '0.0'}\n"
    )


def _build(arguments: Parameters, setting: Setting) -> Any:
    raise NoEquivalentError(
        "liblinear.train is a function of y and x, so there is no unfitted object to build. "
        "Nearest: run .code"
    )


def _notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
    return (
        "C multiplies a sum over rows: neither n nor its inverse is in the formula",
        "without -B there is no intercept; with it, the intercept is penalised like a coefficient "
        "unless -R is given (-s 0, 6, 11)",
        "regression has squared residuals without 1/2, and -p must be 0",
        "columns are not standardised; rows have no weights (only the separate weighted build has)",
    )


def _convention(name: str, likelihood: str, penalties: tuple[str, ...], **own: Any) -> Convention:
    return Convention(
        name=name,
        likelihoods=(likelihood,),
        penalties=penalties,
        intercept="flat (-B 1 -R), none, or like a coefficient (-B)",
        source="liblinear-official 2.50, README and linear.cpp",
        encode=_encode,
        decode=_decode,
        takes_sparse=True,
        code=_code,
        build=_build,
        notes=_notes,
        irrelevant=("e", "q", "n", "m"),
        penalises_intercept=True,
        takes_weights=False,
        solution="coef",
        **own,
    )


_LOGISTIC = _convention(
    "liblinear.LogisticRegression", "Bernoulli", (L1, L2),
    objective="C L + sum w^2/2 (-s 0, 7) or C L + sum|w| (-s 6)",
    formula="C = tau^2 (-s 0), C = b (-s 6); intercept scale = B times the scale",
    fixes="",
    defaults={"s": ..., "c": 1.0, "B": -1.0, "R": False},
    settings=lambda parameters: {"e": 1e-10},
)  # fmt: skip
_REGRESSION = _convention(
    "liblinear.SVR", "Gaussian", (L2,),
    objective="C RSS + sum w^2/2 (-s 11, 12 with -p 0)",
    formula="C = tau^2 / (2 sigma^2); intercept scale = B times the scale",
    fixes="tau / sigma",
    defaults={"s": ..., "c": 1.0, "p": 0.1, "B": -1.0, "R": False},
    settings=lambda parameters: {"e": 1e-10},
)  # fmt: skip

CONVENTIONS = {convention.name: convention for convention in (_LOGISTIC, _REGRESSION)}
