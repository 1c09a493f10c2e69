"""R-hat and ESS of a run so far, from the means of batches: cheap, in little memory, rough.

With chains cut into batches of b draws whose means have variance v, and draws of variance s^2,

    ESS = N s^2 / (b v),   R-hat as of half chains, without ranks.

Batches are merged in pairs as a run grows, so that their number stays between 32 and 64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.run import Pieces

_MOST_BATCHES = 64
# Of wide models that many coefficients are followed, evenly chosen.
_MOST_COLUMNS = 50
_FEWEST_BATCHES = 8


class Monitor:
    """Moments of batches, of every chain and parameter."""

    def __init__(self) -> None:
        self._batch = 1
        self._pending: FloatArray | None = None
        # Means of x and of x^2, arrays (chains, batches, parameters).
        self._first: FloatArray | None = None
        self._second: FloatArray | None = None
        self._origin: FloatArray | None = None

    def observe(self, pieces: Sequence[Pieces]) -> None:
        """The next draws of every chain."""
        draws = np.stack([_columns(piece["posterior"]) for piece in pieces])
        if self._origin is None:
            # Squares of what is far from 0 would leave nothing of the variance.
            self._origin = np.mean(draws, axis=(0, 1))
            self._pending = draws[:, :0]
            self._first = self._second = draws[:, :0]
        assert self._pending is not None
        self._pending = np.concatenate([self._pending, draws - self._origin], axis=1)
        self._take()
        assert self._first is not None
        while self._first.shape[1] > _MOST_BATCHES:
            self._merge()

    def _take(self) -> None:
        """Whole batches of what is pending."""
        assert self._pending is not None
        count = self._pending.shape[1] // self._batch
        whole = self._pending[:, : count * self._batch]
        self._pending = self._pending[:, count * self._batch :]
        cut = whole.reshape(whole.shape[0], count, self._batch, whole.shape[2])
        self._first = np.concatenate([self._first, cut.mean(axis=2)], axis=1)
        self._second = np.concatenate([self._second, (cut**2).mean(axis=2)], axis=1)

    def _merge(self) -> None:
        """Batches of twice the size; of an odd number the last is left out."""
        assert self._first is not None
        assert self._second is not None
        pairs = self._first.shape[1] // 2
        self._first, self._second = (
            0.5 * (part[:, 0 : 2 * pairs : 2] + part[:, 1 : 2 * pairs : 2])
            for part in (self._first, self._second)
        )
        self._batch *= 2

    def worst(self) -> tuple[float, float] | None:
        """The largest R-hat and the smallest ESS; None before there is enough."""
        if self._first is None or self._second is None or self._first.shape[1] < _FEWEST_BATCHES:
            return None
        chains, batches, _ = self._first.shape
        half = batches // 2
        means = np.concatenate([self._first[:, :half].mean(axis=1),
                                self._first[:, -half:].mean(axis=1)])  # fmt: skip
        squares = np.concatenate([self._second[:, :half].mean(axis=1),
                                  self._second[:, -half:].mean(axis=1)])  # fmt: skip
        within = np.mean(squares - means**2, axis=0)
        moving = within > 0
        if not moving.any():
            return None
        between = np.var(means, axis=0, ddof=1)
        spread = np.var(self._first.reshape(chains * batches, -1), axis=0, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rhat = np.sqrt(1.0 + between / within)[moving]
            ess = (chains * batches * (within + between) / spread)[moving]
        return float(np.max(rhat)), float(np.min(ess))


def _columns(variables: dict[str, np.ndarray]) -> FloatArray:
    """Draws of the parameters, (draws, parameters)."""
    coef = _flat(variables["coef"])
    chosen = np.unique(np.linspace(0, coef.shape[1] - 1, _MOST_COLUMNS).astype(int))
    others = [
        _flat(values)
        for name, values in variables.items()
        if values.ndim == 1 or name == "intercept"
    ]
    return np.concatenate([coef[:, chosen], *others], axis=1)


def _flat(values: np.ndarray) -> FloatArray:
    """A column for each number of a draw."""
    return values.reshape(len(values), -1)
