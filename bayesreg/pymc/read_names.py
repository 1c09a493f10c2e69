"""The observed variable of a PyMC model, and the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from bayesreg.errors import NoEquivalentError
from bayesreg.pymc.graph import Graph


def one_target(model: Any) -> Any:
    """The one observed variable.

    Raises
    ------
    NoEquivalentError
        Where there is none or more than one, or a Potential that is no prior of sigma.
    """
    observed = list(model.observed_RVs)
    if len(observed) != 1:
        found = ", ".join(rv.name for rv in observed) or "none"
        raise NoEquivalentError(
            f"a regression has one observed variable, and this model has {len(observed)} "
            f"({found}). Nearest: a model for each; where some targets are missing, the rows "
            "that are observed"
        )
    if any(rv.name.endswith("_unobserved") for rv in model.free_RVs):
        raise NoEquivalentError(
            f"some of {observed[0].name} is missing, and PyMC imputes it. Nearest: the model with "
            "the rows that are observed"
        )
    if "Minibatch" in type(observed[0].owner.op).__name__:
        raise NoEquivalentError(
            f"{observed[0].name} is a minibatch (total_size), a random part of the likelihood. "
            "Nearest: the model with all rows"
        )
    return observed[0]


def column_names(model: Any, graph: Graph, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names of the columns of each variable: its coordinates, else its name and positions."""
    own = {name: _own_names(model, name, graph.shapes[name], len(names) == 1) for name in names}
    listed = [column for columns in own.values() for column in columns]
    if len(set(listed)) == len(listed):
        return own
    return {
        name: tuple(_label(name, column) if len(columns) > 1 else name for column in columns)
        for name, columns in (
            (name, _own_names(model, name, graph.shapes[name], False, plain=True)) for name in names
        )
    }


def _own_names(
    model: Any, name: str, shape: tuple[int, ...], alone: bool, plain: bool = False
) -> tuple[str, ...]:
    dims = model.named_vars_to_dims.get(name) or ()
    coords = [model.coords.get(dim) if dim is not None else None for dim in dims]
    known = [coord for coord in coords if coord is not None]
    labelled = bool(dims) and len(known) == len(coords)
    if shape == ():
        return (name,)
    if labelled and not plain:
        if len(known) == 1:
            texts = tuple(str(label) for label in known[0])
            numbered = all(text.isdigit() for text in texts)
            return tuple(_label(name, text) for text in texts) if numbered else texts
        return tuple(_label(name, ",".join(map(str, labels))) for labels in product(*known))
    if alone and len(shape) == 1 and not plain:
        return tuple(f"x{j}" for j in range(shape[0]))
    return tuple(
        ",".join(map(str, place)) if plain else _label(name, ",".join(map(str, place)))
        for place in product(*(range(size) for size in shape))
    )


def _label(name: str, place: str) -> str:
    return f"{name}[{place}]"
