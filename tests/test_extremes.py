"""Units of the data: powers of two change no bit, powers of ten nothing that matters.

X_j * 2^k with a prior at 2^-k times its scale is the same model.  Every step of solver and
certificate commutes with that, so the coefficients are equal to the last digit (asked: 4 ulp).
"""

import warnings

import numpy as np
import pytest
from helpers import LIKELIHOODS, make_data, with_design
from scipy import sparse

import bayesreg as br
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import likelihood_of_rows

SCALES = np.array([0.1, 0.4, 0.2, 1.0, 0.3, 2.0, 0.15])
LOCS = np.array([0.0, 0.3, -0.2, 0.0, 0.1, 0.0, -0.5])
MAKERS = [
    pytest.param(lambda u: br.Laplace(SCALES * u, LOCS * u), id="laplace"),
    pytest.param(lambda u: br.Normal(SCALES * u, LOCS * u), id="normal"),
    pytest.param(lambda u: br.ElasticNet(SCALES * u, 2 * SCALES * u, LOCS * u), id="elastic-net"),
    pytest.param(lambda u: br.HalfNormal(SCALES * u), id="half-normal"),
    pytest.param(lambda u: br.Flat(), id="flat"),
]


@pytest.fixture(autouse=True)
def _no_numpy_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def _units_apart(found, expected):
    """The largest distance in units of the last place."""
    return np.max(
        np.abs(found - expected) / np.spacing(np.maximum(np.abs(found), np.abs(expected)))
    )


@pytest.mark.parametrize("order", ["C", "F", "csc"])
@pytest.mark.parametrize("reach", [3, 30, 300, 480])
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_powers_of_two_change_no_digit(likelihood, make, reach, order):
    data = make_data(likelihood, weights=True, offset=True)
    k = np.random.default_rng([reach]).integers(-reach, reach + 1, size=data.p)
    unit = np.exp2(-k.astype(float))
    fits = []
    for factor in (np.ones(data.p), unit):
        X = data.X / factor
        X = sparse.csc_array(X) if order == "csc" else np.array(X, order=order)
        model = br.Model(likelihood, make(factor))
        fits.append(br.find_map(model, with_design(data, X)))
    one, other = fits
    assert _units_apart(other.coef / unit, one.coef) <= 4
    assert _units_apart(other.intercept, one.intercept) <= 4
    assert np.array_equal(other.at_loc, one.at_loc)
    assert other.certificate.holds


@pytest.mark.parametrize("k", range(-40, 41, 8))
def test_powers_of_two_with_more_columns_than_rows(k):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 50)), rng.normal(size=30)
    exponents = rng.integers(-abs(k), abs(k) + 1, size=50)
    unit = np.exp2(exponents.astype(float))
    one = br.find_map(br.Model(br.Gaussian(0.5), br.Laplace(0.2)), br.Data(X, y))
    scaled = br.Model(br.Gaussian(0.5), br.Laplace(0.2 / unit))
    other = br.find_map(scaled, br.Data(X * unit, y))
    assert np.array_equal(other.coef == 0, one.coef == 0)
    assert _units_apart(other.coef * unit, one.coef) <= 4


def _designs(X):
    return [X, sparse.csc_array(X)]


def _close(found, expected):
    assert np.max(np.abs(found - expected)) <= 1e-10 * np.max(np.abs(expected))


@pytest.mark.parametrize("factor", [1e150, 1e-150, 1e300, 1e-300])
@pytest.mark.parametrize("make", [*MAKERS, pytest.param(lambda u: br.Laplace(SCALES * u), id="l1")])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_extreme_columns_with_a_prior_to_match(likelihood, make, factor):
    """The same model in other units, or an error that says which number cannot be written."""
    data = make_data(likelihood)
    unit = np.full(data.p, 1.0 / factor)
    one = br.find_map(br.Model(likelihood, make(np.ones(data.p))), data)
    if not _is_writable(make, unit):
        assert factor in (1e300, 1e-300)
        with pytest.raises(ModelError, match=r"scale.* must be .* 1e.153|loc.* at most 1e.150"):
            make(unit)
        return
    for X in _designs(data.X * factor):
        other = br.find_map(br.Model(likelihood, make(unit)), with_design(data, X))
        _close(other.coef * factor, one.coef)
        assert other.intercept == pytest.approx(one.intercept, rel=1e-10)
        assert np.array_equal(other.at_loc, one.at_loc)


def _is_writable(make, unit):
    try:
        make(unit)
    except ModelError:
        return False
    return True


@pytest.mark.parametrize("factor", [1e150, 1e300])
@pytest.mark.parametrize(
    "prior", [br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6)], ids=str
)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_huge_columns_under_a_fixed_prior_have_the_flat_mode(likelihood, prior, factor):
    data = make_data(likelihood)
    flat = br.find_map(br.Model(likelihood, br.Flat()), data)
    for X in _designs(data.X * factor):
        fit = br.find_map(br.Model(likelihood, prior), with_design(data, X))
        _close(fit.coef * factor, flat.coef)


@pytest.mark.parametrize("n", [60, 5000])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_tiny_columns_under_a_fixed_prior(likelihood, n):
    """Laplace: exactly 0. Normal: tau^2 times the gradient at 0, to ten digits and not 0."""
    data = make_data(likelihood, n=n)
    for X in _designs(data.X * 1e-150):
        zero = br.find_map(br.Model(likelihood, br.Laplace(0.3)), with_design(data, X))
        assert zero.n_zeros == data.p
        fit = br.find_map(br.Model(likelihood, br.Normal(0.5)), with_design(data, X))
        bound = likelihood_of_rows(likelihood, data.trials)
        _close(fit.coef, -0.25 * (X.T @ bound.gradient(data.y, np.full(n, fit.intercept))))


@pytest.mark.parametrize("factor", [1e150, 1e-150, 1e290, 1e-290])
@pytest.mark.parametrize(
    "prior", [br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.6)], ids=str
)
def test_extreme_columns_standardised(prior, factor):
    """The prior is that of the standardised column: units cancel, or it is said why not."""
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), prior, standardize=True)
    one = br.find_map(model, data)
    for X in _designs(data.X * factor):
        if factor in (1e290, 1e-290) and not isinstance(prior, br.Laplace):
            with pytest.raises(ModelError, match=r"column 'x0' is so .*; measure that column in"):
                br.find_map(model, with_design(data, X))
        else:
            _close(br.find_map(model, with_design(data, X)).coef * factor, one.coef)


@pytest.mark.parametrize("factor", [1e90, 1e-90, 1e140, 1e-140, 1e-300])
@pytest.mark.parametrize("prior", [br.Flat(), br.Normal(0.5)], ids=str)
def test_extreme_targets(prior, factor):
    """Linear in y (and offset) under flat and normal priors centred at 0."""
    data = make_data(br.Gaussian(1.5), weights=True, offset=True)
    model = br.Model(br.Gaussian(1.5), prior)
    one = br.find_map(model, data)
    moved = br.Data(data.X, data.y * factor, data.weights, data.offset * factor)
    other = br.find_map(model, moved)
    _close(other.coef / factor, one.coef)
    assert other.intercept / factor == pytest.approx(one.intercept, rel=1e-10)


@pytest.mark.parametrize("factor", [1e90, 1e-90])
@pytest.mark.parametrize("make", MAKERS)
def test_everything_in_other_units_of_the_target(make, factor):
    data = make_data(br.Gaussian(1.5), weights=True, offset=True)
    one = br.find_map(br.Model(br.Gaussian(1.5), make(np.ones(data.p))), data)
    moved = br.Data(data.X, data.y * factor, data.weights, data.offset * factor)
    model = br.Model(br.Gaussian(1.5 * factor), make(np.full(data.p, factor)))
    other = br.find_map(model, moved)
    _close(other.coef / factor, one.coef)


def test_what_is_beyond_says_so():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(DataError, match=r"y must be at most 1e.150"):
        br.Data(data.X, data.y * 1e150)
    with pytest.raises(ModelError, match=r"sigma must lie between .* Measure y in other units"):
        br.Gaussian(1e140)
