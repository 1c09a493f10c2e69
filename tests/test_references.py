"""Outside truth: 76 penalised optima to 25 digits, and the knots of the diabetes lasso path."""

import json
from pathlib import Path

import numpy as np
import pytest

import bayesreg as br

HERE = Path(__file__).parent / "reference"
OPTIMA = json.loads((HERE / "penalised_optima.json").read_text())["optima"]
DATA = json.loads((HERE / "penalised_optima_data.json").read_text())
LARS = json.loads((HERE / "diabetes_lars_knots.json").read_text())

# The non-negative ones need bounds on the coefficients, which no prior here has yet.
EXPRESSIBLE = [record for record in OPTIMA if record["lower_limit"] is None]
LIKELIHOODS = {"gaussian": br.Gaussian(1.0), "binomial": br.Bernoulli(), "poisson": br.Poisson()}


def _numbers(values):
    return np.array([float(value) for value in values])


def test_the_count_of_expressible_optima():
    assert (len(OPTIMA), len(EXPRESSIBLE)) == (84, 76)


def _case(record):
    source = DATA[record["dataset"]]
    y = _numbers(source["y"])
    weights = None
    if record["weights"] is not None:
        weights = _numbers(record["weights"])
        weights = weights * (y.size / weights.sum())
    offset = None if record["offset"] is None else _numbers(record["offset"])
    l1, l2 = (_numbers(record["objective"][name]) for name in ("l1_rate", "l2_prec"))
    with np.errstate(divide="ignore"):
        prior = br.ElasticNet(laplace_scale=1.0 / l1, normal_scale=1.0 / np.sqrt(l2))
    intercept = br.Flat() if record["intercept"] else None
    data = br.Data(np.array(source["X"], dtype=float), y, weights=weights, offset=offset)
    return br.Model(LIKELIHOODS[record["family"]], prior, intercept), data


@pytest.mark.parametrize("record", EXPRESSIBLE, ids=lambda record: record["id"])
def test_penalised_optimum(record):
    model, data = _case(record)
    fit = br.find_map(model, data)
    exact = _numbers(record["exact"]["coef"])
    assert np.max(np.abs(fit.coef - exact)) <= 1e-10 * np.max(np.abs(exact))
    assert np.array_equal(fit.coef == 0, exact == 0)
    if record["intercept"]:
        exact_intercept = float(record["exact"]["intercept"])
        assert fit.intercept == pytest.approx(exact_intercept, rel=1e-9)
    assert fit.certificate.holds
    assert fit.certificate.zeros_proved


def _diabetes():
    return br.Data(np.array(DATA["diabetes"]["X"], dtype=float), _numbers(DATA["diabetes"]["y"]))


def test_lars_knots():
    knots = LARS["results"]["lasso"]
    lambdas, exact = _numbers(knots["lambda_knots"]), np.array(knots["beta_knots"], dtype=float)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0))
    path = br.find_map_path(model, _diabetes(), scales=1.0 / lambdas)
    largest = np.max(np.abs(exact))
    for k in range(lambdas.size):
        size = np.max(np.abs(exact[k])) or largest
        assert np.max(np.abs(path.coef[k] - exact[k])) <= 1e-10 * size, f"knot {k}"
    # Exactly at a knot a coefficient is about to move; between knots the pattern is that of
    # either end of the segment.
    middle = br.find_map_path(model, _diabetes(), scales=2.0 / (lambdas[:-1] + lambdas[1:]))
    for k, coef in enumerate(middle.coef):
        expected = (exact[k] + exact[k + 1]) / 2
        np.testing.assert_allclose(coef, expected, atol=1e-9 * largest)
        assert np.array_equal(coef != 0, expected != 0), f"segment {k}"


def test_least_squares_end_of_the_lars_path():
    exact = np.array(LARS["results"]["lasso"]["beta_knots"][-1], dtype=float)
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Flat()), _diabetes())
    assert np.max(np.abs(fit.coef - exact)) <= 1e-10 * np.max(np.abs(exact))
