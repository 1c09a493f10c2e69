"""The duality gap at many points of one Gaussian problem at once.

With c = X' diag(h) r the pull of the residuals on each coefficient, the gap of
:mod:`bayesreg.proof.gap` at the dual point alpha u reads

    (1 - alpha)^2 loss  +  sum_j [ g_j(v_j) + g_j*(alpha c_j) - alpha c_j v_j ]

Loss and pulls come from X, or from second moments of the data; what rounding of these could hide
is then added to the gap.  Unpenalised coefficients other than an intercept are not treated here:
the gap comes out large, and the caller asks the certificate of the single point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.design import column_run, product_over
from bayesreg.moments import Moments
from bayesreg.penalty import Penalty
from bayesreg.problem import Problem
from bayesreg.proof.certificate import Certificate

_EPS = float(np.finfo(float).eps)
# Of points times rows or columns in play; a run of columns, and the points that are looked at
# together, stay in the cache.
_ENTRIES_AT_ONCE = 1_000_000
_ENTRIES_IN_CACHE = 50_000
_COLUMNS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class PathGaps:
    """Certificates of k points as arrays; see :class:`bayesreg.proof.certificate.Certificate`."""

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

    def with_points(self, where: IntArray, found: PathGaps) -> PathGaps:
        """Some points as found in another way."""
        parts = {}
        for name in ("gap", "kkt_residual", "zeros_proved"):
            parts[name] = getattr(self, name).copy()
            parts[name][where] = getattr(found, name)
        return replace(self, **parts)

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


@dataclass(frozen=True, eq=False)
class _Points:
    """k points: distances from ``start``, pulls with their rounding, losses, column norms.

    ``norm`` is that of the centred columns, ``size`` that of the columns as they are.
    """

    v: FloatArray
    d: FloatArray
    c: FloatArray
    error: FloatArray
    loss: FloatArray
    norm: FloatArray
    size: FloatArray

    def take(self, columns: IntArray) -> _Points:
        """The same points seen on some columns only."""
        return _Points(
            self.v[:, columns], self.d[:, columns], self.c[:, columns], self.error[:, columns],
            self.loss, self.norm[columns], self.size[columns],
        )  # fmt: skip

    def some(self, rows: slice) -> _Points:
        """Some of the points."""
        return replace(
            self, v=self.v[rows], d=self.d[rows], c=self.c[rows], error=self.error[rows],
            loss=self.loss[rows],
        )  # fmt: skip


def certify_path(
    moments: Moments, penalty: Penalty, d: FloatArray, half_null_deviance: float, tol: float
) -> PathGaps:
    """Gaps at the rows of d, from the moments.

    Parameters
    ----------
    penalty : Penalty
        ``l1`` and ``l2`` of shape (k, p), a row for each point; the rest of shape (p,).
    d : (k, p) array
        Distances from ``moments.start``.
    """
    c = moments.cross - d @ moments.gram
    loss = 0.5 * (moments.total - np.sum(d * (moments.cross + c), axis=1))
    magnitude = np.abs(d) @ moments.size + np.sqrt(moments.total)
    error = moments.rounding * magnitude[:, None] * moments.size
    norm = np.sqrt(np.diagonal(moments.gram))
    points = _Points(moments.start + d, d, c, error, np.maximum(loss, 0.0), norm, moments.size)
    return _gaps(penalty, points, half_null_deviance, tol)


def certify_path_by_rows(
    problem: Problem,
    penalty: Penalty,
    f: FloatArray,
    g: FloatArray,
    v: FloatArray,
    half_null_deviance: float,
    tol: float,
) -> PathGaps:
    """Gaps at the rows of v, from X itself; a flat intercept is put at its optimum.

    Parameters
    ----------
    penalty : Penalty
        Of all coefficients but a flat intercept, at factors of 1.
    f, g : (k,) arrays
        What l1 and l2 are divided by at each point.
    v : (k, p) or (k, p + 1) array
    """
    rows = _Rows.of(problem, penalty)
    step = max(1, _ENTRIES_AT_ONCE // max(problem.n, int(np.count_nonzero(np.any(v, axis=0)))))
    parts = []
    for first in range(0, len(v), step):
        block = slice(first, first + step)
        parts.append(rows.gaps(v[block], f[block], g[block], half_null_deviance, tol))
    return _joined(parts)


def _joined(parts: list[PathGaps]) -> PathGaps:
    return replace(
        parts[0],
        gap=np.concatenate([part.gap for part in parts]),
        kkt_residual=np.concatenate([part.kkt_residual for part in parts]),
        zeros_proved=np.concatenate([part.zeros_proved for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """What every point of a path by rows has in common."""

    problem: Problem
    penalty: Penalty
    by_row: FloatArray
    raw: FloatArray
    norm: FloatArray

    @classmethod
    def of(cls, problem: Problem, penalty: Penalty) -> _Rows:
        by_row = problem.weights / problem.likelihood.noise**2
        squares = problem.column_squares(by_row)[: penalty.size]
        centred = squares
        if problem.flat_intercept:
            centred = squares - (problem.X.T @ by_row) ** 2 / np.sum(by_row)
        norm = np.sqrt(np.maximum(centred, _EPS * squares))
        return cls(problem, penalty, by_row, np.sqrt(squares), norm)

    def gaps(
        self, v: FloatArray, f: FloatArray, g: FloatArray, half_null_deviance: float, tol: float
    ) -> PathGaps:
        """Gaps at the rows of v, looking closely only at columns that some have off their kink."""
        inside, size = v[:, : self.penalty.size], self.penalty.size
        off = np.any(inside != self.problem.start[:size], axis=0)
        weighted, magnitude = self._residuals(v)
        # Inner products of n terms, with room to spare; the residuals are taken as they stand.
        noise = 16 * _EPS * magnitude
        busy, pulls, least = [], [], np.full(len(v), np.inf)
        for first in range(0, size, _COLUMNS_AT_ONCE):
            columns = np.arange(first, min(first + _COLUMNS_AT_ONCE, size))
            c = self._pulls(columns, weighted)
            slack = np.outer(self.penalty.l1[columns], 1 / f)
            slack -= np.outer(self.raw[columns], noise)
            slack -= np.abs(c)
            quiet = ~off[columns] & (np.min(slack, axis=1) > 0)
            busy.append(columns[~quiet])
            pulls.append(c[~quiet])
            least = np.minimum(least, self._least_share(slack, quiet, columns))
        chosen = np.concatenate(busy)
        c = np.concatenate(pulls).T
        own, error = inside[:, chosen], noise[:, None] * self.raw[chosen]
        d = own - self.problem.start[chosen]
        norm, raw = self.norm[chosen], self.raw[chosen]
        at = _Points(own, d, c, error, 0.5 * magnitude**2, norm, raw)
        part = self.penalty.take(chosen)
        along = replace(part, l1=part.l1 / f[:, None], l2=part.l2 / g[:, None])
        close = _gaps(along, at, half_null_deviance, tol)
        return replace(close, zeros_proved=close.zeros_proved & (least > np.sqrt(2 * close.gap)))

    def _least_share(self, slack: FloatArray, quiet: BoolArray, columns: IntArray) -> FloatArray:
        """min_j slack_j / norm_j over the quiet columns, for each point."""
        if not quiet.all():
            slack, columns = slack[quiet], columns[quiet]
        norm = self.norm[columns]
        slack *= (1 / np.where(norm > 0, norm, np.finfo(float).tiny))[:, None]
        return np.min(slack, axis=0, initial=np.inf)

    def _residuals(self, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weighted residuals (n, k) and the roots of twice their losses."""
        problem, by_row, p = self.problem, self.by_row, self.problem.p
        w = v[:, :p]
        moved = np.flatnonzero(np.any(w, axis=0))
        few = moved.size * 4 < p
        fitted = product_over(problem.X, moved, w[:, moved].T) if few else problem.X @ w.T
        residual = (problem.y - problem.offset)[:, None] - fitted
        if problem.flat_intercept:
            residual -= by_row @ residual / np.sum(by_row)
        elif problem.has_intercept:
            residual -= v[:, p]
        magnitude = np.sqrt(np.einsum("i,ij,ij->j", by_row, residual, residual))
        residual *= by_row[:, None]
        return residual, magnitude

    def _pulls(self, columns: IntArray, weighted: FloatArray) -> FloatArray:
        """x_j' (h r) for a run of columns, a row each; the last may be the column of ones."""
        p = self.problem.p
        product = column_run(self.problem.X, columns[0], min(columns[-1] + 1, p)).T @ weighted
        if columns[-1] < p:
            return np.asarray(product)
        return np.concatenate([product, np.sum(weighted, axis=0)[None]])


def _gaps(penalty: Penalty, at: _Points, half_null_deviance: float, tol: float) -> PathGaps:
    """Gaps of points, looking closely only at columns that some point has off their kink."""
    quiet = (at.d == 0) & (np.abs(at.c) + at.error < penalty.l1)
    quiet_at_all = np.all(quiet, axis=0)
    if not quiet_at_all.any():
        return _gaps_over(penalty, at, half_null_deviance, tol)
    busy = np.flatnonzero(~quiet_at_all)
    close = _gaps_over(_taken(penalty, busy), at.take(busy), half_null_deviance, tol)
    still = np.flatnonzero(quiet_at_all)
    slack = penalty.l1[:, still] - np.abs(at.c[:, still]) - at.error[:, still]
    with np.errstate(invalid="ignore"):
        reach = at.norm[still] * np.sqrt(2 * close.gap)[:, None]
    return replace(close, zeros_proved=close.zeros_proved & np.all(slack > reach, axis=1))


def _taken(penalty: Penalty, columns: IntArray) -> Penalty:
    return Penalty(
        penalty.l1[:, columns], penalty.l2[:, columns], penalty.loc[columns],
        penalty.lower[columns], penalty.upper[columns],
    )  # fmt: skip


def _gaps_over(penalty: Penalty, at: _Points, half_null_deviance: float, tol: float) -> PathGaps:
    """Gaps of points, a few at a time, every column looked at."""
    step = max(1, _ENTRIES_IN_CACHE // max(1, at.v.shape[1]))
    parts = []
    for first in range(0, len(at.v), step):
        rows = slice(first, first + step)
        along = replace(penalty, l1=penalty.l1[rows], l2=penalty.l2[rows])
        parts.append(_gaps_of_some(along, at.some(rows), half_null_deviance, tol))
    return _joined(parts)


def _gaps_of_some(penalty: Penalty, at: _Points, half_null_deviance: float, tol: float) -> PathGaps:
    scaling = _scaling(penalty, at.c, at.error)[:, None]
    by_column = penalty.fenchel_young(at.v, scaling * at.c)
    with np.errstate(invalid="ignore", divide="ignore"):
        curved = np.where(penalty.l2 > 0, at.error**2 / penalty.l2, 0.0)
    rounding = 2 * np.sum(np.abs(at.d) * at.error + curved, axis=1)
    gap = (1 - scaling[:, 0]) ** 2 * at.loss + np.sum(by_column, axis=1) + rounding
    return PathGaps(
        gap=gap,
        kkt_residual=_kkt_residuals(penalty, at),
        zeros_proved=_zeros_proved(penalty, at, gap),
        half_null_deviance=half_null_deviance,
        tol=tol,
    )


def _scaling(penalty: Penalty, c: FloatArray, error: FloatArray) -> FloatArray:
    """The largest alpha <= 1 for which alpha c_j is feasible, rounding included."""
    size = np.abs(c) + error
    beyond = np.where(c > 0, np.isinf(penalty.upper), np.isinf(penalty.lower))
    beyond = beyond & (penalty.l2 == 0) & (size > penalty.l1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(beyond, penalty.l1 / size, 1.0)
    return np.min(shares, axis=1, initial=1.0) * (1 - 2 * _EPS)


def _kkt_residuals(penalty: Penalty, at: _Points) -> FloatArray:
    distance = penalty.subgradient_distance(at.v, -at.c)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_root = distance / np.sqrt(at.size**2 + penalty.l2)
        return np.max(np.where(distance > 0, by_root, 0.0), axis=1, initial=0.0)


def _zeros_proved(penalty: Penalty, at: _Points, gap: FloatArray) -> BoolArray:
    """|c_j| + ||x_j|| sqrt(2 gap) < l1_j for every coefficient at its kink or bound."""
    low, high = penalty.subdifferential(at.v)
    zeros = (low < high) & ~penalty.is_pinned
    if not zeros.any():
        return np.ones(len(gap), dtype=bool)
    with np.errstate(invalid="ignore"):
        reach = at.norm * np.sqrt(2 * gap)[:, None] + at.error
        inside = (at.c - reach > low) & (at.c + reach < high)
    proved: BoolArray = np.all(inside | ~zeros, axis=1)
    return proved
