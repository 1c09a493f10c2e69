"""The scales at which a coefficient leaves or meets its loc: exact knots of a lasso path.

Under a Gaussian likelihood with Laplace priors w is piecewise linear in 1 / t, t the factor of the
scale.  The homotopy (:mod:`bayesreg.solvers.homotopy`) yields the knots with the coefficients
there; both are certified afterwards like those of any other path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments, moments
from bayesreg.problem import Problem
from bayesreg.solvers.column_products import ByMoments, ByRows
from bayesreg.solvers.gaussian import moments_pay
from bayesreg.solvers.homotopy import Homotopy, Knot

# More knots than this for each coefficient are not a path that anyone can read.
_MOST_PER_COEFFICIENT = 50


@dataclass(frozen=True, eq=False)
class Knots:
    """Knots, ascending in the factor of the prior scale.

    Attributes
    ----------
    factors : (k,) array
        Factors t of the prior scale.
    v : (k, size) array
        Extended vectors there.
    moments : Moments or None
        Where the path came from them.
    """

    factors: FloatArray
    v: FloatArray
    moments: Moments | None


def find_knots(problem: Problem, max_nonzero: int | None = None) -> Knots:
    """The knots, up to the first with more than ``max_nonzero`` coefficients off loc.

    Raises
    ------
    ModelError
        For other than Laplace priors on every coefficient, a Gaussian likelihood with sigma a
        number, and an intercept that is flat or absent.
    """
    _require_piecewise_linear(problem)
    known = moments(problem) if moments_pay(problem) else None
    products = ByRows(problem) if known is None else ByMoments(known)
    rank = min(problem.n - problem.flat_intercept, problem.p)
    homotopy = Homotopy(products, problem.penalty.l1[: problem.p], rank)
    found = _knots(homotopy, problem.start[: problem.p], max_nonzero)
    factors = np.array([1.0 / knot.lam for knot in found])
    return Knots(factors, _extended(problem, found), known)


def _require_piecewise_linear(problem: Problem) -> None:
    penalty = problem.penalty.take(slice(0, problem.p))
    unbounded = np.isinf(penalty.lower) & np.isinf(penalty.upper)
    plain = penalty.is_separable and penalty.tails is None
    if not (
        isinstance(problem.likelihood, Gaussian)
        and plain
        and np.all((penalty.l1 > 0) & (penalty.l2 == 0) & unbounded)
        and (problem.flat_intercept or not problem.has_intercept)
    ):
        raise ModelError(
            "exact knots exist for a Gaussian likelihood with a Laplace prior on every coefficient "
            "and a flat intercept or none; give scales as numbers instead"
        )


def _knots(homotopy: Homotopy, start: FloatArray, max_nonzero: int | None) -> list[Knot]:
    if not homotopy.active:
        return []
    most = start.size if max_nonzero is None else max_nonzero
    knot: Knot | None = homotopy.knot()
    found: list[Knot] = []
    while knot is not None and len(found) < _MOST_PER_COEFFICIENT * start.size:
        found.append(knot)
        if np.count_nonzero(knot.d) > most:
            break
        knot = homotopy.advance()
    return found


def _extended(problem: Problem, knots: list[Knot]) -> FloatArray:
    """Coefficients at the knots, a flat intercept at its optimum."""
    p = problem.p
    v = np.zeros((len(knots), problem.size))
    v[:, :p] = problem.start[:p]
    for row, knot in zip(v, knots, strict=True):
        row[knot.columns] += knot.d
    if problem.flat_intercept and len(knots):
        weights = problem.weights / np.sum(problem.weights)
        mean = problem.X.T @ weights
        v[:, p] = weights @ (problem.y - problem.offset) - v[:, :p] @ mean
    return v
