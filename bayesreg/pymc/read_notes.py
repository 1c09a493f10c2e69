"""What stands between a model that was read and its penalised twin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayesreg.data import Data
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model
from bayesreg.priors import Flat


def notes_of(
    model: Model, data: Data, intercept: str | None, on_sigma: str | None
) -> tuple[str, ...]:
    notes = []
    density = estimated_dispersion(model.likelihood)
    if density is not None:
        notes.append(
            f"sigma is unknown ({on_sigma} ~ {density!r}): libraries state it as a number; "
            "find_map takes target='joint'"
        )
    elif on_sigma is not None:
        notes.append(
            f"sigma is unknown ({on_sigma} ~ {noise_prior(model.likelihood)!r}): the penalty "
            "depends on it, so there is no one twin; model.at_sigma(...) states it, find_map takes "
            "target= to say which mode is meant"
        )
    if intercept is not None and model.intercept != Flat():
        notes.append(
            f"the intercept has a prior ({intercept} ~ {model.intercept!r}): penalised regression "
            "leaves it free, so its twin is that of intercept=Flat()"
        )
    if intercept is None and np.any(np.all(data.to_dense().X == 1.0, axis=0)):
        notes.append(
            "a column of X is 1 in every row and has a coefficient's prior: it is an intercept "
            "that is shrunk with the rest"
        )
    if isinstance(model.prior, Mapping):
        notes.append("the prior differs between columns: most libraries have one penalty for all")
    if data.weights is not None:
        notes.append(
            "sigma differs between rows: weights s = sigma^2 / sigma_i^2"
            if on_sigma is None and hasattr(model.likelihood, "sigma")
            else "rows have weights"
        )
    if data.offset is not None:
        notes.append("what the linear predictor has besides the coefficients is the offset")
    return tuple(notes)
