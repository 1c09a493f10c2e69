"""scan_scales: every variable against what it means, in closed form and from draws."""

import signal
import threading
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesreg as br
from bayesreg.errors import ConvergenceWarning, ModelError, ModelTypeError
from bayesreg.scales.summaries import highest_density

RNG = np.random.default_rng(5)
X = RNG.standard_normal((25, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])
Y = X @ [1.0, -0.5, 0.0] + 0.4 + 0.6 * RNG.standard_normal(25)
WEIGHTS, OFFSET = np.linspace(0.5, 2.0, 25), np.linspace(-0.3, 0.3, 25)
DATA = br.Data(X, Y)
SCALES = [0.1, 0.5, 2.0]


FEW_DRAWS = pytest.mark.filterwarnings("ignore:the draws of the scan are short")


def scan(model, data=DATA, scales=SCALES, **options):
    return br.scan_scales(model, data, scales, progress=False, **options)


# --- closed form ---


@pytest.mark.parametrize("scale", [0.01, 0.3, 10.0, 1000.0])
def test_the_evidence_has_twelve_digits_of_a_direct_one(scale):
    model = br.Model(br.Gaussian(0.5), br.Normal(1.0), intercept=br.Normal(2.0))
    data = br.Data(X[:12], Y[:12], WEIGHTS[:12], OFFSET[:12])
    found = float(scan(model, data, [scale])["log_evidence"][0])
    # Floats multiply exactly as decimals do not: the covariance is formed as fractions are.
    with localcontext() as context:
        context.prec = 60
        D = Decimal
        rows = [[D(float(v)) for v in row] for row in X[:12]]
        tau2, on_a, sigma2 = D(scale) ** 2, D(4), D(0.5) ** 2
        covariance = [
            [
                tau2 * sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) + on_a
                + (sigma2 / D(float(WEIGHTS[i])) if i == j else 0)
                for j in range(12)
            ]
            for i in range(12)
        ]  # fmt: skip
        direct = decimal_log_normal(Y[:12], OFFSET[:12], covariance)
    assert found == pytest.approx(direct, rel=1e-12)


def decimal_log_normal(y, mean, C):
    n, log_det, square = len(y), Decimal(0), Decimal(0)
    r = [Decimal(float(a)) - Decimal(float(b)) for a, b in zip(y, mean, strict=True)]
    for k in range(n):
        log_det += C[k][k].ln()
        square += r[k] * r[k] / C[k][k]
        for i in range(k + 1, n):
            share = C[i][k] / C[k][k]
            r[i] -= share * r[k]
            C[i] = [c - share * d for c, d in zip(C[i], C[k], strict=True)]
    log_two_pi = Decimal("1.8378770664093454835606594728112352797227949472755668")
    return float(-(n * log_two_pi + log_det + square) / 2)


def test_many_columns_by_second_moments_have_the_digits_of_the_rows():
    """From 200 columns on the eigenvalues of X'X serve."""
    rng = np.random.default_rng(1)
    wide = rng.standard_normal((500, 220))
    data = br.Data(wide, wide[:, 0] + rng.standard_normal(500))
    study = scan(br.Model(br.Gaussian(1.0), br.Normal(1.0)), data, [0.05, 1.0])
    centred = wide - wide.mean(axis=0)
    for k, tau in enumerate([0.05, 1.0]):
        d2 = np.linalg.svd(centred, compute_uv=False) ** 2
        w = np.linalg.solve(centred.T @ centred + np.eye(220) / tau**2, centred.T @ data.y)
        r = data.y - data.y.mean()
        square = r @ (r - centred @ w)
        direct = -0.5 * (499 * np.log(2 * np.pi) + np.log(500) + square)
        direct -= 0.5 * np.sum(np.log1p(tau**2 * d2))
        assert float(study["log_evidence"][k]) == pytest.approx(direct, rel=1e-12)
        np.testing.assert_allclose(study["mean"][k], w, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(study["map"][k], w, rtol=1e-7, atol=1e-9)
        freedom = np.sum(d2 / (d2 + 1 / tau**2))
        assert float(study["degrees_of_freedom"][k]) == pytest.approx(freedom, rel=1e-10)


CLOSED = [
    br.Model(br.Gaussian(0.7), br.Normal(1.0)),
    br.Model(br.Gaussian(0.7), br.Normal([1.0, 2.0, 0.5], loc=0.3), intercept=br.Normal(1.0)),
    br.Model(br.Gaussian(0.7), br.Normal(1.0), intercept=None),
    br.Model(br.Gaussian(0.7), br.Normal(1.0), standardize=True),
    br.Model(br.Gaussian(0.7), {"x0": br.Flat(), "*": br.Normal(1.0)}),
    br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True)),
    br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Normal(1.0, relative_to_noise=True)),
    br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0)),
    br.Model(br.Gaussian(br.Uniform(0.2, 3.0)), br.Normal(1.0)),
]


@pytest.mark.parametrize("model", CLOSED, ids=repr)
def test_the_closed_form_is_the_law_of_exact_draws(model):
    data = br.Data(X, Y, WEIGHTS, OFFSET)
    study = scan(model, data, rope=0.3).isel(scale=1)
    t = 0.5 / float(np.ravel(next(p for p in model.priors if not isinstance(p, br.Flat)).scale)[0])
    post = br.sample(model.rescaled(t), data, draws=5000, seed=2, progress=False)
    coef = post["posterior"]["coef"].values.reshape(-1, 3)
    sd = study["sd"].values
    np.testing.assert_allclose(study["mean"], coef.mean(axis=0), atol=5 * np.max(sd) / 141)
    np.testing.assert_allclose(sd, coef.std(axis=0), rtol=0.03)
    np.testing.assert_allclose(study["p_positive"], np.mean(coef > 0, axis=0), atol=0.015)
    np.testing.assert_allclose(study["p_rope"], np.mean(np.abs(coef) < 0.3, axis=0), atol=0.015)
    inside = (coef > study["hdi_low"].values) & (coef < study["hdi_high"].values)
    np.testing.assert_allclose(np.mean(inside, axis=0), 0.95, atol=0.01)
    low, high = highest_density(coef, 0.95)
    width = study["hdi_high"].values - study["hdi_low"].values
    np.testing.assert_allclose(high - low, width, rtol=0.04)


def psis(post):
    from arviz_stats import loo

    return loo(post).elpd


@pytest.mark.parametrize("model", [CLOSED[0], CLOSED[1], CLOSED[2], CLOSED[5], CLOSED[7]], ids=repr)
def test_leave_one_out_is_the_ratio_of_evidences(model):
    """log p(y_i | y_-i) = log p(y) - log p(y_-i), the flat intercept of density 1 in both."""
    data = br.Data(X, Y, WEIGHTS, OFFSET)
    study = scan(model, data, [0.5], loo=True)
    whole = float(study["log_evidence"][0])
    total = 0.0
    for i in range(25):
        keep = np.arange(25) != i
        without = br.Data(X[keep], Y[keep], WEIGHTS[keep], OFFSET[keep])
        total += whole - float(scan(model, without, [0.5])["log_evidence"][0])
    assert float(study["loo"][0]) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("model", [CLOSED[1], CLOSED[3], CLOSED[5], CLOSED[7]], ids=repr)
def test_folds_in_closed_form_are_the_limit_of_draws(model):
    from bayesreg.scales.axis import make_axis
    from bayesreg.scales.cross_validation import posterior_scores

    data = br.Data(X, Y, WEIGHTS, OFFSET)
    exact = scan(model, data, [0.3, 1.0], folds=4)
    drawn = posterior_scores(
        model, data, make_axis(model, data, [0.3, 1.0], 0), 4, draws=4000, chains=4, seed=1,
        cores=1, advance=lambda count: None,
    )  # fmt: skip
    np.testing.assert_allclose(exact["cv_posterior"], drawn.mean, atol=0.01)


def test_more_columns_than_rows():
    """p > n: means and standard deviations beyond the row space, against dense algebra."""
    rng = np.random.default_rng(8)
    wide, y = rng.standard_normal((6, 9)), rng.standard_normal(6)
    model = br.Model(br.Gaussian(0.7), br.Normal(1.0))
    study = scan(model, br.Data(wide, y), [0.8], loo=True)
    full = np.column_stack([wide, np.ones(6)])
    precision = full.T @ full / 0.49 + np.diag([1 / 0.64] * 9 + [0.0])
    covariance = np.linalg.inv(precision)
    mean = covariance @ full.T @ y / 0.49
    np.testing.assert_allclose(study["mean"][0], mean[:9], rtol=1e-9)
    np.testing.assert_allclose(study["sd"][0], np.sqrt(np.diag(covariance)[:9]), rtol=1e-9)
    z = stats.norm.ppf(0.975)
    np.testing.assert_allclose(study["hdi_high"][0], mean[:9] + z * study["sd"][0], rtol=1e-9)


def test_a_relative_prior_under_jeffreys_noise_is_a_t_distribution():
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Normal(1.0, relative_to_noise=True))
    study = scan(model, scales=[0.5])
    centred = X - X.mean(axis=0)
    P = centred.T @ centred + np.eye(3) / 0.25
    mean = np.linalg.solve(P, centred.T @ Y)
    r = Y - Y.mean()
    square = r @ (r - centred @ mean)
    scale = np.sqrt(square / 24 * np.diag(np.linalg.inv(P)))
    t = stats.t(24, mean, scale)
    np.testing.assert_allclose(study["sd"][0], t.std(), rtol=1e-10)
    np.testing.assert_allclose(study["hdi_low"][0], t.ppf(0.025), rtol=1e-9)
    np.testing.assert_allclose(study["p_positive"][0], t.sf(0.0), rtol=1e-8, atol=1e-13)


# --- from draws ---


LASSO = br.Model(br.Gaussian(0.7), br.Laplace(1.0))


def test_variables_are_what_they_say():
    study = scan(LASSO, seed=3, rope=0.2, loo=True, parameters=["sklearn.Lasso"])
    path = br.find_map_path(LASSO, DATA, SCALES)
    np.testing.assert_allclose(study["map"], path.coef, atol=1e-9)
    np.testing.assert_array_equal(study["map"] == 0, path.coef == 0)
    np.testing.assert_array_equal(study["n_nonzero"], np.count_nonzero(path.coef, axis=1))
    np.testing.assert_array_equal(study["degrees_of_freedom"], study["n_nonzero"])
    np.testing.assert_allclose(study["lambda"], path.lambdas)
    np.testing.assert_allclose(study["lambda"], 0.49 / np.array(SCALES))
    np.testing.assert_allclose(study["sklearn.Lasso.alpha"], 0.49 / np.array(SCALES) / 25)
    np.testing.assert_allclose(study["map_norm1"], np.abs(path.coef).sum(axis=1))
    np.testing.assert_allclose(study["mean_norm2"], np.linalg.norm(study["mean"], axis=1))
    post = br.sample(br.Model(br.Gaussian(0.7), br.Laplace(0.5)), DATA, seed=9, progress=False)
    coef = post["posterior"]["coef"].values.reshape(-1, 3)
    one = study.isel(scale=1)
    np.testing.assert_allclose(one["mean"], coef.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(one["sd"], coef.std(axis=0), rtol=0.06)
    np.testing.assert_allclose(one["p_positive"], (coef > 0).mean(axis=0), atol=0.03)
    np.testing.assert_allclose(one["p_rope"], (np.abs(coef) < 0.2).mean(axis=0), atol=0.05)
    assert float(one["loo"]) == pytest.approx(float(psis(post)), abs=0.15)
    assert np.all(study["gap"] < 1e-6)
    assert np.all(study["rhat_max"] < 1.02)
    assert np.all(study["ess_min"] > 400)
    assert study.attrs["seed"] == 3
    assert study.attrs["convergence"].endswith("at every scale")


@FEW_DRAWS
def test_the_same_seed_gives_the_same_bits_whatever_the_cores():
    one = scan(LASSO, scales=[0.3, 0.6], seed=4, draws=60, cores=1)
    two = scan(LASSO, scales=[0.3, 0.6], seed=4, draws=60, cores=2)
    assert one.identical(two)
    other = scan(LASSO, scales=[0.3, 0.6], seed=5, draws=60, cores=1)
    assert not np.array_equal(one["mean"], other["mean"])


def test_draws_that_fall_short_are_said():
    with pytest.warns(ConvergenceWarning, match=r"3 of 3 scales \(0.1, 0.5, 2\)") as caught:
        study = scan(LASSO, seed=4, draws=20)
    assert [warning.filename for warning in caught] == [__file__]
    assert study.attrs["convergence"].startswith("short of")
    assert "3 of 3 scales" in study.attrs["convergence"]


def test_scales_may_come_in_any_order_and_twice():
    study = scan(LASSO, scales=[1.0, 0.2, 1.0], posterior=False)
    assert study["scale"].values.tolist() == [0.2, 1.0]


@FEW_DRAWS
def test_an_unknown_sigma_is_said_and_its_lambda_given():
    model = br.Model(br.Gaussian(br.Jeffreys()), br.Laplace(1.0, relative_to_noise=True))
    study = scan(model, seed=1, draws=200)
    assert "sigma = 1" in study.attrs["lambda"]
    for k, scale in enumerate(SCALES):
        fit = br.find_map(model.rescaled(scale), DATA, target="joint")
        assert float(study["map_sigma"][k]) == pytest.approx(fit.scalars["sigma"], rel=1e-9)
        assert float(study["map_lambda"][k]) == pytest.approx(fit.scalars["sigma"] / scale)
        np.testing.assert_allclose(study["map"][k], fit.coef, atol=1e-9)
    assert float(study["mean_sigma"][1]) == pytest.approx(0.6, abs=0.25)


@FEW_DRAWS
@pytest.mark.parametrize(
    "model", [CLOSED[4], br.Model(br.Gaussian(0.7), {"x0": br.Flat(), "*": br.Laplace(1.0)})]
)
def test_flat_columns_have_no_evidence_and_it_is_said(model):
    study = scan(model, seed=1, draws=50)
    assert "log_evidence" not in study
    assert study.attrs["log_evidence"].startswith("left out")
    assert "flat" in study.attrs["log_evidence"]
    assert np.all(np.isfinite(study["mean"]))


def test_without_the_posterior_nothing_is_drawn():
    study = scan(LASSO, posterior=False)
    assert "mean" not in study
    assert "seed" not in study.attrs


@FEW_DRAWS
def test_folds_cross_validate_with_the_prior_held():
    study = scan(LASSO, folds=5, seed=1, draws=100)
    assert np.all(np.isfinite(study["cv_mode"]))
    assert np.all(np.isfinite(study["cv_posterior_error"]))
    assert float(study["cv_posterior"][1]) == pytest.approx(
        float(study["cv_mode"][1]) / -2, abs=0.3
    )


def test_a_row_that_importance_sampling_cannot_do_is_refitted():
    """One row decides a coefficient: k is large, and the refit is the truth."""
    x = np.concatenate([np.zeros(14), [40.0]])[:, None]
    rng = np.random.default_rng(0)
    y = rng.standard_normal(15)
    y[-1] = 30.0
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0), intercept=None)
    study = scan(model, br.Data(x, y), [1.0], seed=1, loo=True)
    assert int(study["loo_refitted"][0]) >= 1
    grid = np.linspace(-60, 60, 400001)
    left_out = stats.norm.pdf(30.0, 40 * grid, 1.0) * stats.laplace.pdf(grid, 0, 1)
    others = np.sum(stats.norm.logpdf(y[:-1]))
    expected = others + np.log(np.trapezoid(left_out, grid))
    assert float(study["loo"][0]) == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"scales": [0.1, -1.0]}, ModelError, "position 1"),
        ({"scales": []}, ModelError, "non-empty"),
        ({"scales": "knots"}, ModelTypeError, "scales must be"),
        ({"draws": 0}, ModelError, "draws"),
        ({"chains": 2.0}, ModelTypeError, "chains"),
        ({"seed": -1}, ModelError, "seed"),
        ({"rope": -0.1}, ModelError, "rope"),
        ({"probability": 1.0}, ModelError, "below 1"),
        ({"loo": True, "posterior": False}, ModelError, "leave-one-out"),
        ({"folds": 1}, ModelError, "folds"),
        ({"folds": "five"}, ModelError, "folds"),
        ({"progress": 1}, ModelTypeError, "progress"),
        ({"cores": 0}, ModelError, "cores"),
        ({"parameters": ["sklearn.Lassso"]}, Exception, "Lasso"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(options, error, match):
    options = {"scales": SCALES, "progress": False, **options}
    with pytest.raises(error, match=match):
        br.scan_scales(LASSO, DATA, **options)


def test_an_unknown_scale_cannot_be_scanned():
    model = br.Model(br.Gaussian(1.0), br.Laplace(br.HalfCauchy(1.0)))
    with pytest.raises(ModelError, match="scan varies it"):
        scan(model)


def test_control_c_ends_a_scan():
    """A signal in the middle of a scan of an hour."""
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        scan(LASSO, scales=np.geomspace(0.1, 1.0, 1000), draws=100_000, seed=1)


@pytest.mark.parametrize("likelihood", [br.Bernoulli(), br.Poisson()], ids=repr)
def test_other_likelihoods_are_scanned(likelihood):
    """One column by NUTS against sums on a grid: moments and evidence."""
    x = X[:, :1]
    y = (Y > 0.3).astype(float) if isinstance(likelihood, br.Bernoulli) else np.floor(np.exp(Y))
    model = br.Model(likelihood, br.Laplace(1.0), intercept=br.Normal(1.0))
    study = scan(model, br.Data(x, y), [0.5], seed=1)
    w, a = np.linspace(-6, 6, 1201), np.linspace(-4, 4, 401)
    eta = w[:, None, None] * x[:, 0] + a[None, :, None]
    if isinstance(likelihood, br.Bernoulli):
        rows = stats.bernoulli.logpmf(y, 1 / (1 + np.exp(-eta)))
    else:
        rows = stats.poisson.logpmf(y, np.exp(eta))
    joint = np.sum(rows, axis=-1) + stats.laplace.logpdf(w, 0, 0.5)[:, None] + stats.norm.logpdf(a)
    log_evidence = logsumexp(joint) + np.log(0.01 * 0.02)
    share = np.exp(joint - logsumexp(joint)).sum(axis=1)
    assert float(study["mean"][0, 0]) == pytest.approx(share @ w, abs=0.02)
    error = float(study["log_evidence_error"][0])
    assert error < 0.05
    assert float(study["log_evidence"][0]) == pytest.approx(log_evidence, abs=4 * error + 1e-3)
