"""What is asked of a PyMC model as a whole: no hidden random numbers, no narrower transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg.errors import NoEquivalentError
from bayesreg.pymc.graph import Graph
from bayesreg.pymc.operations import draws_of_its_own
from bayesreg.pymc.read_priors import is_readable, parameters_of

#: Transforms by the values that they map to.
_RANGES = {
    "LogTransform": (0.0, np.inf),
    "LogExpM1": (0.0, np.inf),
    "LogOddsTransform": (0.0, 1.0),
}


def refuse_hidden_draws(graph: Graph, observed: Any) -> None:
    """Random numbers that are no variable of the model, such as ``pm.Normal.dist(0, 1)``.

    Raises
    ------
    NoEquivalentError
        Naming the variable whose parameters they enter.
    """
    # Of others, such as a mixture, such numbers are components, and they are refused by name.
    for rv in (*filter(is_readable, graph.free), observed):
        if draws_of_its_own(parameters_of(rv), graph.free):
            raise NoEquivalentError(
                f"{rv.name} depends on random numbers that are no free variable of the model, such "
                "as those of pm.Normal.dist(...) or of a minibatch. Nearest: a named variable, "
                "pm.Normal('name', ...), or all rows"
            )


def refuse_transforms(graph: Graph) -> None:
    """A ``transform=`` that keeps a variable to a part of its support.

    Raises
    ------
    NoEquivalentError
        Naming the variable and the transform.
    """
    from pymc.distributions.transforms import _default_transform

    for rv in graph.free:
        transform = graph.model.rvs_to_transforms[rv]
        if transform is None:
            continue
        usual = _default_transform(rv.owner.op, rv)
        if type(transform) is type(usual) and not hasattr(transform, "args_fn"):
            continue
        found, expected = (_range(part, rv, graph) for part in (transform, usual))
        if found is None or expected is None or not _equal(found, expected):
            raise NoEquivalentError(
                f"the transform of {rv.name}, {type(transform).__name__}, keeps it to other values "
                "than its distribution does, and no prior here says so. Nearest: the variable "
                "without transform=; bounds by pm.Truncated(name, pm.Normal.dist(...), lower, "
                "upper)"
            )


def _range(transform: Any, rv: Any, graph: Graph) -> tuple[Any, Any] | None:
    """The interval that a transform maps the line to; None where it is not known."""
    if transform is None:
        return (-np.inf, np.inf)
    if not hasattr(transform, "args_fn"):
        return _RANGES.get(type(transform).__name__)
    import pytensor.tensor as pt

    ends = transform.args_fn(*rv.owner.inputs)
    bounds = [
        pt.as_tensor_variable(default if end is None else end)
        for end, default in zip(ends, (-np.inf, np.inf), strict=True)
    ]
    lower, upper = graph.function(bounds)({free.name: 1.0 for free in graph.free})
    return lower, upper


def _equal(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return all(bool(np.all(a == b)) for a, b in zip(one, other, strict=True))
