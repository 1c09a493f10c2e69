"""Which scales the evidence is integrated over, besides those that were asked for.

Below the first scale, until what is left of the slope is negligible; between scales that are
farther apart than the slope can be interpolated over; and once more in the middle where two rules
of integration disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.scales.curve import Node, interval_errors

#: log t -> the node there.
NodeAt = Callable[[float], Node]

# The largest steps in log t: between scales, and where the slope is small already.
STEP, _LONG_STEP = 0.25, 0.5
# At most this many nodes between scales, however far apart they are; below them; and added.
_MOST_BETWEEN, _MOST_BELOW, _MOST_ADDED = 200, 60, 40
# Slopes, in nats: steps may be long; nothing is left below.
_GENTLE, _NEGLIGIBLE = 1.0, 0.05
# Nats by which two rules may differ on an interval.
_AGREEMENT, _ROUNDS = 0.02, 3


def between(x: FloatArray) -> FloatArray:
    """Nodes that cut every interval into equal parts of at most STEP."""
    if x.size < 2:
        return np.empty(0)
    step = max(STEP, float(x[-1] - x[0]) / _MOST_BETWEEN)
    parts = [
        np.linspace(a, b, 1 + int(np.ceil((b - a) / step - 1e-9)))[1:-1] for a, b in pairwise(x)
    ]
    return np.concatenate(parts)


def completed(nodes: Iterable[Node], node_at: NodeAt, power: float) -> list[Node]:
    """The nodes, ascending in x, with those below and in between that they need."""
    found = sorted(nodes, key=lambda node: node.x)
    for _ in range(_MOST_BELOW):
        first = found[0]
        if abs(first.slope) / power <= _NEGLIGIBLE:
            break
        step = STEP if abs(first.slope) > _GENTLE else _LONG_STEP
        found.insert(0, node_at(first.x - step))
    return _refined(found, node_at)


def _refined(nodes: list[Node], node_at: NodeAt) -> list[Node]:
    left = _MOST_ADDED
    for _ in range(_ROUNDS):
        apart = np.abs(interval_errors(nodes))
        worst = np.argsort(-apart)[:left]
        worst = worst[apart[worst] > _AGREEMENT]
        if not worst.size:
            break
        left -= worst.size
        middles = [0.5 * (nodes[k].x + nodes[k + 1].x) for k in sorted(worst)]
        nodes = sorted([*nodes, *map(node_at, middles)], key=lambda node: node.x)
    return nodes
