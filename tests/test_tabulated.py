"""Densities as cells: distribution functions to 1e-11, whatever their shape."""

import numpy as np
import pytest
from scipy import stats

from bayesreg.posterior.tabulated import tabulate

UNIFORM = np.concatenate([[0.0, 1e-12, 1.0 - 1e-12], np.random.default_rng(0).random(3000)])
LINE = (-np.inf, np.inf)


class Mixture:
    """Two normal densities far apart."""

    parts = (stats.norm(-3.0, 0.01), stats.norm(4.0, 0.4))

    def logpdf(self, x):
        return np.logaddexp(*(part.logpdf(x) + np.log(0.5) for part in self.parts))

    def cdf(self, x):
        return np.mean([part.cdf(x) for part in self.parts], axis=0)


CASES = {
    "normal": (stats.norm(), (-1.0, 1.0), LINE),
    "narrow": (stats.norm(0.3, 1e-5), (-1.0, 1.0), LINE),
    "far": (stats.norm(40.0, 0.01), (-1.0, 41.0), LINE),
    "double-exponential-tail": (stats.gumbel_r(3.0, 2.0), (0.0, 6.0), LINE),
    "exponential-tails": (stats.logistic(0.0, 3.0), (-3.0, 3.0), LINE),
    "log-gamma": (stats.loggamma(0.3), (-3.0, 3.0), LINE),
    "two-modes": (Mixture(), (-4.0, 5.0), LINE),
    "bounded": (stats.uniform(-1.0, 3.0), (-1.0, 2.0), (-1.0, 2.0)),
    "half": (stats.halfnorm(), (0.0, 1.0), (0.0, np.inf)),
    "at-its-bound": (stats.expon(0.0, 1e-4), (0.0, 1.0), (0.0, np.inf)),
    "span-outside-its-bounds": (stats.truncnorm(-1.0, 1.0), (5.0, 9.0), (-1.0, 1.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_quantiles_have_their_probability(name):
    reference, span, limits = CASES[name]
    table = tabulate(reference.logpdf, span, limits)
    np.testing.assert_allclose(reference.cdf(table.draws(UNIFORM)), UNIFORM, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_mass_is_one(name):
    reference, span, limits = CASES[name]
    table = tabulate(lambda x: reference.logpdf(x) + 1234.5, span, limits)
    assert table.log_mass == pytest.approx(1234.5, abs=1e-10)


def test_a_corner_is_an_end_of_cells():
    laplace = stats.laplace(0.1)
    with_corner = tabulate(laplace.logpdf, (-1.0, 1.0), corners=np.array([0.1]))
    without = tabulate(laplace.logpdf, (-1.0, 1.0))
    for table in (with_corner, without):
        np.testing.assert_allclose(laplace.cdf(table.draws(UNIFORM)), UNIFORM, rtol=0, atol=1e-11)
    assert with_corner.left.size < without.left.size


def test_quantiles_rise():
    table = tabulate(Mixture().logpdf, (-4.0, 5.0))
    assert np.all(np.diff(table.draws(np.sort(UNIFORM))) >= 0)


def test_a_tail_beyond_floating_point():
    """exp(-|x| / 50) has 1e-3 of its mass where exp(x) is not a float."""
    assert tabulate(lambda x: -np.abs(x) / 50.0, (-1.0, 1.0)) is None


def test_many_rows_are_as_exact_as_rounding_allows():
    """A log density of terms near 1e9: rounding of 1e-7 is not resolved, nor halved for ever."""
    reference = stats.loggamma(1e7)
    terms = 1e7 * (1.0 + np.log(1e7))
    table = tabulate(reference.logpdf, (0.0, 20.0), magnitude=terms)
    assert table.left.size < 100
    np.testing.assert_allclose(reference.cdf(table.draws(UNIFORM)), UNIFORM, rtol=0, atol=1e-8)
