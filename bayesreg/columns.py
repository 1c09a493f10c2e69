"""Which columns each prior of a mapping governs: by name, or by glob."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import numpy as np

from bayesreg._text import nearest
from bayesreg._types import IntArray
from bayesreg.covariance import AnyPenalty, joined
from bayesreg.errors import ModelError
from bayesreg.priors import Prior


def prior_columns(
    prior: Prior | Mapping[str, Prior], names: tuple[str, ...]
) -> list[tuple[Prior, IntArray]]:
    """Which columns each prior governs; every column must have exactly one.

    A key that is a column's name governs it; a glob governs the columns that no name does.
    """
    if not isinstance(prior, Mapping):
        return [(prior, np.arange(len(names)))]
    owner: dict[int, str] = {}
    resolved = []
    for key, part in prior.items():
        columns = _columns_of(key, prior, names)
        for j in columns:
            if j in owner:
                raise ModelError(
                    f"column {names[j]!r} is reached by both {owner[j]!r} and {key!r}; every "
                    "column needs exactly one prior. Name that column itself, which comes before "
                    "globs, or narrow a glob: '[!s]*' is all that does not begin with s"
                )
            owner[j] = key
        resolved.append((part, np.array(columns)))
    missing = [name for j, name in enumerate(names) if j not in owner]
    if missing:
        raise ModelError(
            f"no prior for column {missing[0]!r} ({len(missing)} such columns); "
            "add it by name, or with a glob that reaches no other prior's columns"
        )
    return resolved


def _columns_of(key: str, prior: Mapping[str, Prior], names: tuple[str, ...]) -> list[int]:
    """The column of that name, or those that the glob reaches and no other key names."""
    if key in names:
        return [names.index(key)]
    reached = [j for j, name in enumerate(names) if fnmatch.fnmatchcase(name, key)]
    if not reached:
        raise ModelError(f"prior names the unknown column {key!r}.{nearest(key, names)}")
    columns = [j for j in reached if names[j] not in prior]
    if not columns:
        raise ModelError(
            f"every column that {key!r} reaches has a prior under its own name; leave {key!r} out"
        )
    return columns


def mapped_penalty(prior: Mapping[str, Prior], names: tuple[str, ...], noise: float) -> AnyPenalty:
    resolved = prior_columns(prior, names)
    in_turn = joined([part.penalty(columns.size, noise) for part, columns in resolved])
    order = np.argsort(np.concatenate([columns for _, columns in resolved]))
    return in_turn.take(order)
