"""bambi: Prior("Normal", mu, sigma) and Prior("Laplace", mu, b), and priors it scales by itself.

A Normal prior that is not given is scaled to the data (0.21.0, priors/scaler.py; population sd):

    gaussian    sigma_j = 2.5 sd(y) / sd(x_j)
    bernoulli   sigma_j = 1 / sd(x_j)
    poisson     sigma_j = 2.5 / sd(x_j)

Only a Normal that was not given is scaled: put a Laplace in its place and the scaling is gone.  The
columns are centred inside, and the prior of Intercept is that of centred columns.
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
from bayesreg.conventions._nats import L1, L2, Nats
from bayesreg.conventions._setting import Setting
from bayesreg.errors import NoEquivalentError

_FAMILIES = {"Gaussian": "gaussian", "Bernoulli": "bernoulli", "Poisson": "poisson"}


def automatic(setting: Setting) -> FloatArray:
    """The sd of the priors that bambi makes by itself."""
    if setting.weighted:
        raise NoEquivalentError(
            f"{setting.target} scales priors by standard deviations that ignore weights. Nearest: "
            "sigma= as numbers, or data without weights"
        )
    sd = setting.per_column("sd_x")
    if setting.likelihood == "Gaussian":
        return np.asarray(2.5 * (setting.number("sd_y") / sd))
    return np.asarray((1.0 if setting.likelihood == "Bernoulli" else 2.5) / sd)


def _decode_normal(plain: Any, parameters: Mapping[str, Any], setting: Setting) -> Nats:
    given = parameters["sigma"]
    scales = automatic(setting) if given is None else given
    known = {**parameters, "sigma": scales.tolist() if given is None else scales}
    found: Nats = plain(known, setting)
    return found


def _code(kind: str, parameters: Mapping[str, Any], setting: Setting) -> str:
    there = parameters.get("intercept", True)
    scale = parameters["b" if kind == L1 else "sigma"]
    left = "weighted(y, sample_weight)" if setting.weighted else "y"
    right = "" if there else "0 + "
    weights = ', "sample_weight": sample_weight' if setting.weighted else ""
    lines = [
        "import bambi as bmb", "import numpy as np", "import pandas as pd", "",
        'names = [f"x{j}" for j in range(X.shape[1])]',
        f'frame = pd.DataFrame({{"y": y{weights}, **dict(zip(names, X.T))}})',
        f"scales = np.broadcast_to({_shared.numbers(scale, '[{}]')}, len(names))"
        if isinstance(scale, list) or not math.isinf(scale) else "",
        f"priors = {{name: {_prior(kind, scale)} for name{_values(scale)}}}",
        *(['priors["Intercept"] = bmb.Prior("Flat")'] if there else []),
        *([f'priors["sigma"] = {setting.sigma!r}'] if setting.likelihood == "Gaussian" else []),
        f'model = bmb.Model("{left} ~ {right}" + " + ".join(names), frame, '
        f'family="{_FAMILIES[setting.likelihood]}", priors=priors)',
        "model.build()", "",
    ]  # fmt: skip
    return "\n".join(line for k, line in enumerate(lines) if line or k in (3, len(lines) - 1))


def _prior(kind: str, scale: Any) -> str:
    if not isinstance(scale, list) and math.isinf(scale):
        return 'bmb.Prior("Flat")'
    name, argument = ("Laplace", "b") if kind == L1 else ("Normal", "sigma")
    return f'bmb.Prior("{name}", mu=0.0, {argument}=value)'


def _values(scale: Any) -> str:
    flat = not isinstance(scale, list) and math.isinf(scale)
    return " in names" if flat else ", value in zip(names, scales)"


def _notes(kind: str, parameters: Mapping[str, Any], setting: Setting) -> tuple[str, ...]:
    notes = [_shared.CENTRED_NOTE, _shared.MODE_NOTE]
    notes.append(
        "bambi scales Normal priors to the data when they are not given (2.5 sd(y) / sd(x), "
        "population sd); a Laplace is never scaled, so that replacing the default Normal by a "
        "Laplace of the same number changes the strength too"
    )
    if setting.likelihood == "Gaussian":
        notes.append("bambi estimates sigma unless priors has a number for it, as here")
    if setting.weighted:
        notes.append("weighted() multiplies the log likelihood, also that of a gaussian")
    return tuple(notes)


def _convention(kind: str) -> Convention:
    name, scale = ("Laplace", "b") if kind == L1 else ("Normal", "sigma")
    encode, decode = _shared.on_centred_columns(
        kind, scale, lambda parameters, setting: np.ones(1), location="mu"
    )
    return Convention(
        name=f"bambi.{name}",
        likelihoods=_shared.LIKELIHOODS,
        penalties=(kind,),
        objective="L + sum|w_j| / b_j" if kind == L1 else "L + sum w_j^2 / (2 sigma_j^2)",
        formula="b = b"
        if kind == L1
        else "sigma = tau; not given: 2.5 sd(y) / sd(x_j) (gaussian), "
        "1 / sd(x_j) (bernoulli), 2.5 / sd(x_j) (poisson)",
        fixes="",
        intercept="flat or none",
        source="bambi 0.21.0: priors/scaler.py; the log density compared",
        defaults={scale: ... if kind == L1 else None, "mu": 0.0, "intercept": True},
        encode=encode,
        decode=decode if kind == L1 else partial(_decode_normal, decode),
        code=partial(_code, kind),
        build=_shared.no_object(
            "a bambi model holds its data, so there is none without them; bayesreg.from_bambi "
            "reads one"
        ),
        notes=partial(_notes, kind),
        irrelevant=("center_predictors",),
        per_coefficient=True,
    )


CONVENTIONS = {one.name: one for one in map(_convention, (L1, L2))}
