"""The pieces of the Gibbs sampler, each against scipy or linear algebra."""

import numpy as np
import pytest
from scipy import special, stats

from bayesreg import (
    Exponential,
    Flat,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Uniform,
)
from bayesreg._kernels.dense import cholesky, solve_transposed, solve_upper
from bayesreg._kernels.exponential_integral import scaled_exponential_integral
from bayesreg._kernels.log_concave import (
    HORSESHOE_TAIL,
    Conditional,
    draw_log_scalar,
    slopes,
    value,
)
from bayesreg._kernels.mixing import horseshoe_precision
from bayesreg._kernels.tridiagonal import normal_log_density, tridiagonalise
from bayesreg.posterior.scalars import encode


def test_scaled_exponential_integral():
    x = np.concatenate([np.geomspace(1e-300, 1.0, 200), np.linspace(1.0, 600.0, 2000)])
    found = [scaled_exponential_integral(point) for point in x]
    np.testing.assert_allclose(found, np.exp(x) * special.exp1(x), rtol=1e-13)
    # 1 / x (1 - 1 / x + 2 / x^2 - ...)
    assert scaled_exponential_integral(1e12) == pytest.approx(1e-12 * (1 - 1e-12), rel=1e-14)


@pytest.mark.parametrize("m", [1e-8, 0.01, 0.5, 1.0, 4.0, 1e4])
def test_precision_of_a_horseshoe_has_its_distribution(m):
    """P(d > x) = e^m (E1(m (1 + x))) / (e^m E1(m)), as 1 / (1 + d) exp(-m d) integrates."""
    rng = np.random.default_rng(5)
    d = np.array([horseshoe_precision(m, rng) for _ in range(20_000)])

    def distribution(x):
        beyond = np.array([scaled_exponential_integral(m * (1.0 + point)) for point in x])
        return 1.0 - np.exp(-m * x) * beyond / scaled_exponential_integral(m)

    assert stats.kstest(d, distribution).pvalue > 0.001


NONE = np.empty(0)
TAILS = np.array([0.3, 2.0, 0.01]), np.array([3.0, HORSESHOE_TAIL, 1.0])
CONDITIONALS = {
    "few": Conditional(4.0, 0.0, 2.0, 0, NONE, NONE),
    "many": Conditional(400.0, 0.0, 200.0, 0, NONE, NONE),
    "linear": Conditional(12.0, 7.0, 0.0, 0, NONE, NONE),
    "both": Conditional(10.0, 3.0, 20.0, 0, NONE, NONE),
    "tails": Conditional(5.0, 0.5, 1.0, 3, *TAILS),
}
PRIORS = [
    Flat(), Jeffreys(), HalfNormal(0.2), HalfCauchy(0.5), Exponential(3.0), InverseGamma(2.0, 3.0),
    Uniform(0.3, 1.5), Uniform(0.0, 0.1),
]  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONALS)
@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_draws_of_a_log_scalar_have_its_density(name, prior):
    terms, encoded = CONDITIONALS[name], encode([prior])
    code, parameters = encoded.codes[0], encoded.parameters[0]
    rng, t, draws = np.random.default_rng(4), 1.0, []
    for _ in range(5000):
        t = draw_log_scalar(terms, code, parameters, t, rng)
        draws.append(t)
    spread = np.ptp(draws)
    low = max(np.log(max(parameters[3], 1e-300)), min(draws) - spread)
    high = min(np.log(parameters[4]), max(draws) + spread)
    grid = np.linspace(low, high, 20_001)[1:-1]
    log_density = np.array([value(terms, code, parameters, point) for point in grid])
    density = np.exp(log_density - np.max(log_density))
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    assert stats.kstest(draws, lambda x: np.interp(x, grid, mass / mass[-1])).pvalue > 1e-4


@pytest.mark.parametrize("name", CONDITIONALS)
@pytest.mark.parametrize("prior", PRIORS[:-2], ids=repr)
def test_slopes_are_those_of_the_value(name, prior):
    terms, encoded = CONDITIONALS[name], encode([prior])
    code, parameters = encoded.codes[0], encoded.parameters[0]
    for t in (-2.0, -0.3, 0.7, 2.0):
        h = 1e-5
        up, down = (value(terms, code, parameters, t + s) for s in (h, -h))
        first, second = slopes(terms, code, parameters, t)
        assert first == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-5)
        steeper, flatter = (slopes(terms, code, parameters, t + s)[0] for s in (h, -h))
        assert second == pytest.approx((steeper - flatter) / (2 * h), rel=1e-2, abs=1e-3)
        assert second < 0


@pytest.mark.parametrize("t", [-0.4, -3.9, -4.7, -20.0, -100.0])
def test_slopes_of_a_horseshoe_far_below_its_coefficients(t):
    """1 / (e^x E1(x)) - x by a continued fraction (Abramowitz, Stegun 5.1.22), x to 1e87."""
    encoded = encode([HalfCauchy(1.0)])
    terms = Conditional(2.0, 0.0, 0.0, 1, np.array([1.0]), np.array([HORSESHOE_TAIL]))
    first, second = slopes(terms, encoded.codes[0], encoded.parameters[0], t)
    x, excess = np.exp(-2.0 * t), 0.0
    for k in range(400, 0, -1):
        # x + excess = x + 1 / (1 + 1 / (x + 2 / (1 + 2 / (x + ...))))
        excess = k / (1.0 + k / (x + excess))
    s = np.exp(t)
    prior = -2.0 * s**2 / (1.0 + s**2)
    assert first == pytest.approx(1.0 + prior - 2.0 + 2.0 * excess, rel=1e-9)
    assert second <= 0.0


def test_a_draw_begins_anywhere():
    encoded = encode([HalfCauchy(1.0)])
    ratio, nu = np.array([1e-40, 4e-40]), np.full(2, HORSESHOE_TAIL)
    terms = Conditional(2.0, 0.0, 0.0, 2, ratio, nu)
    near, far = [
        [
            draw_log_scalar(terms, encoded.codes[0], encoded.parameters[0], t, rng)
            for _ in range(3000)
        ]
        for t, rng in ((-44.0, np.random.default_rng(1)), (-100.0, np.random.default_rng(2)))
    ]
    assert stats.ks_2samp(near, far).pvalue > 1e-3


def positive_definite(n):
    A = np.random.default_rng(n).normal(size=(n, 2 * n))
    return A @ A.T


@pytest.mark.parametrize("n", [1, 2, 5, 17, 80, 81, 120])
def test_cholesky_and_solves(n):
    P, b = positive_definite(n), np.arange(1.0, n + 1)
    R = P.copy()
    assert cholesky(R)
    R = np.triu(R)
    np.testing.assert_allclose(R.T @ R, P, rtol=1e-10, atol=1e-9)
    x, y = b.copy(), b.copy()
    solve_transposed(R, x)
    solve_upper(R, y)
    np.testing.assert_allclose(R.T @ x, b, rtol=1e-8)
    np.testing.assert_allclose(R @ y, b, rtol=1e-8)


@pytest.mark.parametrize("n", [4, 100])
def test_a_singular_matrix_is_seen(n):
    A = np.random.default_rng(0).normal(size=(n, n - 1))
    P = A @ A.T + 1e-15 * np.eye(n)
    try:
        assert not cholesky(P)
    except np.linalg.LinAlgError:
        assert n > 80


@pytest.mark.parametrize("n", [1, 2, 3, 4, 17, 60])
@pytest.mark.parametrize("kind", ["full", "low rank", "diagonal"])
def test_tridiagonal_form_gives_the_density(n, kind):
    M = positive_definite(n)
    if kind == "low rank":
        column = np.arange(1.0, n + 1)
        M = np.outer(column, column)
    elif kind == "diagonal":
        M = np.diag(np.arange(1.0, n + 1))
    target = np.random.default_rng(1).normal(size=n)
    t = target.copy()
    diagonal, off = tridiagonalise(M.copy(), t)
    for alpha, beta in ((1.0, 1.0), (0.3, 2.0), (2.0, 0.0), (5.0, 1e-6)):
        C = alpha * np.eye(n) + beta * M
        expected = -0.5 * np.linalg.slogdet(C)[1] - 0.5 * target @ np.linalg.solve(C, target)
        found = normal_log_density(diagonal, off, t, alpha, beta)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert normal_log_density(diagonal, off, t, -1.0, 0.0) == -np.inf
