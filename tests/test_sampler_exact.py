"""Exact draws: the closed-form normal posterior, computed here by the textbook formula."""

import numpy as np
import pytest
from helpers import engine_draws, make_design
from scipy import stats

from bayesreg import Data, ElasticNet, Flat, Gaussian, Laplace, Model, Normal, bind
from bayesreg.posterior import exact
from bayesreg.posterior.target import pose
from bayesreg.posterior.whitening import whiten

N_DRAWS = 4000


def draws_of(model, data, seed=1, draws=N_DRAWS, sampler=exact):
    v = engine_draws(sampler, model, data, seed, draws).v
    return v.reshape(-1, v.shape[2])


def closed_form(model, data):
    """Mean and covariance of (coef, intercept): P = X'SX / sigma^2 + diag(l2)."""
    problem = bind(model, data)
    X = problem.block(np.arange(problem.size))
    s = problem.weights / model.likelihood.sigma**2
    P = (X * s[:, None]).T @ X + np.diag(problem.penalty.l2)
    right = X.T @ (s * (problem.y - problem.offset)) + problem.penalty.l2 * problem.penalty.loc
    return np.linalg.solve(P, right), np.linalg.inv(P)


def p_values(v, mean, covariance):
    """Of the mean (chi-square on d) and of the covariance (chi-square on d (d + 1) / 2)."""
    n, d = v.shape
    z = np.linalg.solve(np.linalg.cholesky(covariance), (v - mean).T).T
    C = z.T @ z / n - np.eye(d)
    of_mean = n * np.sum(np.mean(z, axis=0) ** 2)
    of_spread = n / 2 * np.sum(C**2)
    return stats.chi2.sf(of_mean, d), stats.chi2.sf(of_spread, d * (d + 1) / 2)


def make_case(n, p, weights=False, offset=False, sigma=1.3):
    rng = np.random.default_rng([n, p])
    X = make_design(n, p)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    shift = rng.normal(size=n) if offset else None
    y = 2.0 + X[:, 0] + sigma * rng.normal(size=n) + (0.0 if shift is None else shift)
    return Data(X, y, weights=s, offset=shift)


PRIORS = {
    "normal": Normal(0.5),
    "loc": Normal(0.5, loc=1.5),
    "scales": {"x[0-2]": Normal([0.1, 1.0, 10.0], loc=[0.0, 3.0, -1.0]), "*": Normal(0.4)},
}


def with_rest(prior, data):
    """A glob '*' stands for the columns that no other key reaches."""
    if not isinstance(prior, dict):
        return prior
    return {"x[0-2]": prior["x[0-2]"], **dict.fromkeys(data.names[3:], prior["*"])}


@pytest.mark.parametrize("intercept", [Flat(), Normal(0.7, loc=1.0), None], ids=str)
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9), (1, 3)])
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "weights-offset"])
def test_moments_are_the_closed_form(n, p, prior, intercept, extras):
    data = make_case(n, p, weights=extras, offset=extras)
    model = Model(Gaussian(1.3), with_rest(PRIORS[prior], data), intercept)
    mean, spread = p_values(draws_of(model, data), *closed_form(model, data))
    assert min(mean, spread) > 1e-4


def test_p_values_are_uniform_over_seeds():
    """Not only large: small p values as often as they should be, for mean and spread."""
    data = make_case(6, 9)
    model = Model(Gaussian(1.3), Normal(0.5, loc=0.3))
    reference = closed_form(model, data)
    found = np.array([p_values(draws_of(model, data, seed, 500), *reference) for seed in range(60)])
    assert stats.kstest(found.T, "uniform", axis=1).pvalue.min() > 0.001


@pytest.mark.parametrize(("n", "p"), [(40, 5), (6, 9)])
def test_a_wrong_scale_is_caught(n, p):
    """Power: draws under a prior 10% too narrow fail the same test."""
    data = make_case(n, p)
    reference = closed_form(Model(Gaussian(1.3), Normal(0.2)), data)
    assert min(p_values(draws_of(Model(Gaussian(1.3), Normal(0.18)), data), *reference)) < 1e-6


@pytest.mark.parametrize("intercept", [Flat(), Normal(2.0), None], ids=str)
def test_flat_columns(intercept):
    data = make_case(40, 5, weights=True)
    model = Model(Gaussian(1.3), {"x[02]": Flat(), "x[134]": Normal(0.3)}, intercept)
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4


def test_flat_columns_with_more_columns_than_rows():
    data = make_case(8, 12)
    model = Model(Gaussian(1.3), {"x[0-2]": Flat(), "x[3-9]": Normal(0.3), "x1?": Normal(0.3)})
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4


def test_everything_flat_is_least_squares():
    data = make_case(40, 5)
    model = Model(Gaussian(1.3), Flat())
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4


def test_a_vague_prior():
    data = make_case(40, 5)
    model = Model(Gaussian(1.3), Normal(1e6))
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4


def test_a_large_mean_costs_no_digits():
    """Columns whose spread is a billionth of their mean: centred first, so nothing is lost."""
    data = make_case(40, 3)
    shifted = Data(data.X + 1e6, data.y)
    model = Model(Gaussian(1.3), Normal(0.5))
    near, far = draws_of(model, data)[:, :3], draws_of(model, shifted)[:, :3]
    np.testing.assert_allclose(far, near, rtol=0, atol=1e-8)


@pytest.mark.parametrize("factor", [2.0**40, 2.0**-40, 1e150, 1e-150])
@pytest.mark.parametrize("shape", [(40, 5), (6, 9)])
def test_units_do_not_matter(factor, shape):
    data = make_case(*shape)
    scaled = Data(data.X * factor, data.y)
    one = Model(Gaussian(1.3), Normal(0.5)), data
    other = Model(Gaussian(1.3), Normal(0.5 / factor)), scaled
    results = [draws_of(*each, draws=50)[:, :-1] * bind(*each).unit for each in (one, other)]
    np.testing.assert_allclose(results[1] * factor, results[0], rtol=1e-9, atol=1e-11)


def test_wildly_different_prior_scales():
    """One nearly flat column among tight ones, p > n: the q x q form takes over."""
    data = make_case(6, 9)
    tight = {name: Normal(0.3) for name in data.names[1:]}
    mean, covariance = closed_form(Model(Gaussian(1.3), {"x0": Flat(), **tight}), data)
    v = draws_of(Model(Gaussian(1.3), {"x0": Normal(1e12), **tight}), data)
    assert min(p_values(v, mean, covariance)) > 1e-4


@pytest.mark.parametrize(("n", "p"), [(40, 5), (9, 9), (6, 9)])
@pytest.mark.parametrize(
    "scales", [[0.5] * 9, [1e-3, 1.0, 30.0] * 3, [1e10, *[0.3] * 8]], ids=["even", "mixed", "vague"]
)
def test_the_map_from_noise_to_draws_is_the_closed_form(n, p, scales):
    """Without randomness: u = m + L z has P m = A't and L'P L = I, also for uneven scales."""
    model = Model(Gaussian(1.3), Normal(scales[:p]))
    rows = whiten(bind(model, make_case(n, p)))
    transform = exact._transform(rows)
    mean = transform(np.zeros((1, p)))[0]
    L = (transform(np.eye(p)) - mean).T
    design = np.vstack([rows.design, np.diag(np.sqrt(rows.l2))])
    size = np.linalg.norm(design, axis=0)
    moment = rows.design.T @ rows.target
    np.testing.assert_allclose((design.T @ (design @ mean) - moment) / size, 0, atol=1e-7)
    np.testing.assert_allclose((design @ L).T @ (design @ L), np.eye(p), atol=1e-7)


def test_zero_and_duplicate_columns_have_their_exact_posterior():
    X = np.column_stack([np.arange(6.0), np.arange(6.0), np.zeros(6)])
    data = Data(X, np.array([0.1, 1.3, 1.8, 3.3, 4.1, 4.8]))
    model = Model(Gaussian(1.0), Normal(0.5))
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4


def test_pinned_columns_stay_and_shift_the_rest():
    X = np.column_stack([np.full(20, 3.0), make_design(20, 2)])
    data = Data(X, make_case(20, 2).y)
    model = Model(Gaussian(1.3), Normal(0.5, loc=0.25), intercept=None, standardize=True)
    v = draws_of(model, data)
    assert np.all(v[:, 0] == 0.25)
    rest = Data(X[:, 1:], data.y - 3.0 * 0.25)
    mean, covariance = closed_form(Model(Gaussian(1.3), model.prior, None, standardize=True), rest)
    assert min(p_values(v[:, 1:], mean, covariance)) > 1e-4


def test_only_an_intercept_is_left():
    data = Data(np.full((9, 1), 2.0), np.arange(9.0))
    v = draws_of(Model(Gaussian(3.0), Normal(1.0), standardize=True), data)
    assert np.all(v[:, 0] == 0.0)
    assert stats.kstest(v[:, 1], stats.norm(4.0, 1.0).cdf).pvalue > 0.001


@pytest.mark.parametrize("prior", [Laplace(1.0), ElasticNet(1.0, 1.0)])
def test_a_kink_is_not_for_exact_draws(prior):
    assert "kink" in exact.unsuited(pose(Model(Gaussian(1.0), prior), make_case(10, 2)))


def test_elastic_net_without_its_laplace_part_is_exact():
    data = make_case(20, 3)
    model = Model(Gaussian(1.3), ElasticNet(np.inf, 0.5))
    assert min(p_values(draws_of(model, data), *closed_form(model, data))) > 1e-4
