"""Leave-one-out log predictive density along the scale.

Pareto-smoothed importance sampling (Vehtari, Gelman and Gabry, 2017); rows whose k exceeds 0.7
are refitted without the row. Gaussian likelihood with known sigma and Normal priors in closed
form: with residuals r and leverages h of the posterior mean,

    p(y_i | y_-i) = Normal(y_i - r_i / (1 - h_i),  sigma^2 / (s_i (1 - h_i)))   at y_i
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, log_likelihood, used_rows
from bayesreg.scales.folds import in_standard_units, take_rows

# Beyond this the importance weights of a row cannot be trusted.
LARGEST_K = 0.7


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """One posterior's score.

    Attributes
    ----------
    by_row : (n,) array
        log p(y_i | the other rows).
    refitted : int
        Rows that needed a fit of their own.
    """

    by_row: FloatArray
    refitted: int

    @property
    def total(self) -> float:
        return float(np.sum(self.by_row))

    @property
    def error(self) -> float:
        """Standard error of the total over rows."""
        return float(np.sqrt(self.by_row.size) * np.std(self.by_row, ddof=1))


def importance_sampled(
    model: Model, data: Data, drawn: Parameters, refit: Callable[[Data], Parameters]
) -> LeaveOneOut:
    """From the draws of the whole posterior; ``refit(data without row)`` draws again."""
    from arviz_stats.base import array_stats
    from scipy.special import logsumexp

    terms, _ = log_likelihood(model, data, drawn, True)
    assert terms is not None
    n = terms.shape[-1]
    flat = terms.reshape(-1, n).T
    weights, k = array_stats.psislw(-flat, r_eff=1.0, axis=-1)
    by_row = logsumexp(weights + flat, axis=1)
    rows = used_rows(data)
    bad = np.flatnonzero(~(np.asarray(k) <= LARGEST_K))
    for i in bad:
        others = np.delete(np.arange(data.y.size), rows[i])
        stated, units = in_standard_units(model, data)
        again = refit(take_rows(units, others))
        held_out, _ = log_likelihood(stated, take_rows(units, rows[i : i + 1]), again, True)
        assert held_out is not None
        by_row[i] = logsumexp(held_out) - np.log(held_out.size)
    return LeaveOneOut(np.asarray(by_row), int(bad.size))
