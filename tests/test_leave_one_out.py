"""Leave-one-out scores against fits without the row, dense and one at a time."""

from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats
from scipy.special import logsumexp

import bayesreg as br
from bayesreg.errors import ModelError
from bayesreg.posterior.densities import Parameters
from bayesreg.scales import exact_leave_one_out as closed
from bayesreg.scales.closed_form import law_of
from bayesreg.scales.leave_one_out import importance_sampled
from bayesreg.scales.noise_mixture import noise_mixture
from bayesreg.scales.pareto import smoothed_log_weights
from bayesreg.scales.transport import log_ratio, transport, transported

SIGMAS = np.exp(np.linspace(-3.0, 4.0, 501))


def some_data(n=14, p=4, seed=0, **more):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 3.0
    return br.Data(X, 1.0 + X @ rng.normal(size=p) * 0.7 + rng.normal(size=n), **more)


def exact_leave_one_out(model, data, factors):
    law = law_of(model, data)
    if law is None:
        return None
    mixtures = [noise_mixture(law, float(t)) for t in factors]
    return closed.exact_leave_one_out(law, data, np.asarray(factors), mixtures)


def dense_leave_one_out(X, y, s, precision, loc, log_prior):
    """For every row the other rows' whole linear system, at each sigma of a grid.

    ``precision(sigma)`` is that of the prior; without ``log_prior`` sigma is 0.9.
    """
    sigma = np.array([0.9]) if log_prior is None else SIGMAS
    prior = np.array([precision(one) for one in sigma])
    found = []
    for i in range(y.size):
        keep = np.arange(y.size) != i
        r = (y - X @ loc)[keep]
        gram, b = (X[keep].T * s[keep]) @ X[keep], (X[keep].T * s[keep]) @ r
        P = gram / sigma[:, None, None] ** 2 + prior[:, :, None] * np.eye(loc.size)
        b = b / sigma[:, None] ** 2
        mean = np.linalg.solve(P, b[..., None])[..., 0]
        value = 0.5 * np.sum(b * mean, axis=1) - 0.5 * np.linalg.slogdet(P)[1]
        value += 0.5 * np.sum(np.log(np.where(prior > 0, prior, 1.0)), axis=1)
        value -= keep.sum() * np.log(sigma) + 0.5 * s[keep] @ r**2 / sigma**2
        if log_prior is not None:
            value += log_prior(sigma) + np.log(sigma)
        variance = (
            sigma**2 / s[i]
            + np.linalg.solve(P, np.tile(X[i], (sigma.size, 1))[..., None])[..., 0] @ X[i]
        )
        density = stats.norm.pdf(y[i], X[i] @ loc + mean @ X[i], np.sqrt(variance))
        weight = np.exp(value - value.max())
        found.append(np.log(weight @ density / weight.sum()))
    return np.array(found)


WEIGHTS = np.array([0.5, 1.0, 2.0, 1.0, 0.7, 1.3, 1.0, 3.0, 1.0, 1.0, 0.4, 1.0, 2.0, 1.0])


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize(
    ("sigma", "relative"),
    [
        (0.9, False),
        (br.Jeffreys(), True),
        (br.HalfNormal(1.0), True),
        (br.HalfNormal(1.0), False),
        (br.Jeffreys(), False),
    ],
    ids=str,
)
@pytest.mark.parametrize("intercept", ["flat", "normal", "none"])
def test_closed_form_is_the_fit_without_the_row(sigma, relative, intercept, weights):
    data = some_data(weights=weights)
    scale, t = np.array([0.4, 0.2, 0.4, 0.8]), 1.7
    prior = br.Normal(scale, loc=0.1, relative_to_noise=relative)
    on_intercept = {
        "flat": br.Flat(), "none": None, "normal": br.Normal(2.0, relative_to_noise=relative)
    }[intercept]  # fmt: skip
    if intercept == "normal" and not isinstance(sigma, float) and not relative:
        on_intercept = br.Normal(2.0, relative_to_noise=True)
    model = br.Model(br.Gaussian(sigma), prior, on_intercept)
    ours = exact_leave_one_out(model, data, np.array([1.0, t]))

    X = data.X if intercept == "none" else np.column_stack([data.X, np.ones(data.n)])
    loc = np.zeros(X.shape[1])
    loc[:4] = 0.1

    def precision(s):
        of_sigma = s if relative else 1.0
        own = 1.0 / (t * scale * of_sigma) ** 2
        moves = on_intercept is not None and on_intercept.relative_to_noise
        last = {"flat": [0.0], "none": [], "normal": [1.0 / (2.0 * (s if moves else 1.0)) ** 2]}
        return np.concatenate([own, last[intercept]])

    log_prior = None if isinstance(sigma, float) else sigma.log_density
    s = np.ones(data.n) if weights is None else weights
    dense = dense_leave_one_out(X, data.y, s, precision, loc, log_prior)
    np.testing.assert_allclose(ours[1], dense, rtol=2e-9, atol=2e-9)


def test_more_columns_than_rows_and_flat_columns():
    data = some_data(n=8, p=20, seed=3)
    model = br.Model(br.Gaussian(0.9), {"x0": br.Flat(), "*": br.Normal(0.5)})
    ours = exact_leave_one_out(model, data, np.array([40.0]))[0]
    X = np.column_stack([data.X, np.ones(data.n)])
    own = np.concatenate([[0.0], np.full(19, 1.0 / 20.0**2), [0.0]])
    dense = dense_leave_one_out(X, data.y, np.ones(8), lambda s: own, np.zeros(21), None)
    np.testing.assert_allclose(ours, dense, rtol=1e-6)


def test_a_row_that_nothing_else_predicts_is_named():
    X = np.zeros((5, 2))
    X[3, 0], X[:, 1] = 1.0, np.arange(5.0)
    model = br.Model(br.Gaussian(1.0), {"x0": br.Flat(), "x1": br.Normal(1.0)})
    with pytest.raises(ModelError, match="row 3 alone determines"):
        exact_leave_one_out(model, br.Data(X, np.arange(5.0)), np.array([1.0]))


def test_sigma_that_the_other_rows_do_not_tell_is_an_error():
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True))
    data = br.Data([[0.0], [1.0]], [0.0, 2.0])
    with pytest.raises(ModelError, match="fitted without residual"):
        exact_leave_one_out(model, data, np.array([1.0]))
    three = br.Data([[0.0], [1.0], [3.0]], [0.0, 0.0, 2.0])
    flat_rest = br.Model(
        br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True), intercept=br.Flat()
    )
    with pytest.raises(ModelError, match="fitted without residual"):
        # Rows 0 and 1 have the same target: the intercept fits them exactly.
        exact_leave_one_out(flat_rest, three, np.array([1e-9]))


def test_what_has_no_closed_form():
    data = some_data()
    assert exact_leave_one_out(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), data, [1.0]) is None


def _draws(model, data, **more):
    post = br.sample(model, data, progress=False, **more)["posterior"]
    scalars = {name: post[name].values for name in ("sigma",) if name in post}
    return Parameters(post["coef"].values, post["intercept"].values, scalars)


@pytest.mark.parametrize("standardize", [False, True])
def test_importance_sampling_agrees_with_the_closed_form(standardize):
    weights = np.where(np.arange(60) == 7, 0.0, 1.0)
    data = some_data(n=60, p=3, seed=4, weights=weights)
    model = br.Model(
        br.Gaussian(br.HalfNormal(1.0)), br.Normal(0.6, relative_to_noise=True),
        standardize=standardize,
    )  # fmt: skip
    found = importance_sampled(model, data, _draws(model, data, draws=4000, seed=2), None)
    exact = exact_leave_one_out(model, data, np.array([1.0]))[0]
    assert found.refitted == 0
    assert exact.size == 59
    np.testing.assert_allclose(found.by_row, exact, atol=0.03)
    # Over seeds the total has a standard deviation of 0.035.
    assert found.total == pytest.approx(exact.sum(), abs=0.15)


def lever(n=20, outlier=60.0):
    """An outlier on a lever: the draws of the whole say nothing about the rest."""
    data = some_data(n=n, p=2, seed=5)
    X, y = data.X.copy(), data.y.copy()
    X[4], y[4] = [40.0, -40.0], outlier
    return br.Data(X, y)


def test_a_row_with_untrusted_weights_is_fitted_again():
    """Draws with sigma among them are not moved."""
    data, prior = lever(), br.Normal(5.0, relative_to_noise=True)
    model = br.Model(br.Gaussian(br.HalfNormal(1.0)), prior, standardize=True)
    asked = []

    def refit(others):
        asked.append(others.n)
        return _draws(replace(model, standardize=False), others, draws=1000, seed=3)

    found = importance_sampled(model, data, _draws(model, data, draws=1000, seed=2), refit)
    assert found.refitted == len(asked) >= 1
    assert found.moved == 0
    assert set(asked) == {19}
    exact = exact_leave_one_out(model, data, np.array([1.0]))[0]
    # A mean over 4000 draws of a far tail is 0.6 off, the bridge half of that.
    assert found.by_row[4] == pytest.approx(exact[4], abs=0.5)
    assert np.delete(found.by_row, 4) == pytest.approx(np.delete(exact, 4), abs=0.1)


@pytest.mark.parametrize("standardize", [False, True])
def test_moved_draws_agree_with_the_closed_form(standardize):
    """No refit: the other rows put the lever's linear predictor 40 of its deviations away."""
    weights = np.where(np.arange(20) == 7, 0.0, 1.0)
    data = replace_weights(lever(outlier=3.0), weights)
    model = br.Model(br.Gaussian(1.0), br.Normal(5.0), standardize=standardize)
    found = importance_sampled(model, data, _draws(model, data, draws=2000, seed=2), None)
    assert (found.refitted, found.moved) == (0, 1)
    exact = exact_leave_one_out(model, data, np.array([1.0]))[0]
    np.testing.assert_allclose(found.by_row, exact, atol=0.05)


def replace_weights(data, weights):
    return br.Data(data.X, data.y, weights)


def surprising(likelihood, seed=6, n=12):
    """One column, no intercept, and one row that contradicts the others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[3] = 4.0
    if isinstance(likelihood, br.Bernoulli):
        y = (x > 0).astype(float)
        y[3] = 0.0
    else:
        y = rng.poisson(np.exp(0.5 * x)).astype(float)
        y[3] = 60.0
    return br.Data(x[:, None], y, offset=np.linspace(-0.2, 0.2, n))


@pytest.mark.parametrize("prior", [br.Normal(2.0), br.Laplace(2.0)], ids=["normal", "laplace"])
@pytest.mark.parametrize("likelihood", [br.Bernoulli(), br.Poisson()], ids=["logistic", "poisson"])
def test_moved_draws_agree_with_quadrature(likelihood, prior):
    data = surprising(likelihood)
    model = br.Model(likelihood, prior, intercept=None)
    grid = np.linspace(-12.0, 12.0, 40_001)[:, None]
    eta = grid * data.X[:, 0] + data.offset
    terms = -(likelihood.loss(data.y, eta) + likelihood.constant(data.y, np.ones(data.y.size)))
    whole = terms.sum(axis=1) + prior.log_density(grid[:, 0])
    exact = logsumexp(whole[:, None], axis=0) - logsumexp(whole[:, None] - terms, axis=0)
    post = br.sample(model, data, draws=2000, seed=1, progress=False)["posterior"]
    drawn = Parameters(post["coef"].values, None, {})
    moving = transport(model, data, drawn)
    for i in range(data.y.size):
        moved = moving.without(i)
        assert moved.k < 0.7
        # Over seeds the standard deviation is at most 0.09, the bias below 0.03.
        assert moved.score == pytest.approx(exact[i], abs=0.3)
    _, k = smoothed_log_weights(-moving._terms.T)
    assert np.max(k) > 0.7


def test_the_map_takes_one_density_to_the_other():
    z = 1.0 + 2.0 * np.random.default_rng(0).standard_normal(4000)
    grid = np.linspace(-40.0, 40.0, 8001)
    to = stats.gumbel_r(loc=-3.0, scale=2.5)
    moved, log_slope = transported(z, grid, stats.norm.logpdf(grid, 1.0, 2.0), to.logpdf(grid))
    assert stats.kstest(moved, to.cdf).pvalue > 1e-3
    # Densities follow: p(T(z)) dT/dz is the normal one.
    np.testing.assert_allclose(
        to.logpdf(moved) + log_slope, stats.norm.logpdf(z, 1.0, 2.0), atol=0.05
    )


def test_the_bridge_finds_a_ratio_that_neither_side_finds_alone():
    """Normal densities of y_i at draws three deviations apart, with and without the row."""
    rng = np.random.default_rng(1)
    # theta ~ N(0, 1) without the row, y_i = 3 with noise 0.3 of theta.
    noise, y, size = 0.3, 3.0, 4000
    shrink = 1.0 / (1.0 + noise**2)
    without = rng.standard_normal(size)
    whole = y * shrink + noise * np.sqrt(shrink) * rng.standard_normal(size)
    logs = [stats.norm.logpdf(y, theta, noise) for theta in (whole, without)]
    exact = stats.norm.logpdf(y, 0.0, np.sqrt(1.0 + noise**2))
    found = log_ratio(*logs)
    harmonic = np.log(size) - logsumexp(-logs[0])
    plain = logsumexp(logs[1]) - np.log(size)
    assert abs(found - exact) < 0.1
    assert abs(found - exact) < min(abs(harmonic - exact), abs(plain - exact))


@pytest.mark.parametrize("draws", [60, 200, 1000])
def test_pareto_smoothing_is_that_of_arviz_stats(draws):
    raw = np.random.default_rng(1).normal(size=(50, draws)) * np.linspace(0.01, 3.0, 50)[:, None]
    ours, k = smoothed_log_weights(raw)
    theirs, k_of_theirs = array_stats.psislw(-raw, r_eff=1.0, axis=-1)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(k, k_of_theirs, atol=1e-12)


def test_equal_weights_need_no_smoothing():
    weights, k = smoothed_log_weights(np.zeros((2, 400)))
    np.testing.assert_allclose(weights, -np.log(400.0))
    assert np.all(k < 0.7)
