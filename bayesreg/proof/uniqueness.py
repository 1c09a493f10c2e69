"""Is the mode the only point with its density?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.problem import Problem
from bayesreg.proof.independence import shown_independent

_EPS = float(np.finfo(float).eps)
_MANY = 2000
_LANCZOS_STEPS = 300
# The probability of being wrong that is accepted, and what counts as 0 beside the largest.
_DOUBT = 1e-4
_DEPENDENT = 1e-13


def mode_is_unique(
    problem: Problem, v: FloatArray, known: tuple[IntArray, FloatArray] | None = None
) -> bool:
    """True when no other point attains the same objective.

    Coefficients that could move at no first-order cost are those without curvature whose
    gradient reaches the slope of their penalty; the mode is unique when their columns (centred
    by a flat intercept) are linearly independent. A group moves along one direction only, its
    norm being curved in the others. Tibshirani (2013), The lasso problem and uniqueness.

    ``known``: some columns, sorted, and their second moments X' diag(h) X, about the mean where
    there is a flat intercept; they spare a product where they show enough.
    """
    penalty = problem.penalty
    if not np.any((penalty.l2 == 0) & ~penalty.is_pinned):
        return True
    eta = problem.linear_predictor(v)
    h = problem.curvature_rows(eta)
    if _only_flat_is_the_intercept(problem):
        return bool(np.sum(h) > 0)
    pull = -problem.transposed_product(problem.gradient_rows(eta))
    low, high = penalty.subdifferential(v)
    slack = 1e-7 * np.maximum(penalty.l1, np.abs(pull))
    at_rest = (low < high) & penalty.strictly_inside(v, pull, slack)
    free = (penalty.l2 == 0) & ~penalty.is_pinned & ~at_rest
    columns = np.flatnonzero(free)
    if not columns.size:
        return True
    rays = penalty.rays(pull, columns)
    directions = columns.size if rays is None else rays.shape[1]
    if directions > problem.n:
        return False
    if rays is None and known is not None and _known_independent(problem, columns, h, *known):
        return True
    if is_sparse(problem.X) and columns.size > _MANY:
        independent = _independent(problem, columns, h)
        if independent is not None:
            return independent
    if rays is None and shown_independent(problem, columns, h):
        return True
    gram = problem.cross_products(columns, columns, h, None)
    gram = gram if rays is None else rays.T @ gram @ rays
    if np.any(np.diag(gram) == 0):
        return False
    if _well_conditioned(gram):
        return True
    block = problem.block(columns) * np.sqrt(h)[:, None]
    block = block if rays is None else block @ rays
    return bool(np.linalg.matrix_rank(block / np.linalg.norm(block, axis=0)) == directions)


def _only_flat_is_the_intercept(problem: Problem) -> bool:
    return problem.flat_intercept and bool(np.all(problem.penalty.l2[: problem.p] > 0))


def _known_independent(
    problem: Problem, columns: IntArray, h: FloatArray, among: IntArray, moments: FloatArray
) -> bool:
    """By moments at hand; False where these do not show it."""
    if problem.flat_intercept:
        columns = columns[columns < problem.p]
    position = np.searchsorted(among, columns)
    if not among.size or not np.array_equal(among[np.minimum(position, among.size - 1)], columns):
        return False
    gram = moments if columns.size == among.size else moments[np.ix_(position, position)]
    square = np.diagonal(gram)
    # Where centring took most of a column, its rounding is left.
    if np.any(square <= 1e-2 * problem.column_squares(h)[columns]):
        return False
    return not columns.size or _well_conditioned(gram)


def _well_conditioned(gram: FloatArray) -> bool:
    """Condition number of the correlations below 1e10, by LAPACK from the Cholesky factor."""
    from scipy.linalg.lapack import dlange, dpocon, dpotrf

    size = np.sqrt(np.diagonal(gram))
    correlation = gram / size
    correlation /= size[:, None]
    # The transpose of a symmetric matrix is itself, in LAPACK's order.
    norm = dlange("1", correlation.T)
    factor, failed = dpotrf(correlation.T, overwrite_a=1, clean=0)
    if failed:
        return False
    reciprocal, _ = dpocon(factor, norm)
    return bool(reciprocal > 1e-10)


def _independent(problem: Problem, columns: IntArray, h: FloatArray) -> bool | None:
    """Is the least eigenvalue of the correlations above 0? None: not shown either way.

    By Lanczos' method from a random direction. Were the least eigenvalue 0, the least Ritz value
    theta of k steps would stand above it with probability at most

        1.648 sqrt(p) exp(-(2k - 1) sqrt(theta / largest))

    over the directions (Kuczynski and Wozniakowski 1992). Ritz values are never below
    the least eigenvalue.
    """
    from scipy.linalg import eigvalsh_tridiagonal

    product = _correlation_product(problem, columns, h)
    # Any direction but one that the data can know of: sums miss a column and its copy.
    here = np.random.default_rng(0).standard_normal(np.count_nonzero(columns < problem.p))
    doubt = np.log(1.648 * np.sqrt(here.size) / _DOUBT)
    here /= np.linalg.norm(here)
    before, length = np.zeros(here.size), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    for step in range(1, _LANCZOS_STEPS + 1):
        ahead = product(here)
        diagonal.append(float(ahead @ here))
        ahead -= diagonal[-1] * here + length * before
        length = float(np.linalg.norm(ahead))
        if step % 5 == 0 or length < _EPS:
            values = eigvalsh_tridiagonal(np.array(diagonal), np.array(beside))
            if values[0] < _DEPENDENT * values[-1]:
                return False
            if (2 * step - 1) * np.sqrt(values[0] / values[-1]) > doubt:
                return True
        if length < _EPS:
            return None
        beside.append(length)
        before, here = here, ahead / length
    return None


def _correlation_product(
    problem: Problem, columns: IntArray, h: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """x to Z'Z x, Z the columns of length 1, weighted by the roots of h; less their mean where the
    column of ones is among them.
    """
    real = columns[columns < problem.p]
    Z = problem.X[:, real]
    entries = Z.data * np.sqrt(h)[Z.indices]
    by_column = np.repeat(np.arange(real.size), np.diff(Z.indptr))
    size = np.sqrt(np.bincount(by_column, entries**2, real.size))
    size[size == 0] = 1.0
    Z.data = entries / size[by_column]
    transposed = Z.T
    sums = transposed @ np.sqrt(h / np.sum(h)) if columns.size > real.size else np.zeros(real.size)

    def product(x: FloatArray) -> FloatArray:
        moved: FloatArray = transposed @ (Z @ x)
        return moved - sums * (sums @ x)

    return product
