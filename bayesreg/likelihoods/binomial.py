"""Binomial likelihood with logit link: y successes in the m trials of a row (Data(trials=...)).

loss(y, eta) = m log(1 + e^eta) - y eta,     constant = -s log C(m, y),     y = 0, 1, ..., m
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods import _logistic


@dataclass(frozen=True, repr=False)
class Binomial:
    """Counts of successes among the ``trials`` of each row, with log odds eta.

    ``mean`` and ``draw`` are of one trial, the probability of a success, until the likelihood is
    bound to the trials of its rows by :meth:`for_trials` (``bind`` does that).
    """

    #: Of each row. They are data: no part of the model, nor of its text.
    trials: ClassVar[FloatArray] = np.array(1.0)

    __repr__ = dataclass_text

    def for_trials(self, trials: FloatArray) -> Binomial:
        """The same likelihood bound to rows with these numbers of trials."""
        bound = type(self)()
        object.__setattr__(bound, "trials", np.asarray(trials, dtype=np.float64))
        return bound

    @property
    def noise(self) -> float:
        return 1.0

    def check_target(self, y: FloatArray) -> None:
        y, trials = np.broadcast_arrays(y, self.trials)
        wrong = np.flatnonzero((y < 0) | (y > trials) | (y != np.floor(y)))
        if wrong.size:
            row = int(wrong[0])
            raise DataError(
                f"y must be whole numbers from 0 to the row's trials for Binomial(); found "
                f"{float(y[row])!r} of {trials[row]:g} trials in row {row} ({wrong.size} such "
                "rows). y counts the successes: multiply shares by their trials"
            )

    def loss(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.loss(y, self.trials - y, eta)

    def constant(self, y: FloatArray, weights: FloatArray) -> FloatArray:
        from scipy.special import gammaln

        from bayesreg.likelihoods._stirling import log_rising

        # log C(m, y) from the smaller of y and m - y: (m - y + 1) ... m / y!
        fewer = np.minimum(y, self.trials - y)
        constant: FloatArray = gammaln(fewer + 1.0) - log_rising(self.trials - fewer + 1.0, fewer)
        return weights * constant

    def gradient(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.gradient(y, self.trials - y, eta)

    def curvature(self, y: FloatArray, eta: FloatArray) -> FloatArray:
        return _logistic.curvature(y, self.trials - y, eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        return self.trials * _logistic.sigmoid(eta)

    def draw(self, eta: FloatArray, rng: Any) -> FloatArray:
        trials = self.trials.astype(np.int64)
        return np.asarray(rng.binomial(trials, _logistic.sigmoid(eta)), dtype=np.float64)

    def saturated_loss(self, y: FloatArray) -> FloatArray:
        return _logistic.saturated_loss(y, self.trials - y)

    def receding(self, y: FloatArray) -> FloatArray:
        """Down where every trial failed, up where every one succeeded, else neither."""
        return np.where(y == 0, -1.0, np.where(y == self.trials, 1.0, 0.0))

    def fenchel_young(self, y: FloatArray, eta: FloatArray, shift: FloatArray) -> FloatArray:
        return _logistic.fenchel_young(y, self.trials - y, eta, shift)

    def smoothness_within(self, y: FloatArray, eta: FloatArray, excess: FloatArray) -> FloatArray:
        return _logistic.smoothness_within(y, self.trials - y, eta, excess)
