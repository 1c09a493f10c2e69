"""A density of one number, known at points up to a factor, as cells to draw from.

On each cell the density is a polynomial through 17 Chebyshev points. A cell is halved until the
last coefficients of its series times its width are below 1e-13 of the whole mass; cells whose
highest point lies 1e-20 below the mode are left out. So the distribution function is wrong by
less than about 1e-12 (a hundred cells), where the Monte Carlo error of a million draws is 1e-3.
Where rounding of the logarithm is more than that, it is what remains: 1e-9 with a million rows.
A logarithm that is large at its highest rounds by its size, which is refused where it shows.

The logarithm of the density must be smooth at the distance of ``STEP``, where modes are looked
for; between the points of that search it may rise and fall by any amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from bayesreg._types import BoolArray, FloatArray

#: Distance of the points where modes are looked for.
STEP = 0.25
# Cells begin at every eighth of them.
_COARSER = 8
_DEGREE, _GUIDE = 16, 16
_TOLERANCE = 1e-13
_DEPTH, _NO_MASS = 46.0, 1e-25
_ROUNDS = 60
# Points beyond an end that are looked at together, and how far ends may be moved.
_BEYOND, _FARTHEST = 32, 340.0
# Beyond it a logarithm is wrong by more than 1e-4.
_HUGE = 1e11
# Each round narrows the bracket of a mode to a fifth: 0.5 / 5^8 = 1e-6.
_NARROWINGS = 8

#: log density at an array of points; -inf where there is none.
LogDensity = Callable[[FloatArray], FloatArray]

_POINTS = np.cos(np.pi * np.arange(_DEGREE, -1, -1) / _DEGREE)
_TO_SERIES = np.linalg.inv(chebyshev.chebvander(_POINTS, _DEGREE)).T


class ContradictedError(Exception):
    """The highest log density is out of all proportion."""


@dataclass(frozen=True, eq=False)
class Tabulated:
    """Cells in rising order.

    Attributes
    ----------
    left, right : (cells,) arrays
    before : (cells + 1,) array
        The mass left of each cell, and the whole mass.
    distribution, density : (cells, 18) and (cells, 17) arrays
        Chebyshev series on each cell: the mass from its left end, and its derivative.
    guide : (cells, 17) array
        Where the search for a quantile begins.
    top : float
        The log density that counts as 0: log of the whole mass is ``top + log(before[-1])``.
    """

    left: FloatArray
    right: FloatArray
    before: FloatArray
    distribution: FloatArray
    density: FloatArray
    guide: FloatArray
    top: float

    def draws(self, uniform: FloatArray) -> FloatArray:
        """The quantiles of uniform numbers."""
        from bayesreg._kernels.inverse_cdf import inverse

        x = np.empty(uniform.size)
        inverse(
            self.left, self.right, self.before, self.distribution, self.density, self.guide,
            uniform, x,
        )  # fmt: skip
        return x

    @property
    def log_mass(self) -> float:
        """log of the integral of the density."""
        return self.top + float(np.log(self.before[-1]))


def tabulate(
    log_density: LogDensity,
    span: tuple[float, float],
    limits: tuple[float, float] = (-np.inf, np.inf),
    corners: FloatArray | None = None,
    magnitude: float = 1.0,
) -> Tabulated | None:
    """Cells for a density; None where its mass reaches beyond what floating point holds.

    Raises
    ------
    ContradictedError
        Where the logarithm is so large that its rounding would show.

    Parameters
    ----------
    log_density : function of an array of points inside the limits
    span : (low, high)
        Where it may bend; outside it falls, or rises and falls once.
    limits : (low, high)
        The ends of its support.
    corners : array, optional
        Points inside the limits where it is continuous but not smooth.
    magnitude : float
        Of the terms that its logarithm is the sum of, whose rounding no cell resolves.
    """
    low, high = max(span[0], limits[0], -_FARTHEST), min(span[1], limits[1], _FARTHEST)
    if not low < high:
        low, high = limits
    points = np.linspace(low, high, 2 + int((high - low) / STEP))
    values = log_density(points)
    for side, limit in ((-1, limits[0]), (1, limits[1])):
        extended = _extended(log_density, points, values, side, limit)
        if extended is None:
            _require_digits(float(np.max(values)))
            return None
        points, values = extended
    edges = np.concatenate([points[::_COARSER], points[-1:], _modes(log_density, points, values)])
    if corners is not None:
        edges = np.append(edges, corners[(corners > points[0]) & (corners < points[-1])])
    return _cells(log_density, np.unique(edges), 4.0 * np.finfo(float).eps * magnitude)


def _extended(
    log_density: LogDensity, points: FloatArray, values: FloatArray, side: int, limit: float
) -> tuple[FloatArray, FloatArray] | None:
    """More points beyond one end, until what lies beyond them is negligible."""
    while True:
        end, inner = (0, 1) if side < 0 else (-1, -2)
        if points[end] == limit or values[end] == -np.inf:
            return points, values
        fall = values[inner] - values[end]
        # Beyond, the mass is at most e^value STEP / fall of a log density that goes on falling.
        if values[end] - np.log(max(fall, 1e-300)) < np.max(values) - _DEPTH and fall > 0:
            return points, values
        if abs(points[end]) > _FARTHEST:
            return None
        more = points[end] + side * STEP * np.arange(1, _BEYOND + 1)
        more = np.unique(np.clip(more, min(limit, points[end]), max(limit, points[end])))
        more = more[more != points[end]]
        found = log_density(more)
        points, values = (
            (np.append(more, points), np.append(found, values))
            if side < 0
            else (np.append(points, more), np.append(values, found))
        )


def _modes(log_density: LogDensity, points: FloatArray, values: FloatArray) -> FloatArray:
    """Local maxima between the points, narrowed to about 1e-6."""
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    highest = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]) & (values > -np.inf))
    low = points[np.maximum(highest - 1, 0)]
    high = points[np.minimum(highest + 1, points.size - 1)]
    share = np.linspace(0.0, 1.0, 11)
    for _ in range(_NARROWINGS):
        grid = low[:, None] + (high - low)[:, None] * share
        best = np.argmax(log_density(grid.ravel()).reshape(grid.shape), axis=1)
        rows = np.arange(low.size)
        low, high = grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, 10)]
    return 0.5 * (low + high)


def _cells(log_density: LogDensity, edges: FloatArray, rounding: float) -> Tabulated:
    """Halve cells until each is resolved."""
    top = float(np.max(log_density(edges)))
    _require_digits(top)
    rounding += 4.0 * np.finfo(float).eps * abs(top)
    left, right = edges[:-1], edges[1:]
    mass = 0.0
    kept: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for last in range(_ROUNDS, -1, -1):
        half = 0.5 * (right - left)
        x = 0.5 * (left + right)[:, None] + half[:, None] * _POINTS
        x[:, 0], x[:, -1] = left, right
        values = log_density(x.ravel()).reshape(x.shape) - top
        counts = np.max(values, axis=1) > -_DEPTH
        left, right, half, values = left[counts], right[counts], half[counts], values[counts]
        series = half[:, None] * (np.exp(values) @ _TO_SERIES)
        integrals = _integrals(series)
        done = _resolved(series, mass + float(np.sum(integrals)), rounding) | (last == 0)
        kept.append((left[done], right[done], series[done]))
        mass += float(np.sum(integrals[done]))
        middle = 0.5 * (left + right)[~done]
        left, right = (
            np.concatenate([left[~done], middle]), np.concatenate([middle, right[~done]])
        )  # fmt: skip
        if not left.size:
            break
    return _assembled(kept, top)


def _require_digits(top: float) -> None:
    if abs(top) > _HUGE:
        raise ContradictedError(top)


def _integrals(series: FloatArray) -> FloatArray:
    """Over y from -1 to 1."""
    even = np.arange(0, series.shape[1], 2)
    whole: FloatArray = series[:, even] @ (2.0 / (1.0 - even**2.0))
    return whole


def _resolved(series: FloatArray, mass: float, rounding: float) -> BoolArray:
    tail = np.max(np.abs(series[:, -3:]), axis=1)
    resolved: BoolArray = tail <= np.maximum(
        _TOLERANCE * mass, rounding * np.max(np.abs(series), axis=1)
    )
    return resolved


def _assembled(kept: list[tuple[FloatArray, FloatArray, FloatArray]], top: float) -> Tabulated:
    from bayesreg._kernels.inverse_cdf import fill_guide

    left, right, series = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    mass = _integrals(series)
    # Without a mass a cell has no quantiles.
    order = np.argsort(left)
    order = order[mass[order] > _NO_MASS * np.sum(mass)]
    left, right, series = left[order], right[order], np.ascontiguousarray(series[order])
    distribution = np.ascontiguousarray(chebyshev.chebint(series, lbnd=-1.0, axis=1))
    before = np.append(0.0, np.cumsum(mass[order]))
    guide = np.empty((left.size, _GUIDE + 1))
    fill_guide(before, distribution, series, guide)
    return Tabulated(left, right, before, distribution, series, guide, top)
