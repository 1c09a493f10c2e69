"""Moments, intervals and probabilities of a mixture of normals over sigma, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray

_NEWTON, _ROUNDS, _SETTLED = 25, 60, 1e-12


def mixture_summary(
    mean: FloatArray, sd: FloatArray, weights: FloatArray, rope: float | None, mass: float
) -> dict[str, FloatArray]:
    """Of columns whose law is sum_k weights_k Normal(mean_k, sd_k); mean and sd of shape (k, p)."""
    from scipy.special import ndtr

    centre = weights @ mean
    spread = np.sqrt(weights @ (sd**2 + (mean - centre) ** 2))
    low, high = highest_density_interval(mean, sd, weights, mass)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "mean": centre,
            "sd": spread,
            "hdi_low": low,
            "hdi_high": high,
            "p_positive": np.where(spread > 0, weights @ ndtr(mean / sd), centre > 0),
        }
        if rope is not None:
            inside = ndtr((rope - mean) / sd) - ndtr((-rope - mean) / sd)
            found["p_rope"] = np.where(spread > 0, weights @ inside, np.abs(centre) < rope)
    return found


def highest_density_interval(
    mean: FloatArray, sd: FloatArray, weights: FloatArray, mass: float
) -> tuple[FloatArray, FloatArray]:
    """Ends of the shortest interval of the given mass: equal density at both.

    Exactly mean +- z sd of one normal; else by Newton's method.
    """
    from scipy.special import ndtri

    if weights.size == 1:
        reach = ndtri(0.5 + 0.5 * mass) * sd[0]
        return mean[0] - reach, mean[0] + reach
    constant = np.all(sd == 0, axis=0)
    law = _Mixture(mean, np.where(constant, 1.0, sd), weights)
    low, high, done = law.newton(mass)
    if not done.all():
        rest = _Mixture(law.mean[:, ~done], law.sd[:, ~done], weights)
        low[~done], high[~done] = rest.bisection(mass)
    return np.where(constant, mean[0], low), np.where(constant, mean[0], high)


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Columns of mixtures of normals, with one peak each."""

    mean: FloatArray
    sd: FloatArray
    weights: FloatArray

    def newton(self, mass: float) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Ends (a, b) with F(b) - F(a) = mass and f(a) = f(b); which columns have settled."""
        from scipy.special import ndtri

        centre = self.weights @ self.mean
        spread = np.sqrt(self.weights @ (self.sd**2 + (self.mean - centre) ** 2))
        reach = ndtri(0.5 + 0.5 * mass) * spread
        a, b = centre - reach, centre + reach
        done = np.zeros(a.size, dtype=bool)
        for _ in range(_NEWTON):
            (fa, da), (fb, db) = self.density_and_log_slope(a), self.density_and_log_slope(b)
            with np.errstate(all="ignore"):
                missing = mass - (self.cumulative(b) - self.cumulative(a))
                uneven = np.log(fb / fa)
                # [-fa fb; -da db] [step a; step b] = [missing; -uneven]
                determinant = -fa * db + fb * da
                step_a = (missing * db + fb * uneven) / determinant
                step_b = (fa * uneven + missing * da) / determinant
            a = a + np.clip(step_a, -spread, spread)
            b = b + np.clip(step_b, -spread, spread)
            done = np.maximum(np.abs(step_a), np.abs(step_b)) <= _SETTLED * spread
            if done.all():
                break
        return a, b, done & (a < b)

    def bisection(self, mass: float) -> tuple[FloatArray, FloatArray]:
        """The same by bisecting the level of the density, and for each level both ends."""
        centre = self.peak()
        top = np.log(self.density_and_log_slope(centre)[0])
        far = 40.0 * np.max(self.sd, axis=0) + np.ptp(self.mean, axis=0)
        least, most = np.full(top.shape, -200.0), np.zeros(top.shape)
        low = high = centre
        for _ in range(_ROUNDS):
            level = 0.5 * (least + most)
            low = self.crossing(centre, centre - far, top + level)
            high = self.crossing(centre, centre + far, top + level)
            enough = self.cumulative(high) - self.cumulative(low) > mass
            least, most = np.where(enough, level, least), np.where(enough, most, level)
        return low, high

    def density_and_log_slope(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """f and d log f / dx, f without sqrt(2 pi)."""
        z = (x - self.mean) / self.sd
        share = self.weights[:, None] * np.exp(-0.5 * z**2) / self.sd
        density = np.sum(share, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return density / np.sqrt(2 * np.pi), -np.sum(share * z / self.sd, axis=0) / density

    def cumulative(self, x: FloatArray) -> FloatArray:
        from scipy.special import ndtr

        found: FloatArray = self.weights @ ndtr((x - self.mean) / self.sd)
        return found

    def peak(self) -> FloatArray:
        """The highest point: the fixed point of the mean weighted by what each part has there."""
        x = self.weights @ self.mean
        for _ in range(200):
            z = (x - self.mean) / self.sd
            share = self.weights[:, None] * np.exp(-0.5 * z**2) / self.sd**3
            new = np.sum(share * self.mean, axis=0) / np.sum(share, axis=0)
            settled = np.all(np.abs(new - x) <= _SETTLED * np.min(self.sd, axis=0))
            x = new
            if settled:
                break
        return np.asarray(x)

    def crossing(self, inside: FloatArray, outside: FloatArray, level: FloatArray) -> FloatArray:
        """Where the log density falls through the level."""
        for _ in range(_ROUNDS):
            middle = 0.5 * (inside + outside)
            with np.errstate(divide="ignore"):
                above = np.log(self.density_and_log_slope(middle)[0]) > level
            inside, outside = np.where(above, middle, inside), np.where(above, outside, middle)
        return 0.5 * (inside + outside)
