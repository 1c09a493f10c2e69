"""Modes of posteriors that are not log-concave: stationary, no saddles, the best on a grid."""

import json
import warnings

import numpy as np
import pytest
from helpers import LIKELIHOODS, LOCAL_LIKELIHOODS, LOCAL_PRIORS, P, make_data, make_design
from scipy import optimize, sparse, stats

import bayesreg as br
from bayesreg.errors import (
    DataError,
    LocalModesWarning,
    ModelError,
    NoModeError,
    NotCertifiedError,
    NotUniqueWarning,
)
from bayesreg.likelihoods import likelihood_of_rows
from bayesreg.problem import bind
from bayesreg.proof.stationarity import kkt_residual, least_curvature
from bayesreg.solvers.local_descent import descend, ways_off_a_saddle

CONVEX_PRIORS = [
    pytest.param(br.Laplace(0.3, loc=0.1), id="laplace"),
    pytest.param(br.ElasticNet(0.3, 0.6), id="elastic-net"),
    pytest.param(br.Normal(0.5), id="normal"),
    pytest.param(br.Flat(), id="flat"),
    pytest.param(br.Exponential(0.3), id="exponential"),
    pytest.param(br.Truncated(br.Laplace(0.3), lower=-0.1, upper=0.2), id="truncated-laplace"),
]


def _combinations():
    for likelihood in LOCAL_LIKELIHOODS:
        for prior in [*CONVEX_PRIORS, *LOCAL_PRIORS]:
            yield likelihood, prior
    for likelihood in LIKELIHOODS:
        for prior in LOCAL_PRIORS:
            yield likelihood, prior


COMBINATIONS = [
    pytest.param(likelihood.values[0], prior.values[0], id=f"{likelihood.id}-{prior.id}")
    for likelihood, prior in _combinations()
    if isinstance(likelihood.values[0], br.Gaussian)
    or not getattr(prior.values[0], "relative_to_noise", False)
]


def find(model, data, **options):
    """The mode, whether or not there are others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LocalModesWarning)
        return br.find_map(model, data, **options)


def one_sided_slopes(model, data, coef, intercept):
    """Derivatives of minus the log density upwards and downwards, written out here."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    eta = model.linear_predictor(data, coef, intercept)
    by_row = weights * likelihood_of_rows(model.likelihood, data.trials).gradient(data.y, eta)
    penalty = model.coefficient_penalty(data)
    low, high = penalty.subdifferential(coef)
    pull = data.X.T @ by_row
    terms = np.abs(data.X).T @ np.abs(by_row) + np.abs(penalty.slope(coef)) + penalty.l1
    return pull + low, pull + high, terms, by_row


# ---- first and second order, for every part ----------------------------------------------------


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_mode_is_stationary_and_no_saddle(likelihood, prior, standardize):
    model = br.Model(likelihood, prior, standardize=standardize)
    data = make_data(likelihood, weights=True, offset=True)
    fit = find(model, data)
    below, above, terms, by_row = one_sided_slopes(model, data, fit.coef, fit.intercept)
    assert np.all(below <= 1e-11 * terms)
    assert np.all(above >= -1e-11 * terms)
    assert abs(np.sum(by_row)) <= 1e-11 * np.sum(np.abs(by_row))
    certificate = fit.certificate
    assert certificate.local
    assert certificate.holds
    assert np.isnan(certificate.gap)
    assert certificate.least_curvature > 0
    assert certificate == pytest.approx(certificate)
    assert fit.log_density == pytest.approx(
        model.log_density(data, fit.coef, fit.intercept), rel=1e-12
    )
    assert fit.modes[0].log_density == fit.log_density
    np.testing.assert_array_equal(fit.modes[0].coef, fit.coef)


@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_no_point_nearby_is_better(likelihood, prior):
    """Function values alone, about every mode that is listed."""
    model, data = br.Model(likelihood, prior), make_data(likelihood)
    fit, penalty = find(model, data), model.coefficient_penalty(data)
    rng = np.random.default_rng(4)
    for mode in fit.modes:
        for size in (1e-5, 1e-4, 1e-3):
            for _ in range(20):
                step = size * rng.normal(size=P) / np.ptp(data.X, axis=0)
                coef = np.clip(mode.coef + step, penalty.lower, penalty.upper)
                near = model.log_density(data, coef, mode.intercept + size * rng.normal())
                assert near <= mode.log_density + 1e-12 * abs(mode.log_density)


@pytest.mark.parametrize("intercept", [br.Cauchy(0.5), br.StudentT(3, 0.5, loc=1.0), None], ids=str)
def test_intercept_prior_is_a_column_of_ones(intercept):
    likelihood = br.StudentT(4.0, sigma=1.5)
    data = make_data(likelihood, offset=True)
    fit = find(br.Model(likelihood, br.Laplace(0.3), intercept), data)
    parts = {"x*": br.Laplace(0.3), "one": br.Normal(1e-9) if intercept is None else intercept}
    with_ones = br.Data(
        np.column_stack([data.X, np.ones(data.n)]), data.y, offset=data.offset,
        names=[*data.names, "one"],
    )  # fmt: skip
    twin = find(br.Model(likelihood, parts, None), with_ones)
    np.testing.assert_allclose(twin.coef[:-1], fit.coef, rtol=1e-8, atol=1e-9)
    assert fit.intercept == pytest.approx(twin.coef[-1] if intercept else 0.0, rel=1e-8)


def test_against_a_general_optimiser():
    """The smooth case, from the same basin, by scipy."""
    data = make_data(br.Gaussian(1.5), weights=True)
    model = br.Model(br.StudentT(3.0, sigma=1.0), br.StudentT(2.0, 0.4), br.Cauchy(1.0))
    fit = find(model, data)

    def objective(v):
        eta = data.X @ v[:-1] + v[-1]
        value = -data.weights @ stats.t.logpdf(data.y, 3.0, eta, 1.0)
        value -= np.sum(stats.t.logpdf(v[:-1], 2.0, 0.0, 0.4))
        return value - stats.cauchy.logpdf(v[-1], 0.0, 1.0)

    found = optimize.minimize(objective, np.append(fit.coef, fit.intercept) + 0.01, tol=1e-12)
    np.testing.assert_allclose(np.append(fit.coef, fit.intercept), found.x, atol=2e-5)
    assert -fit.log_density <= found.fun + 1e-10


# ---- several modes: none on a grid is missed ---------------------------------------------------


def modes_on_a_grid(density, axes):
    """Interior points of a grid that no neighbour reaches."""
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = np.apply_along_axis(density, -1, mesh)
    core = tuple(slice(1, -1) for _ in axes)
    best = np.ones(values[core].shape, dtype=bool)
    for shift in np.ndindex(*(3,) * len(axes)):
        if any(s != 1 for s in shift):
            window = tuple(
                slice(s, size + s - 2) for s, size in zip(shift, values.shape, strict=True)
            )
            best &= values[core] > values[window]
    return mesh[core][best]


def assert_same_modes(fit, grid_modes, pitch):
    found = np.array([[*mode.coef, mode.intercept][: grid_modes.shape[1]] for mode in fit.modes])
    assert len(found) == len(grid_modes)
    for point in grid_modes:
        assert np.min(np.max(np.abs(found - point) / pitch, axis=1)) <= 1.5
    heights = [mode.log_density for mode in fit.modes]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize("shares", [(20, 12), (12, 20), (16, 15)])
@pytest.mark.parametrize("gap", [6.0, 12.0, 1000.0])
def test_two_clusters_have_two_modes(gap, shares):
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.normal(0, 0.5, shares[0]), rng.normal(gap, 0.5, shares[1])])
    data = br.Data(rng.normal(size=(y.size, 1)), y)
    model = br.Model(br.StudentT(3.0, sigma=0.5), br.Normal(1e-3))
    with pytest.warns(LocalModesWarning, match=r"several local modes: 2 were found"):
        fit = br.find_map(model, data)
    centres = [mode.intercept for mode in fit.modes]
    expected = [0.0, gap] if shares[0] > shares[1] else [gap, 0.0]
    np.testing.assert_allclose(centres, expected, atol=1.0)


def test_two_lines_through_one_cloud():
    """Slope and intercept, against every local maximum of the density on a grid."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 40)
    y = np.where(np.arange(40) < 24, 1.0 + 2.0 * x, -1.0 - 2.0 * x) + 0.1 * rng.normal(size=40)
    data = br.Data(x[:, None], y)
    model = br.Model(br.StudentT(2.0, sigma=0.1), br.Normal(5.0))

    def density(v):
        residual = y - v[0] * x - v[1]
        return np.sum(stats.t.logpdf(residual, 2.0, 0.0, 0.1)) + stats.norm.logpdf(v[0], 0, 5.0)

    axes = (np.linspace(-3, 3, 121), np.linspace(-2, 2, 81))
    on_grid = modes_on_a_grid(density, axes)
    with pytest.warns(LocalModesWarning):
        fit = br.find_map(model, data)
    best = on_grid[np.argmax([density(point) for point in on_grid])]
    np.testing.assert_allclose([*fit.coef, fit.intercept], best, atol=0.1)
    np.testing.assert_allclose([*fit.coef, fit.intercept], [2.0, 1.0], atol=0.1)
    lines = [[*mode.coef, mode.intercept] for mode in fit.modes]
    assert np.min(np.max(np.abs(np.array(lines) - [-2.0, -1.0]), axis=1)) < 0.2


def test_cauchy_prior_against_strong_data_has_two_modes_in_one_dimension():
    """Prior and data disagree: a mode near each, and where is found from a grid."""
    for observed, scale in ((6.0, 0.1), (5.2, 0.1), (8.0, 0.02)):
        data = br.Data(np.ones((1, 1)), [observed])
        model = br.Model(br.Gaussian(1.0), br.Cauchy(scale), None)

        def density(v, observed=observed, scale=scale):
            return stats.norm.logpdf(observed, v[0], 1.0) + stats.cauchy.logpdf(v[0], 0.0, scale)

        axis = np.linspace(-1, 10, 20_001)
        on_grid = modes_on_a_grid(density, (axis,))
        assert len(on_grid) == 2
        with pytest.warns(LocalModesWarning, match="2 were found"):
            fit = br.find_map(model, data)
        assert_same_modes(fit, on_grid, np.array([axis[1] - axis[0]]))
        best = on_grid[np.argmax([density(point) for point in on_grid])]
        assert fit.coef[0] == pytest.approx(best[0], abs=1e-3)


def test_every_choice_of_two_coefficients_is_found():
    """Two orthogonal columns, each with two modes: four in all, by a grid in two dimensions."""
    X = np.eye(2)
    y = np.array([6.0, -5.5])
    data, model = br.Data(X, y), br.Model(br.Gaussian(1.0), br.Cauchy(0.1), None)

    def density(v):
        return np.sum(stats.norm.logpdf(y, v, 1.0) + stats.cauchy.logpdf(v, 0.0, 0.1))

    axes = (np.linspace(-1, 8, 361), np.linspace(-8, 1, 361))
    on_grid = modes_on_a_grid(density, axes)
    assert len(on_grid) == 4
    assert_same_modes(find(model, data), on_grid, np.array([0.025, 0.025]))


@pytest.mark.parametrize("seed", range(12))
def test_global_mode_of_random_small_problems(seed):
    """One column and an intercept, heavy tails in all places: the best on a grid is the one."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=8), rng.normal(size=8) + 4.0 * (rng.random(8) < 0.4)
    data = br.Data(x[:, None], y)
    model = br.Model(br.StudentT(1.5, sigma=0.3), br.Cauchy(0.2), br.StudentT(2.0, 2.0))

    def density(v):
        residual = y - v[0] * x - v[1]
        prior = stats.cauchy.logpdf(v[0], 0.0, 0.2) + stats.t.logpdf(v[1], 2.0, 0.0, 2.0)
        return np.sum(stats.t.logpdf(residual, 1.5, 0.0, 0.3)) + prior

    axes = (np.linspace(-6, 6, 161), np.linspace(-4, 7, 161))
    on_grid = modes_on_a_grid(density, axes)
    heights = [density(point) for point in on_grid]
    polished = optimize.minimize(lambda v: -density(v), on_grid[np.argmax(heights)], tol=1e-12)
    fit = find(model, data)
    assert fit.log_density >= -polished.fun - 1e-9
    for mode in fit.modes:
        v = np.array([mode.coef[0], mode.intercept])
        again = optimize.minimize(lambda v: -density(v), v, tol=1e-12)
        assert np.max(np.abs(again.x - v)) < 1e-4


def test_a_tie_is_told():
    data = br.Data(np.array([[-1.0], [1.0]]), np.array([-5.0, 5.0]))
    model = br.Model(br.StudentT(1.0, sigma=0.2), br.Normal(1e-3))
    with pytest.warns(LocalModesWarning), pytest.warns(NotUniqueWarning, match="equal height"):
        fit = br.find_map(model, data)
    assert not fit.unique
    assert [round(mode.intercept) for mode in fit.modes] in ([5, -5], [-5, 5])
    assert fit.modes[0].log_density == pytest.approx(fit.modes[1].log_density, rel=1e-12)


def test_a_saddle_is_not_a_mode():
    """Halfway between two clusters the gradient vanishes; both sides lead down to a mode."""
    data = br.Data(np.zeros((2, 1)), np.array([-5.0, 5.0]))
    model = br.Model(br.StudentT(1.0, sigma=0.2), br.Normal(1.0))
    assert kkt_residual(bind(model, data), np.zeros(2)) == 0
    assert least_curvature(bind(model, data), np.zeros(2)) < -0.5
    certificate = br.certify(model, data, np.zeros(1), 0.0)
    assert not certificate.holds
    assert "saddle" in str(certificate)
    problem = bind(model, data)
    point = descend(problem, np.zeros(2))
    assert point.settled
    sides = [descend(problem, v).v[1] for v in ways_off_a_saddle(problem, point)]
    np.testing.assert_allclose(sorted(sides), [-5.0, 5.0], atol=0.1)
    assert ways_off_a_saddle(problem, descend(problem, np.array([0.0, 4.0]))) == []


# ---- limits, zeros, outliers -------------------------------------------------------------------


@pytest.mark.parametrize("prior", [br.Laplace(0.1), br.Normal(0.5), br.Flat()], ids=str)
def test_many_degrees_of_freedom_are_gaussian(prior):
    data = make_data(br.Gaussian(1.5))  # unit weights: Gaussian weights mean something else
    fit = br.find_map(br.Model(br.StudentT(1e12, sigma=1.5), prior), data)
    gaussian = br.find_map(br.Model(br.Gaussian(1.5), prior), data)
    np.testing.assert_allclose(fit.coef, gaussian.coef, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(fit.coef == 0, gaussian.coef == 0)
    assert fit.log_density == pytest.approx(gaussian.log_density, rel=1e-9)


def test_a_student_t_prior_of_many_degrees_is_normal():
    data = make_data(br.Poisson())
    fit = br.find_map(br.Model(br.Poisson(), br.StudentT(1e12, 0.3, loc=0.1)), data)
    normal = br.find_map(br.Model(br.Poisson(), br.Normal(0.3, loc=0.1)), data)
    np.testing.assert_allclose(fit.coef, normal.coef, rtol=1e-9)
    assert fit.log_density == pytest.approx(normal.log_density, rel=1e-9)


def test_zeros_are_exact_under_student_t_noise():
    """At loc exactly where the slope of the loss is within 1 / b, and nowhere else."""
    likelihood = br.StudentT(4.0, sigma=1.5)
    data = make_data(likelihood)
    for scale in (0.01, 0.05, 0.2):
        for loc in (0.0, 0.25):
            model = br.Model(likelihood, br.Laplace(scale, loc=loc))
            fit = find(model, data)
            at_loc = fit.coef.copy()
            eta = model.linear_predictor(data, at_loc, fit.intercept)
            pull = np.abs(data.X.T @ likelihood.gradient(data.y, eta))
            np.testing.assert_array_equal(fit.coef == loc, pull < 1 / scale * (1 - 1e-9))
            np.testing.assert_array_equal(fit.at_loc, fit.coef == loc)
    assert find(br.Model(likelihood, br.Laplace(0.01)), data).n_zeros > 0


@pytest.mark.parametrize("size", [1e3, 1e6, 1e12, 1e100])
def test_outliers_do_not_break(size):
    """A far row pulls by (nu + 1) / r: at any distance it is as if it were not there."""
    likelihood = br.StudentT(4.0, sigma=1.5)
    data = make_data(likelihood, n=120)
    clean = find(br.Model(likelihood, br.Laplace(0.1)), data)
    y = data.y.copy()
    y[:10] = size * np.resize([1.0, -1.0, 3.0], 10)
    dirty = find(br.Model(likelihood, br.Laplace(0.1)), br.Data(data.X, y))
    without = find(br.Model(likelihood, br.Laplace(0.1)), br.Data(data.X[10:], y[10:]))
    assert dirty.certificate.holds
    np.testing.assert_allclose(dirty.coef, without.coef, atol=0.2 if size == 1e3 else 1e-3)
    if size >= 1e12:
        np.testing.assert_allclose(dirty.coef, without.coef, atol=1e-8)
    assert np.max(np.abs(dirty.coef - clean.coef)) < 0.5


def test_weights_multiply_the_loss():
    """A weight of 2 is the row twice, a weight of 0 the row left out."""
    likelihood = br.StudentT(3.0, sigma=1.0)
    data = make_data(likelihood)
    s = np.resize([1.0, 2.0, 0.0], 60)
    rows = np.repeat(np.arange(60), s.astype(int))
    model = br.Model(likelihood, br.Cauchy(0.3))
    weighted = find(model, br.Data(data.X, data.y, weights=s))
    repeated = find(model, br.Data(data.X[rows], data.y[rows]))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-9)
    assert weighted.log_density == pytest.approx(repeated.log_density, rel=1e-12)


@pytest.mark.parametrize("kind", ["csc", "csr", "coo"])
@pytest.mark.parametrize(
    "model",
    [
        br.Model(br.StudentT(4.0, sigma=1.5), br.Laplace(0.2)),
        br.Model(br.Gaussian(1.5), br.Cauchy(0.3), standardize=True),
    ],
    ids=str,
)
def test_sparse_columns(model, kind):
    dense = make_data(br.Gaussian(1.5), weights=True)
    X = np.where(np.abs(dense.X) > np.median(np.abs(dense.X), axis=0), dense.X, 0.0)
    fits = [
        find(model, br.Data(form, dense.y, weights=dense.weights))
        for form in (X, getattr(sparse, f"{kind}_array")(X))
    ]
    np.testing.assert_allclose(fits[0].coef, fits[1].coef, rtol=1e-9, atol=1e-13)
    assert len(fits[0].modes) == len(fits[1].modes)


@pytest.mark.parametrize(
    "model",
    [
        br.Model(br.StudentT(4.0, sigma=1.0), br.Laplace(0.1)),
        br.Model(br.Gaussian(1.0), br.Cauchy(0.1)),
        br.Model(br.StudentT(4.0, sigma=1.0), br.StudentT(3.0, 0.1)),
        br.Model(br.Bernoulli(), br.Cauchy(0.2)),
    ],
    ids=str,
)
def test_more_columns_than_rows(model):
    X = make_design(n=25, p=60)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = model.likelihood.draw(2 * X[:, 0] - X[:, 1], np.random.default_rng(1))
    fit = find(model, br.Data(X, y))
    assert fit.certificate.holds
    assert fit.certificate.kkt_residual < 1e-12
    assert fit.certificate.least_curvature > 0


@pytest.mark.parametrize("scale", [2.0**500, 2.0**-500, 1e150, 1e-150])
def test_extreme_columns_with_matching_priors(scale):
    base = make_data(br.Gaussian(1.5))
    for likelihood in (br.Gaussian(1.5), br.StudentT(4.0, sigma=1.5)):
        plain = find(br.Model(likelihood, br.Cauchy(0.3)), base)
        model = br.Model(likelihood, br.Cauchy(0.3 / scale))
        fit = find(model, br.Data(base.X * scale, base.y))
        np.testing.assert_allclose(fit.coef * scale, plain.coef, rtol=1e-9)
        assert fit.certificate.holds


DEGENERATE = {
    "constant column": lambda X: np.column_stack([X[:, :2], np.full(len(X), 3.0)]),
    "zero column": lambda X: np.column_stack([X[:, :2], np.zeros(len(X))]),
    "duplicate column": lambda X: np.column_stack([X[:, :2], X[:, 0]]),
    "one row": lambda X: X[:1],
    "two rows": lambda X: X[:2],
    "huge offset of a column": lambda X: np.column_stack([X[:, :2], X[:, 2] + 1e7]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize(
    "model",
    [
        br.Model(br.StudentT(4.0, sigma=1.5), br.ElasticNet(0.3, 0.6)),
        br.Model(br.StudentT(4.0, sigma=1.5), br.Flat()),
        br.Model(br.StudentT(1.0, sigma=1.5), br.Cauchy(0.4), br.Cauchy(1.0)),
        br.Model(br.Gaussian(1.5), br.StudentT(2.0, 0.4)),
        br.Model(br.Poisson(), br.Cauchy(0.4), br.Cauchy(1.0)),
    ],
    ids=str,
)
def test_degenerate_data(model, case):
    base = make_data(br.Poisson())
    X = DEGENERATE[case](base.X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotUniqueWarning)
        fit = find(model, br.Data(X, base.y[: len(X)]))
    assert fit.certificate.holds


def test_flat_duplicates_are_flagged():
    data = make_data(br.Gaussian(1.5))
    twice = br.Data(np.column_stack([data.X, data.X[:, 0]]), data.y)
    with pytest.warns(NotUniqueWarning):
        fit = br.find_map(br.Model(br.StudentT(4.0, sigma=1.5), br.Flat()), twice)
    single = br.find_map(br.Model(br.StudentT(4.0, sigma=1.5), br.Flat()), data)
    assert fit.coef[0] + fit.coef[-1] == pytest.approx(single.coef[0], rel=1e-6)
    assert not fit.unique
    assert len(fit.modes) == 1


def test_exact_fit_and_constant_target():
    X = make_design()
    w = np.arange(1.0, 8.0)
    fit = br.find_map(br.Model(br.StudentT(2.0, sigma=1e-3), br.Flat()), br.Data(X, X @ w + 1.0))
    np.testing.assert_allclose(fit.coef, w, rtol=1e-10)
    fit = br.find_map(br.Model(br.StudentT(2.0, sigma=1.0), br.Laplace(0.1)),
                      br.Data(X, np.full(60, 2.0)))  # fmt: skip
    assert fit.n_zeros == 7
    assert fit.intercept == pytest.approx(2.0, rel=1e-15)


# ---- failures are told -------------------------------------------------------------------------


def test_too_few_iterations_is_never_silent():
    data = make_data(br.Poisson())
    model = br.Model(br.Poisson(), br.Cauchy(0.3))
    with pytest.raises(NotCertifiedError, match=r"not stationary.*Raise max_iterations") as caught:
        br.find_map(model, data, max_iterations=1, tol=1e-20)
    assert not caught.value.estimate.certificate.holds
    fit = find(model, data, max_iterations=1, tol=1e-20, on_failure="return")
    assert not fit.certificate.holds


def test_separation_under_flat_columns_is_no_mode():
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    data = br.Data(np.column_stack([x, x**2]), (x > 0).astype(float), names=["dose", "square"])
    with pytest.raises(NoModeError, match=r"'dose'.*separate"):
        br.find_map(br.Model(br.Bernoulli(), {"dose": br.Flat(), "square": br.Cauchy(1.0)}), data)
    fit = find(br.Model(br.Bernoulli(), br.Cauchy(2.5)), data)
    assert fit.certificate.holds


def test_overflow_at_the_prior_s_centre_is_told():
    data = br.Data(np.ones((3, 1)), [1.0, 2.0, 3.0], offset=[1e5, 0, 0])
    with pytest.raises(DataError, match="overflows at the centre of the prior"):
        br.find_map(br.Model(br.Poisson(), br.Cauchy(1.0), br.Normal(1.0)), data)


def test_target_must_still_be_conditional():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="target"):
        br.find_map(br.Model(br.StudentT(4, 1.0), br.Flat()), data, target="joint")


def test_same_answer_every_time_and_whatever_the_global_seed():
    data = make_data(br.StudentT(1.0, sigma=0.5))
    model = br.Model(br.StudentT(1.0, sigma=0.1), br.Cauchy(0.1))
    first = find(model, data)
    np.random.seed(7)  # noqa: NPY002
    again = find(model, data)
    np.testing.assert_array_equal(first.coef, again.coef)
    assert [m.log_density for m in first.modes] == [m.log_density for m in again.modes]


# ---- the proof, from data and candidate alone --------------------------------------------------


def test_certify_is_the_same_and_falls_when_the_point_moves():
    data = make_data(br.Gaussian(1.5), weights=True)
    model = br.Model(br.StudentT(4.0, sigma=1.5), br.Laplace(0.1))
    fit = find(model, data)
    again = br.certify(model, data, fit.coef, fit.intercept)
    assert again.local
    assert again.kkt_residual == fit.certificate.kkt_residual
    assert again.holds
    moved = fit.coef.copy()
    j = int(np.argmax(np.abs(moved)))
    moved[j] *= 1.01
    worse = br.certify(model, data, moved, fit.intercept)
    assert not worse.holds
    # What the residual promises is a lower bound on what one coordinate can win.
    problem = bind(model, data)
    v = problem.extended(moved, fit.intercept)

    def along(t):
        w = v.copy()
        w[j] = t
        return problem.value(w)

    won = problem.value(v) - optimize.minimize_scalar(along, bracket=(v[j], fit.coef[j])).fun
    assert 0.5 * worse.kkt_residual**2 <= won * (1 + 1e-9)
    off_kink = fit.coef + np.where(fit.coef == 0, 1e-9, 0.0)
    assert br.certify(model, data, off_kink, fit.intercept).kkt_residual > 1e-3


def test_results_read_well_and_are_plain():
    data = make_data(br.Gaussian(1.5))
    fit = find(br.Model(br.StudentT(4.0, sigma=1.5), br.Cauchy(0.1)), data)
    assert "local mode (not convex" in str(fit)
    plain = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert plain["certificate"]["local"] is True
    assert plain["certificate"]["gap"] == "nan"


# ---- paths and posteriors ----------------------------------------------------------------------


def test_path_under_student_t_noise():
    likelihood = br.StudentT(4.0, sigma=1.5)
    data = make_data(likelihood)
    scales = [0.2, 1e-4, 0.02]
    path = br.find_map_path(br.Model(likelihood, br.Laplace(1.0)), data, scales)
    assert path.n_nonzero[1] == 0
    np.testing.assert_allclose(path.lambdas, 1 / np.array(scales))
    for scale, estimate in zip(scales, path.estimates, strict=True):
        single = find(br.Model(likelihood, br.Laplace(scale)), data)
        np.testing.assert_allclose(estimate.coef, single.coef, rtol=1e-8, atol=1e-10)
        assert estimate.certificate.local
    assert "KKT residual" in repr(path)


def test_path_widens_tails_with_the_rest():
    data = make_data(br.Gaussian(1.5))
    prior = {"x[0-3]": br.Normal(0.5), "x[4-6]": br.StudentT(3.0, 0.4)}
    path = br.find_map_path(br.Model(br.Gaussian(1.5), prior), data, [1.0])
    wider = {"x[0-3]": br.Normal(1.0), "x[4-6]": br.StudentT(3.0, 0.8)}
    single = find(br.Model(br.Gaussian(1.5), wider), data)
    np.testing.assert_allclose(path.coef[0], single.coef, rtol=1e-9)


def test_path_warns_of_several_modes():
    data = br.Data(np.column_stack([np.ones(2), [0.0, 1.0]]), [6.0, 6.0])
    prior = {"x0": br.Cauchy(0.05), "x1": br.Normal(0.1)}
    with pytest.warns(LocalModesWarning, match="at 1 of 1 scales"):
        br.find_map_path(br.Model(br.Gaussian(1.0), prior, None), data, [0.1])


def test_paths_that_do_not_exist_are_refused():
    data = make_data(br.Gaussian(1.5))
    with pytest.raises(ModelError, match="give scales="):
        br.find_map_path(br.Model(br.StudentT(4, 1.5), br.Laplace(1.0)), data)
    with pytest.raises(ModelError, match="give scales="):
        br.find_map_path(br.Model(br.Gaussian(1.5), br.Cauchy(1.0)), data)


@pytest.mark.parametrize(
    "wider",
    [br.Cauchy, lambda scale: br.StudentT(3.0, 2 * scale), lambda scale: br.Truncated(
        br.Cauchy(scale), 0.0)],
)  # fmt: skip
def test_path_of_heavy_tails_alone(wider):
    """Scales as asked for; a lambda they do not have."""
    data = make_data(br.Gaussian(1.5))
    stated = br.Model(br.Gaussian(1.5), wider(1.0))
    axis = stated.axis_scale(data)
    scales = axis * np.array([10.0, 0.5])
    path = br.find_map_path(stated, data, scales)
    np.testing.assert_array_equal(path.scales, scales)
    assert np.isnan(path.lambdas).all()
    assert br.plot_path(path).get_xlabel()
    for factor, estimate in zip((10.0, 0.5), path.estimates, strict=True):
        single = find(br.Model(br.Gaussian(1.5), wider(factor)), data)
        np.testing.assert_allclose(estimate.coef, single.coef, rtol=1e-8, atol=1e-10)


def test_posterior_of_a_robust_regression_by_quadrature():
    """One coefficient: NUTS against the density integrated on a grid, and verify passes."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=30)
    y = 0.8 * x + 0.5 * rng.standard_t(3, 30)
    y[:3] += 20.0
    data = br.Data(x[:, None], y)
    model = br.Model(br.StudentT(3.0, sigma=0.5), br.Cauchy(0.5), None)
    post = br.sample(model, data, draws=1000, chains=2, seed=1, progress=False)
    assert post.attrs["sampler"] == "nuts"
    grid = np.linspace(-3, 4, 4001)
    log_density = np.array([model.log_density(data, [w]) for w in grid])
    mass = np.exp(log_density - log_density.max())
    mean = grid @ mass / mass.sum()
    sd = np.sqrt((grid - mean) ** 2 @ mass / mass.sum())
    draws = post["posterior"]["coef"].values.ravel()
    assert np.mean(draws) == pytest.approx(mean, abs=5 * sd / np.sqrt(post.attrs["ess_bulk_min"]))
    assert np.std(draws) == pytest.approx(sd, rel=0.2)
    assert br.verify(model, data, seed=1).passed
