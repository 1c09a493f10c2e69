"""Posteriors that do not integrate are refused before sampling, with the reason."""

import numpy as np
import pytest
from helpers import make_data, make_design

from bayesreg import (
    Bernoulli,
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    HalfNormal,
    Laplace,
    Model,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    bind,
    sample,
)
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


@pytest.mark.parametrize(
    "likelihood", [Gaussian(0.5), Gaussian(HalfNormal(1.0)), StudentT(3.0, sigma=1.0)], ids=repr
)
@pytest.mark.parametrize(
    "prior", [Normal(Flat()), StudentT(3.0, Flat()), ElasticNet(1.0, 1.0, scale=Flat())], ids=repr
)
def test_a_flat_scale_between_two_bounds(likelihood, prior):
    """The prior becomes uniform: the likelihood of its scale goes to a constant."""
    data = make_data(Gaussian(1.0))
    with pytest.raises(ImproperPosteriorError, match="scale goes to infinity"):
        require_proper(pose(Model(likelihood, Truncated(prior, -2.0, 2.0)), data), data.names)
    for proper in (prior, Truncated(prior, lower=-2.0)):
        require_proper(pose(Model(likelihood, proper), data), data.names)


@pytest.mark.parametrize(
    ("nu", "weight", "proper"),
    [(1, 0.1, False), (1, 0.11, True), (3, 0.05, False), (3, 0.06, True)],
)
def test_rows_of_student_t_must_hold_a_flat_intercept(nu, weight, proper):
    """Five rows fall like |a|^-(5 weight (nu + 1)), which must be faster than 1 / |a|."""
    data = Data(make_design(5, 1), np.arange(5.0), weights=np.full(5, weight))
    posterior = pose(Model(StudentT(nu, sigma=1.0), Normal(1.0)), data)
    if proper:
        require_proper(posterior, data.names)
        return
    with pytest.raises(ImproperPosteriorError, match="flat prior of the intercept"):
        require_proper(posterior, data.names)
