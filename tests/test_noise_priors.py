"""Densities of sigma: against scipy, their derivatives, their ends, their texts and refusals."""

import numpy as np
import pytest
from scipy import integrate, stats

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.priors.on_noise import noise_density

ON_SIGMA = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.7),
    br.Exponential(0.6),
    br.HalfCauchy(0.8),
    br.InverseGamma(2.5, 1.3),
    br.Uniform(0, 3.0),
    br.Uniform(0.1, 3.0),
]
REFERENCES = {
    "HalfNormal": lambda s: stats.halfnorm(scale=1.7).logpdf(s),
    "Exponential": lambda s: stats.expon(scale=0.6).logpdf(s),
    "HalfCauchy": lambda s: stats.halfcauchy(scale=0.8).logpdf(s),
    "InverseGamma": lambda s: stats.invgamma(2.5, scale=1.3).logpdf(s**2) + np.log(2 * s),
    "Uniform": lambda s: stats.uniform(0.1, 2.9).logpdf(s),
}
PROPER = [prior for prior in ON_SIGMA[2:] if prior != br.Uniform(0, 3.0)]


@pytest.mark.parametrize("prior", PROPER, ids=repr)
def test_density_is_scipys_and_integrates_to_one(prior):
    reference = REFERENCES[type(prior).__name__]
    s = np.geomspace(0.11, 2.9, 50)
    np.testing.assert_allclose(prior.log_density(s), reference(s), rtol=1e-13, atol=1e-13)
    total, _ = integrate.quad(
        lambda t: float(np.exp(prior.log_density(np.exp(t)) + t)), -30, 30, limit=500,
        points=[np.log(0.1), np.log(3.0)],
    )  # fmt: skip
    assert total == pytest.approx(1.0, abs=1e-8)


def test_jeffreys_is_one_over_s_and_none_lives_below_zero():
    assert br.Jeffreys().log_density(4.0) == -np.log(4.0)
    for prior in (br.Jeffreys(), br.HalfCauchy(1.0), br.InverseGamma(1, 1)):
        assert np.all(np.isneginf(prior.log_density(np.array([-1.0, 0.0]))))


@pytest.mark.parametrize("prior", ON_SIGMA, ids=repr)
def test_elasticity_is_the_derivative_in_log_sigma(prior):
    density, h = noise_density(prior), 1e-6
    s = np.geomspace(0.11, 2.9, 30)
    up, down = s * np.exp(h), s * np.exp(-h)
    slope = (density.log_density(up) - density.log_density(down)) / (2 * h)
    np.testing.assert_allclose(density.elasticity(s), slope, rtol=1e-7, atol=1e-8)
    bend = (density.elasticity(up) - density.elasticity(down)) / (2 * h)
    np.testing.assert_allclose(density.bend(s), bend, rtol=1e-7, atol=1e-8)
    assert np.all(density.bend(s) <= 0)  # what the search for sigma rests on
    np.testing.assert_allclose(density.log_density(s), prior.log_density(s), rtol=1e-14)


@pytest.mark.parametrize("prior", ON_SIGMA, ids=repr)
def test_order_at_the_ends_is_that_of_the_density(prior):
    density = noise_density(prior)
    tiny, huge = 1e-9, 1e9
    if np.isfinite(density.at_zero):
        assert density.elasticity(tiny) == pytest.approx(density.at_zero, abs=1e-8)
    else:
        assert density.lower > 0 or density.elasticity(tiny) > 1e6
    if np.isfinite(density.at_infinity):
        assert density.elasticity(huge) == pytest.approx(-density.at_infinity, abs=1e-8)
    else:
        assert np.isfinite(density.upper) or density.elasticity(huge) < -1e6


@pytest.mark.parametrize("prior", ON_SIGMA, ids=repr)
def test_model_with_unknown_sigma_round_trips(prior):
    model = br.Model(br.Gaussian(sigma=prior), br.Laplace(0.3))
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    assert model.at_sigma(2.0).likelihood == br.Gaussian(2.0)


REFUSED_SIGMA = [
    (br.Laplace(1.0), ModelTypeError, "a density of one"),
    (br.HalfNormal, ModelTypeError, r"call it: HalfNormal\(\.\.\.\)"),
    (br.Uniform(-1, 2), ModelError, "reaches below 0"),
    (br.Uniform([0, 0], 2), ModelError, "single number"),
    (br.HalfNormal([1.0, 2.0]), ModelError, "single number"),
    (br.Exponential(np.inf), ModelError, "finite"),
    ("HalfNormal(1)", ModelTypeError, "positive number"),
    (True, ModelTypeError, "bool"),
    (None, ModelTypeError, "positive number"),
    ([1.0, 2.0], ModelTypeError, "a density of one"),
]


@pytest.mark.parametrize(("sigma", "error", "message"), REFUSED_SIGMA)
def test_what_cannot_stand_for_sigma(sigma, error, message):
    with pytest.raises(error, match=message):
        br.Gaussian(sigma=sigma)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan, "1", True, [1.0]])
def test_parameters_of_the_new_densities(bad):
    for build in (
        br.HalfCauchy,
        lambda v: br.InverseGamma(v, 1.0),
        lambda v: br.InverseGamma(1, v),
    ):
        with pytest.raises((ModelError, ModelTypeError), match=r"HalfCauchy|InverseGamma"):
            build(bad)


@pytest.mark.parametrize("prior", [br.Jeffreys(), br.HalfCauchy(1.0), br.InverseGamma(1.0, 1.0)])
def test_no_priors_of_a_coefficient(prior):
    gaussian, plain = br.Gaussian(1.0), br.Laplace(1.0)
    for build in (
        lambda: br.Model(gaussian, prior),
        lambda: br.Model(gaussian, {"x": prior}),
        lambda: br.Model(gaussian, plain, prior),
    ):
        with pytest.raises(ModelTypeError, match=r"not a prior of a coefficient.*HalfNormal"):
            build()
    with pytest.raises(ModelTypeError):
        br.Truncated(prior, lower=0.0)
