"""Sigma unknown where bounds or dependent columns keep the data from being fitted exactly."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import quad
from scipy.optimize import lsq_linear, nnls

import bayesreg as br
from bayesreg.errors import LocalModesWarning, NoModeError, NotUniqueWarning
from bayesreg.priors.on_noise import noise_density
from bayesreg.solvers.noise_equation import MarginalEquation
from bayesreg.solvers.noise_family import noise_family

HALF = br.Gaussian(sigma=br.HalfNormal(1.0))


def quiet_map(model, data, target):
    """Any other warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", LocalModesWarning)
        warnings.simplefilter("ignore", NotUniqueWarning)
        return br.find_map(model, data, target=target)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("prior", [br.HalfNormal(1.0), br.Exponential(1.0)], ids=repr)
def test_more_columns_than_rows_that_all_point_away_from_y(prior, form):
    """w = 0 is best, and sigma^4 + n sigma^2 = y'y is the slope of the joint density in sigma."""
    X = np.abs(np.random.default_rng(3).normal(size=(4, 6)))
    y = -np.array([3.0, 1.0, 2.0, 5.0])
    fit = quiet_map(br.Model(HALF, prior, None), br.Data(form(X), y), "joint")
    assert np.all(fit.coef == 0)
    assert fit.scalars["sigma"] == pytest.approx(np.sqrt((np.sqrt(16 + 4 * 39) - 4) / 2), rel=1e-12)
    assert fit.certificate.holds


@pytest.mark.parametrize("target", ["joint", "marginal"])
@pytest.mark.parametrize("seed", range(6))
def test_non_negative_coefficients_have_a_mode_where_they_cannot_fit(seed, target):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(4, 6)), rng.normal(size=4)
    model, data = br.Model(HALF, br.HalfNormal(1.0)), br.Data(X, y)
    best, rest = nnls(np.column_stack([X, np.ones(4), -np.ones(4)]), y)
    if rest < 1e-12:
        with pytest.raises(NoModeError, match="without residual"):
            quiet_map(model, data, target)
        at = [model.log_density(data, best[:6], best[6] - best[7], sigma=s) for s in (1e-3, 1e-6)]
        assert at[1] > at[0] + 20
        return
    assert noise_family(model, data).floor == pytest.approx(rest**2, rel=1e-10)
    fit = quiet_map(model, data, target)
    assert fit.certificate.holds
    if target == "joint":
        for sigma in np.geomspace(1e-3, 10, 60):
            given = br.find_map(model.at_sigma(sigma), data)
            at = model.log_density(data, given.coef, given.intercept, sigma=sigma)
            assert at <= fit.log_density + 1e-9


def test_marginal_mode_of_a_square_design_that_bounds_keep_from_fitting():
    """Higher than everything around it, by quadrature over sigma."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(3), rng.normal(size=(3, 2))])
    y = rng.normal(size=3)
    fit = quiet_map(br.Model(HALF, br.HalfNormal(300.0)), br.Data(X, y), "marginal")
    assert fit.certificate.holds

    def log_density(w):
        r = y - X @ w
        squares = np.sum((r - r.mean()) ** 2)
        found = quad(lambda s: s**-2 * np.exp(-squares / s**2 / 2 - s**2 / 2), 0, 30, epsabs=0)
        return np.log(found[0]) - w @ w / 300.0**2 / 2

    top = log_density(fit.coef)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(40):
            w = np.maximum(fit.coef + size * rng.normal(size=3), 0.0)
            assert log_density(w) <= top + 1e-9


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_the_floor_under_bounds_with_dependent_columns(seed, form):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(5, 4))
    X = np.column_stack([X, X[:, 0], X[:, 1] - X[:, 2]])
    y, weights = rng.normal(size=5), rng.integers(1, 4, size=5).astype(float)
    model = br.Model(HALF, br.Uniform(-0.2, 0.3), None)
    family = noise_family(model, br.Data(form(X), y, weights=weights))
    root = np.sqrt(weights)
    found = lsq_linear(X * root[:, None], y * root, (-0.2, 0.3), "trf", tol=1e-14, max_iter=500)
    assert family.floor == pytest.approx(2 * found.cost, rel=1e-8)
    fit = quiet_map(model, br.Data(form(X), y, weights=weights), "joint")
    assert fit.certificate.holds


@pytest.mark.parametrize("seed", range(20))
def test_dependent_flat_columns_leave_the_least_residual_what_it_is(seed):
    """A residual above the least cut the search for sigma short: the point was not stationary."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 5))
    X[:, 2] = X[:, 0] - X[:, 1]
    y = X[:, 0] + rng.normal(size=40)
    data = br.Data(X, y)
    model = br.Model(HALF, br.Normal([np.inf, 0.56, 0.49, 0.41, np.inf]))
    basis = np.linalg.qr(np.column_stack([X[:, [0, 1, 3, 4]], np.ones(40)]))[0]
    least = np.sum((y - basis @ (basis.T @ y)) ** 2)
    family = noise_family(model, data)
    assert family.floor == pytest.approx(least, rel=1e-10)
    fit = quiet_map(model, data, "joint")
    assert fit.certificate.holds
    n, squares = 40, np.sum((y - fit.predict(X)) ** 2)
    expected = np.sqrt((np.sqrt(n**2 + 4 * squares) - n) / 2)
    assert fit.scalars["sigma"] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_repeated_rows_that_disagree_cannot_be_fitted_by_any_number_of_columns(target):
    rng = np.random.default_rng(5)
    X = np.repeat(rng.normal(size=(3, 9)), 2, axis=0)
    y = np.array([1.0, 2.0, -1.0, 0.5, 3.0, 3.5])
    model, data = br.Model(HALF, br.Normal(1.0)), br.Data(X, y)
    assert noise_family(model, data).floor == pytest.approx((1 + 1.5**2 + 0.5**2) / 2, rel=1e-12)
    assert quiet_map(model, data, target).certificate.holds


def test_without_residuals_sigma_gathers_at_zero_unless_its_prior_vanishes_there():
    """Under an InverseGamma sigma^-2 is gamma distributed, of mean (count / 2 + shape) / scale."""
    for prior in (br.HalfNormal(1.0), br.Jeffreys(), br.Uniform(0.0, 2.0)):
        for has_slope in (False, True):
            equation = MarginalEquation(noise_density(prior), 3, has_slope)
            assert equation.slope(0.5, 0.0, 0.0) == np.inf
    equation = MarginalEquation(noise_density(br.InverseGamma(2.0, 1.5)), 3, False)
    expected = 0.5**2 * (3 + 2 * 2.0) / (2 * 1.5) - 1
    assert equation.slope(0.5, 0.0, 0.0) == pytest.approx(expected, rel=1e-10)


def test_a_bounded_intercept_warns_of_nothing_and_scales_by_its_own_optimum():
    """The null model's intercept is at the bound that the mean lies beyond."""
    rng = np.random.default_rng(10)
    X, y = rng.normal(size=(20, 2)), 5 + rng.normal(size=20)
    model = br.Model(br.Gaussian(sigma=2.0), br.Normal(1.0), br.Uniform(-1.0, 1.0))
    fit = quiet_map(model, br.Data(X, y), None)
    null = np.sum((y - 1.0) ** 2) / 2**2 / 2
    assert fit.certificate.half_null_deviance == pytest.approx(null, rel=1e-9)
    fit = quiet_map(br.Model(HALF, br.Normal(1.0), br.Uniform(-1.0, 1.0)), br.Data(X, y), "joint")
    assert fit.certificate.holds
