"""Gaussian paths solved and certified all at once, against one point at a time."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import BOUNDED_PRIORS, PRIORS, make_data
from scipy import sparse

import bayesreg as br
from bayesreg.moments import moments
from bayesreg.problem import bind
from bayesreg.proof.null import null_deviance
from bayesreg.proof.path import certify_path, certify_path_by_rows
from bayesreg.proof.point import certify_point
from bayesreg.solvers import path_points
from bayesreg.solvers.gaussian import path_at_once
from bayesreg.solvers.ridge_path import ridge_from_moments, ridge_from_rows
from bayesreg.solvers.solve import solve
from bayesreg.solvers.start import starting_point

GAUSSIAN = br.Gaussian(1.5)
INTERCEPTS = [
    pytest.param(br.Flat(), id="flat"),
    pytest.param(None, id="none"),
    pytest.param(br.Normal(2.0, loc=0.3), id="normal"),
]
FACTORS = np.geomspace(0.01, 100.0, 12)


def common_factors(problem):
    kinked = np.any(problem.penalty.l1[: problem.p] > 0)
    return FACTORS if kinked else FACTORS**2


def one_by_one(problem, model, names, tol=1e-12):
    found, start = [], starting_point(problem, names)
    for factor in FACTORS:
        scaled = problem.at_scale(float(factor))
        fit = solve(scaled, model, names, start, tol, 1000)
        start = scaled.extended(fit.coef, fit.intercept)
        found.append(start)
    return np.stack(found)


def wide_data(seed=0, n=25, p=60, **rows):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
    y = 1.0 + X[:, :4] @ np.array([2.0, -1.0, 0.5, 0.5]) + rng.normal(size=n)
    return br.Data(X, y, **rows)


@pytest.mark.parametrize("intercept", INTERCEPTS[:2])
@pytest.mark.parametrize("prior", [*PRIORS, *BOUNDED_PRIORS])
def test_moments_path_is_that_of_single_points(prior, intercept):
    data = make_data(GAUSSIAN, weights=True, offset=True)
    model = br.Model(GAUSSIAN, prior, intercept)
    problem = bind(model, data)
    along = path_at_once(problem, FACTORS, common_factors(problem), 1e-10)
    unpenalised = (problem.penalty.l1 == 0) & (problem.penalty.l2 == 0)
    if np.any(problem.start != problem.penalty.loc) or unpenalised[: problem.p].any():
        assert along is None  # left to one point at a time
        return
    proved = along.gaps.holds
    assert proved.all()
    expected = one_by_one(problem, model, data.names)
    for k in np.flatnonzero(proved):
        excess = problem.at_scale(FACTORS[k]).value(along.v[k]) - problem.at_scale(
            FACTORS[k]
        ).value(expected[k])
        assert -1e-9 <= excess <= along.gaps.gap[k] + 1e-9
        np.testing.assert_allclose(along.v[k], expected[k], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.Normal(0.5)], ids=repr)
def test_the_prior_of_the_intercept_is_not_scanned(prior):
    data = make_data(GAUSSIAN)
    model = br.Model(GAUSSIAN, prior, br.Normal(2.0, loc=0.3))
    assert path_at_once(bind(model, data), FACTORS, FACTORS, 1e-8) is None
    path = br.find_map_path(model, data, FACTORS * prior.scale)
    for estimate, factor in zip(path.estimates, FACTORS, strict=True):
        assert estimate.model.intercept == br.Normal(2.0, loc=0.3)
        fit = br.find_map(model.rescaled(float(factor)), data)
        np.testing.assert_allclose(estimate.coef, fit.coef, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("intercept", INTERCEPTS[:2])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "prior",
    [br.Laplace(0.2), br.Laplace(0.2, loc=0.1), br.ElasticNet(0.2, 1.0), br.Exponential(0.3)],
    ids=repr,
)
def test_wide_paths_are_those_of_single_points(prior, form, intercept):
    rng = np.random.default_rng(3)
    data = wide_data(weights=rng.uniform(0.5, 2.0, 25), offset=rng.normal(size=25))
    data = br.Data(form(data.X), data.y, data.weights, data.offset)
    model = br.Model(GAUSSIAN, prior, intercept)
    problem = bind(model, data)
    factors = np.geomspace(0.05, 20.0, 12)
    along = path_at_once(problem, factors, factors, 1e-9)
    # Descent on residuals is slow once nearly as many columns as rows are in play; such points
    # are solved one by one.
    assert np.count_nonzero(along.gaps.holds) >= (12 if form is np.asarray else 6)
    for k in np.flatnonzero(along.gaps.holds):
        factor = factors[k]
        scaled = problem.at_scale(float(factor))
        fit = solve(scaled, model, data.names, along.v[k], 1e-12, 1000)
        best = scaled.extended(fit.coef, fit.intercept)
        excess = scaled.value(along.v[k]) - scaled.value(best)
        assert -1e-9 <= excess <= along.gaps.gap[k] + 1e-9
        if fit.unique:
            # sqrt(2 gap / curvature) is the reach of a gap in a strongly convex direction.
            np.testing.assert_array_equal((along.v[k] != 0)[:60], (best != 0)[:60])


@pytest.mark.parametrize("shape", [(40, 6), (15, 40)], ids=["tall", "wide"])
@pytest.mark.parametrize("intercept", INTERCEPTS[:2])
def test_ridge_path_solves_the_normal_equations(shape, intercept):
    rng = np.random.default_rng(5)
    n, p = shape
    X, y = rng.normal(size=shape) + 1.0, rng.normal(size=n)
    scale, loc = rng.uniform(0.2, 2.0, p), rng.normal(size=p)
    model = br.Model(GAUSSIAN, br.Normal(scale, loc=loc), intercept)
    scales = np.geomspace(0.1, 10.0, 7) * scale[0]
    path = br.find_map_path(model, br.Data(X, y), scales)
    for t, coef, a in zip(scales / scale[0], path.coef, path.intercept, strict=True):
        design = X if intercept is None else np.column_stack([X, np.ones(n)])
        precision = np.append((t * scale) ** -2.0, 0.0)[: design.shape[1]]
        centre = np.append(loc, 0.0)[: design.shape[1]]
        A = design.T @ design / 1.5**2 + np.diag(precision)
        expected = np.linalg.solve(A, design.T @ y / 1.5**2 + precision * centre)
        found = np.append(coef, a)[: design.shape[1]]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    assert max(c.relative_gap for c in path.certificates) < 1e-12


def test_both_ways_to_the_ridge_path_agree():
    data = wide_data(n=30, p=30)
    problem = bind(br.Model(GAUSSIAN, br.Normal(0.7)), data)
    known, g = moments(problem), np.geomspace(0.01, 10.0, 5)
    one = known.extended(ridge_from_moments(known, problem.penalty.take(slice(0, 30)), g))
    np.testing.assert_allclose(one, ridge_from_rows(problem, g), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_moments_give_the_loss(intercept):
    data = make_data(GAUSSIAN, weights=True, offset=True)
    problem = bind(br.Model(GAUSSIAN, br.Laplace(0.3, loc=0.2), intercept), data)
    known = moments(problem)
    d = np.random.default_rng(0).normal(size=(5, known.start.size))
    twice = known.total - 2 * d @ known.cross + np.sum(d @ known.gram * d, axis=1)
    for k in range(5):
        v = known.extended(d[k])
        assert twice[k] / 2 == pytest.approx(problem.loss(problem.linear_predictor(v)), rel=1e-12)


def test_columns_far_from_zero_are_centred_before_the_product():
    """A mean 100 times the spread costs the raw product four digits of the centred one."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3)) + np.array([0.0, 100.0, -200.0])
    problem = bind(br.Model(GAUSSIAN, br.Normal(1.0)), br.Data(X, rng.normal(size=200)))
    exact = (X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) / 1.5**2
    np.testing.assert_allclose(moments(problem).gram, exact, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("rows", [False, True], ids=["moments", "rows"])
@pytest.mark.parametrize("prior", [br.Laplace(0.3), br.ElasticNet(0.3, 0.6), br.Normal(0.5)])
@pytest.mark.parametrize("seed", range(4))
def test_gap_at_any_point_bounds_the_excess_and_is_that_of_the_single_point(prior, rows, seed):
    data = make_data(GAUSSIAN, weights=True, offset=True)
    model = br.Model(GAUSSIAN, prior)
    problem = bind(model, data)
    fit = br.find_map(model, data, tol=1e-12)
    best = problem.extended(fit.coef, fit.intercept)
    rng = np.random.default_rng(seed)
    known, half = moments(problem), null_deviance(problem) / 2
    steps = 10.0 ** rng.uniform(-6, 0, size=(6, 1)) * rng.normal(size=(6, data.p))
    d = best[:-1] - known.start + np.where(rng.random(steps.shape) < 0.5, 0.0, steps)
    v = known.extended(d)
    penalty, ones = problem.penalty.take(slice(0, data.p)), np.ones(6)
    if rows:
        gaps = certify_path_by_rows(problem, penalty, ones, ones, v, half, 1e-8)
    else:
        along = replace(penalty, l1=penalty.l1 * ones[:, None], l2=penalty.l2 * ones[:, None])
        gaps = certify_path(known, along, d, half, 1e-8)
    for k in range(6):
        assert gaps.gap[k] >= problem.value(v[k]) - problem.value(best) - 1e-10
        single = certify_point(problem, v[k])
        assert gaps.gap[k] >= single.gap * (1 - 1e-6) - 1e-9
        assert gaps.kkt_residual[k] == pytest.approx(single.kkt_residual, rel=1e-6, abs=1e-9)
        assert gaps.certificate(k).gap == gaps.gap[k]


def test_a_wrong_zero_is_not_proved():
    data = make_data(GAUSSIAN)
    problem = bind(br.Model(GAUSSIAN, br.Laplace(0.3)), data)
    known, half = moments(problem), null_deviance(problem) / 2
    penalty = problem.penalty.take(slice(0, data.p))
    along = replace(penalty, l1=penalty.l1[None], l2=penalty.l2[None])
    for wrong, proved in ((True, False), (False, True)):
        fit = br.find_map(br.Model(GAUSSIAN, br.Laplace(0.3)), data, tol=1e-12)
        d = fit.coef - known.start
        assert fit.n_zeros > 0
        largest = np.argmax(np.abs(fit.coef))
        d[largest] = 0.0 if wrong else d[largest]
        assert certify_path(known, along, d[None], half, 1e-8).zeros_proved[0] == proved


def test_path_makes_its_estimates_when_asked():
    data = make_data(GAUSSIAN)
    path = br.find_map_path(br.Model(GAUSSIAN, br.Laplace(0.3)), data, n_scales=20)
    for k in (0, 7, -1):
        estimate = path.estimates[k]
        assert estimate is path.estimates[k]
        np.testing.assert_array_equal(estimate.coef, path.coef[k])
        assert estimate.certificate.gap == path.certificates[k].gap
        fit = br.find_map(estimate.model, data)
        assert estimate.log_density == pytest.approx(fit.log_density, abs=1e-6)
    assert len(path.estimates[3:6]) == 3
    with pytest.raises(IndexError):
        path.estimates[20]


def test_thousands_of_nonzeros_in_a_sparse_design():
    """No square matrix of them is made; the certificate and uniqueness hold all the same."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((6000, 9000), density=2e-3, format="csc", rng=rng)
    y = X @ (rng.normal(size=9000) * (rng.random(9000) < 0.5)) + 0.1 * rng.normal(size=6000)
    scale = 100.0 / np.max(np.abs(X.T @ (y - y.mean())))
    fit = br.find_map(br.Model(br.Gaussian(1.0), br.Laplace(scale)), br.Data(X, y))
    assert np.count_nonzero(fit.coef) > 3000
    assert fit.certificate.holds
    assert fit.unique


@pytest.mark.parametrize("scales", [None, "knots"])
def test_points_that_moments_cannot_prove_are_proved_by_rows(scales, monkeypatch):
    """Columns far from 0 and a tight tolerance: nothing is solved again."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 40)) + 10.0
    y = X[:, 0] + rng.normal(size=3000)
    monkeypatch.setattr(path_points, "_solve_at", None)
    model = br.Model(GAUSSIAN, br.Laplace(1.0))
    path = br.find_map_path(model, br.Data(X, y), scales, n_scales=20, tol=1e-11)
    assert all(certificate.holds for certificate in path.certificates)
    for k in (1, len(path.scales) // 2, len(path.scales) - 1):
        single = path.estimates[k]
        again = br.certify(single.model, br.Data(X, y), single.coef, single.intercept, tol=1e-11)
        assert again.holds
