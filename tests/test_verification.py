"""verify: passes on what is right, fails on what is not, and says what did not apply."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse
from helpers import MIXED_PRIOR, make_class_data, make_data

import bayesreg as br
from bayesreg.errors import DataError, DataTypeError, ModelError, ModelTypeError
from bayesreg.twin import fit_twin
from bayesreg.verification import Check, Report

MODELS = {
    "gaussian-laplace": br.Model(br.Gaussian(1.5), br.Laplace(0.3)),
    "gaussian-elastic-net": br.Model(br.Gaussian(1.5), br.ElasticNet(0.3, 0.6)),
    "gaussian-normal": br.Model(br.Gaussian(1.5), br.Normal(0.5)),
    "gaussian-flat": br.Model(br.Gaussian(1.5), br.Flat()),
    "gaussian-mixed": br.Model(br.Gaussian(1.5), MIXED_PRIOR, br.Normal(2.0)),
    "bernoulli-normal": br.Model(br.Bernoulli(), br.Normal(0.5)),
    "poisson-laplace": br.Model(br.Poisson(), br.Laplace(0.3), standardize=True),
}
CHECKS = {
    "certificate",
    "gradient by differences",
    "scikit-learn twin",
    "no draw beats the mode",
    "PyMC log density",
}


@pytest.mark.parametrize("name", MODELS)
def test_every_check_passes_or_says_why_it_does_not_apply(name):
    model = MODELS[name]
    report = br.verify(model, make_data(model.likelihood))
    assert report.passed, str(report)
    assert {check.name for check in report.checks} == CHECKS
    idle = {check.name for check in report.checks if check.passed is None}
    expected = {"scikit-learn twin"} if name in ("gaussian-mixed", "poisson-laplace") else set()
    assert idle == expected
    for check in report.checks:
        assert check.detail


BOUNDED = [
    (br.Gaussian(1.5), br.HalfNormal(0.5)),
    (br.Bernoulli(), br.Exponential(0.3)),
    (br.Poisson(), br.Uniform(-0.2, 0.15)),
    (br.StudentT(4.0, sigma=1.5), br.Truncated(br.Cauchy(0.4), 0.0)),
    (br.AsymmetricLaplace(0.3, 0.8), br.Truncated(br.Laplace(0.3), lower=-0.1, upper=0.2)),
]


@pytest.mark.parametrize(("likelihood", "prior"), BOUNDED, ids=str)
def test_bounds_are_no_reason_to_check_nothing(likelihood, prior):
    report = br.verify(br.Model(likelihood, prior), make_data(likelihood))
    assert report.passed
    checks = {check.name: check for check in report.checks}
    assert set(checks) == CHECKS
    assert checks["certificate"].passed is True
    assert checks["gradient by differences"].passed is True
    assert checks["no draw beats the mode"].passed is True
    assert checks["PyMC log density"].passed is True


def test_bounds_on_coefficients_of_classes():
    data = make_class_data()
    report = br.verify(br.Model(br.Multinomial(), br.HalfNormal(0.5)), data)
    assert report.passed
    assert _outcomes(report)["PyMC log density"] is None


def _report_of(change):
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    fit = br.find_map(model, data)
    return br.verify(model, data, fit=dataclasses.replace(fit, **change(fit)))


def _outcomes(report):
    return {check.name: check.passed for check in report.checks}


def test_a_wrong_coefficient_fails_three_checks():
    report = _report_of(lambda fit: {"coef": fit.coef + np.where(fit.coef != 0, 0.05, 0.0)})
    outcomes = _outcomes(report)
    assert not report.passed
    assert outcomes["certificate"] is False
    assert outcomes["scikit-learn twin"] is False
    assert outcomes["no draw beats the mode"] is False
    assert outcomes["PyMC log density"] is True


def test_a_wrong_density_is_caught(monkeypatch):
    """A Laplace density without its factor 2: every point is off by p log 2."""
    wrong = br.Laplace.penalty

    def without_factor(self, size, noise=1.0):
        penalty = wrong(self, size, noise)
        return dataclasses.replace(penalty, l1=penalty.l1 * 2)

    model, data = br.Model(br.Gaussian(1.5), br.Laplace(0.3)), make_data(br.Gaussian(1.5))
    density = br.pymc.log_density_function(model, data)
    coef = np.full(data.p, 0.1)
    assert density(coef, 0.2) == pytest.approx(model.log_density(data, coef, 0.2), rel=1e-10)
    monkeypatch.setattr(br.Laplace, "penalty", without_factor)
    assert density(coef, 0.2) != pytest.approx(model.log_density(data, coef, 0.2), rel=1e-3)


def test_report_prints_and_is_json():
    report = br.verify(MODELS["gaussian-normal"], make_data(br.Gaussian(1.5)))
    assert "all checks passed" in str(report)
    plain = json.loads(report.to_json())
    assert plain["passed"] is True
    assert len(plain["checks"]) == len(CHECKS)
    assert "<table>" in report._repr_html_()


@pytest.mark.parametrize(
    ("likelihood", "prior", "target"),
    [
        (br.Gaussian(1.5), br.Laplace(0.3), "sklearn.Lasso"),
        (br.Gaussian(1.5), br.Normal(0.5), "sklearn.Ridge"),
        (br.Gaussian(1.5), br.ElasticNet(0.3, 0.6), "sklearn.ElasticNet"),
        (br.Bernoulli(), br.Normal(0.5), "sklearn.LogisticRegression"),
        (br.Poisson(), br.Normal(0.5), "sklearn.PoissonRegressor"),
    ],
)
@pytest.mark.parametrize("weights", [False, True])
def test_the_twin_is_fitted_for_real(likelihood, prior, target, weights):
    data = make_data(likelihood, weights=weights)
    model = br.Model(likelihood, prior)
    fit = br.find_map(model, data)
    twin = fit_twin(model, data, fit)
    assert twin.penalised.target == target
    assert twin.largest_difference < 1e-4 * np.max(np.abs(fit.coef))
    assert abs(twin.excess) < 1e-8 * fit.certificate.half_null_deviance


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("prior", "standardize"),
    [(br.Laplace(0.3), True), (br.Normal(0.3), True), (br.Laplace(np.geomspace(0.1, 3, 7)), False)],
)
def test_the_twin_of_scales_by_column_is_fitted_on_rescaled_columns(prior, standardize, sparse):
    given = make_data(br.Gaussian(1.0), weights=True)
    X = scipy.sparse.csr_array(given.X) if sparse else given.X
    data = br.Data(X, given.y, weights=given.weights)
    model = br.Model(br.Gaussian(1.0), prior, standardize=standardize)
    fit = br.find_map(model, data)
    twin = fit_twin(model, data, fit)
    assert twin.penalised.column_factors is not None
    assert twin.largest_difference < 1e-4 * np.max(np.abs(fit.coef))
    assert abs(twin.excess) < 1e-8 * fit.certificate.half_null_deviance


def test_saga_at_zero_coefficients_is_no_failure_of_the_mode():
    """It stops after one sweep wherever the intercept is, without a warning."""
    rng = np.random.default_rng(1)
    data = br.Data(rng.normal(size=(200, 3)), (rng.random(200) < 0.9) * 1.0)
    model = br.Model(br.Bernoulli(), br.Laplace(0.02))
    twin = fit_twin(model, data, br.find_map(model, data))
    assert twin.excess > 1e-3
    assert not twin.converged
    assert br.verify(model, data).passed


def test_a_library_that_stops_early_says_so_and_fails_nothing():
    """saga on columns of very different size gives up; that is not a fault of the mode."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)) * [1.0, 1000.0] + [0.0, 3000.0]
    data = br.Data(X, (rng.random(30) < 0.5).astype(float))
    model = br.Model(br.Bernoulli(), br.Laplace(1.0))
    fit = br.find_map(model, data)
    twin = fit_twin(model, data, fit)
    assert not twin.converged
    assert twin.excess > 1e-3
    report = br.verify(model, data)
    assert report.passed
    (check,) = (check for check in report.checks if check.name == "scikit-learn twin")
    assert check.passed is None
    assert "did not converge" in check.detail


def _far_case(distance=1e8):
    """Columns far from 0 beside their spread: eta is a small difference of large terms."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 0.0, -1.0] + rng.normal(size=40)
    model, data = br.Model(br.Gaussian(1.0), br.Normal(1.0)), br.Data(X + distance, y)
    return model, data, br.find_map(model, data)


@pytest.mark.parametrize(("distance", "most"), [(1e8, 1e-3), (1e10, 0.05)])
def test_rounding_is_no_failure(distance, most):
    model, data, fit = _far_case(distance)
    report = br.verify(model, data, fit=fit)
    assert report.passed, str(report)
    (check,) = (check for check in report.checks if check.name == "gradient by differences")
    assert check.passed
    assert check.limit < most


@pytest.mark.parametrize("far", [True, False])
def test_a_wrong_gradient_still_fails(monkeypatch, far):
    if far:
        model, data, fit = _far_case()
    else:
        model, data = MODELS["gaussian-laplace"], make_data(br.Gaussian(1.5))
        fit = br.find_map(model, data)
    right = br.Gaussian.gradient
    monkeypatch.setattr(br.Gaussian, "gradient", lambda *given: 1.01 * right(*given))
    assert _outcomes(br.verify(model, data, fit=fit))["gradient by differences"] is False


def test_where_rounding_hides_everything_the_check_does_not_apply():
    rng = np.random.default_rng(0)
    data = br.Data(rng.normal(size=(40, 1)) + 1e13, rng.normal(size=40))
    report = br.verify(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data)
    (check,) = (check for check in report.checks if check.name == "gradient by differences")
    assert check.passed is None
    assert "columns near 0" in check.detail


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"seed": -1}, ModelError, "seed must be a non-negative integer"),
        ({"seed": 1.5}, ModelTypeError, "seed must be a non-negative integer"),
        ({"seed": None}, ModelTypeError, "seed must be a non-negative integer"),
        ({"fit": [1.0]}, DataTypeError, "fit must be a MapEstimate"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, match):
    with pytest.raises(error, match=match):
        br.verify(MODELS["gaussian-normal"], make_data(br.Gaussian(1.5)), **arguments)


def test_a_fit_of_something_else_is_refused():
    model, data = MODELS["gaussian-normal"], make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="fit is for"):
        br.verify(model, data, fit=br.find_map(model.rescaled(2.0), data))
    renamed = br.Data(data.X, data.y, names=list("abcdefg"))
    with pytest.raises(DataError, match="different columns"):
        br.verify(model, data, fit=br.find_map(model, renamed))


def test_a_report_with_infinities_is_json():
    def refuse(token):
        raise AssertionError(token)

    check = Check("certificate", False, float("inf"), float("nan"), "no bound")
    plain = json.loads(Report("model", (check,)).to_json(), parse_constant=refuse)
    assert plain["checks"][0]["figure"] == "inf"
    assert plain["checks"][0]["limit"] == "nan"
