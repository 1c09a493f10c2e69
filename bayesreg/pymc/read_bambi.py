"""from_bambi: a bambi model by way of the PyMC model behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.data import Data
from bayesreg.errors import ModelTypeError
from bayesreg.pymc.read import FromPyMC, from_pymc

_AUTOSCALED = (
    "bambi scaled the priors of {names} to the data by itself (2.5 sd(y) / sd(x), population sd; "
    "1 / sd(x) for logistic models): they are numbers here, and others on other data. It scales "
    "Normal priors only: a Laplace in their place is taken as it is given"
)
_CENTRED = (
    "bambi centred the columns of X, so the intercept, and a prior on it, is at their mean. "
    "X here is what the coefficients met"
)


def from_bambi(model: Any, *, given: Mapping[str, Any] | None = None) -> FromPyMC:
    """Read a bambi model as a penalised regression.

    Parameters
    ----------
    model : bambi.Model
        Built here where it is not yet.
    given : mapping of str to number, optional
        As in :func:`from_pymc`. A gaussian model needs ``given={"sigma": ...}``: bambi's default
        prior of sigma, HalfStudentT, is none here.

    Returns
    -------
    FromPyMC
        Its notes say what bambi did to columns and priors: scales taken from the data, columns
        centred.

    Raises
    ------
    NoEquivalentError
        As :func:`from_pymc`: group-specific terms are hyperpriors.
    ModelTypeError
        For what is no ``bambi.Model``.
    """
    if not type(model).__module__.startswith("bambi"):
        raise ModelTypeError(
            f"from_bambi reads a bambi.Model; got {type(model).__module__}.{type(model).__name__}"
            + (". For a pymc.Model: from_pymc" if type(model).__module__.startswith("pymc") else "")
        )
    if not model.built:
        model.build()
    read = from_pymc(model.backend.model, given=given)
    notes = list(read.notes)
    scaled = _autoscaled(model, read)
    if scaled:
        notes.append(_AUTOSCALED.format(names=", ".join(scaled)))
    if read.intercept is not None and _is_centred(read.data):
        notes.append(_CENTRED)
    return replace(read, notes=tuple(notes))


def _autoscaled(model: Any, read: FromPyMC) -> list[str]:
    """Variables whose Normal prior bambi scaled."""
    components = model.parameters if hasattr(model, "parameters") else model.components
    parent = components[model.family.likelihood.parent]
    terms = [*parent.common_terms.values()]
    terms += [parent.intercept_term] if parent.intercept_term is not None else []
    named = {getattr(term, "label", getattr(term, "name", "")): term.prior for term in terms}
    return [
        name
        for name in (*read.coefficients, *([read.intercept] if read.intercept else []))
        if getattr(named.get(name), "auto_scale", False)
        and getattr(named[name], "name", "") == "Normal"
    ]


def _is_centred(data: Data) -> bool:
    X = data.to_dense().X
    spread = np.max(np.abs(X), axis=0)
    return bool(np.all(np.abs(np.mean(X, axis=0)) <= 1e-9 * np.where(spread > 0, spread, 1.0)))
