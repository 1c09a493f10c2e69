"""The duality gap of the joint mode bounds what it says it bounds, at any point."""

import numpy as np
import pytest
from helpers import make_design

import bayesreg as br
from bayesreg.priors.on_noise import noise_density
from bayesreg.proof.joint import JointPoint, certify_joint
from bayesreg.proof.point import certify_point
from bayesreg.solvers.noise_family import noise_family

ON_SIGMA = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.5),
    br.Exponential(2.0),
    br.HalfCauchy(0.7),
    br.InverseGamma(2.0, 1.5),
    br.Uniform(0.1, 10.0),
    br.Uniform(0.1, 0.9),
]
PRIORS = {
    "laplace": br.Laplace(0.2, 0.1, relative_to_noise=True),
    "normal": br.Normal(0.4, relative_to_noise=True),
    "elastic net": br.ElasticNet(0.3, 0.6, relative_to_noise=True),
    "positive": br.Truncated(br.Laplace(0.2, relative_to_noise=True), lower=0.0),
    "some flat": {"x0": br.Flat(), "x[1-4]": br.Laplace(0.2, relative_to_noise=True)},
}


def make_data(n=25, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X = make_design(n, p, seed)
    y = 2.0 + X @ (rng.normal(size=p) / X.std(axis=0)) + rng.normal(size=n)
    return br.Data(X, y, weights=rng.uniform(0.3, 2.0, n), offset=rng.normal(size=n))


def gap_at(model, data, coef, intercept, sigma):
    family = noise_family(model, data)
    v = family.unit.extended(coef, intercept)
    given = certify_point(family.at(sigma), v)
    density = noise_density(model.likelihood.noise_prior)
    point = JointPoint(v, sigma)
    return certify_joint(family.unit, density, family.unit.n + family.k, point, given)


@pytest.mark.parametrize("on_sigma", ON_SIGMA, ids=repr)
@pytest.mark.parametrize("prior", PRIORS.values(), ids=list(PRIORS))
@pytest.mark.parametrize("intercept", [br.Flat(), None, br.Normal(1.0, 0.0, True)], ids=repr)
def test_gap_bounds_the_distance_from_the_mode(on_sigma, prior, intercept):
    data = make_data()
    model = br.Model(br.Gaussian(on_sigma), prior, intercept)
    fit = br.find_map(model, data, target="joint", tol=1e-12)
    assert fit.certificate.gap <= 1e-10
    best = model.log_density(data, fit.coef, fit.intercept, sigma=fit.scalars["sigma"])
    rng = np.random.default_rng(1)
    tight = []
    for size in (1e-4, 1e-2, 0.3):
        for _ in range(10):
            coef = fit.coef + size * rng.normal(size=5) / np.asarray(data.X).std(axis=0)
            coef = np.abs(coef) if prior is PRIORS["positive"] else coef
            a = 0.0 if intercept is None else fit.intercept + size * rng.normal()
            sigma = float(np.clip(fit.scalars["sigma"] * np.exp(size * rng.normal()), 0.1, 0.9))
            lacking = best - model.log_density(data, coef, a, sigma=sigma)
            certificate = gap_at(model, data, coef, a, sigma)
            assert certificate.gap >= lacking - 1e-12 * abs(best)
            tight.append(certificate.gap / lacking)
    # Far away the residuals may point against y, and the dual point says nothing: infinity.
    assert np.all(np.isfinite(tight[:20]))


def test_gap_sees_a_wrong_sigma_alone():
    """Right coefficients for their sigma, and a sigma that is not the mode's."""
    data = make_data()
    model = br.Model(br.Gaussian(br.Jeffreys()), PRIORS["laplace"])
    fit = br.find_map(model, data, target="joint")
    for factor in (0.9, 1.001, 1.1):
        sigma = factor * fit.scalars["sigma"]
        given = br.find_map(model.at_sigma(sigma), data)
        certificate = gap_at(model, data, given.coef, given.intercept, sigma)
        lacking = fit.log_density - given.log_density - float(br.Jeffreys().log_density(sigma))
        assert given.certificate.holds
        assert not certificate.holds
        assert lacking <= certificate.gap <= 3 * lacking
        assert 0.5 * certificate.kkt_residual**2 == pytest.approx(lacking, rel=1.0)


def test_a_zero_that_is_none_in_the_mode_is_not_proved():
    data = make_data()
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(0.1, relative_to_noise=True))
    fit = br.find_map(model, data, target="joint", tol=1e-12)
    assert 0 < fit.n_zeros < 5
    assert fit.certificate.zeros_proved
    for j in np.flatnonzero(fit.coef):
        off = np.where(np.arange(5) == j, 0.0, fit.coef)
        assert not gap_at(model, data, off, fit.intercept, fit.scalars["sigma"]).zeros_proved


def test_unbalanced_intercept_is_reported():
    data = make_data()
    model = br.Model(br.Gaussian(br.Jeffreys()), PRIORS["normal"])
    fit = br.find_map(model, data, target="joint")
    sigma = fit.scalars["sigma"]
    certificate = gap_at(model, data, fit.coef, fit.intercept + 0.1, sigma)
    moved = model.log_density(data, fit.coef, fit.intercept + 0.1, sigma=sigma)
    assert certificate.gap >= fit.log_density - moved
    assert not certificate.holds


def test_what_is_not_convex_has_no_gap():
    data = make_data()
    for prior, intercept in ((br.Laplace(0.5), br.Flat()), (PRIORS["normal"], br.Normal(1.0))):
        fit = br.find_map(br.Model(br.Gaussian(br.Flat()), prior, intercept), data, target="joint")
        assert fit.certificate.local
        assert np.isnan(fit.certificate.gap)
        assert fit.conditional.gap <= 1e-8
