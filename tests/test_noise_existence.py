"""Where sigma unknown leaves no mode, and what else is refused, each with its remedy."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import bayesreg as br
from bayesreg.conventions import to_penalty
from bayesreg.errors import (
    ConversionError,
    DataError,
    LocalModesWarning,
    ModelError,
    NoModeError,
)
from bayesreg.wording import describe

NOT_VANISHING = [
    br.Flat(),
    br.Jeffreys(),
    br.HalfNormal(1.0),
    br.Exponential(1.0),
    br.HalfCauchy(1.0),
    br.Uniform(0.0, 9.0),
]
VANISHING = [br.InverseGamma(1.0, 0.5), br.Uniform(0.2, 9.0)]
TARGETS = ["joint", "marginal"]


def random_data(n, p, seed=0):
    rng = np.random.default_rng([seed, n, p])
    return br.Data(rng.normal(size=(n, p)), rng.normal(size=n))


def quiet_map(model, data, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data, target=target)


def model_of(on_sigma, prior=None, intercept=br.Flat()):  # noqa: B008
    return br.Model(br.Gaussian(sigma=on_sigma), prior or br.Laplace(0.5), intercept)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("on_sigma", NOT_VANISHING, ids=repr)
@pytest.mark.parametrize("prior", [br.Laplace(0.5), br.Normal(0.5), br.ElasticNet(0.5, 0.5)])
def test_absolute_prior_with_as_many_columns_as_contrasts(target, on_sigma, prior):
    with pytest.raises(NoModeError, match=r"without residual.*InverseGamma"):
        br.find_map(model_of(on_sigma, prior), random_data(8, 7), target=target)
    assert quiet_map(model_of(on_sigma, prior), random_data(8, 6), target).certificate.holds
    with pytest.raises(NoModeError, match="without residual"):
        br.find_map(model_of(on_sigma, prior, None), random_data(7, 7), target=target)
    assert quiet_map(model_of(on_sigma, prior, None), random_data(8, 7), target).certificate.holds


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("on_sigma", VANISHING, ids=repr)
def test_a_prior_that_vanishes_at_zero_has_a_mode_nevertheless(target, on_sigma):
    for data in (random_data(8, 7), random_data(8, 30)):
        fit = quiet_map(model_of(on_sigma), data, target)
        assert fit.certificate.holds
        assert next(iter(fit.scalars.values())) > 0


def test_what_is_refused_is_unbounded_and_what_is_not_is_bounded():
    """At coefficients that fit exactly, the log density as sigma falls."""
    data = random_data(6, 5)
    extended = np.column_stack([data.X, np.ones(6)])
    exact = np.linalg.solve(extended, data.y)
    for on_sigma, unbounded in [*((p, True) for p in NOT_VANISHING), (VANISHING[0], False)]:
        model = model_of(on_sigma)
        along = [
            model.log_density(data, exact[:5], exact[5], sigma=sigma)
            for sigma in (1e-2, 1e-4, 1e-6)
        ]
        assert (np.diff(along) > 20).all() == unbounded
    relative = model_of(br.Jeffreys(), br.Laplace(0.5, relative_to_noise=True))
    along = [relative.log_density(data, exact[:5], exact[5], sigma=s) for s in (1e-2, 1e-4, 1e-6)]
    assert np.all(np.diff(along) < -20)
    assert quiet_map(relative, data, "joint").certificate.holds


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("relative", [False, True])
def test_constant_target(target, relative):
    X = np.random.default_rng(0).normal(size=(9, 2))
    prior = br.Laplace(0.5, relative_to_noise=relative)
    constant = br.Data(X, np.full(9, 3.7))
    for on_sigma in NOT_VANISHING:
        with pytest.raises(NoModeError, match="intercept and flat columns alone fit y"):
            br.find_map(model_of(on_sigma, prior), constant, target=target)
    fit = quiet_map(model_of(VANISHING[0], prior), constant, target)
    assert fit.n_zeros == 2
    assert fit.intercept == pytest.approx(3.7)
    without = quiet_map(model_of(br.Jeffreys(), prior, None), constant, target)
    assert without.certificate.holds


@pytest.mark.parametrize("target", TARGETS)
def test_exact_linear_data_and_flat_columns(target):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 3))
    data = br.Data(X, 1.0 + X @ [1.0, -2.0, 0.0])
    for on_sigma in (br.Flat(), br.HalfNormal(1.0)):
        for prior in (
            br.Laplace(0.5),
            br.Flat(),
            {"x[01]": br.Flat(), "x2": br.Normal(0.4, relative_to_noise=True)},
        ):
            with pytest.raises(NoModeError, match="without residual"):
                br.find_map(model_of(on_sigma, prior), data, target=target)
        needed = {"x[12]": br.Flat(), "x0": br.Normal(0.4, relative_to_noise=True)}
        assert quiet_map(model_of(on_sigma, needed), data, target).certificate.holds
    # A loc that fits exactly needs no coefficient to move.
    at_loc = br.Laplace(0.5, [1.0, -2.0, 0.0], relative_to_noise=True)
    with pytest.raises(NoModeError, match="without residual"):
        br.find_map(model_of(br.Jeffreys(), at_loc), data, target=target)
    as_sparse = br.Data(sparse.csr_array(X), data.y)
    with pytest.raises(NoModeError, match="without residual"):
        br.find_map(model_of(br.Jeffreys()), as_sparse, target=target)


@pytest.mark.parametrize("target", TARGETS)
def test_bounds_decide_whether_the_exact_fit_can_be_reached(target):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 2))
    data = br.Data(X, 1.0 + X @ [1.0, 0.5])
    with pytest.raises(NoModeError, match="without residual"):
        br.find_map(model_of(br.Flat(), br.HalfNormal(1.0)), data, target=target)
    kept_out = br.Truncated(br.Normal(1.0), upper=0.9)
    assert quiet_map(model_of(br.Flat(), kept_out), data, target).certificate.holds


def test_scale_of_y_does_not_decide_existence():
    data = random_data(12, 3)
    for factor in (1e-40, 1e-9, 1e40):
        scaled = br.Data(data.X, factor * data.y)
        model = model_of(br.Jeffreys(), br.Laplace(0.5 * factor))
        fit = quiet_map(model, scaled, "joint")
        assert fit.certificate.holds
    nearly = br.Data(data.X, 3.0 + 1e-7 * data.y)
    fit = quiet_map(model_of(br.Jeffreys(), br.Laplace(1e-8)), nearly, "joint")
    assert fit.scalars["sigma"] == pytest.approx(1e-7 * data.y.std(), rel=0.3)


def test_marginal_needs_an_integral_that_exists():
    with pytest.raises(NoModeError, match=r"infinite for all coefficients.*proper prior"):
        br.find_map(model_of(br.Flat()), br.Data([[1.0], [2.0]], [0.0, 1.0]), target="marginal")
    with pytest.raises(DataError, match="at least two rows"):
        br.find_map(model_of(br.HalfNormal(1.0)), br.Data([[1.0]], [0.3]), target="marginal")


REFUSED = [
    (br.Laplace(0.5), br.Normal(1.0), "integrates a flat intercept out"),
    (
        {"x0": br.Laplace(0.5), "x1": br.Laplace(0.5, relative_to_noise=True)},
        br.Flat(),
        "cannot mix L1 priors relative to the noise with absolute",
    ),
]


@pytest.mark.parametrize(("prior", "intercept", "message"), REFUSED)
def test_marginal_refusals_still_have_a_joint_mode(prior, intercept, message):
    data = random_data(20, 2)
    model = model_of(br.HalfNormal(1.0), prior, intercept)
    with pytest.raises(ModelError, match=message):
        br.find_map(model, data, target="marginal")
    assert quiet_map(model, data, "joint").certificate.holds


def test_bounds_of_a_relative_prior():
    data = random_data(20, 2)
    at_loc = br.Truncated(br.Laplace(0.5, relative_to_noise=True), lower=0.0)
    fit = quiet_map(model_of(br.Jeffreys(), at_loc), data, "joint")
    assert fit.certificate.holds
    assert not fit.certificate.local
    assert np.all(fit.coef >= 0)
    away = br.Truncated(br.Laplace(0.5, relative_to_noise=True), lower=-1.0)
    with pytest.raises(ModelError, match=r"'x0' is relative to the noise and bounded away"):
        br.find_map(model_of(br.Jeffreys(), away), data, target="joint")


@pytest.mark.parametrize("target", [None, "conditional"])
def test_target_must_be_said(target):
    with pytest.raises(ModelError, match=r"(?s)target.*joint.*marginal.*at_sigma"):
        br.find_map(model_of(br.HalfNormal(1.0)), random_data(9, 2), target=target)


def test_target_is_one_of_the_words():
    with pytest.raises(ModelError, match=r"must be one of .*'joint', 'marginal'.*got 'mode'"):
        br.find_map(model_of(br.HalfNormal(1.0)), random_data(9, 2), target="mode")


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_target_of_a_stated_sigma(target):
    with pytest.raises(ModelError, match="every parameter beside the coefficients is a number"):
        br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), random_data(9, 2), target=target)


NEED_A_NUMBER = {
    "bind": lambda m, d: br.bind(m, d),
    "find_map_path": lambda m, d: br.find_map_path(m, d),
    "certify": lambda m, d: br.certify(m, d, np.zeros(d.p)),
    "verify": lambda m, d: br.verify(m, d),
    "verify a fit": lambda m, d: br.verify(m, d, fit=quiet_map(m, d, "joint")),
    "penalty": lambda m, d: m.coefficient_penalty(d),
    "axis": lambda m, d: m.axis(d),
    "log_density": lambda m, d: m.log_density(d, np.zeros(d.p)),
    "log_likelihood": lambda m, d: m.log_likelihood(d, np.zeros(d.p)),
    "gradient": lambda m, d: m.gradient(d, np.zeros(d.p)),
}


@pytest.mark.parametrize("what", NEED_A_NUMBER)
@pytest.mark.parametrize("relative", [False, True])
def test_what_needs_sigma_as_a_number_says_so(what, relative):
    model = model_of(br.HalfNormal(1.0), br.Laplace(0.5, relative_to_noise=relative))
    with pytest.raises(ModelError, match=r"sigma is unknown.*model\.at_sigma"):
        NEED_A_NUMBER[what](model, random_data(20, 2))


def test_sampling_draws_sigma():
    post = br.sample(model_of(br.HalfNormal(1.0)), random_data(20, 2), seed=1, progress=False)
    assert np.all(post["posterior"]["sigma"] > 0)


def test_conversions_ask_for_sigma():
    model, data = model_of(br.HalfNormal(1.0)), random_data(20, 2)
    for convert in (
        lambda: to_penalty(model, "sklearn.Lasso", data),
        lambda: to_penalty(model, "sklearn.Lasso", n=20),
        lambda: br.to_prior("sklearn.Lasso", {"alpha": 0.1}, data, likelihood=model.likelihood),
    ):
        with pytest.raises(ConversionError, match=r"sigma is unknown.*Gaussian\(sigma=\.\.\.\)"):
            convert()
    fit = quiet_map(model, data, "joint")
    twin = to_penalty(model.at_sigma(fit.scalars["sigma"]), "sklearn.Lasso", data)
    estimator = twin.build().fit(data.X, data.y)
    np.testing.assert_allclose(estimator.coef_, fit.coef, atol=1e-4)


def test_at_sigma_and_the_sigma_of_a_density():
    data = random_data(9, 2)
    with pytest.raises(ModelError, match="has no sigma"):
        br.Model(br.Bernoulli(), br.Laplace(1.0)).at_sigma(1.0)
    with pytest.raises(ModelError, match="sigma is given, but"):
        br.Model(br.Gaussian(1.0), br.Laplace(1.0)).log_density(data, np.zeros(2), sigma=1.0)
    with pytest.raises(ModelError, match="positive"):
        model_of(br.Flat()).log_density(data, np.zeros(2), sigma=-1.0)


def test_words_of_a_model_with_unknown_sigma():
    words = describe(model_of(br.Jeffreys()), random_data(9, 2))
    assert "sd = sigma" in words
    assert "sigma ~ Jeffreys() (p = 1 / sigma, improper)" in words
    assert "lambda1 = sigma^2 / b at the sigma found" in words
    assert "nan" not in words
