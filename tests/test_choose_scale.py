"""Scales by evidence, folds, leave-one-out and a hyperprior, each against its own rule."""

import numpy as np
import pytest
from helpers import make_data
from scipy import integrate, optimize, stats
from sklearn.linear_model import ElasticNetCV, LassoCV, RidgeCV
from sklearn.model_selection import KFold

import bayesreg as br
from bayesreg.demo import load_diabetes
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.scales.closed_evidence import log_evidence_of_scale
from bayesreg.scales.evidence_choice import Node, closed_peak, slope_peak
from bayesreg.scales.normal_law import NormalLaw


def choose(model, data, methods, **more):
    more = {"seed": 1, "progress": False, "cores": 1, **more}
    return br.choose_scale(model, data, methods, **more)


def some_data(n=40, p=4, seed=0, **more):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 0.5 + X @ np.resize([1.0, -0.5, 0.0, 0.3], p) + rng.normal(size=n)
    return br.Data(X, y, **more)


@pytest.fixture(scope="module")
def diabetes():
    data = load_diabetes()
    X = data.X - data.X.mean(axis=0)
    return br.Data(X / np.sqrt(np.sum(X**2, axis=0)), data.y - data.y.mean())


# --- evidence ---


def test_park_and_casella(diabetes):
    """Their empirical Bayes estimate, lambda = 0.237 (2008, section 3.1)."""
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(4.0, relative_to_noise=True))
    found = choose(model, diabetes, ["evidence"])["evidence"]
    assert found.lambda_ == pytest.approx(0.2366, abs=0.003)
    assert 1.0 / found.scale == pytest.approx(found.lambda_)
    assert 0 < found.monte_carlo_error < 0.01
    assert found.low < found.scale < found.high < np.inf


def test_normal_evidence_is_the_largest_determinant():
    weights = np.linspace(0.5, 2.0, 40)
    data = some_data(weights=weights)
    shape = np.array([0.5, 1.0, 1.5, 0.7])
    model = br.Model(br.Gaussian(0.9), br.Normal(shape, loc=0.2), br.Normal(2.0))
    found = choose(model, data, ["evidence"])["evidence"]

    def minus_log_evidence(log_t):
        t = np.exp(log_t)
        X = data.X
        covariance = 4.0 + (X * (t * shape) ** 2) @ X.T + np.diag(0.9**2 / weights)
        centred = data.y - X @ np.full(4, 0.2)
        _, determinant = np.linalg.slogdet(covariance)
        return 0.5 * determinant + 0.5 * centred @ np.linalg.solve(covariance, centred)

    best = optimize.minimize_scalar(minus_log_evidence, bounds=(-3, 3), method="bounded",
                                    options={"xatol": 1e-10})  # fmt: skip
    assert np.log(found.scale / 0.5) == pytest.approx(best.x, abs=1e-6)
    for end in (found.low, found.high):
        assert minus_log_evidence(np.log(end / 0.5)) - best.fun == pytest.approx(0.5, abs=1e-7)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("sigma", [br.HalfNormal(1.0), br.Uniform(0.2, 3.0), br.InverseGamma(2, 1)])
def test_evidence_with_sigma_integrated(sigma, relative):
    data = some_data(n=12, p=3)
    model = br.Model(br.Gaussian(sigma), br.Normal(0.5, relative_to_noise=relative), None)
    from bayesreg.posterior.target import pose

    ours = log_evidence_of_scale(NormalLaw.of(pose(model, data)))(np.log([0.3, 1.0, 3.0]))

    def given(s, t):
        tau = 0.5 * t * (s if relative else 1.0)
        covariance = tau**2 * data.X @ data.X.T + s**2 * np.eye(12)
        return stats.multivariate_normal.logpdf(data.y, None, covariance)

    for t, value in zip([0.3, 1.0, 3.0], ours, strict=True):
        whole, _ = integrate.quad(
            lambda s, t=t: np.exp(given(s, t) + float(sigma.log_density(s)) + 25.0), 0.2, 12.0,
            epsabs=0, epsrel=1e-9, limit=400,
        )  # fmt: skip
        below, _ = integrate.quad(
            lambda s, t=t: np.exp(given(s, t) + float(sigma.log_density(s)) + 25.0), 1e-3, 0.2
        )
        assert value == pytest.approx(np.log(whole + below) - 25.0, abs=1e-7)


def test_laplace_evidence_against_quadrature():
    """One coefficient: p(y | b) by quadrature, its peak and its half-nat range."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=15)
    y = 1.2 * x + rng.normal(size=15)

    def log_evidence(log_b):
        b = np.exp(log_b)
        centre = x @ y / (x @ x)

        def f(w):
            return np.exp(-0.5 * x @ x * (w - centre) ** 2 - abs(w) / b) / (2 * b)

        return np.log(integrate.quad(f, -4, 6, points=[0, centre], epsrel=1e-11)[0])

    best = optimize.minimize_scalar(lambda s: -log_evidence(s), bounds=(-3, 4), method="bounded")
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.5), None)
    choices = choose(model, br.Data(x[:, None], y), ["evidence"], draws=2000)
    found = choices["evidence"]
    assert abs(np.log(found.scale) - best.x) < 4 * found.monte_carlo_error + 0.01
    assert log_evidence(np.log(found.low)) == pytest.approx(-best.fun - 0.5, abs=0.06)
    assert log_evidence(np.log(found.high)) == pytest.approx(-best.fun - 0.5, abs=0.06)
    ours = choices.scores["log_evidence"]
    theirs = np.array([log_evidence(s) for s in np.log(choices.scores["scale"])])
    away = (ours - ours[0]) - (theirs - theirs[0])
    assert np.all(np.abs(away) < 4 * choices.scores["log_evidence_error"] + 0.03)


@pytest.mark.parametrize("prior", [br.Laplace(1.0), br.Normal(1.0)])
def test_evidence_of_no_effect_lies_at_scale_0(prior):
    x, y = np.tile([-1.0, 1.0], 10), np.repeat([1.0, -1.0], 10)
    found = choose(br.Model(br.Gaussian(1.0), prior), br.Data(x[:, None], y), ["evidence"])
    choice = found["evidence"]
    assert (choice.scale, choice.low, choice.boundary) == (0.0, 0.0, "0")
    assert choice.lambda_ == np.inf
    assert 0.1 < choice.high < 1.0
    assert "wants no effect of these columns" in found.agreement


def test_evidence_of_separated_classes_lies_at_infinity():
    """p(y | b) rises from 2^-12 to 1/2: the wider the prior, the surer the rows."""
    data = br.Data(np.tile([-1.0, 1.0], 6)[:, None], np.tile([0.0, 1.0], 6))
    model = br.Model(br.Bernoulli(), br.Normal(1.0), None)
    choice = choose(model, data, ["evidence"], draws=400)["evidence"]
    assert (choice.scale, choice.high, choice.boundary) == (np.inf, np.inf, "infinity")
    assert choice.lambda_ == 0.0
    assert choice.low > 0


@pytest.mark.parametrize("prior", [br.Laplace(1.0), br.Normal(1.0)])
def test_evidence_does_not_depend_on_the_axis(prior):
    model, data = br.Model(br.Gaussian(1.0), prior), some_data()
    usual = choose(model, data, ["evidence"])["evidence"].scale
    for scales in ([1e-5, 1e-4], [1e3, 1e4], [0.3]):
        far = choose(model, data, ["evidence"], scales=scales)["evidence"].scale
        assert far == pytest.approx(usual, rel=0.01)


def test_evidence_in_the_units_of_y():
    """With sigma unknown the axis is found by the spread of y."""
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(1.0, relative_to_noise=True))
    data = some_data()
    found = [
        choose(model, br.Data(data.X, factor * data.y), ["evidence", "cv"], n_scales=12)
        for factor in (1.0, 1e4)
    ]
    small, large = ({name: c.scale for name, c in each.items()} for each in found)
    assert small["evidence"] == pytest.approx(large["evidence"], rel=0.02)
    assert small["cv"] == pytest.approx(large["cv"], rel=1e-3)


def test_a_peak_between_noisy_slopes_and_two_peaks():
    """f = -(x - 1)^2 / 2 - 3 near 1 and -2 (x + 4)^2 near -4: the higher of two is found."""

    def value(x):
        return np.logaddexp(-0.5 * (x - 1.0) ** 2, -3.0 - 2.0 * (x + 4.0) ** 2)

    def look(x, effort):
        h = 1e-3
        slope = (value(x + h) - value(x - h)) / (2 * h)
        bend = (value(x + h) - 2 * value(x) + value(x - h)) / h**2
        return Node(x, slope, bend, 1e-3)

    peak = slope_peak(look, np.linspace(-6.0, 4.0, 15))
    assert peak.log_t == pytest.approx(1.0, abs=0.01)
    assert (peak.low, peak.high) == pytest.approx((0.0, 2.0), abs=0.05)
    exact = closed_peak(lambda x: value(np.asarray(x)), -6.0, 4.0)
    assert exact.log_t == pytest.approx(1.0, abs=1e-6)


# --- cross-validation ---


@pytest.mark.parametrize("standardised", [False, True])
def test_hold_alpha_is_lasso_cv(standardised):
    data = some_data(n=60, p=6, seed=2)
    theirs = LassoCV(cv=5, alphas=60, tol=1e-9).fit(data.X, data.y)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0))
    found = choose(model, data, ["cv"], hold="alpha", scales=1.0 / (theirs.alphas_ * 60))
    assert 1.0 / (found["cv"].scale * 60) == pytest.approx(theirs.alpha_, rel=1e-12)
    deviance = theirs.mse_path_.mean(axis=1) + np.log(2 * np.pi)
    np.testing.assert_allclose(found.scores["cv_deviance"], deviance, rtol=1e-6)
    simplest = found["cv"].one_standard_error
    mean, error = theirs.mse_path_.mean(axis=1), theirs.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
    best = np.argmin(mean)
    within = theirs.alphas_[mean <= mean[best] + error[best]]
    assert 1.0 / (simplest * 60) == pytest.approx(within.max(), rel=1e-12)


def test_hold_alpha_is_elastic_net_cv():
    data = some_data(n=60, p=6, seed=2)
    theirs = ElasticNetCV(l1_ratio=0.6, cv=4, alphas=40, tol=1e-9).fit(data.X, data.y)
    # n alpha r = 1 / b,  n alpha (1 - r) = 1 / tau^2
    b = 1.0 / (60 * 0.6 * theirs.alphas_)
    model = br.Model(br.Gaussian(1.0), br.ElasticNet(b[0], np.sqrt(b[0] * 0.6 / 0.4)))
    found = choose(model, data, ["cv"], hold="alpha", scales=b, folds=4)["cv"]
    assert 1.0 / (found.scale * 60 * 0.6) == pytest.approx(theirs.alpha_, rel=1e-9)


def test_hold_prior_is_ridge_cv():
    data = some_data(n=60, p=6, seed=2)
    alphas = np.geomspace(1e-2, 1e3, 30)
    folds = KFold(6, shuffle=True, random_state=0)
    theirs = RidgeCV(alphas, cv=folds, scoring="neg_mean_squared_error").fit(data.X, data.y)
    model = br.Model(br.Gaussian(1.0), br.Normal(1.0))
    found = choose(model, data, ["cv"], scales=1.0 / np.sqrt(alphas), folds=folds)["cv"]
    assert found.lambda_ == pytest.approx(theirs.alpha_, rel=1e-9)
    one_out = RidgeCV(alphas).fit(data.X, data.y)
    found = choose(model, data, ["cv"], scales=1.0 / np.sqrt(alphas), folds=60)["cv"]
    assert found.lambda_ == pytest.approx(one_out.alpha_, rel=1e-9)


def test_the_prior_is_the_same_in_every_fold():
    data = some_data(n=30, p=4, seed=6)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0), standardize=True)
    folds = [(np.arange(10, 30), np.arange(10)), (np.arange(10), np.arange(10, 30))]
    found = choose(model, data, ["cv"], scales=[0.05, 0.2, 1.0], folds=folds)
    deviation = data.X.std(axis=0)
    for k, scale in enumerate([0.05, 0.2, 1.0]):
        means = []
        for train, test in folds:
            own = br.Model(br.Gaussian(1.0), br.Laplace(scale / deviation))
            fit = br.find_map(own, br.Data(data.X[train], data.y[train]))
            held_out = br.Data(data.X[test], data.y[test])
            terms = own.log_likelihood(held_out, fit.coef, fit.intercept)
            means.append(-2 * terms.mean())
        assert found.scores["cv_deviance"][k] == pytest.approx(np.mean(means), rel=1e-8)


def test_cv_with_sigma_unknown_uses_that_of_the_fold():
    data = some_data(n=30)
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True))
    folds = [(np.arange(10, 30), np.arange(10)), (np.arange(20), np.arange(20, 30))]
    found = choose(model, data, ["cv"], scales=[0.3, 1.0], folds=folds)
    means = []
    for train, test in folds:
        fit = br.find_map(
            model.rescaled(0.3), br.Data(data.X[train], data.y[train]), target="joint"
        )
        eta = data.X[test] @ fit.coef + fit.intercept
        means.append(-2 * stats.norm.logpdf(data.y[test], eta, fit.scalars["sigma"]).mean())
    assert found.scores["cv_deviance"][0] == pytest.approx(np.mean(means), rel=1e-9)


def test_cv_at_the_end_of_the_axis_says_so():
    data = some_data(n=60)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0))
    small = choose(model, data, ["cv", "loo"], scales=[0.03, 0.05, 0.08])
    for method in ("cv", "loo"):
        assert (small[method].boundary, small[method].high) == ("upper end", np.inf)
        assert "largest scale tried" in small[method].note
    assert "cv and loo want the largest scale that was tried" in small.agreement
    one = choose(model, data, ["cv"], scales=[0.1])["cv"]
    assert "one scale only" in one.note


def test_one_split_has_no_standard_error():
    data = some_data()
    folds = [(np.arange(30), np.arange(30, 40))]
    found = choose(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), data, ["cv"], folds=folds)["cv"]
    assert "no standard error" in found.note
    assert np.isfinite(found.scale)


def test_posterior_folds_score_the_predictive_density():
    """Against the normal predictive distribution of a Normal prior with known sigma."""
    data = some_data(n=30, p=3)
    model = br.Model(br.Gaussian(0.9), br.Normal(0.5))
    found = choose(model, data, ["cv-posterior"], scales=[0.2, 0.6], folds=3, draws=4000)
    means = []
    for train, test in KFold(3).split(data.X):
        A, B = (np.column_stack([data.X[part], np.ones(part.size)]) for part in (train, test))
        P = A.T @ A / 0.81 + np.diag([1 / 0.36] * 3 + [0.0])
        mean = np.linalg.solve(P, A.T @ data.y[train] / 0.81)
        sd = np.sqrt(0.81 + np.sum(B @ np.linalg.inv(P) * B, axis=1))
        means.append(stats.norm.logpdf(data.y[test], B @ mean, sd).mean())
    assert found.scores["cv_log_density"][1] == pytest.approx(np.mean(means), abs=0.02)


# --- leave-one-out, hyperprior ---


def test_leave_one_out_is_refined_between_scales():
    model, data = br.Model(br.Gaussian(1.0), br.Normal(1.0)), some_data(n=50)
    coarse = choose(model, data, ["loo"], scales=np.geomspace(0.01, 30.0, 14))
    fine = choose(model, data, ["loo"], scales=np.geomspace(0.01, 30.0, 400))
    assert coarse["loo"].scale == pytest.approx(fine["loo"].scale, rel=0.05)
    assert coarse["loo"].low == pytest.approx(fine["loo"].low, rel=0.1)
    assert coarse["loo"].low < coarse["loo"].scale < coarse["loo"].high


def test_leave_one_out_by_draws_agrees_with_the_closed_form():
    """A StudentT prior with nu so large that it is Normal."""
    data = some_data(n=50)
    scales = np.geomspace(0.05, 5.0, 8)
    exact = choose(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data, ["loo"], scales=scales)
    drawn = choose(br.Model(br.Gaussian(1.0), br.StudentT(1e6, scale=1.0)), data, ["loo"],
                   scales=scales)  # fmt: skip
    np.testing.assert_allclose(drawn.scores["elpd_loo"], exact.scores["elpd_loo"], atol=0.5)
    shift = drawn.scores["elpd_loo"] - exact.scores["elpd_loo"]
    assert np.ptp(shift) < 0.3
    assert drawn["loo"].scale == pytest.approx(exact["loo"].scale, rel=0.2)


@pytest.mark.parametrize(
    ("prior", "density"),
    [
        (br.Laplace(0.5), lambda w, b: stats.laplace.pdf(w, 0.0, b)),
        (br.StudentT(4.0, scale=0.5), lambda w, b: stats.t.pdf(w, 4.0, 0.0, b)),
    ],
    ids=["laplace", "student"],
)
def test_hyperprior_against_quadrature(prior, density):
    rng = np.random.default_rng(3)
    x = rng.normal(size=15)
    y = 1.2 * x + rng.normal(size=15)
    hyperprior = br.HalfNormal(2.0)
    model = br.Model(br.Gaussian(1.0), prior, None)
    found = choose(model, br.Data(x[:, None], y), ["hyperprior"], hyperprior=hyperprior,
                   draws=5000)["hyperprior"]  # fmt: skip
    centre = x @ y / (x @ x)
    w = np.linspace(-4.0, 6.0, 20001)
    log_b = np.linspace(-6.0, 3.0, 1801)
    likelihood = np.exp(-0.5 * x @ x * (w - centre) ** 2)
    marginal = [np.trapezoid(likelihood * density(w, b), w) for b in np.exp(log_b)]
    of_log_b = np.array(marginal) * np.exp(hyperprior.log_density(np.exp(log_b)) + log_b)
    cumulated = np.cumsum(of_log_b) / of_log_b.sum()
    quantiles = np.exp(np.interp([0.16, 0.5, 0.84], cumulated, log_b))
    assert (found.low, found.scale, found.high) == pytest.approx(quantiles, rel=0.06)


@pytest.mark.parametrize(
    "prior",
    [
        br.Normal([0.5, 1.0, 1.5, 0.7]),
        {"x0": br.Normal(0.5), "x[123]": br.Normal([1.0, 1.5, 0.7])},
        {"x0": br.Normal(1.0, loc=1.0), "*": br.Normal(1.0)},
    ],
    ids=["array", "mapping", "loc"],
)
def test_hyperprior_multiplies_scales_of_any_shape(prior):
    """p(scale | y) is the evidence times the hyperprior."""
    data = some_data()
    model = br.Model(br.Gaussian(1.0), prior)
    found = choose(model, data, ["hyperprior"], hyperprior=br.HalfNormal(1.0), draws=2500)
    from bayesreg.posterior.target import pose

    reference = model.axis_scale(data)
    log_b = np.linspace(-5.0, 3.0, 1601)
    log_density = log_evidence_of_scale(NormalLaw.of(pose(model, data)))(log_b - np.log(reference))
    log_density = log_density + br.HalfNormal(1.0).log_density(np.exp(log_b)) + log_b
    density = np.exp(log_density - log_density.max())
    middle = np.exp(np.interp(0.5, np.cumsum(density) / density.sum(), log_b))
    assert found["hyperprior"].scale == pytest.approx(middle, rel=0.03)
    assert found.scores["scale_draws"].size == 10_000


def test_what_has_no_one_scale_says_so():
    model = br.Model(br.Gaussian(1.0), br.ElasticNet(1.0, 1.0))
    found = choose(model, some_data(), ["hyperprior", "cv"])
    assert not found["hyperprior"].found
    assert "no one unknown scale" in found["hyperprior"].note
    assert "No answer from hyperprior" in found.agreement


# --- every model, and the result ---


@pytest.mark.parametrize(
    ("likelihood", "more"),
    [
        (br.Bernoulli(), {}),
        (br.Poisson(), {"offset": True}),
        (br.Binomial(), {}),
        (br.Gaussian(1.5), {"weights": True, "offset": True}),
    ],
    ids=["bernoulli", "poisson-offset", "binomial-trials", "gaussian-weights"],
)
@pytest.mark.parametrize(
    "prior",
    [
        pytest.param(br.Laplace(0.3), id="laplace"),
        pytest.param(br.StudentT(4.0, scale=0.3), id="student", marks=pytest.mark.slow),
    ],
)
def test_every_method_on_other_models(likelihood, more, prior):
    data = make_data(likelihood)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2.0, data.n) if more.get("weights") else None
    offset = rng.normal(size=data.n) * 0.1 if more.get("offset") else None
    data = br.Data(data.X, data.y, weights, offset, trials=data.trials)
    model = br.Model(likelihood, prior, br.Normal(2.0), standardize=True)
    found = choose(model, data, ["evidence", "cv", "loo", "hyperprior"], draws=300, chains=2,
                   scales=[0.03, 0.1, 0.3, 1.0, 3.0], folds=3)  # fmt: skip
    for choice in found.values():
        if choice.method == "hyperprior" and "Student's t priors" in choice.note:
            assert isinstance(prior, br.StudentT)
            assert not isinstance(likelihood, br.Gaussian)
            continue
        assert choice.found, choice.note
        assert choice.low <= choice.scale <= choice.high
    assert np.all(np.isfinite(found.scores["cv_deviance"]))
    assert np.all(np.isfinite(found.scores["elpd_loo"]))


def test_the_result_as_text_html_and_plain_numbers():
    data = some_data()
    found = choose(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data, ["evidence", "cv", "loo"])
    text = str(found)
    assert "cv, 1 se" in text
    assert max(len(line) for line in str(found.to_table()).splitlines()) < 100
    assert found.agreement in text
    html = found._repr_html_()
    assert "<table>" in html
    assert found.agreement.replace("'", "&#x27;") in html
    plain = found.to_dict()
    assert plain["choices"]["cv"]["scale"] == found["cv"].scale
    assert list(found) == ["evidence", "cv", "loo"]

    from rich.console import Console

    console = Console(record=True, width=120, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(found)
    assert "evidence" in console.export_text()


def test_same_seed_same_choices():
    data, model = some_data(), br.Model(br.Gaussian(1.0), br.Laplace(1.0))
    one, two = (choose(model, data, ["evidence", "loo"], scales=[0.1, 0.5, 2.0]) for _ in "12")
    assert [c.scale for c in one.values()] == [c.scale for c in two.values()]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"methods": ["evidense"]}, ModelError, "evidence"),
        ({"methods": []}, ModelError, "empty"),
        ({"methods": [3]}, ModelTypeError, "is a name"),
        ({"hold": "lambda"}, ModelError, "hold"),
        ({"hyperprior": 3.0}, ModelTypeError, "hyperprior"),
        ({"scales": [-1.0]}, ModelError, "scales"),
        ({"draws": 0}, ModelError, "draws"),
        ({"chains": 1.5}, ModelTypeError, "chains"),
        ({"seed": -1}, ModelError, "seed"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    arguments = {"methods": ["evidence"], **arguments}
    with pytest.raises(error, match=message):
        choose(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), some_data(), **arguments)


def test_folds_that_cannot_be_made_are_the_note_of_cv():
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0))
    found = choose(model, some_data(), ["cv"], folds=1)["cv"]
    assert not found.found
    assert "between 2 and" in found.note


def test_an_unknown_scale_is_refused():
    with pytest.raises(ModelError, match="unknown"):
        choose(br.Model(br.Gaussian(1.0), br.Laplace(br.HalfCauchy(1.0))), some_data(), ["cv"])


# --- lambda where sigma is unknown ---


def test_lambda_at_sigma_is_that_of_the_joint_mode_there(diabetes):
    """The number for other software: scikit-learn's lasso at it is the joint mode."""
    model = br.Model(br.Gaussian(br.HalfNormal(100.0)), br.Laplace(60.0))
    found = choose(model, diabetes, ["cv"], n_scales=6)
    cv = found["cv"]
    joint = br.find_map(model.rescaled(cv.scale / 60.0), diabetes, target="joint")
    assert cv.sigma == joint.scalars["sigma"]
    assert cv.lambda_ == pytest.approx(1.0 / cv.scale)
    assert cv.lambda_at_sigma == pytest.approx(joint.lambda1[0])
    text, html = str(found), found._repr_html_()
    for said in ("lambda at sigma = 1", "lambda (sigma)", "sigma of the joint mode"):
        assert said in text
        assert said in html
    assert f"{cv.lambda_at_sigma:.4g} ({cv.sigma:.4g})" in text
    assert found.to_dict()["choices"]["cv"]["lambda_at_sigma"] == cv.lambda_at_sigma


def test_lambda_stands_as_it_is_where_no_unknown_sigma_enters():
    for model in (
        br.Model(br.Gaussian(0.7), br.Laplace(1.0)),
        br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True)),
    ):
        found = choose(model, some_data(), ["cv"], n_scales=4)
        assert found["cv"].lambda_at_sigma == found["cv"].lambda_
        assert "sigma = 1" not in str(found)


def test_a_choice_outside_the_shared_range_is_not_called_agreement():
    from bayesreg.scales.agreement import agreement
    from bayesreg.scales.choice import Choice

    evidence = Choice("evidence", 0.01, 0.007, 0.03, 100.0, "")
    cv = Choice("cv", 0.173, 0.0, 0.3, 5.8, "")
    text = agreement([evidence, cv])
    assert "cv (0.173) does best with lies outside" in text
    assert "any scale in there will do" not in text
    near = Choice("cv", 0.02, 0.0, 0.3, 5.8, "")
    assert "any scale in there will do" in agreement([evidence, near])
