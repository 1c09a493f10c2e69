"""What a PyMC model's graph says at given values of its free variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.pymc.operations import entering

#: Far enough that what is added to a column is lost in rounding, and a power of two.
_FAR = 2.0**300


class Graph:
    """Values of expressions as functions of the free variables.

    Parameters
    ----------
    model : pymc.Model
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.free = list(model.free_RVs)
        shapes = model.eval_rv_shapes()
        self.shapes = {rv.name: tuple(int(m) for m in shapes[rv.name]) for rv in self.free}

    def names_in(self, *expressions: Any) -> list[str]:
        """The free variables that expressions are made of."""
        found = entering(expressions, self.free)
        return [rv.name for rv in self.free if rv in found]

    def variables(self, names: Sequence[str]) -> list[Any]:
        """The free variables of these names."""
        return [rv for rv in self.free if rv.name in names]

    def function(self, expressions: Sequence[Any]) -> Any:
        """Expressions as a function of a mapping from free variables to values."""
        import pytensor
        from pytensor.compile.mode import Mode

        # Not rewritten: PyTensor joins long sums into one of more terms than numpy adds at once.
        compiled = pytensor.function(
            self.free, list(expressions), on_unused_input="ignore",
            mode=Mode(linker="py", optimizer=None),
        )  # fmt: skip

        def evaluate(values: Mapping[str, Any]) -> list[Any]:
            with np.errstate(all="ignore"):
                return compiled(*(self._typed(rv, values.get(rv.name, 0.0)) for rv in self.free))

        return evaluate

    def _typed(self, rv: Any, value: Any) -> Any:
        full = np.broadcast_to(np.asarray(value, dtype=np.float64), self.shapes[rv.name])
        return np.array(full, dtype=rv.dtype)


def constant_value(variable: Any) -> Any:
    """A variable that nothing random enters."""
    import pytensor

    return pytensor.function([], variable, mode="FAST_COMPILE")()


def in_double(value: Any) -> FloatArray:
    """In double precision; 0.1 held in single precision is 0.1, not 0.10000000149."""
    array = np.asarray(value)
    if array.dtype == np.float32:
        shortest = [float(str(entry)) for entry in np.ravel(array)]
        return np.array(shortest).reshape(array.shape)
    return np.asarray(array, dtype=np.float64)


def columns(
    graph: Graph,
    eta: Any,
    names: Sequence[str],
    n: int,
    wide: Any,
    fixed: Mapping[str, float] | None = None,
) -> tuple[FloatArray, FloatArray, float]:
    """(offset, X, worst): eta = offset + X theta, and how far from it random points are.

    With theta_j = 2^300 and the others 0, eta is 2^300 times column j to the last bit, for what is
    added to it is smaller than its rounding.  Where that overflows, differences at 1 and 0 serve.
    ``wide`` brings eta to the n targets; what is not in ``names`` stays at ``fixed``, else at 0.
    """
    evaluate = graph.function([eta])

    def at(values: Mapping[str, Any]) -> FloatArray:
        found: FloatArray = wide(in_double(evaluate({**(fixed or {}), **values})[0]))
        return found

    zero = {name: np.zeros(graph.shapes[name]) for name in names}
    offset = at(zero)
    found = []
    for name in names:
        size = int(np.prod(graph.shapes[name], dtype=int))
        for j in range(size):
            unit = np.zeros(size)
            unit[j] = 1.0
            found.append(_column(at, zero, name, unit.reshape(graph.shapes[name]), offset))
    X = np.column_stack(found) if found else np.zeros((n, 0))
    if not (np.all(np.isfinite(X)) and np.all(np.isfinite(offset))):
        return offset, X, np.inf
    return offset, X, _nonlinearity(at, graph, names, offset, X)


def _column(at: Any, zero: Any, name: str, unit: FloatArray, offset: FloatArray) -> FloatArray:
    far = at({**zero, name: _FAR * unit})
    if np.all(np.isfinite(far)) and np.all((far == offset) | (np.abs(far) > 1e20)):
        return np.where(far == offset, 0.0, far / _FAR)
    return at({**zero, name: unit}) - offset


def _nonlinearity(
    at: Any, graph: Graph, names: Sequence[str], offset: FloatArray, X: FloatArray
) -> float:
    """The largest departure of eta from offset + X theta, relative to their size."""
    rng = np.random.default_rng(0)
    worst = 0.0
    unit = 1.0 / np.maximum(np.max(np.abs(X), axis=0, initial=0.0), 1e-300)
    for step in (0.3, 1.0, 3.0):
        theta = step * np.minimum(unit, 1e3) * rng.normal(size=X.shape[1])
        values, start = {}, 0
        for name in names:
            size = int(np.prod(graph.shapes[name], dtype=int))
            values[name] = theta[start : start + size].reshape(graph.shapes[name])
            start += size
        found = at(values)
        size_of = 1e-12 + np.abs(offset) + np.abs(X) @ np.abs(theta)
        worst = max(worst, float(np.max(np.abs(found - offset - X @ theta) / size_of, initial=0.0)))
    return worst if np.isfinite(worst) else np.inf
