"""How far a positive scalar is from stationary, from values of the objective alone.

For parameters found beside the coefficients (a dispersion): no derivative formula is used, so
that nothing is shared with the solver.
"""

from __future__ import annotations

import math
from collections.abc import Callable

# Fourth-order differences: truncation is of the order 1e-12, rounding eps |J| / 1e-3.
_STEP = 1e-3
_WIDE_STEP = 0.05


def scalar_residual(objective: Callable[[float], float], value: float) -> float:
    """abs(slope) / sqrt(curvature) of the objective in log(value), in root nats.

    At the end of the support (the objective is infinite beyond) only a slope that leads inwards
    counts. Infinite where the curvature is not positive: a maximum or a saddle is no mode.
    """

    def at(shift: float) -> float:
        return objective(value * math.exp(shift))

    here, down, up = objective(value), at(-2 * _STEP), at(2 * _STEP)
    if math.isfinite(down) and math.isfinite(up):
        slope = (8 * (at(_STEP) - at(-_STEP)) - (up - down)) / (12 * _STEP)
        violation = abs(slope)
    else:
        inwards = _STEP if math.isfinite(up) else -_STEP
        # How fast the objective falls on the way inwards, to second order.
        violation = max(0.0, (3 * here - 4 * at(inwards) + at(2 * inwards)) / (2 * _STEP))
    if violation == 0.0:
        return 0.0
    curvature = _curvature(at, here)
    return violation / math.sqrt(curvature) if curvature > 0 else math.inf


def _curvature(at: Callable[[float], float], here: float) -> float:
    """The second difference, over a narrow step where the support ends within the wide one."""
    for step in (_WIDE_STEP, _STEP):
        both = at(-step) + at(step)
        if math.isfinite(both):
            return (both - 2 * here) / step**2
    return 1.0
