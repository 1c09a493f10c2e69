"""Exact knots of lasso paths, and paths that stop on request."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError

REFERENCE = Path(__file__).parent / "reference"
GAUSSIAN = br.Gaussian(1.5)


def lasso_path(seed, n=40, p=8, **options):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    y = X @ np.resize([1.0, 0.0, -0.5], p) + rng.normal(size=n)
    data, model = br.Data(X, y), br.Model(GAUSSIAN, br.Laplace(rng.uniform(0.5, 2.0, p)))
    return model, data, br.find_map_path(model, data, "knots", **options)


@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=["flat", "none"])
@pytest.mark.parametrize("seed", range(6))
def test_path_is_linear_in_one_over_scale_between_knots_and_bends_at_them(seed, intercept):
    model, data, _ = lasso_path(seed)
    model = br.Model(GAUSSIAN, model.prior, intercept)
    path = br.find_map_path(model, data, "knots", tol=1e-12)
    lam = 1.0 / path.scales
    assert np.max(np.abs(path.coef[0])) < 1e-14
    for k in range(len(path) - 1):
        middle = 0.5 * (lam[k] + lam[k + 1])
        fit = br.find_map_path(model, data, [1.0 / middle], tol=1e-12)
        chord = 0.5 * (path.coef[k] + path.coef[k + 1])
        np.testing.assert_allclose(fit.coef[0], chord, rtol=1e-8, atol=1e-10)
        # One coefficient joins or leaves at a time.
        assert np.count_nonzero((fit.coef[0] != 0) != (path.coef[k + 1] != 0)) <= 1
    beyond = br.find_map_path(model, data, [path.scales[-1] * 1e6], tol=1e-12)
    assert np.all(beyond.coef != 0)


def test_knots_are_those_of_lars():
    stored = json.loads((REFERENCE / "diabetes_lars_knots.json").read_text())
    table = json.loads((REFERENCE / "penalised_optima_data.json").read_text())["diabetes"]
    data = br.Data(np.array(table["X"], dtype=float), np.array(table["y"], dtype=float))
    path = br.find_map_path(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), data, "knots")
    knots = np.array(stored["results"]["lasso"]["lambda_knots"], dtype=float)
    np.testing.assert_allclose(1.0 / path.scales, knots[knots > 0], rtol=1e-10)


def test_path_stops_on_request():
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, br.Laplace(0.3))
    whole = br.find_map_path(model, data, n_scales=60)
    part = br.find_map_path(model, data, n_scales=60, max_nonzero=3)
    first = int(np.flatnonzero(whole.n_nonzero > 3)[0])
    assert len(part) == first + 1
    np.testing.assert_allclose(part.coef, whole.coef[: first + 1], rtol=1e-6, atol=1e-9)
    assert part.certificates[-1].holds
    backwards = br.find_map_path(model, data, whole.scales[::-1], max_nonzero=3)
    np.testing.assert_array_equal(backwards.scales, part.scales[::-1])
    everything = br.find_map_path(model, data, n_scales=60, max_nonzero=100)
    assert len(everything) == 60


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (br.Model(GAUSSIAN, br.Normal(1.0)), "Laplace prior on every coefficient"),
        (br.Model(GAUSSIAN, br.HalfNormal(1.0)), "exact knots exist for a Gaussian"),
        (br.Model(br.Bernoulli(), br.Laplace(1.0)), "exact knots exist for a Gaussian"),
        (br.Model(GAUSSIAN, br.Laplace(1.0), br.Normal(1.0)), "a flat intercept or none"),
    ],
)
def test_knots_are_refused_where_the_path_is_not_piecewise_linear(model, match):
    with pytest.raises(ModelError, match=match):
        br.find_map_path(model, make_data(model.likelihood), "knots")


def test_wrong_words_and_limits():
    data, model = make_data(GAUSSIAN), br.Model(GAUSSIAN, br.Laplace(1.0))
    with pytest.raises(ModelTypeError, match="'knots'; got 'knot'"):
        br.find_map_path(model, data, "knot")
    for limit in (-1, 2.5, True):
        with pytest.raises(ModelError, match="max_nonzero must be a whole number"):
            br.find_map_path(model, data, max_nonzero=limit)
