"""Smooth likelihoods with Normal priors and many more rows than columns: Newton's method on growing
samples of the rows, then quasi-Newton steps on all of them.

The mode on m of n rows is off by about p n / (2 m) nats, and the Hessian of these rows, times
n / m, differs from that of all by about sqrt(p / m): a fraction of the rows will do for a start
and for a preconditioner.  L-BFGS that starts from that matrix then divides what is left of J by
about m / p with every pass over X.  Nocedal and Wright (2006), Numerical optimization, algorithm
7.4; Roosta-Khorasani and Mahoney (2019), Sub-sampled Newton methods.

Nothing is decided by the samples: whatever they are, the gradient on all rows says how good a
point is, and where that does not improve step by step the general method takes over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray
from bayesreg.likelihoods import Gaussian, is_smooth
from bayesreg.problem import Problem
from bayesreg.solvers.newton import Solution

_EPS = float(np.finfo(float).eps)

# Fewer rows or entries are as quickly solved with all rows from the start.
_ROWS_PER_COLUMN, _ENTRIES = 100, 2e5
# Rows of the sample: a part of all, no more than so many for each column and in all.
_PART, _SAMPLED_PER_COLUMN, _SAMPLED = 5, 80, 4000
_ROWS_IN_A_RUN = 32
_ROWS_AT_ONCE = 2048
# A step that leaves more than this of the nats that were to be won is not worth another, but for
# so many of them: of a column that the sample hardly saw, a step too long teaches the curvature.
_SLOW, _SLOW_STEPS = 0.25, 2
# Passes over X that are worth a Hessian of all rows, which costs as much as four to six.
_MANY = 10


def sampling_pays(problem: Problem) -> bool:
    """A dense X of many rows, and a proper Normal prior on every coefficient."""
    penalty, n, p = problem.penalty, problem.n, problem.p
    if n < _ROWS_PER_COLUMN * p or n * p < _ENTRIES or design.is_sparse(problem.X):
        return False
    if isinstance(problem.likelihood, Gaussian) or not is_smooth(problem.likelihood):
        return False
    unbounded = np.all(np.isinf(penalty.lower) & np.isinf(penalty.upper))
    normal = penalty.is_separable and not np.any(penalty.l1) and np.all(penalty.l2[:p] > 0)
    return bool(problem.convex and normal and unbounded)


def minimise_by_sampling(
    problem: Problem, start: FloatArray, aim: float, max_iterations: int
) -> Solution:
    """The minimum of J, to a duality gap of about ``aim`` nats or to the rounding of its gradient.

    Where that is not reached ``settled`` is False and the point no worse than ``start``.
    """
    with np.errstate(all="ignore"):
        v, hessian = _mode_of_samples(problem, start)
        if hessian is None:
            return Solution(start, 0, False)
        found = _quasi_newton(problem, v, hessian, aim, max_iterations)
        found = replace(found, v=_balanced(problem, found.v))
        if found.settled or problem.value(found.v) <= problem.value(start):
            return found
    return Solution(start, found.iterations, False)


# ---------------------------------------------------------------------------------- samples


@dataclass(frozen=True)
class _Hessian:
    """Cholesky factor of the Hessian of a sample, and the weighted mean of its columns."""

    factor: Any
    mean: FloatArray

    @classmethod
    def at(cls, problem: Problem, eta: FloatArray) -> _Hessian | None:
        """None where it is not positive definite to rounding."""
        from scipy.linalg import LinAlgError, cho_factor

        h = problem.curvature_rows(eta)
        total = float(np.sum(h))
        matrix, sums = design.raw_products(problem.X, h, h[:, None])
        if problem.has_intercept:
            matrix = np.block([[matrix, sums], [sums.T, np.full((1, 1), total)]])
        matrix[np.diag_indices_from(matrix)] += problem.penalty.l2
        try:
            return cls(cho_factor(matrix), sums[:, 0] / total)
        except (LinAlgError, ValueError):
            return None

    def solve(self, g: FloatArray) -> FloatArray:
        from scipy.linalg import cho_solve

        step: FloatArray = cho_solve(self.factor, g, check_finite=False)
        return step


def _mode_of_samples(problem: Problem, v: FloatArray) -> tuple[FloatArray, _Hessian | None]:
    """The mode on the sample, by way of a quarter of it, and the Hessian met last."""
    most = max(_SAMPLED_PER_COLUMN * problem.p, _SAMPLED)
    rows = min(problem.n // _PART, most)
    # The nats that the rows left out decide: a step for less is the last.
    enough = 0.5 * problem.size * problem.n / rows
    v, _ = _newton(_sample(problem, rows // 4), v, 4.0 * enough)
    return _newton(_sample(problem, rows), v, enough)


def _sample(problem: Problem, size: int) -> Problem:
    """About ``size`` rows, their weights multiplied so that they stand for all.

    Runs of neighbouring rows, one at a seeded place in each of as many equal stretches of X:
    of sorted rows, or ones that repeat with some period, a fair share as well.
    """
    runs = size // _ROWS_IN_A_RUN
    stretch = problem.n / runs
    offset = np.random.default_rng(0).uniform(0.0, stretch - _ROWS_IN_A_RUN, runs)
    first = (np.arange(runs) * stretch + offset).astype(np.intp)
    rows = (first[:, None] + np.arange(_ROWS_IN_A_RUN)).ravel()
    part = _rows(problem, rows)
    return replace(part, weights=part.weights * (problem.n / rows.size))


def _rows(problem: Problem, rows: Any) -> Problem:
    likelihood: Any = problem.likelihood
    if hasattr(likelihood, "for_trials"):
        likelihood = likelihood.for_trials(likelihood.trials[rows])
    return replace(
        problem,
        X=problem.X[rows],
        y=problem.y[rows],
        weights=problem.weights[rows],
        offset=problem.offset[rows],
        likelihood=likelihood,
    )


def _newton(sample: Problem, v: FloatArray, enough: float) -> tuple[FloatArray, _Hessian | None]:
    """Newton's method until a step promises less than ``enough`` nats; that step is taken."""
    eta = sample.linear_predictor(v)
    value = sample.value(v, eta)
    hessian = None
    for _ in range(30):
        found = _Hessian.at(sample, eta)
        if found is None:
            break
        hessian = found
        gradient = _gradient(sample, v, eta)
        step = -hessian.solve(gradient)
        promise = -0.5 * float(gradient @ step)
        if promise <= enough:
            return v + step, hessian
        for halving in range(30):
            share = 0.5**halving
            moved = v + share * step
            moved_eta = sample.linear_predictor(moved)
            moved_value = sample.value(moved, moved_eta)
            if moved_value <= value - 0.5 * share * promise:
                break
        else:
            break
        v, eta, value = moved, moved_eta, moved_value
    return v, hessian


def _gradient(problem: Problem, v: FloatArray, eta: FloatArray) -> FloatArray:
    return problem.transposed_product(problem.gradient_rows(eta)) + problem.penalty.slope(v)


# --------------------------------------------------------------------------------- all rows


@dataclass
class _Steps:
    """L-BFGS: the steps taken so far and the changes of the gradient that they made."""

    hessian: _Hessian
    pairs: list[tuple[FloatArray, FloatArray, float]] = field(default_factory=list)

    def learn(self, step: FloatArray, change: FloatArray) -> None:
        curvature = float(step @ change)
        if curvature > 0:
            self.pairs.append((step, change, 1.0 / curvature))

    def step(self, gradient: FloatArray) -> FloatArray:
        left, shares = gradient.copy(), []
        for step, change, inverse in reversed(self.pairs):
            shares.append(inverse * float(step @ left))
            left -= shares[-1] * change
        found = self.hessian.solve(left)
        for (step, change, inverse), share in zip(self.pairs, reversed(shares), strict=True):
            found += (share - inverse * float(change @ found)) * step
        return -found


@dataclass(frozen=True)
class _Point:
    """Where the gradient is known, the nats that Newton's step promises, and the duality gap."""

    v: FloatArray
    gradient: FloatArray
    nats: float
    gap: float


def _quasi_newton(
    problem: Problem, v: FloatArray, hessian: _Hessian, aim: float, max_iterations: int
) -> Solution:
    """Full steps for as long as they leave but a fraction of the nats that were to be won.

    While many are left to take, the Hessian of all rows replaces that of the sample: near the mode
    it hardly changes any more.
    """
    parts = [
        _rows(problem, slice(first, first + _ROWS_AT_ONCE))
        for first in range(0, problem.n, _ROWS_AT_ONCE)
    ]
    steps, slow, of_sample = _Steps(hessian), 0, True
    last = best = _point(problem, parts, steps.hessian, v)
    for iteration in range(1, max_iterations + 1):
        if best.gap <= aim:
            return Solution(best.v, iteration, True)
        if of_sample and best.nats < last.nats and _passes_left(problem, last, best, aim) > _MANY:
            of_sample = False
            at_best = _Hessian.at(problem, problem.linear_predictor(best.v))
            steps = steps if at_best is None else _Steps(at_best)
        v = best.v + steps.step(best.gradient)
        # As much again will be gained by this step, which spares the pass that would tell.
        if best.nats < last.nats and 3.0 * best.gap**2 <= aim * last.gap:
            return Solution(v, iteration, True)
        if iteration == max_iterations:
            break
        point = _point(problem, parts, steps.hessian, v)
        steps.learn(v - best.v, point.gradient - best.gradient)
        if not point.nats <= _SLOW * best.nats:
            slow += 1
            hopeless = slow > _SLOW_STEPS or not np.isfinite(point.nats)
            if hopeless or best.nats <= _rounding(problem, best.v):
                break
        if point.nats < best.nats:
            last, best = best, point
    return Solution(best.v, iteration, best.nats <= _rounding(problem, best.v))


def _point(problem: Problem, parts: list[Problem], hessian: _Hessian, v: FloatArray) -> _Point:
    """Every part of X is read from memory once."""
    gradient = problem.penalty.slope(v)
    for part in parts:
        gradient = gradient + part.transposed_product(part.gradient_rows(part.linear_predictor(v)))
    nats = 0.5 * float(gradient @ hessian.solve(gradient))
    return _Point(v, gradient, nats, _duality_gap(problem, hessian, gradient))


def _duality_gap(problem: Problem, hessian: _Hessian, gradient: FloatArray) -> float:
    """sum_j g_j^2 / (2 l2_j), a flat intercept at its optimum: the bound of the certificate."""
    if not problem.flat_intercept:
        return float(np.sum(gradient**2 / (2.0 * problem.penalty.l2)))
    reduced = gradient[:-1] - hessian.mean * gradient[-1]
    return float(np.sum(reduced**2 / (2.0 * problem.penalty.l2[:-1])))


def _passes_left(problem: Problem, last: _Point, best: _Point, aim: float) -> float:
    """Passes over X to the aim or the rounding, each gaining as much as the last one did."""
    enough = max(aim / best.gap, _EPS**2 * float(np.sum(problem.weights)) / best.nats)
    return float(np.log(enough) / np.log(best.nats / last.nats))


def _rounding(problem: Problem, v: FloatArray) -> float:
    """Nats that the rounding of the gradient hides.

    A row's theta is off by about eps (|theta| + h |eta|), and theta^2 / h is about its weight.
    """
    eta = problem.linear_predictor(v)
    of_rows = np.sum(problem.weights) + np.sum(problem.curvature_rows(eta) * eta**2)
    return _EPS**2 * float(of_rows)


def _balanced(problem: Problem, v: FloatArray) -> FloatArray:
    """With a flat intercept moved to its optimum: then its column is no part of the gap."""
    if not problem.flat_intercept:
        return v
    without, a = problem.linear_predictor(v) - v[-1], v[-1]
    for _ in range(5):
        step = np.sum(problem.gradient_rows(without + a)) / np.sum(
            problem.curvature_rows(without + a)
        )
        a -= step
        if not abs(step) > 1e-8:
            break
    return np.append(v[:-1], a)
