"""The choice by leave-one-out: the scale whose posterior predicts each row best from the others.

Between scales of the axis that are close each row's score is a cubic spline in log scale, so that
the best scale and its range lie where they are and not on the grid; over wide steps it is a line.
The range is where the loss against the best is within one standard error of itself, paired by row:

    sum_i d_i <= sqrt(n) sd(d_i),   d_i = log p(y_i | y_-i, best) - log p(y_i | y_-i, scale)
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.progress import progress_bar
from bayesreg.scales.choice import Choice
from bayesreg.scales.exact_leave_one_out import exact_leave_one_out
from bayesreg.scales.folds import in_standard_units
from bayesreg.scales.leave_one_out import importance_sampled
from bayesreg.scales.noise_mixture import noise_mixture
from bayesreg.scales.normal_law import NormalLaw
from bayesreg.scales.order import Order, end_of_axis

INTERVAL = "one standard error of the difference"
# Points of the spline between two scales, and rows at a time.
_BETWEEN, _NUMBERS_AT_A_TIME = 12, 2**22
# Steps in log scale over which a spline of the score can be trusted; rounding of the score.
_CLOSE, _ROUNDING = 0.8, 1e-10
# Draws of all chains together that a row's mean over them needs.
_ENOUGH = 1000


def by_leave_one_out(order: Order) -> Choice:
    """The largest sum over rows of log p(y_i | y_-i)."""
    law = order.law
    by_row, refits = _importance_sampled(order) if law is None else (_exact(law, order), 0)
    x, total, error = _refined(order.log_t, by_row)
    # The smallest of scales that nothing but rounding tells apart.
    rounding = _ROUNDING * (1.0 + abs(float(np.max(total))))
    best = int(np.argmax(total >= np.max(total) - rounding))
    within = total[best] - total <= error + rounding
    low, high = best, best
    while low > 0 and within[low - 1]:
        low -= 1
    while high < x.size - 1 and within[high + 1]:
        high += 1
    at_axis = np.searchsorted(x, order.log_t)
    order.scores["elpd_loo"] = by_row.sum(axis=1)
    order.scores["elpd_loo_difference_error"] = error[at_axis]
    boundary, note = end_of_axis(best, x.size)
    if refits:
        note = "; ".join(filter(None, [note, f"{refits} rows were refitted (k > 0.7)"]))
    span = (
        -np.inf if low == 0 else float(x[low]),
        np.inf if high == x.size - 1 else float(x[high]),
    )
    return order.choice("loo", float(x[best]), span, INTERVAL, note=note, boundary=boundary)


def _exact(law: NormalLaw, order: Order) -> FloatArray:
    factors = order.axis.factors
    mixtures = [noise_mixture(law, float(t)) for t in factors]
    return exact_leave_one_out(law, order.data, factors, mixtures)


def _refined(log_t: FloatArray, by_row: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points along the axis, the total there, and the error of its difference to the best."""
    if log_t.size < 2:
        return log_t, by_row.sum(axis=1), np.zeros(log_t.size)
    share = np.arange(_BETWEEN) / _BETWEEN
    inside = log_t[:-1, None] + np.diff(log_t)[:, None] * share
    x = np.append(np.ravel(inside), log_t[-1])
    weights = _interpolation(log_t, x)
    total = weights @ by_row.sum(axis=1)
    away = weights - weights[np.argmax(total)]
    n = by_row.shape[1]
    # Variance over rows of the difference, from the moments of the rows between scales.
    centred = by_row - by_row.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / max(n - 1, 1)
    variance = np.einsum("ij,jk,ik->i", away, covariance, away)
    return x, total, np.sqrt(n * np.maximum(variance, 0.0))


def _interpolation(log_t: FloatArray, x: FloatArray) -> FloatArray:
    """Values at x as combinations of those on the axis: a cubic spline where scales are close.

    Over wide intervals and beside them a straight line, which is best at a scale of the axis:
    there a spline has peaks of its own.
    """
    from scipy.interpolate import CubicSpline, make_interp_spline

    ends = "not-a-knot" if log_t.size > 3 else "natural"
    spline = CubicSpline(log_t, np.eye(log_t.size), bc_type=ends)(x)
    line = make_interp_spline(log_t, np.eye(log_t.size), k=1)(x)
    close = np.pad(np.diff(log_t) <= _CLOSE, 1, constant_values=True)
    trusted = close[:-2] & close[1:-1] & close[2:]
    interval = np.clip(np.searchsorted(log_t, x, side="right") - 1, 0, log_t.size - 2)
    return np.where(trusted[interval][:, None], spline, line)


def _importance_sampled(order: Order) -> tuple[FloatArray, int]:
    model, data = order.model, order.data
    draws = max(100, min(order.draws, -(-_ENOUGH // order.chains)))
    total = order.log_t.size * order.chains * draws
    rows, refits = [], 0
    with progress_bar("leave-one-out", total, order.progress) as bar:
        for x in order.log_t:
            # The same random numbers at every scale: differences are less noisy than values.
            stated, _, drawn = order.drawn(float(x), draws, bar.advance)

            def refit(others: Data, x: float = float(x)) -> Parameters:
                without_row = in_standard_units(model, data)[0]
                return order.drawn(x, draws, lambda count: None, others, without_row)[2]

            found = importance_sampled(stated, data, drawn, refit)
            rows.append(found.by_row)
            refits += found.refitted
    return np.array(rows), refits
