"""A path of modes under a Gaussian likelihood with a sparse X, by descent on the residuals.

The columns in play are too many for a square matrix of them, but have few entries each.  Those that
may leave their kink are taken from the pulls at the point before; the pulls on all columns then
tell which were missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.design import is_sparse
from bayesreg.likelihoods import Gaussian
from bayesreg.problem import Problem

# At one point, at most: sweeps, and looks at all columns.
_EPOCHS, _LOOKS = 2000, 60
# Share of its slope that a pull must have for its column to be taken into the working set.
_NEARLY = 0.9
# The gap at which a point on the way is left, as a share of the loss at the start.
_PASSING = 0.1
# Points that one pass over X looks at.
_TOGETHER = 4
# Entries that the compiled loops can number.
_MOST_ENTRIES = 2**32


def residual_descent_pays(problem: Problem) -> bool:
    """A sparse X whose columns all have a kink; the intercept flat or absent."""
    return (
        isinstance(problem.likelihood, Gaussian)
        and is_sparse(problem.X)
        and problem.X.nnz < _MOST_ENTRIES
        and (problem.flat_intercept or not problem.has_intercept)
        and bool(np.all(problem.penalty.l1[: problem.p] > 0))
    )


@dataclass(eq=False)
class _State:
    """Distances from ``start``, scaled residuals, pulls (or what is foreseen of them)."""

    d: FloatArray
    residual: FloatArray
    pull: FloatArray
    working: IntArray | None = None

    def copy(self) -> _State:
        return _State(self.d.copy(), self.residual.copy(), self.pull)

    def ahead(self, before: _State, along: FloatArray, k: int) -> _State:
        """A straight line from the last points to point k, as modes go between changes of sign."""
        if along[k - 1] == along[k - 2]:
            return self.copy()
        share = (along[k] - along[k - 1]) / (along[k - 1] - along[k - 2])
        pairs = zip(
            (self.d, self.residual, self.pull), (before.d, before.residual, before.pull),
            strict=True,
        )  # fmt: skip
        return _State(*(here + share * (here - there) for here, there in pairs))


class SparsePath:
    """Residuals and columns of a sparse problem, ready for descent."""

    def __init__(self, problem: Problem) -> None:
        p = problem.p
        by_row = problem.weights / problem.likelihood.noise**2
        self.problem = problem
        X = problem.X
        self.stored = _read_only(_unsigned(X.indptr), _unsigned(X.indices), X.data)
        self.by_row = by_row
        self.root = np.sqrt(by_row)
        self.weight = float(np.sum(by_row)) if problem.flat_intercept else np.inf
        self.penalty = problem.penalty.take(slice(0, p))
        self.start = problem.start[:p]
        self.sums = problem.X.T @ by_row
        squares = problem.column_squares(by_row)[:p]
        self.squares = np.maximum(squares - self.sums**2 / self.weight, 0.0)
        residual = problem.y - problem.offset
        if np.any(self.start):
            residual = residual - problem.X @ self.start
        if problem.flat_intercept:
            residual = residual - by_row @ residual / self.weight
        by_root = self.root * residual
        self.total = float(by_root @ by_root)
        self.bounded = bool(
            np.any(np.isfinite(self.penalty.lower)) or np.any(np.isfinite(self.penalty.upper))
        )
        self.first = _State(np.zeros(p), by_root, np.zeros(p))
        self._look([self.first])

    @property
    def pull(self) -> FloatArray:
        """The pulls at the start."""
        return self.first.pull

    def points(self, f: FloatArray, g: FloatArray, tolerance: FloatArray) -> Any:
        """Distances from ``start`` at each pair of factors, as the rows of a sparse matrix.

        ``tolerance`` is the gap in nats to aim for at each; where it is infinite, a look will do.
        """
        from scipy.sparse import csr_array

        columns: list[IntArray] = []
        values: list[FloatArray] = []
        before, here = self.first, self.first
        while len(columns) < f.size:
            for state in self._next(before, here, len(columns), f, g, tolerance):
                before, here = here, state
                columns.append(np.flatnonzero(state.d))
                values.append(state.d[columns[-1]])
        ends = np.cumsum([0, *(part.size for part in columns)])
        parts = (np.concatenate(values), np.concatenate(columns), ends)
        return csr_array(parts, shape=(f.size, self.penalty.size))

    def _next(
        self, before: _State, here: _State, k: int, f: FloatArray, g: FloatArray,
        tolerance: FloatArray,
    ) -> list[_State]:  # fmt: skip
        """Modes at pairs k, k + 1, ...: a few, so that one pass over X looks at all of them."""
        many = k > 1 and not self.bounded and np.all(np.isfinite(tolerance[k - 1 : k + _TOGETHER]))
        states: list[_State] = []
        for point in range(k, min(k + _TOGETHER, f.size) if many else k + 1):
            state = here.copy() if point < 2 or self.bounded else here.ahead(before, 1.0 / f, point)
            if not many:
                state.pull = here.pull
            passing = np.isinf(tolerance[point])
            aim = 0.5 * _PASSING * self.total if passing else tolerance[point]
            self._descend(state, float(f[point]), float(g[point]), float(aim), _EPOCHS)
            states.append(state)
            before, here = here, state
        self._look(states)
        for done, state in enumerate(states):
            pair = float(f[k + done]), float(g[k + done])
            if np.isfinite(tolerance[k + done]) and not self._settled(
                state, *pair, tolerance[k + done]
            ):
                self._finish(state, *pair, float(tolerance[k + done]))
                return states[: done + 1]
        return states

    def _finish(self, state: _State, f: float, g: float, tolerance: float) -> None:
        """Descent from where the pulls are known, until nothing is missed and the gap is small."""
        aim, used = tolerance, 0
        for _ in range(_LOOKS):
            used += self._descend(state, f, g, aim, max(1, _EPOCHS - used))
            self._look([state])
            if self._settled(state, f, g, tolerance):
                return
            if not self._missed(state, f):
                aim *= 0.25

    def _missed(self, state: _State, f: float) -> bool:
        """Does a column outside the working set want to leave its kink?"""
        missed = np.abs(state.pull) > self.penalty.l1 / f
        missed[state.working] = False
        return bool(missed.any())

    def _settled(self, state: _State, f: float, g: float, tolerance: float) -> bool:
        return not self._missed(state, f) and self._gap(state, f, g) <= tolerance

    def _descend(self, state: _State, f: float, g: float, aim: float, epochs: int) -> int:
        """Descent over the columns that may leave their kink; the epochs that it took."""
        from bayesreg._kernels.residual_descent import residual_descent

        nearly = np.abs(state.pull) > _NEARLY / f * self.penalty.l1
        working = np.flatnonzero(nearly | (state.d != 0.0))
        penalty, start = self.penalty, self.start[working]
        columns = np.stack([
            state.d[working], penalty.l1[working], penalty.l2[working],
            penalty.lower[working] - start, penalty.upper[working] - start,
            self.sums[working], self.squares[working],
        ])  # fmt: skip
        used = residual_descent(
            *self.stored, self.root, state.residual, np.array([self.root @ state.residual]),
            self.weight, columns, working, f, g, aim, epochs,
        )  # fmt: skip
        state.d[working] = columns[0]
        state.working = working
        return int(used)

    def _look(self, states: list[_State]) -> None:
        """The pulls, minus the gradient of the loss, as they are and not as they were foreseen."""
        from bayesreg._kernels.residual_descent import four_pulls

        if len(states) < _TOGETHER:
            for state in states:
                state.pull = self._centred(self.problem.X.T @ (self.root * state.residual), state)
            return
        pulls = np.empty((_TOGETHER, self.penalty.size))
        by_row = self.root[:, None] * np.stack([state.residual for state in states], axis=1)
        four_pulls(*self.stored, by_row, pulls)
        for state, pull in zip(states, pulls, strict=True):
            state.pull = self._centred(pull, state)

    def _centred(self, pull: FloatArray, state: _State) -> FloatArray:
        return pull - float(self.root @ state.residual) / self.weight * self.sums

    def _gap(self, state: _State, f: float, g: float) -> float:
        """The duality gap over the working set, but for rounding."""
        working, residual = state.working, state.residual
        penalty, d, pull = self.penalty.take(working), state.d[working], state.pull[working]
        slope, bend = penalty.l1 / f, penalty.l2 / g
        own = pull - bend * d
        start = self.start[working]
        outward = (start + d <= penalty.lower) & (own < 0) | (start + d >= penalty.upper) & (
            own > 0
        )
        curved = bend > 0
        beyond = np.maximum(np.abs(own) - slope, 0.0)
        distance = np.where(d == 0.0, beyond, np.abs(own - slope * np.sign(d)))
        straight = slope * np.abs(d) - own * d
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(curved, 0.5 * distance**2 / bend, straight)
        excess = float(np.max(np.where(curved | outward, 0.0, beyond / slope), initial=0.0))
        inner = float(np.sum(np.where(outward, 0.0, pull * d)))
        loss = 0.5 * (float(residual @ residual) - float(self.root @ residual) ** 2 / self.weight)
        rest = excess / (1.0 + excess)
        return float(np.sum(np.where(outward, 0.0, terms))) + rest * inner + rest**2 * loss

    def extended(self, d: Any) -> FloatArray:
        """Rows of d as extended vectors, in a new array."""
        problem, p = self.problem, self.problem.p
        v = np.zeros((d.shape[0], problem.size))
        rows = np.repeat(np.arange(d.shape[0]), np.diff(d.indptr))
        v[rows, d.indices] = d.data
        if np.any(self.start):
            v[:, :p] += self.start
        if problem.flat_intercept:
            target = (problem.y - problem.offset) @ self.by_row
            v[:, p] = (target - d @ self.sums - self.start @ self.sums) / self.weight
        return v


def _unsigned(numbers: IntArray) -> IntArray:
    """The same numbers without a sign: looked at, not copied, where they have 32 bits."""
    if numbers.dtype == np.int32:
        return numbers.view(np.uint32)
    return numbers.astype(np.uint32)


def _read_only(*arrays: Any) -> tuple[Any, ...]:
    """Views of one kind, so that one compiled loop serves X as it is and copies of it."""
    views = tuple(array.view() for array in arrays)
    for view in views:
        view.flags.writeable = False
    return views
