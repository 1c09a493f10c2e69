"""Does the posterior integrate over sigma and the scales?  Powers at every corner.

Let sigma = a_0 x^e_0 and scale_k = a_k x^e_k with x to infinity and every e in {-1, 0, 1}. With the
coefficients integrated out the posterior is a power of x there, times what falls faster:

    p(sigma), p(scale)   each p ~ s^q at 0 adds -(q + 1) where e = -1, each p ~ s^-r at infinity
                         1 - r where e = 1 (with ds = s d log s)
    likelihood           x^-(sum of f_i): the f_i are the exponents of the m standard deviations
                         of y on its contrasts. A column has exponent f_j, that of its prior scale,
                         between two bounds at most 0;
                         greater ones go first, each level counts the rank that it adds, and the
                         noise has what is left, with e_0 (det V by Cauchy and Binet).
                         Where e_0 = -1 it is 0 for good, unless the columns with f_j >= 0 fit the
                         data without residual.

The posterior is proper when the exponents sum to less than 0 at every corner. That the integrand is
of this order uniformly holds for Normal, Laplace and elastic-net priors; where the sum is 0 or
more, the integral diverges for any prior of the coefficients that is positive and continuous. (A
Student-t or Horseshoe prior may put the fit of an exact relation further out in its tails; the
test is one-sided there.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.posterior.target import Posterior
from bayesreg.priors.on_noise import noise_density
from bayesreg.solvers.least_squares import least_squares

_EPS = float(np.finfo(float).eps)
# Squares below its square, beside those of y, are the rounding of an exact fit.
_ROUNDING = 1e-12
# A factorisation whose pivots stay above it proves full rank.
_PIVOT = 1e-6

#: Exponents by name; those of the numbers that stay are 0.
Corner = Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Corners:
    """The powers of a Gaussian model's posterior."""

    posterior: Posterior

    @cached_property
    def contrasts(self) -> int:
        """Rows less flat coefficients, which are of full rank."""
        problem = self.posterior.problem
        return problem.n - int(np.sum(problem.penalty.is_flat))

    @cached_property
    def names(self) -> tuple[str, ...]:
        sigma = () if self.posterior.sigma is None else ("sigma",)
        return (*sigma, *(scale.name for scale in self.posterior.scales))

    def all(self) -> list[Corner]:
        """Those with fewer numbers that move first."""
        every = [dict(zip(self.names, e, strict=True))
                 for e in product((0, -1, 1), repeat=len(self.names)) if any(e)]  # fmt: skip
        return sorted(every, key=lambda corner: sum(map(abs, corner.values())))

    def of_prior(self, name: str, exponent: int) -> float:
        """What p of one number and its differential contribute."""
        density = noise_density(self.posterior.scalars[name])
        if exponent == 0:
            return 0.0
        return -(density.at_zero + 1.0) if exponent < 0 else 1.0 - density.at_infinity

    def of_likelihood(self, corner: Corner) -> float:
        """Minus infinity where the likelihood vanishes faster than any power."""
        noise = corner.get("sigma", 0)
        exponents = self._exponents(corner)
        if noise < 0 and not self.fits(exponents >= 0):
            return -np.inf
        total, above = 0.0, 0
        for level in sorted({int(f) for f in exponents[self._sized] if f > noise}, reverse=True):
            rank = self.rank(exponents >= level)
            total += level * (rank - above)
            above = rank
        return -total - noise * (self.contrasts - above)

    def at_most(self, corner: Corner) -> float:
        """A bound of the likelihood's exponent that needs no linear algebra."""
        noise = corner.get("sigma", 0)
        return np.inf if noise < 0 else -noise * self.contrasts

    @cached_property
    def _sized(self) -> BoolArray:
        """Columns with a proper prior that is not a point."""
        penalty = self.posterior.problem.penalty
        sized: BoolArray = ~penalty.is_flat & ~penalty.is_pinned
        return sized

    def _exponents(self, corner: Corner) -> FloatArray:
        """Of the prior scale of each column."""
        exponents = corner.get("sigma", 0) * self.posterior.relative.astype(float)
        for scale in self.posterior.scales:
            exponents += corner[scale.name] * scale.columns
        # Between two bounds a prior that grows becomes uniform.
        return np.where(self.in_box, np.minimum(exponents, 0.0), exponents)

    @cached_property
    def in_box(self) -> BoolArray:
        """Columns bounded on both sides."""
        penalty = self.posterior.problem.penalty
        boxed: BoolArray = np.isfinite(penalty.lower) & np.isfinite(penalty.upper)
        return boxed

    @cached_property
    def _known(self) -> dict[tuple[str, bytes], float]:
        return {}

    def fits(self, columns: BoolArray) -> bool:
        """Whether flat coefficients and these columns leave no residual, the rest at their loc."""
        key = ("fits", (columns & self._sized).tobytes())
        if key not in self._known:
            self._known[key] = self._fits(columns & self._sized)
        return bool(self._known[key])

    def _fits(self, columns: BoolArray) -> bool:
        problem = self.posterior.problem
        movable = columns | problem.penalty.is_flat
        bounded = np.isfinite(problem.penalty.lower) | np.isfinite(problem.penalty.upper)
        if not np.any(bounded & movable):
            if self._few_rows_do_not_fit(movable):
                return False
            if self._of_full_row_rank(movable):
                return True
        squares = least_squares(problem, movable, np.zeros(problem.size))
        return squares <= self._floor

    @cached_property
    def _floor(self) -> float:
        problem = self.posterior.problem
        size = np.abs(problem.y) + np.abs(problem.offset)
        return float(_ROUNDING**2 * (problem.weights @ size**2))

    def _few_rows_do_not_fit(self, movable: BoolArray) -> bool:
        """A residual over some rows is one over all: enough for tall data."""
        problem, columns = self.posterior.problem, np.flatnonzero(movable)
        rows = self._few_rows(columns.size)
        if rows is None:
            return False
        root = np.sqrt(problem.weights[rows])
        block = root[:, None] * problem.block(columns, rows)
        target = root * (problem.y - problem.linear_predictor(problem.start))[rows]
        target = _residual(_at_unit_length(block), target)
        return float(target @ target) > 1e6 * self._floor

    def _few_rows(self, columns: int) -> slice | None:
        few = 2 * columns + 10
        return slice(0, few) if few < self.posterior.problem.n else None

    def _of_full_row_rank(self, movable: BoolArray) -> bool:
        """Proved by a factorisation of the rows' products; False says nothing."""
        problem, columns = self.posterior.problem, np.flatnonzero(movable)
        if columns.size < problem.n:
            return False
        block = _at_unit_length(problem.block(columns))
        return _factor(block @ block.T) is not None

    def rank(self, columns: BoolArray) -> int:
        """What these columns add to the rank of the flat ones."""
        chosen = columns & self._sized
        key = ("rank", chosen.tobytes())
        if key not in self._known:
            self._known[key] = self._rank(chosen)
        return int(self._known[key])

    def _rank(self, chosen: BoolArray) -> int:
        problem = self.posterior.problem
        flat = problem.penalty.is_flat
        if not chosen.any():
            return 0
        if self._of_full_row_rank(chosen | flat):
            return self.contrasts
        columns = np.flatnonzero(chosen | flat)
        rows = self._few_rows(columns.size)
        if rows is not None:
            block = _at_unit_length(problem.block(columns, rows))
            if _factor(block.T @ block) is not None:
                return int(np.sum(chosen))
        block = _at_unit_length(problem.block(columns))
        if block.shape[0] > block.shape[1]:
            block = np.asarray(np.linalg.qr(block, mode="r"))
        return int(np.linalg.matrix_rank(block)) - int(np.sum(flat))


def _residual(block: FloatArray, target: FloatArray) -> FloatArray:
    """Of least squares; by normal equations, twice, where they are well-conditioned."""
    from scipy.linalg import cho_solve

    factor = _factor(block.T @ block)
    for _ in range(2):
        if factor is None:
            step = np.linalg.lstsq(block, target, rcond=max(block.shape) * _EPS)[0]
        else:
            size, lower = factor
            step = cho_solve((lower, True), (block.T @ target) / size) / size
        target = target - block @ step
    return target


def _factor(gram: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Root of the diagonal, and the Cholesky factor at unit diagonal; None near singularity."""
    size = np.sqrt(np.diag(gram))
    if not np.all(size > 0):
        return None
    try:
        factor = np.asarray(np.linalg.cholesky(gram / size / size[:, None]), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return (size, factor) if np.min(np.diag(factor), initial=1.0) > _PIVOT else None


def _at_unit_length(block: FloatArray) -> FloatArray:
    """Columns divided by their length, so that units do not matter."""
    largest = np.max(np.abs(block), axis=0)
    block = block / np.where(largest > 0, largest, 1.0)
    length = np.sqrt(np.sum(block**2, axis=0))
    unit: FloatArray = block / np.where(length > 0, length, 1.0)
    return unit
