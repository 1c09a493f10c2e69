"""The density a model states is scipy's, its gradient is the derivative, its units are right."""

from fnmatch import fnmatch

import numpy as np
import pytest
from densities import scipy_log_likelihood
from helpers import (
    COMBINATIONS,
    LIKELIHOODS,
    P,
    make_data,
    make_design,
    make_model,
    rows_of,
)
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln

from bayesreg import (
    Data,
    ElasticNet,
    Flat,
    Gaussian,
    GroupLaplace,
    Laplace,
    Model,
    MultivariateNormal,
    Normal,
    Poisson,
)
from bayesreg.model import column_deviation

SETTINGS = [
    pytest.param({}, id="plain"),
    pytest.param({"weights": True}, id="weights"),
    pytest.param({"weights": True, "offset": True}, id="weights-offset"),
]


def some_coefficients(data, seed=5):
    """Coefficients of moderate effect on every column, and an intercept."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=data.p) / np.ptp(data.X, axis=0), rng.normal()


# ---- the density, against scipy.stats --------------------------------------------------------


def reference_log_likelihood(likelihood, data, coef, intercept):
    eta = data.X @ coef + intercept + (0 if data.offset is None else data.offset)
    return np.sum(scipy_log_likelihood(likelihood, data, eta))


def one_log_density(kind, w, loc, b, tau):
    """log p of one coefficient: Laplace(b), Normal(tau) or their normalised product."""
    if np.isinf(b) and np.isinf(tau):
        return 0.0
    if kind is not ElasticNet:
        reference = stats.laplace(loc, b) if kind is Laplace else stats.norm(loc, tau)
        return reference.logpdf(w)

    def unnormalised(x):
        return np.exp(-abs(x - loc) / b - (x - loc) ** 2 / (2 * tau**2))

    width = min(b, tau)
    half, _ = quad(lambda u: width * unnormalised(loc + width * u), 0, np.inf, epsabs=1e-13)
    return np.log(unnormalised(w)) - np.log(2 * half)


def group_log_density(prior, deviation, factor):
    """||w|| / b has a Gamma(k) distribution and w / ||w|| is uniform on the sphere."""
    labels = np.zeros(deviation.size) if prior.groups is None else np.array(prior.groups)
    total = 0.0
    for label, b in np.broadcast(np.unique(labels), prior.scale):
        own = deviation[labels == label]
        k, r = own.size, np.linalg.norm(own)
        if np.isfinite(b):
            sphere = np.log(2) + k / 2 * np.log(np.pi) - gammaln(k / 2) + (k - 1) * np.log(r)
            total += stats.gamma.logpdf(r, k, scale=factor * b) - sphere
    return total


def reference_log_prior(prior, w, noise):
    if isinstance(prior, Flat):
        return 0.0
    factor = noise if prior.relative_to_noise else 1.0
    if isinstance(prior, MultivariateNormal):
        covariance = factor**2 * np.array(prior.covariance)
        mean = np.broadcast_to(prior.loc, w.shape)
        return stats.multivariate_normal.logpdf(w, mean, covariance)
    if isinstance(prior, GroupLaplace):
        return group_log_density(prior, w - np.array(prior.loc), factor)
    assert isinstance(prior, Laplace | Normal | ElasticNet), "write its scipy density here"
    b = getattr(prior, "laplace_scale", prior.scale if isinstance(prior, Laplace) else np.inf)
    tau = getattr(prior, "normal_scale", prior.scale if isinstance(prior, Normal) else np.inf)
    parts = np.broadcast_arrays(w, prior.loc, np.multiply(b, factor), np.multiply(tau, factor))
    return sum(one_log_density(type(prior), *part) for part in zip(*parts, strict=True))


def reference_log_density(model, data, coef, intercept, deviation):
    total = reference_log_likelihood(model.likelihood, data, coef, intercept)
    noise = getattr(model.likelihood, "sigma", 1.0)
    groups = {"all": (model.prior, slice(None))}
    if isinstance(model.prior, dict):
        groups = {
            key: (prior, [j for j, name in enumerate(data.names) if fnmatch(name, key)])
            for key, prior in model.prior.items()
        }
    for prior, columns in groups.values():
        total += reference_log_prior(prior, (coef * deviation)[columns], noise)
        if model.standardize:
            proper = ~prior.penalty(len(coef[columns])).is_flat
            total += np.sum(np.log(deviation[columns])[proper])
    if model.intercept is not None:
        total += reference_log_prior(model.intercept, np.array([intercept]), noise)
    return total


def plain_deviation(data):
    s = np.ones(data.y.size) if data.weights is None else data.weights
    mean = np.average(data.X, axis=0, weights=s)
    return np.sqrt(np.average((data.X - mean) ** 2, axis=0, weights=s))


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("standardize", [False, True], ids=["", "standardize"])
def test_log_density_is_scipys(likelihood, prior, setting, standardize):
    data = make_data(likelihood, **setting)
    coef, intercept = some_coefficients(data)
    deviation = plain_deviation(data) if standardize else np.ones(data.p)
    for on_intercept, a in ((Flat(), intercept), (Normal(2.0, loc=1.0), intercept), (None, 0.0)):
        model = make_model(likelihood, prior, on_intercept, standardize=standardize)
        expected = reference_log_density(model, data, coef, a, deviation)
        found = model.log_density(data, coef, a)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-10)
        parts = np.sum(model.log_likelihood(data, coef, a)) + model.log_prior(data, coef, a)
        assert found == pytest.approx(parts, rel=1e-14)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_log_likelihood_is_given_by_row(likelihood):
    data = make_data(likelihood, weights=True, offset=True)
    coef, intercept = some_coefficients(data)
    rows = make_model(likelihood).log_likelihood(data, coef, intercept)
    assert np.array_equal(rows == 0, data.weights == 0)
    for i in (0, 7, 59):
        one = rows_of(data, [i])
        expected = reference_log_likelihood(likelihood, one, coef, intercept)
        assert rows[i] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
@pytest.mark.parametrize("standardize", [False, True], ids=["", "standardize"])
def test_gradient_is_the_derivative(likelihood, prior, standardize):
    data = make_data(likelihood, weights=True, offset=True)
    coef, intercept = some_coefficients(data)
    model = make_model(likelihood, prior, Normal(2.0, loc=1.0), standardize=standardize)
    in_coef, in_intercept = model.gradient(data, coef, intercept)

    def density(j, step):
        w = coef.copy()
        w[j] += step
        return model.log_density(data, w, intercept)

    for j, h in enumerate(1e-5 / np.ptp(data.X, axis=0)):
        slope = (density(j, h) - density(j, -h)) / (2 * h)
        assert in_coef[j] == pytest.approx(slope, rel=1e-6, abs=1e-6 / h * 1e-5)
    h = 1e-5
    up, down = (model.log_density(data, coef, intercept + step) for step in (h, -h))
    assert in_intercept == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-6)


def test_gradient_without_an_intercept_is_zero_there():
    data = make_data(Gaussian(1.5))
    assert make_model(intercept=None).gradient(data, np.zeros(P))[1] == 0.0


def test_gradient_takes_zero_at_the_kink():
    data = make_data(Gaussian(1.5))
    at_kink, _ = make_model(prior=Laplace(0.3)).gradient(data, np.zeros(P))
    flat, _ = make_model(prior=Flat()).gradient(data, np.zeros(P))
    np.testing.assert_array_equal(at_kink, flat)


def test_a_row_of_weight_zero_cannot_spoil_the_gradient():
    # exp(1e5) overflows; the row does not count.
    data = Data([[1e5], [1.0], [2.0]], [0, 1, 1], weights=[0, 1, 1])
    alone = Data([[1.0], [2.0]], [1, 1])
    model = Model(Poisson(), Laplace(1.0))
    np.testing.assert_array_equal(
        model.gradient(data, [1.0], 0.5)[0], model.gradient(alone, [1.0], 0.5)[0]
    )
    assert model.log_density(data, [1.0]) == model.log_density(alone, [1.0])


# ---- standardisation -------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e8, -1e12])
def test_deviation_survives_a_huge_mean(offset):
    # Multiples of 1/8 below 2^50 add to the offset without rounding.
    x = np.round(8 * make_design(50, 1)) / 8
    data = Data(x + offset, np.zeros(50), weights=np.linspace(0, 2, 50))
    np.testing.assert_allclose(
        column_deviation(data), column_deviation(Data(x, data.y, data.weights)), rtol=1e-12
    )
    np.testing.assert_allclose(column_deviation(Data(x, data.y)), np.std(x, axis=0), rtol=1e-14)


@pytest.mark.parametrize("factor", [1e-200, 1e-150, 1e150, 1e200])
def test_deviation_survives_extreme_units(factor):
    x = make_design(50, 2)
    found = column_deviation(Data(x * factor, np.zeros(50)))
    np.testing.assert_allclose(found, np.std(x, axis=0) * factor, rtol=1e-12)


def test_deviation_of_constant_columns_is_exactly_zero():
    x = np.c_[np.full(4, 0.1), [1.0, 1.0, 1.0, 7.0], [1.0, 2.0, 3.0, 4.0]]
    found = column_deviation(Data(x, np.zeros(4), weights=[0.1, 0.2, 0.7, 0.0]))
    assert found[0] == found[1] == 0.0
    assert found[2] > 0


def test_deviation_ignores_rows_of_weight_zero():
    x = np.array([[1e300], [1e-10], [2e-10]])
    found = column_deviation(Data(x, np.zeros(3), weights=[0, 1, 1]))
    np.testing.assert_allclose(found, [0.5e-10], rtol=1e-14)


def test_constant_column_stays_at_loc():
    data = Data(np.c_[np.full(4, 3.0), np.arange(4.0)], np.zeros(4))
    penalty = Model(
        Gaussian(1.0), Laplace(1.0, loc=[0.5, 0.0]), standardize=True
    ).coefficient_penalty(data)
    np.testing.assert_array_equal(penalty.is_pinned, [True, False])
    assert penalty.lower[0] == penalty.upper[0] == 0.5
