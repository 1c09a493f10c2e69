"""The result of sample for K classes: schema, densities, predictions, comparison, store."""

import json

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from helpers import make_class_data
from scipy.special import softmax

import bayesreg as br
from bayesreg.cli import main
from bayesreg.errors import ConvergenceWarning, DataError

pytestmark = pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")

MODEL = br.Model(br.Multinomial(), br.Laplace(0.5), standardize=True)
GROUPS = ("posterior", "sample_stats", "log_prior", "log_likelihood", "posterior_predictive")


@pytest.fixture(scope="module")
def data():
    return make_class_data(p=3, weights=True)


@pytest.fixture(scope="module")
def post(data):
    return br.sample(MODEL, data, 600, seed=1, posterior_predictive=True, progress=False)


def test_groups_and_dimensions(post, data):
    of_draws = {"chain": 4, "draw": 600}
    group = post["posterior"]
    assert dict(group["coef"].sizes) == {**of_draws, "class": 3, "feature": 3}
    assert dict(group["intercept"].sizes) == {**of_draws, "class": 3}
    assert list(group["class"].values) == [0, 1, 2]
    assert list(group["feature"].values) == list(data.names)
    assert group["coef"].dims == post["log_prior"]["coef"].dims
    assert group["intercept"].dims == post["log_prior"]["intercept"].dims
    used = int(np.sum(data.weights > 0))
    for name in ("log_likelihood", "posterior_predictive"):
        assert dict(post[name]["y"].sizes) == {**of_draws, "obs": used}
    assert post["map_estimate"]["coef"].dims == ("class", "feature")
    assert post["map_estimate"]["intercept"].dims == ("class",)
    assert post["diagnostics"]["coef"].dims == ("diagnostic", "class", "feature")
    np.testing.assert_allclose(group["intercept"].sum("class"), 0.0, atol=1e-12)


def test_densities_are_the_model_s(post, data):
    for chain, draw in ((0, 0), (3, 599), (1, 77)):
        at = post["posterior"].isel(chain=chain, draw=draw)
        total = sum(
            float(post[group][name].isel(chain=chain, draw=draw).sum())
            for group, name in (("log_likelihood", "y"), ("log_prior", "coef"),
                                ("log_prior", "intercept"))
        )  # fmt: skip
        ours = MODEL.log_density(data, at["coef"].values, at["intercept"].values)
        assert total == pytest.approx(ours, rel=1e-12)
        assert float(post["sample_stats"]["lp"][chain, draw]) == pytest.approx(ours, rel=1e-12)
        eta = data.X @ at["coef"].values.T + at["intercept"].values
        rows = np.flatnonzero(data.weights)
        chance = softmax(eta, axis=1)[rows, data.y[rows].astype(int)]
        np.testing.assert_allclose(
            post["log_likelihood"]["y"][chain, draw], data.weights[rows] * np.log(chance)
        )


def test_the_diagnostics_are_those_of_each_entry(post):
    found = post["diagnostics"]
    for name, dims in (("coef", {"class": 2, "feature": "x1"}), ("intercept", {"class": 1})):
        draws = post["posterior"][name].sel(dims).values
        ours = found[name].sel(dims)
        assert float(ours.sel(diagnostic="ess_bulk")) == pytest.approx(
            float(arviz_stats.ess(draws, method="bulk")), rel=1e-6
        )
        assert float(ours.sel(diagnostic="rhat")) == pytest.approx(
            float(arviz_stats.rhat(draws)), rel=1e-6
        )


def test_a_warning_names_class_and_column(data):
    with pytest.warns(ConvergenceWarning, match=r"(coef\[[012], x[012]\]|intercept\[[012]\]) \("):
        br.sample(MODEL, data, 20, 2, seed=1, progress=False)


def test_arviz_reads_it(post):
    summary = arviz_stats.summary(post)
    assert {"coef[2, x1]", "intercept[0]"} <= set(summary.index)
    loo = arviz_stats.loo(post)
    assert np.isfinite(loo.elpd)
    assert loo.n_data_points == post["log_likelihood"].sizes["obs"]


def test_saved_and_read_back(post, tmp_path):
    path = tmp_path / "post.nc"
    post.to_netcdf(path)
    back = xr.open_datatree(path)
    xr.testing.assert_equal(back["posterior"].to_dataset(), post["posterior"].to_dataset())


def test_same_bits_whatever_the_chains_and_cores(data):
    one = br.sample(MODEL, data, 60, 2, seed=5, cores=1, progress=False)["posterior"]
    other = br.sample(MODEL, data, 60, 3, seed=5, cores=2, progress=False)["posterior"]
    np.testing.assert_array_equal(one["coef"], other["coef"][:2])
    np.testing.assert_array_equal(one["intercept"], other["intercept"][:2])


def test_a_stored_run_is_the_run_and_is_resumed_bit_for_bit(post, data, tmp_path):
    path = tmp_path / "run.zarr"
    br.sample(MODEL, data, 200, seed=1, posterior_predictive=True, progress=False, store=path)
    resumed = br.resume(path, draws=600, progress=False)
    for group in GROUPS:
        for name in post[group].data_vars:
            assert resumed[group][name].dims == post[group][name].dims
            np.testing.assert_array_equal(resumed[group][name], post[group][name])
    for group in ("diagnostics", "map_estimate"):
        xr.testing.assert_allclose(resumed[group].to_dataset(), post[group].to_dataset())
    opened = br.open_run(path)
    np.testing.assert_array_equal(opened["posterior"]["class"], [0, 1, 2])


def test_predictions_at_new_rows(post, data):
    X = np.random.default_rng(0).normal(size=(4, 3))
    at = br.predict(post, X, seed=2)["posterior_predictive"]
    assert at["mu"].dims == ("chain", "draw", "obs", "class")
    coef, intercept = (post["posterior"][name].values for name in ("coef", "intercept"))
    expected = softmax(np.einsum("cdkj,nj->cdnk", coef, X) + intercept[:, :, None, :], axis=-1)
    np.testing.assert_allclose(at["mu"], expected, rtol=1e-9, atol=1e-300)
    share = np.stack([np.mean(at["y"].values == k, axis=(0, 1)) for k in range(3)], axis=1)
    mean = expected.mean(axis=(0, 1))
    error = np.sqrt(mean * (1 - mean) / (4 * 600))
    assert np.max(np.abs(share - mean) / error) < 4.5
    with pytest.raises(DataError, match="cancels in the softmax"):
        br.predict(post, X, offset=1.0)


def test_targets_at_the_rows_of_the_data(post, data):
    """Drawn from the probabilities at each draw."""
    rows = np.flatnonzero(data.weights)
    mu = br.predict(post, data.X[rows], seed=1)["posterior_predictive"]["mu"].values
    y = post["posterior_predictive"]["y"].values
    for k in range(3):
        mean = mu[..., k].mean(axis=(0, 1))
        error = np.sqrt(np.maximum(mean * (1 - mean), 1e-3) / (4 * 600))
        assert np.max(np.abs(np.mean(y == k, axis=(0, 1)) - mean) / error) < 5.0


def test_an_unknown_scale_and_lambda(data, tmp_path):
    prior = {"x0": br.Laplace(br.HalfNormal(1.0)), "*": br.Normal(0.5)}
    model = br.Model(br.Multinomial(), prior, br.Normal(br.InverseGamma(3.0, 3.0)))
    path = tmp_path / "run.zarr"
    post = br.sample(model, data, 300, seed=1, progress=False, store=path)
    scale, last = (post["posterior"][f"scale[{key}]"] for key in ("x0", "intercept"))
    assert scale.dims == last.dims == ("chain", "draw")
    np.testing.assert_allclose(post["posterior"]["lambda1"].sel(feature="x0"), 1.0 / scale)
    assert float(post["diagnostics"]["scale[x0]"].sel(diagnostic="ess_bulk")) > 100
    assert post["diagnostics"]["intercept"].dims == ("diagnostic", "class")
    at = post["posterior"].isel(chain=1, draw=17)
    known = {"x0": br.Laplace(float(scale[1, 17])), "*": br.Normal(0.5)}
    stated = br.Model(br.Multinomial(), known, br.Normal(float(last[1, 17])))
    expected = stated.log_density(data, at["coef"].values, at["intercept"].values)
    expected += br.HalfNormal(1.0).log_density(float(scale[1, 17]))
    expected += br.InverseGamma(3.0, 3.0).log_density(float(last[1, 17]))
    assert float(post["sample_stats"]["lp"][1, 17]) == pytest.approx(float(expected), rel=1e-12)
    mu = br.predict(post, data.X[:2], seed=1)["posterior_predictive"]["mu"]
    np.testing.assert_allclose(mu.sum("class"), 1.0)


def test_without_an_intercept(data):
    post = br.sample(br.Model(br.Multinomial(), br.Normal(1.0), None), data, 60, progress=False)
    assert "intercept" not in post["posterior"]
    assert br.predict(post, data.X[:2])["posterior_predictive"]["mu"].shape == (4, 60, 2, 3)


# --- beside the mode -----------------------------------------------------------------------------


def test_compare_has_a_row_for_each_class_and_column(post, data):
    fit = br.find_map(MODEL, data)
    table = br.compare(fit, post, rope=0.1)
    expected = [f"{k}, {name}" for k in range(3) for name in data.names]
    assert list(table.names) == [*expected, *(f"{k}, intercept" for k in range(3))]
    np.testing.assert_array_equal(table.map, np.append(fit.coef, fit.intercept))
    coef = post["posterior"]["coef"].mean(("chain", "draw")).values
    intercept = post["posterior"]["intercept"].mean(("chain", "draw")).values
    np.testing.assert_allclose(table.mean, np.append(coef, intercept), rtol=1e-9)
    np.testing.assert_array_equal(table.zero_in_mode[:9], np.ravel(fit.coef == 0))
    assert "1, x2" in str(table)
    assert set(table.to_frame().index) == set(table.names)
    ax = br.plot_map_vs_posterior(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == expected
    with pytest.raises(DataError, match="different data"):
        br.compare(br.find_map(MODEL, make_class_data(p=3, seed=4, weights=True)), post)


def test_the_command_line(data, tmp_path, capsys):
    path = tmp_path / "table.csv"
    pd.DataFrame(data.X, columns=data.names).assign(y=data.y.astype(int)).to_csv(path, index=False)
    asked = ["--target", "y", "--prior", "Laplace(scale=0.5)", "--likelihood", "Multinomial()"]
    assert main(["sample", str(path), *asked, "--seed", "3", "--draws", "200", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["parameters"]
    assert len(found) == 12
    assert found["coef[1, x2]"]["ess_bulk"] > 0
    assert found["intercept[2]"]["sd"] > 0
