"""A Gaussian model with known sigma as rows of unit noise and coefficients of unit scale.

    t = A u + e,   e ~ N(0, I),   v_j = loc_j + unit_j u_j,   unit_j = 1 / sqrt(l2_j + l1_j^2 / 2)

``unit`` is about one prior sd, so that no later product overflows whatever X is measured in.
A flat intercept and flat columns are integrated out exactly and drawn afterwards from their
conditional normal (:mod:`bayesreg.posterior.free_rows`).
Coefficients pinned to a point are moved to the left-hand side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.moments import Moments
from bayesreg.posterior.free_rows import FlatIntercept, free_rows
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem


@dataclass(frozen=True, eq=False)
class WhitenedRows:
    """The model of the coefficients with a proper prior, and what completes them.

    Attributes
    ----------
    design, target : (m, q) and (m,) arrays
        A and t; of a sparse X with n > q fewer rows, with the same inner products.
    l1, l2 : (q,) arrays
        The penalty of u in nats: l1 |u| + l2 u^2 / 2, with l2 + l1^2 / 2 = 1.
    completion : Completion
        Turns draws of u into draws of the extended vector v.
    """

    design: FloatArray
    target: FloatArray
    l1: FloatArray
    l2: FloatArray
    completion: Completion


@dataclass(frozen=True, eq=False)
class Completion:
    """The flat coefficients given the others.

    With F = Q R the flat columns (centred, whitened):  f | u ~ R^-1 (Q't - Q'A u + N(0, I)),
    and the intercept is  mean(residual) + N(0, 1) / sqrt(sum s / sigma^2).
    """

    base: FloatArray
    proper: IntArray
    unit: FloatArray
    flat: IntArray
    flat_factor: FloatArray
    flat_target: FloatArray
    flat_on_proper: FloatArray
    intercept: FlatIntercept | None

    def __call__(self, u: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draws of v, shape (draws, size), for draws of u, shape (draws, q)."""
        v = np.tile(self.base, (u.shape[0], 1))
        v[:, self.proper] += self.unit * u
        v[:, self.flat] = self._flat_draws(u, rng)
        if self.intercept is not None:
            v[:, -1] = self.intercept.draws(v[:, self.proper] - self.base[self.proper],
                                            v[:, self.flat], rng)  # fmt: skip
        return v

    def _flat_draws(self, u: FloatArray, rng: np.random.Generator) -> FloatArray:
        from scipy.linalg import solve_triangular

        noise = rng.standard_normal((u.shape[0], self.flat.size))
        if not self.flat.size:
            return noise
        right = self.flat_target + noise - u @ self.flat_on_proper.T
        solution: FloatArray = solve_triangular(self.flat_factor, right.T).T
        return solution


def unsuited(posterior: Posterior) -> str | None:
    """Why a posterior cannot be whitened; None when it can."""
    from bayesreg.likelihoods import Gaussian

    problem = posterior.problem
    if not problem.penalty.is_separable:
        return "it needs priors that are separable; some prior here is GroupLaplace"
    if not posterior.only_coefficients:
        return "it needs a number for sigma and every scale, and no Horseshoe prior"
    if not isinstance(problem.likelihood, Gaussian):
        return f"it needs a Gaussian likelihood; this one is {problem.likelihood!r}"
    free = ~problem.penalty.is_pinned
    bounded = np.isfinite(problem.penalty.lower) | np.isfinite(problem.penalty.upper)
    if np.any(bounded & free):
        return "it cannot keep coefficients within bounds"
    if problem.penalty.tails is not None:
        return "it needs Laplace, ElasticNet, Normal or flat priors; some prior here is Student's t"
    return None


def whiten(problem: Problem) -> WhitenedRows:
    """The rows and the completion of a Gaussian problem (see the module)."""
    penalty = problem.penalty
    proper = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned)
    unit = 1.0 / np.hypot(np.sqrt(penalty.l2[proper]), penalty.l1[proper] / np.sqrt(2.0))
    rows = free_rows(problem, proper, unit)
    completion = Completion(
        base=rows.base,
        proper=proper,
        unit=unit,
        flat=rows.flat,
        flat_factor=rows.factor,
        flat_target=rows.flat_target,
        flat_on_proper=rows.flat_on_proper,
        intercept=rows.intercept,
    )
    return WhitenedRows(
        design=rows.design,
        target=rows.target,
        l1=penalty.l1[proper] * unit,
        l2=(np.sqrt(penalty.l2[proper]) * unit) ** 2,
        completion=completion,
    )


def completion_from(problem: Problem, known: Moments, weight: float) -> Completion:
    """The completion where nothing is flat but an intercept, from the moments of some rows.

    ``weight`` is the sum of their weights.
    """
    penalty = problem.penalty
    free = ~penalty.is_flat & ~penalty.is_pinned
    proper = np.flatnonzero(free)
    intercept = None
    if known.mean is not None:
        residual = known.target_mean - float(known.start @ known.mean)
        deviation = problem.likelihood.noise / np.sqrt(weight)
        intercept = FlatIntercept(residual, known.mean[proper], np.empty(0), deviation)
    return Completion(
        base=np.where(penalty.is_flat, 0.0, problem.start),
        proper=proper,
        unit=1.0 / np.hypot(np.sqrt(penalty.l2[proper]), penalty.l1[proper] / np.sqrt(2.0)),
        flat=np.empty(0, dtype=np.intp),
        flat_factor=np.empty((0, 0)),
        flat_target=np.empty(0),
        flat_on_proper=np.empty((0, proper.size)),
        intercept=intercept,
    )
