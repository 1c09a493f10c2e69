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
    """Which columns each prior governs; every column must be reached exactly once."""
    if not isinstance(prior, Mapping):
        return [(prior, np.arange(len(names)))]
    owner: dict[int, str] = {}
    resolved = []
    for key, part in prior.items():
        columns = [j for j, name in enumerate(names) if name == key]
        columns = columns or [j for j, name in enumerate(names) if fnmatch.fnmatchcase(name, key)]
        if not columns:
            raise ModelError(f"prior names the unknown column {key!r}.{nearest(key, names)}")
        for j in columns:
            if j in owner:
                raise ModelError(
                    f"column {names[j]!r} is reached by both {owner[j]!r} and {key!r}; "
                    "every column needs exactly one prior"
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


def mapped_penalty(prior: Mapping[str, Prior], names: tuple[str, ...], noise: float) -> AnyPenalty:
    resolved = prior_columns(prior, names)
    in_turn = joined([part.penalty(columns.size, noise) for part, columns in resolved])
    order = np.argsort(np.concatenate([columns for _, columns in resolved]))
    return in_turn.take(order)
