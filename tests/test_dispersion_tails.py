"""A dispersion to be found beside priors with Student-t tails: the rest is not convex either."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar

import bayesreg as br
from bayesreg.errors import ModelError

pytestmark = pytest.mark.filterwarnings("ignore::bayesreg.errors.LocalModesWarning")


def of(seed, n, p):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, p))


def gamma_two_rows():
    y = np.array([1.19, 0.722])
    return br.Model(br.Gamma(br.Jeffreys()), br.Normal(0.335), br.Cauchy(1.0)), br.Data(
        np.ones((2, 1)), y
    )


def gamma_cauchy():
    rng, X = of(0, 8, 2)
    return br.Model(br.Gamma(br.HalfCauchy(1.0)), br.Cauchy(1.0)), br.Data(X, rng.gamma(2, 0.5, 8))


def counts_student():
    rng, X = of(1, 20, 3)
    y = rng.negative_binomial(1.0, 0.2, 20).astype(float)
    prior = {"x0": br.Uniform(-1.0, 0.02), "x[12]": br.StudentT(3.0, scale=0.2)}
    return br.Model(br.NegativeBinomial(br.Exponential(1.0)), prior), br.Data(X, y)


def counts_cauchy():
    rng, X = of(2, 6, 2)
    y = rng.negative_binomial(1.0, 0.2, 6).astype(float)
    model = br.Model(
        br.NegativeBinomial(br.InverseGamma(2.0, 1.0)), br.Cauchy(1.6), br.Uniform(-1.0, 1.0)
    )
    return model, br.Data(X, y)


CASES = [gamma_two_rows, gamma_cauchy, counts_student, counts_cauchy]


@pytest.mark.parametrize("case", CASES)
def test_no_point_near_or_far_that_a_general_optimiser_finds_is_higher(case):
    model, data = case()
    fit = br.find_map(model, data, target="joint")
    assert fit.certificate.holds
    assert fit.iterations < 1000  # it took as many for one point of the grid
    name = model.likelihood.dispersion_name
    prior = model.likelihood.dispersion

    def down(x):
        d = np.exp(x[-1])
        given = br.Model(model.likelihood.with_dispersion(d), model.prior, model.intercept)
        height = given.log_density(data, x[: data.p], x[data.p]) + prior.log_density(d)
        return float(np.where(np.isfinite(height), -height, 1e10))

    here = np.concatenate([fit.coef, [fit.intercept, np.log(fit.scalars[name])]])
    assert down(here) == pytest.approx(-fit.log_density, rel=1e-10)
    rng = np.random.default_rng(0)
    for size in (0.0, 0.1, 1.0):
        start = here + size * rng.normal(size=here.size)
        found = minimize(down, start, method="Nelder-Mead", options={"maxfev": 200})
        assert found.fun >= -fit.log_density - 1e-8


def test_two_valleys_are_both_found_one_on_the_way_up_and_one_on_the_way_down():
    """Both are local modes in (w, log phi) by scipy's densities; the best comes first."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 1))
    y = np.exp(0.7 * x[:, 0]) * rng.gamma(3, 1 / 3, 12)
    model = br.Model(br.Gamma(br.HalfNormal(1.0)), br.Cauchy(0.01), None)
    fit = br.find_map(model, br.Data(x, y), target="joint")
    assert len(fit.modes) == 2

    def height(w, phi):
        rows = stats.gamma.logpdf(y, 1 / phi, scale=phi * np.exp(w * x[:, 0]))
        return rows.sum() + stats.cauchy.logpdf(w, 0, 0.01) + stats.halfnorm.logpdf(phi)

    assert abs(fit.modes[0].coef[0]) < 0.01
    assert fit.modes[1].coef[0] == pytest.approx(0.663, abs=1e-3)
    for mode in fit.modes:
        w, phi = mode.coef[0], mode.scalars["phi"]
        top = height(w, phi)
        assert top == pytest.approx(mode.log_density, rel=1e-10)
        for angle in np.linspace(0, 2 * np.pi, 16):
            step = 1e-3 * np.array([np.cos(angle), np.sin(angle)])
            assert height(w + step[0], phi * np.exp(step[1])) < top


def test_one_mode_that_both_sweeps_pass_is_listed_once():
    fit = br.find_map(*gamma_two_rows(), target="joint")
    assert len(fit.modes) == 1


def test_groups_beside_tails_are_refused():
    model = br.Model(
        br.NegativeBinomial(br.Exponential(1.0)),
        {"x[01]": br.GroupLaplace(1.0), "x2": br.Cauchy(1.0)},
    )
    with pytest.raises(
        ModelError, match="GroupLaplace beside a likelihood or prior that is not log-concave"
    ):
        br.find_map(model, counts_student()[1], target="joint")


@pytest.mark.parametrize(
    "intercept",
    [br.Laplace(1.0, 0.5), br.Normal(2.0), br.Uniform(-1.0, 1.0), br.HalfNormal(1.0)],
    ids=repr,
)
def test_counts_all_zero_have_a_scale_that_is_not_nothing(intercept):
    """The intercept of the null model is held by its prior; without it, it ran to minus infinity.

    With alpha stated: the scale of a local certificate.
    """
    X = np.random.default_rng(4).normal(size=(5, 2))
    alpha, data = 0.001275, br.Data(X, np.zeros(5))
    model = br.Model(br.NegativeBinomial(alpha), br.Cauchy(0.03), intercept)
    fit = br.find_map(model, data)
    low, high = (0.0, 30.0) if isinstance(intercept, br.HalfNormal) else (-30.0, 30.0)
    if isinstance(intercept, br.Uniform):
        low, high = -1.0, 1.0

    def loss(a):
        return 5 * alpha * np.log1p(np.exp(a) / alpha)

    def objective(a):
        return loss(a) - float(np.ravel(intercept.log_density(np.array([a])))[0])

    centre = minimize_scalar(objective, bounds=(low, high), method="bounded",
                             options={"xatol": 1e-10}).x  # fmt: skip
    assert fit.certificate.half_null_deviance == pytest.approx(loss(centre), rel=1e-5)
    assert fit.certificate.holds
