"""Leave-one-out log predictive density from draws of the whole posterior.

    p(y_i | y_-i) = sum_s weight_s p(y_i | draw s),   weight_s ~ 1 / p(y_i | draw s), smoothed

(Vehtari, Gelman and Gabry, 2017). For rows whose k exceeds 0.7 the draws are moved to where the
others want them (:mod:`bayesreg.scales.transport`); rows that this does not help are
refitted without the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, log_likelihood, used_rows
from bayesreg.scales.folds import in_standard_units, take_rows
from bayesreg.scales.pareto import smoothed_log_weights
from bayesreg.scales.transport import Transport, log_ratio, transport

# Beyond this the importance weights of a row cannot be trusted.
LARGEST_K = 0.7
# Log likelihoods held at a time: 32 MiB of them, and a few arrays of that size.
_NUMBERS_AT_A_TIME = 2**22

#: Draws of the model without ``standardize`` on the data without a row, in standard units.
Refit = Callable[[Data], Parameters]


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """One posterior's score.

    Attributes
    ----------
    by_row : (n,) array
        log p(y_i | the other rows), for the rows of positive weight.
    refitted : int
        Rows that needed a fit of their own.
    moved : int
        Rows for which moved draws were enough.
    """

    by_row: FloatArray
    refitted: int
    moved: int = 0

    @property
    def total(self) -> float:
        return float(np.sum(self.by_row))

    @property
    def error(self) -> float:
        """Standard error of the total over rows."""
        return float(np.sqrt(self.by_row.size) * np.std(self.by_row, ddof=1))


def importance_sampled(model: Model, data: Data, drawn: Parameters, refit: Refit) -> LeaveOneOut:
    """From the draws of the whole posterior; ``refit`` is asked for rows whose k is too large."""
    from scipy.special import logsumexp

    rows = used_rows(data)
    by_row, k = np.empty(rows.size), np.empty(rows.size)
    stated, units = in_standard_units(model, data)
    in_units = parameters_in_standard_units(model, data, drawn)
    for part in _parts(rows.size, drawn.coef.shape[0] * drawn.coef.shape[1]):
        terms = _by_row(stated, take_rows(units, rows[part]), in_units)
        weights, k[part] = smoothed_log_weights(-terms)
        by_row[part] = logsumexp(weights + terms, axis=1)
    bad = np.flatnonzero(~(k <= LARGEST_K))
    many = int(bad.size)
    moving = transport(stated, units, in_units) if many else None
    if moving is not None:
        bad = bad[[not _moved(moving, int(i), by_row) for i in bad]]
    for i in bad:
        others = np.delete(np.arange(data.y.size), rows[i])
        again = refit(take_rows(units, others))
        alone = take_rows(units, rows[i : i + 1])
        whole, without = (_by_row(stated, alone, draws)[0] for draws in (in_units, again))
        by_row[i] = log_ratio(whole, without)
    return LeaveOneOut(by_row, int(bad.size), many - int(bad.size))


def _moved(moving: Transport, i: int, by_row: FloatArray) -> bool:
    """Fill the score of used row ``i``; False where moved draws are not enough either."""
    found = moving.without(i)
    if found is None or not found.k <= LARGEST_K:
        return False
    by_row[i] = found.score
    return True


def parameters_in_standard_units(model: Model, data: Data, drawn: Parameters) -> Parameters:
    """Draws on the columns of :func:`in_standard_units`."""
    from bayesreg.model import column_deviation

    if not model.standardize:
        return drawn
    return Parameters(drawn.coef * column_deviation(data), drawn.intercept, drawn.scalars)


def _by_row(model: Model, data: Data, drawn: Parameters) -> FloatArray:
    """log p(y_i | draw), shape (rows, draws)."""
    terms = log_likelihood(model, data, drawn)
    return np.ascontiguousarray(terms.reshape(-1, terms.shape[-1]).T)


def _parts(count: int, draws: int) -> Iterator[slice]:
    step = max(1, _NUMBERS_AT_A_TIME // draws)
    return (slice(first, min(first + step, count)) for first in range(0, count, step))
