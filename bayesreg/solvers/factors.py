"""Positive definite systems for the interior point method, solved as exactly as they allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

# Rows with this many times the median weight are kept out of a Gram matrix.
_HEAVY = 1e3


def scaled_solver(matrix: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """A^-1 by Cholesky on a unit diagonal, with as much added to it as it takes."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    if not matrix.size:
        return lambda right: right
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    size = np.where(size > 0, size, 1.0)
    scaled = matrix / size / size[:, None]
    added = 1e-14
    while True:
        shifted = scaled.copy()
        shifted[np.diag_indices_from(shifted)] += added
        try:
            factor = cho_factor(shifted, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            added *= 100.0
            if added > 1.0:
                raise
            continue
        return lambda right: (cho_solve(factor, (right.T / size).T, check_finite=False).T / size).T


def graded_solver(
    problem: Problem, columns: IntArray, by_row: FloatArray, on_diagonal: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """(X'diag(h) X + diagonal)^-1 by QR of the heavy rows on top of a Cholesky factor of the rest.

    Near the mode the rows that are met outweigh the others by many orders: their Gram matrix
    would drown the rest. Heaviest rows first and columns pivoted, as weighted least squares
    asks for (Cox and Higham, 1998).
    """
    from scipy.linalg import qr, solve_triangular

    heavy = by_row > _HEAVY * np.median(by_row)
    apart = on_diagonal > _HEAVY * max(float(np.median(on_diagonal)), 1e-300)
    light = problem.cross_products(columns, columns, np.where(heavy, 0.0, by_row), None)
    light[np.diag_indices_from(light)] += np.where(apart, 0.0, on_diagonal)
    size = np.sqrt(np.maximum(np.diag(light), 1e-300))
    scaled = light / size / size[:, None]
    scaled[np.diag_indices_from(scaled)] += 1e-14
    bottom = _cholesky_factor(scaled) * size
    rows = np.flatnonzero(heavy)
    top = problem.block(columns)[rows] * np.sqrt(by_row[rows])[:, None]
    stacked = np.vstack([top, np.diag(np.sqrt(on_diagonal))[apart], bottom])
    stacked = stacked[np.argsort(-np.max(np.abs(stacked), axis=1), kind="stable")]
    R, order = qr(stacked, mode="r", pivoting=True, check_finite=False)
    R = R[: columns.size]

    def solve(right: FloatArray) -> FloatArray:
        solution = np.empty(columns.size)
        half = solve_triangular(R, right[order], trans="T", check_finite=False)
        solution[order] = solve_triangular(R, half, check_finite=False)
        return solution

    return solve


def _cholesky_factor(matrix: FloatArray) -> FloatArray:
    """Upper R with R'R = matrix; by eigenvalues where rounding leaves it indefinite."""
    from scipy.linalg import LinAlgError, cholesky, eigh

    try:
        factor: FloatArray = cholesky(matrix, check_finite=False)
        return factor
    except LinAlgError:
        values, vectors = eigh(matrix, check_finite=False)
        return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
