"""The scale at which the evidence is largest, with its uncertainty.

Normal priors: log p(y | scale) in closed form, maximised. Others: the root of its derivative,

    d log p(y | t) / d log t = E_posterior[G] - E_prior[G],

by Newton's method on the logarithm of t, the second derivative from runs with the same random
numbers on both sides. A step of it with the posterior held is Park and Casella's (2008) EM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.marginal import gaussian_marginal, why_no_marginal
from bayesreg.posterior.target import Posterior, RandomScale, pose
from bayesreg.priors import Flat
from bayesreg.scales.axis import Axis
from bayesreg.scales.draws import draws_at
from bayesreg.scales.identity import generator, prior_expectation

# Half the distance in log t between the two runs of a finite difference.
_APART = 0.15
# Newton steps, the longest of them, and where they end: shifts of log t.
_STEPS, _LONGEST, _CLOSE = 40, 1.0, 0.02
# A scale this many e-folds beyond the axis has run away.
_BEYOND = 6.0
#: (log t) -> (derivative of the log evidence, its Monte Carlo error).
Slope = Callable[[float, int], tuple[float, float]]


@dataclass(frozen=True)
class Peak:
    """Where the evidence is largest.

    Attributes
    ----------
    log_t : float
        NaN where there is no peak.
    deviation : float
        1 / sqrt(-d2 log evidence / d log t2): how sure the data are of log t.
    error : float
        Monte Carlo error of ``log_t``; 0 in closed form.
    boundary : str
        "0" or "infinity" where the evidence still rises there, else empty.
    """

    log_t: float
    deviation: float
    error: float
    boundary: str = ""


def evidence_peak(
    model: Model, data: Data, axis: Axis, *, draws: int, chains: int, seed: int, cores: int
) -> Peak:
    """The largest evidence along the axis and beyond its ends."""
    low, high = np.log(axis.factors[0]) - _BEYOND, np.log(axis.factors[-1]) + _BEYOND
    closed = log_evidence_of_scale(pose(model, data))
    if closed is not None:
        return _closed_peak(closed, float(low), float(high))

    def slope(log_t: float, effort: int) -> tuple[float, float]:
        at = model.rescaled(float(np.exp(log_t)))
        posterior = pose(at, data)
        # The same seeds everywhere: differences between scales are less noisy than values.
        seeds = np.random.SeedSequence(seed).spawn(chains)
        drawn = draws_at(
            posterior, None, draws=effort * draws, seeds=seeds, cores=cores,
            advance=lambda count: None,
        )  # fmt: skip
        from bayesreg.posterior.tree import parameters

        values = generator(at, data, posterior, parameters(posterior, drawn), axis.kinked)
        return float(values.mean()) - prior_expectation(at, data), _error(values)

    return _newton(slope, float(np.log(axis.factors).mean()), float(low), float(high))


def log_evidence_of_scale(posterior: Posterior) -> Callable[[FloatArray], FloatArray] | None:
    """log p(y | log t) of a Gaussian model with Normal priors; None without a closed form.

    One decomposition serves every scale. An unknown sigma is integrated by quadrature.
    """
    problem = posterior.problem
    scanned = ~(problem.penalty.is_flat | problem.penalty.is_pinned)
    if problem.has_intercept:
        scanned[-1] = False
    if problem.penalty.is_flat[: problem.p].any():
        return None
    with_scale = replace(posterior, scales=(RandomScale("scale", Flat(), scanned),))
    if why_no_marginal(with_scale) is not None:
        return None
    marginal = gaussian_marginal(with_scale)
    if posterior.sigma is None:
        return lambda log_t: marginal.log_likelihood(1.0, np.exp(log_t))
    from bayesreg.scales.integrals import log_integral

    prior = posterior.sigma
    guess = 0.5 * float(np.log(np.mean((problem.y - np.mean(problem.y)) ** 2) + 1e-300))

    def integrated(log_t: FloatArray) -> FloatArray:
        def one(x: float) -> float:
            return log_integral(
                lambda s: marginal.log_likelihood(np.exp(s), np.exp(x))
                + prior.log_density(np.exp(s)) + s,
                guess, 1.0, lower=-200.0, upper=200.0,
            )  # fmt: skip

        return np.array([one(float(x)) for x in np.atleast_1d(log_t)])

    return integrated


def _closed_peak(log_evidence: Callable[[FloatArray], FloatArray], low: float, high: float) -> Peak:
    from scipy.optimize import minimize_scalar

    grid = np.linspace(low, high, 241)
    values = np.asarray(log_evidence(grid))
    best = int(np.argmax(values))
    if best in (0, grid.size - 1):
        return Peak(np.nan, np.nan, 0.0, "0" if best == 0 else "infinity")
    found = minimize_scalar(
        lambda x: -float(np.ravel(log_evidence(np.array([x])))[0]),
        bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-8},
    )  # fmt: skip
    x, h = float(found.x), 1e-3
    around = np.asarray(log_evidence(np.array([x - h, x, x + h])))
    bend = float(around[0] - 2 * around[1] + around[2]) / h**2
    return Peak(x, 1.0 / np.sqrt(max(-bend, 1e-300)), 0.0)


def _newton(slope: Slope, start: float, low: float, high: float) -> Peak:
    x, effort, bend = start, 1, -1.0
    for _ in range(_STEPS):
        left, right = (slope(x + side * _APART, effort)[0] for side in (-1.0, 1.0))
        bend = (right - left) / (2 * _APART)
        middle = 0.5 * (left + right)
        step = -middle / bend if bend < 0 else np.sign(middle) * _LONGEST
        x += float(np.clip(step, -_LONGEST, _LONGEST))
        if not low < x < high:
            return Peak(np.nan, np.nan, 0.0, "0" if x <= low else "infinity")
        if bend < 0 and abs(step) < _CLOSE:
            if effort > 1:
                break
            effort = 8
    value, error = slope(x, 2 * effort)
    return Peak(x - value / bend, 1.0 / np.sqrt(-bend), error / -bend)


def _error(values: FloatArray) -> float:
    from arviz_stats import mcse

    return float(mcse(np.ascontiguousarray(values), method="mean"))
