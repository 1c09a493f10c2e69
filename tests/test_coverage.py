"""The coverage study (benchmarks/coverage.py): small here, at full size under ``slow``."""

import numpy as np
import pytest
from scipy.stats import linregress
from scipy.stats import t as student_t

import bayesreg as br
from benchmarks.coverage import (
    AIM,
    DESIGNS,
    NOISES,
    PRIORS,
    PROBABILITY,
    Intervals,
    design,
    over_prior_drawn_truths,
    over_sparse_truths,
    refitted_selection,
    sparse_methods,
    verdict,
)

WIDE = DESIGNS[1]


@pytest.mark.parametrize("noise", NOISES, ids=repr)
@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_ninety_percent_of_the_intervals_hold_truths_drawn_from_the_prior(prior, noise):
    found = over_prior_drawn_truths(prior, noise, *WIDE, replications=10, seed=3)
    share, error = found.coverage()
    assert 0.01 < error < 0.04
    assert abs(share - PROBABILITY) < 4 * error


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_prior_of_another_scale_than_the_truth_s_is_caught(factor):
    believed = PRIORS[0].rescaled(factor, 1.0)
    found = over_prior_drawn_truths(PRIORS[0], 1.0, *WIDE, 10, seed=3, believed=believed)
    share, error = found.coverage()
    assert abs(share - PROBABILITY) > 4 * error


@pytest.mark.slow
@pytest.mark.parametrize("shape", DESIGNS, ids=repr)
@pytest.mark.parametrize("noise", NOISES, ids=repr)
@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_coverage_at_full_size(prior, noise, shape):
    share, error = over_prior_drawn_truths(prior, noise, *shape, 400, seed=1).coverage()
    assert error < AIM / 3
    assert abs(share - PROBABILITY) <= AIM


def test_standard_error_counts_data_sets_not_intervals():
    """Ten intervals that always agree are one: 4 data sets, half of them held."""
    truth, low = np.zeros(40), np.repeat([-1.0, -1.0, 1.0, 1.0], 10)
    found = Intervals(low, low + 1.5, truth, np.repeat(np.arange(4), 10))
    assert found.coverage() == pytest.approx((0.5, 0.5 / np.sqrt(4)))
    assert verdict(found) == "missed"
    assert verdict(found.where(np.arange(40) < 20)) == "missed"  # 100% is not 90% either


def test_refitted_intervals_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    X = design(60, 2, rng)
    data = br.Data(X[:, :1], 1.0 + 3.0 * X[:, 0] + rng.normal(size=60))
    textbook = linregress(data.X[:, 0], data.y)
    low, high = refitted_selection(data, 0)
    reach = student_t.ppf(0.95, 58) * textbook.stderr
    np.testing.assert_allclose([low[0], high[0]], textbook.slope + reach * np.array([-1, 1]))


def test_a_selection_of_nothing_has_no_interval():
    rng = np.random.default_rng(2)
    data = br.Data(design(60, 3, rng), rng.normal(size=60))
    low, high = refitted_selection(data, 0)
    assert np.all(np.isnan(low))
    assert np.all(np.isnan(high))


def test_zeros_let_in_by_a_selection_are_not_covered_as_promised():
    naive = over_sparse_truths(list(sparse_methods().values())[-1], 40, seed=5)
    selected = naive.where((naive.truth == 0) & np.isfinite(naive.low))
    assert 0 < selected.truth.size < 40 * 7
    share, error = selected.coverage()
    assert share + 3 * error < PROBABILITY


def test_design_correlates_neighbours_by_one_half():
    X = design(200_000, 4, np.random.default_rng(0))
    expected = 0.5 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    np.testing.assert_allclose(np.cov(X.T), expected, atol=0.015)
