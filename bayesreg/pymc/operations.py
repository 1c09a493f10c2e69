"""The operations that a PyTensor expression is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

#: Operations that hand their first argument on.
VIEWS = ("ViewOp", "Identity", "SpecifyShape", "TensorFromScalar")

#: Operations whose result depends on the shape of an argument, not on its values.
OF_SHAPES = ("Shape", "Shape_i")

#: Others that only take entries of their first argument, or put them elsewhere.
MOVES = (
    "DimShuffle", "Reshape", "Subtensor", "AdvancedSubtensor", "AdvancedSubtensor1",
    "AdvancedBooleanSubtensor", "Alloc", "BroadcastTo", "Repeat", "Unbroadcast", "ExtractDiag",
    "ScalarFromTensor", *VIEWS,
)  # fmt: skip


def name_of(node: Any) -> str:
    """Name of what a node computes: of the scalar function, where it does that entry by entry."""
    op = node.op
    core = getattr(op, "core_op", op)
    # A sum over an axis has a scalar operation too.
    scalar = core.scalar_op if type(core).__name__ == "Elemwise" else None
    if type(core).__name__ == "CAReduce":
        return {"Add": "Sum"}.get(type(core.scalar_op).__name__, "CAReduce")
    return type(scalar or core).__name__


def operation(variable: Any) -> tuple[str, list[Any]]:
    """Name of the operation that made a variable, and what it was made of."""
    node = variable.owner
    return ("", []) if node is None else (name_of(node), list(node.inputs))


def ordered(expressions: Iterable[Any], stop: Iterable[Any] = ()) -> Iterator[Any]:
    """The nodes that make expressions, each after those that it needs; not what makes ``stop``."""
    blocked, done = set(stop), set()
    waiting = [(variable, False) for variable in expressions]
    while waiting:
        variable, ready = waiting.pop()
        node = variable.owner
        if node is None or variable in blocked or node in done:
            continue
        if ready:
            done.add(node)
            yield node
            continue
        waiting.append((variable, True))
        waiting += [(source, False) for source in node.inputs]


def inputs_that_count(node: Any) -> list[Any]:
    """The inputs whose values enter the result; of some it is the shape alone."""
    name = name_of(node)
    if name in OF_SHAPES:
        return []
    return list(node.inputs[1:]) if name == "Second" else list(node.inputs)


def varying(expressions: Iterable[Any], free: Iterable[Any]) -> set[Any]:
    """Of all that makes expressions, what changes with the values of ``free``; itself included."""
    found = set(free)
    for node in ordered(expressions, found):
        if any(source in found for source in inputs_that_count(node)):
            found.update(node.outputs)
    return found


def entering(expressions: Iterable[Any], free: Iterable[Any]) -> set[Any]:
    """The variables of ``free`` whose values enter expressions."""
    among, seen, waiting = set(free), set(), list(expressions)
    while waiting:
        variable = waiting.pop()
        if variable in seen:
            continue
        seen.add(variable)
        if variable not in among and variable.owner is not None:
            waiting += inputs_that_count(variable.owner)
    return seen & among


def draws_of_its_own(expressions: Iterable[Any], free: Iterable[Any]) -> bool:
    """Whether random numbers enter that are no free variable: ``pm.Normal.dist()``."""
    return any(
        any(base.__name__.endswith("RandomVariable") for base in type(node.op).__mro__)
        for node in ordered(expressions, free)
    )
