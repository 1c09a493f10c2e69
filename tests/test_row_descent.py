"""Descent on the residuals for kinked priors: against Newton's method, and where it ends."""

import numpy as np
import pytest
from helpers import LIKELIHOODS, make_data, with_design
from scipy import sparse

import bayesreg as br
from bayesreg._kernels import row_descent as kernels
from bayesreg.penalty import Penalty
from bayesreg.problem import bind
from bayesreg.proof.null import null_deviance
from bayesreg.proof.point import certify_point
from bayesreg.solvers import solve
from bayesreg.solvers.newton import minimise
from bayesreg.solvers.quadratic import Quadratic, minimise_quadratic
from bayesreg.solvers.row_descent import (
    _FEW,
    approach,
    descend,
    row_descent_pays,
    too_many_for_newton,
)
from bayesreg.solvers.start import starting_point

SMOOTH = [row for row in LIKELIHOODS if not isinstance(row.values[0], br.Gaussian)]
KINKED = [
    pytest.param(br.Laplace(0.1), id="laplace"),
    pytest.param(br.Laplace((0.05, 0.3, 0.1) * 2 + (0.2,), loc=(0.2, 0.0, -0.1) * 2 + (0.0,)),
                 id="laplace-loc"),
    pytest.param(br.ElasticNet(0.1, 0.4), id="elastic-net"),
    pytest.param(br.Exponential(0.2), id="exponential"),
    pytest.param(br.Truncated(br.Laplace(0.2, loc=0.1), lower=-0.1, upper=0.2), id="bounded"),
]  # fmt: skip
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csc": sparse.csc_array,
}
INTERCEPTS = [pytest.param(br.Flat(), id="flat"), pytest.param(None, id="none")]


def bound(likelihood, prior, intercept=br.Flat(), layout="F", **rows):  # noqa: B008
    data = make_data(likelihood, **rows)
    return bind(br.Model(likelihood, prior, intercept), with_design(data, LAYOUTS[layout](data.X)))


def start_of(problem):
    return starting_point(problem, tuple(f"x{j}" for j in range(problem.p)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize("prior", KINKED)
@pytest.mark.parametrize("likelihood", SMOOTH)
def test_it_ends_at_the_mode_that_newton_finds(likelihood, prior, intercept, layout):
    problem = bound(likelihood, prior, intercept, layout, weights=True, offset=True)
    assert row_descent_pays(problem)
    start = start_of(problem)
    found = descend(problem, start, 1e-13, 1000)
    expected = minimise(problem, start).v
    assert problem.value(found.v) - problem.value(expected) <= 1e-10
    np.testing.assert_allclose(found.v, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("aim", [1e-1, 1e-3, 1e-6])
def test_what_is_left_is_within_the_aim(aim, layout):
    problem = wide_problem(layout)
    found = descend(problem, start_of(problem), aim, 1000)
    least = problem.value(minimise(problem, found.v).v)
    assert found.settled
    assert problem.value(found.v) - least <= 1.1 * aim
    assert certify_point(problem, found.v).gap <= 2 * aim


def wide_problem(layout="F", intercept=br.Flat(), n=150, p=400, seed=3):  # noqa: B008
    """More columns in play than have their second moments formed."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.uniform(size=(n, p)) < 0.4)
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-X[:, :30].sum(axis=1)))).astype(float)
    model = br.Model(br.Bernoulli(), br.Laplace(2.0), intercept)
    return bind(model, br.Data(LAYOUTS[layout](X), y))


@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_layouts_agree_where_the_columns_in_play_are_many(intercept):
    found = {}
    for layout in LAYOUTS:
        problem = wide_problem(layout, intercept)
        found[layout] = descend(problem, start_of(problem), 1e-12, 1000).v
    pull = problem.X.T @ problem.gradient_rows(problem.linear_predictor(start_of(problem)))
    assert np.count_nonzero(np.abs(pull) > problem.penalty.l1[: problem.p]) > _FEW
    for layout in ("C", "csc"):
        np.testing.assert_allclose(found[layout], found["F"], rtol=1e-5, atol=1e-6)
        assert np.array_equal(found[layout] == 0, found["F"] == 0)


def quadratic_of(n=80, p=30, seed=0):
    """Weighted least squares with bounds, curvature and bare kinks, an intercept eliminated."""
    rng = np.random.default_rng(seed)
    X, h, q = rng.normal(size=(n, p)) + 0.7, rng.uniform(0.1, 2.0, n), rng.normal(size=n) * 3
    l1, l2 = rng.uniform(1.0, 8.0, p), np.where(np.arange(p) % 3 == 0, 2.0, 0.0)
    lower = np.where(np.arange(p) % 4 == 0, -0.05, -np.inf)
    return X, h, q, Penalty(l1, l2, np.zeros(p), lower, np.full(p, np.inf))


def rows_of_columns(penalty, pull):
    columns = np.zeros((penalty.size, 8))
    parts = (penalty.l1, penalty.l2, penalty.lower, penalty.upper, pull)
    columns[:, 1:6] = np.stack(parts, axis=1)
    return columns


@pytest.mark.parametrize("beyond", [1.0, 1.4, 1.9])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_sweeps_find_the_minimum_of_the_quadratic(kind, beyond):
    X, h, q, penalty = quadratic_of()
    p = penalty.size
    hr, weight = h * q, h.sum()
    mean = X.T @ h / weight
    centred = X - mean
    working = np.arange(p)
    columns = rows_of_columns(penalty, X.T @ hr)
    if kind == "dense":
        kernels.weighted_columns(X.T.copy(), h, working, working, columns)
        left = kernels.settle_dense(
            X.T.copy(), h, hr.copy(), hr.sum(), weight, columns, working, working, 1e-9, 5000,
            beyond,
        )  # fmt: skip
    else:
        csc, root = sparse.csc_array(X), np.sqrt(h)
        ends = np.empty(p + 1, dtype=np.int64)
        rows, values = np.empty(csc.nnz, dtype=csc.indices.dtype), np.empty(csc.nnz)
        kernels.scaled_columns(
            csc.indptr, csc.indices, csc.data, root, working, ends, rows, values, columns
        )
        left = kernels.settle_sparse(
            ends, rows, values, hr / root, hr.sum(), weight, columns, working, 1e-9, 5000, beyond
        )
    H = centred.T @ (h[:, None] * centred)
    quadratic = Quadratic(H, -centred.T @ hr, np.zeros(p))
    expected = minimise_quadratic(quadratic, penalty)
    np.testing.assert_allclose(columns[:, 0], expected, rtol=1e-7, atol=1e-9)
    assert np.array_equal(columns[:, 0] == 0, expected == 0)
    # The sum of h r that is left is that of the intercept's step.
    np.testing.assert_allclose(left, hr.sum() - weight * mean @ columns[:, 0], rtol=1e-9)


def test_distance_and_gap_of_a_survey():
    _, _, _, penalty = quadratic_of()
    rng = np.random.default_rng(5)
    pull, d = rng.normal(size=penalty.size) * 6, np.maximum(rng.normal(size=penalty.size), 0.0)
    d[::4] = -0.05
    columns = rows_of_columns(penalty, pull)
    columns[:, 0] = d
    working = np.empty(d.size, dtype=np.int64)
    size, alpha, gap = kernels.survey(columns, working)
    distance = penalty.subgradient_distance(d, -pull)
    assert np.array_equal(working[:size], np.flatnonzero((d != 0) | (distance > 0)))
    assert alpha == pytest.approx(penalty.dual_scalings(pull)[-2], rel=1e-14)
    bare = penalty.l2 == 0
    exact = penalty.take(bare).fenchel_young(d[bare], alpha * pull[bare])
    curved = 0.5 * distance[~bare] ** 2 / penalty.l2[~bare]
    assert gap == pytest.approx(np.sum(exact) + np.sum(curved), rel=1e-10)


def many_coefficients(n=9000, p=8000, seed=0):
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, p), density=2e-3, rng=rng, data_sampler=rng.standard_normal)
    X = sparse.csc_array(X)
    signal = X @ rng.normal(size=p)
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-signal))).astype(float)
    return br.Data(X, y)


def test_a_support_too_large_for_a_square_matrix():
    data = many_coefficients()
    model = br.Model(br.Bernoulli(), br.Laplace(2.0))
    fit = br.find_map(model, data)
    problem = bind(model, data)
    assert too_many_for_newton(problem, problem.extended(fit.coef, fit.intercept))
    assert fit.certificate.holds
    assert fit.certificate.relative_gap <= 1e-8
    assert 0 < fit.n_zeros < data.p


@pytest.mark.parametrize("tol", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("likelihood", SMOOTH)
def test_a_loose_tolerance_is_met_without_newton(likelihood, tol):
    data = make_data(likelihood)
    model = br.Model(likelihood, br.Laplace(0.1))
    fit, best = br.find_map(model, data, tol=tol), br.find_map(model, data)
    half = fit.certificate.half_null_deviance
    assert fit.certificate.holds
    assert best.log_density - fit.log_density <= tol * half
    problem = bind(model, data)
    near = approach(problem, start_of(problem), tol, null_deviance(problem) / 2, 1000)
    assert near.settled
    assert np.array_equal(problem.coefficients(near.v)[0], fit.coef)


def test_the_default_tolerance_has_the_last_digits_from_newton():
    data = make_data(br.Bernoulli(), n=400)
    model = br.Model(br.Bernoulli(), br.Laplace(0.1))
    fit = br.find_map(model, data)
    problem = bind(model, data)
    near = approach(problem, start_of(problem), 1e-8, null_deviance(problem) / 2, 1000)
    assert not near.settled
    assert fit.certificate.relative_gap <= 1e-14
    assert fit.iterations > near.iterations


@pytest.mark.parametrize("allowed", [1, 2])
def test_iterations_are_counted_and_kept_to(allowed):
    data = make_data(br.Poisson(), n=200)
    model = br.Model(br.Poisson(), br.Laplace(0.5))
    with pytest.raises(br.errors.NotCertifiedError, match="max_iterations") as failed:
        br.find_map(model, data, max_iterations=allowed)
    assert failed.value.estimate.iterations == allowed
    assert not failed.value.estimate.settled


def test_a_step_that_overflows_is_shortened():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * 300.0
    model = br.Model(br.Poisson(), br.Laplace(1e4), None)
    fit = br.find_map(model, br.Data(X, np.array([1e5, 2e4, 3.0])), tol=1e-6)
    assert fit.certificate.holds


OTHERS = [
    pytest.param(br.Model(br.Gaussian(1.0), br.Laplace(1.0)), id="quadratic"),
    pytest.param(br.Model(br.Poisson(), br.Normal(1.0)), id="no kink"),
    pytest.param(br.Model(br.Poisson(), br.Laplace((np.inf,) + (1.0,) * 6)), id="flat column"),
    pytest.param(br.Model(br.Poisson(), br.GroupLaplace(1.0)), id="groups"),
    pytest.param(br.Model(br.Poisson(), br.Cauchy(1.0)), id="tails"),
    pytest.param(br.Model(br.Poisson(), br.Laplace(1.0), br.Normal(1.0)), id="intercept's prior"),
    pytest.param(
        br.Model(br.Poisson(), br.Truncated(br.Laplace(1.0), lower=0.5)), id="kink out of bounds"
    ),
]


@pytest.mark.parametrize("model", OTHERS)
def test_who_is_left_to_others(model):
    assert not row_descent_pays(bind(model, make_data(br.Poisson())))


def test_tight_tolerances_are_met_on_supports_too_large_for_a_square_matrix(monkeypatch):
    """Where J has no more digits to fall by, the gap still has; Newton's method is not asked."""
    rng = np.random.default_rng(12)
    X = sparse.random_array((8000, 20000), density=2e-3, rng=rng, format="csc")
    y = (rng.random(8000) < 0.5).astype(float)
    slope = np.max(np.abs(X.T @ (y - y.mean())))
    monkeypatch.setattr(solve, "settle", None)
    model = br.Model(br.Bernoulli(), br.Laplace(20 / slope), intercept=None)
    fit = br.find_map(model, br.Data(X, y), tol=1e-11)
    assert fit.certificate.holds
    assert np.count_nonzero(fit.coef) > 3000
