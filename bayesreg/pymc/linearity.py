"""Whether an expression is linear in variables, shown by the operations that it is made of.

A few points cannot show it: clip(eta, -50, 50) is eta at all of them.  What is not known to be
linear here counts as not linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bayesreg.pymc.operations import MOVES, name_of, ordered, varying

#: Linear in all inputs together.
_IN_ALL = ("Add", "Sub", "Neg", "MakeVector", "Join")

#: Linear in each input while the others are fixed.
_IN_EACH = ("Mul", "Dot", "BatchedDot", "StructuredDot", "TrueDot", "Convolve1d", "Outer")

#: Linear in the first input while the others are fixed.
_IN_FIRST = (*MOVES, "TrueDiv", "Cast", "Sum", "CumOp", "AllocDiag", "DenseFromSparse")

#: Linear in the first two (an array and what is written into it) while the places are fixed.
_IN_FIRST_TWO = ("IncSubtensor", "AdvancedIncSubtensor", "AdvancedIncSubtensor1")

#: Linear in all inputs but the first: a condition, a shape, a matrix to invert.
_IN_REST = ("Switch", "Second", "Solve", "SolveTriangular")

_IN_WORDS = {"Mul": "a product", "TrueDiv": "a division", "Pow": "a power", "Sqr": "a square"}

#: What keeps a predictor within bounds.
GUARDS = {
    "Clip": "clip", "Switch": "switch", "IfElse": "ifelse", "Maximum": "maximum",
    "Minimum": "minimum", "ScalarMaximum": "maximum", "ScalarMinimum": "minimum",
}  # fmt: skip


def not_linear(expressions: Iterable[Any], free: Sequence[Any]) -> str | None:
    """The first operation that is not linear in ``free``; None where all are.

    A bound, such as clip, is named before others.
    """
    expressions = list(expressions)
    moving = varying(expressions, free)
    faults = [
        name_of(node)
        for node in ordered(expressions, free)
        if any(output in moving for output in node.outputs) and not _is_linear(node, moving)
    ]
    bounds = [GUARDS[name] for name in faults if name in GUARDS]
    named = [*bounds, *(_IN_WORDS.get(name, name.lower()) for name in faults)]
    return named[0] if named else None


def _is_linear(node: Any, moving: set[Any]) -> bool:
    """Whether one operation is linear in those of its inputs that move."""
    name = name_of(node)
    places = {k for k, source in enumerate(node.inputs) if source in moving}
    if not all(str(output.dtype).startswith("float") for output in node.outputs):
        return False
    if name == "CumOp" and node.op.mode != "add":
        return False
    if name in _IN_ALL:
        return True
    if name in _IN_EACH:
        return len(places) <= 1
    if name in _IN_FIRST:
        return places <= {0}
    if name in _IN_FIRST_TWO:
        return places <= {0, 1}
    if name in _IN_REST:
        return name == "Second" or 0 not in places
    return _is_linear_inside(node, places)


def _is_linear_inside(node: Any, places: set[int]) -> bool:
    """Of an operation made of others, as einsum is."""
    if not any(base.__name__ == "OpFromGraph" for base in type(node.op).__mro__):
        return False
    inner = node.op.fgraph
    return not_linear(inner.outputs, [inner.inputs[k] for k in places]) is None
