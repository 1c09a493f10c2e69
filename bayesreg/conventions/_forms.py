"""Formulas that several libraries share: a loss divided by N, one mix of L1 and L2, factors.

    loss / N + strength sum_j f_j [ share |w_j| + (1 - share) / 2 w_j^2 ]

with loss = c nll, c = sigma^2 for RSS / 2 (phi for half a deviance, 1 for a log likelihood), is our
objective times c / N when

    strength share f_j = c l1_j / N,    strength (1 - share) f_j = c l2_j / N.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions import _parameters
from bayesreg.conventions._nats import Nats, free_intercept, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError


def mean_rates(nats: Nats, setting: Setting) -> tuple[FloatArray, FloatArray]:
    """c l1 / N and c l2 / N."""
    per_nat = setting.dispersion / setting.total_weight
    return per_nat * nats.penalty.l1, per_nat * nats.penalty.l2


def from_mean_rates(l1: FloatArray, l2: FloatArray, intercept: bool, setting: Setting) -> Nats:
    """The inverse of :func:`mean_rates`."""
    per_nat = setting.dispersion / setting.total_weight
    penalty = per_column(np.atleast_1d(l1) / per_nat, np.atleast_1d(l2) / per_nat)
    return Nats(setting.likelihood, penalty, free_intercept(intercept))


def strength_share_factors(
    l1: FloatArray, l2: FloatArray, target: str, idle: float = 1.0
) -> tuple[float, float, list[float] | None]:
    """strength, share and factors of mean 1 (None where all are equal); idle: share of nothing.

    Raises
    ------
    NoEquivalentError
        Where the share of L1 differs between coefficients.
    """
    total = l1 + l2
    mean = float(np.mean(total))
    if mean == 0:
        return 0.0, idle, None
    penalised = total > 0
    share = l1[penalised] / total[penalised]
    if not nearly_equal(share):
        raise NoEquivalentError(
            f"{target} has one ratio of L1 to L2 for all coefficients, and the prior has an "
            "elastic net whose L1 share differs between them. Nearest: one ratio b_j / tau_j^2 "
            "for all, or find_map, which takes the model as it is"
        )
    return mean, float(share[0]), None if nearly_equal(total) else (total / mean).tolist()


def nearly_equal(values: FloatArray) -> bool:
    """All the same but for rounding."""
    return bool(np.allclose(values, values[0], rtol=1e-12, atol=0.0))


def factors(given: Any, name: str, setting: Setting) -> FloatArray:
    """Factors of the penalty as the library got them, 1 where it got none.

    Raises
    ------
    ConversionError, NoEquivalentError
        For what is not one number of at least 0 per column, as many as there are columns; for
        inf, which leaves a column out.
    """
    if given is None:
        return np.ones(1)
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if np.any(np.isinf(values)):
        raise NoEquivalentError(
            f"{setting.target}: an entry inf of {name} leaves the column out. Nearest: the data "
            "without it"
        )
    if values.ndim != 1 or not values.size or not np.all(values >= 0) or not np.any(values > 0):
        raise ConversionError(
            f"{setting.target}: {name} must be one number of at least 0 per column, not all 0; "
            f"got {given!r}"
        )
    return setting.fitting(values, name)


def fits_intercept(parameters: Mapping[str, Any], setting: Setting) -> bool:
    return _parameters.switch(parameters["fit_intercept"], "fit_intercept", setting.target)


def without_intercept(nats: Nats) -> dict[str, Any]:
    """fit_intercept, where it is not the default."""
    return {"fit_intercept": False} if nats.intercept is None else {}


def require_intercept(nats: Nats, target: str) -> None:
    """A library that always fits an unpenalised intercept."""
    if nats.intercept is None:
        raise NoEquivalentError(
            f"{target} always fits an intercept, and the model has none. Nearest: "
            "intercept=Flat(), or find_map, which takes the model as it is"
        )


def positive_factors(factor: list[float] | None, name: str, target: str) -> None:
    """A library that wants every factor above 0."""
    if factor is not None and min(factor) <= 0:
        raise NoEquivalentError(
            f"{target} wants every entry of {name} above 0, and the prior is flat on some "
            "coefficients and not on others. Nearest: glmnet.glmnet, whose penalty.factor may be "
            "0, or find_map, which takes the model as it is"
        )
