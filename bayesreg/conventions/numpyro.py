"""NumPyro: priors stated as they are, dist.Laplace(loc, scale) and dist.Normal(loc, scale)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from bayesreg.conventions import _stated_priors as _shared
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L1, L2
from bayesreg.conventions._setting import Setting

_HEAD = """\
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

jax.config.update("jax_enable_x64", True)


"""
_OBSERVED = {
    "Gaussian": "dist.Normal(eta, {sigma})",
    "Bernoulli": "dist.Bernoulli(logits=eta)",
    "Poisson": "dist.Poisson(jnp.exp(eta))",
}
_MODE = """

from numpyro.infer.util import log_density
from scipy.optimize import minimize


def objective(v):
    point = {{"coef": v[:X.shape[1]], "intercept": v[-1]}}
    return -log_density(model, (X, y{weights}), {{}}, point)[0]


found = minimize(
    jax.jit(jax.value_and_grad(objective)), np.zeros(X.shape[1] + {more}), jac=True, method="BFGS",
    options={{"gtol": 1e-9}},
)
coef = found.x[:X.shape[1]]
"""


def _code(kind: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    level = parameters.get("intercept_sigma", math.inf)
    weights = ", sample_weight" if setting.weighted else ""
    lines = [f"    coef = {_coefficients(kind, parameters['scale'])}"]
    if level is None:
        lines.append("    eta = X @ coef")
    else:
        prior = (
            "dist.ImproperUniform(dist.constraints.real, (), ())" if math.isinf(level)
            else f"dist.Normal(0.0, {level!r})"
        )  # fmt: skip
        lines += [f'    intercept = numpyro.sample("intercept", {prior})',
                  "    eta = intercept + X @ coef"]  # fmt: skip
    lines += _observed(setting)
    text = f"{_HEAD}def model(X, y{weights}):\n" + "\n".join(lines) + "\n"
    more = 0 if level is None else 1
    return text + (_MODE.format(weights=weights, more=more) if kind == L2 else "")


def _observed(setting: Setting) -> list[str]:
    sigma = repr(setting.sigma) if setting.likelihood == "Gaussian" else ""
    spread = f"{sigma} / jnp.sqrt(sample_weight)" if setting.weighted else sigma
    target = f'numpyro.sample("y", {_OBSERVED[setting.likelihood].format(sigma=spread)}, obs=y)'
    if setting.weighted and setting.likelihood != "Gaussian":
        return ["    with numpyro.handlers.scale(scale=sample_weight):", f"        {target}"]
    return [f"    {target}"]


def _coefficients(kind: str, scale: Any) -> str:
    if not isinstance(scale, list) and math.isinf(scale):
        prior = "dist.ImproperUniform(dist.constraints.real, (), (X.shape[1],))"
        return f'numpyro.sample("coef", {prior})'
    number = _shared.numbers(scale, "jnp.array([{}])")
    name = "Laplace" if kind == L1 else "Normal"
    each = f"dist.{name}(0.0, {number}).expand([X.shape[1]]).to_event(1)"
    return f'numpyro.sample("coef", {each})'


def _notes(kind: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = [_shared.MODE_NOTE, "JAX computes in single precision unless jax_enable_x64 is set"]
    if setting.likelihood == "Gaussian":
        notes.append(_shared.SIGMA_NOTE)
    if setting.weighted:
        notes.append(_shared.WEIGHTS_NOTE)
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name = "Laplace" if kind == L1 else "Normal"
    encode, decode = _shared.plain_formulas(kind, "scale", "loc")
    return Convention(
        name=f"numpyro.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / scale_j" if kind == L1 else "L + sum w_j^2 / (2 scale_j^2)",
        formula="scale = b" if kind == L1 else "scale = tau",
        fixes="",
        intercept="flat, Normal or none",
        source="numpyro 0.22.0: distributions/continuous.py; the log density compared",
        defaults={"scale": ..., "loc": 0.0, "intercept_sigma": math.inf},
        encode=encode,
        decode=decode,
        code=partial(_code, kind),
        build=_shared.no_object("a NumPyro model is a function, not an object"),
        notes=partial(_notes, kind),
        penalises_intercept=True,
        per_coefficient=True,
        solution="coef" if kind == L2 else "",
    )


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
