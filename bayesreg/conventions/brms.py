"""R's brms: set_prior("normal(0, tau)", class = "b") and "double_exponential(0, b)".

The generated Stan program (2.18.0) has the prior on b itself, without scaling.  Class b is
flat by default; class Intercept is the intercept of centred columns, student_t by default, flat as
"".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _stated_priors as _shared
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L1, L2
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError

_FAMILIES = {"Gaussian": "gaussian()", "Bernoulli": "bernoulli()", "Poisson": "poisson()"}


def _factor(parameters: Mapping[str, Any], setting: Setting) -> FloatArray:
    """1: brms scales nothing, unless class b is the coefficients of a QR basis."""
    if parameters.get("decomp") == "QR":
        raise NoEquivalentError(
            f'{setting.target} with decomp="QR" has its prior on the coefficients of a QR basis, '
            'so the coefficients have a joint prior. Nearest: decomp="none"; or MultivariateNormal'
        )
    if parameters.get("decomp", "none") not in (None, "none"):
        raise ConversionError(
            f'{setting.target}: decomp must be "none" or "QR"; got {parameters["decomp"]!r}'
        )
    return np.ones(1)


def _code(name: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    there = parameters.get("intercept", True)
    priors = [*_priors(name, parameters["scale"])]
    priors += ['set_prior("", class = "Intercept")'] if there else []
    if setting.likelihood == "Gaussian":
        priors.append(f'set_prior("constant({setting.sigma!r})", class = "sigma")')
    weighted = setting.weighted
    left = "y | weights(weights)" if weighted else "y"
    frame = "data.frame(y = y, weights = weights, x)" if weighted else "data.frame(y = y, x)"
    lines = ",\n            ".join(priors)
    return (
        "library(brms)\n"
        "colnames(x) <- paste0(\"x\", seq_len(ncol(x)))\n"
        f"frame <- {frame}\n"
        f'model <- bf(paste("{left} ~ {"" if there else "0 + "}", '
        'paste(colnames(x), collapse = " + ")))\n'
        f"priors <- c({lines})\n"
        f"program <- make_stancode(model, frame, family = {_FAMILIES[setting.likelihood]}, "
        "prior = priors)\n"
        f"# fit <- brm(model, frame, family = {_FAMILIES[setting.likelihood]}, prior = priors)\n"
    )  # fmt: skip


def _priors(name: str, scale: Any) -> list[str]:
    if isinstance(scale, list):
        return [
            f'set_prior("{name}(0, {value!r})", class = "b", coef = "x{j + 1}")'
            for j, value in enumerate(scale)
        ]
    if math.isinf(scale):
        return ['set_prior("", class = "b")']
    return [f'set_prior("{name}(0, {scale!r})", class = "b")']


def _notes(name: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = [_shared.CENTRED_NOTE, _shared.MODE_NOTE]
    notes += [
        "the default prior of class b is flat: no penalty",
        "0 + Intercept moves the intercept to class b, where it is shrunk with the rest",
        'decomp = "QR" puts class b on the QR coefficients; lasso() is defunct since 2.19.2 and '
        "was hierarchical",
    ]
    if setting.likelihood == "Gaussian":
        notes.append("brms estimates sigma unless it is told not to: constant() states it, as here")
    if setting.weighted:
        notes.append("weights() multiply the log likelihood, also that of a gaussian")
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name = "double_exponential" if kind == L1 else "normal"
    encode, decode = _shared.on_centred_columns(kind, "scale", _factor)
    return Convention(
        name=f"brms.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / b_j" if kind == L1 else "L + sum w_j^2 / (2 tau_j^2)",
        formula="scale = b" if kind == L1 else "scale = tau",
        fixes="",
        intercept="flat or none",
        source="brms 2.18.0 (R): the Stan program that make_stancode prints",
        defaults={"scale": ..., "location": 0.0, "decomp": "none", "intercept": True},
        encode=encode,
        decode=decode,
        takes_sparse=True,
        code=partial(_code, name),
        build=_shared.no_object("brms is an R package, so there is no Python object to build"),
        notes=partial(_notes, name),
        irrelevant=("chains", "iter", "seed", "cores", "backend", "center"),
        per_coefficient=True,
    )


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
