"""NegativeBinomial and Gamma whose dispersion has a prior: the joint mode."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers import MIXED_PRIOR, make_data
from scipy import stats
from scipy.optimize import minimize

import bayesreg as br
from bayesreg.errors import (
    LocalModesWarning,
    ModelError,
    ModelTypeError,
    NoModeError,
    NotCertifiedError,
)
from bayesreg.proof.scalar_stationarity import scalar_residual

NEGATIVE, GAMMA = br.NegativeBinomial(1.5), br.Gamma(0.4)
STUDENT, LAPLACE = br.StudentT(4.0, sigma=1.5), br.AsymmetricLaplace(0.3, 0.8)
ON_POSITIVE = [
    br.HalfNormal(5.0),
    br.Exponential(1.0),
    br.Uniform(0.05, 50.0),
    br.Truncated(br.Normal(1.0, loc=2.0), lower=0),
    br.Flat(),
]


def estimated(likelihood, prior):
    return replace(likelihood, **{likelihood.dispersion_name: prior})


def name_of(likelihood):
    return likelihood.dispersion_name


def on_positive(prior, d):
    return 0.0 if isinstance(prior, br.Flat) else float(prior.log_density(d))


def joint_log_density(model, prior, data, coef, intercept, d):
    stated = br.Model(model.likelihood.with_dispersion(d), model.prior, model.intercept)
    return stated.log_density(data, coef, intercept) + on_positive(prior, d)


@pytest.mark.parametrize("prior", ON_POSITIVE, ids=repr)
@pytest.mark.parametrize("likelihood", [NEGATIVE, GAMMA, STUDENT], ids=repr)
def test_joint_mode_is_a_stationary_point_of_the_joint_density(likelihood, prior):
    """Every coordinate, the dispersion among them, by differences of log p(y, a, w, d)."""
    data = make_data(likelihood, n=150, weights=True, offset=True)
    model = br.Model(estimated(likelihood, prior), br.Normal(0.5))
    fit = br.find_map(model, data, target="joint")
    d = fit.scalars[name_of(likelihood)]
    assert fit.certificate.local
    assert fit.certificate.holds
    assert fit.certificate.kkt_residual < 1e-8
    assert fit.model == br.Model(likelihood.with_dispersion(d), br.Normal(0.5))
    found = np.array([*fit.coef, fit.intercept, math.log(d)])

    def density(z):
        return joint_log_density(model, prior, data, z[:7], z[7], math.exp(z[8]))

    assert fit.log_density == pytest.approx(density(found), rel=1e-13)
    assert fit.modes[0].log_density == fit.log_density
    for j in range(9):
        h = 1e-4 * np.eye(9)[j] / (1 + np.ptp(data.X[:, j]) if j < 7 else 1)
        slope = (density(found + h) - density(found - h)) / 2
        bend = 2 * density(found) - density(found + h) - density(found - h)
        assert abs(slope) < 1e-4 * bend  # off by less than 1e-8 of the unit
        assert bend > 0


@pytest.mark.parametrize("likelihood", [NEGATIVE, GAMMA, STUDENT], ids=repr)
def test_joint_mode_is_what_a_general_optimiser_finds(likelihood):
    data = make_data(likelihood, n=150)
    prior = br.HalfNormal(2.0)
    model = br.Model(estimated(likelihood, prior), br.Normal(0.5), br.Normal(2.0))
    fit = br.find_map(model, data, target="joint")

    def objective(z):
        return -joint_log_density(model, prior, data, z[:7], z[7], math.exp(z[8]))

    peer = minimize(objective, np.zeros(9), method="BFGS", options={"gtol": 1e-6})
    assert -fit.log_density <= peer.fun + 1e-9
    assert -fit.log_density == pytest.approx(peer.fun, abs=1e-6)
    np.testing.assert_allclose(fit.coef, peer.x[:7], atol=1e-4)
    assert fit.scalars[name_of(likelihood)] == pytest.approx(math.exp(peer.x[8]), rel=1e-4)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Flat(), MIXED_PRIOR], ids=repr)
@pytest.mark.parametrize("intercept", [br.Flat(), br.Normal(1.0), None], ids=repr)
@pytest.mark.parametrize("likelihood", [NEGATIVE, GAMMA, STUDENT, LAPLACE], ids=repr)
def test_the_coefficients_are_the_conditional_mode(likelihood, prior, intercept):
    """With its own certificate, exact zeros included."""
    data = make_data(likelihood, weights=True)
    model = br.Model(estimated(likelihood, br.Exponential(2.0)), prior, intercept, standardize=True)
    fit = br.find_map(model, data, target="joint")
    conditional = br.find_map(fit.model, data)
    assert conditional.certificate.holds
    np.testing.assert_allclose(fit.coef, conditional.coef, rtol=1e-10, atol=1e-13)
    assert np.array_equal(fit.at_loc, conditional.at_loc)
    assert br.certify(fit.model, data, fit.coef, fit.intercept).holds


def test_the_profile_is_lower_everywhere_else():
    """The joint mode against conditional modes over eight decades of alpha."""
    data, prior = make_data(NEGATIVE), br.HalfNormal(3.0)
    model = br.Model(estimated(NEGATIVE, prior), br.Laplace(0.3))
    fit = br.find_map(model, data, target="joint")
    for alpha in np.geomspace(1e-4, 1e4, 60):
        other = br.find_map(br.Model(br.NegativeBinomial(alpha), br.Laplace(0.3)), data)
        assert other.log_density + float(prior.log_density(alpha)) <= fit.log_density


def test_density_is_taken_in_the_dispersion_itself():
    """One exponential target of known mean: the mode in phi, not in log phi, in closed form."""
    y = stats.gamma.rvs(2.0, scale=0.5, size=50, random_state=1)
    data = br.Data(np.zeros((50, 1)), y, offset=np.zeros(50))
    model = br.Model(br.Gamma(br.Flat()), br.Normal(1.0), None)
    phi = br.find_map(model, data, target="joint").scalars["phi"]
    # d/dk of sum log p = 0 at mu = 1: log k + 1 - digamma(k) + mean(log y - y) = 0
    from scipy.optimize import brentq
    from scipy.special import digamma

    k = brentq(
        lambda k: math.log(k) + 1 - digamma(k) + np.mean(np.log(y) - y), 0.1, 100, xtol=1e-14
    )
    assert phi == pytest.approx(1 / k, rel=1e-10)


def bimodal():
    """A strong effect under a narrow prior: explained by it, or by overdispersion alone."""
    rng = np.random.default_rng(0)
    x = np.repeat([-1.0, 1.0], 10)
    y = rng.poisson(np.exp(2.0 + 1.5 * x))
    return br.Data(x[:, None], y)


def test_two_modes_are_both_found_and_told():
    data = bimodal()
    prior, scale = br.HalfNormal(20.0), 0.0562
    model = br.Model(br.NegativeBinomial(prior), br.Laplace(scale))
    with pytest.warns(LocalModesWarning, match="2 were found"):
        fit = br.find_map(model, data, target="joint")
    first, second = fit.modes
    assert first.log_density > second.log_density
    assert first.scalars == fit.scalars
    # The null model with much overdispersion, or the effect with little.
    assert [mode.coef[0] == 0 for mode in fit.modes] == [False, True]
    alphas = sorted(mode.scalars["alpha"] for mode in fit.modes)
    assert alphas[0] * 3 < alphas[1]
    for mode in fit.modes:
        here = joint_log_density(
            model, prior, data, mode.coef, mode.intercept, mode.scalars["alpha"]
        )
        assert mode.log_density == pytest.approx(here, rel=1e-12)
        for step in (-0.01, 0.01):
            alpha = mode.scalars["alpha"] * math.exp(step)
            near = br.find_map(br.Model(br.NegativeBinomial(alpha), br.Laplace(scale)), data)
            assert near.log_density + float(prior.log_density(alpha)) < mode.log_density


@pytest.mark.parametrize(
    ("prior", "expected"),
    [(br.Uniform(3.0, 4.0), 3.0), (br.Uniform(0.2, 0.5), 0.5), (br.Uniform(2.0, 2.05), 2.0)],
    ids=repr,
)
def test_a_mode_at_the_end_of_the_prior(prior, expected):
    data = make_data(NEGATIVE, n=300)
    free = br.find_map(
        br.Model(br.NegativeBinomial(br.Flat()), br.Normal(1.0)), data, target="joint"
    )
    assert 0.5 < free.scalars["alpha"] < 2.0
    fit = br.find_map(br.Model(br.NegativeBinomial(prior), br.Normal(1.0)), data, target="joint")
    assert fit.scalars["alpha"] == pytest.approx(expected, rel=1e-14)
    assert fit.certificate.holds
    assert len(fit.modes) == 1


# ---- no mode ---------------------------------------------------------------------------------


def test_alpha_that_runs_to_the_poisson_limit():
    x = np.linspace(-1, 1, 30)
    data = br.Data(x[:, None], np.round(np.exp(2 + x)))  # varies less than Poisson
    model = br.Model(br.NegativeBinomial(br.Flat()), br.Normal(1.0))
    with pytest.raises(NoModeError, match=r"alpha of .* runs to infinity: .* Use Poisson\(\)"):
        br.find_map(model, data, target="joint")
    held = br.Model(br.NegativeBinomial(br.HalfNormal(10.0)), br.Normal(1.0))
    assert br.find_map(held, data, target="joint").certificate.holds


def test_phi_that_runs_to_an_exact_fit():
    data = br.Data(np.eye(4), [1.0, 2.0, 3.0, 4.0])
    model = br.Model(br.Gamma(br.HalfNormal(1.0)), br.Normal(1.0))
    with pytest.raises(NoModeError, match=r"phi of .* runs to 0: the coefficients can fit y"):
        br.find_map(model, data, target="joint")
    held = br.Model(br.Gamma(br.Uniform(0.01, 10.0)), br.Normal(1.0))
    assert br.find_map(held, data, target="joint").scalars["phi"] == pytest.approx(0.01)


def test_all_zero_counts():
    data = br.Data(np.arange(6.0)[:, None], np.zeros(6))
    model = br.Model(br.NegativeBinomial(br.HalfNormal(1.0)), br.Normal(1.0))
    with pytest.raises(NoModeError, match="y is 0 in every row"):
        br.find_map(model, data, target="joint")
    model = br.Model(br.NegativeBinomial(br.HalfNormal(1.0)), br.Normal(1.0), br.Normal(1.0))
    with pytest.raises(NoModeError, match=r"alpha of .* runs to 0"):
        br.find_map(model, data, target="joint")


def test_separated_counts():
    x = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    data = br.Data(x[:, None], [0, 0, 2, 1, 3])
    with pytest.raises(NoModeError, match="separate"):
        br.find_map(br.Model(br.NegativeBinomial(br.HalfNormal(1.0)), br.Flat()), data,
                    target="joint")  # fmt: skip


def test_what_is_not_stationary_enough_is_told():
    data = make_data(GAMMA, n=150)
    model = br.Model(br.Gamma(br.HalfNormal(1.0)), br.Laplace(0.3))
    with pytest.raises(NotCertifiedError, match="not stationary"):
        br.find_map(model, data, target="joint", tol=1e-60)
    fit = br.find_map(model, data, target="joint", tol=1e-60, on_failure="return")
    assert not fit.certificate.holds


def test_one_newton_iteration_at_a_time_is_told_or_certified():
    data = make_data(NEGATIVE, n=150)
    model = br.Model(br.NegativeBinomial(br.HalfNormal(1.0)), br.Laplace(0.3))
    best = br.find_map(model, data, target="joint")
    rough = br.find_map(model, data, target="joint", max_iterations=1, on_failure="return")
    near = best.log_density - rough.log_density <= 1e-8 * best.certificate.half_null_deviance
    assert near or not rough.certificate.holds


# ---- refusals --------------------------------------------------------------------------------

MODEL = br.Model(br.NegativeBinomial(br.HalfNormal(1.0)), br.Laplace(0.3))


@pytest.mark.parametrize("target", [None, "conditional", "marginal"])
def test_the_target_has_to_be_said(target):
    with pytest.raises(ModelError, match=r'alpha to be found.*target="joint"'):
        br.find_map(MODEL, make_data(NEGATIVE), target=target)


@pytest.mark.parametrize(
    ("target", "message"),
    [("joint", "every parameter beside the coefficients is a number"), ("jiont", "must be one of")],
)
def test_a_target_without_a_choice_is_refused(target, message):
    with pytest.raises(ModelError, match=message):
        br.find_map(br.Model(NEGATIVE, br.Laplace(0.3)), make_data(NEGATIVE), target=target)


def test_the_model_in_words_has_the_density_of_its_dispersion():
    from bayesreg.wording import describe

    words = describe(MODEL, make_data(NEGATIVE))
    assert "alpha = alpha)" in words
    assert f"alpha ~ {MODEL.likelihood.alpha!r}" in words


def test_everything_else_asks_for_the_number():
    data = make_data(NEGATIVE)
    for act in (
        lambda: br.bind(MODEL, data),
        lambda: br.find_map_path(MODEL, data),
        lambda: br.certify(MODEL, data, np.zeros(7)),
        lambda: MODEL.log_density(data, np.zeros(7)),
        lambda: MODEL.gradient(data, np.zeros(7)),
        lambda: MODEL.likelihood.loss(data.y, np.zeros(60)),
    ):
        with pytest.raises(ModelError, match=r"alpha to be found, and here it must be a number"):
            act()
    with pytest.raises(ModelError, match='target="joint"'):
        br.verify(MODEL, data)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (br.Normal(1.0), ModelError, r"alpha is positive, but Normal\(scale=1.0\) has density"),
        (br.Uniform(-1.0, 1.0), ModelError, "has density below 0. Give a prior on the positive"),
        (br.HalfNormal([1.0, 2.0]), ModelError, "alpha is one number, but .* has 2 entries"),
        (
            br.Truncated(br.Normal(1.0, relative_to_noise=True), lower=0),
            ModelError,
            "no noise sd to be relative to",
        ),
        (br.HalfNormal, ModelTypeError, "alpha is the class HalfNormal; call it"),
        (0.0, ModelError, "alpha must be a positive, finite number; got 0.0"),
        (math.inf, ModelError, "alpha must be a positive, finite number; got inf"),
        (1e-200, ModelError, r"must lie between 1e-100 and 1e\+100"),
        (True, ModelTypeError, "got the bool True"),
        ("1", ModelTypeError, "alpha must be a positive number; got '1' of type str"),
        (None, ModelTypeError, "got None"),
        (br.Poisson(), ModelTypeError, r"got Poisson\(\)"),
        (br.Model(br.Poisson(), br.Flat()), ModelTypeError, "got Model"),
    ],
)
def test_impossible_dispersions(value, error, message):
    with pytest.raises(error, match=message):
        br.NegativeBinomial(value)
    with pytest.raises(error, match=message.replace("alpha", "phi")):
        br.Gamma(value)


def test_a_prior_too_narrow_to_see():
    model = br.Model(br.NegativeBinomial(br.Uniform(2.0, 2.0 + 1e-9)), br.Laplace(0.3))
    with pytest.raises(ModelError, match="no density that is seen"):
        br.find_map(model, make_data(NEGATIVE), target="joint")


def test_text_and_dict_round_trips():
    for likelihood in (MODEL.likelihood, br.Gamma(br.Truncated(br.Flat(), lower=0.0)), GAMMA):
        model = br.Model(likelihood, br.Laplace(0.3))
        assert br.from_text(repr(model)) == model
        assert br.from_dict(br.to_dict(model)) == model


# ---- the residual of the scalar --------------------------------------------------------------


def test_scalar_residual_is_slope_over_root_curvature():
    def bowl(value):
        return 50.0 * (math.log(value) - 0.3) ** 2

    assert scalar_residual(bowl, math.exp(0.3)) == pytest.approx(0.0, abs=1e-10)
    assert scalar_residual(bowl, math.exp(0.4)) == pytest.approx(100 * 0.1 / 10, rel=1e-9)
    assert scalar_residual(lambda value: -bowl(value), math.exp(0.4)) == math.inf


def test_scalar_residual_at_an_end_counts_slopes_inwards_only():
    def ends_at_one(sign):
        return lambda value: sign * math.log(value) if value >= 1.0 else math.inf

    assert scalar_residual(ends_at_one(+1), 1.0) == 0.0
    assert scalar_residual(ends_at_one(-1), 1.0) == pytest.approx(1.0, rel=1e-6)
