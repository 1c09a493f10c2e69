"""to_pymc: the joint log density is ours and scipy's, constants included, for every part."""

import subprocess
import sys

import numpy as np
import pytest
from densities import scipy_log_likelihood
from helpers import COMBINATIONS, LIKELIHOODS, MIXED_PRIOR, make_data, make_design, make_model
from scipy import integrate, stats

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    HalfNormal,
    Laplace,
    Model,
    Multinomial,
    Normal,
    Poisson,
    bind,
    to_pymc,
)
from bayesreg.errors import ModelError
from bayesreg.pymc import build_pymc, log_density_function


def largest_relative_difference(model, data, seed=0, points=20):
    density = log_density_function(model, data)
    problem = bind(model, data)
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(points):
        v = problem.start + 0.3 * rng.normal(size=problem.size)
        v = np.clip(v, problem.penalty.lower, problem.penalty.upper)
        coef, intercept = problem.coefficients(v)
        ours = model.log_density(data, coef, intercept)
        worst = max(worst, abs(density(coef, intercept) - ours) / abs(ours))
    return worst


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_log_density_is_the_model_s(likelihood, prior):
    data = make_data(likelihood)
    assert largest_relative_difference(make_model(likelihood, prior), data) < 1e-10


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("intercept", [Flat(), Normal(2.0, loc=1.0), ElasticNet(1.0, 2.0), None])
def test_weights_offset_and_intercepts(likelihood, intercept):
    data = make_data(likelihood, weights=True, offset=True)
    model = make_model(likelihood, MIXED_PRIOR, intercept)
    assert largest_relative_difference(model, data) < 1e-10


@pytest.mark.parametrize("prior", [Laplace(0.3, loc=0.1), ElasticNet(0.3, 0.5), Normal(0.5)])
def test_standardised_priors_with_a_constant_column(prior):
    X = make_design()
    X[:, 3] = 2.0
    data = Data(X, make_data(Poisson()).y)
    model = Model(Poisson(), prior, standardize=True)
    assert largest_relative_difference(model, data) < 1e-10
    pm_model = to_pymc(model, data)
    assert [variable.name for variable in pm_model.free_RVs] == ["coef_free", "intercept"]
    assert pm_model["coef"].type.shape == (7,)
    assert list(pm_model.coords["free_feature"]) == ["x0", "x1", "x2", "x4", "x5", "x6"]


def test_columns_pinned_altogether():
    data = Data(np.full((5, 2), 3.0), np.arange(5.0))
    model = Model(Gaussian(1.0), Laplace(1.0, loc=0.5), standardize=True)
    assert largest_relative_difference(model, data) < 1e-10


def test_one_changed_scale_is_noticed():
    """The comparison above has power: 0.01% in one scale is far beyond its tolerance."""
    data = make_data(Bernoulli())
    density = log_density_function(make_model(Bernoulli(), Laplace(0.3 * 1.0001)), data)
    coef = np.full(7, 0.1)
    ours = make_model(Bernoulli(), Laplace(0.3)).log_density(data, coef, 0.2)
    assert abs(density(coef, 0.2) - ours) > 1e-7 * abs(ours)


def test_names_dimensions_and_rows():
    data = make_data(Gaussian(1.5), weights=True)
    pm_model = to_pymc(make_model(prior=Laplace(0.3)), data)
    assert [variable.name for variable in pm_model.free_RVs] == ["coef", "intercept"]
    assert pm_model.named_vars_to_dims["coef"] == ("feature",)
    assert pm_model.named_vars_to_dims["y"] == ("obs",)
    assert list(pm_model.coords["feature"]) == list(data.names)
    assert list(pm_model.coords["obs"]) == np.flatnonzero(data.weights).tolist()


def test_named_priors_sample_from_the_prior():
    import pymc as pm

    pm_model = to_pymc(make_model(prior=Laplace(0.3), intercept=Normal(1.0)), make_data(Poisson()))
    with pm_model:
        drawn = pm.draw(pm_model["coef"], draws=4000, random_seed=1)
    assert stats.kstest(drawn.ravel(), stats.laplace(scale=0.3).cdf).pvalue > 0.001


def test_unknown_likelihoods_and_bounds_on_classes_are_refused():
    from dataclasses import replace

    problem = bind(make_model(), make_data(Gaussian(1.5)))
    with pytest.raises(ModelError, match="no counterpart"):
        build_pymc(replace(problem, likelihood="Cauchy()"), list("abcdefg"), range(problem.n))
    classes = Data(make_design(), np.arange(len(make_design())) % 3)
    with pytest.raises(ModelError, match="bounds on coefficients of classes"):
        to_pymc(Model(Multinomial(), HalfNormal(1.0)), classes)


def test_importing_the_module_does_not_import_pymc():
    code = "import sys, bayesreg.pymc; print('pymc' in sys.modules, 'scipy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_log_likelihood_against_scipy(likelihood):
    data = make_data(likelihood, weights=True, offset=True)
    model = make_model(likelihood)
    rng = np.random.default_rng(1)
    for _ in range(20):
        coef, intercept = 0.2 * rng.normal(size=7), rng.normal()
        eta = data.offset + intercept + data.X @ coef
        expected = scipy_log_likelihood(likelihood, data, eta)
        found = model.log_likelihood(data, coef, intercept)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("prior", "density"),
    [
        (Laplace(0.3, loc=0.2), lambda w: stats.laplace.logpdf(w, 0.2, 0.3)),
        (Normal(0.3, loc=0.2), lambda w: stats.norm.logpdf(w, 0.2, 0.3)),
        (Laplace(0.3, relative_to_noise=True), lambda w: stats.laplace.logpdf(w, 0, 0.45)),
        (Flat(), np.zeros_like),
    ],
)
def test_log_prior_against_scipy(prior, density):
    data, model = make_data(Gaussian(1.5)), make_model(prior=prior, intercept=Normal(2.0, loc=1.0))
    w = np.random.default_rng(2).normal(size=7)
    expected = np.sum(density(w)) + stats.norm.logpdf(0.7, 1.0, 2.0)
    assert model.log_prior(data, w, 0.7) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("b", "tau"), [(0.3, 0.5), (5.0, 0.2), (0.01, 3.0)])
def test_elastic_net_prior_integrates_to_one(b, tau):
    prior = ElasticNet(b, tau, loc=0.2)
    width = 40 * min(b, tau)
    half, _ = integrate.quad(lambda w: np.exp(prior.log_density(w)), 0.2, 0.2 + width, epsabs=1e-13)
    assert 2 * half == pytest.approx(1.0, rel=1e-10)
