"""A relative gap of 1e-12 is within reach of every convex pair, with its zeros proved."""

import numpy as np
import pytest
from helpers import BOUNDED_PRIORS, COMBINATIONS, LIKELIHOODS, make_data
from test_references import DATA, OPTIMA, _case, _numbers

import bayesreg as br

INTERCEPTS = [
    pytest.param(br.Flat(), id="flat"),
    pytest.param(br.Normal(2.0, loc=0.3), id="normal"),
    pytest.param(br.Laplace(0.5), id="laplace"),
    pytest.param(None, id="none"),
]


def _assert_tight(model, data):
    fit = br.find_map(model, data, tol=1e-12)
    assert fit.certificate.holds
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    return fit


@pytest.mark.parametrize("standardize", [False, True], ids=["", "standardised"])
@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_every_combination(likelihood, prior, intercept, standardize):
    model = br.Model(likelihood, prior, intercept, standardize=standardize)
    _assert_tight(model, make_data(likelihood, weights=True, offset=True))


@pytest.mark.parametrize("prior", BOUNDED_PRIORS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_bounded_prior(likelihood, prior):
    _assert_tight(br.Model(likelihood, prior), make_data(likelihood, weights=True, offset=True))


@pytest.mark.parametrize("record", OPTIMA, ids=lambda record: record["id"])
def test_every_reference_optimum_to_twelve_digits(record):
    """All 84, non-negative ones included; the error is relative to the largest coefficient."""
    model, data = _case(record)
    if record["lower_limit"] is not None:
        model = br.Model(model.likelihood, br.Truncated(model.prior, lower=0.0), model.intercept)
    fit = _assert_tight(model, data)
    exact = _numbers(record["exact"]["coef"])
    error = np.max(np.abs(fit.coef - exact))
    assert error <= 1e-12 * np.max(np.abs(exact)), f"{error:.2g}"
    assert np.array_equal(fit.coef == 0, exact == 0)
    if record["intercept"]:
        assert fit.intercept == pytest.approx(float(record["exact"]["intercept"]), rel=1e-11)


def test_all_of_them_are_there():
    assert (len(OPTIMA), len(DATA)) == (84, len({record["dataset"] for record in OPTIMA}))
