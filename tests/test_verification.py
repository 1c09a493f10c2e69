"""verify: passes on what is right, fails on what is not, and says what did not apply."""

import dataclasses
import json

import numpy as np
import pytest
from helpers import MIXED_PRIOR, make_data

import bayesreg as br
from bayesreg.twin import fit_twin

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
    "segments to posterior draws",
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
    assert outcomes["segments to posterior draws"] is False
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
