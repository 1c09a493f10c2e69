"""Sparse matrices: the same answers as dense ones, from every format, without being made dense."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import COMBINATIONS, make_data, with_design

import bayesreg as br
from bayesreg import design
from bayesreg.errors import DataError, DataTypeError
from bayesreg.solvers import smallest_scale

FORMATS = ["csc", "csr", "coo", "bsr", "lil", "dok", "dia"]


def _sparse_data(likelihood, p=7, weights=True):
    """The usual data with two thirds of the entries set to 0, dense and sparse."""
    dense = make_data(likelihood, p=p, weights=weights, offset=True)
    kept = np.random.default_rng(4).random(dense.X.shape) < 1 / 3
    X = np.where(kept, dense.X, 0.0)
    return with_design(dense, X), with_design(dense, sp.csr_array(X))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("likelihood", "prior"), COMBINATIONS)
def test_same_mode_and_certificate_as_dense(likelihood, prior, standardize):
    dense, sparse = _sparse_data(likelihood)
    model = br.Model(likelihood, prior, standardize=standardize)
    one, other = br.find_map(model, dense), br.find_map(model, sparse)
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-9, atol=1e-12)
    assert np.array_equal(other.at_loc, one.at_loc)
    assert other.certificate.relative_gap <= 1e-11
    assert other.log_density == pytest.approx(one.log_density, rel=1e-12)
    coef, intercept = np.full(7, 0.1), 0.2
    assert model.log_density(sparse, coef, intercept) == pytest.approx(
        model.log_density(dense, coef, intercept), rel=1e-12
    )
    np.testing.assert_allclose(
        model.gradient(sparse, coef, intercept)[0], model.gradient(dense, coef, intercept)[0]
    )


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name, kind):
    dense, _ = _sparse_data(br.Gaussian(1.5))
    X = getattr(sp, f"{name}_{kind}")(dense.X)
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    data = br.Data(X, dense.y, dense.weights, dense.offset)
    np.testing.assert_allclose(
        br.find_map(model, data).coef, br.find_map(model, dense).coef, rtol=1e-9
    )
    assert "sparse" in repr(data)


@pytest.mark.parametrize(
    "prior", [br.Normal(0.4), br.Laplace(0.4), br.ElasticNet(0.4, 0.6)], ids=str
)
@pytest.mark.parametrize("intercept", [br.Flat(), br.Normal(1.0), None], ids=str)
def test_more_columns_than_rows(prior, intercept):
    rng = np.random.default_rng(0)
    X = sp.random_array((40, 120), density=0.2, rng=rng, format="csc")
    y = X @ np.r_[np.ones(5), np.zeros(115)] + 0.1 * rng.normal(size=40)
    model = br.Model(br.Gaussian(0.5), prior, intercept)
    one = br.find_map(model, br.Data(X.toarray(), y))
    other = br.find_map(model, br.Data(X, y))
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-8, atol=1e-11)
    assert other.certificate.relative_gap <= 1e-11


def test_the_users_matrix_is_not_changed_and_duplicates_are_summed():
    X = sp.coo_array((np.array([1.0, 2.0, 0.0]), ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    data = br.Data(X, [1.0, 2.0])
    assert X.nnz == 3
    np.testing.assert_array_equal(data.X.toarray(), [[3.0, 0.0], [0.0, 0.0]])
    assert data.X.nnz == 1


def test_integer_and_bool_matrices():
    X = sp.csr_array(np.array([[1, 0], [0, 1], [1, 1]], dtype=np.int8))
    model = br.Model(br.Gaussian(1.0), br.Laplace(0.3))
    expected = br.find_map(model, br.Data(X.toarray(), [1.0, 2.0, 3.0])).coef
    for form in (X, X.astype(bool), X.astype(np.float32)):
        np.testing.assert_allclose(
            br.find_map(model, br.Data(form, [1.0, 2.0, 3.0])).coef, expected
        )


def test_bad_entries_are_found():
    X = sp.csc_array(np.array([[0.0, 1.0], [np.nan, 0.0]]))
    with pytest.raises(DataError, match=r"X must be finite; found nan at row 1, column 0"):
        br.Data(X, [1.0, 2.0])
    with pytest.raises(DataTypeError, match="complex"):
        br.Data(X.astype(complex), [1.0, 2.0])
    with pytest.raises(DataError, match="at least one row"):
        br.Data(sp.csc_array((0, 3)), [])


def test_deviation_of_sparse_columns():
    rng = np.random.default_rng(1)
    X = np.where(rng.random((50, 6)) < 0.3, rng.normal(5.0, 1.0, (50, 6)), 0.0)
    X[:, 0], X[:, 1], X[:, 2] = 0.0, 3.0, 1e-200 * X[:, 3]
    weights = rng.uniform(0.5, 2.0, 50)
    expected = design.column_deviation(X, weights)
    found = design.column_deviation(sp.csc_array(X), weights)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[0] == found[1] == 0.0


def test_a_large_matrix_is_never_made_dense():
    """4000 x 20000 at one entry in a thousand: 640 MB if dense, 1 MB as it is."""
    import tracemalloc

    rng = np.random.default_rng(2)
    X = sp.random_array((4000, 20000), density=1e-3, rng=rng, format="csc")
    y = X[:, :20] @ np.ones(20) + 0.1 * rng.normal(size=4000)
    data = br.Data(X, y)
    model = br.Model(br.Gaussian(1.0), br.Laplace(1.0), standardize=True)
    tracemalloc.start()
    fit = br.find_map(model.rescaled(2 * smallest_scale(model, data)), data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fit.certificate.holds
    assert peak < 64e6


def test_sampling_makes_them_dense_and_agrees():
    dense, sparse = _sparse_data(br.Gaussian(1.5))
    model = br.Model(br.Gaussian(1.5), br.Laplace(0.3))
    one = br.sample(model, dense, seed=1, progress=False)["posterior"]["coef"]
    other = br.sample(model, sparse, seed=1, progress=False)["posterior"]["coef"]
    np.testing.assert_array_equal(one.values, other.values)
