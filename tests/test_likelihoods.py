"""Binomial, Gamma and NegativeBinomial: scipy's densities, limits, extremes, refusals."""

import warnings

import numpy as np
import pytest
from densities import scipy_log_likelihood
from helpers import make_data, make_design, rows_of
from scipy import stats
from sklearn.linear_model import GammaRegressor

import bayesreg as br
from bayesreg.errors import DataError, ImproperPosteriorError, ModelError, NoModeError
from bayesreg.likelihoods import likelihood_of_rows
from bayesreg.likelihoods._stirling import correction, digamma_correction, log_rising
from bayesreg.problem import bind
from bayesreg.proof.existence import why_no_mode
from bayesreg.testing import check_likelihood

BINOMIAL, GAMMA, NEGATIVE = br.Binomial(), br.Gamma(phi=0.4), br.NegativeBinomial(alpha=1.5)
NEW = [BINOMIAL, GAMMA, NEGATIVE]
PRIORS = [br.Laplace(0.3), br.Normal(0.5), br.Flat()]


def one_row(likelihood, y, eta, trials=None):
    """minus log p(y | eta) by our parts."""
    bound = likelihood_of_rows(likelihood, trials)
    return bound.loss(y, eta) + bound.constant(y, np.ones(y.size))


# ---- densities -------------------------------------------------------------------------------


@pytest.mark.parametrize("phi", [1e-3, 0.05, 0.3, 1.0, 4.0, 100.0])
def test_gamma_is_scipys(phi):
    rng = np.random.default_rng(1)
    eta = rng.uniform(-20, 20, 200)
    y = np.exp(eta) * np.maximum(rng.gamma(1 / phi, phi, 200), 1e-100)
    expected = -stats.gamma.logpdf(y, 1 / phi, scale=phi * np.exp(eta))
    found = one_row(br.Gamma(phi), y, eta)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=2e-12 / phi)


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0, 9.999, 10.001, 50.0, 1e4])
def test_negative_binomial_is_scipys(alpha):
    rng = np.random.default_rng(1)
    eta = rng.uniform(-5, 7, 200)
    y = br.NegativeBinomial(alpha).draw(eta, rng)
    expected = -stats.nbinom.logpmf(y, alpha, alpha / (alpha + np.exp(eta)))
    found = one_row(br.NegativeBinomial(alpha), y, eta)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("trials", [1.0, 7.0, 1000.0, 1e6])
def test_binomial_is_scipys(trials):
    rng = np.random.default_rng(1)
    eta = rng.uniform(-6, 6, 200)
    m = np.full(200, trials)
    y = BINOMIAL.for_trials(m).draw(eta, rng)
    expected = -stats.binom.logpmf(y, m, 1 / (1 + np.exp(-eta)))
    np.testing.assert_allclose(one_row(BINOMIAL, y, eta, m), expected, rtol=1e-8, atol=1e-8)


def test_binomial_coefficients_are_exact_logarithms():
    for m in (1, 2, 9, 25, 60, 300):
        y = np.arange(m + 1.0)
        bound = BINOMIAL.for_trials(np.full(m + 1, float(m)))
        from math import comb, log

        expected = [-log(comb(m, k)) for k in range(m + 1)]
        np.testing.assert_allclose(
            bound.constant(y, np.ones(m + 1)), expected, rtol=1e-13, atol=1e-13
        )


def test_stirling_parts_against_scipy():
    from scipy.special import digamma, gammaln

    x = np.geomspace(1e-3, 1e4, 300)
    whole = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi) + correction(x)
    np.testing.assert_allclose(whole, gammaln(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(
        np.log(x) + digamma_correction(x), digamma(x), rtol=1e-12, atol=1e-13
    )
    for k in (0.0, 1.0, 3.0, 500.0):
        np.testing.assert_allclose(
            log_rising(x, k), gammaln(x + k) - gammaln(x), rtol=1e-9, atol=1e-9
        )
    assert log_rising(1e12, 2.0) == pytest.approx(np.log(1e12) + np.log(1e12 + 1), rel=1e-15)


@pytest.mark.parametrize(
    ("likelihood", "y", "trials"),
    [
        (br.Gamma(1e-4), [0.9, 1.0, 2.0], None),
        (br.Gamma(3.0), [1e-3, 1.0, 50.0], None),
        (br.NegativeBinomial(0.1), [0.0, 1.0, 3.0], None),
        (br.NegativeBinomial(1e6), [0.0, 1.0, 20.0], None),
        (BINOMIAL, [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
        (BINOMIAL, [0.0, 500.0, 1000.0], [1000.0, 1000.0, 1000.0]),
    ],
    ids=repr,
)
def test_check_likelihood_of_extreme_parts(likelihood, y, trials):
    check_likelihood(likelihood, y, trials=trials)


def test_check_likelihood_wants_trials_exactly_where_they_belong():
    with pytest.raises(AssertionError, match="pass trials="):
        check_likelihood(BINOMIAL, [0.0, 1.0])
    with pytest.raises(AssertionError, match="pass trials="):
        check_likelihood(GAMMA, [1.0], trials=[1.0])


@pytest.mark.parametrize("likelihood", NEW, ids=repr)
def test_extreme_linear_predictors_are_numbers_or_infinite(likelihood):
    eta = np.array([-1e6, -800.0, -50.0, 0.0, 50.0, 800.0, 1e6])
    for value in (1.0, 4.0):
        y, trials = np.full(eta.size, value), np.full(eta.size, 4.0)
        bound = likelihood_of_rows(likelihood, trials if likelihood is BINOMIAL else None)
        for name in ("loss", "gradient", "curvature"):
            assert not np.any(np.isnan(getattr(bound, name)(y, eta))), name
        assert np.all(bound.loss(y, eta) >= bound.saturated_loss(y) - 1e-12)
        assert not np.any(np.isnan(bound.fenchel_young(y, eta, np.full(eta.size, 0.1))))
        assert not np.any(np.isnan(bound.smoothness_within(y, eta, np.full(eta.size, 0.1))))


@pytest.mark.parametrize(
    ("likelihood", "y"), [(br.NegativeBinomial(a), 5.0) for a in (0.3, 4.0, 1e3, 1e8)]
    + [(br.Gamma(p), 2.0) for p in (1e-6, 0.3, 5.0)]
    + [(br.StudentT(nu, sigma=s), 1.2) for nu in (1.0, 4.0) for s in (1e-3, 0.7, 50.0)]
    + [(br.AsymmetricLaplace(0.3, s), 1.2) for s in (1e-3, 0.7, 50.0)], ids=repr,
)  # fmt: skip
def test_dispersion_slope_is_the_derivative(likelihood, y):
    """Against differences of scipy's density in log d, or of ours where scipy loses digits."""
    eta, y, h = np.linspace(-1, 3, 9), np.full(9, y), 1e-4
    d = likelihood.dispersion

    def whole(shift):
        return one_row(likelihood.with_dispersion(d * np.exp(shift)), y, eta)

    differences = (8 * (whole(h) - whole(-h)) - whole(2 * h) + whole(-2 * h)) / (12 * h)
    found = likelihood.dispersion_slope(y, eta)
    size = 1e-11 * (np.abs(whole(0.0)) + np.abs(likelihood.loss(y, eta)) + 1) / h
    np.testing.assert_allclose(found, differences, rtol=1e-7, atol=np.max(size) * 1e-3 + 1e-10)


def test_dispersion_slope_keeps_its_digits_near_poisson():
    """To first order in 1 / alpha: y/2 - (y - mu)^2 / 2 + ..., with the sign of d / d log alpha."""
    y, eta, alpha = np.array([0.0, 3.0, 9.0]), np.log([2.0, 3.0, 5.0]), 1e9
    found = br.NegativeBinomial(alpha).dispersion_slope(y, eta)
    expected = ((y - np.exp(eta)) ** 2 - y) / (2 * alpha)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# ---- modes -----------------------------------------------------------------------------------


def expanded(data):
    """Every trial of a binomial row as a Bernoulli row of its own, with the row's weight."""
    rows, y = [], []
    for i, (successes, m) in enumerate(zip(data.y, data.trials, strict=True)):
        rows += [i] * int(m)
        y += [1.0] * int(successes) + [0.0] * int(m - successes)
    s, shift = data.weights, data.offset
    return br.Data(
        data.X[rows], y, None if s is None else s[rows], None if shift is None else shift[rows]
    )


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
@pytest.mark.parametrize("standardize", [False, True])
def test_binomial_is_its_bernoulli_rows(prior, standardize):
    """Same mode, and log densities that differ by sum_i s_i log C(m_i, y_i).

    standardize weighs rows by s_i there and s_i m_i here, so its weights are matched.
    """
    data = make_data(BINOMIAL, n=120, weights=True, offset=True)
    if standardize:
        data = rows_of(data, data.trials == 4)
    rows = expanded(data)
    one = br.find_map(br.Model(BINOMIAL, prior, standardize=standardize), data)
    other = br.find_map(br.Model(br.Bernoulli(), prior, standardize=standardize), rows)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-9, atol=1e-12)
    assert one.intercept == pytest.approx(other.intercept, rel=1e-9)
    assert np.array_equal(one.coef == 0, other.coef == 0)
    from scipy.special import binom

    extra = float(data.weights @ np.log(binom(data.trials, data.y)))
    assert one.log_density == pytest.approx(other.log_density + extra, rel=1e-12)


def test_binomial_of_one_trial_is_bernoulli():
    data = make_data(br.Bernoulli(), weights=True)
    ones = br.Data(data.X, data.y, data.weights, trials=np.ones(data.y.size))
    one = br.find_map(br.Model(BINOMIAL, br.Laplace(0.3)), ones)
    other = br.find_map(br.Model(br.Bernoulli(), br.Laplace(0.3)), data)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-11)
    assert one.log_density == pytest.approx(other.log_density, rel=1e-14)
    assert one.certificate.half_null_deviance == pytest.approx(
        other.certificate.half_null_deviance, rel=1e-12
    )


@pytest.mark.parametrize("alpha", [1e8, 1e10, 1e14, 1e100])
def test_negative_binomial_tends_to_poisson(alpha):
    data = make_data(br.Poisson(), weights=True, offset=True)
    poisson = br.find_map(br.Model(br.Poisson(), br.Laplace(0.3)), data)
    near = br.find_map(br.Model(br.NegativeBinomial(alpha), br.Laplace(0.3)), data)
    size = 1e3 / alpha + 1e-12
    np.testing.assert_allclose(near.coef, poisson.coef, rtol=size, atol=size)
    assert near.log_density == pytest.approx(poisson.log_density, rel=size)
    assert np.array_equal(near.coef == 0, poisson.coef == 0)


@pytest.mark.parametrize("phi", [0.1, 0.7, 2.0])
@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=repr)
def test_gamma_is_scikit_learns_regressor(phi, intercept):
    """GammaRegressor minimises mean(deviance) / 2 + alpha / 2 ||w||^2: alpha = phi / (N tau^2)."""
    data, tau = make_data(GAMMA, weights=True), 0.4
    alpha = phi / (data.total_weight * tau**2)
    peer = GammaRegressor(
        alpha=alpha, fit_intercept=intercept is not None, solver="newton-cholesky", tol=1e-12
    ).fit(data.X, data.y, sample_weight=data.weights)
    model = br.Model(br.Gamma(phi), br.Normal(tau), intercept)
    fit = br.find_map(model, data)
    np.testing.assert_allclose(fit.coef, peer.coef_, rtol=1e-6, atol=1e-9)
    assert fit.intercept == pytest.approx(float(peer.intercept_), abs=1e-7)
    assert br.certify(model, data, peer.coef_, float(peer.intercept_)).gap < 1e-9
    np.testing.assert_allclose(fit.predict(data.X), peer.predict(data.X), rtol=1e-6)


def test_the_gamma_mode_of_an_intercept_is_the_log_mean_whatever_phi():
    y = np.array([0.2, 1.0, 3.0, 0.5])
    for phi in (1e-4, 0.5, 30.0):
        fit = br.find_map(br.Model(br.Gamma(phi), br.Laplace(1e-9)), br.Data(np.eye(4), y))
        assert fit.intercept == pytest.approx(np.log(y.mean()), rel=1e-12)


@pytest.mark.parametrize("likelihood", NEW, ids=repr)
def test_path_and_null_scale(likelihood):
    data = make_data(likelihood, offset=True)
    path = br.find_map_path(br.Model(likelihood, br.Laplace(0.3)), data, n_scales=6)
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[-1] == 7
    assert all(certificate.holds for certificate in path.certificates)


@pytest.mark.parametrize("likelihood", NEW, ids=repr)
def test_far_away_targets_are_reached(likelihood):
    """Means of e^20, and priors on the intercept that start the search far from them."""
    scale = 1.0 if likelihood is BINOMIAL else 4e8
    data = make_data(likelihood)
    moved = br.Data(data.X, np.ceil(data.y) * scale, trials=data.trials)
    for intercept in (br.Flat(), br.Normal(5.0)):
        fit = br.find_map(br.Model(likelihood, br.Normal(1.0), intercept), moved)
        assert fit.certificate.holds


def test_predictions():
    data = make_data(BINOMIAL)
    fit = br.find_map(br.Model(BINOMIAL, br.Normal(0.5)), data)
    eta = data.X @ fit.coef + fit.intercept
    np.testing.assert_allclose(fit.predict(data.X), 1 / (1 + np.exp(-eta)), rtol=1e-12)


# ---- the rest of the package -----------------------------------------------------------------


def test_verify_passes():
    data = make_data(BINOMIAL, n=40, p=2, offset=True)
    report = br.verify(br.Model(BINOMIAL, br.Laplace(0.3), br.Normal(2.0)), data)
    assert report.passed, str(report)
    assert "no scikit-learn estimator" in str(report)


@pytest.mark.parametrize("likelihood", [GAMMA, NEGATIVE], ids=repr)
def test_nuts_samples_around_the_mode(likelihood):
    """Under a Normal prior of small effect on 300 rows the posterior is nearly normal."""
    data = make_data(likelihood, n=300, p=2)
    model = br.Model(likelihood, br.Normal(0.5))
    post = br.sample(model, data, draws=600, chains=2, seed=3, progress=False)
    fit = br.find_map(model, data)
    drawn = post["posterior"]["coef"].values.reshape(-1, 2)
    assert np.all(np.abs(drawn.mean(axis=0) - fit.coef) < 0.5 * drawn.std(axis=0))
    assert post.attrs["sampler"] == "nuts"
    rows = post["log_likelihood"]["y"].values[0, 0]
    w, a = post["posterior"]["coef"].values[0, 0], post["posterior"]["intercept"].values[0, 0]
    np.testing.assert_allclose(
        rows, scipy_log_likelihood(likelihood, data, data.X @ w + a), rtol=1e-9, atol=1e-11
    )


def test_binomial_draws_know_their_trials():
    data = make_data(BINOMIAL, n=40, p=1, weights=True)
    model = br.Model(BINOMIAL, br.Normal(0.5), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", br.errors.ConvergenceWarning)
        post = br.sample(model, data, draws=20, chains=1, seed=3, progress=False)
    used = data.weights > 0
    np.testing.assert_array_equal(post["constant_data"]["trials"].values, data.trials[used])
    w = post["posterior"]["coef"].values[0, -1]
    np.testing.assert_allclose(
        post["log_likelihood"]["y"].values[0, -1],
        scipy_log_likelihood(BINOMIAL, data, data.X @ w)[used],
        rtol=1e-9,
    )


def test_words():
    from bayesreg.wording import describe

    assert "Binomial(trials_i, 1 / (1 +" in describe(
        br.Model(BINOMIAL, br.Flat()), make_data(BINOMIAL)
    )
    gamma = describe(br.Model(GAMMA, br.Flat()), make_data(GAMMA))
    assert "y_i ~ Gamma(mean = exp(a + x_i . w), shape = 1 / 0.4)" in gamma
    negative = describe(br.Model(NEGATIVE, br.Flat()), make_data(NEGATIVE))
    assert "NegativeBinomial(mean = exp(a + x_i . w), alpha = 1.5)" in negative


def test_conversions_refuse_with_the_reason():
    for likelihood in NEW:
        able = "GammaRegressor" if likelihood is GAMMA else "find_map, which takes the model"
        with pytest.raises(br.errors.NoEquivalentError, match=f"Nearest: .*{able}"):
            br.to_penalty(br.Model(likelihood, br.Normal(1.0)), "sklearn.Ridge", n=10)


def test_command_line_reads_trials(tmp_path, capsys):
    import json

    from bayesreg.cli import main

    data = make_data(BINOMIAL)
    table = np.column_stack([data.X, data.y, data.trials])
    file = tmp_path / "counts.csv"
    header = ",".join([*data.names, "hits", "tries"])
    np.savetxt(file, table, delimiter=",", header=header, comments="")
    words = ["fit", str(file), "--target", "hits", "--trials", "tries", "--json"]
    words += ["--prior", "Laplace(0.3)", "--likelihood", "Binomial()"]
    assert main(words) == 0
    fit = br.find_map(br.Model(BINOMIAL, br.Laplace(0.3)), data)
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(list(found["coef"].values()), fit.coef, rtol=1e-9)
    assert main([*words, "--offset", "tries"]) != 0
    assert "only one of them" in capsys.readouterr().err


# ---- trials as data, and refusals ------------------------------------------------------------

X, Y = make_design(4, 2), np.array([0.0, 1.0, 2.0, 3.0])


def test_trials_of_rows_of_weight_zero_are_dropped():
    data = make_data(BINOMIAL, weights=True)
    problem = bind(br.Model(BINOMIAL, br.Laplace(0.3)), data)
    np.testing.assert_array_equal(problem.likelihood.trials, data.trials[data.weights > 0])
    np.testing.assert_array_equal(data.to_dense().trials, data.trials)
    assert repr(br.Data(X, Y, trials=[3, 3, 3, 3])) == "Data(n=4, p=2, trials)"
    assert br.Data(X, Y).trials is None


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([3, 0, 3, 3], r"trials must be whole numbers from 1 to 2\^53; found 0.0 in row 1"),
        ([3, 3, 2.5, 3], "found 2.5 in row 2 .1 such rows"),
        ([3, 3, 1e17, 3], "found 1e.17 in row 2"),
        ([3, 3, 3], "trials has 3 entries but X has 4 rows"),
        ([3, np.nan, 3, 3], "trials must be finite; found NaN"),
        (5, "trials must be one-dimensional"),
    ],
)
def test_impossible_trials(trials, message):
    with pytest.raises(DataError, match=message):
        br.Data(X, Y, trials=trials)


@pytest.mark.parametrize(
    ("likelihood", "given", "error", "message"),
    [
        (BINOMIAL, {}, DataError, r"Binomial\(\) needs the number of trials .*trials=\.\.\."),
        (br.Poisson(), {"trials": [3] * 4}, ModelError, r"Poisson\(\) would ignore"),
        (NEGATIVE, {"trials": [3] * 4}, ModelError, "leave trials out"),
        (BINOMIAL, {"trials": [3, 3, 1, 3]}, DataError, "found 2.0 of 1 trials in row 2"),
        (GAMMA, {}, DataError, r"y must be positive for Gamma\(phi=0.4\); found 0.0 in row 0"),
    ],
)
def test_targets_that_do_not_fit(likelihood, given, error, message):
    model, data = br.Model(likelihood, br.Laplace(1.0)), br.Data(X, Y, **given)
    for act in (
        lambda: bind(model, data),
        lambda: br.find_map(model, data),
        lambda: model.log_density(data, np.zeros(2)),
        lambda: model.gradient(data, np.zeros(2)),
        lambda: br.sample(model, data),
        lambda: br.to_pymc(model, data),
    ):
        with pytest.raises(error, match=message):
            act()


@pytest.mark.parametrize(
    ("likelihood", "y", "message"),
    [
        (NEGATIVE, [0, 1.5, 2, 3], "counts .*found 1.5 in row 1"),
        (NEGATIVE, [0, 1, -2, 3], "found -2.0 in row 2"),
        (GAMMA, [1, 1, 2, -3], "found -3.0 in row 3"),
    ],
)
def test_impossible_targets(likelihood, y, message):
    for weights in (None, np.where(np.equal(y, np.floor(y)), 1.0, 0.0)):
        with pytest.raises(DataError, match=message):
            bind(br.Model(likelihood, br.Flat()), br.Data(X, y, weights))


@pytest.mark.parametrize(
    ("likelihood", "y", "trials", "message"),
    [
        (BINOMIAL, [0, 0, 0, 0], [3, 1, 2, 3], "y is 0 in every row"),
        (BINOMIAL, [3, 1, 2, 3], [3, 1, 2, 3], "y is all of the trials in every row"),
        (NEGATIVE, [0, 0, 0, 0], None, "y is 0 in every row"),
    ],
)
def test_one_sided_targets_have_no_mode(likelihood, y, trials, message):
    model, data = br.Model(likelihood, br.Normal(1.0)), br.Data(X, y, trials=trials)
    with pytest.raises(NoModeError, match=message):
        br.find_map(model, data)
    with pytest.raises(ImproperPosteriorError, match=message):
        br.sample(model, data)
    held = br.Model(likelihood, br.Normal(1.0), intercept=br.Normal(2.0))
    assert br.find_map(held, data).certificate.holds


@pytest.mark.parametrize("likelihood", [BINOMIAL, NEGATIVE], ids=repr)
def test_separation_by_a_flat_column(likelihood):
    x = np.array([[1.0], [1.0], [0.0], [0.0], [0.0]])
    trials = [4.0] * 5 if likelihood is BINOMIAL else None
    model = br.Model(likelihood, br.Flat())
    data = br.Data(x, [0.0, 0.0, 2.0, 1.0, 3.0], trials=trials)
    with pytest.raises(NoModeError, match="'x0' separate"):
        br.find_map(model, data)
    assert br.find_map(br.Model(likelihood, br.Normal(1.0)), data).certificate.holds


def test_gamma_never_separates():
    x = np.array([[1.0], [1.0], [0.0], [0.0]])
    data = br.Data(x, [1e-8, 1e-8, 2.0, 1.0])
    problem = bind(br.Model(GAMMA, br.Flat()), data)
    assert why_no_mode(problem, data.names) is None
    fit = br.find_map(br.Model(GAMMA, br.Flat()), data)
    assert fit.intercept + fit.coef[0] == pytest.approx(np.log(1e-8), rel=1e-10)
