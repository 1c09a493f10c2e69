"""Which powers of a positive variable an expression is made of, shown by its operations.

Of sigma * sqrt(2) every entry is a number times sigma^1: then its values at 1 and 2 say what it is
at any sigma.  Of max(sigma, 0.3) they do not, and it has no powers here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from bayesreg.pymc.operations import MOVES, name_of, operation, ordered, varying

#: Each entry is a number times s^k with one of these k; None: it is something else.
Powers = frozenset[float] | None

#: A basis function of a density in s: s^k, or its logarithm.
LOG = "log"


def powers_of(expression: Any, free: Sequence[Any]) -> Powers:
    """The k of which every entry of the expression has one, as number * s^k for s > 0."""
    moving = varying([expression], free)
    found: dict[Any, Powers] = dict.fromkeys(free, frozenset({1.0}))
    for node in ordered([expression], free):
        own = [
            found.get(source, frozenset({0.0})) if source in moving else frozenset({0.0})
            for source in node.inputs
        ]
        fixed = not any(output in moving for output in node.outputs)
        powers = frozenset({0.0}) if fixed else _combined(node, own, moving)
        found.update(dict.fromkeys(node.outputs, powers))
    return found.get(expression, frozenset({0.0}))


def basis_of(expression: Any, free: Sequence[Any]) -> frozenset[Any] | None:
    """The functions of s that the expression is a sum of: powers by exponent, and ``"log"``."""
    powers = powers_of(expression, free)
    if powers is not None:
        return powers
    name, inputs = operation(expression)
    if name == "Log" and powers_of(inputs[0], free) is not None:
        return frozenset({LOG, 0.0})
    if name in ("Add", "Sub", "Neg"):
        return _union(basis_of(part, free) for part in inputs)
    if name in ("Sum", *MOVES):
        return basis_of(inputs[0], free)
    if name == "Mul":
        moving = varying(inputs, free)
        parts = [part for part in inputs if part in moving]
        return basis_of(parts[0], free) if len(parts) == 1 else None
    return None


def _combined(node: Any, own: Sequence[Powers], moving: set[Any]) -> Powers:
    name = name_of(node)
    known = [powers for powers in own if powers is not None]
    if len(known) < len(own):
        return None
    if name in _PRODUCTS:
        return reduce(_PRODUCTS[name], known)
    if name in _OF_ONE:
        return frozenset(_OF_ONE[name](power) for power in known[0])
    if name in MOVES and not any(source in moving for source in node.inputs[1:]):
        return known[0]
    if name == "Pow":
        exponent = getattr(_bare(node.inputs[1]), "data", None)
        if exponent is None or np.size(exponent) != 1:
            return None
        return frozenset(float(np.ravel(exponent)[0]) * k for k in known[0])
    if name == "Switch" and node.inputs[0] not in moving:
        return _union(known[1:])
    if name in ("MakeVector", "Join"):
        return _union(known)
    if name in ("Add", "Sub", "Sum", "Second"):
        together = _union(known[1:] if name == "Second" else known)
        return together if together is not None and len(together) == 1 else None
    return None


_PRODUCTS: dict[str, Callable[[frozenset[float], frozenset[float]], frozenset[float]]] = {
    "Mul": lambda one, two: frozenset(j + k for j in one for k in two),
    "TrueDiv": lambda one, two: frozenset(j - k for j in one for k in two),
}

_OF_ONE: dict[str, Callable[[float], float]] = {
    "Neg": lambda k: k,
    "Abs": lambda k: k,
    "Cast": lambda k: k,
    "Reciprocal": lambda k: -k,
    "Sign": lambda k: 0.0,
    "Sqr": lambda k: 2.0 * k,
    "Sqrt": lambda k: 0.5 * k,
}


def _union(parts: Iterable[frozenset[Any] | None]) -> frozenset[Any] | None:
    found: set[Any] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return frozenset(found)


def _bare(variable: Any) -> Any:
    name, inputs = operation(variable)
    return _bare(inputs[0]) if name == "DimShuffle" else variable
