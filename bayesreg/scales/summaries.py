"""Numbers of one posterior, by coefficient."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.rank_statistics import rank_statistics

_TAILS = (0.05, 0.95)


def summary(drawn: Parameters, rope: float | None, mass: float) -> dict[str, FloatArray]:
    """Moments, intervals and probabilities; R-hat and ESS, the worst of all that is random."""
    coef = drawn.coef
    low, high = highest_density(coef.reshape(-1, coef.shape[-1]), mass)
    found = {
        "mean": coef.mean(axis=(0, 1)),
        "sd": coef.std(axis=(0, 1), ddof=1),
        "hdi_low": low,
        "hdi_high": high,
        "p_positive": np.mean(coef > 0, axis=(0, 1)),
        **_convergence(drawn),
    }
    if rope is not None:
        found["p_rope"] = np.mean(np.abs(coef) < rope, axis=(0, 1))
    for name, values in drawn.scalars.items():
        found[f"mean_{name}"] = np.asarray(np.mean(values))
    if drawn.intercept is not None:
        found["mean_intercept"] = np.asarray(np.mean(drawn.intercept))
    return found


def highest_density(draws: FloatArray, mass: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the shortest interval that holds ``mass`` of the draws, for each column."""
    ordered = np.sort(draws, axis=0)
    count = ordered.shape[0]
    inside = min(int(np.floor(mass * count)), count - 1)
    widths = ordered[inside:] - ordered[: count - inside]
    first = np.argmin(widths, axis=0)
    columns = np.arange(ordered.shape[1])
    return ordered[first, columns], ordered[first + inside, columns]


def _convergence(drawn: Parameters) -> dict[str, FloatArray]:
    columns = [drawn.coef[..., np.ptp(drawn.coef, axis=(0, 1)) > 0]]
    if drawn.intercept is not None:
        columns.append(drawn.intercept[..., None])
    columns += [values[..., None] for values in drawn.scalars.values()]
    figures = rank_statistics(np.concatenate(columns, axis=-1), _TAILS)
    least = np.minimum(figures.ess_bulk, figures.ess_tail)
    return {
        "rhat_max": np.asarray(np.max(figures.rhat, initial=-np.inf)),
        "ess_min": np.asarray(np.min(least, initial=np.inf)),
    }
