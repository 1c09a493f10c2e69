"""The duality gap at many points of one Gaussian problem, from its second moments.

With r = gram d - cross the gradient of the loss and c = -r the pull on each coefficient, the gap
of :mod:`bayesreg.certificate` at the dual point alpha u reads

    (1 - alpha)^2 loss(d)  +  sum_j [ g_j(v_j) + g_j*(alpha c_j) - alpha c_j v_j ]

What rounding of the moments could hide is added to it.  Unpenalised coefficients are not treated
here: their gap is infinite, and the caller asks the certificate that reads X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.certificate import Certificate
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty


@dataclass(frozen=True, eq=False)
class PathGaps:
    """Certificates of k points as arrays; see :class:`bayesreg.certificate.Certificate`."""

    gap: FloatArray
    kkt_residual: FloatArray
    zeros_proved: BoolArray
    half_null_deviance: float
    tol: float

    @property
    def relative_gap(self) -> FloatArray:
        return self.gap / (self.half_null_deviance if self.half_null_deviance > 0 else 1.0)

    @property
    def holds(self) -> BoolArray:
        return self.relative_gap <= self.tol

    def certificate(self, k: int) -> Certificate:
        """Point k's certificate."""
        return Certificate(
            gap=float(self.gap[k]),
            relative_gap=float(self.relative_gap[k]),
            kkt_residual=float(self.kkt_residual[k]),
            zeros_proved=bool(self.zeros_proved[k]),
            flat_residual=0.0,
            half_null_deviance=self.half_null_deviance,
            tol=self.tol,
        )


def certify_path(
    moments: Moments, penalty: Penalty, d: FloatArray, half_null_deviance: float, tol: float
) -> PathGaps:
    """Gaps at the rows of d.

    Parameters
    ----------
    penalty : Penalty
        ``l1`` and ``l2`` of shape (k, p), a row for each point; the rest of shape (p,).
    d : (k, p) array
        Distances from ``moments.start``.
    """
    v = moments.start + d
    product = d @ moments.gram
    c = moments.cross - product
    loss = np.maximum(0.5 * (moments.total - np.sum(d * (moments.cross + c), axis=1)), 0.0)
    error = _rounding_of_pull(moments, d)
    scaling = _scaling(penalty, c, error)[:, None]
    by_column = penalty.fenchel_young(v, scaling * c)
    gap = (1 - scaling[:, 0]) ** 2 * loss + np.sum(by_column, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        curved = np.where(penalty.l2 > 0, error**2 / penalty.l2, 0.0)
    gap = gap + 2 * np.sum(np.abs(d) * error + curved, axis=1)
    return PathGaps(
        gap=gap,
        kkt_residual=_kkt_residuals(moments, penalty, v, c),
        zeros_proved=_zeros_proved(moments, penalty, v, c, gap, error),
        half_null_deviance=half_null_deviance,
        tol=tol,
    )


def _rounding_of_pull(moments: Moments, d: FloatArray) -> FloatArray:
    """How far each c_j may be off."""
    magnitude = np.abs(d) @ moments.size + np.sqrt(moments.total)
    return moments.rounding * magnitude[:, None] * moments.size


def _scaling(penalty: Penalty, c: FloatArray, error: FloatArray) -> FloatArray:
    """The largest alpha <= 1 for which alpha c_j is feasible, rounding included."""
    size = np.abs(c) + error
    lower, upper = np.isinf(penalty.lower), np.isinf(penalty.upper)
    beyond = np.where(c > 0, upper, lower) & (penalty.l2 == 0) & (size > penalty.l1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(beyond, penalty.l1 / size, 1.0)
    return np.min(shares, axis=1) * (1 - 4e-16)


def _kkt_residuals(moments: Moments, penalty: Penalty, v: FloatArray, c: FloatArray) -> FloatArray:
    distance = penalty.subgradient_distance(v, -c)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_root = distance / np.sqrt(np.diagonal(moments.gram) + penalty.l2)
        return np.max(np.where(distance > 0, by_root, 0.0), axis=1)


def _zeros_proved(
    moments: Moments,
    penalty: Penalty,
    v: FloatArray,
    c: FloatArray,
    gap: FloatArray,
    error: FloatArray,
) -> BoolArray:
    """|c_j| + ||x_j|| sqrt(2 gap) < l1_j for every coefficient at its kink or bound."""
    low, high = penalty.subdifferential(v)
    zeros = (low < high) & ~penalty.is_pinned
    with np.errstate(invalid="ignore"):
        reach = moments.size * np.sqrt(2 * gap)[:, None] + error
        inside = (c - reach > low) & (c + reach < high)
    proved: BoolArray = np.all(inside | ~zeros, axis=1)
    return proved
