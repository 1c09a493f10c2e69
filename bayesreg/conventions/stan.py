"""Stan: normal(mu, sigma), sigma a standard deviation, and double_exponential(mu, sigma).

The scale of double_exponential is called sigma and is b: exp(-|w - mu| / sigma) / (2 sigma), the
standard deviation is sqrt(2) sigma.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from bayesreg.conventions import _stated_priors as _shared
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L1, L2
from bayesreg.conventions._setting import Setting

_TARGETS = {
    "Gaussian": ("vector[n] y", "y ~ normal(eta, {sigma});",
                 "y ~ normal(eta, {sigma} ./ sqrt(s));"),
    "Bernoulli": ("array[n] int y", "y ~ bernoulli_logit(eta);",
                  "for (i in 1:n) target += s[i] * bernoulli_logit_lpmf(y[i] | eta[i]);"),
    "Poisson": ("array[n] int y", "y ~ poisson_log(eta);",
                "for (i in 1:n) target += s[i] * poisson_log_lpmf(y[i] | eta[i]);"),
}  # fmt: skip


def _code(name: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    level = parameters.get("intercept_sigma", math.inf)
    declared, plain, weighted = _TARGETS[setting.likelihood]
    target = (weighted if setting.weighted else plain).format(
        sigma=repr(setting.sigma) if setting.likelihood == "Gaussian" else ""
    )
    scale = parameters["sigma"]
    flat = not isinstance(scale, list) and math.isinf(scale)
    number = _shared.numbers(scale, "[{}]'")
    body = [] if flat else [f"  coef ~ {name}(0, {number});"]
    if level is not None and not math.isinf(level):
        body.append(f"  intercept ~ normal(0, {level!r});")
    data = ["int<lower=1> n", "int<lower=1> p", "matrix[n, p] X", declared]
    data += ["vector<lower=0>[n] s"] if setting.weighted else []
    eta = "X * coef" if level is None else "intercept + X * coef"
    return "\n".join(
        ["data {", *(f"  {entry};" for entry in data), "}", "parameters {", "  vector[p] coef;",
         *([] if level is None else ["  real intercept;"]), "}", "model {",
         f"  vector[n] eta = {eta};", *body, f"  {target}", "}", ""]
    )  # fmt: skip


def _notes(name: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = ["a parameter without a statement has a flat prior", _shared.MODE_NOTE]
    notes.append(
        "the scale of double_exponential is b, not a standard deviation: that is sqrt(2) b"
        if name == "double_exponential"
        else "the second argument of normal is a standard deviation, not a variance (as in JAGS, "
        "where it is a precision)"
    )
    notes.append("arrays as array[n] int y; before Stan 2.26 this was int y[n]")
    if setting.likelihood == "Gaussian":
        notes.append(_shared.SIGMA_NOTE)
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name = "double_exponential" if kind == L1 else "normal"
    encode, decode = _shared.plain_formulas(kind, "sigma", "mu")
    return Convention(
        name=f"stan.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / sigma_j" if kind == L1 else "L + sum w_j^2 / (2 sigma_j^2)",
        formula="sigma = b" if kind == L1 else "sigma = tau",
        fixes="",
        intercept="flat, Normal or none",
        source="Stan Functions Reference, continuous distributions on R",
        defaults={"sigma": ..., "mu": 0.0, "intercept_sigma": math.inf},
        encode=encode,
        decode=decode,
        takes_sparse=True,
        code=partial(_code, name),
        build=_shared.no_object("Stan is a language: .code is the program"),
        notes=partial(_notes, name),
        penalises_intercept=True,
        per_coefficient=True,
    )


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
