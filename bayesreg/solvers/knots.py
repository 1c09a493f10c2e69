"""The scales at which a coefficient leaves or meets its loc: exact knots of a lasso path.

Under a Gaussian likelihood with Laplace priors d = w - loc is piecewise linear in lam = 1 / t,
t the factor of the scale.  With the coefficients A off their loc and signs s

    d_A(lam) = G_AA^-1 (c_A - lam s_A l1_A),     |c_j - G_jA d_A(lam)| <= lam l1_j elsewhere,

so that the next knot is the largest smaller lam at which one of the |..| reaches its bound or
some d_j reaches 0.  Osborne, Presnell and Turlach (2000); Efron et al. (2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Gaussian
from bayesreg.moments import Moments, moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem

# A knot this close to the last one, as a share of it, is the last one met again.
_SAME = 1e-12


def knot_factors(problem: Problem, largest: float = np.inf) -> FloatArray:
    """Factors t of the prior scale at the knots, ascending, up to ``largest``.

    Raises
    ------
    ModelError
        For other than Laplace priors on every coefficient, a Gaussian likelihood with sigma a
        number, and an intercept that is flat or absent.
    """
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
    known = moments(problem)
    return np.array(_knots(known, penalty, 1.0 / largest))


@dataclass
class _Segment:
    """Between two knots: d = start + lam slope over the active coefficients."""

    active: BoolArray
    sign: FloatArray
    start: FloatArray
    slope: FloatArray


def _knots(known: Moments, penalty: Penalty, least: float) -> list[float]:
    l1 = penalty.l1
    ratio = np.abs(known.cross) / l1
    lam = float(np.max(ratio))
    active = np.zeros(l1.size, dtype=bool)
    sign = np.zeros(l1.size)
    found: list[float] = []
    if lam > least:
        active[np.argmax(ratio)] = True
        sign[active] = np.sign(known.cross[active])
        found.append(1.0 / lam)
    while found and active.any() and len(found) < 50 * l1.size:
        segment = _segment(known, penalty, active, sign)
        if segment is None:
            break
        lam, changing, joins = _next_knot(known, penalty, segment, lam)
        if not lam > least:
            break
        found.append(1.0 / lam)
        active[changing] = joins
        pull = known.cross - known.gram @ (segment.start + lam * segment.slope)
        sign[changing] = np.sign(pull[changing]) if joins else 0.0
    return found


def _segment(
    known: Moments, penalty: Penalty, active: BoolArray, sign: FloatArray
) -> _Segment | None:
    """None where the active columns have become dependent: the path ends, fitting exactly."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    start, slope = np.zeros(active.size), np.zeros(active.size)
    try:
        factor = cho_factor(known.gram[np.ix_(active, active)])
    except LinAlgError:
        return None
    start[active] = cho_solve(factor, known.cross[active])
    slope[active] = -cho_solve(factor, (sign * penalty.l1)[active])
    return _Segment(active, sign, start, slope)


def _next_knot(
    known: Moments, penalty: Penalty, segment: _Segment, lam: float
) -> tuple[float, int, bool]:
    """The next smaller lam, the coefficient that changes there, and whether it joins."""
    below = lam * (1.0 - _SAME)
    with np.errstate(divide="ignore", invalid="ignore"):
        leaving = np.where(segment.active, -segment.start / segment.slope, -np.inf)
        # pull(lam) = level + lam rate meets +lam l1 or -lam l1.
        level = known.cross - known.gram @ segment.start
        rate = -known.gram @ segment.slope
        upper = level / (penalty.l1 - rate)
        lower = -level / (penalty.l1 + rate)
    meets = np.stack([np.where(segment.active, -np.inf, one) for one in (upper, lower)])
    candidates = np.vstack([leaving, meets])
    candidates = np.where(np.isfinite(candidates) & (candidates < below), candidates, -np.inf)
    row, j = np.unravel_index(int(np.argmax(candidates)), candidates.shape)
    return float(candidates[row, j]), int(j), bool(row > 0)
