"""Student-t tails: the one non-convex term that a penalty, or the loss of a residual, can have.

    t(x) = (nu + 1) / 2 log(1 + x^2 / (nu scale^2)),        in nats, x from the centre

It is quadratic near 0 and logarithmic far out. As a function of x^2 it is concave, so that the
parabola with curvature

    weight(x) = t'(x) / x = (nu + 1) / (nu scale^2 + x^2)

which touches it at x and -x lies above it everywhere: the majorant behind reweighted least squares
(Lange, Little and Taylor 1989, JASA 84:881).  Everything is formed from u = |x| / (scale sqrt nu),
so that neither u^2 nor x^2 need be representable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray

# Beyond this 1 + u^2 is u^2 to rounding.
_FAR = 1e8


def tail_value(x: FloatArray, nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    """t(x)."""
    u = _size(x, nu, scale)
    far = u > _FAR
    near = np.log1p(np.where(far, 0.0, u) ** 2)
    return 0.5 * (nu + 1.0) * np.where(far, 2.0 * np.log(np.where(far, u, 1.0)), near)


def tail_slope(x: FloatArray, nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    """t'(x) = (nu + 1) x / (nu scale^2 + x^2)."""
    u = _size(x, nu, scale)
    far = u > _FAR
    near = np.where(far, 1.0, u)
    share = np.where(far, 1.0 / np.where(far, u, 1.0), near / (1.0 + near**2))
    return np.sign(x) * (nu + 1.0) / np.sqrt(nu) / scale * share


def tail_weight(x: FloatArray, nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    """(nu + 1) / (nu scale^2 + x^2): the curvature of the parabola that touches t at x."""
    return _centre_curvature(nu, scale) * _share(_size(x, nu, scale))


def tail_curvature(x: FloatArray, nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    """t''(x) = weight(x) (1 - u^2) / (1 + u^2): negative beyond u = 1."""
    u = _size(x, nu, scale)
    far = u > _FAR
    near = np.where(far, 1.0, u) ** 2
    turned = np.where(far, -1.0, (1.0 - near) / (1.0 + near))
    return _centre_curvature(nu, scale) * _share(u) * turned


def tail_log_normaliser(nu: FloatArray, scale: FloatArray) -> FloatArray:
    """log of the integral of exp(-t): log scale + log(pi nu) / 2 - log[G((nu+1)/2) / G(nu/2)]."""
    return np.log(scale) + 0.5 * np.log(np.pi * nu) - _log_gamma_step(0.5 * nu)


def _log_gamma_step(x: FloatArray) -> FloatArray:
    """log G(x + 1/2) - log G(x); from 100 on its series, whose next term is below rounding.

    Abramowitz and Stegun 6.1.47.
    """
    from scipy.special import gammaln

    large = np.maximum(x, 100.0)
    r = 1.0 / large
    series = 0.5 * np.log(large) - r / 8 + r**3 / 192 - r**5 / 640
    small = np.minimum(x, 100.0)
    return np.where(x > 100.0, series, gammaln(small + 0.5) - gammaln(small))


def _size(x: FloatArray, nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    return np.abs(x) / scale / np.sqrt(nu)


def _centre_curvature(nu: FloatArray | float, scale: FloatArray | float) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.asarray((1.0 + 1.0 / np.asarray(nu)) / np.asarray(scale) / np.asarray(scale))


def _share(u: FloatArray) -> FloatArray:
    """1 / (1 + u^2)."""
    far = u > _FAR
    near = np.where(far, 1.0, u)
    return np.where(far, (1.0 / np.where(far, u, 1.0)) ** 2, 1.0 / (1.0 + near**2))


@dataclass(frozen=True)
class Tails:
    """The tails of a penalty, an entry per coefficient.

    Attributes
    ----------
    nu, scale : (p,) arrays
        Degrees of freedom and scale; an infinite scale where there is no such term.
    """

    nu: FloatArray
    scale: FloatArray

    @property
    def present(self) -> BoolArray:
        return np.isfinite(self.scale)

    def values(self, distance: FloatArray) -> FloatArray:
        """t_j at the distance from the centre."""
        return tail_value(distance, self.nu, self.scale)

    def slope(self, distance: FloatArray) -> FloatArray:
        return tail_slope(distance, self.nu, self.scale)

    def curvature(self, distance: FloatArray) -> FloatArray:
        return tail_curvature(distance, self.nu, self.scale)

    def weight(self, distance: FloatArray) -> FloatArray:
        """Curvature of the majorant that touches at the distance; 0 without tails."""
        return tail_weight(distance, self.nu, self.scale)

    def log_normaliser(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """log of the integral of exp(-t_j) between two distances; 0 without tails."""
        scale = np.where(self.present, self.scale, 1.0)
        whole = tail_log_normaliser(self.nu, scale)
        share = _log_mass(low / scale, high / scale, self.nu)
        return np.where(self.present, whole + share, 0.0)

    def in_units(self, unit: FloatArray) -> Tails:
        """The same tails for x / unit."""
        return Tails(self.nu, self.scale / unit)

    def widened(self, factor: FloatArray) -> Tails:
        return Tails(self.nu, self.scale * factor)

    def take(self, index: Any) -> Tails:
        return Tails(self.nu[index], self.scale[index])

    @staticmethod
    def joined(parts: Sequence[tuple[Tails | None, int]]) -> Tails | None:
        """Tails of consecutive coefficients; each part with its length, None without any."""
        if all(tails is None for tails, _ in parts):
            return None
        filled = [_none(size) if tails is None else tails for tails, size in parts]
        return Tails(
            np.concatenate([tails.nu for tails in filled]),
            np.concatenate([tails.scale for tails in filled]),
        )


def _none(size: int) -> Tails:
    return Tails(np.ones(size), np.full(size, np.inf))


def _log_mass(low: FloatArray, high: FloatArray, nu: FloatArray) -> FloatArray:
    """log P(low < T < high) of Student's t, from the nearer tail so that no digit cancels."""
    from scipy.special import stdtr

    right = low > 0
    least, most = np.where(right, -high, low), np.where(right, -low, high)
    with np.errstate(divide="ignore"):
        return np.log(stdtr(nu, most) - stdtr(nu, least))
