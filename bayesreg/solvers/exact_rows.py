"""Which rows the coefficients can fit exactly, for likelihoods whose density has no bound there.

With noise of scale s a row that is fitted contributes s^-w to the density as s goes to 0. Of a row
that is not, Student's t leaves s^(nu w) and the asymmetric Laplace nothing. With p(s) ~ s^q and W
the weight of the rows fitted, of N in all,

    p(y, v, s)                      ~ s^(q + nu (N - W) - W)            at a v that fits them
    its integral over v, to ds / s  ~ s^(q + 1 + nu (N - W) - W + rank of these rows)

(Fernandez and Steel 1999, Biometrika 86:153, where q = -1). The set that makes the exponent least
is not found in general, which is a search over all subsets. Three are looked at: as many rows as
there are coefficients, the heaviest; the rows of least absolute deviations; and with them all
rows, where they fit. Columns with a bound stay where the problem starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.problem import Problem

# Of the terms that a residual is made of: what is below is their rounding.
_ROUNDING = 1e-11
# Of the largest target: rows that reweighting has brought so near are fitted, or nearly.
_NEAR = 1e-5
_REWEIGHTINGS = 60
_DEPENDENT = 1e-8
# Multiplications beyond which least squares take the place of least absolute deviations.
_MANY = 5e9


@dataclass(frozen=True)
class ExactFit:
    """Rows that some coefficients fit.

    Attributes
    ----------
    weight : float
        The sum of their weights.
    rank : int
        Of their rows in the columns that can move.
    everything : bool
        Whether these are all rows.
    """

    weight: float
    rank: int
    everything: bool


def exact_fits(problem: Problem, least: float, movable: BoolArray | None = None) -> list[ExactFit]:
    """Sets of rows that the ``movable`` columns can fit, of those whose weight may reach ``least``.

    Sets that are lighter may be left out, and others are not found.
    """
    penalty = problem.penalty
    free = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    columns = np.flatnonzero(free if movable is None else free & movable)
    base = problem.start.copy()
    base[columns] = 0.0
    target = problem.y - problem.linear_predictor(base)
    found = _by_least_absolute(problem, columns, target, least)
    most = np.sort(problem.weights)[::-1][: columns.size]
    if columns.size and np.sum(most) >= least:
        found += _heaviest(problem, columns)
    return found


def _by_least_absolute(
    problem: Problem, columns: IntArray, target: FloatArray, least: float
) -> list[ExactFit]:
    """From rows all over the data: where most of all can be fitted, most of these can."""
    rows = slice(None, None, max(1, problem.n // (4 * columns.size + 200)))
    size, weights = np.abs(problem.y) + np.abs(problem.offset), problem.weights
    block = problem.block(columns, rows)
    v = _least_absolute(block, target[rows], weights[rows])
    fitted = _fits(block, target[rows], v, size[rows])
    if np.sum(weights[rows][fitted]) < 0.5 * least / np.sum(weights) * np.sum(weights[rows]):
        return []
    if rows.step > 1:
        block = problem.block(columns)
        fitted = _fits(block, target, v, size)
    if not fitted.any():
        return []
    return [ExactFit(float(np.sum(weights[fitted])), _rank(block[fitted]), bool(fitted.all()))]


def _least_absolute(block: FloatArray, target: FloatArray, weights: FloatArray) -> FloatArray:
    """Least absolute deviations by reweighting, then least squares on the rows that they meet."""
    largest = float(np.max(np.abs(target), initial=0.0))
    if not block.shape[1] or largest == 0:
        return np.zeros(block.shape[1])
    root = np.sqrt(weights)
    v = _least_squares(block, target, root)
    steps = _REWEIGHTINGS if block.size * block.shape[1] * _REWEIGHTINGS < _MANY else 0
    floor = largest
    for _ in range(steps):
        distance = np.abs(target - block @ v)
        floor = max(0.5 * min(floor, float(np.max(distance))), _ROUNDING * largest)
        v = _least_squares(block, target, root / np.sqrt(np.maximum(distance, floor)))
    near = np.abs(target - block @ v) <= _NEAR * largest
    return v if not near.any() else _least_squares(block[near], target[near], root[near])


def _least_squares(block: FloatArray, target: FloatArray, root: FloatArray) -> FloatArray:
    """At columns of unit length; the shortest where there are several."""
    size = np.sqrt(np.sum((root[:, None] * block) ** 2, axis=0))
    size = np.where(size > 0, size, 1.0)
    scaled = root[:, None] * block / size
    return np.asarray(np.linalg.lstsq(scaled, root * target, rcond=None)[0] / size)


def _fits(block: FloatArray, target: FloatArray, v: FloatArray, size: FloatArray) -> BoolArray:
    terms = size + np.abs(block) @ np.abs(v)
    fitted: BoolArray = np.abs(target - block @ v) <= _ROUNDING * terms
    return fitted


def _rank(block: FloatArray) -> int:
    if not block.size:
        return 0
    block = _at_unit_length(block)
    if block.shape[0] > block.shape[1]:
        block = np.asarray(np.linalg.qr(block, mode="r"))
    return int(np.linalg.matrix_rank(block))


def _at_unit_length(block: FloatArray) -> FloatArray:
    size = np.sqrt(np.sum(block**2, axis=0))
    return block / np.where(size > 0, size, 1.0)


def _heaviest(problem: Problem, columns: IntArray) -> list[ExactFit]:
    """Independent rows, the heaviest first: any set of independent rows can be fitted."""
    block, weights = _at_unit_length(problem.block(columns)), problem.weights
    if np.all(weights == weights[0]):
        rank = _rank(block)
        return [ExactFit(float(rank * weights[0]), rank, rank == problem.n)]
    basis, weight = np.zeros((0, columns.size)), 0.0
    for i in np.argsort(-weights, kind="stable"):
        if basis.shape[0] == columns.size:
            break
        left = block[i]
        for _ in range(2):
            left = left - basis.T @ (basis @ left)
        size = float(np.linalg.norm(left))
        if size > _DEPENDENT * float(np.linalg.norm(block[i])):
            basis = np.vstack([basis, left / size])
            weight += float(weights[i])
    return [ExactFit(weight, basis.shape[0], basis.shape[0] == problem.n)]
