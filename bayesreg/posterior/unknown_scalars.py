"""Independent draws of sigma and a scale, the coefficients integrated out.

Given the ratio of prior sd to noise the size of both has a concave log density in log sigma, a
gamma for Flat, Jeffreys and inverse-gamma priors (:mod:`bayesreg._kernels.overall_size`). What is
left is the density of x = log ratio, one-dimensional and smooth, which is tabulated
(:mod:`bayesreg.posterior.tabulated`):

    ratio = scale             p(x | y) = p(scale) scale exp(-L / 2) integral of h
    ratio = 1 / sigma         p(x | y) = p(sigma) sigma^(1 - m) exp(-L / 2 - S / (2 sigma^2))
    ratio = scale / sigma     p(x | y) = ratio exp(-L / 2) integral of h

    h(sigma) = p(sigma) p(scale) sigma^(-m) exp(-S / (2 sigma^2))

with L = log det(I + ratio^2 A A') and S = t'(I + ratio^2 A A')^-1 t.  In x every factor is
analytic within pi / 2 of the real line, so that log p(x | y) is smooth at distances of 1 however
many rows there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.errors import ModelError
from bayesreg.posterior.components import Components, Kind
from bayesreg.posterior.scalars import ScalarDensities, encode
from bayesreg.posterior.tabulated import ContradictedError, Tabulated, tabulate
from bayesreg.priors import Exponential, Flat, HalfCauchy, HalfNormal, InverseGamma, Jeffreys
from bayesreg.priors.on_noise import noise_density

# Nodes of a Gauss rule on each panel, and how far from its bends a density is followed at least.
_NODES = 16
_MARGIN = 3.0


@dataclass(frozen=True, eq=False)
class Sizes:
    """Densities exp(h) of t = log sigma, see :mod:`bayesreg._kernels.overall_size`.

    Attributes
    ----------
    power : float
    densities : ScalarDensities
        Bounds left open.
    ends : (k, 2) array
        Logarithms of the bounds.
    by_ratio : (k,) array of bool
        Densities of ratio e^t instead of e^t.
    log_gamma : float
        log Gamma(a), e^(-2 t) ~ Gamma(a), where every density is a power times exp(-rate / s^2).
    """

    power: float
    densities: ScalarDensities
    ends: FloatArray
    by_ratio: BoolArray
    log_gamma: float

    def log_integrals(self, squares: FloatArray, ratio: FloatArray) -> FloatArray:
        """log of the integral of exp(h) at each ratio."""
        from bayesreg._kernels.overall_size import log_integrals

        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        found = np.empty(ratio.size)
        log_integrals(
            self.power, squares, self.densities.codes, self.densities.parameters, self.ends,
            ratio, self.by_ratio, nodes, weights, self.log_gamma, found,
        )  # fmt: skip
        return found

    def draws(self, squares: FloatArray, ratio: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One sigma for each ratio."""
        from bayesreg._kernels.overall_size import draw_sizes

        sigma = np.empty(ratio.size)
        draw_sizes(
            self.power, squares, self.densities.codes, self.densities.parameters, self.ends,
            ratio, self.by_ratio, rng, sigma,
        )  # fmt: skip
        return sigma


@dataclass(frozen=True, eq=False)
class UnknownScalars:
    """The posterior of sigma and scale.

    Attributes
    ----------
    kind : Kind
    components : Components
    ratio : Tabulated or None
        Of log ratio; None where it is 1.
    sizes : Sizes or None
        Of sigma given the ratio; None where sigma is a number or follows from the ratio.
    """

    kind: Kind
    components: Components
    ratio: Tabulated | None
    sizes: Sizes | None

    def draws(
        self, count: int, on_ratio: np.random.Generator, on_size: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Independent draws of ratio, sigma and scale; 1 for what is not unknown."""
        ratio, sigma = np.ones(count), np.ones(count)
        if self.ratio is not None:
            ratio = np.exp(self.ratio.draws(on_ratio.random(count)))
        if self.sizes is not None:
            squares = self.components.determinant_and_squares(ratio)[1]
            sigma = self.sizes.draws(squares, ratio, on_size)
        elif self.kind is Kind.FIXED:
            sigma = 1.0 / ratio
        if self.kind is Kind.SCALE_BY_SIGMA:
            return ratio, sigma, ratio * sigma
        return ratio, sigma, ratio if self.kind is Kind.SCALE else np.ones(count)


def unknown_scalars(
    kind: Kind, components: Components, on_sigma: Any, on_scale: Any
) -> UnknownScalars:
    """Tabulate; the densities are None where there is a number.

    Raises
    ------
    ModelError
        Where the posterior reaches beyond what floating point holds, or the priors of sigma and
        the scale and the data contradict each other beyond its digits.
    """
    sizes = None
    if on_sigma is not None and kind is not Kind.FIXED:
        both = kind is Kind.SCALE_BY_SIGMA
        power = (2.0 if both else 1.0) - components.contrasts
        sizes = sizes_under(power, [on_sigma, on_scale] if both else [on_sigma])
    if kind is Kind.ONE:
        return UnknownScalars(kind, components, None, sizes)
    target = _LogRatio(kind, components, on_sigma, on_scale, sizes)
    span = target.span()
    magnitude = components.contrasts * (1.0 + max(map(abs, span)))
    try:
        table = tabulate(target.log_density, span, target.limits(), target.corners(), magnitude)
    except ContradictedError as error:
        raise ModelError(_CONTRADICTED.format(highest=error.args[0])) from None
    if table is None:
        raise ModelError(_BEYOND)
    return UnknownScalars(kind, components, table, sizes)


def sizes_under(power: float, priors: list[Any]) -> Sizes:
    """exp(h) = sigma^power exp(-S / (2 sigma^2)) times the densities, of sigma and of the scale."""
    from bayesreg._kernels.scalar_density import LOWER, UPPER

    densities = encode(priors)
    with np.errstate(divide="ignore"):
        ends = np.log(densities.parameters[:, [LOWER, UPPER]])
    densities.parameters[:, LOWER], densities.parameters[:, UPPER] = 0.0, np.inf
    shape = 0.5 * (sum(map(_order, priors)) - power)
    log_gamma = math.lgamma(shape) if 0 < shape < math.inf else math.nan
    return Sizes(power, densities, ends, np.arange(len(priors)) == 1, log_gamma)


def _order(prior: Any) -> float:
    """r of a density s^-r exp(-rate / s^2); infinite for others."""
    conjugate = isinstance(prior, Flat | Jeffreys | InverseGamma)
    return noise_density(prior).at_infinity if conjugate else math.inf


@dataclass(frozen=True, eq=False)
class _LogRatio:
    """The density of x = log ratio, up to a constant."""

    kind: Kind
    components: Components
    on_sigma: Any
    on_scale: Any
    sizes: Sizes | None

    def log_density(self, x: FloatArray) -> FloatArray:
        """Priors without their bounds, which are ends of cells."""
        ratio = np.exp(x)
        determinant, squares = self._fitted.determinant_and_squares(ratio)
        total = -0.5 * determinant
        with np.errstate(over="ignore", divide="ignore"):
            if self.kind is Kind.FIXED:
                total += noise_density(self.on_sigma).log_density(1.0 / ratio)
                total += (self.components.contrasts - 1) * x - 0.5 * squares * ratio**2
                return total
            total += x
            if self.kind is Kind.SCALE:
                total += noise_density(self.on_scale).log_density(ratio)
        if self.sizes is None:
            return total - 0.5 * squares
        return total + self.sizes.log_integrals(squares, ratio)

    @property
    def _fitted(self) -> Components:
        """With sigma a number what no ratio fits is a constant, whose digits would be lost."""
        given = self.sizes is None and self.kind is not Kind.FIXED
        return replace(self.components, rest=0.0) if given else self.components

    def limits(self) -> tuple[float, float]:
        """The support of x."""
        sigma, scale = _log_bounds(self.on_sigma), _log_bounds(self.on_scale)
        if self.kind is Kind.FIXED:
            return -sigma[1], -sigma[0]
        if self.kind is Kind.SCALE:
            return scale
        return scale[0] - sigma[1], scale[1] - sigma[0]

    def corners(self) -> FloatArray:
        """Where the bounds of sigma and scale meet."""
        if self.kind is not Kind.SCALE_BY_SIGMA:
            return np.empty(0)
        sigma, scale = _log_bounds(self.on_sigma), _log_bounds(self.on_scale)
        with np.errstate(invalid="ignore"):
            corners = np.subtract(scale, sigma)
        return corners[np.isfinite(corners)]

    def span(self) -> tuple[float, float]:
        """From below the least to above the greatest x at which some factor bends."""
        bends = self._bends()
        return float(np.min(bends)) - _MARGIN, float(np.max(bends)) + _MARGIN

    def _bends(self) -> FloatArray:
        """Logarithms of the ratios at which terms of L and S turn, and priors."""
        parts = self.components
        d, c = parts.d[parts.d > 0], np.abs(parts.c[parts.d > 0])
        seen = d[c > 0], c[c > 0]
        of_data = [-np.log(d), np.log(seen[1] / seen[0])]
        on_sigma, on_scale = _bends_of(self.on_sigma), _bends_of(self.on_scale)
        whole = parts.rest + float(np.sum(parts.c**2))
        residuals = np.array([parts.rest, whole, float(np.sum((seen[1] / seen[0]) ** 2))])
        residuals = residuals[residuals > 0] / max(parts.contrasts, 1)
        sizes = np.concatenate([on_sigma, 0.5 * np.log(residuals)])
        if self.kind is Kind.FIXED:
            of_data += [-np.log(seen[1]), -sizes]
        elif self.kind is Kind.SCALE:
            of_data += [on_scale, np.subtract.outer(sizes, on_sigma).ravel()]
        else:
            of_data += [np.subtract.outer(on_scale, sizes).ravel()]
            of_data += [np.subtract.outer(sizes, on_sigma).ravel()]
        return np.concatenate([*of_data, np.zeros(1 if not d.size else 0)])


def _log_bounds(prior: Any) -> tuple[float, float]:
    if prior is None:
        return 0.0, 0.0
    density = noise_density(prior)
    with np.errstate(divide="ignore"):
        return float(np.log(density.lower)), float(np.log(density.upper))


def _bends_of(prior: Any) -> FloatArray:
    """Logarithms of the values about which a density of a positive number bends."""
    if isinstance(prior, HalfNormal | Exponential | HalfCauchy):
        return np.log([float(prior.scale)])
    if isinstance(prior, InverseGamma):
        return 0.5 * np.log([2 * prior.scale / (2 * prior.shape + 1)])
    bounds = np.array(_log_bounds(prior))
    return bounds[np.isfinite(bounds)]


_BEYOND = (
    "the posterior of sigma or of the scale has so heavy a tail that a part of it lies beyond the "
    "range of floating point: the data say little about it, and its prior hardly falls. Give it a "
    "prior that does, such as HalfNormal(scale) or HalfCauchy(scale); InverseGamma(shape, scale) "
    "with a shape near 0 is as heavy as 1 / scale"
)
_CONTRADICTED = (
    "the data and the priors contradict each other beyond the digits of floating point: at its "
    "highest the log posterior of sigma and the scale is {highest:.1e}. Check the units: give "
    "priors whose scales are of the size of y (of sigma) and of y / X (of coefficients), or "
    "divide y by a constant"
)
