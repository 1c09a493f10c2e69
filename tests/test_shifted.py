"""(K + s I)^-1 b for many s from one tridiagonal form, and the row products K is made of."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg import design
from bayesreg.solvers.shifted import solve_shifted

SHIFTS = np.geomspace(1e-3, 1e3, 7)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_every_shift_solves_its_system(n):
    rng = np.random.default_rng(n)
    A = rng.normal(size=(n, n + 5))
    K, b = A @ A.T, rng.normal(size=n)
    found = solve_shifted(K.copy(), b, SHIFTS)
    assert found.shape == (SHIFTS.size, n)
    for x, shift in zip(found, SHIFTS, strict=True):
        np.testing.assert_allclose(K @ x + shift * x, b, rtol=0, atol=1e-11 * np.abs(b).max())


def test_a_singular_matrix_and_shifts_below_its_rounding():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(30, 4))
    K, b = A @ A.T, A @ rng.normal(size=4)
    shifts = np.array([1e-18, 1e-15, 1e-6])
    exact = np.linalg.pinv(K) @ b
    for x in solve_shifted(K.copy(), b, shifts):
        # b is in the range of K, but for rounding that a tiny shift blows up off it.
        np.testing.assert_allclose(K @ x, K @ exact, atol=1e-6 * np.abs(b).max())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("columns", ["all", "some", "many"])
def test_row_products_by_their_definition(order, centred, columns):
    rng = np.random.default_rng(1)
    X = np.asarray(rng.normal(size=(7, 1100)), order=order)
    chosen = {"all": np.arange(1100), "some": np.array([3, 0, 1000]), "many": np.arange(0, 1100, 2)}
    j = chosen[columns]
    d, mean = rng.uniform(0.5, 2.0, j.size), rng.normal(size=j.size)
    Z = X[:, j] - mean if centred else X[:, j]
    found = design.row_products(X, j, d, mean if centred else None)
    np.testing.assert_allclose(found, (Z * d) @ Z.T, rtol=0, atol=1e-12 * j.size)
    np.testing.assert_array_equal(found, found.T)
