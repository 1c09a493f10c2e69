"""Descent on the residuals of a sparse X: optimal by the conditions, proved from the data."""

import numpy as np
import pytest
import scipy.sparse as sp

import bayesreg as br
from bayesreg import design
from bayesreg._kernels.residual_descent import (
    copy_columns,
    extrapolate,
    four_pulls,
    mixing_weights,
    objective,
    sweep,
)
from bayesreg.errors import NotUniqueWarning
from bayesreg.problem import bind
from bayesreg.proof.path import certify_path_by_rows
from bayesreg.proof.point import certify_point
from bayesreg.proof.uniqueness import mode_is_unique
from bayesreg.solvers.sparse import SparsePath, residual_descent_pays

PRIORS = [
    br.Laplace(0.05),
    br.Laplace(0.05, loc=0.1),
    br.ElasticNet(0.05, 0.3),
    br.Exponential(0.05),
    br.Truncated(br.Laplace(0.05), -0.1, 0.4),
]


def _design(n=60, p=150, density=0.15, seed=0):
    rng = np.random.default_rng(seed)
    X = sp.random_array(
        (n, p), density=density, rng=rng, format="csc",
        data_sampler=lambda size: rng.normal(size=size),
    )  # fmt: skip
    w = np.where(rng.random(p) < 0.1, rng.normal(size=p), 0.0)
    return X, 1.0 + X @ w + 0.3 * rng.normal(size=n)


def _data(weights=True, dense=False, **kwargs):
    X, y = _design(**kwargs)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2.0, y.size) if weights else None
    return br.Data(X.toarray() if dense else X, y, weights, rng.normal(size=y.size))


@pytest.mark.parametrize("intercept", [br.Flat(), None], ids=str)
@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_every_point_of_a_path_is_optimal_and_as_with_a_dense_matrix(prior, intercept):
    model = br.Model(br.Gaussian(0.5), prior, intercept)
    scales = 0.05 * np.geomspace(0.02, 5.0, 14)
    data = _data()
    assert residual_descent_pays(bind(model, data))
    path = br.find_map_path(model, data, scales, tol=1e-12)
    other = br.find_map_path(model, _data(dense=True), scales, tol=1e-12)
    np.testing.assert_allclose(path.coef, other.coef, atol=1e-5)
    for scale, coef, a in zip(scales, path.coef, path.intercept, strict=True):
        proof = br.certify(model.rescaled(scale / 0.05), data, coef, a, tol=1e-12)
        assert proof.holds
    assert all(certificate.holds for certificate in path.certificates)


@pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_a_point_keeps_what_was_asked(prior, tol):
    model, data = br.Model(br.Gaussian(0.5), prior), _data()
    fit = br.find_map(model, data, tol=tol)
    proof = br.certify(model, data, fit.coef, fit.intercept, tol=tol)
    assert fit.certificate.holds
    assert proof.holds
    best = br.find_map(model, _data(dense=True), tol=1e-12)
    assert best.log_density - fit.log_density <= fit.certificate.gap + 1e-9
    # The certificate of the single point may find a better dual point, never a worse one.
    assert proof.gap <= fit.certificate.gap * (1 + 1e-6) + 1e-12


def test_points_are_the_same_every_time():
    model, data = br.Model(br.Gaussian(0.5), br.Laplace(0.05)), _data()
    one, other = (br.find_map_path(model, data, n_scales=20).coef for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_what_was_not_foreseen_is_found(monkeypatch):
    """Working sets without a margin: columns that leave their kink later are found by looking."""
    monkeypatch.setattr("bayesreg.solvers.sparse._NEARLY", 1.0)
    problem = bind(br.Model(br.Gaussian(0.5), br.Laplace(0.05)), _data())
    path = SparsePath(problem)
    f = np.geomspace(0.05, 1.0, 9)
    v = path.extended(path.points(f, f, np.full(9, 1e-9)))
    for k in range(9):
        assert certify_point(problem.at_scale(f[k]), v[k]).gap <= 2e-9


def _compact(X, y, h):
    """What the compiled loops take: every column in play, h scaled in."""
    root, p = np.sqrt(h), X.shape[1]
    rows, indptr = X.indices.astype(np.uint32), X.indptr.astype(np.uint32)
    pointers, own_rows = np.empty(p + 1, np.uint32), np.empty(X.nnz, np.uint32)
    own_data = np.empty(X.nnz)
    copy_columns(indptr, rows, X.data, root, np.arange(p), pointers, own_rows, own_data)
    sums = X.T @ h
    squares = X.power(2).T @ h - sums**2 / h.sum()
    columns = np.stack([
        np.zeros(p), np.full(p, 0.5), np.full(p, 0.1), np.full(p, -np.inf), np.full(p, np.inf),
        sums, squares,
    ])  # fmt: skip
    residual = root * (y - h @ y / h.sum())
    return root, columns, residual, (pointers, own_rows, own_data)


def test_sweeps_keep_the_residuals_current_and_never_rise():
    X, y = _design(n=30, p=12)
    h = np.random.default_rng(2).uniform(0.5, 2.0, 30)
    root, columns, residual, stored = _compact(X, y, h)
    total, everything = np.zeros(1), np.arange(12)
    last = np.inf
    for _ in range(6):
        sweep(*stored, residual, total, h.sum(), columns, everything, 12, 2.0, 3.0)
        moved = y - h @ y / h.sum() - X @ columns[0]
        np.testing.assert_allclose(residual, root * moved, atol=1e-12)
        np.testing.assert_allclose(total[0], h @ moved, atol=1e-11)
        here = objective(residual, total[0], h.sum(), columns, everything, 12, 2.0, 3.0)
        centred = moved - h @ moved / h.sum()
        by_hand = 0.5 * h @ centred**2 + np.sum(0.25 * abs(columns[0]) + 0.1 / 6 * columns[0] ** 2)
        assert here == pytest.approx(by_hand, rel=1e-12)
        assert here <= last
        last = here


def test_mixing_is_the_least_norm_of_the_differences():
    past = np.random.default_rng(3).normal(size=(5, 40)).cumsum(axis=0)
    mixing = np.empty(4)
    assert mixing_weights(past, 40, mixing)
    D = np.diff(past, axis=0)
    expected = np.linalg.solve(D @ D.T, np.ones(4))
    np.testing.assert_allclose(mixing, expected / expected.sum(), rtol=1e-8)
    assert not mixing_weights(np.ones((5, 40)), 40, mixing)


def test_an_extrapolation_that_rises_is_undone():
    X, y = _design(n=30, p=12)
    _, columns, residual, stored = _compact(X, y, np.ones(30))
    total, chosen = np.zeros(1), np.arange(12)
    past, past_residual, past_total = np.empty((3, 12)), np.empty((3, 30)), np.empty(3)
    for k in range(3):
        past[k], past_residual[k], past_total[k] = columns[0], residual, total[0]
        if k < 2:
            sweep(*stored, residual, total, 30.0, columns, chosen, 12, 1.0, 1.0)
    past[1] -= 10.0  # A history that never was, leading away.
    before = columns[0].copy(), residual.copy(), total.copy()
    extrapolate(residual, total, 30.0, columns, chosen, 12, 1.0, 1.0, past, past_residual,
                past_total)  # fmt: skip
    for kept, now in zip(before, (columns[0], residual, total), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_four_pulls_at_once():
    X, _ = _design()
    R, out = np.random.default_rng(4).normal(size=(60, 4)), np.empty((4, 150))
    four_pulls(X.indptr.astype(np.uint32), X.indices.astype(np.uint32), X.data, R, out)
    np.testing.assert_allclose(out, (X.T @ R).T, atol=1e-13)


@pytest.mark.parametrize("sparse", [True, False])
def test_runs_of_columns_give_the_certificate_of_the_single_point(monkeypatch, sparse):
    """Runs of 32 columns, points good and bad, against the certificate that sees them all."""
    monkeypatch.setattr("bayesreg.proof.path._COLUMNS_AT_ONCE", 32)
    data = _data(dense=not sparse)
    model = br.Model(br.Gaussian(0.5), br.Laplace(0.05))
    problem = bind(model, data)
    f = np.array([0.2, 0.5, 1.0])
    path = br.find_map_path(model, data, 0.05 * f, tol=1e-10)
    v = np.stack([problem.extended(w, a) for w, a in zip(path.coef, path.intercept, strict=True)])
    v[1, 3] += 1e-3
    residual = data.y - data.offset - data.X @ v[1, :-1]
    v[1, -1] = np.average(residual, weights=data.weights)
    penalty = problem.penalty.take(slice(0, problem.p))
    gaps = certify_path_by_rows(problem, penalty, f, f, v, 1.0, 1e-6)
    for k in range(3):
        single = certify_point(problem.at_scale(f[k]), v[k], 1e-6, 1.0)
        # The certificate of the single point may find a better dual point, never a worse one.
        assert single.gap <= gaps.gap[k] * (1 + 1e-6) + 1e-12
        assert gaps.zeros_proved[k] == single.zeros_proved
        assert gaps.certificate(k).holds == single.holds
    assert not gaps.holds[1]


def test_a_zero_that_rests_on_its_slope_is_not_proved():
    """x_2 is pulled with exactly its slope: whatever the gap, its zero is not proved."""
    X = sp.csc_array(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    y = np.array([3.0, -3.0, 1.0, -1.0])
    problem = bind(br.Model(br.Gaussian(1.0), br.Laplace(0.5)), br.Data(X, y))
    penalty, one = problem.penalty.take(slice(0, 2)), np.ones(1)
    gaps = certify_path_by_rows(problem, penalty, one, one, np.array([[2.0, 0.0, 0.0]]), 9.0, 1e-8)
    assert gaps.holds[0]
    assert not gaps.zeros_proved[0]


def test_a_zero_is_proved_only_as_far_as_the_gap_reaches():
    """A pull of 1.8 under a slope of 2: proved at the mode, not at a point with a gap of 0.09."""
    X = sp.csc_array(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    y = np.array([3.0, -3.0, 0.9, -0.9])
    problem = bind(br.Model(br.Gaussian(1.0), br.Laplace(0.5)), br.Data(X, y))
    penalty, one = problem.penalty.take(slice(0, 2)), np.ones(2)
    v = np.array([[2.0, 0.0, 0.0], [2.3, 0.0, 0.0]])
    gaps = certify_path_by_rows(problem, penalty, one, one, v, 9.0, 1e-8)
    np.testing.assert_array_equal(gaps.zeros_proved, [True, False])
    assert gaps.gap[1] >= 0.09


def test_a_column_and_its_copy_are_noticed_among_thousands():
    """4500 coefficients off 0, two of them on equal columns: any share between them is a mode."""
    X, y = _design(n=6000, p=8000, density=0.003)
    y = X @ np.where(np.arange(8000) % 2 == 0, 1.0, 0.0) + 0.1 * y
    b = 100 / np.max(np.abs(X.T @ (y - y.mean())))
    model = br.Model(br.Gaussian(1.0), br.Laplace(b))
    fit = br.find_map(model, br.Data(X, y), tol=1e-6)
    active = np.flatnonzero(fit.coef)
    assert active.size > 2000
    assert fit.unique
    twice = sp.hstack([X, X[:, active[5:6]]]).tocsc()
    with pytest.warns(NotUniqueWarning):
        assert not br.find_map(model, br.Data(twice, y), tol=1e-6).unique
    # A column that others add up to, which no pair of columns shows.
    alone, added = X[:, active], sp.csc_array((X[:, active[7:10]] @ np.ones(3))[:, None])
    for columns, unique in ((alone, True), (sp.hstack([alone, added]), False)):
        problem = bind(br.Model(br.Gaussian(1.0), br.Flat()), br.Data(columns, y))
        assert mode_is_unique(problem, np.ones(problem.size)) == unique


def test_canonical_matrices_are_not_copied_and_not_locked():
    X, y = _design()
    data = br.Data(X, y)
    for part in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(data.X, part), getattr(X, part))
        assert getattr(X, part).flags.writeable
        assert not getattr(data.X, part).flags.writeable


def test_a_wrong_word_about_the_form_is_not_believed():
    X = sp.csc_array((np.array([1.0, 2.0, 5.0]), ([2, 0, 1], [0, 0, 1])), shape=(3, 2))
    X.indices[:2], X.data[:2] = [2, 0], [1.0, 2.0]
    X.has_sorted_indices = X.has_canonical_format = True
    data = br.Data(X, [1.0, 2.0, 3.0])
    assert data.X.has_canonical_format
    np.testing.assert_array_equal(data.X.indices, [0, 2, 1])
    np.testing.assert_array_equal(X.indices, [2, 0, 1])


def test_moments_of_columns_some_of_which_are_empty():
    X = sp.csc_array(np.array([[0.0, 2.0, 0.0, -3.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(design.largest_entries(X), [0, 2, 0, 3, 0])
    np.testing.assert_array_equal(design.column_squares(X, None), [0, 5, 0, 9, 0])
    np.testing.assert_array_equal(design.column_squares(X, np.array([2.0, 3.0])), [0, 11, 0, 18, 0])
    np.testing.assert_array_equal(design.largest_entries(sp.csc_array((2, 3))), np.zeros(3))
    np.testing.assert_array_equal(design.column_run(X, 1, 4).toarray(), X.toarray()[:, 1:4])
