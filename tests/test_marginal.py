"""log p(y | sigma, scale) against the normal density of y, by dense linear algebra."""

import numpy as np
import pytest
from scipy import stats

from bayesreg import (
    Data,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    Jeffreys,
    Laplace,
    Model,
    MultivariateNormal,
    Normal,
    StudentT,
    Truncated,
)
from bayesreg.errors import ModelError
from bayesreg.posterior.components import Kind
from bayesreg.posterior.marginal import gaussian_marginal, why_no_marginal
from bayesreg.posterior.target import pose

S = ((1.0, 0.5, 0.2), (0.5, 2.0, 0.3), (0.2, 0.3, 0.7))


def make_data(n, p=3):
    rng = np.random.default_rng([n, p])
    X = rng.normal(size=(n, p))
    y = 1.0 + X[:, 0] + rng.normal(size=n)
    return Data(X, y, weights=rng.uniform(0.4, 2.0, n), offset=rng.normal(size=n))


def log_density(data, sigma, covariance, mean, intercept=None, flat=()):
    """Of y; ``intercept`` is None, "flat" or (mean, sd); flat columns have density 1."""
    flat, proper = list(flat), [j for j in range(data.p) if j not in flat]
    X, eta = data.X[:, proper], data.offset + data.X[:, proper] @ mean
    V = np.diag(sigma**2 / data.weights) + X @ covariance @ X.T
    if isinstance(intercept, tuple):
        eta, V = eta + intercept[0], V + intercept[1] ** 2
    F = data.X[:, flat]
    if intercept == "flat":
        F = np.column_stack([np.ones(data.y.size), F])
    residual = data.y - eta
    total = stats.multivariate_normal(np.zeros(data.y.size), V).logpdf(residual)
    if not F.shape[1]:
        return total
    # The integral over f of exp(-(r - F f)'V^-1(r - F f) / 2).
    G, b = F.T @ np.linalg.solve(V, F), F.T @ np.linalg.solve(V, residual)
    constant = 0.5 * F.shape[1] * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(G)[1]
    return total + 0.5 * b @ np.linalg.solve(G, b) + constant


SIGMA, SCALE = 0.8, 0.6
EYE, ONE, THIRD = np.eye(3), np.ones(3), np.full(3, 0.3)
CASES = {
    "scale, known sigma": (
        Model(Gaussian(1.3), Normal(HalfCauchy(1), 0.3), None), Kind.SCALE,
        (1.3, SCALE**2 * EYE, THIRD),
    ),
    "scale, relative to a known sigma": (
        Model(Gaussian(1.3), Normal(HalfCauchy(1), 0.3, True), Normal(2, 1)), Kind.SCALE,
        (1.3, (1.3 * SCALE) ** 2 * EYE, THIRD, (1.0, 2.0)),
    ),
    "sigma, absolute": (
        Model(Gaussian(Jeffreys()), Normal(0.5, 0.3), Normal(2, 1)), Kind.FIXED,
        (SIGMA, 0.25 * EYE, THIRD, (1.0, 2.0)),
    ),
    "sigma, absolute beside relative": (
        Model(Gaussian(Jeffreys()), Normal(0.5, 0.3, True), Normal(2, 1)), Kind.FIXED,
        (SIGMA, (0.5 * SIGMA) ** 2 * EYE, THIRD, (1.0, 2.0)),
    ),
    "sigma, relative": (
        Model(Gaussian(Jeffreys()), Normal(0.5, 0.3, True)), Kind.ONE,
        (SIGMA, (0.5 * SIGMA) ** 2 * EYE, THIRD, "flat"),
    ),
    "both, absolute": (
        Model(Gaussian(Jeffreys()), Normal(HalfNormal(1)), Normal(2, 1, True)),
        Kind.SCALE_BY_SIGMA, (SIGMA, SCALE**2 * EYE, 0 * ONE, (1.0, 2.0 * SIGMA)),
    ),
    "both, relative": (
        Model(Gaussian(Jeffreys()), Normal(HalfNormal(1), relative_to_noise=True)), Kind.SCALE,
        (SIGMA, (SIGMA * SCALE) ** 2 * EYE, 0 * ONE, "flat"),
    ),
    "covariance": (
        Model(Gaussian(Jeffreys()), MultivariateNormal(S, 0.3, True), None), Kind.ONE,
        (SIGMA, SIGMA**2 * np.array(S), THIRD),
    ),
    "a flat column": (
        Model(
            Gaussian(Jeffreys()),
            {"x0": Normal(0.5, relative_to_noise=True), "x1": Flat(),
             "x2": Normal(HalfNormal(1), relative_to_noise=True)},
        ), Kind.SCALE,
        (SIGMA, SIGMA**2 * np.diag([0.25, SCALE**2]), np.zeros(2), "flat", (1,)),
    ),
    "nothing unknown": (
        Model(Gaussian(1.3), Normal([0.5, 0.7, 2.0])), Kind.ONE,
        (1.3, np.diag([0.25, 0.49, 4.0]), 0 * ONE, "flat"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("n", [12, 3])
@pytest.mark.parametrize("name", CASES)
def test_log_likelihood(name, n):
    model, kind, expected = CASES[name]
    data = make_data(n)
    marginal = gaussian_marginal(pose(model, data))
    sigma = SIGMA if isinstance(model.likelihood.sigma, Jeffreys) else 1.0
    assert marginal.kind is kind
    found = marginal.log_likelihood(sigma, SCALE)
    assert found == pytest.approx(log_density(data, *expected), rel=1e-12, abs=1e-12)


def test_it_broadcasts():
    model, _, _ = CASES["both, absolute"]
    marginal = gaussian_marginal(pose(model, make_data(12)))
    sigma, scale = np.array([[0.5], [2.0]]), np.array([0.1, 1.0, 5.0])
    table = marginal.log_likelihood(sigma, scale)
    assert table.shape == (2, 3)
    assert table[1, 2] == marginal.log_likelihood(2.0, 5.0)


def test_a_flat_coefficient_has_density_one_in_the_users_units():
    """Columns that are rescaled inside."""
    data = make_data(12)
    model = CASES["a flat column"][0]
    far = Data(data.X * [1.0, 2.0**300, 1.0], data.y, weights=data.weights, offset=data.offset)
    near, there = (
        float(gaussian_marginal(pose(model, each)).log_likelihood(SIGMA, SCALE))
        for each in (data, far)
    )
    assert there == pytest.approx(near - 300 * np.log(2), rel=1e-12)


NONE = {
    "a kink": Model(Gaussian(1.0), Laplace(1.0)),
    "in other units": Model(Gaussian(Jeffreys()), Normal(HalfNormal(1)), Normal(2.0)),
    "at most one unknown scale": Model(
        Gaussian(1.0), {"x0": Normal(HalfNormal(1)), "x[12]": Normal(HalfNormal(1))}
    ),
    "Student's t": Model(Gaussian(1.0), StudentT(3.0, 1.0)),
    "bounds": Model(Gaussian(1.0), Truncated(Normal(1.0), 0.0)),
}


@pytest.mark.parametrize("reason", NONE)
def test_where_there_is_no_closed_form(reason):
    posterior = pose(NONE[reason], make_data(12))
    assert reason in why_no_marginal(posterior)
    with pytest.raises(ModelError, match="closed form"):
        gaussian_marginal(posterior)
