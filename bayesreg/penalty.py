"""The separable penalty of the objective, in nats.

    g_j(w) = l1_j |w - loc_j| + l2_j (w - loc_j)^2 / 2,    lower_j <= w <= upper_j

A prior is minus the logarithm of ``exp(-g) / Z``: Laplace has ``l1 = 1/b``, Normal
``l2 = 1/tau^2``, a flat prior neither.  Solvers, samplers and the certificate know priors only
as these arrays.  Student-t and Cauchy priors add ``tails``, the one term that is not convex
(:mod:`bayesreg.tails`); ``majorant`` is the convex penalty that touches it from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.errors import ModelError
from bayesreg.tails import Tails

_ARRAYS = ("l1", "l2", "loc", "lower", "upper")


@dataclass(frozen=True)
class Penalty:
    """Five arrays of length p, and tails where some prior is not log-concave.

    Attributes
    ----------
    l1, l2 : (p,) arrays
        Slopes in nats per unit of w and curvatures in nats per unit squared.
    loc : (p,) array
        Where the penalty is 0.
    lower, upper : (p,) arrays
        Bounds, infinite where there are none.
    tails : Tails or None
        What is not convex: ``best_response`` and ``fenchel_young`` are for penalties without.
    """

    l1: FloatArray
    l2: FloatArray
    loc: FloatArray
    lower: FloatArray
    upper: FloatArray
    tails: Tails | None = None

    @property
    def size(self) -> int:
        return self.l1.size

    @property
    def is_separable(self) -> bool:
        """False where coefficients share a term (see :mod:`bayesreg.group_penalty`)."""
        return True

    @property
    def is_flat(self) -> BoolArray:
        """True where the prior says nothing: no slope, no curvature, no bound."""
        unbounded = np.isneginf(self.lower) & np.isposinf(self.upper)
        flat: BoolArray = (self.l1 == 0) & (self.l2 == 0) & unbounded
        return flat if self.tails is None else flat & ~self.tails.present

    @property
    def is_pinned(self) -> BoolArray:
        """True where the bounds leave a single point."""
        return self.lower == self.upper

    def at_loc(self, w: FloatArray) -> BoolArray:
        """True where the coefficient sits exactly on its centre."""
        return w == self.loc

    def at_kink(self, w: FloatArray) -> BoolArray:
        """True where the penalty has a corner at w."""
        return self.at_loc(w) & (self.l1 > 0)

    def values(self, w: FloatArray) -> FloatArray:
        """g_j(w_j) for each coefficient; infinite outside the bounds."""
        distance = np.abs(w - self.loc)
        inside = (w >= self.lower) & (w <= self.upper)
        terms = self.l1 * distance + 0.5 * self.l2 * distance**2
        if self.tails is not None:
            terms = terms + self.tails.values(distance)
        return np.where(inside, terms, np.inf)

    def value(self, w: FloatArray) -> float:
        return float(np.sum(self.values(w)))

    def log_density(self, w: FloatArray) -> FloatArray:
        """log p(w_j) for each coefficient; flat and pinned entries count 0."""
        return -self.values(w) - self.log_normaliser()

    def log_normaliser(self) -> FloatArray:
        """log of the integral of exp(-g_j) for each coefficient."""
        whole = log_normaliser(self.l1, self.l2)
        bounded = (np.isfinite(self.lower) | np.isfinite(self.upper)) & ~self.is_pinned
        if bounded.any():
            part = self.take(bounded)
            low, high = part.lower - part.loc, part.upper - part.loc
            whole[bounded] = _log_integral(part.l1, part.l2, low, high)
        if self.tails is not None:
            with_tails = self.tails.log_normaliser(self.lower - self.loc, self.upper - self.loc)
            whole = np.where(self.tails.present, with_tails, whole)
        return np.where(self.is_pinned, 0.0, whole)

    def slope(self, w: FloatArray) -> FloatArray:
        """The derivative of g, with 0 taken at the kink."""
        delta = w - self.loc
        return self.l1 * np.sign(delta) + self._smooth_slope(delta)

    def _smooth_slope(self, delta: FloatArray) -> FloatArray:
        linear = self.l2 * delta
        return linear if self.tails is None else linear + self.tails.slope(delta)

    def curvature(self, w: FloatArray) -> FloatArray:
        """The second derivative of g off its kink; negative far out in the tails."""
        return self.l2 if self.tails is None else self.l2 + self.tails.curvature(w - self.loc)

    def majorant(self, w: FloatArray) -> Penalty:
        """The convex penalty that lies above g, but for a constant, and touches it at w.

        Tails become parabolas around loc; kinks and bounds stay as they are.
        """
        if self.tails is None:
            return self
        return replace(self, l2=self.l2 + self.tails.weight(w - self.loc), tails=None)

    def subdifferential(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Least and largest slope of g_j at w_j: an interval at a kink, unbounded at a bound."""
        delta = w - self.loc
        linear = self._smooth_slope(delta)
        low = linear + np.where(delta > 0, self.l1, -self.l1)
        high = linear + np.where(delta < 0, -self.l1, self.l1)
        return np.where(w <= self.lower, -np.inf, low), np.where(w >= self.upper, np.inf, high)

    def subgradient_distance(self, w: FloatArray, gradient: FloatArray) -> FloatArray:
        """Distance of ``-gradient_j`` to the subdifferential of g_j at w_j: 0 at an optimum."""
        low, high = self.subdifferential(w)
        return np.maximum(np.maximum(low + gradient, -gradient - high), 0.0)

    def strictly_inside(self, w: FloatArray, c: FloatArray, reach: FloatArray) -> BoolArray:
        """True where every slope within ``reach_j`` of c_j is inside the subdifferential at w_j."""
        low, high = self.subdifferential(w)
        return (c - reach > low) & (c + reach < high)

    def kink_ratio(self, c: FloatArray) -> FloatArray:
        """|c_j| / l1_j: how much of the kink the slope c_j takes up; 0 where there is none."""
        has_kink = self.l1 > 0
        with np.errstate(over="ignore"):
            return np.where(has_kink, np.abs(c) / np.where(has_kink, self.l1, 1.0), 0.0)

    def dual_scalings(self, c: FloatArray) -> list[float]:
        """Factors alpha <= 1 that make every alpha c_j a slope of g_j somewhere.

        One without and one with the help of curvature, and 1.
        """
        beyond = np.where(c > 0, np.isinf(self.upper), np.isinf(self.lower))
        excess = np.where(beyond, np.abs(c) - self.l1, 0.0)
        factors = {1.0}
        for bound in (excess > 0, (excess > 0) & (self.l2 == 0)):
            factors.add(largest_factor(self.l1[bound], np.abs(c[bound])))
        return sorted(factors)

    def whole(self, chosen: BoolArray) -> BoolArray:
        """The chosen coefficients and all that share a term with one of them."""
        return chosen

    def rays(self, c: FloatArray, columns: IntArray) -> FloatArray | None:
        """Directions, one per column of the result, in which the chosen coefficients can move
        while c stays in the subdifferential; None when each moves by itself."""
        return None

    def best_response(self, c: FloatArray) -> FloatArray:
        """argmax over w of c_j w - g_j(w); infinite where that has no maximum.

        Where ``|c_j| = l1_j`` and ``l2_j = 0`` every point on one side is a maximum; ``loc``
        (moved into the bounds) is returned.
        """
        soft = np.sign(c) * np.maximum(np.abs(c) - self.l1, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            delta = np.where(soft == 0, 0.0, soft / self.l2)
        return np.clip(self.loc + delta, self.lower, self.upper)

    def fenchel_young(self, w: FloatArray, c: FloatArray) -> FloatArray:
        """g_j(w_j) + g_j*(c_j) - c_j w_j: non-negative, 0 exactly where c_j is in dg_j(w_j).

        With z the best response this is l2 (w-z)^2/2 + (l2 (z-loc) - c)(w-z) + l1 (|w-loc| -
        |z-loc|): differences of nearby large numbers never enter.
        """
        z = self.best_response(c)
        attained = np.isfinite(z)
        z = np.where(attained, z, w)
        from_z = w - z
        kink = self.l1 * (np.abs(w - self.loc) - np.abs(z - self.loc))
        linear = (self.l2 * (z - self.loc) - c) * from_z + kink
        with np.errstate(over="ignore"):
            terms = 0.5 * self.l2 * from_z**2 + np.maximum(linear, 0.0)
        inside = (w >= self.lower) & (w <= self.upper)
        return np.where(attained & inside, terms, np.inf)

    def in_units(self, unit: FloatArray, names: Sequence[str] | None = None) -> Penalty:
        """The same density stated for ``w / unit`` instead of w (both measure one coefficient).

        With v = w / unit: g(w) = l1 unit |v - loc/unit| + l2 unit^2 (v - loc/unit)^2 / 2.
        ``names`` of the coefficients are for the message where that is beyond floating point.
        """
        with np.errstate(over="ignore", under="ignore"):
            l1, l2 = self.l1 * unit, self.l2 * unit * unit
        _require_representable(l1, l2, names)
        _require_kept(self, l1, l2, names)
        return replace(
            self,
            l1=l1,
            l2=l2,
            loc=self.loc / unit,
            lower=self.lower / unit,
            upper=self.upper / unit,
            tails=None if self.tails is None else self.tails.in_units(unit),
        )

    def pinned(self, where: BoolArray) -> Penalty:
        """Hold the chosen coefficients at ``loc`` (clipped to their bounds)."""
        point = np.clip(self.loc, self.lower, self.upper)
        return replace(
            self,
            lower=np.where(where, point, self.lower),
            upper=np.where(where, point, self.upper),
        )

    @staticmethod
    def joined(parts: Sequence[Penalty]) -> Penalty:
        """Penalties of consecutive coefficients as one."""
        l1, l2, loc, lower, upper = (
            np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
        )
        tails = Tails.joined([(part.tails, part.size) for part in parts])
        return Penalty(l1, l2, loc, lower, upper, tails)

    def take(self, index: object) -> Penalty:
        """The entries chosen by an index array, a mask or a slice."""
        l1, l2, loc, lower, upper = (getattr(self, name)[index] for name in _ARRAYS)
        tails = None if self.tails is None else self.tails.take(index)
        return Penalty(l1, l2, loc, lower, upper, tails)


def largest_factor(bound: FloatArray, size: FloatArray) -> float:
    """The largest alpha <= 1 with alpha size_j <= bound_j in floating point."""
    alpha = min(1.0, *(bound / size).tolist()) if bound.size else 1.0
    while alpha > 0 and np.any(alpha * size > bound):
        alpha = float(np.nextafter(alpha, 0.0))
    return alpha


def unbounded(l1: FloatArray, l2: FloatArray, loc: FloatArray) -> Penalty:
    """A penalty without bounds."""
    _require_representable(l1, l2)
    infinite = np.full(l1.shape, np.inf)
    return Penalty(l1, l2, loc, -infinite, infinite)


def tailed(nu: float, scale: FloatArray, loc: FloatArray) -> Penalty:
    """A Student-t penalty without bounds; flat where the scale is infinite."""
    with np.errstate(over="ignore"):
        _require_representable(scale, (1.0 + 1.0 / nu) / scale / scale, where=np.isfinite(scale))
    nothing = np.zeros(scale.shape)
    tails = Tails(np.full(scale.shape, nu), scale)
    return replace(unbounded(nothing, nothing.copy(), loc), tails=tails)


def bounded(penalty: Penalty, lower: FloatArray, upper: FloatArray) -> Penalty:
    """The penalty on the part of its domain between two bounds."""
    if not penalty.is_separable:
        raise ModelError("coefficients that share a term cannot have bounds")
    return replace(
        penalty,
        lower=np.maximum(penalty.lower, lower),
        upper=np.minimum(penalty.upper, upper),
    )


def _require_representable(
    l1: FloatArray,
    l2: FloatArray,
    names: Sequence[str] | None = None,
    where: BoolArray | bool = True,
) -> None:
    overflow = np.flatnonzero((~np.isfinite(l1) | ~np.isfinite(l2)) & where)
    if overflow.size:
        raise ModelError(
            f"the prior scale of {_which(overflow[0], names)} is so small that its penalty exceeds "
            "the largest float; measure that column in smaller units, so that coefficient and "
            "scale grow"
        )


def _require_kept(
    before: Penalty, l1: FloatArray, l2: FloatArray, names: Sequence[str] | None
) -> None:
    """A proper prior must not become a flat one, or lose digits, by underflow."""
    tiny = np.finfo(float).tiny
    lost = np.flatnonzero(((before.l1 > 0) & (l1 < tiny)) | ((before.l2 > 0) & (l2 < tiny)))
    if lost.size:
        raise ModelError(
            f"the prior of {_which(lost[0], names)} is so wide in the units of its column that its "
            "penalty is below the smallest float; measure that column in larger units (multiply "
            "its entries by a power of ten), or give it a flat prior"
        )


def _which(j: int, names: Sequence[str] | None) -> str:
    return f"coefficient {j}" if names is None else f"the coefficient of column {names[j]!r}"


def log_normaliser(l1: FloatArray, l2: FloatArray) -> FloatArray:
    """log of the integral of exp(-l1 |x| - l2 x^2 / 2) over the line; 0 where both are 0.

    Z = sqrt(2 pi / l2) erfcx(l1 / sqrt(2 l2)) with erfcx(x) = exp(x^2) erfc(x), which is
    2 / l1 for l2 = 0.
    """
    from scipy.special import erfcx

    with np.errstate(divide="ignore"):
        ratio = l1 / np.sqrt(2.0 * np.where(l2 > 0, l2, 1.0))
        normal_side = 0.5 * np.log(2 * np.pi / np.where(l2 > 0, l2, 1.0)) + np.log(erfcx(ratio))
        laplace_side = np.log(2.0) - np.log(np.where(l1 > 0, l1, 2.0))
    # Beyond 1e8 erfcx(x) = 1 / (x sqrt(pi)) to rounding: the Laplace constant.
    return np.where((l2 > 0) & (ratio < 1e8), normal_side, laplace_side)


def _log_integral(l1: FloatArray, l2: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """log of the integral of exp(-l1 |x| - l2 x^2 / 2) from ``low`` to ``high``."""
    right = _log_side(l1, l2, np.maximum(low, 0.0), np.maximum(high, 0.0))
    left = _log_side(l1, l2, np.maximum(-high, 0.0), np.maximum(-low, 0.0))
    return np.logaddexp(left, right)


def _log_side(l1: FloatArray, l2: FloatArray, near: FloatArray, far: FloatArray) -> FloatArray:
    """log of the integral from ``near`` to ``far``, both at least 0; infinite where it diverges.

    Where the exponent changes by less than 1 a 20-point Gauss rule is exact to rounding and
    free of the cancellation of the closed forms

        [exp(-l1 x) / l1],    sqrt(pi / (2 l2)) [exp(-g(x)) erfcx((l1 + l2 x) / sqrt(2 l2))].
    """
    from scipy.special import erfcx

    width = far - near
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = (l1 + 0.5 * l2 * (far + near)) * width
        node, weight = np.polynomial.legendre.leggauss(20)
        x = 0.5 * width * (node[:, None] + 1.0)
        drop = l1 * x + 0.5 * l2 * x * (x + 2 * near)
        smooth = np.log(0.5 * width) + np.log(weight @ np.exp(-drop))
        root = np.sqrt(2.0 * l2)
        falls = np.where(
            l2 > 0,
            np.log1p(
                -np.exp(-change) * erfcx((l1 + l2 * far) / root) / erfcx((l1 + l2 * near) / root)
            ),
            np.log1p(-np.exp(-change)),
        )
        tail = np.where(
            l2 > 0,
            np.log(erfcx((l1 + l2 * near) / root)) + 0.5 * np.log(0.5 * np.pi / l2),
            -np.log(l1),
        )
        falls = np.where(np.isinf(far), 0.0, falls)
        value = np.where(change < 1.0, smooth, tail + falls) - l1 * near - 0.5 * l2 * near**2
    return np.where(
        width == 0, -np.inf, np.where((l1 == 0) & (l2 == 0) & np.isinf(far), 0.0, value)
    )
