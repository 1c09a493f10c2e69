"""Sampling a sparse X: rows reduced block by block have the same posterior, in little memory."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

import bayesreg as br
from bayesreg.errors import ModelError
from bayesreg.posterior import free_rows as module
from bayesreg.posterior import sampling
from bayesreg.posterior.components import affine_map, reduce
from bayesreg.posterior.contrasts import contrasts_of
from bayesreg.posterior.marginal import Kind
from bayesreg.posterior.target import pose
from bayesreg.posterior.whitening import whiten

INTERCEPTS = {"flat": br.Flat(), "normal": br.Normal(2.0), "none": None}


def make_data(n=300, p=7, seed=1):
    """Two thirds zeros, a column far from 0, weights and an offset."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, p)) < 1 / 3, rng.normal(size=(n, p)), 0.0)
    X[:, 2] = np.where(X[:, 2] != 0.0, X[:, 2] + 50.0, 0.0)
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    weights, offset = rng.uniform(0.5, 2.0, n), rng.normal(size=n)
    return (br.Data(part, y, weights, offset) for part in (X, sp.csc_array(X)))


def model_with(intercept, sigma=1.5):
    priors = {"x[0-3]": br.Normal(0.7), "x[45]": br.Flat(), "x6": br.Normal(1.2, loc=0.3)}
    return br.Model(br.Gaussian(sigma), priors, intercept=intercept)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "_NUMBERS_AT_A_TIME", 16)


def same_law(one, other):
    """Equal maps from (1, u, noise) to v, and equal laws of u: A'A, A't."""
    np.testing.assert_allclose(
        one.design.T @ one.design, other.design.T @ other.design, rtol=1e-11, atol=1e-10
    )
    np.testing.assert_allclose(
        one.design.T @ one.target, other.design.T @ other.target, rtol=1e-10, atol=1e-9
    )
    assert one.target @ one.target == pytest.approx(other.target @ other.target, rel=1e-11)
    maps = affine_map(one.completion), affine_map(other.completion)
    for name in ("origin", "on_prior"):
        np.testing.assert_allclose(*(getattr(part, name) for part in maps), rtol=1e-10, atol=1e-11)
    covariances = [part.on_noise.T @ part.on_noise for part in maps]
    np.testing.assert_allclose(*covariances, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("intercept", INTERCEPTS.values(), ids=INTERCEPTS)
def test_blocks_of_rows_have_the_law_of_all_rows(intercept, small_blocks):
    model = model_with(intercept)
    dense, sparse = make_data()
    problems = [pose(model, data).problem for data in (dense, sparse)]
    one, other = (whiten(problem) for problem in problems)
    assert other.design.shape[0] < 12 < one.design.shape[0]
    same_law(one, other)


@pytest.mark.parametrize("intercept", INTERCEPTS.values(), ids=INTERCEPTS)
def test_contrasts_and_what_is_left_of_y_agree(intercept, small_blocks):
    model = model_with(intercept)
    found = []
    for data in make_data():
        problem = pose(model, data).problem
        proper = np.flatnonzero(~problem.penalty.is_flat)
        found.append(contrasts_of(problem, proper, np.linspace(0.5, 2.0, proper.size)))
    one, other = found
    assert one.contrasts == other.contrasts
    assert one.rest == pytest.approx(other.rest, rel=1e-11)
    np.testing.assert_allclose(
        one.design.T @ one.design, other.design.T @ other.design, rtol=1e-11, atol=1e-10
    )


def test_evidence_agrees(small_blocks):
    model = model_with(br.Flat())
    parts = [reduce(pose(model, data), Kind.FIXED) for data in make_data()]
    ratio = np.array([0.1, 1.0, 3.0])
    one, other = (part.determinant_and_squares(ratio) for part in parts)
    np.testing.assert_allclose(one, other, rtol=1e-11)
    assert parts[0].constant == pytest.approx(parts[1].constant, rel=1e-13)


@pytest.mark.parametrize("prior", [br.Normal(0.5), br.Laplace(0.5)], ids=["exact", "gibbs"])
def test_draws_of_a_large_sparse_matrix_need_no_dense_one(prior):
    """150,000 x 120 at one entry in a hundred: 144 MB if dense."""
    rng = np.random.default_rng(3)
    n, p = 150_000, 120
    X = sp.random_array((n, p), density=0.01, rng=rng, format="csc")
    truth = rng.normal(size=p)
    y = X @ truth + 0.5 * rng.normal(size=n)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), prior)
    br.sample(model, br.Data(X[:40, :3], y[:40]), 1000, 2, seed=1, progress=False)  # compiles
    tracemalloc.start()
    post = br.sample(model, data, 1500, 2, seed=1, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    # So many rows leave nothing to the priors' shapes: the posterior is normal about the mode.
    mode = br.find_map(model.at_sigma(0.5), data).coef
    mean = X.mean(axis=0)
    precision = ((X.T @ X).toarray() - n * np.outer(mean, mean)) / 0.25
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))
    coef = post["posterior"]["coef"]
    np.testing.assert_array_less(np.abs(coef.mean(("chain", "draw")) - mode), 0.15 * sd)
    np.testing.assert_allclose(coef.std(("chain", "draw")), sd, rtol=0.1)


def test_the_result_holds_the_matrix_as_it_is(monkeypatch):
    monkeypatch.setattr(sampling, "_UNPACKED", 0)
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Laplace(0.5))
    dense, sparse = make_data()
    one, other = (br.sample(model, data, seed=1, progress=False) for data in (dense, sparse))
    assert "X" not in other["constant_data"]
    table = br.sensitivity(other)
    new = sp.csc_array(np.eye(7))
    offset = np.zeros(7)
    mu = [br.predict(post, X, offset=offset, seed=1)["posterior_predictive"]["mu"].values
          for post, X in ((one, np.eye(7)), (other, new))]  # fmt: skip
    np.testing.assert_allclose(mu[0].mean((0, 1)), mu[1].mean((0, 1)), atol=0.2)
    assert table.names == br.sensitivity(one).names


def test_samplers_that_need_a_dense_matrix_say_what_it_would_take():
    n, p = 200_000, 20_000
    X = sp.csc_array((np.ones(2), ([0, n - 1], [0, p - 1])), shape=(n, p))
    y = np.zeros(n)
    y[0] = 1.0
    with pytest.raises(ModelError, match=r"'nuts' works on a dense X.*32 GB"):
        br.sample(br.Model(br.Bernoulli(), br.Normal(1.0)), br.Data(X, y), 10, 1, progress=False)
