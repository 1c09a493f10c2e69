"""The null model under an intercept with bounds or a kink, against one-dimensional search."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import bayesreg as br
from bayesreg.errors import NotUniqueWarning
from bayesreg.proof.null_intercept import best_intercept

INTERCEPTS = {
    "uniform": (br.Uniform(-1.0, 1.0), (-1.0, 1.0), lambda a: 0.0),
    "half normal": (br.HalfNormal(1.0), (0.0, 60.0), lambda a: a * a / 2),
    "exponential": (br.Exponential(1.3), (0.0, 60.0), lambda a: a / 1.3),
    "truncated": (br.Truncated(br.Normal(1.0), 0.2, 0.4), (0.2, 0.4), lambda a: a * a / 2),
    "laplace": (br.Laplace(0.05, loc=0.5), (-60.0, 60.0), lambda a: abs(a - 0.5) / 0.05),
    "normal": (br.Normal(2.0), (-60.0, 60.0), lambda a: a * a / 8),
}
LIKELIHOODS = [br.Gaussian(1.0), br.Poisson(), br.Bernoulli(), br.AsymmetricLaplace(0.5, 1.0)]


def target(likelihood, rng, n):
    if isinstance(likelihood, br.Poisson):
        return rng.poisson(2.0, n).astype(float)
    if isinstance(likelihood, br.Bernoulli):
        return (rng.random(n) < 0.7).astype(float)
    return rng.normal(size=n) + rng.choice([-5.0, 0.0, 5.0])


@pytest.mark.parametrize("name", INTERCEPTS)
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_the_scale_of_the_gap_is_the_loss_at_the_best_intercept(likelihood, name, seed):
    prior, (low, high), penalty = INTERCEPTS[name]
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(20, 2)), target(likelihood, rng, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NotUniqueWarning)  # quantiles between two observations
        found = br.find_map(br.Model(likelihood, br.Laplace(0.3), prior), br.Data(X, y))

    def loss(a):
        return float(np.sum(likelihood.loss(y, np.full(20, a))))

    inside = minimize_scalar(lambda a: loss(a) + penalty(a), bounds=(low, high), method="bounded",
                             options={"xatol": 1e-12}).x  # fmt: skip
    kink = min(max(0.5, low), high)
    best = min((inside, low, high, kink), key=lambda a: loss(a) + penalty(a))
    expected = loss(best) - float(np.sum(likelihood.saturated_loss(y)))
    assert found.certificate.half_null_deviance == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("prior", [br.Uniform(-0.1, 0.1), br.HalfNormal(0.5)], ids=repr)
def test_classes_have_no_warnings_and_a_smaller_null_loss_than_at_the_centre(prior):
    rng = np.random.default_rng(3)
    y = rng.choice(3, 40, p=[0.8, 0.1, 0.1]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = br.find_map(
            br.Model(br.Multinomial(), br.Laplace(0.1), prior), br.Data(rng.normal(size=(40, 2)), y)
        )
    counts = np.bincount(y.astype(int))
    uniform, free = 40 * np.log(3), -float(counts @ np.log(counts / 40))
    assert free <= fit.certificate.half_null_deviance < uniform
    if isinstance(prior, br.Uniform):  # the frequent class at one end, the rare ones at the other
        a = np.where(counts > 20, 0.1, -0.1)
        at_ends = float(40 * np.log(np.sum(np.exp(a))) - counts @ a)
        assert fit.certificate.half_null_deviance == pytest.approx(at_ends, rel=1e-9)


def test_the_root_is_found_where_slopes_overflow():
    prior = br.Model(br.Poisson(), br.Laplace(1.0), br.Normal(1e3)).intercept_penalty()
    assert prior is not None
    with np.errstate(over="ignore"):
        a = best_intercept(lambda a: float(np.exp(a + 2000.0) - 3.0), prior)
    assert a + 2000 == pytest.approx(np.log(3.0 - a / 1e6), abs=1e-9)
