"""The teacher's pictures: what they draw is what quadrature and the certified mode say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

import bayesreg as br
from bayesreg.errors import BayesregError, DataTypeError, ModelError, ModelTypeError


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def two_columns(likelihood=None, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 2)) @ [[1.0, 0.5], [0.0, 1.0]]
    eta = X @ [1.0, 0.25] + 0.5
    if isinstance(likelihood, br.Bernoulli):
        return br.Data(X, (rng.random(40) < 1 / (1 + np.exp(-eta))).astype(float))
    return br.Data(X, eta + rng.normal(size=40), names=["dose", "$age"])


# --- prior and penalty --------------------------------------------------------------------------


def test_slope_is_constant_for_l1_and_proportional_for_l2():
    panels = br.plot_prior_and_penalty(br.Laplace(0.5), br.Normal(2.0))
    (w, laplace), (_, normal) = (line.get_data() for line in panels[2].get_lines()[:2])
    away = np.abs(w) > 1e-9
    np.testing.assert_allclose(laplace[away], np.sign(w[away]) / 0.5)
    np.testing.assert_allclose(normal, w / 4.0, atol=1e-15)
    for panel, prior in zip(panels[:1], (br.Laplace(0.5),), strict=True):
        x, density = panel.get_lines()[0].get_data()
        np.testing.assert_allclose(density, np.exp(prior.log_density(x)))
    for line, prior in zip(panels[1].get_lines(), (br.Laplace(0.5), br.Normal(2.0)), strict=True):
        x, nats = line.get_data()
        expected = prior.log_density(0.0) - prior.log_density(x)
        np.testing.assert_allclose(nats, expected, atol=1e-12)


def test_bounds_leave_a_gap():
    panels = br.plot_prior_and_penalty(br.HalfNormal(1.0))
    w, nats = panels[1].get_lines()[0].get_data()
    np.testing.assert_array_equal(np.isnan(nats), w < 0)


# --- shrinkage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prior", [br.Laplace(0.7), br.Normal(1.5), br.ElasticNet(0.5, 1.0, loc=0.4)], ids=repr
)
def test_shrinkage_is_the_mode_and_the_mean(prior):
    ax = br.plot_shrinkage(prior, noise=1.3)
    mode, mean = (line.get_data() for line in ax.get_lines()[1:3])
    one = np.ones((1, 1))
    for k in range(0, mode[0].size, 57):
        z = mode[0][k]
        fit = br.find_map(br.Model(br.Gaussian(1.3), prior, None), br.Data(one, [z]))
        assert mode[1][k] == pytest.approx(fit.coef[0], abs=1e-9)

        def density(w, z=z):
            return np.exp(-0.5 * ((z - w) / 1.3) ** 2 + prior.log_density(w))

        loc = float(np.asarray(prior.loc))
        halves = [(loc - 12, loc), (loc, loc + 12)]
        mass = sum(quad(density, *half, epsabs=1e-14)[0] for half in halves)
        first = sum(quad(lambda w: w * density(w), *half, epsabs=1e-14)[0] for half in halves)
        assert mean[1][k] == pytest.approx(first / mass, abs=1e-8)


# --- geometry -----------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", [br.Laplace(0.05), br.Normal(0.2)], ids=repr)
@pytest.mark.parametrize("likelihood", [br.Gaussian(1.0), br.Bernoulli()], ids=repr)
def test_geometry_marks_the_certified_mode_and_the_mean(prior, likelihood):
    model, data = br.Model(likelihood, prior), two_columns(likelihood)
    ax = br.plot_geometry(model, data)
    points = {line.get_marker(): line.get_xydata()[0] for line in ax.get_lines()}
    np.testing.assert_array_equal(points["D"], br.find_map(model, data).coef)
    if isinstance(likelihood, br.Gaussian):
        post = br.sample(model, data, seed=1, progress=False)["posterior"]["coef"]
        error = post.std(("chain", "draw")).values / np.sqrt(4000) * 1.5
        assert np.all(np.abs(points["o"] - post.mean(("chain", "draw")).values) < 4.5 * error)
    else:
        assert np.linalg.norm(points["o"] - points["D"]) < 1.0
    ax.figure.canvas.draw()


def test_the_ball_goes_through_the_mode():
    """Its level is the penalty there, and the mode lies on the drawn contour."""
    model, data = br.Model(br.Gaussian(1.0), br.Normal(0.2)), two_columns()
    ax = br.plot_geometry(model, data)
    mode = br.find_map(model, data).coef
    ball = [c for c in ax.collections if len(c.get_paths()) == 1 and c.get_linewidths()[0] == 2.0]
    vertices = ball[0].get_paths()[0].vertices
    np.testing.assert_allclose(np.hypot(*vertices.T), np.hypot(*mode), rtol=2e-3)


# --- trajectory ---------------------------------------------------------------------------------


def test_trajectory_arrives_at_exact_zeros_and_the_mode():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    data = br.Data(X, X @ [1.0, 0.5, 0.0, 0.0] + rng.normal(size=60))
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.06))
    start = np.array([-0.5, 1.2, 0.8, -0.9])
    ax = br.plot_trajectory(model, data, steps=200, coef=start)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 201]
    proximal = np.array([line.get_ydata() for line in lines if line.get_linestyle() == "-"])
    sign = np.array([line.get_ydata() for line in lines if line.get_linestyle() == ":"])
    fit = br.find_map(model, data)
    np.testing.assert_array_equal(proximal[:, 0], start)
    np.testing.assert_allclose(proximal[:, -1], fit.coef, atol=1e-6)
    zero = fit.coef == 0
    assert zero.any()
    assert np.all(proximal[zero, -1] == 0)
    assert np.all(sign[:, -1] != 0)
    rings = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert len(rings) == zero.sum()


def test_no_penalty_with_a_kink_has_no_sign_step():
    data = two_columns()
    ax = br.plot_trajectory(br.Model(br.Gaussian(1.0), br.Normal(0.2)), data, steps=20)
    assert sum(len(line.get_xdata()) == 21 for line in ax.get_lines()) == 2


# --- lambda -------------------------------------------------------------------------------------


def posterior_of(**variables):
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})


def test_lambda_posterior_shows_its_quantiles():
    draws = np.random.default_rng(0).lognormal(size=(4, 500))
    post = posterior_of(lambda1=(("chain", "draw"), draws))
    ax = br.plot_lambda_posterior(post, probability=0.9)
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95])
    assert f"{median:.3g}" in ax.texts[0].get_text()
    assert f"[{low:.3g}, {high:.3g}]" in ax.texts[0].get_text()
    assert ax.get_lines()[0].get_xdata()[0] == pytest.approx(median)


def test_lambda_per_column_asks_which():
    draws = np.random.default_rng(0).lognormal(size=(4, 50, 2))
    post = posterior_of(
        lambda2=xr.DataArray(
            draws, dims=("chain", "draw", "feature"), coords={"feature": ["a", "b"]}
        )
    )
    with pytest.raises(ModelError, match="feature='a'"):
        br.plot_lambda_posterior(post)
    ax = br.plot_lambda_posterior(post, feature="b")
    assert "lambda2 of b" in ax.get_xlabel()


# --- all ----------------------------------------------------------------------------------------

WRONG = [
    (lambda: br.plot_prior_and_penalty(), DataTypeError, "at least one prior"),
    (lambda: br.plot_prior_and_penalty(br.Laplace), ModelTypeError, "must be a prior"),
    (lambda: br.plot_prior_and_penalty(br.Laplace(1.0), extent=-1), ModelError, "extent"),
    (lambda: br.plot_prior_and_penalty(br.Laplace(1.0), ax=[1, 2]), DataTypeError, "3 Axes"),
    (lambda: br.plot_shrinkage(), DataTypeError, "at least one prior"),
    (lambda: br.plot_shrinkage(br.HalfNormal(1.0)), ModelError, "Laplace, Normal and ElasticNet"),
    (lambda: br.plot_shrinkage(br.Laplace(1.0), noise=0), ModelError, "noise"),
    (
        lambda: br.plot_geometry(
            br.Model(br.Gaussian(1.0), br.Normal(1.0)), br.Data([[1.0]], [1.0])
        ),
        ModelError,
        "two coefficients",
    ),
    (
        lambda: br.plot_geometry(
            br.Model(br.Gaussian(1.0), br.Normal(1.0), br.Normal(1.0)), two_columns()
        ),
        ModelError,
        "flat intercept",
    ),
    (
        lambda: br.plot_trajectory(
            br.Model(br.Gaussian(1.0), br.Normal(1.0)), two_columns(), steps=0
        ),
        ModelTypeError,
        "positive integer",
    ),
    (lambda: br.plot_lambda_posterior(3), DataTypeError, "DataTree"),
    (
        lambda: br.plot_lambda_posterior(posterior_of(coef=(("chain", "draw"), np.ones((1, 2))))),
        ModelError,
        "no draws of lambda",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_arguments_name_themselves(call, error, message):
    with pytest.raises(error, match=message) as found:
        call()
    assert isinstance(found.value, BayesregError)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_has_the_colour_of_the_style(style):
    """No line or text is drawn in the colour of the paper."""
    with plt.style.context(style):
        for ax in (
            br.plot_geometry(br.Model(br.Gaussian(1.0), br.Laplace(0.05)), two_columns()),
            br.plot_shrinkage(br.Laplace(1.0)),
        ):
            paper = ax.get_facecolor()
            for artist in (*ax.get_lines(), *ax.texts):
                colour = plt.matplotlib.colors.to_rgb(artist.get_color())
                assert np.max(np.abs(np.array(colour) - paper[:3])) > 0.2


def test_given_axes_are_used():
    _, panels = plt.subplots(1, 3)
    assert list(br.plot_prior_and_penalty(br.Laplace(1.0), ax=panels)) == list(panels)
    assert br.plot_shrinkage(br.Laplace(1.0), ax=panels[0]) is panels[0]
    assert len(plt.get_fignums()) == 1
