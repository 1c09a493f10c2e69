"""Gaussian rows with flat coefficients integrated out, and what draws those afterwards.

    t = A u + F f + a + sigma e,   e ~ N(0, I),   v_j = base_j + unit_j u_j

A flat intercept a is removed by (weighted) centring and flat columns F = Q R by projection:

    f | u ~ R^-1 (Q't - Q'A u + sigma N(0, I)),   a = mean(residual) + sigma N(0, 1) / sqrt(sum s)

A sparse X of more rows than columns is never made dense: blocks of its rows are, and what is kept
is the triangular factor of a QR decomposition of all of them, which has the same inner products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.problem import Problem

# Numbers of a block of rows of a sparse X: 8 MiB.
_NUMBERS_AT_A_TIME = 2**20


@dataclass(frozen=True, eq=False)
class FlatIntercept:
    """Weighted means of the residual at the base point and of the columns; the sd of a."""

    residual: float
    proper: FloatArray
    flat: FloatArray
    deviation: float

    def draws(self, moved: FloatArray, flat: FloatArray, rng: np.random.Generator) -> FloatArray:
        noise = self.deviation * rng.standard_normal(moved.shape[0])
        return self.residual - moved @ self.proper - flat @ self.flat + noise


@dataclass(frozen=True, eq=False)
class FreeRows:
    """The rows, and what completes draws of u.

    Attributes
    ----------
    design, target : (m, q) and (m,) arrays
        A and t of rows divided by the likelihood's noise, centred and projected; m = n, or fewer
        rows with the same inner products.
    contrasts : int
        n less the coefficients integrated out.
    base : (size,) array
        Where u = 0; 0 for flat entries.
    flat : array of int
        Columns of F.
    factor, flat_target, flat_on_proper : arrays
        R, Q't and Q'A.
    intercept : FlatIntercept or None
    integrated : (m, k) array
        What the rows are orthogonal to, where m = n.
    """

    design: FloatArray
    target: FloatArray
    contrasts: int
    base: FloatArray
    flat: IntArray
    factor: FloatArray
    flat_target: FloatArray
    flat_on_proper: FloatArray
    intercept: FlatIntercept | None
    integrated: FloatArray


def free_rows(problem: Problem, proper: IntArray, unit: FloatArray) -> FreeRows:
    """Integrate the flat coefficients out; ``proper`` are those that stay, measured in ``unit``."""
    columns = np.arange(problem.size)
    centred = problem.flat_intercept
    flat = columns[problem.penalty.is_flat & ~(centred & (columns == problem.p))]
    base = np.where(problem.penalty.is_flat, 0.0, problem.start)
    k, both = flat.size, np.concatenate([flat, proper])
    t = problem.y - problem.linear_predictor(base)
    intercept, mean, residual = None, np.zeros(both.size), 0.0
    if centred:
        total = float(np.sum(problem.weights))
        # The rounding of means enters products of centred columns only squared.
        mean = problem.transposed_product(problem.weights)[both] / total
        residual = float(problem.weights @ t) / total
        deviation = float(problem.likelihood.noise / np.sqrt(total))
        intercept = FlatIntercept(residual, mean[k:], mean[:k], deviation)
    part = _Weighted(problem, both, mean, np.concatenate([np.ones(k), unit]), t - residual)
    tall = is_sparse(problem.X) and problem.n > both.size + 1
    rows = _triangle(part) if tall else part.rows(slice(None))
    F, A, t = rows[:, :k], rows[:, k:-1], rows[:, -1]
    Q, R = np.linalg.qr(F)
    flat_target, flat_on_proper = Q.T @ t, np.ascontiguousarray(Q.T @ A)
    return FreeRows(
        design=_projected_off(Q, A, flat_on_proper),
        target=_projected_off(Q, t, flat_target),
        contrasts=problem.n - k - centred,
        base=base,
        flat=flat,
        factor=np.ascontiguousarray(R),
        flat_target=flat_target,
        flat_on_proper=flat_on_proper,
        intercept=intercept,
        integrated=np.column_stack([part.root, F]) if centred and not tall else F,
    )


class _Weighted:
    """The rows sqrt(s_i) / sigma [(x_i - mean) unit, t_i] of the chosen columns, dense."""

    def __init__(
        self, problem: Problem, columns: IntArray, mean: FloatArray, unit: FloatArray, t: FloatArray
    ) -> None:
        by_row = problem.X.tocsr() if is_sparse(problem.X) else problem.X
        self._problem = replace(problem, X=by_row)
        self._columns, self._mean, self._unit, self._t = columns, mean, unit, t
        self.root = np.sqrt(problem.weights) / problem.likelihood.noise
        self.shape = (problem.n, columns.size + 1)

    def rows(self, chosen: slice) -> FloatArray:
        root = self.root[chosen]
        found = np.empty((root.size, self.shape[1]))
        block = found[:, :-1]
        block[:] = self._problem.block(self._columns, chosen)
        block -= self._mean
        block *= self._unit
        found[:, -1] = self._t[chosen]
        found *= root[:, None]
        return found


def _triangle(part: _Weighted) -> FloatArray:
    """R of a QR decomposition of all rows, block by block."""
    R = np.empty((0, part.shape[1]))
    for chosen in _blocks(*part.shape):
        R = np.asarray(np.linalg.qr(np.vstack([R, part.rows(chosen)]), mode="r"))
    return R


def _blocks(n: int, width: int) -> Iterator[slice]:
    """Rows, many more at a time than there are columns."""
    step = max(_NUMBERS_AT_A_TIME // width, 4 * width)
    return (slice(first, first + step) for first in range(0, n, step))


def _projected_off(Q: FloatArray, columns: FloatArray, product: FloatArray) -> FloatArray:
    """(I - QQ') columns; a second pass restores the orthogonality that the first one rounds."""
    if not Q.shape[1]:
        return np.ascontiguousarray(columns)
    rest = columns - Q @ product
    remainder: FloatArray = rest - Q @ (Q.T @ rest)
    return remainder
