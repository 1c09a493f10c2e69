"""predict and posterior_predictive: against closed forms, for every likelihood that is sampled."""

import numpy as np
import pytest
from helpers import make_data
from scipy import stats

from bayesreg import (
    Bernoulli,
    Binomial,
    Data,
    Gaussian,
    HalfNormal,
    Laplace,
    Model,
    NegativeBinomial,
    Normal,
    Poisson,
    find_map,
    predict,
    sample,
)
from bayesreg.errors import DataError, DataTypeError, ModelError
from bayesreg.posterior.predictive import draw_targets

pytestmark = pytest.mark.filterwarnings("ignore::bayesreg.errors.ConvergenceWarning")

RIDGE = Model(Gaussian(1.5), Normal(0.3))


@pytest.fixture(scope="module")
def data():
    return make_data(Gaussian(1.5), weights=True)


@pytest.fixture(scope="module")
def post(data):
    return sample(RIDGE, data, 2000, seed=1, posterior_predictive=True)


def test_new_targets_have_their_closed_form(data, post):
    """Normal posterior: mu ~ N(E eta, V), y ~ N(E eta, V + sigma^2 / s)."""
    X = np.random.default_rng(3).normal(size=(5, data.p))
    weights = np.array([1.0, 2.0, 0.5, 1.0, 4.0])
    at = predict(post, X, seed=2, weights=weights)["posterior_predictive"]
    fit = find_map(RIDGE, data)
    mode = fit.predict(X)
    mu, y = (at[name].values.reshape(-1, 5) for name in ("mu", "y"))
    draws = len(mu)
    deviation = np.std(mu, axis=0)
    assert np.all(np.abs(np.mean(mu, axis=0) - mode) < 4.5 * deviation / np.sqrt(draws))
    for j in range(5):
        expected = stats.norm(mode[j], np.hypot(deviation[j], 1.5 / np.sqrt(weights[j])))
        assert stats.kstest(y[:, j], expected.cdf).pvalue > 1e-3
        noise = stats.norm(0.0, 1.5 / np.sqrt(weights[j]))
        assert stats.kstest(y[:, j] - mu[:, j], noise.cdf).pvalue > 1e-3


def test_mu_is_the_linear_predictor_at_each_draw(data, post):
    X = np.random.default_rng(3).normal(size=(4, data.p))
    found = predict(post, X, offset=np.arange(4.0), seed=2)["posterior_predictive"]
    assert found["mu"].dims == ("chain", "draw", "obs")
    drawn = post["posterior"]
    eta = drawn["coef"].values @ X.T + drawn["intercept"].values[..., None] + np.arange(4.0)
    np.testing.assert_allclose(found["mu"], eta, rtol=1e-12)


@pytest.mark.parametrize(
    ("likelihood", "scalars", "expected"),
    [
        (Bernoulli(), {}, lambda mu: stats.bernoulli(mu)),
        (Binomial().for_trials(np.full(3, 9.0)), {}, lambda mu: stats.binom(9, mu / 9)),
        (Poisson(), {}, lambda mu: stats.poisson(mu)),
        (NegativeBinomial(alpha=1.0), {"alpha": 3.0}, lambda mu: stats.nbinom(3, 3 / (3 + mu))),
        (Gaussian(1.0), {"sigma": 0.5}, lambda mu: stats.norm(mu, 0.5)),
    ],
    ids=["bernoulli", "binomial", "poisson", "negative-binomial", "gaussian"],
)
def test_targets_have_the_likelihood_s_distribution(likelihood, scalars, expected):
    eta = np.tile([-1.0, 0.2, 1.1], (20_000, 1))
    at = {name: np.full(len(eta), value) for name, value in scalars.items()}
    y = draw_targets(likelihood, eta, at, np.ones(3), np.random.default_rng(0))
    mu = likelihood.mean(eta[0])
    for j in range(3):
        law = expected(mu[j])
        z = (np.mean(y[:, j]) - law.mean()) / np.sqrt(law.var() / len(y))
        assert abs(z) < 4.5
        assert np.var(y[:, j]) == pytest.approx(law.var(), rel=0.1)


def test_the_data_s_own_rows_on_request(data, post):
    """posterior_predictive=True: targets at the rows that were used, with their weights."""
    used = np.flatnonzero(data.weights)
    found = post["posterior_predictive"]["y"]
    np.testing.assert_array_equal(found["obs"], used)
    drawn = post["posterior"]
    eta = drawn["coef"].values @ data.X[used].T + drawn["intercept"].values[..., None]
    z = (found.values - eta) * np.sqrt(data.weights[used]) / 1.5
    assert stats.kstest(z.ravel()[::50], "norm").pvalue > 1e-3
    without = sample(RIDGE, data, 2000, seed=1)
    assert "posterior_predictive" not in without.children
    np.testing.assert_array_equal(drawn["coef"], without["posterior"]["coef"])


def test_arviz_compares_it_with_the_data(post):
    import arviz_plots
    import matplotlib.pyplot as plt

    arviz_plots.plot_ppc_dist(post, backend="matplotlib")
    plt.close("all")


def test_seeds(data, post):
    X = data.X[:3]
    one, two, other = (predict(post, X, seed=s)["posterior_predictive"]["y"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.any(one.values == other.values)
    few = predict(sample(RIDGE, data, 2000, 2, seed=1), X, seed=1)["posterior_predictive"]["y"]
    np.testing.assert_array_equal(one[:2], few)
    fresh = predict(post, X)
    again = predict(post, X, seed=fresh.attrs["seed"])
    np.testing.assert_array_equal(
        fresh["posterior_predictive"]["y"], again["posterior_predictive"]["y"]
    )


def test_after_saving(post, data, tmp_path):
    import xarray as xr

    post.to_netcdf(tmp_path / "post.nc")
    with xr.open_datatree(tmp_path / "post.nc") as found:
        np.testing.assert_array_equal(
            predict(found, data.X[:2], seed=1)["posterior_predictive"]["y"],
            predict(post, data.X[:2], seed=1)["posterior_predictive"]["y"],
        )


def test_columns_offsets_and_trials_are_checked(data, post):
    import pandas as pd

    frame = pd.DataFrame(data.X[:3], columns=list(data.names))
    predict(post, frame, seed=1)
    with pytest.raises(DataError, match=r'another order.*X\[list\(post\["posterior"\]'):
        predict(post, frame[frame.columns[::-1]])
    with pytest.raises(DataError, match="3 columns, but the fit is on 7"):
        predict(post, data.X[:, :3])
    with pytest.raises(DataError, match="one row"):
        predict(post, data.X[0])
    with pytest.raises(DataTypeError, match="post must be a DataTree"):
        predict(data, data.X)
    with pytest.raises(ModelError, match="trials"):
        predict(post, data.X[:3], trials=[1, 2, 3])
    shifted = sample(RIDGE, Data(data.X, data.y, offset=np.ones(len(data.y))), seed=1)
    with pytest.raises(DataError, match="had an offset"):
        predict(shifted, data.X)
    assert predict(shifted, data.X, offset=0.0)["posterior_predictive"]["y"].shape[2] == len(data.y)


def test_too_many_numbers_are_refused(monkeypatch, post, data):
    from bayesreg.posterior import predictive

    monkeypatch.setattr(predictive, "MOST_NUMBERS", 20_000)
    with pytest.raises(ModelError, match="at most 2 rows at a time"):
        predict(post, data.X)


def test_unknown_sigma_is_that_of_the_draw(data):
    """The result of any sampler: here one made by hand, whose sigma differs by draw."""
    import xarray as xr

    sigma = np.tile([0.1, 10.0], (2, 2000))
    group = xr.Dataset(
        {"coef": (("chain", "draw", "feature"), np.zeros((2, 4000, 2))),
         "sigma": (("chain", "draw"), sigma)},
        coords={"chain": [0, 1], "draw": np.arange(4000), "feature": ["a", "b"]},
    )  # fmt: skip
    tree = xr.DataTree.from_dict({"posterior": group})
    tree.attrs["model"] = repr(Model(Gaussian(HalfNormal(1.0)), Laplace(1.0), intercept=None))
    y = predict(tree, np.ones((1, 2)), seed=1)["posterior_predictive"]["y"].values[..., 0]
    assert stats.kstest((y / sigma).ravel(), "norm").pvalue > 1e-3
