"""Draws in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesreg.posterior.protocol import Chain
from bayesreg.posterior.run import Pieces


class Memory:
    """All draws of all chains, in arrays (chains, draws, ...)."""

    def __init__(self, draws: int) -> None:
        self._draws = draws
        self._groups: dict[str, dict[str, np.ndarray]] = {}
        self.kept = 0

    def accept(self, first: int, pieces: Sequence[Pieces], chains: Sequence[Chain]) -> None:
        for k, piece in enumerate(pieces):
            for group, variables in piece.items():
                held = self._groups.setdefault(group, {})
                for name, values in variables.items():
                    if name not in held:
                        shape = (len(pieces), self._draws, *values.shape[1:])
                        held[name] = np.empty(shape, values.dtype)
                    held[name][k, first : first + len(values)] = values
                    self.kept = first + len(values)

    def warmed(self, chains: Sequence[Chain]) -> None:
        """Nothing to keep."""

    @property
    def groups(self) -> dict[str, dict[str, np.ndarray]]:
        """What was accepted."""
        return {
            group: {name: values[:, : self.kept] for name, values in variables.items()}
            for group, variables in self._groups.items()
        }
