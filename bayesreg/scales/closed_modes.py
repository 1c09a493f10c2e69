"""Certified modes under a Gaussian likelihood of known sigma and Normal priors, from the law.

The mode is the mean of the law; its duality gap is that of :mod:`bayesreg.proof.path`, from the
same second moments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.proof.path import certify_path
from bayesreg.scales.normal_law import NormalLaw
from bayesreg.solvers.ridge_path import is_plain_ridge

# What find_map_path asks of its points by default.
_TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class ClosedModes:
    """A row per factor, in the user's units.

    Attributes
    ----------
    coef : (k, p) array
    intercept, gap : (k,) arrays
    """

    coef: FloatArray
    intercept: FloatArray
    gap: FloatArray


def closed_modes(law: NormalLaw, factors: FloatArray) -> ClosedModes | None:
    """At each factor; None where some point is not proved, or there are no moments to prove it."""
    known, problem = law.moments, law.posterior.problem
    if known is None or law.posterior.sigma is not None or not is_plain_ridge(problem):
        return None
    size = known.start.size
    d = law.mean(law.extended, factors)[:, :size] - known.start
    penalty = problem.penalty.take(slice(0, size))
    along = replace(
        penalty,
        l1=np.zeros((factors.size, size)),
        l2=penalty.l2 / np.square(factors)[:, None],
    )
    gaps = certify_path(known, along, d, 0.5 * known.total, _TOLERANCE)
    if not gaps.holds.all():
        return None
    found = [problem.coefficients(v) for v in known.extended(d)]
    coef = np.array([w for w, _ in found])
    return ClosedModes(coef, np.array([a for _, a in found]), gaps.gap)
