"""compare: the mode beside the posterior, checked against ArviZ and by hand."""

import json

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.errors import DataError, DataTypeError, ModelError


@pytest.fixture(scope="module")
def case():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.05))
    return model, data, br.find_map(model, data), br.sample(model, data, seed=3, progress=False)


def test_rows_are_mode_and_posterior(case):
    _, data, fit, post = case
    table = br.compare(fit, post)
    draws = post["posterior"]["coef"].values
    assert table.names == (*data.names, "intercept")
    np.testing.assert_array_equal(table.map, np.append(fit.coef, fit.intercept))
    np.testing.assert_allclose(table.mean[:-1], draws.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(table.sd[:-1], draws.reshape(-1, data.p).std(axis=0, ddof=1))
    np.testing.assert_allclose(table.p_positive[:-1], (draws > 0).mean(axis=(0, 1)))
    assert np.array_equal(table.zero_in_mode[:-1], fit.coef == 0)
    assert table.zero_in_mode.any()


def test_the_posterior_has_no_zeros_where_the_mode_has(case):
    _, _, fit, post = case
    table = br.compare(fit, post)
    zero = table.zero_in_mode
    assert np.all(table.sd[zero] > 0)
    assert np.all((table.hdi_low[zero] < 0) & (table.hdi_high[zero] > 0))


def test_interval_is_the_shortest_that_holds_its_mass(case):
    _, _, fit, post = case
    draws = post["posterior"]["coef"].values.reshape(-1, fit.coef.size)
    for probability in (0.5, 0.95):
        table = br.compare(fit, post, probability=probability)
        for j in range(fit.coef.size):
            ordered = np.sort(draws[:, j])
            inside = int(np.floor(probability * ordered.size))
            width = np.min(ordered[inside:] - ordered[:-inside])
            assert table.hdi_high[j] - table.hdi_low[j] == pytest.approx(width, rel=1e-9)


def test_frame_text_html_and_json(case):
    _, _, fit, post = case
    table = br.compare(fit, post)
    frame = table.to_frame()
    assert list(frame.index) == list(table.names)
    assert frame.loc["x0", "map"] == fit.coef[0]
    assert "95% HDI" in str(table)
    assert "<table>" in table._repr_html_()
    assert "MAP: the mode of p(coef, intercept | y)" in table._repr_html_()
    plain = json.loads(json.dumps(table.to_dict()))
    assert set(plain["rows"]) == set(table.names)
    assert plain["rows"]["x0"]["map"] == fit.coef[0]


def test_a_model_without_intercept_has_no_intercept_row():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Normal(0.5), intercept=None)
    table = br.compare(br.find_map(model, data), br.sample(model, data, seed=1, progress=False))
    assert table.names == data.names


def test_results_of_different_models_are_not_mixed(case):
    model, data, fit, post = case
    other = br.find_map(model.rescaled(2.0), data)
    with pytest.raises(ModelError, match="was sampled from"):
        br.compare(other, post)
    renamed = br.Data(data.X, data.y, names=list("abcdefg"))
    with pytest.raises(DataError, match="different columns"):
        br.compare(br.find_map(model, renamed), post)
    with pytest.raises(DataTypeError, match="DataTree from sample"):
        br.compare(fit, {"coef": 1})
    with pytest.raises(DataTypeError, match="MapEstimate"):
        br.compare(post, fit)
    with pytest.raises(ModelError, match="probability must be below 1"):
        br.compare(fit, post, probability=95)


def test_a_column_called_intercept_is_not_the_intercept():
    base = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Normal(0.5))
    data = br.Data(base.X[:, :2], base.y, names=["x", "intercept"])
    fit, post = br.find_map(model, data), br.sample(model, data, seed=1, progress=False)
    table = br.compare(fit, post)
    assert table.names == ("x", "intercept", "(intercept)")
    assert table.has_intercept
    rows = table.to_dict()["rows"]
    assert rows["intercept"]["map"] == fit.coef[1]
    assert rows["(intercept)"]["map"] == fit.intercept


def test_each_coefficient_s_own_mode_and_median(case):
    """Under a Normal prior all centres are one; under Laplace they are three."""
    _, data, fit, post = case
    table = br.compare(fit, post, rope=0.1)
    draws = post["posterior"]["coef"].values
    np.testing.assert_allclose(table.median[:-1], np.median(draws, axis=(0, 1)))
    np.testing.assert_allclose(table.p_rope[:-1], np.mean(np.abs(draws) < 0.1, axis=(0, 1)))
    assert np.all(np.abs(table.density_mode - table.mean) < 1.5 * table.sd)
    assert "P(|w| < 0.1)" in str(table)
    assert "p_rope" in table.to_frame()
    normal = br.Model(br.Gaussian(1.5), br.Normal(0.3))
    flat = br.compare(br.find_map(normal, data), br.sample(normal, data, seed=1, progress=False))
    assert np.all(np.abs(flat.density_mode - flat.map) < 0.35 * flat.sd)
    assert np.all(np.abs(flat.median - flat.map) < 0.1 * flat.sd)


def test_which_mode_is_said(case):
    _, data, fit, post = case
    assert "p(coef, intercept | y)" in str(br.compare(fit, post))
    model = br.Model(br.Gaussian(br.HalfNormal(2.0)), br.Laplace(0.2, relative_to_noise=True))
    joint = br.find_map(model, data, target="joint")
    text = str(br.compare(joint, br.sample(model, data, seed=1, progress=False)))
    assert "p(coef, intercept, sigma | y)" in text
