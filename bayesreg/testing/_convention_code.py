"""The programs of a convention: they are Python where they say so, and have the numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bayesreg.conventions._convention import Penalised
from bayesreg.testing._numeric import require


def check_code(where: str, twins: Sequence[Penalised]) -> None:
    """Parameters that differ between the twins of different priors stand in their programs."""
    for twin in twins:
        require(bool(twin.code.strip()), f"{where} has no code; print a program that fits it")
        if "import " in twin.code:
            try:
                ast.parse(twin.code)
            except SyntaxError as error:
                raise AssertionError(f"{where}: its code is not Python: {error}") from None
        for name, value in twin.parameters.items():
            moves = any(_differ(value, other.parameters.get(name)) for other in twins)
            missing = [number for number in _numbers(value) if repr(number) not in twin.code]
            require(
                not moves or not missing,
                f"{where}: its code does not have {name} = {value!r}, so that it fits another "
                f"penalty; print {missing[:1]} in it",
            )


def _differ(one: Any, other: Any) -> bool:
    return list(_numbers(one)) != list(_numbers(other))


def _numbers(value: Any) -> Iterator[float]:
    """The numbers of a parameter, other than 0, 1 and infinity, which are written in many ways."""
    if isinstance(value, int | float | np.ndarray | list | tuple) and not isinstance(value, bool):
        for entry in np.ravel(np.asarray(value)):
            if isinstance(entry, np.integer | np.floating) and entry not in (0.0, 1.0, np.inf):
                yield float(entry)
