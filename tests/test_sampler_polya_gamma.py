"""Polya-Gamma Gibbs: its variates, and NUTS against it."""

import arviz_stats
import numpy as np
import pytest
from helpers import make_design
from scipy import stats

from bayesreg import (
    Bernoulli,
    Binomial,
    Data,
    ElasticNet,
    Flat,
    Laplace,
    Model,
    Normal,
    Poisson,
    sample,
)
from bayesreg._kernels.polya_gamma import polya_gamma
from bayesreg.errors import ModelError
from bayesreg.posterior import polya_gamma as sampler
from bayesreg.posterior.target import pose


def transform(t, z):
    """E exp(-t PG(1, z)) = cosh(z / 2) / cosh(sqrt(z^2 / 4 + t / 2))."""
    x = np.sqrt(z**2 / 4 + t / 2)
    return np.exp(np.abs(z) / 2 - x) * (1 + np.exp(-np.abs(z))) / (1 + np.exp(-2 * x))


@pytest.mark.parametrize("z", [0.0, 1e-6, 0.3, 2.0, 3.1, 3.2, 7.0, 40.0, 200.0, 3000.0])
def test_variates_have_their_laplace_transform(z):
    rng = np.random.default_rng(11)
    x = np.array([polya_gamma(z, rng) for _ in range(40_000)])
    assert np.all(x > 0)
    assert np.all(np.isfinite(x))
    scale = 1.0 / np.mean(x)
    for t in (0.1 * scale, scale, 5.0 * scale):
        values = np.exp(-t * x)
        z_score = (np.mean(values) - transform(t, z)) / (np.std(values) / 200.0)
        assert abs(z_score) < 4.5
    expected = 0.25 if z == 0 else np.tanh(z / 2) / (2 * z)
    assert abs(np.mean(x) - expected) < 4.5 * np.std(x) / 200.0


def test_variates_are_the_infinite_sum():
    """PG(1, z) = sum_k Exp(1) / ((k - 1/2)^2 + z^2 / (4 pi^2)) / (2 pi^2), by 400 terms."""
    rng = np.random.default_rng(12)
    z = 1.7
    k = np.arange(1, 401) - 0.5
    terms = 1.0 / (k**2 + z**2 / (4 * np.pi**2)) / (2 * np.pi**2)
    tail = 1.0 / (2 * np.pi**2 * 400.0)
    summed = rng.standard_exponential((4000, 400)) @ terms + tail
    drawn = np.array([polya_gamma(-z, rng) for _ in range(4000)])
    assert stats.ks_2samp(summed, drawn).pvalue > 0.001


def make_case(kind, n, p, seed=0):
    rng = np.random.default_rng([seed, n, p])
    X = make_design(n, p, seed)
    offset = 0.4 * rng.normal(size=n)
    probability = 1 / (1 + np.exp(-offset - 0.8 * X[:, 0]))
    if kind == "binomial":
        trials = rng.integers(1, 6, n)
        return Data(X, rng.binomial(trials, probability) * 1.0, offset=offset, trials=trials)
    weights = rng.integers(1, 4, n) * 1.0 if kind == "weighted" else None
    return Data(X, (rng.random(n) < probability) * 1.0, offset=offset, weights=weights)


CASES = {
    "laplace": (Bernoulli(), Laplace(0.4, loc=0.1), Flat(), "plain", 40, 4),
    "normal": (Bernoulli(), Normal(0.7), Normal(1.0), "plain", 25, 5),
    "binomial": (Binomial(), ElasticNet(0.4, 0.8), Flat(), "binomial", 20, 4),
    "weighted": (Bernoulli(), {"x[01]": Laplace(0.3), "x2": Flat()}, None, "weighted", 30, 3),
    "wide": (Bernoulli(), Laplace(0.3), Laplace(1.0), "plain", 8, 10),
}


def standard_error(x):
    return np.std(x) / np.sqrt(float(arviz_stats.ess(x, method="mean")))


def test_nuts_and_polya_gamma_agree():
    """Means and second moments of every coefficient, two samplers that share no kernel."""
    z = []
    for k, (likelihood, prior, intercept, kind, n, p) in enumerate(CASES.values()):
        model, data = Model(likelihood, prior, intercept), make_case(kind, n, p)
        one, other = (
            sample(model, data, seed=100 + k, draws=draws, chains=2, sampler=name)["posterior"]
            for name, draws in (("nuts", 5000), ("polya-gamma", 6000))
        )
        for f in (np.asarray, np.square):
            for j in range(p):
                x, y = (f(post["coef"].values[:, :, j]) for post in (one, other))
                z.append((np.mean(x) - np.mean(y)) / np.hypot(standard_error(x), standard_error(y)))
    assert len(z) >= 50
    assert np.max(np.abs(z)) < 4.5, z
    assert 0.75 < np.sqrt(np.mean(np.square(z))) < 1.25, z


def test_pinned_columns_stay():
    data = make_case("plain", 20, 3)
    X = np.array(data.X)
    X[:, 1] = 2.0
    model = Model(Bernoulli(), Normal(0.5, loc=0.25), standardize=True)
    post = sample(model, Data(X, data.y), seed=1, sampler="polya-gamma", draws=2000)
    assert np.all(post["posterior"]["coef"].values[:, :, 1] == 0.25)


def test_what_it_is_not_for():
    data = make_case("plain", 20, 3)
    for model, match in (
        (Model(Poisson(), Normal(1.0)), "Bernoulli or Binomial"),
        (Model(Bernoulli(), Normal(1.0)), "whole numbers"),
    ):
        with pytest.raises(ModelError, match=match):
            sample(model, Data(data.X, data.y, weights=np.full(20, 0.5)), sampler="polya-gamma")
    assert sampler.unsuited(pose(Model(Bernoulli(), Laplace(1.0)), data)) is None
