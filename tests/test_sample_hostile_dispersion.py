"""Dispersions over which the posterior does not integrate are refused, and only those."""

import numpy as np
import pytest
from helpers import make_design
from scipy.integrate import quad

from bayesreg import (
    Data,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Model,
    NegativeBinomial,
    Normal,
    Uniform,
    sample,
)
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.target import pose

X = make_design(20, 2)
COUNTS = np.random.default_rng(0).poisson(2.0, 20).astype(float)


def check(likelihood, y, prior=None, rows=slice(None), weights=None, **parts):
    data = Data(X[rows], y[rows], weights=weights)
    model = Model(likelihood, Normal(1.0) if prior is None else prior, **parts)
    require_proper(pose(model, data), data.names)


def refused(match, *arguments, **parts):
    with pytest.raises(ImproperPosteriorError, match=match):
        check(*arguments, **parts)


EXACT = np.exp(X @ [1.0, 2.0] - 0.5)


@pytest.mark.parametrize("prior", [HalfNormal(1.0), Exponential(2.0), Flat(), Jeffreys()], ids=str)
def test_a_gamma_target_that_is_fitted_exactly(prior):
    refused("phi goes to 0", Gamma(prior), EXACT)
    refused("phi goes to 0", Gamma(prior), np.full(20, 3.0))
    refused("phi goes to 0", Gamma(prior), np.ones(20), Normal(1.0), intercept=None)


def test_a_density_that_vanishes_at_zero_closes_it():
    check(Gamma(InverseGamma(2.0, 1.0)), EXACT)
    check(Gamma(Uniform(0.1, 1.0)), EXACT)
    check(Gamma(HalfNormal(1.0)), EXACT * np.where(np.arange(20) == 7, 1.001, 1.0))


def test_spare_weight_decides_where_phi_goes_to_zero():
    # Rank 3: with N = 4 phi^(-1/2) has a finite integral, with N = 5 phi^(-1) has not.
    check(Gamma(HalfNormal(1.0)), EXACT, rows=slice(4))
    refused("phi goes to 0", Gamma(HalfNormal(1.0)), EXACT, rows=slice(5))
    refused("phi goes to 0", Gamma(HalfNormal(1.0)), EXACT, rows=slice(4), weights=np.full(4, 1.25))
    check(Gamma(HalfNormal(1.0)), EXACT, rows=slice(3))
    refused("phi goes to 0", Gamma(Jeffreys()), EXACT, rows=slice(3))


def test_the_power_of_a_gamma_likelihood_with_an_exact_fit():
    """N rows with y = 1 and a flat intercept: phi^-((N - 1) / 2), by quadrature."""

    def log_marginal(phi, n=4):
        likelihood, row = Gamma(phi), np.ones(1)
        constant = likelihood.constant(row, row)[0]
        height = quad(
            lambda u: np.exp(
                -n * (likelihood.loss(row, np.array([u * np.sqrt(phi)]))[0])
            ), -12, 12,
        )[0]  # fmt: skip
        return np.log(height * np.sqrt(phi)) - n * constant

    slope = (log_marginal(1e-8) - log_marginal(1e-6)) / np.log(1e-2)
    assert slope == pytest.approx(-1.5, abs=1e-5)


def test_few_rows_and_a_density_of_phi_that_does_not_fall():
    noisy = np.exp(np.random.default_rng(1).normal(size=20))
    prior = {"x0": Flat(), "x1": Normal(1.0)}
    refused("phi goes to infinity", Gamma(Flat()), noisy, prior, rows=slice(3))
    check(Gamma(Flat()), noisy, prior, rows=slice(4))
    check(Gamma(HalfCauchy(1.0)), noisy, prior, rows=slice(3))


@pytest.mark.parametrize("prior", [Flat(), Jeffreys()], ids=str)
def test_counts_do_not_bound_alpha(prior):
    refused("alpha goes to infinity", NegativeBinomial(prior), COUNTS)
    with pytest.raises(ImproperPosteriorError, match="Poisson"):
        sample(Model(NegativeBinomial(prior), Normal(1.0)), Data(X, COUNTS), seed=1)
    check(NegativeBinomial(HalfCauchy(1.0)), COUNTS)


def test_flat_coefficients_and_hardly_a_count():
    y = np.zeros(20)
    y[0] = 3.0
    design = np.column_stack([np.where(np.arange(20) % 2, 1.0, -1.0)])
    design[0] = 0.0
    data = Data(design, y)
    model = Model(NegativeBinomial(HalfNormal(1.0)), Flat())
    with pytest.raises(ImproperPosteriorError, match="alpha goes to 0"):
        require_proper(pose(model, data), data.names)
    model = Model(NegativeBinomial(HalfNormal(1.0)), Normal(1.0))
    require_proper(pose(model, data), data.names)
