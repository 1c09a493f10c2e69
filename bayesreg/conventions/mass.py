"""R's MASS::lm.ridge: formulas only.

    RSS + lambda sum sd_j^2 w_j^2

Read in MASS 7.3-58.2, function lm.ridge.  The columns are always standardised: sd_j is the
population sd of column j, and without an intercept the root mean square of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L2, Nats, free_intercept, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.errors import NoEquivalentError


def _scales(intercept: bool, setting: Setting) -> FloatArray:
    return setting.per_column("sd_x" if intercept else "rms_x")


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """lambda = sigma^2 / (tau_j sd_j)^2, which must be one number."""
    found: dict[str, Any] = {"lambda": 0.0}
    if np.any(nats.penalty.l2 > 0):
        sd = _scales(nats.intercept is not None, setting)
        strength = setting.dispersion * nats.penalty.l2 / sd**2
        if not np.allclose(strength, strength[0], rtol=1e-9, atol=0.0):
            raise NoEquivalentError(
                f"{setting.target} always standardises: its prior is one scale for w_j sd_j, and "
                "tau_j sd_j differs between the columns of this model. Nearest: "
                "Model(..., standardize=True), or sklearn.Ridge"
            )
        found["lambda"] = float(np.mean(strength))
    return {**found, **({} if nats.intercept is not None else {"intercept": False})}


def _decode(parameters: Mapping[str, Any], setting: Setting) -> Nats:
    """1 / tau_j^2 = lambda sd_j^2 / sigma^2."""
    strength = _parameters.nonnegative(parameters["lambda"], "lambda", setting.target)
    present = _parameters.switch(parameters["intercept"], "intercept", setting.target)
    if strength == 0:
        return Nats(setting.likelihood, per_column(np.zeros(1), np.zeros(1)),
                    free_intercept(present))  # fmt: skip
    l2 = strength * _scales(present, setting) ** 2 / setting.dispersion
    return Nats(setting.likelihood, per_column(0.0 * l2, l2), free_intercept(present))


def _code(arguments: Mapping[str, Any], setting: Setting) -> str:
    formula = "y ~ x" if arguments.get("intercept", True) else "y ~ x - 1"
    return (
        f"library(MASS)\nfit <- lm.ridge({formula}, lambda = {arguments['lambda']!r})\ncoef(fit)\n"
    )


def _build(arguments: Mapping[str, Any], setting: Setting) -> Any:
    raise NoEquivalentError(
        "MASS is an R package, so there is no Python object to build. Nearest: run .code in R"
    )


def _notes(parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    return (
        "the intercept is not penalised"
        if parameters.get("intercept", True)
        else "y ~ x - 1: columns are divided by their root mean square, not their sd",
        "columns are always divided by their population sd (divisor n): the prior is on w_j sd_j",
        "fit$coef are coefficients of the standardised columns, coef(fit) those of the columns as "
        "they are, intercept first",
        "lambda is not divided by n: sklearn.Ridge on standardised columns has the same alpha",
        "rows have no weights",
    )


LM_RIDGE = Convention(
    name="MASS.lm_ridge",
    likelihoods=("Gaussian",),
    penalties=(L2,),
    objective="RSS + lambda sum sd_j^2 w_j^2",
    formula="lambda = sigma^2 / (tau_j sd_j)^2",
    fixes="sigma / tau",
    intercept="flat or none",
    source="MASS 7.3-58.2 (R), lm.ridge",
    defaults={"lambda": 0.0, "intercept": True},
    encode=_encode,
    decode=_decode,
    takes_sparse=True,
    code=_code,
    build=_build,
    notes=_notes,
    per_coefficient=True,
    takes_weights=False,
    solution="as.numeric(fit$coef / fit$scales)",
)

CONVENTIONS = {LM_RIDGE.name: LM_RIDGE}
