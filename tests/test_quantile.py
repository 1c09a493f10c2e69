"""Quantile regression: the exact mode under an asymmetric Laplace likelihood, and its proof."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import BOUNDED_PRIORS, KINKED_COMBINATIONS, MIXED_PRIOR, make_data, make_design
from scipy import stats
from scipy.optimize import linprog, minimize_scalar

import bayesreg as br
from bayesreg.errors import (
    DataError,
    ModelError,
    ModelTypeError,
    NotCertifiedError,
    NotUniqueWarning,
)
from bayesreg.problem import bind
from bayesreg.proof.null import null_deviance
from bayesreg.proof.point import certify_point
from bayesreg.solvers import smallest_scale

MEDIAN = br.AsymmetricLaplace(q=0.5, s=1.0)
THIRD = br.AsymmetricLaplace(q=0.3, s=0.8)
INTERCEPTS = [br.Flat(), br.Normal(0.5, loc=1.0), br.Laplace(0.2), br.ElasticNet(0.2, 0.3), None]


def quietly(model, data, **options):
    """find_map where a mode that is not unique is nothing to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotUniqueWarning)
        return br.find_map(model, data, **options)


def excess_of_moves(model, data, fit, seed=0):
    """The least of J(other) - J(mode) over many other feasible points, near and far."""
    problem = bind(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    least, rng = problem.value(mode), np.random.default_rng(seed)
    size = 1.0 / np.sqrt(problem.column_squares(problem.weights) + 1e-30)
    worst = np.inf
    for distance in (1e-8, 1e-4, 1e-2, 1.0):
        for _ in range(40):
            chosen = rng.random(problem.size) < rng.choice([0.2, 1.0])
            point = mode + distance * size * chosen * rng.normal(size=problem.size)
            point = np.clip(point, problem.penalty.lower, problem.penalty.upper)
            worst = min(worst, problem.value(point) - least)
    return worst / max(1.0, abs(least))


# ---- the optimum ---------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.3, 0.5, 0.95])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("likelihood", "prior"), KINKED_COMBINATIONS)
def test_optimality(likelihood, prior, standardize, q):
    likelihood = br.AsymmetricLaplace(q, likelihood.s)
    model = br.Model(likelihood, prior, standardize=standardize)
    data = make_data(likelihood, weights=True, offset=True)
    fit = br.find_map(model, data)
    assert fit.settled
    assert fit.unique
    assert fit.certificate.holds
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    assert excess_of_moves(model, data, fit) >= -1e-13
    assert fit.log_density == pytest.approx(
        model.log_density(data, fit.coef, fit.intercept), rel=1e-12
    )
    # The same, proved without the solver's dual point.
    ours = br.certify(model, data, fit.coef, fit.intercept)
    assert ours.relative_gap <= 1e-12
    assert ours.zeros_proved


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("prior", BOUNDED_PRIORS)
def test_bounds(prior, standardize):
    model = br.Model(THIRD, prior, standardize=standardize)
    data = make_data(THIRD, weights=True, offset=True)
    fit = br.find_map(model, data)
    penalty = model.coefficient_penalty(data)
    assert np.all((fit.coef >= penalty.lower) & (fit.coef <= penalty.upper))
    assert fit.certificate.relative_gap <= 1e-12
    assert fit.certificate.zeros_proved
    assert excess_of_moves(model, data, fit) >= -1e-13


@pytest.mark.parametrize("intercept", INTERCEPTS, ids=str)
@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5), MIXED_PRIOR], ids=str)
def test_intercept_is_a_column_of_ones(prior, intercept):
    data = make_data(THIRD, offset=True)
    fit = br.find_map(br.Model(THIRD, prior, intercept), data)
    assert fit.certificate.relative_gap <= 1e-12
    if intercept is None:
        assert fit.intercept == 0.0
        return
    parts = prior if isinstance(prior, dict) else {f"x{j}": prior for j in range(data.p)}
    with_ones = br.Data(
        np.column_stack([data.X, np.ones(data.n)]), data.y, offset=data.offset,
        names=[*data.names, "one"],
    )  # fmt: skip
    twin = br.find_map(br.Model(THIRD, {**parts, "one": intercept}, None), with_ones)
    np.testing.assert_allclose(twin.coef[:-1], fit.coef, rtol=1e-9, atol=1e-11)
    assert twin.coef[-1] == pytest.approx(fit.intercept, rel=1e-9)


def test_rows_are_interpolated_and_zeros_are_exact():
    """A vertex: as many rows met, to rounding, as there are coefficients off their kink."""
    data = make_data(THIRD)
    fit = br.find_map(br.Model(THIRD, br.Laplace(0.05)), data)
    residual = data.y - fit.predict(data.X)
    moved = np.count_nonzero(fit.coef) + 1
    assert 0 < fit.n_zeros < data.p
    assert np.count_nonzero(np.abs(residual) < 1e-13) == moved
    assert np.min(np.abs(residual)[np.abs(residual) >= 1e-13]) > 1e-6


def test_share_of_rows_below_is_q():
    """With a flat intercept at most a share q of the weight lies below, at most 1 - q above."""
    for q in (0.05, 0.25, 0.5, 0.8):
        likelihood = br.AsymmetricLaplace(q, 1.0)
        data = make_data(likelihood, weights=True)
        fit = br.find_map(br.Model(likelihood, br.Normal(1.0)), data)
        residual = data.y - fit.predict(data.X)
        total = data.weights.sum()
        assert data.weights[residual < -1e-12].sum() <= q * total + 1e-12
        assert data.weights[residual > 1e-12].sum() <= (1 - q) * total + 1e-12


# ---- against others ------------------------------------------------------------------------


def highs(data, q, rates, lower=None):
    """The least objective by scipy's linear programming, for l1 rates and an intercept."""
    n, p = data.X.shape
    weights = np.ones(n) if data.weights is None else data.weights
    used = weights > 0
    X, y, weights = data.X[used], data.y[used], weights[used]
    n = y.size
    cost = np.concatenate([rates, rates, [0, 0], q * weights, (1 - q) * weights])
    A = np.hstack([X, -X, np.ones((n, 1)), -np.ones((n, 1)), np.eye(n), -np.eye(n)])
    bounds = [(0, None)] * p + [(0, None if lower is None else 0)] * p + [(0, None)] * (2 * n + 2)
    return linprog(cost, A_eq=A, b_eq=y, bounds=bounds, method="highs").fun


@pytest.mark.parametrize("q", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("weights", [False, True])
def test_highs_finds_the_same_value(q, weights):
    s, b = 0.8, 0.05
    likelihood = br.AsymmetricLaplace(q, s)
    data = make_data(likelihood, weights=weights)
    for prior, rate, lower in [
        (br.Laplace(b), s / b, None),
        (br.Flat(), 0.0, None),
        (br.Exponential(b), s / b, 0.0),
        (br.Truncated(br.Flat(), lower=0.0), 0.0, 0.0),
    ]:
        model = br.Model(likelihood, prior)
        fit = quietly(model, data)
        found = bind(model, data).value(np.append(fit.coef, fit.intercept))
        least = highs(data, q, np.full(data.p, rate), lower) / s
        assert found == pytest.approx(least, rel=1e-10)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("alpha", [0.0, 0.02, 0.3])
def test_scikit_learn_reaches_the_same_objective(q, alpha):
    """QuantileRegressor: mean pinball + alpha ||w||_1, so that 1 / b = n alpha / s."""
    from sklearn.linear_model import QuantileRegressor

    s = 0.7
    likelihood = br.AsymmetricLaplace(q, s)
    data = make_data(likelihood)
    prior = br.Laplace(s / (data.n * alpha)) if alpha else br.Flat()
    model = br.Model(likelihood, prior)
    fit = quietly(model, data)
    theirs = QuantileRegressor(quantile=q, alpha=alpha, solver="highs").fit(data.X, data.y)

    def objective(coef, intercept):
        r = data.y - data.X @ coef - intercept
        return np.mean(np.where(r >= 0, q * r, (q - 1) * r)) + alpha * np.abs(coef).sum()

    ours = objective(fit.coef, fit.intercept)
    assert ours == pytest.approx(objective(theirs.coef_, theirs.intercept_), rel=1e-10)
    if fit.unique:
        np.testing.assert_allclose(theirs.predict(data.X), fit.predict(data.X), atol=1e-7)
    assert br.certify(model, data, theirs.coef_, theirs.intercept_).holds
    wrong = br.certify(model, data, theirs.coef_ + 1e-3, theirs.intercept_)
    assert not wrong.holds


@pytest.mark.parametrize("scale", [0.02, 0.3, 5.0])
def test_one_coefficient_by_brute_force(scale):
    data = make_data(THIRD, p=1)
    model = br.Model(THIRD, br.Normal(scale, loc=0.2), intercept=None)
    problem = bind(model, data)
    grid = np.linspace(-3, 3, 2001)
    values = [problem.value(np.array([w])) for w in grid]
    k = int(np.argmin(values))
    found = minimize_scalar(
        lambda w: problem.value(np.array([w])), bounds=(grid[k - 1], grid[k + 1]),
        method="bounded", options={"xatol": 1e-13},
    )  # fmt: skip
    assert br.find_map(model, data).coef[0] == pytest.approx(found.x, abs=1e-7)


def test_two_row_problem_by_hand():
    """y = (0, 1) at x = (0, 1), q = 1/2, s = 1: slope w has J = |1 - w| / 2 + |w| / b.

    For b < 2 it stays at 0, for b > 2 it interpolates both rows.
    """
    data = br.Data([[0.0], [1.0]], [0.0, 1.0])
    for b, slope in [(1.9, 0.0), (2.1, 1.0)]:
        fit = br.find_map(br.Model(MEDIAN, br.Laplace(b), intercept=None), data)
        assert fit.coef[0] == slope
        assert fit.certificate.gap <= 1e-15
    with pytest.warns(NotUniqueWarning):
        fit = br.find_map(br.Model(MEDIAN, br.Laplace(2.0), intercept=None), data)
    assert not fit.unique
    assert -1e-12 <= fit.coef[0] <= 1.0 + 1e-12


@pytest.mark.parametrize("n", [1, 2, 7, 50, 51])
@pytest.mark.parametrize("q", [0.2, 0.5, 0.9])
def test_intercept_alone_is_the_sample_quantile(n, q):
    y = np.random.default_rng(n).normal(size=n)
    model = br.Model(br.AsymmetricLaplace(q, 1.0), br.Laplace(1e-6))
    fit = quietly(model, br.Data(make_design(n), y))
    assert fit.n_zeros == 7
    low, high = (np.quantile(y, q, method=m) for m in ("inverted_cdf", "higher"))
    interval = np.sort(y)[[max(int(np.ceil(n * q - 1e-9)) - 1, 0), min(int(n * q + 1e-9), n - 1)]]
    assert low == interval[0]
    assert interval[0] <= fit.intercept <= interval[1] <= max(high, interval[1])
    assert fit.unique == (interval[0] == interval[1])


# ---- p > n, sparse, large ------------------------------------------------------------------


@pytest.mark.parametrize(
    "prior", [br.Laplace(0.4), br.Normal(0.4), br.ElasticNet(0.4, 0.6), br.Uniform(-0.1, 0.2)],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("sparse", [False, True])
def test_more_columns_than_rows(prior, sparse):
    X = make_design(n=25, p=80)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    X = np.where(np.abs(X) > 0.7, X, 0.0) if sparse else X
    y = THIRD.draw(X[:, 0] - 0.5 * X[:, 1], np.random.default_rng(1))
    model = br.Model(THIRD, prior)
    fit = quietly(model, br.Data(sp.csr_array(X) if sparse else X, y))
    assert fit.certificate.relative_gap <= 1e-11
    assert excess_of_moves(model, br.Data(X, y), fit) >= -1e-12


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5), MIXED_PRIOR], ids=str)
def test_sparse_is_dense(prior, standardize):
    dense = make_data(THIRD, weights=True, offset=True)
    X = np.where(np.random.default_rng(4).random(dense.X.shape) < 0.4, dense.X, 0.0)
    rest = {"weights": dense.weights, "offset": dense.offset}
    model = br.Model(THIRD, prior, standardize=standardize)
    one = br.find_map(model, br.Data(X, dense.y, **rest))
    other = br.find_map(model, br.Data(sp.csc_array(X), dense.y, **rest))
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-9, atol=1e-12)
    assert np.array_equal(other.at_loc, one.at_loc)


def test_ten_thousand_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 50))
    data = br.Data(X, X[:, 0] + rng.standard_t(3, size=10_000))
    for prior in (br.Laplace(0.01), br.Normal(0.5)):
        fit = br.find_map(br.Model(THIRD, prior), data)
        assert fit.certificate.relative_gap <= 1e-12
        assert fit.iterations <= 40


# ---- degenerate data -----------------------------------------------------------------------

HOSTILE = {
    "constant y": lambda X, y: (X, np.full_like(y, 2.0)),
    "zero y": lambda X, y: (X, np.zeros_like(y)),
    "ties in y": lambda X, y: (X, np.round(y)),
    "every row three times": lambda X, y: (np.repeat(X, 3, axis=0), np.repeat(y, 3)),
    "an outlier of 1e9": lambda X, y: (X, np.where(np.arange(y.size) == 3, 1e9, y)),
    "one row": lambda X, y: (X[:1], y[:1]),
    "two rows": lambda X, y: (X[:2], y[:2]),
    "duplicate column": lambda X, y: (np.column_stack([X, X[:, 2]]), y),
    "zero column": lambda X, y: (np.column_stack([X, 0 * X[:, 2]]), y),
    "constant column": lambda X, y: (np.column_stack([X, 0 * X[:, 2] + 3.0]), y),
    "columns far from 0": lambda X, y: (X + 1e7, y),
    "X * 1e100": lambda X, y: (X * 1e100, y),
    "X * 1e-100": lambda X, y: (X * 1e-100, y),
    "y * 1e100": lambda X, y: (X, y * 1e100),
    "y * 1e-100": lambda X, y: (X, y * 1e-100),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize(
    "prior",
    [br.Flat(), br.Laplace(0.3), br.Normal(0.5), br.ElasticNet(0.3, 0.5), br.Uniform(-0.2, 0.15)],
    ids=str,
)
@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=str)
def test_hostile_data(prior, intercept, case):
    base = make_data(THIRD)
    X, y = HOSTILE[case](np.array(base.X), np.array(base.y))
    for q in (0.5, 0.1):
        model, data = br.Model(br.AsymmetricLaplace(q, 1.0), prior, intercept), br.Data(X, y)
        fit = quietly(model, data)
        assert fit.certificate.holds
        assert br.certify(model, data, fit.coef, fit.intercept).holds
        if case == "constant y" and intercept is not None and isinstance(prior, br.Laplace):
            assert fit.n_zeros == data.p
            assert fit.intercept == pytest.approx(2.0, rel=1e-15)


@pytest.mark.parametrize("q", [1e-9, 1e-3, 1 - 1e-3, 1 - 1e-9])
@pytest.mark.parametrize("prior", [br.Flat(), br.Laplace(0.3), br.Normal(0.5)], ids=str)
def test_extreme_quantiles(prior, q):
    """Nearly all rows on one side: the envelope of the data."""
    likelihood = br.AsymmetricLaplace(q, 1.0)
    data = make_data(THIRD)
    fit = quietly(br.Model(likelihood, prior), data)
    assert fit.certificate.holds
    residual = data.y - fit.predict(data.X)
    assert np.all((residual >= -1e-12) if q < 0.01 else (residual <= 1e-12))


@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1e9, 1e100])
def test_extreme_noise_scales(scale):
    data = make_data(THIRD)
    for prior in (br.Laplace(0.3), br.Normal(0.5)):
        assert quietly(br.Model(br.AsymmetricLaplace(0.3, scale), prior), data).certificate.holds


@pytest.mark.parametrize("scale", [2.0**500, 2.0**-500, 1e100, 1e-100])
def test_matching_units_give_the_same_mode(scale):
    base = make_data(THIRD)
    plain = br.find_map(br.Model(THIRD, br.Laplace(0.3)), base)
    fit = br.find_map(br.Model(THIRD, br.Laplace(0.3 / scale)), br.Data(base.X * scale, base.y))
    np.testing.assert_allclose(fit.coef * scale, plain.coef, rtol=1e-10, atol=1e-14)
    assert np.array_equal(fit.coef == 0, plain.coef == 0)


# ---- uniqueness ----------------------------------------------------------------------------


def test_uniqueness():
    base = make_data(THIRD)
    moved = int(np.flatnonzero(br.find_map(br.Model(THIRD, br.Laplace(0.3)), base).coef)[0])
    twice = br.Data(np.column_stack([base.X, base.X[:, moved]]), base.y)
    for prior, unique in [
        (br.Laplace(0.3), False),
        (br.ElasticNet(0.3, 1.0), True),
        (br.Normal(0.3), True),
        (br.Flat(), False),
    ]:
        assert br.find_map(br.Model(THIRD, prior), base).unique
        fit = quietly(br.Model(THIRD, prior), twice)
        assert fit.unique is unique
        assert fit.certificate.holds


def test_another_optimum_exists_where_the_mode_is_not_unique():
    """The median of an even number: every point of the middle interval has the same density."""
    y = np.array([0.0, 1.0, 4.0, 9.0])
    model, data = br.Model(MEDIAN, br.Laplace(1e-6)), br.Data(make_design(4), y)
    fit = quietly(model, data)
    assert not fit.unique
    for a in (1.0, 2.5, 4.0):
        assert model.log_density(data, fit.coef, a) == pytest.approx(fit.log_density, rel=1e-14)
        assert br.certify(model, data, fit.coef, a).holds
    assert not br.certify(model, data, fit.coef, 0.9).holds


# ---- the certificate -----------------------------------------------------------------------


@pytest.mark.parametrize(("likelihood", "prior"), KINKED_COMBINATIONS)
def test_gap_bounds_the_true_suboptimality(likelihood, prior):
    model = br.Model(likelihood, prior)
    data = make_data(likelihood, weights=True, offset=True)
    problem, fit = bind(model, data), br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    least = problem.value(mode)
    rng = np.random.default_rng(7)
    size = 1.0 / np.sqrt(problem.column_squares(problem.weights))
    for distance in (1e-9, 1e-6, 1e-3, 0.1, 1.0):
        point = mode + distance * size * rng.normal(size=problem.size)
        above = problem.value(point) - least
        gap = certify_point(problem, point, tol=1e-16).gap
        assert gap >= above - 1e-12 * abs(least)
        # Of use and not only valid: our own dual point is within a factor of the best.
        assert gap <= 20 * above + 1e-10 * abs(least)


@pytest.mark.parametrize(("likelihood", "prior"), KINKED_COMBINATIONS)
def test_a_corrupted_coefficient_is_caught(likelihood, prior):
    model, data = br.Model(likelihood, prior), make_data(likelihood, weights=True)
    problem, fit = bind(model, data), br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    size = 1.0 / np.sqrt(problem.column_squares(problem.weights))
    for j in range(problem.size):
        corrupted = mode.copy()
        corrupted[j] += 1e-2 * size[j]
        found = certify_point(problem, corrupted)
        assert not found.holds
        assert not found.zeros_proved or not np.any(fit.at_loc)


def test_a_wrong_dual_point_proves_nothing_and_a_right_one_does():
    data = make_data(THIRD, weights=True)
    model = br.Model(THIRD, br.Laplace(0.05))
    fit = br.find_map(model, data)
    problem = bind(model, data)
    eta = model.linear_predictor(data, fit.coef, fit.intercept)
    theta = data.weights * THIRD.gradient(data.y, eta)
    found = br.certify(model, data, fit.coef, fit.intercept, dual=theta)
    assert found.holds  # the supplied one ends at 0 on the rows met; our own takes over
    from bayesreg.proof.corner_gap import evaluate

    v = problem.extended(fit.coef, fit.intercept)
    rows = data.weights > 0
    alone = evaluate(problem, v, eta[rows], theta[rows])
    assert alone.gap > 1e-3 or alone.flat_residual > 1e-9
    # Far outside its box it is put back into it, and is still a bound.
    wild = evaluate(problem, v, eta[rows], 1e6 * np.ones(problem.n))
    assert wild.gap >= 0


def test_supplied_dual_must_be_usable():
    data, model = make_data(THIRD), br.Model(THIRD, br.Laplace(0.3))
    with pytest.raises(DataError, match=r"dual must have shape \(60,\)"):
        br.certify(model, data, np.zeros(7), 0.0, dual=np.zeros(3))
    with pytest.raises(DataError, match="dual must be finite"):
        br.certify(model, data, np.zeros(7), 0.0, dual=np.full(60, np.nan))
    smooth = br.Model(br.Gaussian(1.0), br.Laplace(0.3))
    with pytest.raises(ModelError, match="dual is for likelihoods with corners"):
        br.certify(smooth, data, np.zeros(7), 0.0, dual=np.zeros(60))


def test_gap_by_hand():
    """n = 1, x = 1, y = 3, q = 1/2, s = 1, b = 4: J = |3 - w| / 2 + |w| / 4, mode 3, J = 3/4."""
    data = br.Data([[1.0]], [3.0])
    model = br.Model(MEDIAN, br.Laplace(4.0), intercept=None)
    assert br.find_map(model, data).coef[0] == 3.0
    for w, above in [(3.0, 0.0), (2.0, 0.25), (0.0, 0.75), (4.0, 0.75), (-1.0, 1.5)]:
        found = br.certify(model, data, np.array([w]))
        assert found.gap == pytest.approx(above, abs=1e-14)
        assert found.half_null_deviance == pytest.approx(1.5)


@pytest.mark.parametrize("prior", [br.Laplace(0.05), br.ElasticNet(0.05, 0.5), br.Exponential(0.1)])
def test_zeros_proved_means_that_they_are_zeros(prior):
    data = make_data(THIRD)
    model = br.Model(THIRD, prior)
    problem, fit = bind(model, data), br.find_map(model, data)
    mode = problem.extended(fit.coef, fit.intercept)
    assert certify_point(problem, mode).zeros_proved
    rng, size = np.random.default_rng(11), 1.0 / np.sqrt(problem.column_squares(problem.weights))
    for distance in (1e-8, 1e-5, 1e-2):
        point = mode + distance * size * rng.normal(size=problem.size)
        point[:7] = np.where(rng.random(7) < 0.5, 0.0, point[:7])
        assert not certify_point(problem, point).zeros_proved


def test_a_dual_point_that_is_off_by_more_than_the_margin_proves_no_zero():
    from bayesreg.proof.corner_zeros import corner_zeros_proved
    from bayesreg.solvers.quantile import minimise_corners

    data = make_data(THIRD)
    problem = bind(br.Model(THIRD, br.Laplace(0.05)), data)
    found = minimise_corners(problem, 100)
    eta = problem.linear_predictor(found.v)
    assert corner_zeros_proved(problem, found.v, eta, found.theta)
    low, high = (bound * problem.weights for bound in THIRD.slopes)
    inner = np.flatnonzero((found.theta > low + 1e-9) & (found.theta < high - 1e-9))
    for i in inner:
        moved = found.theta.copy()
        moved[i] += 0.5 * min(moved[i] - low[i], high[i] - moved[i])
        assert not corner_zeros_proved(problem, found.v, eta, moved)


def test_a_pull_that_just_reaches_the_kink_proves_no_zero():
    """|1 - w| / 2 + |w| / b: the pull 1/2 against 1/b."""
    data = br.Data([[1.0]], [1.0])
    for b, proved in [(1.9, True), (2.0 * (1 - 4e-16), False)]:
        model = br.Model(MEDIAN, br.Laplace(b), intercept=None)
        assert br.certify(model, data, np.zeros(1)).zeros_proved is proved


def test_a_useless_coefficient_costs_its_whole_penalty():
    """A column of zeros with w = 5: J is 5 / b above the mode, however weak the prior."""
    base = make_data(THIRD)
    data = br.Data(np.column_stack([base.X, np.zeros(60)]), base.y)
    for b in (0.3, 1e3):
        model = br.Model(THIRD, br.Laplace(b))
        fit = br.find_map(model, data)
        assert fit.coef[-1] == 0.0
        coef = fit.coef + np.append(np.zeros(7), 5.0)
        assert br.certify(model, data, coef, fit.intercept).gap == pytest.approx(5.0 / b, rel=1e-6)


def test_null_deviance_against_a_linear_programme():
    data = make_data(THIRD, weights=True)
    problem = bind(br.Model(THIRD, br.Laplace(0.3)), data)
    free = minimize_scalar(lambda a: problem.loss(np.full(problem.n, a)), bounds=(-5, 5),
                           method="bounded", options={"xatol": 1e-12})  # fmt: skip
    assert null_deviance(problem) / 2 == pytest.approx(free.fun, rel=1e-9)
    flat_first = {"x0": br.Flat(), "x[1-6]": br.Laplace(0.3)}
    alone = br.Data(data.X[:, :1], data.y, weights=data.weights)
    expected = highs(alone, THIRD.q, np.zeros(1)) / THIRD.s
    assert null_deviance(bind(br.Model(THIRD, flat_first), data)) / 2 == pytest.approx(expected)
    proper = bind(br.Model(THIRD, br.Laplace(0.3), br.Normal(0.1, loc=2.0)), data)

    def total(a):
        return proper.loss(np.full(proper.n, a)) + (a - 2.0) ** 2 / (2 * 0.1**2)

    a = minimize_scalar(total, bounds=(-5, 5), method="bounded", options={"xatol": 1e-12}).x
    assert null_deviance(proper) / 2 == pytest.approx(proper.loss(np.full(proper.n, a)), rel=1e-6)


# ---- failures are told ---------------------------------------------------------------------


@pytest.mark.parametrize("prior", [br.Flat(), br.Laplace(0.3), br.Normal(0.5)], ids=str)
def test_too_few_iterations_is_never_silent(prior):
    data, model = make_data(THIRD), br.Model(THIRD, prior)
    with pytest.raises(NotCertifiedError, match="raise max_iterations") as caught:
        br.find_map(model, data, max_iterations=1)
    assert not caught.value.estimate.certificate.holds
    assert not br.find_map(model, data, max_iterations=2, on_failure="return").settled


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((0.0, 1.0), ModelError, "q must be a positive"),
        ((1.0, 1.0), ModelError, "q must lie strictly between 0 and 1"),
        ((-0.1, 1.0), ModelError, "q must be a positive"),
        ((np.nan, 1.0), ModelError, "q must be a positive"),
        (("0.5", 1.0), ModelTypeError, "q must be a positive number"),
        ((True, 1.0), ModelTypeError, "bool"),
        ((0.5, 0.0), ModelError, "s must be a positive"),
        ((0.5, 1e200), ModelError, "s must lie between"),
        ((0.5, [1.0, 2.0]), ModelTypeError, "s must be a positive number"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        br.AsymmetricLaplace(*arguments)


# ---- the density, and everything else that meets it ----------------------------------------


@pytest.mark.parametrize("q", [0.01, 0.3, 0.5, 0.9])
def test_density_is_scipys(q):
    s, eta = 0.7, 0.4
    likelihood = br.AsymmetricLaplace(q, s)
    y = np.linspace(-5, 5, 41)
    reference = stats.laplace_asymmetric(
        kappa=np.sqrt(q / (1 - q)), loc=eta, scale=s / np.sqrt(q * (1 - q))
    )
    found = -(likelihood.loss(y, np.full(41, eta)) + likelihood.constant(y, np.ones(41)))
    np.testing.assert_allclose(found, reference.logpdf(y), rtol=1e-12, atol=1e-13)
    assert likelihood.mean(np.array([eta]))[0] == pytest.approx(reference.mean(), rel=1e-12)
    drawn = likelihood.draw(np.full(4000, eta), np.random.default_rng(0))
    assert stats.kstest(drawn, reference.cdf).pvalue > 0.001
    assert reference.cdf(eta) == pytest.approx(q, rel=1e-12)


def test_predict_is_the_quantile_and_not_the_mean():
    likelihood = br.AsymmetricLaplace(0.9, 1.0)
    data = make_data(likelihood, n=400)
    fit = br.find_map(br.Model(likelihood, br.Normal(5.0)), data)
    predicted = fit.predict(data.X)
    np.testing.assert_allclose(predicted, data.X @ fit.coef + fit.intercept, rtol=1e-13)
    assert np.mean(data.y <= predicted) == pytest.approx(0.9, abs=0.03)
    assert np.all(np.abs(likelihood.mean(predicted) - predicted) > 5.0)


def test_smallest_scale_is_the_threshold():
    base = make_data(THIRD)
    for y, loc in [(base.y, 0.1), (np.round(base.y), 0.0)]:  # with ties the dual is a choice
        data = br.Data(base.X, y)
        edge = smallest_scale(br.Model(THIRD, br.Laplace(1.0, loc=loc)), data)
        below = quietly(br.Model(THIRD, br.Laplace(edge * (1 - 1e-7), loc=loc)), data)
        above = quietly(br.Model(THIRD, br.Laplace(edge * (1 + 1e-5), loc=loc)), data)
        assert np.all(below.coef == loc)
        assert np.any(above.coef != loc)


def test_path_is_certified_and_equals_single_fits():
    data = make_data(THIRD, weights=True)
    for prior in (br.Laplace(0.3), br.ElasticNet(0.3, 0.6), br.Normal(0.5)):
        model = br.Model(THIRD, prior)
        path = br.find_map_path(model, data, n_scales=8)
        assert all(certificate.relative_gap <= 1e-12 for certificate in path.certificates)
        reference = model.axis_scale(data)
        for k in (0, 5):
            alone = quietly(model.rescaled(path.scales[k] / reference), data)
            np.testing.assert_allclose(path.coef[k], alone.coef, rtol=1e-8, atol=1e-10)
    assert br.find_map_path(br.Model(THIRD, br.Laplace(0.3)), data, n_scales=5).n_nonzero[0] <= 1


def test_pymc_has_the_same_density():
    from bayesreg.pymc import log_density_function

    for weights in (False, True):
        data = make_data(THIRD, weights=weights, offset=True)
        model = br.Model(THIRD, br.Laplace(0.3))
        density = log_density_function(model, data)
        rng = np.random.default_rng(0)
        for _ in range(5):
            coef, a = 0.3 * rng.normal(size=7), rng.normal()
            assert density(coef, a) == pytest.approx(model.log_density(data, coef, a), rel=1e-12)


def test_verify_sample_and_words():
    from bayesreg.wording import describe

    data, model = make_data(THIRD), br.Model(THIRD, br.Laplace(0.3))
    assert "0.3-quantile at a + x_i . w, scale 0.8" in describe(model, data)
    report = br.verify(model, data)
    assert report.passed
    assert br.from_text(repr(model)) == model
    assert br.from_dict(br.to_dict(model)) == model
    with pytest.raises(br.errors.NoEquivalentError):
        br.to_penalty(model, "sklearn.Lasso", data)


# ---- beside the other parts ----------------------------------------------------------------

WITHOUT_PROOF = [
    pytest.param(br.GroupLaplace(0.3), br.Flat(), "GroupLaplace", id="group"),
    pytest.param(
        {"x[01]": br.GroupLaplace(0.3), "x[2-6]": br.Laplace(0.3)},
        br.Flat(),
        "GroupLaplace",
        id="some-grouped",
    ),
    pytest.param(br.StudentT(3.0, scale=0.3), br.Flat(), "StudentT and Cauchy", id="student-t"),
    pytest.param(br.Laplace(0.3), br.Cauchy(1.0), "StudentT and Cauchy", id="cauchy-intercept"),
]


@pytest.mark.parametrize(("prior", "intercept", "match"), WITHOUT_PROOF)
def test_priors_without_a_solver_are_refused_everywhere(prior, intercept, match):
    model, data = br.Model(THIRD, prior, intercept=intercept), make_data(THIRD)
    for act in (
        lambda: br.find_map(model, data),
        lambda: br.find_map(model, data, on_failure="return"),
        lambda: br.find_map_path(model, data),
        lambda: br.find_map_path(model, data, [0.1, 0.3]),
        lambda: br.certify(model, data, np.zeros(7), 0.0),
        lambda: br.certify(model, data, np.zeros(7), 0.0, dual=np.zeros(data.n)),
        lambda: br.verify(model, data),
    ):
        with pytest.raises(ModelError, match=f"{match}.* beside AsymmetricLaplace.*use a"):
            act()
    with pytest.raises(ModelError):
        smallest_scale(model, data)


def test_a_prior_with_a_pole_has_no_mode():
    with pytest.raises(br.errors.NoModeError, match="Horseshoe"):
        br.find_map(br.Model(THIRD, br.Horseshoe(0.3)), make_data(THIRD))


def test_heavy_tailed_priors_can_be_sampled_without_a_mode():
    X = make_design(n=40, p=1)
    y = 0.4 * X[:, 0] + np.random.default_rng(3).laplace(size=40)
    model, data = br.Model(MEDIAN, br.Cauchy(0.3), intercept=None), br.Data(X, y)
    post = br.sample(model, data, draws=2500, seed=1, progress=False)
    assert "have no solver" in post.attrs["map_estimate"]
    grid = np.linspace(-4, 4, 2001)
    density = np.exp([model.log_density(data, np.array([w])) for w in grid])
    mean = grid @ density / np.sum(density)
    deviation = np.sqrt((grid - mean) ** 2 @ density / np.sum(density))
    drawn = post["posterior"]["coef"].values
    error = deviation / np.sqrt(post.attrs["ess_bulk_min"])
    assert abs(np.mean(drawn) - mean) <= 5 * error
    assert np.std(drawn) == pytest.approx(deviation, rel=0.15)


@pytest.mark.parametrize("target", ["joint", "marginal"])
def test_only_the_conditional_mode_is_there(target):
    model, data = br.Model(THIRD, br.Laplace(0.3)), make_data(THIRD)
    with pytest.raises(ModelError, match="target must be None or 'conditional'"):
        br.find_map(model, data, target=target)
    alone = br.find_map(model, data, target="conditional")
    np.testing.assert_array_equal(alone.coef, br.find_map(model, data).coef)


def test_trials_are_refused():
    X = make_design()
    data = br.Data(X, np.zeros(60), trials=np.ones(60))
    with pytest.raises(ModelError, match="would ignore"):
        br.find_map(br.Model(THIRD, br.Laplace(0.3)), data)


@pytest.mark.parametrize("standardize", [False, True])
def test_a_covariance_without_correlation_is_a_normal_prior(standardize):
    data = make_data(THIRD, weights=True, offset=True)
    scales, loc = np.linspace(0.1, 0.9, 7), np.linspace(-0.3, 0.4, 7)
    apart = br.Model(THIRD, br.Normal(scales, loc=loc), standardize=standardize)
    joint = br.Model(
        THIRD, br.MultivariateNormal(np.diag(scales**2), loc=loc), standardize=standardize
    )
    one, other = br.find_map(apart, data), br.find_map(joint, data)
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-10, atol=1e-12)
    assert other.log_density == pytest.approx(one.log_density, rel=1e-12)
    one_path, other_path = (br.find_map_path(m, data, [0.05, 0.4]) for m in (apart, joint))
    np.testing.assert_allclose(other_path.coef, one_path.coef, rtol=1e-9, atol=1e-11)
    for path, k in ((one_path, 0), (other_path, 1)):
        np.testing.assert_array_equal(path.estimates[k].coef, path.coef[k])
        assert path.estimates[k].certificate == path.certificates[k]


def test_path_in_any_order_of_scales():
    model, data = br.Model(THIRD, br.Laplace(0.3)), make_data(THIRD)
    path = br.find_map_path(model, data, [0.3, 0.05, 0.3, 1.0])
    np.testing.assert_array_equal(path.scales, [0.3, 0.05, 0.3, 1.0])
    np.testing.assert_array_equal(path.coef[0], path.coef[2])
    np.testing.assert_allclose(path.coef[0], quietly(model, data).coef, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(path.lambdas, 1.0 / path.scales, rtol=1e-12)
    assert path.n_nonzero[1] < path.n_nonzero[3]
    assert "largest relative gap" in repr(path)
