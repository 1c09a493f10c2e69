"""The best intercept under a prior, everything else held: J is convex in this one variable.

    minimise  loss(a) + g(a)   over  lower <= a <= upper

The slope of J is followed, never J itself: it says on which side the minimum lies, at a bound and
at the kink of the prior too, and J need not be finite anywhere but there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bayesreg.penalty import Penalty

# Slopes beyond the range of floating point keep their sign.
_STEEPEST = 1e300


def best_intercept(slope_of_loss: Callable[[float], float], prior: Penalty) -> float:
    """argmin of a convex loss plus the penalty of one coefficient, by the sign of its slope."""
    centre = float(np.clip(prior.loc, prior.lower, prior.upper)[0])

    def slope(a: float) -> float:
        """Its sign and the logarithm of its size: slopes of exponentials overflow."""
        with np.errstate(over="ignore"):
            total = slope_of_loss(a) + float(prior.slope(np.array([a]))[0])
        total = float(np.clip(total, -_STEEPEST, _STEEPEST))
        return math.copysign(math.log1p(abs(total)), total)

    low, high = prior.subdifferential(np.array([centre]))
    pull = -slope_of_loss(centre)
    if low[0] <= pull <= high[0]:
        return centre
    return _root_beyond(slope, centre, prior, rises=pull > high[0])


def _root_beyond(
    slope: Callable[[float], float], centre: float, prior: Penalty, rises: bool
) -> float:
    """Where the slope changes sign on one side of the centre, or the bound before it does."""
    from scipy.optimize import brentq

    end = float(prior.upper[0] if rises else prior.lower[0])
    sign = 1.0 if rises else -1.0
    near, step = centre, 1.0
    while True:
        far = min(centre + step, end) if rises else max(centre - step, end)
        if not sign * slope(far) < 0:
            break
        if far == end or step > _STEEPEST:
            return far
        near, step = far, 2.0 * step
    # The slope at a kink is taken in its middle: start just beyond it.
    near = float(np.nextafter(near, far))
    if not sign * slope(near) < 0 or near == far:
        return near
    root: float = brentq(slope, *sorted((near, far)), xtol=1e-300, rtol=1e-14, maxiter=2000)
    return root
