"""Elicited scales: does the prior put R2 where it was believed, by simulation written down anew."""

import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.scales.explained import rest_of_variance
from bayesreg.scales.prior_draws import prior_draws


def some_data(n=60, p=6, seed=0, y=None, **more):
    X = np.random.default_rng(seed).normal(size=(n, p)) * np.linspace(0.5, 2.0, p) + 3.0
    return br.Data(X, np.random.default_rng(1).normal(size=n) if y is None else y, **more)


def shares(X, w, rest, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    eta = w @ X.T
    centre = np.average(eta, axis=1, weights=weights)[:, None]
    variance = np.average((eta - centre) ** 2, axis=1, weights=weights)
    return variance / (variance + rest)


def simulated(found, draw, X, rest, count=40_000):
    """P(R2 < low), P(R2 > high) from draws of our own at the elicited scale."""
    w = draw(np.random.default_rng(9), found.scale, (count, X.shape[1]))
    r2 = shares(X, w, rest)
    return np.mean(r2 < found.r2[0]), np.mean(r2 > found.r2[1]), r2


def normal(rng, scale, size):
    return rng.normal(0.0, scale, size)


def laplace(rng, scale, size):
    return rng.laplace(0.0, scale, size)


def student(rng, scale, size):
    return scale * rng.standard_t(4.0, size)


@pytest.mark.parametrize(
    ("prior", "draw"),
    [
        (br.Normal(1.0), normal),
        (br.Laplace(1.0), laplace),
        (br.StudentT(4.0, scale=1.0), student),
    ],
    ids=["normal", "laplace", "student"],
)
@pytest.mark.parametrize("r2", [(0.1, 0.4), (0.5, 0.8)])
def test_as_much_below_the_belief_as_above(prior, draw, r2):
    data = some_data()
    found = br.elicit(br.Model(br.Gaussian(0.7), prior), data, r2, seed=1, draws=20_000)
    below, above, r2 = simulated(found, draw, data.X, 0.49)
    assert below == pytest.approx(above, abs=0.02)
    assert found.achieved == pytest.approx(1 - below - above, abs=0.02)
    np.testing.assert_allclose(
        [found.r2_quantiles[q] for q in (0.05, 0.5, 0.95)], np.quantile(r2, [0.05, 0.5, 0.95]),
        atol=0.02,
    )  # fmt: skip
    assert found.model.prior.axis_scale == pytest.approx(found.scale)


def test_one_number_is_the_median():
    data = some_data()
    found = br.elicit(br.Model(br.Gaussian(1.0), br.Normal(2.0)), data, 0.3, seed=1)
    assert found.r2_quantiles[0.5] == pytest.approx(0.3, abs=0.005)
    assert found.note == ""


def test_standardised_columns_and_weights():
    """With standardize V = sum of squares of z for orthogonal columns: a gamma variable."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(np.column_stack([np.ones(50), rng.normal(size=(50, 4))]))[0][:, 1:]
    data = br.Data(Q * [1.0, 10.0, 0.1, 5.0], rng.normal(size=50))
    model = br.Model(br.Gaussian(1.0), br.Normal(1.0), standardize=True)
    found = br.elicit(model, data, 0.4, seed=1, draws=40_000)
    # V = scale^2 chi2_4, whose median gives R2 = V / (V + 1).
    exact = np.sqrt(0.4 / 0.6 / stats.chi2(4).median())
    assert found.scale == pytest.approx(exact, rel=0.01)
    heavy = br.Data(data.X, data.y, weights=np.full(50, 4.0))
    # Noise of variance 1 / 4.
    assert br.elicit(model, heavy, 0.4, seed=1, draws=40_000).scale == pytest.approx(
        exact / 2, rel=0.01
    )


def test_unknown_sigma():
    data = some_data()
    relative = br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True))
    known = br.Model(br.Gaussian(1.0), br.Normal(1.0))
    ours = br.elicit(relative, data, seed=1)
    assert ours.scale == pytest.approx(br.elicit(known, data, seed=1).scale)
    assert any("cancels" in line for line in ours.assumptions)

    improper = br.elicit(br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0)), data, seed=1)
    sigma = np.std(data.y) * np.sqrt(0.75)
    stated = br.elicit(br.Model(br.Gaussian(sigma), br.Normal(1.0)), data, seed=1)
    assert improper.scale == pytest.approx(stated.scale, rel=1e-6)
    assert any("sd(y)" in line for line in improper.assumptions)

    proper = br.elicit(br.Model(br.Gaussian(br.HalfNormal(2.0)), br.Laplace(1.0)), data, seed=1)
    rng = np.random.default_rng(5)
    w = rng.laplace(0.0, proper.scale, (40_000, data.p))
    r2 = shares(data.X, w, (2.0 * rng.normal(size=40_000)) ** 2)
    assert np.mean(r2 < 0.1) == pytest.approx(np.mean(r2 > 0.4), abs=0.02)


def test_noise_of_counts_is_that_of_counts_drawn():
    """log(1 + variance / mean^2), the variance of a lognormal with the moments of the counts."""
    data = some_data(y=np.full(60, 3.0))
    for likelihood in (br.Poisson(), br.NegativeBinomial(alpha=0.5), br.NegativeBinomial(8.0)):
        y = likelihood.draw(np.full(400_000, np.log(3.0)), np.random.default_rng(3))
        rest, _ = rest_of_variance(br.Model(likelihood, br.Normal(1.0)), data)
        assert rest == pytest.approx(np.log1p(np.var(y) / np.mean(y) ** 2), rel=0.02)


@pytest.mark.parametrize(
    ("likelihood", "y", "rest"),
    [
        (br.Bernoulli(), np.arange(60) % 2, np.pi**2 / 3),
        (br.Poisson(), np.full(60, 3.0), np.log(1 + 1 / 3)),
        (br.NegativeBinomial(alpha=0.5), np.full(60, 3.0), np.log(1 + 1 / 3 + 1 / 0.5)),
        (br.Gamma(phi=0.5), np.ones(60), None),
        (br.StudentT(nu=5.0, sigma=0.6), np.ones(60), 0.36 * 5 / 3),
    ],
    ids=["bernoulli", "poisson", "negative-binomial", "gamma", "student"],
)
def test_other_likelihoods(likelihood, y, rest):
    data = some_data(y=np.asarray(y, dtype=float))
    found = br.elicit(br.Model(likelihood, br.Normal(1.0)), data, seed=1, draws=20_000)
    if rest is None:
        rest = np.var(np.log(np.random.default_rng(2).gamma(2.0, 0.5, 400_000)))
    below, above, _ = simulated(found, normal, data.X, rest)
    assert below == pytest.approx(above, abs=0.02)


def test_predictive_draws_have_the_explained_variance():
    data = some_data(n=200)
    found = br.elicit(br.Model(br.Gaussian(0.7), br.Normal(1.0)), data, 0.5, seed=1)
    assert found.predictive.shape == (200, 200)
    middle = np.median(found.predictive.var(axis=1))
    assert middle == pytest.approx(0.49 / 0.5, rel=0.15)
    assert np.mean(found.predictive) == pytest.approx(np.mean(data.y), abs=0.05)
    counts = br.elicit(
        br.Model(br.Poisson(), br.Laplace(1.0), br.Normal(1.0)),
        some_data(y=np.arange(60) % 5.0, offset=np.zeros(60)), seed=1,
    ).predictive  # fmt: skip
    assert np.all(counts == np.floor(counts))


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (br.Laplace(0.5, loc=0.3), stats.laplace(0.3, 0.5)),
        (br.Normal(0.5, loc=-0.3), stats.norm(-0.3, 0.5)),
        (br.Cauchy(0.4), stats.cauchy(0, 0.4)),
        (br.HalfNormal(0.5), stats.halfnorm(0, 0.5)),
        (br.Exponential(0.5), stats.expon(0, 0.5)),
        (br.Uniform(-1.0, 2.0), stats.uniform(-1.0, 3.0)),
        (br.Truncated(br.Normal(0.5), lower=0.2, upper=1.0), stats.truncnorm(0.4, 2, 0, 0.5)),
    ],
    ids=lambda part: "law" if hasattr(part, "dist") else str(part),
)
def test_prior_draws_follow_the_density(prior, law):
    data = some_data(p=2)
    rng = np.random.default_rng(0)
    w = prior_draws(br.Model(br.Gaussian(1.0), prior), data, 1.0, 4000, rng)
    assert stats.kstest(w.ravel(), law.cdf).pvalue > 0.001


def test_prior_draws_of_an_elastic_net_and_joint_priors():
    data, rng = some_data(p=4), np.random.default_rng(0)
    net = br.ElasticNet(0.4, 0.8, loc=0.2)
    w = prior_draws(br.Model(br.Gaussian(1.0), net), data, 1.0, 4000, rng).ravel()
    grid = np.linspace(-6.0, 6.0, 4001)
    density = np.exp(net.log_density(grid))
    cumulated = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    assert stats.kstest(w, lambda x: np.interp(x, grid, cumulated)).pvalue > 0.001
    group = br.Model(br.Gaussian(1.0), br.GroupLaplace(0.5, groups=[0, 0, 0, 1]))
    w = prior_draws(group, data, 1.0, 4000, rng)
    length = np.linalg.norm(w[:, :3], axis=1)
    assert stats.kstest(length, stats.gamma(3, scale=0.5).cdf).pvalue > 0.001
    covariance = 0.3 + 0.7 * np.eye(4)
    w = prior_draws(
        br.Model(br.Gaussian(2.0), br.MultivariateNormal(covariance, relative_to_noise=True)),
        data, 2.0, 20_000, rng,
    )  # fmt: skip
    np.testing.assert_allclose(np.cov(w.T), 4.0 * covariance, atol=0.15)


@pytest.mark.parametrize(
    "prior",
    [
        br.ElasticNet(0.5, 0.5),
        br.Normal(0.5, loc=0.05),
        br.GroupLaplace(0.5),
        br.MultivariateNormal(0.3 + 0.7 * np.eye(6)),
        {"x0": br.Laplace(1.0), "*": br.Normal(0.5)},
    ],
    ids=["net", "loc", "group", "covariance", "mixed"],
)
def test_any_prior_with_draws(prior):
    data = some_data()
    found = br.elicit(br.Model(br.Gaussian(1.0), prior), data, seed=1)
    w = prior_draws(found.model, data, 1.0, 20_000, np.random.default_rng(7))
    r2 = shares(data.X, w, 1.0)
    assert np.mean(r2 < 0.1) == pytest.approx(np.mean(r2 > 0.4), abs=0.025)


def test_width_of_belief_and_prior():
    wide = some_data(n=300, p=200)
    many = br.elicit(br.Model(br.Gaussian(1.0), br.Normal(1.0)), wide, (0.2, 0.5), seed=1)
    assert "surer of R2 than you" in many.note
    few = br.elicit(br.Model(br.Gaussian(1.0), br.Cauchy(1.0)), some_data(p=1), seed=1)
    assert "less sure of R2 than you" in few.note


def test_the_result_as_text_and_plain_numbers():
    found = br.elicit(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), some_data(), seed=1)
    again = br.elicit(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), some_data(), seed=1)
    assert str(found) == str(again)
    np.testing.assert_array_equal(found.predictive, again.predictive)
    assert "P(0.1 < R2 < 0.4)" in str(found)
    assert "<table>" in found._repr_html_()
    assert found.to_dict()["lambda"] == pytest.approx(1.0 / found.scale)


@pytest.mark.parametrize(
    ("model", "arguments", "error", "message"),
    [
        ({}, {"r2": (0.4, 0.1)}, ModelError, "smaller number first"),
        ({}, {"r2": (0.0, 0.5)}, ModelError, "between 0 and 1"),
        ({}, {"r2": "much"}, ModelTypeError, "two numbers"),
        ({}, {"probability": 1.5}, ModelError, "below 1"),
        ({}, {"draws": 3}, ModelError, "draws"),
        ({"prior": {"x0": br.Flat(), "*": br.Normal(1.0)}}, {}, ModelError, "flat prior"),
        ({"likelihood": br.StudentT(nu=1.5, sigma=1.0)}, {}, ModelError, "no variance"),
        ({"likelihood": br.NegativeBinomial(br.HalfNormal(1.0))}, {}, ModelError, "unknown"),
    ],
)
def test_what_cannot_be_elicited(model, arguments, error, message):
    model = br.Model(**{"likelihood": br.Gaussian(1.0), "prior": br.Normal(1.0), **model})
    with pytest.raises(error, match=message):
        br.elicit(model, some_data(y=np.arange(60.0)), **arguments)


def test_columns_that_do_not_vary():
    data = br.Data(np.ones((10, 1)), np.arange(10.0))
    with pytest.raises(ModelError, match="do not vary"):
        br.elicit(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data)


def test_lambda_says_at_which_sigma_it_is():
    model = br.Model(br.Gaussian(br.HalfNormal(10.0)), br.Laplace(1.0))
    found = br.elicit(model, some_data(), seed=1)
    assert found.sigma == pytest.approx(10.0 * stats.halfnorm.median(), rel=0.05)
    assert found.lambda_ == pytest.approx(1.0 / found.scale)
    assert found.lambda_at_sigma == pytest.approx(found.sigma**2 / found.scale)
    for said in ("lambda at sigma = 1", f"lambda at sigma = {found.sigma:.4g}"):
        assert said in str(found)
        assert said in found._repr_html_()
    known = br.elicit(br.Model(br.Gaussian(0.7), br.Laplace(1.0)), some_data(), seed=1)
    assert "lambda at" not in str(known)
