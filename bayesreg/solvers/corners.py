"""A loss with corners as a bounded-variable problem: what the interior point method solves.

    minimise  sum_k [ a_k (z_k)_+ + b_k (z_k)_- ]  +  sum_j l2_j (v_j - m_j)^2 / 2,    z = t - A v

over lower <= v <= upper.  The corners are the rows of the data, where z is the residual and
(a, b) = weight (q, 1 - q) / s, and the kinks of the prior, where z = loc - v and a = b = l1.
The dual of corner k is d_k in [-b_k, a_k]; at the mode A'd = l2 (v - m) + multipliers of bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.likelihoods import AsymmetricLaplace
from bayesreg.problem import Problem


@dataclass(frozen=True, eq=False)
class Corners:
    """The problem in this form.

    Attributes
    ----------
    problem : Problem
    moving : array of int
        Extended columns that are not pinned.
    kinked : array of int
        Those of them with an l1 part.
    above, below : (n + kinked,) arrays
        Price of a positive and of a negative z, data rows first.
    bounded_below, bounded_above : arrays of int
        Moving columns with a finite bound.
    """

    problem: Problem
    moving: IntArray
    kinked: IntArray
    above: FloatArray
    below: FloatArray
    bounded_below: IntArray
    bounded_above: IntArray

    @property
    def quadratic(self) -> bool:
        """Some coefficient has an l2 part: a quadratic programme, not a linear one."""
        return bool(np.any(self.problem.penalty.l2[self.moving] > 0))

    @cached_property
    def column_price(self) -> FloatArray:
        """sum_i (a_i + b_i) |x_ij|: nats per unit of a coefficient, at most; never 0."""
        problem = self.problem
        by_row = (self.above + self.below)[: problem.n]
        prices = abs(problem.X).T @ by_row
        prices = np.append(prices, np.sum(by_row)) if problem.has_intercept else prices
        return np.asarray(np.maximum(prices + problem.penalty.l1, 1e-300))

    def residuals(self, v: FloatArray) -> FloatArray:
        """z = t - A v."""
        problem = self.problem
        rows = problem.y - problem.linear_predictor(v)
        return np.concatenate([rows, problem.penalty.loc[self.kinked] - v[self.kinked]])

    def forward(self, direction: FloatArray) -> FloatArray:
        """A direction."""
        rows = self.problem.centred_product(direction, None)
        return np.concatenate([rows, direction[self.kinked]])

    def transposed(self, d: FloatArray) -> FloatArray:
        """A'd as an extended vector."""
        n = self.problem.n
        product = self.problem.transposed_product(d[:n])
        product[self.kinked] += d[n:]
        return product

    def price(self, z: FloatArray) -> float:
        """The total price of the corners."""
        return float(np.sum(np.where(z > 0, self.above * z, -self.below * z)))

    def value(self, v: FloatArray) -> float:
        """J without its constants, bounds not looked at."""
        penalty = self.problem.penalty
        delta = v - penalty.loc
        return self.price(self.residuals(v)) + 0.5 * float(penalty.l2 @ delta**2)


def as_corners(problem: Problem) -> Corners:
    """A problem with an asymmetric Laplace likelihood in this form."""
    likelihood, penalty = problem.likelihood, problem.penalty
    assert isinstance(likelihood, AsymmetricLaplace)
    low, high = likelihood.slopes
    free = ~penalty.is_pinned
    kinked = np.flatnonzero(free & (penalty.l1 > 0))
    return Corners(
        problem=problem,
        moving=np.flatnonzero(free),
        kinked=kinked,
        above=np.concatenate([-low * problem.weights, penalty.l1[kinked]]),
        below=np.concatenate([high * problem.weights, penalty.l1[kinked]]),
        bounded_below=np.flatnonzero(free & np.isfinite(penalty.lower)),
        bounded_above=np.flatnonzero(free & np.isfinite(penalty.upper)),
    )


def null_point(problem: Problem) -> FloatArray:
    """Every coefficient at its loc, a flat intercept at the weighted quantile of the rest."""
    v = problem.start.copy()
    if problem.flat_intercept:
        v[-1] = 0.0
        assert isinstance(problem.likelihood, AsymmetricLaplace)
        z = problem.y - problem.linear_predictor(v)
        v[-1] = weighted_quantile(z, problem.weights, problem.likelihood.q)
    return v


def weighted_quantile(z: FloatArray, weights: FloatArray, q: float) -> float:
    """A minimum of sum_i s_i rho_q(z_i - t); the middle of them where there are several."""
    order = np.argsort(z, kind="stable")
    cumulated = np.cumsum(weights[order])
    wanted = q * cumulated[-1]
    k = min(int(np.searchsorted(cumulated, wanted, side="left")), z.size - 1)
    tie = k + 1 < z.size and abs(cumulated[k] - wanted) <= 1e-14 * cumulated[-1]
    low = float(z[order[k]])
    return low + 0.5 * (float(z[order[k + 1]]) - low) if tie else low
