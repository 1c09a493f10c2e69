"""Student-t, Cauchy and horseshoe densities: scipy's, PyMC's, exact far out; one name for two."""

import json

import numpy as np
import pytest
from helpers import LOCAL_LIKELIHOODS, LOCAL_PRIORS, P, make_data
from scipy import integrate, stats

import bayesreg as br
from bayesreg.errors import ModelError, ModelTypeError, NoEquivalentError, NoModeError
from bayesreg.pymc import log_density_function
from bayesreg.tails import Tails, tail_curvature, tail_slope, tail_value, tail_weight
from bayesreg.testing import check_likelihood, check_prior

POINTS = np.array([-1e9, -40.0, -1.3, -1e-3, 0.0, 0.2, 0.7, 5.0, 1e4])

# ---- densities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nu", [0.01, 0.5, 1.0, 3.0, 99.0, 150.0, 250.0, 1e4, 1e9])
def test_prior_is_scipys(nu):
    # scipy's own constant is good to 1e-13 where its two log gammas are large.
    found = br.StudentT(nu, scale=0.5, loc=0.2).log_density(POINTS)
    np.testing.assert_allclose(found, stats.t.logpdf(POINTS, nu, 0.2, 0.5), rtol=1e-11)
    if nu == 1.0:
        np.testing.assert_allclose(br.Cauchy(0.5, loc=0.2).log_density(POINTS), found, rtol=1e-15)
        np.testing.assert_allclose(found, stats.cauchy.logpdf(POINTS, 0.2, 0.5), rtol=1e-12)


def test_log_normaliser_joins_its_series():
    """log G(x + 1/2) - log G(x) from either side of the switch obeys G(x + 1) = x G(x)."""
    from bayesreg.tails import _log_gamma_step

    x = np.array([99.9, 100.0, 100.1])
    both = _log_gamma_step(x) + _log_gamma_step(x + 0.5)
    np.testing.assert_allclose(both, np.log(x), rtol=1e-13)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("likelihood", LOCAL_LIKELIHOODS)
def test_likelihood_is_scipys(likelihood, weights):
    data = make_data(likelihood, weights=weights, offset=True)
    coef = np.random.default_rng(2).normal(size=P)
    eta = data.offset + 0.3 + data.X @ coef
    s = np.ones(60) if data.weights is None else data.weights
    expected = s * stats.t.logpdf(data.y, likelihood.nu, eta, likelihood.sigma)
    found = br.Model(likelihood, br.Flat()).log_likelihood(data, coef, 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("prior", LOCAL_PRIORS)
def test_model_density_gradient_and_standardisation(prior):
    data = make_data(br.Gaussian(1.5))
    deviation = data.X.std(axis=0)
    scaled = br.Data(data.X / deviation, data.y)
    rng = np.random.default_rng(1)
    penalty = prior.penalty(P, 1.5)
    low, high = np.maximum(penalty.lower, -0.5), np.minimum(penalty.upper, 1.0)
    w = rng.uniform(low, high)
    plain = br.Model(br.Gaussian(1.5), prior, br.Cauchy(2.0))
    standardised = br.Model(br.Gaussian(1.5), prior, br.Cauchy(2.0), standardize=True)
    proper = ~penalty.is_flat
    assert standardised.log_density(data, w / deviation, 0.4) == pytest.approx(
        plain.log_density(scaled, w, 0.4) + np.sum(np.log(deviation[proper])), rel=1e-12
    )
    gradient = plain.gradient(scaled, w, 0.4)
    for j in range(P):
        step = np.zeros(P)
        step[j] = 1e-6
        up, down = (plain.log_density(scaled, w + sign * step, 0.4) for sign in (1, -1))
        if np.isfinite(up) and np.isfinite(down):
            assert gradient[0][j] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-5)
    up, down = (plain.log_density(scaled, w, 0.4 + h) for h in (1e-6, -1e-6))
    assert gradient[1] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        br.Model(br.StudentT(4.0, sigma=1.5), br.Laplace(0.3)),
        br.Model(br.StudentT(2.3, sigma=0.7), br.StudentT(3.0, scale=0.4), br.Cauchy(2.0)),
        br.Model(br.Gaussian(1.5), br.Cauchy(0.3, relative_to_noise=True), None),
        br.Model(br.Gaussian(1.5), br.StudentT(4.0, scale=[0.1, np.inf] * 3 + [1.0])),
        br.Model(br.Gaussian(1.5), br.StudentT(4.0, scale=np.inf)),
        br.Model(
            br.Gaussian(1.5),
            {"x0": br.Flat(), "x[12]": br.Cauchy(0.3), "x3": br.StudentT(4.0, scale=0.2, loc=0.1),
             "x[4-6]": br.ElasticNet(0.3, 0.5)},
            br.StudentT(3.0, scale=2.0),
            standardize=True,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_density_is_pymcs(model, weights):
    data = make_data(br.Gaussian(1.5), weights=weights, offset=True)
    density = log_density_function(model, data)
    rng = np.random.default_rng(3)
    for _ in range(10):
        coef, intercept = 0.5 * rng.normal(size=P), rng.normal() if model.intercept else 0.0
        ours = model.log_density(data, coef, intercept)
        assert density(coef, intercept) == pytest.approx(ours, rel=1e-12)


# ---- far out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nu", [0.5, 4.0])
def test_tails_keep_their_digits_at_any_distance(nu):
    """Against the plain formulas where those hold, and their limits where they overflow."""
    x = np.array([1e-200, 1e-9, 0.3, 7.0, 1e7, 1e9, 1e100])
    scale = 0.7
    z = x[:-1] ** 2 / (nu * scale**2)
    np.testing.assert_allclose(
        tail_value(x, nu, scale)[:-1], 0.5 * (nu + 1) * np.log1p(z), rtol=1e-14
    )
    np.testing.assert_allclose(
        tail_weight(x, nu, scale), (nu + 1) / (nu * scale**2 + x**2), rtol=1e-14
    )
    np.testing.assert_allclose(
        tail_slope(-x, nu, scale), -x * (nu + 1) / (nu * scale**2 + x**2), rtol=1e-14
    )
    near = x[:-1]
    curvature = (nu + 1) * (nu * scale**2 - near**2) / (nu * scale**2 + near**2) ** 2
    np.testing.assert_allclose(tail_curvature(near, nu, scale), curvature, rtol=1e-13)
    far = np.array([1e200, 1e300])
    np.testing.assert_allclose(tail_slope(far, nu, scale), (nu + 1) / far, rtol=1e-14)
    expected = (nu + 1) * (np.log(far) - np.log(scale * np.sqrt(nu)))
    np.testing.assert_allclose(tail_value(far, nu, scale), expected, rtol=1e-14)


@pytest.mark.parametrize("nu", [0.5, 3.0])
@pytest.mark.parametrize(("low", "high"), [(-0.3, 0.2), (2.0, np.inf), (50.0, 51.0), (-9.0, -8.0)])
def test_mass_between_bounds(nu, low, high):
    tails = Tails(np.array([nu]), np.array([0.6]))
    mass = integrate.quad(
        lambda x: np.exp(-tails.values(np.array([x]))[0]), low, high, epsabs=0, epsrel=1e-12
    )[0]
    found = tails.log_normaliser(np.array([low]), np.array([high]))[0]
    assert found == pytest.approx(np.log(mass), abs=1e-9)


@pytest.mark.parametrize(
    "prior",
    [br.StudentT(0.2, 1e-6), br.StudentT(1e6, 1e6), br.Cauchy(1e12), br.Cauchy(1e-6, loc=1.0)],
    ids=repr,
)
def test_prior_of_extreme_scale(prior):
    check_prior(prior)


@pytest.mark.parametrize(
    ("likelihood", "y"),
    [
        (br.StudentT(3.0, sigma=54.0), [150.0, 20.0, 1000.0, -3.0]),
        (br.StudentT(0.7, sigma=1e-3), [1e-3]),
        (br.StudentT(1e8, sigma=2.0), [1.0]),
    ],
    ids=repr,
)
def test_likelihood_of_extreme_targets(likelihood, y):
    check_likelihood(likelihood, y)


# ---- the public checks catch what is broken ----------------------------------------------------


def _broken(part, **attributes):
    kind = type("Broken", (type(part),), attributes)
    return kind(part.nu, part.scale, part.loc, part.relative_to_noise, sigma=part.sigma)


BROKEN_LIKELIHOODS = {
    "a parabola too flat": (
        {"majorising_curvature": lambda self, y, eta: 0.9 * br.StudentT.majorising_curvature(
            self, y, eta)},
        "majorising_curvature",
    ),
    "the curvature itself": (
        {"majorising_curvature": lambda self, y, eta: np.abs(self.curvature(y, eta))},
        "lies above its parabola",
    ),
    "unnormalised": (
        {"constant": lambda self, y, weights: np.zeros(y.shape)}, "must integrate to 1"
    ),
    "another law": (
        {"draw": lambda self, eta, rng: rng.normal(eta, self.sigma)}, "does not follow"
    ),
    "another centre": ({"mean": lambda self, eta: eta + 0.5}, "not the median"),
    "said to be convex": ({"log_concave": True}, "curvature is negative"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_LIKELIHOODS)
def test_broken_likelihood_is_caught(name):
    methods, message = BROKEN_LIKELIHOODS[name]
    y = np.linspace(-3.0, 3.0, 9)
    check_likelihood(_broken(br.StudentT(3.0, sigma=0.8)), y)
    with pytest.raises(AssertionError, match=message):
        check_likelihood(_broken(br.StudentT(3.0, sigma=0.8), **methods), y)


BROKEN_PRIORS = {
    "said to be log-concave": ({"log_concave": True}, "log_concave must be False exactly"),
    "another nu": (
        {"penalty": lambda self, size, noise=1.0: br.Cauchy(self.scale).penalty(size, noise)},
        "log_density .* is not -penalty.values",
    ),
    "not rescaled": ({"rescaled": lambda self, a, b: self}, "curvature of tails at loc by 9"),
}


@pytest.mark.parametrize("name", BROKEN_PRIORS)
def test_broken_prior_is_caught(name):
    methods, message = BROKEN_PRIORS[name]
    check_prior(_broken(br.StudentT(3.0, scale=0.8)))
    with pytest.raises(AssertionError, match=message):
        check_prior(_broken(br.StudentT(3.0, scale=0.8), **methods))


# ---- one name, two uses ------------------------------------------------------------------------


def test_the_place_decides_what_the_second_argument_is():
    model = br.Model(br.StudentT(4, 1.5), br.StudentT(3, 0.5), br.StudentT(2, 3.0))
    assert model == br.Model(
        br.StudentT(4, sigma=1.5), br.StudentT(3, scale=0.5), br.StudentT(2, scale=3.0)
    )
    assert repr(model).startswith("Model(likelihood=StudentT(nu=4.0, sigma=1.5), prior=StudentT(nu")
    unnamed = repr(model).replace("nu=", "").replace("sigma=", "").replace("scale=", "")
    for text in (repr(model), unnamed):
        assert br.from_text(text) == model
    assert br.from_dict(json.loads(json.dumps(br.to_dict(model)))) == model
    assert br.from_text("StudentT(4, 1.5)", kind="likelihood") == br.StudentT(4, sigma=1.5)
    assert br.from_text("StudentT(4, 1.5)", kind="prior") == br.StudentT(4, scale=1.5)
    assert br.from_text("StudentT(4, sigma=1)", kind="likelihood") == br.StudentT(4, sigma=1.0)


WRONG_USES = {
    "noise as a prior": (
        lambda: br.Model(br.Gaussian(1.0), br.StudentT(4, sigma=1.0)),
        r"is a likelihood: sigma is .* As a prior write StudentT\(nu=4.0, scale=1.0\)",
    ),
    "noise as one prior of several": (
        lambda: br.Model(br.Gaussian(1.0), {"*": br.StudentT(4, sigma=1.0)}),
        "is a likelihood",
    ),
    "noise as the intercept's prior": (
        lambda: br.Model(br.Gaussian(1.0), br.Flat(), br.StudentT(4, sigma=1.0)),
        "is a likelihood",
    ),
    "noise within bounds": (lambda: br.Truncated(br.StudentT(4, sigma=1.0)), "is a likelihood"),
    "noise in a text": (
        lambda: br.from_text("{'a': StudentT(4, sigma=1)}"), "is a likelihood"
    ),
    "noise in a dict": (
        lambda: br.from_dict({"a": {"name": "StudentT", "nu": 4, "sigma": 1}}), "is a likelihood"
    ),
    "a text of noise where a prior is needed": (
        lambda: br.from_text("StudentT(4, sigma=1)", kind="prior"), "is a likelihood"
    ),
    "a vector as noise": (
        lambda: br.Model(br.StudentT(4, scale=[1.0, 2.0]), br.Flat()),
        r"is a prior; as the likelihood write StudentT\(nu=4.0, sigma=...\)",
    ),
    "a centred prior as noise": (
        lambda: br.Model(br.StudentT(4, 1.0, loc=0.5), br.Flat()), "is a prior"
    ),
    "both": (lambda: br.StudentT(4, 1.0, sigma=1.0), "either sigma.* or scale.* got both"),
    "neither": (lambda: br.StudentT(4), "either sigma.* or scale.* got neither"),
    "noise with a centre": (lambda: br.StudentT(4, loc=1.0, sigma=1.0), "without loc"),
    "relative to Student-t noise": (
        lambda: br.Model(br.StudentT(4, 1.0), br.Cauchy(1.0, relative_to_noise=True)),
        "has no noise sd",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_USES)
def test_wrong_use_says_how_to_write_it(name):
    make, message = WRONG_USES[name]
    with pytest.raises(ModelError, match=message):
        make()


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, 1e200, 1e-200])
def test_wrong_nu(value):
    with pytest.raises(ModelError, match=r"^StudentT nu must"):
        br.StudentT(value, 1.0)


@pytest.mark.parametrize("value", [True, "4", None, [4.0], 1j])
def test_nu_of_wrong_type(value):
    with pytest.raises(ModelTypeError, match=r"^StudentT nu must"):
        br.StudentT(value, 1.0)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda v: br.StudentT(3, scale=v), "StudentT scale"),
        (lambda v: br.StudentT(3, sigma=v), "StudentT sigma"),
        (lambda v: br.Cauchy(v), "Cauchy scale"),
        (lambda v: br.Horseshoe(v), "Horseshoe scale"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, "1", True, 1e-200])
def test_wrong_scale(make, argument, value):
    with pytest.raises((ModelError, ModelTypeError), match=f"^{argument}"):
        make(value)


def test_wrong_number_of_scales():
    data = make_data(br.Gaussian(1.5))
    for prior in (br.StudentT(3, scale=[1.0, 2.0]), br.Cauchy([1.0, 2.0])):
        with pytest.raises(ModelError, match="has 2 entries but applies to 7 coefficients"):
            br.find_map(br.Model(br.Gaussian(1.5), prior), data)


# ---- the horseshoe -----------------------------------------------------------------------------


def test_horseshoe_is_its_mixture():
    """The density against the integral over its local scale, and that it integrates to 1."""
    prior = br.Horseshoe(0.7, loc=0.2)
    for w in (0.2001, 0.3, 1.0, 5.0, 30.0):
        mixture = integrate.quad(
            lambda u, w=w: stats.norm.pdf(w, 0.2, 0.7 * np.tan(u)) * 2 / np.pi,
            0, np.pi / 2, epsabs=0, limit=400,
        )[0]  # fmt: skip
        assert prior.log_density(w) == pytest.approx(np.log(mixture), abs=1e-7)
    half = integrate.quad(
        lambda t: np.exp(t + br.Horseshoe(0.7).log_density(np.exp(t))), -60, 60, limit=400
    )[0]
    assert 2 * half == pytest.approx(1.0, abs=1e-9)


def test_horseshoe_at_its_pole_and_far_out():
    prior = br.Horseshoe(1.0)
    assert prior.log_density(0.0) == np.inf
    # Both switches of formula are passed without a step: the slope on a log scale is smooth.
    for switch in (1e-8, 30.0):
        z = switch * (1.0 + np.array([-2e-6, -1e-6, 1e-6, 2e-6]))
        steps = np.diff(prior.log_density(z))
        assert steps[1] == pytest.approx(steps[0] + steps[2], rel=1e-5)
    bounds = np.log([0.5 / np.sqrt(2 * np.pi**3), 1 / np.sqrt(2 * np.pi**3)])
    far = np.array([1e3, 1e150])
    for bound, share in zip(bounds, (4.0, 2.0), strict=True):
        # Carvalho et al. (2010), theorem 1: K/2 log(1 + 4/z^2) < p < K log(1 + 2/z^2).
        edge = bound + np.log(np.log1p(share / 1e6))
        assert (prior.log_density(far)[0] > edge) == (share == 4.0)
    assert prior.log_density(far)[1] == pytest.approx(bounds[1] + np.log(2) - 300 * np.log(10))


def test_horseshoe_is_refused_with_what_to_do():
    data = make_data(br.Gaussian(1.5))
    for prior in (br.Horseshoe(1.0), {"x0": br.Horseshoe(1.0), "x[1-6]": br.Flat()}):
        model = br.Model(br.Gaussian(1.5), prior)
        with pytest.raises(NoModeError, match=r"infinite at its loc.*Laplace.*StudentT"):
            br.find_map(model, data)
        assert br.from_text(repr(model)) == model
        for act in (br.bind, br.find_map_path):
            with pytest.raises(ModelError, match=r"infinite at loc.*use Laplace"):
                act(model, data)
    with pytest.raises(NoModeError, match="infinite at its loc"):
        br.find_map(br.Model(br.Gaussian(1.5), br.Flat(), br.Horseshoe(1.0)), data)
    with pytest.raises(ModelError, match="must be finite"):
        br.Horseshoe(np.inf)


# ---- what has no counterpart is refused --------------------------------------------------------


def test_conversions_are_refused():
    data = make_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Cauchy(0.3))
    with pytest.raises(NoEquivalentError, match="no room for the logarithmic penalty"):
        br.to_penalty(model, "sklearn.Ridge", data)
    model = br.Model(br.Gaussian(1.5), br.Normal(0.3), br.StudentT(3, 1.0))
    with pytest.raises(NoEquivalentError, match="logarithmic penalty"):
        br.to_penalty(model, "sklearn.Ridge", data)
    with pytest.raises(NoEquivalentError, match="the model is StudentT"):
        br.to_penalty(br.Model(br.StudentT(4, 1.0), br.Normal(0.3)), "sklearn.Ridge", data)
