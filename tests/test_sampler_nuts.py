"""NUTS: against Stan's posterior, quadrature and the specialised samplers."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_sampler_exact import make_case
from test_sampler_gibbs import z_of_mean

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    Laplace,
    Model,
    Normal,
    Poisson,
    bind,
    sample,
)
from bayesreg.posterior import nuts

REFERENCE = Path(__file__).parent / "reference"


def standard_error(x):
    import arviz_stats

    return np.std(x) / np.sqrt(float(arviz_stats.ess(x, method="mean")))


def test_pima_against_stan():
    """All eight means within four Monte Carlo errors, Stan's and ours combined."""
    case = json.loads((REFERENCE / "stan_logit_pima_laplace.json").read_text())
    data = Data(np.array(case["X"]), np.array(case["y"]), names=case["x_columns"])
    scale = case["prior_on_coefficients"]["scale"]
    post = sample(Model(Bernoulli(), Laplace(scale)), data, seed=1)
    assert post.attrs["sampler"] == "nuts"
    assert post.attrs["divergences"] == 0
    rows = {row["variable"]: row for row in case["summary"]}
    coef = post["posterior"]["coef"]
    ours = {name: coef.sel(feature=name).values for name in data.names}
    ours["(Intercept)"] = post["posterior"]["intercept"].values
    assert set(ours) <= set(rows)
    z = {
        name: (np.mean(x) - rows[name]["mean"])
        / np.hypot(standard_error(x), rows[name]["mcse_mean"])
        for name, x in ours.items()
    }
    assert len(z) == 8
    assert max(abs(value) for value in z.values()) < 4.0, z
    for name, x in ours.items():
        assert np.std(x) == pytest.approx(rows[name]["sd"], rel=0.1)


def poisson_quadrature(model, data):
    """E[w], E[a] and P(w > 0) for one column and an intercept, on a grid."""
    w, a = np.meshgrid(np.arange(-1499.5, 1500) * 2e-3, np.arange(-8, 7, 6e-3), indexing="ij")
    log_p = np.zeros_like(w)
    for x, y, s, o in zip(data.X[:, 0], data.y, data.weights, data.offset, strict=True):
        eta = o + a + x * w
        log_p += s * (y * eta - np.exp(eta))
    log_p += model.prior.log_density(w) + model.intercept.log_density(a)
    p = np.exp(log_p - np.max(log_p))
    p /= np.sum(p)
    assert max(p[0].sum(), p[-1].sum(), p[:, 0].sum(), p[:, -1].sum()) < 1e-8
    return np.sum(p * w), np.sum(p * a), np.sum(p * (w > 0))


@pytest.mark.parametrize("intercept", [Flat(), Normal(0.5, loc=1.0)], ids=str)
def test_weighted_poisson_against_quadrature(intercept):
    """An uncentred column, weights, an offset: centring for NUTS must not change the answer."""
    rng = np.random.default_rng(3)
    x, offset, weights = rng.normal(2.0, 0.5, 15), rng.normal(0, 0.3, 15), rng.uniform(0, 2, 15)
    y = rng.poisson(np.exp(offset + 0.3 * x))
    data = Data(x[:, None], y, weights=weights, offset=offset)
    model = Model(Poisson(), ElasticNet(0.4, 0.8, loc=0.1), intercept)
    expected = poisson_quadrature(model, data)
    post = sample(model, data, seed=2)["posterior"]
    w, a = post["coef"].values[:, :, 0], post["intercept"].values
    z = [z_of_mean(x, e) for x, e in zip((w, a, (w > 0) * 1.0), expected, strict=True)]
    assert np.max(np.abs(z)) < 4.5, z


def test_oracle_of_the_gibbs_sampler():
    """A mix of priors, p > n, a pinned column: NUTS and Gibbs agree."""
    data = make_case(6, 9, weights=True, offset=True)
    X = data.X.copy()
    X[:, 4] = 1.0
    data = Data(X, data.y, weights=data.weights, offset=data.offset)
    prior = {"x[0-5]": Laplace(0.4, loc=0.1), "x[67]": Normal(0.5), "x8": ElasticNet(0.3, 0.5)}
    model = Model(Gaussian(1.3), prior, Normal(2.0), standardize=True)
    one = sample(model, data, seed=1, draws=4000, sampler="gibbs")["posterior"]
    other = sample(model, data, seed=2, sampler="nuts")["posterior"]
    for j in (0, 1, 2, 3, 5, 6, 7, 8):
        for f in (np.asarray, np.abs):
            x, y = (f(post["coef"].values[:, :, j]) for post in (one, other))
            z = (np.mean(x) - np.mean(y)) / np.hypot(standard_error(x), standard_error(y))
            assert abs(z) < 4.5, (j, z)
    assert np.all(other["coef"].values[:, :, 4] == 0.1)


def test_wild_units_and_a_far_start_still_converge():
    """Columns of sd 1e-4 and 1e4 about means of 1e5: the metric starts at the curvature."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 2))
    y = rng.poisson(np.exp(0.5 + X @ [0.4, -0.3]))
    data = Data(X * [1e-4, 1e4] + [1e-3, 1e5], y)
    model = Model(Poisson(), {"x0": Laplace(1e4), "x1": Laplace(1e-4)})
    post = sample(model, data, seed=4, draws=500, tune=600)
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] == 0


@pytest.mark.parametrize("intercept", [Flat(), Normal(2.0), None], ids=str)
def test_centring_keeps_the_density(intercept):
    """The centred problem at the moved point is the problem at the point; and back again."""
    data = make_case(20, 3, weights=True, offset=True)
    problem = bind(Model(Gaussian(1.3), Laplace(0.4), intercept), data)
    centred, mean = nuts._centred(problem)
    v = np.random.default_rng(0).normal(size=(5, problem.size))
    moved = nuts._moved(v, mean, +1.0)
    for before, after in zip(v, moved, strict=True):
        assert centred.value(after) == pytest.approx(problem.value(before), rel=1e-12)
    np.testing.assert_allclose(nuts._moved(moved, mean, -1.0), v, atol=1e-13)


def test_starts_are_dispersed_and_reachable():
    model = Model(Poisson(), Laplace(1000.0))
    problem = bind(model, Data(np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 0])))
    for seed in range(100):
        start = nuts.dispersed_start(
            problem, problem.start, np.full(2, 1e4), np.random.default_rng(seed)
        )
        assert np.all(start != problem.start)
        assert problem.value(start) < problem.value(problem.start) + 10.0


def test_the_same_seed_and_fewer_chains():
    data = Data(np.random.default_rng(1).normal(size=(20, 2)), np.arange(20) % 2)
    model = Model(Bernoulli(), Laplace(0.5))
    kwargs = {"seed": 3, "draws": 40, "tune": 40, "sampler": "nuts"}
    runs = []
    for chains in (3, 3, 2):
        with pytest.warns(match="fall short"):
            runs.append(sample(model, data, chains=chains, **kwargs)["posterior"])
    np.testing.assert_array_equal(runs[0]["coef"], runs[1]["coef"])
    np.testing.assert_array_equal(runs[0]["coef"].values[:2], runs[2]["coef"].values)
    np.testing.assert_array_equal(runs[0]["intercept"].values[:2], runs[2]["intercept"].values)
