"""PyMC, NumPyro, Stan, rstanarm, brms, bambi: the prior as each states it, and scales it."""

import numpy as np
import pymc as pm
import pytest
from helpers import make_data

import bayesreg as br
from bayesreg.conventions._registry import CONVENTIONS
from bayesreg.errors import ConversionError, NoEquivalentError

GAUSSIAN = br.Gaussian(1.5)
SCALES = np.geomspace(0.1, 0.5, 7)
LIKELIHOODS = [GAUSSIAN, br.Bernoulli(), br.Poisson()]
LIBRARIES = ("bambi", "brms", "numpyro", "pymc", "rstanarm", "stan")
TARGETS = [name for name in CONVENTIONS if name.split(".")[0] in LIBRARIES]

#: By name: what the scale of the prior is called.
SCALE_NAMES = {
    "bambi.Laplace": "b", "bambi.Normal": "sigma", "brms.double_exponential": "scale",
    "brms.normal": "scale", "numpyro.Laplace": "scale", "numpyro.Normal": "scale",
    "pymc.Laplace": "b", "pymc.Normal": "sigma", "rstanarm.laplace": "scale",
    "rstanarm.normal": "scale", "stan.double_exponential": "sigma", "stan.normal": "sigma",
}  # fmt: skip

#: Whose intercept is at x = 0, and those whose intercept is at the mean of the columns.
STATED = [name for name in SCALE_NAMES if name.split(".")[0] in ("numpyro", "pymc", "stan")]
CENTRING = [name for name in SCALE_NAMES if name not in STATED]


def prior_of(target, scale):
    return br.Laplace(scale) if "L1" in CONVENTIONS[target].penalties else br.Normal(scale)


def test_all_of_them_are_here():
    assert sorted(TARGETS) == sorted(SCALE_NAMES)


@pytest.mark.parametrize("scale", [0.3, SCALES], ids=["one", "each"])
@pytest.mark.parametrize("target", SCALE_NAMES)
def test_the_scale_is_b_or_tau(target, scale):
    data, model = make_data(GAUSSIAN), br.Model(GAUSSIAN, prior_of(target, scale))
    twin = br.to_penalty(model, target, data)
    assert twin.column_factors is None
    np.testing.assert_allclose(twin.parameters[SCALE_NAMES[target]], scale, rtol=1e-14)
    back = br.to_prior(target, twin.parameters, data, sigma=1.5)
    np.testing.assert_allclose(back.prior.scale, scale, rtol=1e-14)
    assert type(back.prior) is type(model.prior)
    for number in np.ravel(twin.parameters[SCALE_NAMES[target]]):
        assert repr(float(number)) in twin.code
    with pytest.raises(NoEquivalentError, match="Nearest: run"):
        twin.build()


# ---- scaled by the library -----------------------------------------------------------------------


def hand_data():
    """sd(y) = sqrt(5), sd(x) = sqrt(5) and 2 with divisor n; times sqrt(4/3) with n - 1."""
    x = np.array([[1.0, -2.0], [3.0, 2.0], [5.0, -2.0], [7.0, 2.0]])
    return br.Data(x, np.array([1.0, 3.0, 5.0, 7.0]))


def test_rstanarm_autoscale_by_hand():
    """2.5 sd(y) / sd(x_j): sd(y) / sd(x) is 1 and sqrt(5) / 2, whichever divisor."""
    found = br.to_prior("rstanarm.normal", {"autoscale": True}, hand_data(), sigma=1.0)
    np.testing.assert_allclose(found.prior.scale, [2.5, 2.5 * 5**0.5 / 2], rtol=1e-14)
    found = br.to_prior("rstanarm.laplace", {"scale": 3.0, "autoscale": True}, hand_data(), sigma=1)
    np.testing.assert_allclose(found.prior.scale, [3.0, 3.0 * 5**0.5 / 2], rtol=1e-14)
    counts = br.to_prior("rstanarm.normal", {"autoscale": True}, hand_data(), likelihood="Poisson")
    sd = np.array([20 / 3, 16 / 3]) ** 0.5
    np.testing.assert_allclose(counts.prior.scale, 2.5 / sd, rtol=1e-14)
    assert br.to_prior("rstanarm.normal", {}, hand_data(), sigma=1.0).prior == br.Normal(2.5)


def test_bambi_scales_by_hand():
    def prior(likelihood, **parameters):
        sigma = 1.0 if likelihood == "Gaussian" else None
        data = hand_data()
        if likelihood == "Bernoulli":
            data = br.Data(data.X, data.y > np.median(data.y))
        return br.to_prior(
            "bambi.Normal", parameters, data, likelihood=likelihood, sigma=sigma
        ).prior

    sd = np.array([5.0, 4.0]) ** 0.5
    np.testing.assert_allclose(prior("Gaussian").scale, 2.5 * 5**0.5 / sd, rtol=1e-14)
    np.testing.assert_allclose(prior("Bernoulli").scale, 1 / sd, rtol=1e-14)
    np.testing.assert_allclose(prior("Poisson").scale, 2.5 / sd, rtol=1e-14)
    assert prior("Poisson", sigma=0.5) == br.Normal(0.5)


def test_replacing_bambis_normal_by_a_laplace_loses_its_scale():
    """The same number, 1, once by default beside sd(x) and once as it is."""
    data = make_data(br.Bernoulli())
    automatic = br.to_prior("bambi.Normal", {}, data, likelihood="Bernoulli").prior
    given = br.to_prior("bambi.Laplace", {"b": 1.0}, data, likelihood="Bernoulli").prior
    np.testing.assert_allclose(automatic.scale, 1 / data.X.std(axis=0), rtol=1e-12)
    assert given == br.Laplace(1.0)
    twin = br.to_penalty(br.Model(br.Bernoulli(), given), "bambi.Laplace", data)
    assert any("a Laplace is never scaled" in note for note in twin.notes)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("target", ["rstanarm.normal", "rstanarm.laplace"])
def test_autoscale_there_and_back(target, likelihood):
    data, model = make_data(likelihood), br.Model(likelihood, prior_of(target, SCALES))
    twin = br.to_penalty(model, target, data, autoscale=True)
    assert "autoscale = TRUE" in twin.code
    back = br.to_prior(target, twin.parameters, data, likelihood=likelihood)
    np.testing.assert_allclose(back.prior.scale, SCALES, rtol=1e-13)


def test_standard_deviations_are_asked_for_by_name():
    with pytest.raises(ConversionError, match=r"Pass data, or sample_sd_x="):
        br.to_prior("rstanarm.normal", {"autoscale": True}, sigma=1.0)
    with pytest.raises(ConversionError, match=r"Pass data, or sd_x="):
        br.to_prior("bambi.Normal", {}, sigma=1.0)
    known = {"sample_sd_x": [1.0, 2.0], "sample_sd_y": 4.0}
    found = br.to_prior("rstanarm.normal", {"autoscale": True}, sigma=1.0, **known)
    np.testing.assert_allclose(found.prior.scale, [10.0, 5.0])


def test_sigma_is_asked_for_where_they_estimate_it():
    for target in TARGETS:
        name = SCALE_NAMES[target]
        with pytest.raises(ConversionError, match="needs sigma"):
            br.to_prior(target, {name: 1.0}, likelihood="Gaussian")


# ---- the intercept -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", STATED)
def test_an_intercept_with_a_prior(target):
    model = br.Model(GAUSSIAN, prior_of(target, 0.3), br.Normal(4.0))
    twin = br.to_penalty(model, target)
    assert twin.parameters["intercept_sigma"] == 4.0
    assert br.to_prior(target, twin.parameters, sigma=1.5) == model
    for prior in (br.Laplace(4.0), br.Normal(4.0, loc=1.0)):
        with pytest.raises(NoEquivalentError, match=r"Nearest: .*bayesreg\.to_pymc"):
            br.to_penalty(br.Model(GAUSSIAN, prior_of(target, 0.3), prior), target)


@pytest.mark.parametrize("target", CENTRING)
def test_libraries_that_centre_take_a_flat_intercept(target):
    with pytest.raises(NoEquivalentError, match="leaves the intercept unpenalised"):
        br.to_penalty(br.Model(GAUSSIAN, prior_of(target, 0.3), br.Normal(4.0)), target)
    notes = br.to_penalty(br.Model(GAUSSIAN, prior_of(target, 0.3)), target).notes
    assert any("at the mean of the columns" in note for note in notes)


# ---- refused -------------------------------------------------------------------------------------

REFUSED = [
    ("rstanarm.normal", {"QR": True}, "basis of the columns"),
    ("brms.normal", {"scale": 1.0, "decomp": "QR"}, "QR basis"),
    ("brms.normal", {"scale": 1.0, "location": 0.5}, "shrinks towards 0.5"),
    ("pymc.Laplace", {"b": 1.0, "mu": 0.5}, "shrinks towards 0.5"),
    ("stan.normal", {"sigma": 1.0, "mu": -1.0}, "shrinks towards -1.0"),
]


@pytest.mark.parametrize(("target", "parameters", "reason"), REFUSED)
def test_parameters_without_a_model_here(target, parameters, reason):
    with pytest.raises(NoEquivalentError, match=reason) as caught:
        br.to_prior(target, parameters, hand_data(), sigma=1.0)
    assert "Nearest" in str(caught.value)


@pytest.mark.parametrize("target", SCALE_NAMES)
def test_some_flat_coefficients_are_refused(target):
    model = br.Model(GAUSSIAN, prior_of(target, [0.3, np.inf]))
    with pytest.raises(NoEquivalentError, match=r"flat on some of them.*Nearest"):
        br.to_penalty(model, target)


@pytest.mark.parametrize("bad", [0.0, -1.0, [1.0, 0.0], [], "one", [[1.0]], np.nan])
@pytest.mark.parametrize("target", SCALE_NAMES)
def test_scales_must_be_positive(target, bad):
    with pytest.raises(ConversionError, match=r"positive|number"):
        br.to_prior(target, {SCALE_NAMES[target]: bad}, hand_data(), sigma=1.0)


def test_bambis_own_scale_ignores_weights_and_needs_spread():
    data = make_data(GAUSSIAN, weights=True)
    with pytest.raises(NoEquivalentError, match="ignore weights"):
        br.to_prior("bambi.Normal", {}, data, sigma=1.0)
    constant = br.Data(np.ones((4, 1)), np.arange(4.0))
    with pytest.raises(NoEquivalentError, match=r"column 0 \('x0'\) .*it is constant"):
        br.to_prior("bambi.Normal", {}, constant, sigma=1.0)


# ---- PyMC for real -------------------------------------------------------------------------------

PYMC = [
    (target, likelihood, scale, intercept, weights)
    for target in ("pymc.Laplace", "pymc.Normal")
    for likelihood in LIKELIHOODS
    for scale, intercept, weights in [
        (0.3, br.Flat(), False), (SCALES, None, True), (SCALES, br.Normal(2.0), False),
        (0.3, br.Flat(), True),
    ]
]  # fmt: skip


def run(twin, data):
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(twin.code, space)
    return space


@pytest.mark.parametrize(("target", "likelihood", "scale", "intercept", "weights"), PYMC)
def test_the_printed_model_has_our_density(target, likelihood, scale, intercept, weights):
    full = make_data(likelihood, weights=weights)
    # A row of weight 0 has no density under Normal(sigma / sqrt(0)).
    used = np.ones(60, dtype=bool) if full.weights is None else full.weights > 0
    data = br.Data(full.X[used], full.y[used], None if not weights else full.weights[used])
    model = br.Model(likelihood, prior_of(target, scale), intercept)
    code = br.to_penalty(model, target, data).code.split("\npoint = ")[0]
    space = {"X": data.X, "y": data.y, "sample_weight": data.weights}
    exec(code, space)
    compiled = space["model"].compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng, gaps, sizes = np.random.default_rng(3), [], []
    for _ in range(6):
        w, a = 0.2 * rng.normal(size=7), rng.normal() if intercept is not None else 0.0
        point = {"coef": w} if intercept is None else {"coef": w, "intercept": np.asarray(a)}
        sizes.append(model.log_density(data, w, a))
        gaps.append(float(compiled(point)) - sizes[-1])
    assert np.ptp(gaps) <= 1e-9 * np.ptp(sizes)
    other = br.Model(likelihood, prior_of(target, 1.01 * np.asarray(scale)), intercept)
    gaps = [g + s for g, s in zip(gaps, sizes, strict=True)]
    rng = np.random.default_rng(3)
    for k in range(6):
        w, a = 0.2 * rng.normal(size=7), rng.normal() if intercept is not None else 0.0
        gaps[k] -= other.log_density(data, w, a)
    assert np.ptp(gaps) > 1e-6 * np.ptp(sizes)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_printed_code_ends_at_our_mode(likelihood, weights):
    full = make_data(likelihood, weights=weights)
    used = np.ones(60, dtype=bool) if full.weights is None else full.weights > 0
    data = br.Data(full.X[used], full.y[used], None if not weights else full.weights[used])
    model = br.Model(likelihood, br.Normal(SCALES))
    point = run(br.to_penalty(model, "pymc.Normal", data), data)["point"]
    found = br.certify(model, data, point["coef"], float(point["intercept"]))
    assert found.relative_gap <= 1e-8


@pytest.mark.parametrize("target", ["pymc.Laplace", "pymc.Normal"])
def test_from_pymc_reads_the_printed_model(target):
    data = make_data(br.Poisson())
    model = br.Model(br.Poisson(), prior_of(target, SCALES), br.Normal(2.0))
    code = br.to_penalty(model, target, data).code.split("\npoint = ")[0]
    space = {"X": data.X, "y": data.y}
    exec(code, space)
    assert isinstance(space["model"], pm.Model)
    found = br.from_pymc(space["model"]).model
    assert (type(found.prior), found.intercept) == (type(model.prior), model.intercept)
    np.testing.assert_allclose(found.prior.scale, SCALES, rtol=1e-14)
