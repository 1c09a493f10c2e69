"""A path of modes under a Gaussian likelihood with a sparse X, by descent on the residuals.

The columns in play are too many for a square matrix of them, but have few entries each.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem

_EPOCHS = 2000


def residual_descent_pays(problem: Problem) -> bool:
    """A sparse X whose columns all have a kink; the intercept flat or absent."""
    return (
        isinstance(problem.likelihood, Gaussian)
        and is_sparse(problem.X)
        and (problem.flat_intercept or not problem.has_intercept)
        and bool(np.all(problem.penalty.l1[: problem.p] > 0))
    )


class SparsePath:
    """Residuals and columns of a sparse problem, ready for descent."""

    def __init__(self, problem: Problem) -> None:
        p = problem.p
        self.problem = problem
        self.by_row = problem.weights / problem.likelihood.noise**2
        self.weight = float(np.sum(self.by_row)) if problem.flat_intercept else np.inf
        self.penalty = problem.penalty.take(slice(0, p))
        self.start = problem.start[:p]
        self.sums = problem.X.T @ self.by_row
        residual = problem.y - problem.offset - problem.X @ self.start
        if problem.flat_intercept:
            residual = residual - self.by_row @ residual / self.weight
        self.total = float(self.by_row @ residual**2)
        self.weighted_residual = self.by_row * residual
        self.pull = problem.X.T @ self.weighted_residual

    def points(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> FloatArray:
        """Distances from ``start`` at each pair of factors, one row each."""
        from bayesreg._kernels.sparse_path import sparse_path

        X, penalty, p = self.problem.X, self.penalty, self.problem.p
        columns = np.stack([
            np.zeros(p), penalty.l1, penalty.l2,
            penalty.lower - self.start, penalty.upper - self.start,
            self.sums, self.problem.column_squares(self.by_row)[:p], np.zeros(p),
        ])  # fmt: skip
        out = np.zeros((f.size, p))
        hr = self.weighted_residual.copy()
        sparse_path(
            X.indptr, X.indices, X.data, self.by_row, hr, np.array([np.sum(hr)]), self.weight,
            columns, f, g, tolerance, _EPOCHS, out,
        )  # fmt: skip
        return out

    def extended(self, d: FloatArray) -> FloatArray:
        """Rows of d as extended vectors."""
        w = self.start + d
        if not self.problem.flat_intercept:
            return w
        target = (self.problem.y - self.problem.offset) @ self.by_row
        intercept = (target - w @ self.sums) / self.weight
        return np.concatenate([w, intercept[:, None]], axis=1)
