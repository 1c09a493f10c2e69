"""Likelihoods that count successes: each row has its own number of trials, and it is data."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from bayesreg._types import FloatArray
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods._protocol import Likelihood


@runtime_checkable
class CountsTrials(Protocol):
    """A likelihood that has to know the trials of its rows."""

    def for_trials(self, trials: FloatArray) -> Likelihood:
        """The same likelihood, bound to rows with these numbers of trials."""
        ...


def likelihood_of_rows(likelihood: Any, trials: FloatArray | None) -> Any:
    """The likelihood bound to the trials of its rows, or as it is where it has none.

    Raises
    ------
    DataError
        Trials are missing.
    ModelError
        Trials are given that the likelihood would ignore.
    """
    if hasattr(likelihood, "for_trials") and isinstance(likelihood, CountsTrials):
        if trials is None:
            raise DataError(
                f"{likelihood!r} needs the number of trials of each row: Data(X, y, trials=...). "
                "For targets that are 0 or 1 use Bernoulli()"
            )
        return likelihood.for_trials(trials)
    if trials is not None:
        raise ModelError(
            f"the data have trials, which {likelihood!r} would ignore; use Binomial(), or leave "
            "trials out of Data"
        )
    return likelihood
