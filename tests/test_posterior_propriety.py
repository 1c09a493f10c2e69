"""Posteriors that do not integrate are refused before sampling, with the reason."""

import numpy as np
import pytest
from helpers import make_data, make_design

from bayesreg import Bernoulli, Data, Flat, Gaussian, Laplace, Model, Normal, Poisson, bind, sample
from bayesreg.errors import ImproperPosteriorError
from bayesreg.posterior.propriety import redundant_columns, require_proper
from bayesreg.posterior.target import pose


def refused(model, data, match):
    with pytest.raises(ImproperPosteriorError, match=match):
        sample(model, data, seed=1)


def test_more_flat_columns_than_the_data_can_tell():
    X = make_design(20, 3)
    data = Data(np.column_stack([X, X[:, 0] - 2 * X[:, 1]]), X[:, 0])
    refused(Model(Gaussian(1.0), Flat()), data, "combination")
    prior = {"x[0-2]": Flat(), "x3": Normal(1.0)}
    assert sample(Model(Gaussian(1.0), prior), data, seed=1).attrs["sampler"] == "exact"
    refused(Model(Gaussian(1.0), Flat()), make_data(Gaussian(1.0), n=5), "combination")


@pytest.mark.parametrize("likelihood", [Gaussian(1.0), Bernoulli(), Poisson()], ids=str)
def test_a_constant_flat_column_beside_a_flat_intercept(likelihood):
    base = make_data(likelihood)
    data = Data(np.column_stack([base.X[:, :1], np.full(60, 0.1)]), base.y)
    prior = {"x0": Normal(1.0), "x1": Flat()}
    refused(Model(likelihood, prior), data, "x1.*flat intercept")
    without = bind(Model(likelihood, prior, intercept=None), data)
    assert redundant_columns(without).size == 0


def test_the_rank_does_not_depend_on_units_or_means():
    X = make_design(20, 3) * [1e-9, 1.0, 1e9] + [0.0, 1e6, 0.0]
    problem = bind(Model(Gaussian(1.0), Flat()), Data(X, np.arange(20.0)))
    assert redundant_columns(problem).size == 0


@pytest.mark.parametrize(
    ("likelihood", "y"),
    [(Bernoulli(), np.ones(8)), (Bernoulli(), np.zeros(8)), (Poisson(), np.zeros(8))],
)
def test_one_class_or_no_counts_with_a_flat_intercept(likelihood, y):
    data = Data(make_design(8, 2), y)
    refused(Model(likelihood, Laplace(1.0)), data, "intercept")
    require_proper(pose(Model(likelihood, Laplace(1.0), Normal(2.0)), data), data.names)


def test_separation_along_flat_columns():
    x = np.arange(10.0)
    y = (x > 4.5).astype(float)
    noise = np.random.default_rng(0).normal(size=10)
    data = Data(np.column_stack([x, noise]), y)
    refused(Model(Bernoulli(), {"x0": Flat(), "x1": Normal(1.0)}), data, "separat")
    counts = Data(np.column_stack([(x > 7) * 1.0, noise]), (x < 7) * (1 + x))
    refused(Model(Poisson(), {"x0": Flat(), "x1": Normal(1.0)}), counts, "separat")
