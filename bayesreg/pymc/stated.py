"""A PyMC model as it is read: free variables at stated numbers, no initial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.errors import ConversionError, ModelTypeError, NoEquivalentError


def without_initial_values(model: Any) -> Any:
    """A second view of the model without ``initval=``, which its density does not depend on.

    PyMC's own transformations refuse models that have any.
    """
    if model.parent is not None:
        raise NoEquivalentError(
            f"the model {model.name!r} stands inside another, and its density is that of the "
            "whole. Nearest: the outer model"
        )
    copied = object.__new__(type(model))
    copied.__dict__.update(model.__dict__)
    copied.rvs_to_initial_values = dict.fromkeys(model.rvs_to_initial_values)
    return copied


def stated(model: Any, given: Mapping[str, Any]) -> Any:
    """The model with free variables at numbers, without their priors."""
    import pymc as pm

    if not isinstance(given, Mapping):
        raise ModelTypeError(
            "given must map names of free variables to numbers, as given={'tau': 0.5}; got "
            f"{type(given).__name__}"
        )
    known = [rv.name for rv in model.free_RVs]
    for name in given:
        if name not in known:
            raise NoEquivalentError(
                f"given names {name!r}, which is no free variable of the model."
                f"{nearest(str(name), known)}"
            )
    shapes = model.eval_rv_shapes()
    numbers = {name: _number(name, value, shapes[name]) for name, value in given.items()}
    return pm.do(model, numbers) if numbers else model


def _number(name: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """A stated value in the shape of its variable."""
    try:
        number = np.asarray(value, dtype=np.float64)
        full = np.broadcast_to(number, shape).copy()
    except (TypeError, ValueError):
        raise ConversionError(
            f"given[{name!r}] must be a number, or an array of shape {tuple(map(int, shape))}; got "
            f"{value!r}"
        ) from None
    if not np.all(np.isfinite(full)):
        raise ConversionError(f"given[{name!r}] must be finite; got {value!r}")
    return full
