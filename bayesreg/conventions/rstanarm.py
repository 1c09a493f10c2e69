"""R's rstanarm: normal(0, scale) and laplace(0, scale), with autoscale.

Measured on 2.21.3 (sample sd, divisor n - 1; the prior counts a constant column as 1, and stan_glm
refuses it):

    autoscale = FALSE   the scale of coefficient j is ``scale``
    autoscale = TRUE    scale sd(y) / sd(x_j) for gaussian, scale / sd(x_j) for the other families

autoscale is FALSE by default since July 2020 and was TRUE before; the default prior of
coefficients is still normal(0, 2.5, autoscale = TRUE).  prior_intercept is on the intercept of
centred columns; prior_intercept = NULL is flat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _parameters
from bayesreg.conventions import _stated_priors as _shared
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L1, L2
from bayesreg.conventions._setting import Setting
from bayesreg.errors import NoEquivalentError

_FAMILIES = {"Gaussian": "gaussian()", "Bernoulli": "binomial()", "Poisson": "poisson()"}


def _factor(parameters: Mapping[str, Any], setting: Setting) -> FloatArray:
    """sd(y) / sd(x_j) under autoscale."""
    qr = parameters.get("QR", False)
    if _parameters.switch(qr, "QR", setting.target):
        raise NoEquivalentError(
            f"{setting.target} with QR=True has its prior on theta = R beta, a basis of the "
            "columns, so the coefficients have a joint prior. Nearest: QR=FALSE; or "
            "MultivariateNormal with the covariance that R makes of it"
        )
    alone = parameters.get("prior_PD", False)
    if _parameters.switch(alone, "prior_PD", setting.target):
        raise NoEquivalentError(
            f"{setting.target} with prior_PD=True draws from the prior, and leaves out the data. "
            "Nearest: prior_PD=FALSE"
        )
    autoscale = parameters.get("autoscale", False)
    if not _parameters.switch(autoscale, "autoscale", setting.target):
        return np.ones(1)
    sd = setting.per_column("sample_sd_x")
    level = setting.number("sample_sd_y") if setting.likelihood == "Gaussian" else 1.0
    return np.asarray(level / sd)


def _options(setting: Setting) -> dict[str, Any]:
    wanted = setting.options.get("autoscale", False)
    return {"autoscale": _parameters.switch(wanted, "autoscale", setting.target)}


def _code(name: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    scale = parameters["scale"]
    autoscale = "TRUE" if parameters["autoscale"] else "FALSE"
    number = _shared.numbers(scale, "c({})")
    flat = not isinstance(scale, list) and math.isinf(scale)
    prior = "NULL" if flat else f"{name}(0, {number}, autoscale = {autoscale})"
    there = parameters.get("intercept", True)
    weights = ", weights = weights" if setting.weighted else ""
    return (
        "library(rstanarm)\n"
        f"fit <- stan_glm(y ~ x{'' if there else ' - 1'}, "
        f"family = {_FAMILIES[setting.likelihood]}, prior = {prior}"
        f"{', prior_intercept = NULL' if there else ''}{weights})\n"
        "prior_summary(fit)\n"
    )


def _notes(name: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = [_shared.CENTRED_NOTE, _shared.MODE_NOTE]
    notes.append(
        "autoscale = TRUE multiplies the scale by sd(y) (gaussian) and divides it by sd(x_j), "
        "sample sd; FALSE is the default since July 2020, TRUE was before; the default prior "
        "normal(0, 2.5, autoscale = TRUE) is still autoscaled"
    )
    if setting.likelihood == "Gaussian":
        notes.append(
            "rstanarm estimates sigma (prior_aux, exponential(1 / sd(y)) by default): this is the "
            "penalty at the sigma that is stated"
        )
    if name == "laplace":
        notes.append(
            "lasso(df, location, scale) is another prior: its Laplace scale is random (chi^2)"
        )
    notes.append("QR = TRUE puts the prior on the QR coefficients, which is another model")
    if setting.weighted:
        notes.append("weights multiply the log likelihood, also that of a gaussian")
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name = "laplace" if kind == L1 else "normal"
    encode, decode = _shared.on_centred_columns(kind, "scale", _factor, _options)
    symbol = "b" if kind == L1 else "tau"
    return Convention(
        name=f"rstanarm.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / b_j" if kind == L1 else "L + sum w_j^2 / (2 tau_j^2)",
        formula=f"scale = {symbol}; autoscale: scale = {symbol}_j sd(x_j) / sd(y) (gaussian), "
        f"{symbol}_j sd(x_j) (else)",
        fixes="",
        intercept="flat or none",
        source="rstanarm 2.21.3 (R): stan_glm.fit, prior_summary",
        defaults={"scale": 2.5 if kind == L2 else ..., "location": 0.0, "autoscale": False,
                  "QR": False, "prior_PD": False, "intercept": True},
        encode=encode,
        decode=decode,
        takes_sparse=True,
        code=partial(_code, name),
        build=_shared.no_object("rstanarm is an R package, so there is no Python object to build"),
        notes=partial(_notes, name),
        irrelevant=("chains", "iter", "seed", "cores", "algorithm"),
        options=("autoscale",),
        per_coefficient=True,
    )  # fmt: skip


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
