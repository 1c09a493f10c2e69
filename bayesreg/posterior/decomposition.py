"""A singular value decomposition that the scales of the columns do not disturb.

Ordinary algorithms leave errors of rounding times the largest singular value, which swallow columns
that are 1e16 times smaller: beside a column with a very wide prior, all others.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError

_EPS = float(np.finfo(float).eps)
# Columns whose lengths differ by less lose at most ten digits of sixteen.
_ALIKE = 1e6
# With more columns than rows draws are differences of numbers of the size of the widest prior.
_TOO_UNLIKE = 1e12


def decomposed(A: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """U, d, V' with min(n, q) singular values; those that are rounding are 0.

    Raises
    ------
    ModelError
        With more columns than rows, some of them beyond the digits of others.
    """
    n, q = A.shape
    length = np.linalg.norm(A, axis=0)
    length = length[length > 0]
    unlike = float(np.max(length) / np.min(length)) if length.size else 1.0
    if q > n and unlike > _TOO_UNLIKE:
        raise ModelError(_TOO_WIDE)
    Q, R = np.linalg.qr(A) if n > q else (None, A)
    if unlike <= _ALIKE:
        U, d, right = np.linalg.svd(R, full_matrices=False)
        d = np.where(d > max(A.shape) * _EPS * np.max(d, initial=0.0), d, 0.0)
    else:
        U, d, right = _graded(R)
    return (U if Q is None else Q @ U), d, right


def _graded(A: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same by one-sided Jacobi rotations: Drmac and Veselic (2008, SIAM J. Matrix Anal. Appl.
    29:1322), which keep the digits of small singular values whatever multiplies the columns.

    The rank is that of the columns at unit length.
    """
    from scipy.linalg.lapack import dgejsv

    wide = A.shape[0] < A.shape[1]
    # joba=2 for rows as well as columns of any size; U and V wanted; no transposing, no perturbing.
    d, left, right, work, _, failed = dgejsv(
        np.asfortranarray(A.T if wide else A), joba=2, jobu=0, jobv=0, jobr=0, jobt=1, jobp=1
    )
    if failed:
        raise ModelError(_TOO_WIDE)
    d = d * (work[0] / work[1])
    k = d.size
    length = np.linalg.norm(A, axis=0)
    rank = np.linalg.matrix_rank(A / np.where(length > 0, length, 1.0))
    d = np.where(np.arange(k) < rank, d, 0.0)
    U, V = (right, left) if wide else (left, right)
    return U[:, :k], d, V[:, :k].T


_TOO_WIDE = (
    "with more columns than rows, the prior of some column is more than 1e12 times wider than that "
    "of others, in units of what a column does to y: nothing of the others would be left after "
    "rounding. Give the wide one a flat prior, Flat(), which is exact, or a narrower one"
)
