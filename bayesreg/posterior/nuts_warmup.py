"""The plan of the warm-up of NUTS.

It is cut into segments. In the first, chains come in from their starts; the next ones collect
draws, and each ends with a change of coordinates; in the last the step size settles. Dual averaging
of the step begins anew in each.
"""

from __future__ import annotations

import math

import numpy as np

from bayesreg._types import FloatArray

#: Ends of the segments as shares of the warm-up, and whether draws are collected.
_SEGMENTS = ((0.15, False), (0.40, True), (0.80, True), (1.0, False))
#: A shorter warm-up only finds the step size.
_SHORTEST = 60


def segment(iteration: int, tune: int) -> tuple[int, bool]:
    """The end of the segment that an iteration is in, and whether it collects draws."""
    if iteration >= tune:
        return 2**62, False
    if tune >= _SHORTEST:
        for share, collects in _SEGMENTS:
            end = round(share * tune)
            if iteration < end:
                return end, collects
    return tune, False


def fresh_averaging(step: float) -> FloatArray:
    """The state of dual averaging: log step, its mean, the error's mean, where to shrink, count."""
    return np.array([math.log(step), math.log(step), 0.0, math.log(4.0 * step), 0.0])
