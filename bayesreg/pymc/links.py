"""The linear predictor inside a PyMC parameter: the inverse of its link, taken in the graph.

exp(eta) -> eta,  c exp(eta) -> log c + eta,  sigmoid(eta) -> eta,  1 / (1 + exp(-eta)) -> eta.
What is not recognised keeps an explicit log or logit, and is then no linear predictor.
"""

from __future__ import annotations

from typing import Any

from bayesreg.pymc.operations import VIEWS, name_of, operation, ordered

_EXPONENTS = {"Sqr": 2.0, "Sqrt": 0.5}


def log_of(variable: Any) -> Any:
    """log(variable) as a graph, without the log where there is an exp."""
    import pytensor.tensor as pt

    kind, inputs = operation(variable)
    if kind == "Exp":
        return plain(inputs[0])
    if kind == "Mul":
        return sum((log_of(part) for part in inputs[1:]), start=log_of(inputs[0]))
    if kind == "TrueDiv":
        return log_of(inputs[0]) - log_of(inputs[1])
    if kind == "Reciprocal":
        return -log_of(inputs[0])
    if kind in _EXPONENTS:
        return _EXPONENTS[kind] * log_of(inputs[0])
    if kind in ("DimShuffle", *VIEWS):
        return _again(variable, log_of(inputs[0]))
    return pt.log(variable)


def logit_of(variable: Any) -> Any:
    """log(variable / (1 - variable)) as a graph."""
    import pytensor.tensor as pt

    kind, inputs = operation(variable)
    if kind == "Sigmoid":
        return plain(inputs[0])
    if kind in ("TrueDiv", "Reciprocal"):
        part, total = inputs if kind == "TrueDiv" else (pt.constant(1.0), inputs[0])
        rest = _without(part, total)
        if rest is not None:
            return log_of(part) - log_of(rest)
    if kind == "Sub" and _same(inputs[0], pt.constant(1.0)):
        return -logit_of(inputs[1])
    if kind == "Switch" and _is_rounded_to_an_end(inputs[0], inputs[2]):
        return logit_of(inputs[2])
    if kind in ("DimShuffle", *VIEWS):
        return _again(variable, logit_of(inputs[0]))
    return pt.log(variable) - pt.log1p(-variable)


def _is_rounded_to_an_end(condition: Any, probability: Any) -> bool:
    """p = 0 or p = 1: of a logit only rounding makes that true, and bambi guards against it."""
    import pytensor.tensor as pt

    kind, inputs = operation(condition)
    return (
        kind == "EQ"
        and _same(inputs[0], probability)
        and any(_same(inputs[1], pt.constant(end)) for end in (0.0, 1.0))
    )


def plain(variable: Any) -> Any:
    """The same with log(exp(x)) written as x, in sums and differences."""
    if not any(name_of(node) == "Log" for node in ordered([variable])):
        return variable
    kind, inputs = operation(variable)
    if kind == "Log":
        return log_of(inputs[0])
    if kind == "Sub":
        return plain(inputs[0]) - plain(inputs[1])
    if kind == "Add":
        return sum((plain(part) for part in inputs[1:]), start=plain(inputs[0]))
    return variable


def _without(part: Any, total: Any) -> Any:
    """The sum ``total`` without its term ``part``; None where it has no such term."""
    kind, terms = operation(total)
    for k, term in enumerate(terms if kind == "Add" else ()):
        rest = [other for j, other in enumerate(terms) if j != k]
        if rest and _same(term, part):
            return sum(rest[1:], start=rest[0])
    return None


def _same(one: Any, other: Any) -> bool:
    """The same computation or the same constant number, whatever its dimensions."""
    import numpy as np
    from pytensor.graph.basic import equal_computations

    one, other = _bare(one), _bare(other)
    if one is other or equal_computations([one], [other]):
        return True
    left, right = (getattr(part, "data", None) for part in (one, other))
    if left is None or right is None:
        return False
    return bool(np.size(left) == np.size(right) == 1 and np.all(left == right))


def _bare(variable: Any) -> Any:
    """Without the dimensions that were put around it."""
    kind, inputs = operation(variable)
    return _bare(inputs[0]) if kind in ("DimShuffle", *VIEWS) else variable


def _again(variable: Any, inner: Any) -> Any:
    """The change of dimensions of ``variable``, made to ``inner`` instead."""
    node = variable.owner
    return inner if type(node.op).__name__ in VIEWS else node.op(inner)
