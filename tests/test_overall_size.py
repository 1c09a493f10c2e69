"""Integrals and draws over log sigma at a given ratio, against quadrature and closed forms."""

import numpy as np
import pytest
from scipy import integrate, stats

from bayesreg import (
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Uniform,
)
from bayesreg.posterior.unknown_scalars import sizes_under

# (densities, power, squares, ratio): with two densities the second is of ratio * sigma.
CASES = {
    "half-normal": ([HalfNormal(1.3)], -8.0, 5.0, 1.0),
    "half-normal-many-rows": ([HalfNormal(1.3)], -1e6, 2e6, 1.0),
    "half-normal-against-the-data": ([HalfNormal(1e-3)], -20.0, 30.0, 1.0),
    "half-normal-no-data": ([HalfNormal(0.2)], 1.0, 0.0, 1.0),
    "half-normal-hardly-any-squares": ([HalfNormal(1.0)], 0.0, 1e-24, 1.0),
    "exponential": ([Exponential(0.5)], -3.0, 0.2, 1.0),
    "half-cauchy": ([HalfCauchy(0.5)], -9.0, 3.0, 1.0),
    "half-cauchy-one-contrast": ([HalfCauchy(0.5)], 0.0, 3.0, 1.0),
    "half-cauchy-no-data": ([HalfCauchy(2.0)], 1.0, 0.0, 1.0),
    "uniform": ([Uniform(0.1, 3.0)], -6.0, 4.0, 1.0),
    "uniform-at-its-upper-end": ([Uniform(0.0, 0.1)], -30.0, 50.0, 1.0),
    "uniform-at-its-lower-end": ([Uniform(5.0, 9.0)], -30.0, 5.0, 1.0),
    "uniform-alone": ([Uniform(0.5, 9.0)], 0.0, 0.0, 1.0),
    "both": ([HalfNormal(1.3), HalfCauchy(0.4)], -7.0, 4.0, 0.3),
    "both-far": ([HalfCauchy(1.0), HalfCauchy(1.0)], -1.0, 4.0, 1e8),
    "both-mixed": ([Jeffreys(), HalfNormal(0.7)], -7.0, 4.0, 2.5),
    "both-bounded": ([Uniform(0.3, 2.0), Uniform(0.1, 3.0)], -7.0, 4.0, 4.0),
    "jeffreys": ([Jeffreys()], -9.0, 4.0, 1.0),
    "flat": ([Flat()], -9.0, 4.0, 1.0),
    "inverse-gamma": ([InverseGamma(1.5, 0.3)], -9.0, 4.0, 1.0),
    "inverse-gamma-twice": ([InverseGamma(1.5, 0.3), InverseGamma(1.0, 2.0)], -9.0, 4.0, 0.2),
    "inverse-gamma-beside": ([InverseGamma(1.5, 0.3), HalfCauchy(2.0)], -9.0, 4.0, 0.2),
}


def log_density(name, t):
    priors, power, squares, ratio = CASES[name]
    total = power * t - 0.5 * squares * np.exp(-2 * t)
    for prior, factor in zip(priors, (1.0, ratio), strict=False):
        total = total + prior.log_density(factor * np.exp(t))
    return total


def bulk(name):
    """Where the density is above 1e-22 of its greatest value, by a look at very many points."""
    t = np.linspace(-80.0, 80.0, 1_600_001)
    with np.errstate(over="ignore"):
        log_p = log_density(name, t)
    inside = np.flatnonzero(log_p > np.max(log_p) - 50.0)
    return t[inside[0]] - 1e-4, t[inside[-1]] + 1e-4, np.max(log_p)


def ends(name):
    """Bounds of the support inside the bulk."""
    priors, _, _, ratio = CASES[name]
    found = []
    for prior, factor in zip(priors, (1.0, ratio), strict=False):
        if isinstance(prior, Uniform):
            found += [np.log(b / factor) for b in (prior.lower, prior.upper) if b > 0]
    return found


def distribution(name):
    """A fine table of the distribution function, by Simpson's rule between the bounds."""
    low, high, top = bulk(name)
    inside = [e for e in ends(name) if low < e < high]
    if inside:
        low, high = max([low, *(e for e in inside if e < low + 1e-3)]), min(
            [high, *(e for e in inside if e > high - 1e-3)]
        )  # fmt: skip
    t = np.linspace(low, high, 400_001)
    p = np.exp(np.where(np.isfinite(found := log_density(name, t)), found, -np.inf) - top)
    # The ends belong to the support; rounding may put them outside.
    p[0], p[-1] = 2 * p[1] - p[2], 2 * p[-2] - p[-3]
    area = integrate.cumulative_simpson(p, x=t, initial=0.0)
    return t, area / area[-1], top + np.log(area[-1])


@pytest.mark.parametrize("name", CASES)
def test_the_integral(name):
    priors, power, squares, ratio = CASES[name]
    sizes = sizes_under(power, priors)
    found = sizes.log_integrals(np.array([squares]), np.array([ratio]))[0]
    # Of many rows: the digits of a log density of 1e6.
    tolerance = 1e-8 if "many" in name else 1e-10
    assert found == pytest.approx(distribution(name)[2], rel=1e-12, abs=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_draws(name):
    priors, power, squares, ratio = CASES[name]
    count = 20_000
    sigma = sizes_under(power, priors).draws(
        np.full(count, squares), np.full(count, ratio), np.random.default_rng(5)
    )
    t, cdf, _ = distribution(name)
    transformed = np.interp(np.log(sigma), t, cdf)
    assert stats.kstest(transformed, "uniform").pvalue > 1e-3
    assert stats.kstest(np.abs(2 * transformed - 1), "uniform").pvalue > 1e-3


def test_the_search_for_a_mode_is_near_it():
    """Within a tenth of a standard deviation, from far away."""
    from bayesreg._kernels.overall_size import bend, find_mode, slope

    for name, (priors, power, squares, ratio) in CASES.items():
        sizes = sizes_under(power, priors)
        factor = np.array([1.0, ratio])[: len(priors)]
        codes, rows = sizes.densities.codes, sizes.densities.parameters
        low = np.max(sizes.ends[:, 0] - np.log(factor))
        high = np.min(sizes.ends[:, 1] - np.log(factor))
        t = find_mode(low, high, power, squares, codes, rows, factor)
        rise = slope(t, power, squares, codes, rows, factor)
        curvature = -bend(t, squares, codes, rows, factor)
        at_an_end = (t == high and rise > 0) or (t == low and rise < 0)
        assert at_an_end or abs(rise) <= 0.2 * np.sqrt(curvature) + 1e-12, name
