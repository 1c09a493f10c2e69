"""Coefficients between bounds in PyMC: as numbers on the line, and the prior's mass in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.errors import ModelError
from bayesreg.penalty import Penalty


def has_bounds(penalty: Penalty) -> BoolArray:
    """True where there is one; a pinned entry has none."""
    bounded: BoolArray = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    return bounded & ~penalty.is_pinned


def cuts_off_loc(penalty: Penalty) -> BoolArray:
    """True where a bound is not at loc: the mass between the bounds depends on the scale."""
    at_loc = [~np.isfinite(side) | (side == penalty.loc) for side in (penalty.lower, penalty.upper)]
    return has_bounds(penalty) & ~(at_loc[0] & at_loc[1])


def require_known_mass(penalty: Penalty, moving: BoolArray) -> None:
    """Refuse bounds whose mass, as a function of an unknown scale, has no closed form here.

    Raises
    ------
    ModelError
    """
    bad = cuts_off_loc(penalty) & moving & ~(_is_normal(penalty) | _is_laplace(penalty))
    if np.any(bad):
        raise ModelError(
            "to_pymc cannot state a bound away from the prior's loc where the scale is unknown, "
            "or a multiple of an unknown sigma, unless the prior is Laplace or Normal: the share "
            "that the bound cuts off changes with the scale. Give the scale as a number (and no "
            "relative_to_noise), or move the bound to the prior's loc"
        )


def between(lower: FloatArray, upper: FloatArray) -> Any:
    """The transformation of each w_j between its bounds to a number t_j on the line.

        w = lower + e^t    upper - e^t    lower + (upper - lower) / (1 + e^-t)    t

    with a bound below, above, on both sides, on none. PyMC's own has no gradients where some
    entries of a vector are bounded and some are not.
    """
    import pytensor.tensor as pt
    from pymc.logprob.transforms import Transform

    below, above = np.isfinite(lower), np.isfinite(upper)
    both, one = below & above, below ^ above
    a, b = np.where(below, lower, 0.0), np.where(above, upper, 0.0)
    width = np.where(both, b - a, 1.0)

    class Between(Transform):  # type: ignore[misc]
        name = "between"
        ndim_supp = 0

        def forward(self, value: Any, *inputs: Any) -> Any:
            distance = pt.where(below, value - a, pt.where(above, b - value, 1.0))
            from_upper = pt.where(both, b - value, 1.0)
            return pt.where(below | above, pt.log(distance) - pt.log(from_upper), value)

        def backward(self, value: Any, *inputs: Any) -> Any:
            step = pt.exp(pt.where(one, value, 0.0))
            at_one = pt.where(below, a + step, b - step)
            return pt.where(both, a + width * pt.sigmoid(value), pt.where(one, at_one, value))

        def log_jac_det(self, value: Any, *inputs: Any) -> Any:
            at_both = np.log(width) - pt.softplus(value) - pt.softplus(-value)
            return pt.where(both, at_both, pt.where(one, value, 0.0))

    return Between()


def inner_point(penalty: Penalty) -> FloatArray:
    """Between the bounds, about one scale from the nearer one: where a chain may start."""
    steep = penalty.l1 + np.sqrt(penalty.l2)
    if penalty.tails is not None:
        steep = steep + np.where(penalty.tails.present, 1.0 / penalty.tails.scale, 0.0)
    reach = 1.0 / np.where(steep > 0, steep, 1.0)
    reach = np.minimum(reach, 0.5 * (penalty.upper - penalty.lower))
    return np.clip(penalty.loc, penalty.lower + reach, penalty.upper - reach)


def bounded_normaliser(penalty: Penalty, spread: Any) -> Any:
    """log of the integral of exp(-g) between the bounds, of a scale ``spread`` times as wide."""
    import pytensor.tensor as pt

    line = replace(
        penalty,
        lower=np.full_like(penalty.lower, -np.inf),
        upper=np.full_like(penalty.upper, np.inf),
    )
    share = penalty.log_normaliser() - line.log_normaliser()
    if isinstance(spread, float | np.ndarray):
        return penalty.log_normaliser() + np.where(penalty.is_flat, 0.0, np.log(spread))
    changes = cuts_off_loc(penalty) & (_is_normal(penalty) | _is_laplace(penalty))
    log_spread = pt.where(penalty.is_flat, 0.0, pt.log(spread))
    return (
        line.log_normaliser() + log_spread + pt.where(changes, _log_share(penalty, spread), share)
    )


def _log_share(penalty: Penalty, spread: Any) -> Any:
    """log(F(upper) - F(lower)) of a Laplace or normal law, on the side where F is small."""
    import pytensor.tensor as pt

    laplace = _is_laplace(penalty)
    steep = np.where(laplace, penalty.l1, np.sqrt(penalty.l2))
    low, high = ((side - penalty.loc) * np.where(steep > 0, steep, 1.0)
                 for side in (penalty.lower, penalty.upper))  # fmt: skip
    low, high = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
    everything_below, everything_above = np.isneginf(low), np.isposinf(high)
    # What is not used must be finite and in order: its gradient is multiplied by 0.
    high = np.where(everything_above, 0.0, high)
    low = np.where(everything_below, high - 1.0, low)
    at_high = pt.where(everything_above, 0.0, _log_distribution(high / spread, laplace))
    at_low = _log_distribution(low / spread, laplace)
    return pt.where(everything_below, at_high, at_high + pt.log1mexp(at_low - at_high))


def _log_distribution(x: Any, laplace: BoolArray) -> Any:
    """log F(x) of the standard Laplace law where ``laplace``, else of the standard normal one."""
    import pytensor.tensor as pt

    left, right = pt.minimum(x, 0.0), pt.maximum(x, 0.0)
    of_laplace = pt.where(x < 0, left - np.log(2.0), pt.log1p(-0.5 * pt.exp(-right)))
    root = np.sqrt(2.0)
    in_tail = pt.log(0.5 * pt.erfcx(-left / root)) - 0.5 * left**2
    of_normal = pt.where(x < 0, in_tail, pt.log1p(-0.5 * pt.erfc(right / root)))
    return pt.where(laplace, of_laplace, of_normal)


def _is_laplace(penalty: Penalty) -> BoolArray:
    return (penalty.l1 > 0) & (penalty.l2 == 0) & ~_has_tails(penalty)


def _is_normal(penalty: Penalty) -> BoolArray:
    return (penalty.l1 == 0) & (penalty.l2 > 0) & ~_has_tails(penalty)


def _has_tails(penalty: Penalty) -> BoolArray:
    without = np.zeros(penalty.l1.shape, dtype=bool)
    return without if penalty.tails is None else penalty.tails.present
