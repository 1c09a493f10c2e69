"""Draws for K classes: the compiled density, quadrature, Bernoulli, PyMC; relabelled, hostile."""

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.sparse
from helpers import figures, make_class_data, make_design

import bayesreg as br
from bayesreg.errors import ConvergenceWarning, ImproperPosteriorError, ModelError
from bayesreg.posterior import nuts_classes
from bayesreg.posterior.nuts_start import MOST_DENSE
from bayesreg.posterior.protocol import posed

MIXED = {"x0": br.Laplace(0.5, loc=0.3), "x1": br.Flat(), "x2": br.ElasticNet(0.5, 2.0),
         "x3": br.HalfNormal(1.0), "x4": br.Uniform(-1.0, 2.0), "*": br.Normal(0.8)}  # fmt: skip
MODELS = {
    "laplace": br.Model(br.Multinomial(), br.Laplace(0.5)),
    "mixed": br.Model(br.Multinomial(), MIXED, br.Normal(2.0)),
    "no-intercept": br.Model(br.Multinomial(), br.Normal(1.0), None),
    "standardised": br.Model(br.Multinomial(classes=4), br.Laplace(0.3, loc=0.1), br.Laplace(2.0),
                             standardize=True),
    "flat": br.Model(br.Multinomial(), {"x0": br.Flat(), "x1": br.Flat(), "*": br.Normal(1.0)}),
}  # fmt: skip


def quietly(model, data, **asked):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return br.sample(model, data, **{"seed": 1, "progress": False, **asked})


def z_scores(one, other):
    """Of means and log deviations of two sets of (chain, draw) arrays, by name."""
    found = {}
    for name, draws in one.items():
        for k, (a, b) in enumerate(zip(figures(draws), figures(other[name]), strict=True)):
            found[name, k] = (a[0] - b[0]) / np.hypot(a[1], b[1])
    return found


def by_entry(post):
    """Every coefficient and intercept as a (chain, draw) array."""
    group = post["posterior"]
    parts = {name: group[name].values for name in ("coef", "intercept") if name in group}
    return {
        (name, *place): values[(slice(None), slice(None), *place)]
        for name, values in parts.items()
        for place in np.ndindex(values.shape[2:])
    }


# --- the compiled density ------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", MODELS)
def test_the_density_is_the_model_s_and_the_gradient_its_own(name, weights):
    """log_density + log Jacobians of bounds + potential is one number; differences of potential."""
    from bayesreg._kernels.posterior_density import potential, workspace

    model, data = MODELS[name], make_class_data(weights=weights)
    posterior = posed(model, data)
    found = nuts_classes.coordinates(posterior)
    t, rng = found.target, np.random.default_rng(0)
    u = rng.normal(size=(6, found.size))
    values, gradients = [], []
    for row in u:
        gradient = np.empty(found.size)
        values.append(potential(t, workspace(t), row, gradient))
        gradients.append(gradient)
    V = posterior.by_class(found.read(u)[0])
    ours = [model.log_density(data, *posterior.problem.coefficients(each)) for each in V]
    # d v / d u of e^u, and of the logistic function.
    slope = np.where(t.bound == 3, -np.abs(u) - 2.0 * np.log1p(np.exp(-np.abs(u))), u)
    jacobian = np.sum(np.where(t.bound == 0, 0.0, slope), axis=1)
    constant = np.array(values) + ours + jacobian
    np.testing.assert_allclose(constant, constant[0], rtol=0, atol=1e-10 * np.max(np.abs(values)))
    step, scratch = 1e-6, np.empty(found.size)
    for row, gradient in zip(u[:2], gradients, strict=False):
        for j in range(found.size):
            side = [row.copy(), row.copy()]
            side[0][j] -= step
            side[1][j] += step
            low, high = (potential(t, workspace(t), each, scratch) for each in side)
            assert (high - low) / (2 * step) == pytest.approx(gradient[j], rel=1e-5, abs=1e-4)


def test_the_density_with_unknown_scales():
    """That of the model at the scale, p(scale), and the Jacobian of its logarithm."""
    from bayesreg._kernels.posterior_density import potential, workspace

    data, on_scale, on_last = make_class_data(weights=True), br.HalfCauchy(0.7), br.HalfNormal(2.0)
    unknown = br.Model(br.Multinomial(), br.Laplace(on_scale, loc=0.2), br.Normal(on_last))
    posterior = posed(unknown, data)
    found = nuts_classes.coordinates(posterior)
    rng, totals = np.random.default_rng(3), []
    for _ in range(5):
        u, gradient = rng.normal(size=found.size), np.empty(found.size)
        value = potential(found.target, workspace(found.target), u, gradient)
        v, scales = found.read(u[None])
        scale, last = scales[0]
        stated = br.Model(br.Multinomial(), br.Laplace(scale, loc=0.2), br.Normal(last))
        V = posterior.by_class(v[0])
        at_scales = stated.log_density(data, *posterior.problem.coefficients(V))
        priors = on_scale.log_density(scale) + on_last.log_density(last)
        totals.append(value + at_scales + priors + np.log(scale * last))
        for j in (0, found.size - 2, found.size - 1):
            side = [u.copy(), u.copy()]
            side[0][j] -= 1e-6
            side[1][j] += 1e-6
            scratch = np.empty(found.size)
            low, high = (
                potential(found.target, workspace(found.target), each, scratch) for each in side
            )
            assert (high - low) / 2e-6 == pytest.approx(gradient[j], rel=1e-5, abs=1e-4)
    np.testing.assert_allclose(totals, totals[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_the_curvature_is_the_gradient_s_derivative(name):
    """In entries without bounds or kinks, where the metric's Hessian is that of the potential."""
    from bayesreg._kernels.posterior_density import potential, workspace
    from bayesreg.posterior.nuts_start import _curvature, _prior_curvature

    data = make_class_data(weights=True)
    found = nuts_classes.coordinates(posed(MODELS[name], data))
    t, u = found.target, np.random.default_rng(1).normal(size=found.size)
    chosen = np.flatnonzero(t.bound == 0)
    H = _curvature(found, u) - np.diag(_prior_curvature(found, u)) + np.diag(t.l2)
    columns = []
    for j in chosen:
        gradients = []
        for side in (-1e-6, 1e-6):
            moved, gradient = u.copy(), np.empty(found.size)
            moved[j] += side
            potential(t, workspace(t), moved, gradient)
            gradients.append(gradient[chosen])
        columns.append((gradients[1] - gradients[0]) / 2e-6)
    np.testing.assert_allclose(np.array(columns), H[np.ix_(chosen, chosen)], rtol=1e-5, atol=1e-4)


def test_all_classes_may_share_a_huge_loc():
    """loc = 1e8 cancels in the softmax and must not drown the differences."""
    data = make_class_data(p=2)
    near, far = (
        by_entry(quietly(br.Model(br.Multinomial(), br.Normal(1.0, loc=loc)), data, draws=500))
        for loc in (0.0, 1e8)
    )
    moved = {name: x - (1e8 if name[0] == "coef" else 0.0) for name, x in far.items()}
    z = z_scores(near, moved)
    assert max(abs(value) for value in z.values()) < 4.5, z


# --- against other ways to the same posterior ----------------------------------------------------


def three_dimensional(log_density, low, high, count=121):
    """A grid over three numbers and the normalised density there."""
    axes = [np.linspace(a, b, count) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    log_p = log_density(grid)
    p = np.exp(log_p - np.max(log_p)).reshape(count, count, count)
    edges = [np.take(p, k, axis=axis).sum() for axis in range(3) for k in (0, -1)]
    p /= p.sum()
    return grid, p.ravel(), edges


def softmax_likelihood(eta, y):
    """Sum of log p(y_i) of eta (points, n, K), written out."""
    picked = np.take_along_axis(eta, y[None, :, None].astype(int), axis=2)[..., 0]
    return np.sum(picked - np.log(np.sum(np.exp(eta), axis=2)), axis=1)


def test_three_classes_against_quadrature():
    """One column, no intercept, Laplace: all three coefficients move, with a weighted row."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=7)
    y = np.array([0.0, 1.0, 2.0, 1.0, 1.0, 0.0, 2.0])
    model = br.Model(br.Multinomial(), br.Laplace(0.6, loc=0.2), None)

    def log_density(w):
        eta = x[None, :, None] * w[:, None, :]
        twice = softmax_likelihood(eta[:, :1], y[:1])
        on_w = -np.sum(np.abs(w - 0.2), axis=1) / 0.6
        return softmax_likelihood(eta, y) + twice + on_w

    grid, p, _ = three_dimensional(log_density, [-5.5] * 3, [6.0] * 3, 161)
    weights = np.ones(7)
    weights[0] = 2.0
    post = quietly(model, br.Data(x[:, None], y, weights=weights), draws=2500)
    w = post["posterior"]["coef"].values[..., 0]
    for k in range(3):
        (mean, of_mean), (log_sd, of_sd) = figures(w[:, :, k])
        expected = p @ grid[:, k]
        spread = 0.5 * np.log(p @ (grid[:, k] - expected) ** 2)
        assert abs(mean - expected) < 4.5 * of_mean + 1e-3
        assert abs(log_sd - spread) < 4.5 * of_sd + 1e-3
        above, error = figures((w[:, :, k] > 0) * 1.0)[0]
        assert abs(above - p @ (grid[:, k] > 0)) < 4.5 * error + 1e-2


def test_flat_columns_and_intercepts_against_quadrature():
    """K = 3, a flat intercept and nothing else that moves but one flat column: a 4-d posterior of
    differences, of which the column alone is integrated where the intercept is absent."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=30)
    y = br.Multinomial(3).draw(x[:, None] * [0.5, -0.2, 0.0], rng)
    model = br.Model(br.Multinomial(), br.Flat(), None)
    side = np.linspace(-4.0, 4.0, 801)
    w0, w1 = (part.ravel() for part in np.meshgrid(side, side, indexing="ij"))
    log_p = np.zeros(w0.size)
    for xi, yi in zip(x, y.astype(int), strict=True):
        eta = np.stack([xi * w0, xi * w1, np.zeros_like(w0)])
        log_p += eta[yi] - np.log(np.sum(np.exp(eta), axis=0))
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    centred = np.stack([w0, w1, np.zeros_like(w0)]) - (w0 + w1) / 3.0
    w = quietly(model, br.Data(x[:, None], y), draws=2000)["posterior"]["coef"].values[..., 0]
    np.testing.assert_allclose(w.sum(axis=2), 0.0, atol=1e-12)
    for k in range(3):
        (mean, of_mean), (log_sd, of_sd) = figures(w[:, :, k])
        expected = p @ centred[k]
        assert abs(mean - expected) < 4.5 * of_mean
        assert abs(log_sd - 0.5 * np.log(p @ (centred[k] - expected) ** 2)) < 4.5 * of_sd


@pytest.mark.parametrize("intercept", [br.Flat(), br.Normal(1.5)], ids=["flat", "proper"])
def test_two_classes_are_bernoulli(intercept):
    """Normal(tau) on both vectors is Normal(tau sqrt 2) on their difference."""
    rng = np.random.default_rng(2)
    X = make_design(40, 3)
    y = (rng.random(40) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    weights = rng.uniform(0.3, 2.0, 40)
    data = br.Data(X, y, weights=weights)
    wider = intercept if intercept == br.Flat() else br.Normal(1.5 * np.sqrt(2.0))
    two = quietly(br.Model(br.Multinomial(), br.Normal(0.7), intercept), data, draws=2000)
    one = quietly(br.Model(br.Bernoulli(), br.Normal(0.7 * np.sqrt(2.0)), wider), data, draws=2000)
    difference = {
        name: two["posterior"][name].values[:, :, 1] - two["posterior"][name].values[:, :, 0]
        for name in ("coef", "intercept")
    }
    pairs = {("coef", j): difference["coef"][..., j] for j in range(3)}
    theirs = {("coef", j): one["posterior"]["coef"].values[..., j] for j in range(3)}
    pairs["intercept"], theirs["intercept"] = difference["intercept"], one["posterior"]["intercept"]
    theirs["intercept"] = theirs["intercept"].values
    z = z_scores(pairs, theirs)
    assert len(z) == 8
    assert max(abs(value) for value in z.values()) < 4.0, z


def test_two_classes_with_an_unknown_scale_are_bernoulli():
    """Its posterior too: sqrt 2 times the scale, under a prior as much wider."""
    data = make_class_data(classes=2, n=40, p=3)
    two = quietly(br.Model(br.Multinomial(), br.Normal(br.HalfNormal(1.0))), data, draws=3000)
    wider = br.Model(br.Bernoulli(), br.Normal(br.HalfNormal(np.sqrt(2.0))))
    one = quietly(wider, data, draws=3000)
    theirs = {("coef", j): one["posterior"]["coef"].values[..., j] for j in range(3)}
    theirs["scale"] = one["posterior"]["scale"].values
    coef = two["posterior"]["coef"].values
    ours = {("coef", j): coef[:, :, 1, j] - coef[:, :, 0, j] for j in range(3)}
    ours["scale"] = np.sqrt(2.0) * two["posterior"]["scale"].values
    z = z_scores(ours, theirs)
    assert len(z) == 8
    assert max(abs(value) for value in z.values()) < 4.0, z
    np.testing.assert_allclose(two["posterior"]["lambda2"], two["posterior"]["scale"] ** -2.0)


def test_against_pymc():
    """The other sampler shares no density with this one: a flat column, kinks, weights."""
    data = make_class_data(p=3, n=40, weights=True)
    model = br.Model(br.Multinomial(), {"x0": br.Flat(), "*": br.Laplace(0.5)})
    ours = quietly(model, data, draws=1500)
    theirs = quietly(model, data, draws=600, chains=2, tune=600, sampler="pymc")
    assert ours.attrs["sampler"] == "nuts"
    assert theirs.attrs["sampler"] == "pymc"
    assert "PyMC" in theirs.attrs["drawn_by"]
    z = z_scores(by_entry(ours), by_entry(theirs))
    assert len(z) == 24
    assert max(abs(value) for value in z.values()) < 4.5, z


def test_the_names_of_classes_do_not_matter():
    """Relabelled classes have relabelled posteriors, although the last class is held within."""
    data = make_class_data(p=3, n=50)
    order = np.array([2, 0, 1])
    model = br.Model(br.Multinomial(), {"x0": br.Flat(), "*": br.Laplace(0.5)})
    one = quietly(model, data, draws=1500)["posterior"]
    other = quietly(model, br.Data(data.X, order[data.y.astype(int)]), draws=1500, seed=2)
    for name in ("coef", "intercept"):
        ours, theirs = one[name].values, other["posterior"][name].values[:, :, order]
        for place in np.ndindex(ours.shape[2:]):
            at = (slice(None), slice(None), *place)
            z = z_scores({"": ours[at]}, {"": theirs[at]})
            assert max(abs(value) for value in z.values()) < 4.5, (name, place, z)


def test_iris():
    """Converges; hardly a transition of 16000 diverges; rows are told apart as in the data."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    data = br.Data(X, y, names=["sepal_length", "sepal_width", "petal_length", "petal_width"])
    model = br.Model(br.Multinomial(), br.Laplace(1.0))
    # Of 15 parameters one in some seeds has an R-hat just above 1.01 with 1000 draws.
    post = quietly(model, data, draws=4000)
    assert post.attrs["sampler"] == "nuts"
    assert "no-U-turn" in post.attrs["sampler_reason"]
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] < 5
    assert post["posterior"]["coef"].dims == ("chain", "draw", "class", "feature")
    assert post["posterior"]["coef"].sizes["class"] == 3
    chance = br.predict(post, X, seed=1)["posterior_predictive"]["mu"].mean(("chain", "draw"))
    assert np.mean(chance.values.argmax(axis=1) == y) > 0.95


# --- hostile -------------------------------------------------------------------------------------


def test_separated_classes_with_a_proper_prior():
    x = np.repeat([-1.0, 0.0, 1.0], 5)
    data = br.Data(np.column_stack([x, x**2]), np.repeat([0.0, 1.0, 2.0], 5))
    model = br.Model(br.Multinomial(), br.Normal(3.0))
    post = quietly(model, data, draws=2000)
    assert post.attrs["rhat_max"] < 1.01
    assert post.attrs["divergences"] < 5
    with pytest.raises(ImproperPosteriorError, match="separate the classes"):
        br.sample(br.Model(br.Multinomial(), br.Flat()), data)
    overlapping = br.Data(np.column_stack([x, x**2]), np.tile([0.0, 1.0, 2.0], 5))
    assert quietly(br.Model(br.Multinomial(), br.Flat()), overlapping, draws=200)


def test_improper_posteriors_are_refused_with_the_reason():
    X = make_design(20, 3)
    y = np.tile([0.0, 1.0, 2.0, 1.0], 5)
    with pytest.raises(ImproperPosteriorError, match=r"no row of y is of class 3"):
        br.sample(br.Model(br.Multinomial(classes=4), br.Normal(1.0)), br.Data(X, y))
    twice = br.Data(np.column_stack([X[:, 0], X[:, 0]]), y)
    with pytest.raises(ImproperPosteriorError, match=r"combination of the other flat columns"):
        br.sample(br.Model(br.Multinomial(), br.Flat()), twice)
    half = {"x0": br.Truncated(br.Flat(), lower=0.0), "*": br.Normal(1.0)}
    with pytest.raises(ImproperPosteriorError, match=r"'x0'.*one side.*together"):
        br.sample(br.Model(br.Multinomial(), half), br.Data(X, y))


@pytest.mark.parametrize("density", [br.Flat(), br.Jeffreys()], ids=str)
def test_an_improper_density_of_a_scale_is_refused(density):
    model = br.Model(br.Multinomial(), br.Laplace(density))
    with pytest.raises(ImproperPosteriorError, match=r"p\(scale\).*does not integrate"):
        br.sample(model, make_class_data())


def test_a_class_without_rows_follows_its_prior():
    """Under proper priors: rows of class 0 push a_0 up, w has its prior."""
    data = br.Data(np.zeros((3, 1)), np.zeros(3))
    model = br.Model(br.Multinomial(classes=3), br.Laplace(0.7), br.Normal(1.0))
    post = quietly(model, data, draws=2000)["posterior"]
    w, a = post["coef"].values[..., 0], post["intercept"].values
    for k in range(3):
        (mean, of_mean), (log_sd, of_sd) = figures(w[:, :, k])
        assert abs(mean) < 4.5 * of_mean
        assert abs(log_sd - np.log(0.7 * np.sqrt(2.0))) < 4.5 * of_sd
    assert np.mean(a[..., 0] - a[..., 1]) > 0.3
    with pytest.raises(br.errors.DataError, match="one class only"):
        br.sample(br.Model(br.Multinomial(), br.Laplace(0.7)), data)


def test_one_row_and_pinned_and_wild_columns():
    one = br.Data([[1.0, 2.0]], [2.0])
    model = br.Model(br.Multinomial(), br.Normal(1.0), br.Normal(1.0))
    assert quietly(model, one, draws=100)["posterior"]["coef"].shape == (4, 100, 3, 2)
    data = make_class_data(p=3)
    X = data.X.copy()
    X[:, 1] = 4.0
    pinned = quietly(
        br.Model(br.Multinomial(), br.Laplace(0.5, loc=0.1), standardize=True),
        br.Data(X, data.y),
        draws=300,
    )
    assert np.all(pinned["posterior"]["coef"].values[..., 1] == 0.1)
    assert np.all(np.isnan(pinned["diagnostics"]["coef"].values[..., 1]))
    assert np.isfinite(pinned.attrs["rhat_max"])
    wild = br.Data(make_class_data(p=2).X * [1e-6, 1e6] + [1e-3, 1e9], data.y)
    scales = {"x0": br.Laplace(1e6), "x1": br.Laplace(1e-6)}
    post = quietly(br.Model(br.Multinomial(), scales), wild, draws=500)
    assert post.attrs["rhat_max"] < 1.03
    assert post.attrs["divergences"] == 0


@pytest.mark.parametrize("likelihood", [br.Multinomial(), br.Bernoulli()], ids=str)
def test_more_columns_than_rows_and_a_diagonal_metric(likelihood, monkeypatch):
    """p > n; and the same posterior in a diagonal metric, as for more than MOST_DENSE entries."""
    assert MOST_DENSE == 1500
    data = make_class_data(n=12, p=20)
    if likelihood == br.Bernoulli():
        data = br.Data(data.X, (data.y > 0) * 1.0)
    model = br.Model(likelihood, br.Laplace(0.2))
    dense = quietly(model, data, draws=1000)
    assert dense.attrs["divergences"] == 0
    monkeypatch.setattr("bayesreg.posterior.nuts_start.MOST_DENSE", 10)
    diagonal = quietly(model, data, draws=1000, seed=2)
    z = z_scores(by_entry(dense), by_entry(diagonal))
    assert max(abs(value) for value in z.values()) < 5.0, z


@pytest.mark.parametrize("sampler", ["exact", "gibbs", "coordinate", "polya-gamma"])
def test_samplers_of_one_vector_say_so(sampler):
    with pytest.raises(ModelError, match=r"one for each class.*'nuts', 'pymc'"):
        br.sample(MODELS["laplace"], make_class_data(), sampler=sampler)


def test_what_cannot_be_sampled_is_refused():
    data = make_class_data()
    with pytest.raises(ModelError, match="to_pymc cannot express bounds"):
        br.sample(MODELS["mixed"], data, sampler="pymc")
    unknown = br.Model(br.Multinomial(), br.Laplace(br.HalfCauchy(1.0)))
    with pytest.raises(ModelError, match="to_pymc cannot express unknown prior scales"):
        br.sample(unknown, data, sampler="pymc")
    with pytest.raises(ModelError, match="log-concave priors only"):
        br.sample(br.Model(br.Multinomial(), br.Horseshoe(1.0)), data)
    with pytest.raises(ModelError, match="cancels in the softmax"):
        br.sample(MODELS["laplace"], br.Data(data.X, data.y, offset=np.ones(data.n)))
    constant = br.Data(np.ones((4, 1)), [0.0, 1.0, 2.0, 1.0])
    nothing = dataclasses.replace(MODELS["laplace"], intercept=None, standardize=True)
    with pytest.raises(ModelError, match="nothing is left to sample"):
        br.sample(nothing, constant)


def test_sparse_columns_have_the_same_bits():
    data = make_class_data(weights=True)
    sparse = br.Data(scipy.sparse.csc_array(data.X), data.y, weights=data.weights)
    dense, packed = (quietly(MODELS["flat"], each, draws=60) for each in (data, sparse))
    for name in ("coef", "intercept"):
        np.testing.assert_array_equal(dense["posterior"][name], packed["posterior"][name])
