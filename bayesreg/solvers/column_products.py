"""What a lasso's homotopy asks of the data: pulls, and products of the columns off their kink.

By rows: one product with X at a time, never a matrix of all columns.  By moments: where there are
at most as many columns as rows, one matrix of second moments spares passing over the rows again.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray, IntArray
from bayesreg.moments import Moments
from bayesreg.problem import Problem


class ColumnProducts(Protocol):
    """Products of centred, weighted columns z_j = root(h) (x_j - m_j); A are the active ones.

    Attributes
    ----------
    cross : (p,) array
        Pulls where every coefficient is at its loc.
    """

    cross: FloatArray

    def pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        """Z' (residual at d_A): how much each column still explains."""

    def active_pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        """The pulls on the active columns alone."""

    def response(self, active: list[int], q: FloatArray) -> FloatArray:
        """Z' Z_A q."""

    def among(self, left: list[int], right: list[int]) -> FloatArray:
        """Z_left' Z_right."""


class ByMoments:
    """From the second moments of all columns."""

    def __init__(self, known: Moments) -> None:
        self.known = known
        self.cross = known.cross

    def pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        return self.cross - d @ self.known.gram[active]

    def active_pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        return self.cross[active] - d @ self.among(active, active)

    def response(self, active: list[int], q: FloatArray) -> FloatArray:
        return q @ self.known.gram[active]

    def among(self, left: list[int], right: list[int]) -> FloatArray:
        return self.known.gram[np.ix_(left, right)]


class ByRows:
    """From X itself; columns are centred when they are first asked for."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X
        self.by_row = problem.weights / problem.likelihood.noise**2
        self.root = np.sqrt(self.by_row)
        self.mean = None
        start = problem.start[: problem.p]
        residual = problem.y - problem.offset
        residual = residual - problem.X @ start if start.any() else residual
        if problem.flat_intercept:
            total = np.sum(self.by_row)
            self.mean = self.X.T @ (self.by_row / total)
            residual = residual - self.by_row @ residual / total
        self.residual = self.root * residual
        self.cross = self._onto_columns(self.residual)
        self._columns = np.empty((16, self.root.size))
        self._position: dict[int, int] = {}

    def pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        return self._onto_columns(self.residual - d @ self._block(active))

    def active_pulls(self, active: list[int], d: FloatArray) -> FloatArray:
        block = self._block(active)
        return block @ (self.residual - d @ block)

    def response(self, active: list[int], q: FloatArray) -> FloatArray:
        return self._onto_columns(q @ self._block(active))

    def among(self, left: list[int], right: list[int]) -> FloatArray:
        return self._block(left) @ self._block(right).T

    def _onto_columns(self, z: FloatArray) -> FloatArray:
        by_row = self.root * z
        product = np.asarray(self.X.T @ by_row)
        return product if self.mean is None else product - self.mean * np.sum(by_row)

    def _block(self, columns: list[int]) -> FloatArray:
        """The columns z_j, as rows."""
        new = [j for j in columns if j not in self._position]
        if new:
            self._add(np.array(new))
        return self._columns[[self._position[j] for j in columns]]

    def _add(self, new: IntArray) -> None:
        known = len(self._position)
        if known + new.size > len(self._columns):
            larger = np.empty((2 * (known + new.size), self.root.size))
            larger[:known] = self._columns[:known]
            self._columns = larger
        block = design.dense_columns(self.X, new)
        block = block if self.mean is None else block - self.mean[new]
        self._columns[known : known + new.size] = (self.root[:, None] * block).T
        self._position.update((int(j), known + k) for k, j in enumerate(new))
