"""Exact knots beyond the plain case: more columns than rows, ties, dependent columns, stopping."""

import numpy as np
import pytest
from scipy import sparse

import bayesreg as br
from bayesreg.errors import ModelError
from bayesreg.problem import bind
from bayesreg.solvers.active_factor import ActiveFactor
from bayesreg.solvers.knots import find_knots

GAUSSIAN = br.Gaussian(1.5)


def wide(seed, n=25, p=80, **options):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    y = X[:, :6] @ np.array([2.0, -1.0, 1.5, 0.5, -2.0, 1.0]) + rng.normal(size=n)
    return br.Data(X, y, **options)


def assert_knots(model, data, path, tol=1e-9):
    """The chord between two knots is the mode halfway in 1 / scale, proved by its certificate."""
    lam = 1.0 / path.scales
    reference = model.axis(data)[1]
    for k in range(len(path) - 1):
        factor = 2.0 / (lam[k] + lam[k + 1]) / reference
        coef = 0.5 * (path.coef[k] + path.coef[k + 1])
        intercept = 0.5 * (path.intercept[k] + path.intercept[k + 1])
        certificate = br.certify(model.rescaled(factor), data, coef, intercept, tol=tol)
        assert certificate.holds, (k, certificate)


def came_certified(model, data, path, **options):
    """The homotopy's own points, none of them solved again."""
    v = find_knots(bind(model, data), **options).v
    return v.shape[0] == len(path) and np.allclose(v[:, : data.p], path.coef, rtol=1e-7, atol=1e-9)


VARIANTS = {
    "flat": (br.Model(GAUSSIAN, br.Laplace(1.0)), {}),
    "none": (br.Model(GAUSSIAN, br.Laplace(1.0), None), {}),
    "standardize": (br.Model(GAUSSIAN, br.Laplace(1.0), standardize=True), {}),
    "loc": (br.Model(GAUSSIAN, br.Laplace(np.linspace(0.5, 2, 80), loc=0.3)), {}),
    "scales": (br.Model(GAUSSIAN, br.Laplace(np.geomspace(0.2, 5, 80))), {}),
    "weights": (br.Model(GAUSSIAN, br.Laplace(1.0)), {"weights": np.linspace(0.0, 2.0, 25)}),
    "offset": (br.Model(GAUSSIAN, br.Laplace(1.0), None), {"offset": np.linspace(-1.0, 3.0, 25)}),
}


@pytest.mark.parametrize("p_over_n", [True, False], ids=["rows", "moments"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_chords_between_knots_are_modes(variant, p_over_n):
    model, options = VARIANTS[variant]
    data = wide(3, **options)
    if not p_over_n:
        rng = np.random.default_rng(7)
        n = 25 if options else 90
        prior = model.prior
        if np.ndim(prior.scale):
            prior = br.Laplace(np.asarray(prior.scale)[::4], loc=prior.loc)
        model = br.Model(GAUSSIAN, prior, model.intercept, standardize=model.standardize)
        X = rng.normal(size=(n, 20)) + rng.normal(size=(n, 1))
        data = br.Data(X, X[:, 0] - X[:, 1] + rng.normal(size=n), **options)
    path = br.find_map_path(model, data, "knots")
    # No knot is missed or made up: the chords would be no modes, or the bends none.
    assert_knots(model, data, path)
    assert came_certified(model, data, path)
    halfway = 0.5 * (path.coef[1:] + path.coef[:-1]) - (0.3 if variant == "loc" else 0.0)
    off = np.abs(halfway) > 1e-14
    changes = np.count_nonzero(off[1:] != off[:-1], axis=1)
    assert np.all(changes == 1), "each knot is a bend: one coefficient leaves or meets its loc"
    if p_over_n:
        assert np.any(np.diff(np.count_nonzero(off, axis=1)) < 0), "coefficients also drop out"


def test_wide_sparse_and_dense_agree():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 200)) * (rng.random((30, 200)) < 0.3)
    y = X[:, :5].sum(axis=1) + 0.3 * rng.normal(size=30)
    model = br.Model(GAUSSIAN, br.Laplace(1.0))
    dense = br.find_map_path(model, br.Data(X, y), "knots")
    stored = br.find_map_path(model, br.Data(sparse.csc_array(X), y), "knots")
    np.testing.assert_allclose(stored.scales, dense.scales, rtol=1e-8)
    np.testing.assert_allclose(stored.coef, dense.coef, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("limit", [0, 1, 7, 20])
def test_stopping_returns_the_beginning_of_the_whole_path(limit):
    model, data = br.Model(GAUSSIAN, br.Laplace(1.0)), wide(1)
    whole = br.find_map_path(model, data, "knots")
    part = br.find_map_path(model, data, "knots", max_nonzero=limit)
    assert part.n_nonzero[-1] == limit + 1
    assert np.all(part.n_nonzero[:-1] <= limit)
    np.testing.assert_array_equal(part.scales, whole.scales[: len(part)])
    np.testing.assert_array_equal(part.coef, whole.coef[: len(part)])
    assert all(certificate.holds for certificate in part.certificates)
    # The search itself ended there: nothing beyond was computed.
    assert find_knots(bind(model, data), limit).factors.size == len(part)


def test_dependent_columns_share_one_path():
    """Copies of columns, also with the sign turned or scaled: one of each stands for all."""
    data, model = wide(2, p=12), br.Model(GAUSSIAN, br.Laplace(1.0))
    alone = br.find_map_path(model, data, "knots")
    for twice in (
        np.hstack([data.X, data.X]),
        np.hstack([data.X, -data.X]),
        np.hstack([data.X, 0.5 * data.X]),
        np.hstack([data.X, np.zeros((25, 1)), np.ones((25, 1))]),
        np.hstack([data.X, *[data.X] * 3]),
    ):
        both = br.Data(twice, data.y)
        path = br.find_map_path(model, both, "knots")
        np.testing.assert_allclose(path.scales, alone.scales, rtol=1e-9)
        assert_knots(model, both, path)


@pytest.mark.parametrize("seed", range(8))
def test_ties_on_small_whole_numbers(seed):
    """Designs of -1, 0 and 1: several coefficients leave or meet their loc at one scale."""
    rng = np.random.default_rng(seed)
    n, p = (12, 8) if seed % 2 else (8, 20)
    data = br.Data(rng.integers(-1, 2, size=(n, p)).astype(float), rng.integers(-3, 4, n) * 1.0)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0), None)
    assert_knots(model, data, br.find_map_path(model, data, "knots"))


def test_all_tied_at_once():
    """Orthogonal columns with one pull: a single knot, at which all leave."""
    data, model = br.Data(np.eye(6), np.ones(6)), br.Model(br.Gaussian(1.0), br.Laplace(1.0), None)
    path = br.find_map_path(model, data, "knots")
    np.testing.assert_allclose(path.scales, [1.0])
    assert_knots(model, data, path)
    with pytest.raises(ModelError, match="no coefficient ever leaves its loc"):
        br.find_map_path(model, br.Data(np.eye(6), np.zeros(6)), "knots")


def test_factor_follows_columns_in_and_out():
    rng = np.random.default_rng(5)
    Z = rng.normal(size=(40, 30)) * np.geomspace(1e-3, 1e3, 30)
    factor, inside = ActiveFactor(), []
    for j in range(30):
        assert factor.add(Z[:, inside].T @ Z[:, j], Z[:, j] @ Z[:, j])
        inside.append(j)
        if j % 3 == 2:
            i = int(rng.integers(len(inside)))
            factor.remove(i)
            del inside[i]
        b = rng.normal(size=len(inside))
        gram = Z[:, inside].T @ Z[:, inside]
        scale = np.sqrt(np.diag(gram))
        solved = np.linalg.solve(gram / scale / scale[:, None], b / scale) / scale
        np.testing.assert_allclose(factor.solve(b), solved, rtol=1e-9)
    copy = Z[:, inside[0]] - 2e3 * Z[:, inside[1]]
    assert not factor.add(Z[:, inside].T @ copy, copy @ copy)
