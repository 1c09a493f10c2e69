"""Where to look for a dispersion: a logarithmic grid over the support of its prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError

# Beyond these a negative binomial is Poisson, a gamma a point, to rounding.
_SMALLEST, _LARGEST = 1e-16, 1e16
_CORE = 1e-6, 1e6
_PER_DECADE = 3
_FEWEST = 12
# Prior mass per unit of log d below e^-700 of its largest is looked at only when a slope asks.
_IMPLAUSIBLE = 700.0


@dataclass(frozen=True)
class Knots:
    """Values of log d, the part that is always visited, and whether the prior ends at the ends."""

    logs: FloatArray
    core: slice
    low_is_bound: bool
    high_is_bound: bool

    def about(self, low: float, high: float) -> Knots:
        """Always visited are those between two values of log d alone, where there are any."""
        within = np.flatnonzero((self.logs >= low) & (self.logs <= high))
        first = max(self.core.start, int(within[0]) if within.size else 0)
        last = min(self.core.stop, int(within[-1]) + 1 if within.size else self.logs.size)
        return replace(self, core=slice(first, last)) if last - first >= 2 else self


def knots(prior: Any, likelihood: str, name: str) -> Knots:
    """The grid for a prior known by its log density alone.

    Raises
    ------
    ModelError
        When the prior has no density anywhere on it.
    """
    fine = np.geomspace(_SMALLEST, _LARGEST, 32 * 200 + 1)
    density = _density(prior, fine)
    inside = np.flatnonzero(np.isfinite(density))
    if not inside.size:
        raise ModelError(
            f"the prior of {name} in {likelihood} has no density that is seen between "
            f"{_SMALLEST:g} and {_LARGEST:g}; give a wider one, or state {name} as a number"
        )
    first, last = int(inside[0]), int(inside[-1])
    low = fine[0] if first == 0 else _end(prior, fine[first - 1], fine[first])
    high = fine[-1] if last == fine.size - 1 else _end(prior, fine[last + 1], fine[last])
    count = max(_FEWEST, round(_PER_DECADE * np.log10(high / low)) + 1)
    logs = np.linspace(np.log(low), np.log(high), count)
    logs[0], logs[-1] = _log_within(prior, low), _log_within(prior, high)
    return Knots(logs, _core(prior, logs), first > 0, last < fine.size - 1)


def _density(prior: Any, d: FloatArray) -> FloatArray:
    return np.asarray(prior.log_density(d), dtype=np.float64)


def _end(prior: Any, outside: float, inside: float) -> float:
    """The last number with density between one without and one with, by bisection."""
    for _ in range(100):
        middle = 0.5 * (outside + inside)
        if np.isfinite(_density(prior, np.array([middle]))[0]):
            inside = middle
        else:
            outside = middle
    return inside


def _log_within(prior: Any, d: float) -> float:
    """log d, moved by rounding where exp(log d) would leave the support."""
    log_d = float(np.log(d))
    for candidate in (log_d, np.nextafter(log_d, np.inf), np.nextafter(log_d, -np.inf)):
        if np.isfinite(_density(prior, np.exp(np.array([candidate])))[0]):
            return float(candidate)
    return log_d


def _core(prior: Any, logs: FloatArray) -> slice:
    """The knots of plausible size; at least two."""
    mass = _density(prior, np.exp(logs)) + logs
    within = (logs >= np.log(_CORE[0])) & (logs <= np.log(_CORE[1]))
    chosen = np.flatnonzero(within & (mass > np.max(mass) - _IMPLAUSIBLE))
    if not chosen.size:
        chosen = np.array([int(np.argmax(mass))])
    first = min(int(chosen[0]), logs.size - 2)
    return slice(first, max(int(chosen[-1]) + 1, first + 2))
