"""Draws of the whole posterior, moved to where a row that is left out leaves them.

A row of a regression speaks about one number, its linear predictor z. The draws are moved along
v = Cov(theta, z) / Var(z), which changes z and leaves alone what does not depend on it, by the
monotone map T that takes the density of the whole posterior along the line through their mean to
that of the posterior without the row:

    theta' = theta + (T(z) - z) v,    weight ~ p(theta', y_-i) / p(theta, y) * dT/dz

The weights correct for what the line does not show. A pass costs the density at every draw and at a
few hundred points of the line, and no sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters, Rows, log_prior
from bayesreg.posterior.target import Posterior, pose
from bayesreg.scales.pareto import smoothed_log_weights

# More draws x rows than this are not worth a pass (256 MiB).
_MOST_NUMBERS = 2**25
# Half the width of a line in standard deviations, doubled until nothing lies beyond; points in the
# search for the ends of both densities, and between those ends.
_HALF_WIDTH, _DOUBLINGS, _COARSE, _FINE = 8.0, 8, 61, 301
_BEYOND = 20.0
# Effective draws of all beyond which no weight stands out.
_ALIKE = 0.95
# Of the bridge: steps at most, and the nats that end them.
_MOST_STEPS, _SETTLED = 200, 1e-6


@dataclass(frozen=True, eq=False)
class Moved:
    """log p(y_i | the other rows), and Pareto's k of the weights behind it (-inf: all alike)."""

    score: float
    k: float


@dataclass(frozen=True, eq=False)
class _Line:
    """theta and every linear predictor per unit of z; mean and deviation of z."""

    direction: FloatArray
    by_eta: FloatArray
    middle: float
    deviation: float


class Transport:
    """One posterior's draws, ready for any row."""

    def __init__(self, model: Model, data: Data, posterior: Posterior, drawn: Parameters) -> None:
        self._model, self._data, self._posterior = model, data, posterior
        self._rows = Rows(model, data)
        coef = drawn.coef.reshape(-1, drawn.coef.shape[-1])
        parts = [coef] if drawn.intercept is None else [coef, drawn.intercept.reshape(-1, 1)]
        self._theta: FloatArray = np.hstack(parts)
        self._has_intercept = drawn.intercept is not None
        everything = self._parameters(self._theta)
        self._eta = self._rows.linear_predictor(everything, slice(None))
        self._mean, self._mean_eta = self._theta.mean(axis=0), self._eta.mean(axis=0)
        self._centred, self._centred_eta = self._theta - self._mean, self._eta - self._mean_eta
        self._terms = self._rows.terms(self._eta)
        self._log_joint = self._terms.sum(axis=1) + self._log_prior(everything)

    def without(self, i: int) -> Moved | None:
        """Leave out used row ``i``; None where there is no such map."""
        z = self._eta[:, i]
        m, s = float(z.mean()), float(z.std())
        if not s > 0:
            return None
        share = (z - m) / (s**2 * z.size)
        v, by_eta = self._centred.T @ share, self._centred_eta.T @ share
        line = self._line(i, _Line(v, by_eta, m, s))
        if line is None:
            return None
        moved, log_slope = transported(z, *line)
        there = self._parameters(self._theta + np.outer(moved - z, v))
        terms = self._rows.terms(self._eta + np.outer(moved - z, by_eta))
        held_out = terms[:, i]
        joint = terms.sum(axis=1) - held_out + self._log_prior(there)
        log_weights = joint - self._log_joint + log_slope
        if not np.all(log_weights < np.inf) or not np.isfinite(log_weights.max()):
            return None
        smoothed, k = smoothed_log_weights(log_weights[None])
        # The tail of weights that hardly differ has a shape that means nothing.
        alike = np.exp(-np.logaddexp.reduce(2.0 * smoothed[0])) > _ALIKE * z.size
        score = log_ratio(self._terms[:, i], held_out, smoothed[0])
        return Moved(score, -np.inf if alike else float(k[0]))

    def _line(self, i: int, line: _Line) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """A grid of z and the log densities there, of the whole posterior and without the row."""
        low = high = m = line.middle
        for doubling in range(_DOUBLINGS):
            half = _HALF_WIDTH * line.deviation * 2.0**doubling
            grid = np.linspace(m - half, m + half, _COARSE)
            densities = self._along(grid, i, line)
            if not all(np.isfinite(np.max(density)) for density in densities):
                return None
            kept = np.flatnonzero(
                np.any([density > np.max(density) - _BEYOND for density in densities], axis=0)
            )
            low, high = grid[max(kept[0] - 1, 0)], grid[min(kept[-1] + 1, _COARSE - 1)]
            if kept[0] > 0 and kept[-1] < _COARSE - 1:
                break
        else:
            return None
        z = self._eta[:, i]
        s = line.deviation
        grid = np.linspace(min(low, z.min() - s), max(high, z.max() + s), _FINE)
        return grid, *self._along(grid, i, line)

    def _along(self, grid: FloatArray, i: int, line: _Line) -> tuple[FloatArray, FloatArray]:
        away = grid - line.middle
        at = self._parameters(self._mean + np.outer(away, line.direction))
        terms = self._rows.terms(self._mean_eta + np.outer(away, line.by_eta))
        without = np.delete(terms, i, axis=1).sum(axis=1) + self._log_prior(at)
        return without + terms[:, i], without

    def _parameters(self, theta: FloatArray) -> Parameters:
        p = self._data.p
        return Parameters(theta[None, :, :p], theta[None, :, p] if self._has_intercept else None)

    def _log_prior(self, at: Parameters) -> FloatArray:
        parts = log_prior(self._model, self._data, self._posterior, at)
        on_intercept = parts.get("intercept", np.zeros(at.coef.shape[:2]))
        found: FloatArray = parts["coef"][0].sum(axis=1) + on_intercept[0]
        return found


def transported(
    z: FloatArray, grid: FloatArray, log_from: FloatArray, log_to: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """T(z) and log dT/dz for the monotone map from one density on the grid to the other.

    Both distribution functions are linear between points, and the slope is that of the map so
    made: weights are exact whatever the grid.
    """
    source, target = (_distribution(density) for density in (log_from, log_to))
    share = np.interp(z, grid, source)
    moved = np.interp(share, target, grid)
    cells = [
        np.clip(np.searchsorted(grid, at, side="right") - 1, 0, grid.size - 2) for at in (z, moved)
    ]
    rises = [np.diff(law)[cell] for law, cell in zip((source, target), cells, strict=True)]
    return moved, np.log(rises[0]) - np.log(rises[1])


def _distribution(log_density: FloatArray) -> FloatArray:
    """The distribution function at the points, strictly rising."""
    density = np.exp(log_density - np.max(log_density))
    # A floor far below one draw in all: the map stays invertible.
    density = np.maximum(np.where(np.isnan(density), 0.0, density), 1e-12)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    distribution: FloatArray = mass / mass[-1]
    return distribution


def log_ratio(
    whole: FloatArray, without: FloatArray, log_weights: FloatArray | None = None
) -> float:
    """log p(y_i | y_-i) from log p(y_i | draw) at draws with the row and at draws without it.

    The ratio r of the two posteriors' normalising constants, by the bridge of least variance
    (Meng and Wong, 1996, Statistica Sinica 6:831):

        r = mean_without(L / (s1 L + s2 r)) / mean_whole(1 / (s1 L + s2 r)),    L = p(y_i | draw)

    ``log_weights`` of the draws without the row sum to 1.
    """
    if log_weights is None:
        log_weights = np.full(without.size, -np.log(without.size))
    effective = np.exp(-np.logaddexp.reduce(2.0 * log_weights))
    shares = np.log([whole.size, effective]) - np.log(whole.size + effective)
    r = float(np.logaddexp.reduce(log_weights + without))
    for _ in range(_MOST_STEPS):
        above = np.logaddexp.reduce(
            log_weights + without - np.logaddexp(shares[0] + without, shares[1] + r)
        )
        below = np.logaddexp.reduce(-np.logaddexp(shares[0] + whole, shares[1] + r))
        before, r = r, float(above - below + np.log(whole.size))
        if not abs(r - before) > _SETTLED:
            break
    return r


def transport(model: Model, data: Data, drawn: Parameters) -> Transport | None:
    """None where draws cannot be moved so, under bounds and with unknown scalars, or too many.

    ``model`` is without ``standardize``, as the draws and the data are.
    """
    posterior = pose(model, data)
    penalty = posterior.problem.penalty
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    numbers = drawn.coef.shape[0] * drawn.coef.shape[1] * data.y.size
    if not posterior.only_coefficients or bounded.any() or numbers > _MOST_NUMBERS:
        return None
    return Transport(model, data, posterior, drawn)
