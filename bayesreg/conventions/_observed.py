"""Data that a conversion is given, against the likelihood that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import (
    Bernoulli,
    Gamma,
    Multinomial,
    Poisson,
    likelihood_of_rows,
)

#: Those under which not every target is possible.
_CHECKED: Mapping[str, Any] = {
    "Bernoulli": Bernoulli(),
    "Gamma": Gamma(1.0),
    "Multinomial": Multinomial(),
    "Poisson": Poisson(),
}


def refuse_impossible_targets(data: Data | None, likelihood: str, target: str) -> None:
    """y that the likelihood cannot have made, in the words of the likelihood.

    Raises
    ------
    DataError, ModelError
        Naming the convention, the row and its target.
    """
    if data is None or likelihood not in _CHECKED:
        return
    try:
        rows = likelihood_of_rows(_CHECKED[likelihood], data.trials)
        rows.check_target(_counts(data.y) if likelihood == "Poisson" else data.y)
    except (DataError, ModelError) as error:
        raise type(error)(f"{target} is {likelihood} here, and the data are not. {error}") from None


def _counts(y: FloatArray) -> FloatArray:
    """Rates with their exposures as weights, which libraries take, are counts to every formula."""
    return np.where(y > 0, np.ceil(y), y)
