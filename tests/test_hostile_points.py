"""Points at which the proof, or the search, once gave up: each a mode by independent means."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import coo_array

import bayesreg as br
from bayesreg.errors import DataError, ModelError, ModelTypeError

DATA = br.Data([[0.0, 1.0], [1.0, -1.0], [2.0, 3.0]], [0.0, 1.0, 2.0])
LASSO = br.Model(br.Gaussian(1.0), br.Laplace(1.0))


def test_a_quantile_fit_under_half_normals_reaches_the_quadratic_programme():
    """p > n and every bound active at first: J falls faster than the products do."""
    rng = np.random.default_rng(234)
    n, p = int(rng.choice([4, 7, 12])), int(rng.choice([1, 3, 12]))
    X = rng.normal(size=(n, p)) * float(rng.choice([1, 14]))
    y = X[:, 0] + rng.normal(size=n)
    q, s, tau = float(rng.choice([0.5, 0.9])), 1.389, 8.7
    fit = br.find_map(br.Model(br.AsymmetricLaplace(q, s), br.HalfNormal(tau)), br.Data(X, y))

    def objective(z):
        return np.sum(q * z[p + 1 : p + 1 + n] + (1 - q) * z[p + 1 + n :]) / s + (
            z[:p] @ z[:p] / 2 / tau**2
        )

    A = np.c_[X, np.ones(n), np.eye(n), -np.eye(n)]
    start = np.r_[np.zeros(p + 1), np.maximum(y, 0), np.maximum(-y, 0)]
    bounds = [(0, None)] * p + [(None, None)] + [(0, None)] * (2 * n)
    best = minimize(
        objective,
        start,
        bounds=bounds,
        method="SLSQP",
        options={"maxiter": 2000, "ftol": 1e-14},
        constraints={"type": "eq", "fun": lambda z: A @ z - y, "jac": lambda z: A},
    )
    residual = y - X @ fit.coef - fit.intercept
    found = objective(
        np.r_[fit.coef, fit.intercept, np.maximum(residual, 0), np.maximum(-residual, 0)]
    )
    assert (n, p) == (7, 12)
    assert fit.certificate.holds
    assert found == pytest.approx(best.fun, abs=1e-9)


@pytest.mark.parametrize("seed", range(24))
def test_certify_finds_a_dual_for_what_find_map_found(seed):
    """Also where every row is met, so that there is no loss to measure by."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 15))
    X = rng.normal(size=(n, 3)) * 5
    y = np.full(n, 3.0) if seed % 2 else np.round(X[:, 0] + rng.normal(size=n))
    prior = {"x0": br.Normal(7.0, -2.1), "x1": br.Exponential(0.8), "x2": br.Uniform(-1.0, 0.02)}
    model = br.Model(
        br.AsymmetricLaplace(float(rng.choice([0.01, 0.5])), 0.13), prior, br.Laplace(1.0, 0.5)
    )
    fit = br.find_map(model, br.Data(X, y))
    again = br.certify(model, br.Data(X, y), fit.coef, fit.intercept)
    assert fit.certificate.holds
    assert again.holds, again


@pytest.mark.parametrize("alpha", [0.002850445038859271, 0.004, 0.02, 3.0])
def test_one_count_of_1_is_balanced_though_its_predictor_is_0(alpha):
    """alpha mu / (alpha + mu) - y alpha / (alpha + mu), mu = y: two equal terms, each rounded."""
    model = br.Model(br.NegativeBinomial(alpha), br.Laplace(3.505454663941419))
    for x in (1000001.2280805095, 0.3):
        assert br.find_map(model, br.Data([[x]], [1.0])).certificate.holds


@pytest.mark.parametrize("seed", range(20))
def test_one_row_is_balanced_to_the_rounding_of_its_own_gradient(seed):
    """A flat intercept fits one row exactly: theta is nothing but rounding."""
    rng = np.random.default_rng(seed)
    X, y = 1e6 + rng.normal(size=(1, 1)), rng.poisson(3.0, 1) + 1.0
    alpha = float(10 ** rng.uniform(-4, 2))
    for likelihood in (br.NegativeBinomial(alpha), br.Poisson(), br.Gamma(alpha)):
        fit = br.find_map(br.Model(likelihood, br.Laplace(3.5)), br.Data(X, y))
        assert fit.certificate.holds
        assert fit.coef[0] == 0.0
        assert fit.intercept == pytest.approx(np.log(y[0]), abs=1e-12)


@pytest.mark.parametrize("y", [[0.0, 0.0, 1.0, 1.0], [0.0, 3.0, 5.0, 5.0]], ids=["0/1", "of 5"])
def test_separated_classes_are_not_balanced_by_that_allowance(y):
    """Rows that recede along a flat column: theta is small because there is no mode."""
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    binary = max(y) == 1
    model = br.Model(br.Bernoulli() if binary else br.Binomial(), br.Flat(), br.Normal(1.0))
    data = br.Data(X, y, trials=None if binary else np.full(4, 5.0))
    certificate = br.certify(model, data, [18.0], 0.0)
    assert not certificate.holds


OVERFLOWING = [
    (LASSO, DATA, [1e308, 1e308], 0.0),
    (LASSO, DATA, [0.0, 0.0], 1e308),
    (LASSO, DATA, [1e200, -1e200], 0.0),
    (br.Model(br.Poisson(), br.Laplace(1.0)), DATA, [1e308, 1e308], -1e308),
    (br.Model(br.Multinomial(), br.Laplace(1.0)), DATA, np.full((3, 2), 1e308), 0.0),
    (br.Model(br.AsymmetricLaplace(0.5, 1.0), br.Laplace(1.0)), DATA, [1e308, 0.0], 0.0),
]


@pytest.mark.parametrize(("model", "data", "coef", "intercept"), OVERFLOWING)
def test_coefficients_out_of_floating_point_are_refused(model, data, coef, intercept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=r"the linear predictor .*Check coef and intercept"):
            br.certify(model, data, coef, intercept)


@pytest.mark.parametrize("size", [1e3, 1e100, 1e140])
def test_large_coefficients_get_a_certificate_that_claims_nothing(size):
    poisson = br.Model(br.Poisson(), br.Laplace(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not br.certify(LASSO, DATA, [size, -size], 0.0).holds
        certificate = br.certify(poisson, DATA, [size, size], 0.0)
    assert np.isinf(certificate.gap)
    assert "zeros not proved" in str(certificate)


@pytest.mark.filterwarnings("ignore::bayesreg.errors.NotUniqueWarning")  # a common shift is free
@pytest.mark.parametrize("seed", [5, 7, 10, 19, 26, 31])
def test_what_all_classes_share_is_not_in_the_way_of_what_they_differ_by(seed):
    """Columns near 1e6 and a loc of -0.75: X w of one class is 1e10 times what matters."""
    rng = np.random.default_rng(seed)
    X = np.c_[1e6 + 2 * rng.normal(size=5), rng.normal(size=(5, 2))]
    y = np.r_[0, 1, rng.integers(0, 2, 3)].astype(float)
    prior = {
        "x0": br.Laplace(0.0022, loc=-0.75),
        "x1": br.Normal(1.0),
        "x2": br.ElasticNet(9.0, 0.2, -0.24),
    }
    model = br.Model(br.Multinomial(), prior, intercept=None)
    assert br.find_map(model, br.Data(X, y)).certificate.holds


def test_predictors_of_classes_differ_exactly_as_the_coefficients_do():
    from fractions import Fraction

    from bayesreg.class_problem import bind_classes

    rng = np.random.default_rng(6)
    X, y = 1e6 + rng.normal(size=(4, 1)), np.array([0.0, 1.0, 2.0, 1.0])
    problem = bind_classes(
        br.Model(br.Multinomial(), br.Laplace(1.0), intercept=None), br.Data(X, y)
    )
    V = np.array([[-0.75], [-0.75 + 1e-9], [-0.75 - 3e-9]])
    eta = problem.linear_predictors(V)
    for i in range(4):
        for k in range(3):
            exact = Fraction(X[i, 0]) * (Fraction(V[k, 0]) - Fraction(V[0, 0]))
            assert eta[i, k] - eta[i, 0] == pytest.approx(float(exact), rel=1e-15)


def test_classes_that_only_a_distant_bound_keeps_finite_are_certified():
    """One row: but for a Uniform prior its class wins without limit. The dual point 0 proves it."""
    prior = {"x0": br.Laplace(1.3, loc=1.1), "x1": br.Uniform(-1.0, 80.0)}
    model = br.Model(br.Multinomial(classes=3), prior, br.Uniform(-1.0, 1.0))
    fit = br.find_map(model, br.Data([[-0.45, -2.8]], [2.0]))
    assert fit.certificate.holds


@pytest.mark.parametrize("bad", [{"scales": [True]}, {"scales": [2.0, True]}, {"scales": ["1"]}])
def test_scales_are_numbers(bad):
    with pytest.raises(ModelTypeError, match="scales must be a sequence of positive numbers"):
        br.find_map_path(LASSO, DATA, **bad)


def test_the_number_of_scales_is_a_number():
    with pytest.raises(ModelError, match="n_scales must be a whole number >= 1; got True"):
        br.find_map_path(LASSO, DATA, n_scales=True)
    assert len(br.find_map_path(LASSO, DATA, n_scales=np.int64(3))) == 3


def test_wrong_lengths_come_with_a_remedy():
    X = np.ones((8, 2))
    with pytest.raises(DataError, match="weights has 7 entries but X has 8 rows; give one entry"):
        br.Data(X, np.ones(8), weights=np.ones(7))
    with pytest.raises(DataError, match="names has 1 entries but X has 2 columns; give one name"):
        br.Data(X, np.ones(8), names=["a"])


def test_one_dimensional_sparse_columns_are_told_to_be_reshaped():
    with pytest.raises(DataError, match=r"got shape \(8,\); use X.reshape\(-1, 1\)"):
        br.Data(coo_array(np.ones(8)), np.ones(8))
