"""Assertions that explain themselves, and a search that needs nothing but function values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray

_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def require(condition: Any, message: str) -> None:
    """Raise ``AssertionError(message)`` unless the condition, or every entry of it, is true."""
    if not np.all(condition):
        raise AssertionError(message)


def compare(found: Any, expected: Any, message: str, rtol: float = 1e-9, atol: Any = 1e-9) -> None:
    """Raise unless found equals expected entry by entry; equal infinities count as equal."""
    found, expected = np.broadcast_arrays(found, expected)
    wrong = np.flatnonzero(~np.isclose(found, expected, rtol=rtol, atol=atol))
    if wrong.size:
        k = wrong[0]
        where = f" at entry {k} ({wrong.size} such)" if found.ndim else ""
        raise AssertionError(
            f"{message}: got {found.flat[k]!r}, expected {expected.flat[k]!r}{where}"
        )


def least(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Minimum of a convex function of each coordinate on [low, high], by golden section."""
    for _ in range(110):
        step = _GOLDEN * (high - low)
        left, right = high - step, low + step
        go_left = function(left) <= function(right)
        low, high = np.where(go_left, low, left), np.where(go_left, right, high)
    return np.minimum(function(low), function(high))


def least_anywhere(
    function: Callable[[FloatArray], FloatArray], interval: Callable[[float], list[FloatArray]]
) -> tuple[FloatArray, BoolArray]:
    """Minimum on ``interval(1)``, and whether ``interval(10)`` lowers it: then it is -inf."""
    found, wider = (least(function, *interval(factor)) for factor in (1.0, 10.0))
    return found, wider < found - 1e-6 * (1.0 + np.abs(found))
