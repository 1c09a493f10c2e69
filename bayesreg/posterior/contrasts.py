"""A Gaussian model as rows of noise sigma I, with flat coefficients integrated out exactly.

    t = A u + sigma e,   e ~ N(0, I),   v_j = loc_j + unit_j u_j

for the coefficients with a proper prior; with a number for sigma, rows are divided by it and sigma
is 1. Of n rows ``contrasts`` = n - 1 - (flat columns) directions are left, and sigma^-contrasts is
what they say of its size (:mod:`bayesreg.posterior.free_rows`). With at most as many columns as
contrasts, a QR decomposition leaves one row per column and a residual square ``rest``; with more,
an orthonormal basis of the contrasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.posterior.free_rows import FlatIntercept, FreeRows, free_rows
from bayesreg.problem import Problem

if TYPE_CHECKING:
    from bayesreg._kernels.completion import Whole


@dataclass(frozen=True, eq=False)
class Contrasts:
    """The rows, and what makes draws of u into draws of v.

    Attributes
    ----------
    design, target : (r, q) and (r,) arrays
        A and t, r = min(contrasts, q).
    rest : float
        The least residual square; 0 where q >= contrasts.
    contrasts : int
    whole : Whole
        For :func:`bayesreg._kernels.completion.complete`.
    """

    design: FloatArray
    target: FloatArray
    rest: float
    contrasts: int
    whole: Whole


def contrasts_of(problem: Problem, proper: IntArray, unit: FloatArray) -> Contrasts:
    """Integrate the flat coefficients out; ``proper`` are those that stay, measured in ``unit``."""
    from bayesreg._kernels.completion import Whole

    rows = free_rows(problem, proper, unit)
    intercept = rows.intercept or FlatIntercept(
        0.0, np.zeros(proper.size), np.zeros(rows.flat.size), 0.0
    )
    whole = Whole(
        rows.base, proper, unit, rows.flat, rows.factor, rows.flat_target, rows.flat_on_proper,
        intercept.residual, intercept.proper, intercept.flat, intercept.deviation,
    )  # fmt: skip
    return Contrasts(*_reduced(rows), rows.contrasts, whole)


def _reduced(rows: FreeRows) -> tuple[FloatArray, FloatArray, float]:
    """min(contrasts, q) rows with the same inner products, and what is left of t beyond them."""
    A, t, q, k = rows.design, rows.target, rows.design.shape[1], rows.integrated.shape[1]
    if rows.contrasts > q:
        R: FloatArray = np.asarray(np.linalg.qr(np.column_stack([A, t]), mode="r"))
        return np.ascontiguousarray(R[:q, :q]), R[:q, q].copy(), float(R[q, q] ** 2)
    if not k:
        return np.ascontiguousarray(A), t, 0.0
    Q: FloatArray = np.linalg.qr(rows.integrated, mode="complete")[0]
    basis = Q[:, k:]
    return np.ascontiguousarray(basis.T @ A), basis.T @ t, 0.0
