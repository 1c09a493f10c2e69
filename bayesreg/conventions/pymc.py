"""PyMC: priors stated as they are.

pm.Laplace(mu, b):  density exp(-|w - mu| / b) / (2 b).    pm.Normal(mu, sigma): sigma is a standard
deviation; its other argument tau is a precision, 1 / sigma^2.
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

_OBSERVED = {
    "Gaussian": 'pm.Normal("y", mu=eta, sigma={sigma}, observed=y)',
    "Bernoulli": 'pm.Bernoulli("y", logit_p=eta, observed=y.astype(int))',
    "Poisson": 'pm.Poisson("y", mu=pm.math.exp(eta), observed=y.astype(int))',
}
_WEIGHTED = {
    "Gaussian": 'pm.Normal("y", mu=eta, sigma={sigma} / np.sqrt(sample_weight), observed=y)',
    "Bernoulli": 'pm.Potential("y", (sample_weight * pm.logp(pm.Bernoulli.dist(logit_p=eta), '
    "y.astype(int))).sum())",
    "Poisson": 'pm.Potential("y", (sample_weight * pm.logp(pm.Poisson.dist(mu=pm.math.exp(eta)), '
    "y.astype(int))).sum())",
}
_MODE = (
    '\npoint = pm.find_MAP(model=model, method="BFGS", options={"gtol": 1e-9}, progressbar=False)\n'
)


def _code(kind: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    scale = parameters["b" if kind == L1 else "sigma"]
    level = parameters.get("intercept_sigma", math.inf)
    lines = [f"    coef = {_coefficients(kind, scale)}"]
    if level is None:
        lines.append("    eta = pm.math.dot(X, coef)")
    else:
        prior = (
            'pm.Flat("intercept")' if math.isinf(level)
            else f'pm.Normal("intercept", mu=0.0, sigma={level!r})'
        )  # fmt: skip
        lines += [f"    intercept = {prior}", "    eta = intercept + pm.math.dot(X, coef)"]
    observed = (_WEIGHTED if setting.weighted else _OBSERVED)[setting.likelihood]
    sigma = repr(setting.sigma) if setting.likelihood == "Gaussian" else ""
    lines.append(f"    {observed.format(sigma=sigma)}")
    head = "import numpy as np\nimport pymc as pm\n\nwith pm.Model() as model:\n"
    return head + "\n".join(lines) + "\n" + (_MODE if kind == L2 else "")


def _coefficients(kind: str, scale: Any) -> str:
    if not isinstance(scale, list) and math.isinf(scale):
        return 'pm.Flat("coef", shape=X.shape[1])'
    number = _shared.numbers(scale, "np.array([{}])")
    name, argument = ("Laplace", "b") if kind == L1 else ("Normal", "sigma")
    return f'pm.{name}("coef", mu=0.0, {argument}={number}, shape=X.shape[1])'


def _notes(kind: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = [_shared.MODE_NOTE]
    if setting.likelihood == "Gaussian":
        notes.append(_shared.SIGMA_NOTE)
    if kind == L1:
        notes.append("pm.find_MAP returns no exact zero under a Laplace prior, and no warning")
    else:
        notes.append("sigma= of pm.Normal is a standard deviation, tau= a precision: 1 / sigma^2")
    if setting.weighted:
        notes.append(_shared.WEIGHTS_NOTE)
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name, scale = ("Laplace", "b") if kind == L1 else ("Normal", "sigma")
    encode, decode = _shared.plain_formulas(kind, scale, "mu")
    return Convention(
        name=f"pymc.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / b_j" if kind == L1 else "L + sum w_j^2 / (2 sigma_j^2)",
        formula="b = b" if kind == L1 else "sigma = tau",
        fixes="",
        intercept="flat, Normal or none",
        source="pymc 5.28 and 6.4: distributions/continuous.py; the log density compared",
        defaults={scale: ..., "mu": 0.0, "intercept_sigma": math.inf},
        encode=encode,
        decode=decode,
        code=partial(_code, kind),
        build=_shared.no_object(
            "a PyMC model holds its data, so there is none without them; bayesreg.to_pymc(model, "
            "data) makes it"
        ),
        notes=partial(_notes, kind),
        penalises_intercept=True,
        per_coefficient=True,
        solution='point["coef"]' if kind == L2 else "",
    )


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
