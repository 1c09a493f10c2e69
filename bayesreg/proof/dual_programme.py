"""The best dual point of a loss with corners, as a linear programme (HiGHS).

    minimise  sum_i r_i theta_i + sum_j t_j
    over      s_i low <= theta_i <= s_i high  for the rows set free, the others at their own slope,
              X_f'theta = 0 for flat columns,  c_j = -x_j'theta in the domain of g_j*,
              t_j >= g_j(v_j) - g_j(z) - c_j (v_j - z)  for a handful of points z,

which is the duality gap itself, with each conjugate g_j* represented by its supporting lines.  For
penalties without curvature a few lines are exact; with it, lines at the best responses to the
solution are added and the programme is solved again (Kelley's cutting planes).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.problem import Problem

_ROUNDS = 8


def best_dual(
    problem: Problem, v: FloatArray, eta: FloatArray, rows: IntArray
) -> FloatArray | None:
    """theta of the least gap with the given rows free; None where the programme has none."""
    programme = _Programme(problem, v, eta, rows)
    theta, best = None, None
    for _ in range(_ROUNDS):
        theta = programme.solve()
        if theta is None:
            break
        best = theta
        if not programme.refine(theta):
            break
    return best


class _Programme:
    """Variables (phi, c, t): duals in units of the weight, pulls and nats in natural units."""

    def __init__(self, problem: Problem, v: FloatArray, eta: FloatArray, rows: IntArray) -> None:
        self._problem, self._v, self._rows = problem, v, rows
        likelihood, penalty = problem.likelihood, problem.penalty
        low, high = likelihood.slopes  # type: ignore[attr-defined]
        self._weight = problem.weights[rows] * (high - low)
        self._fixed = problem.weights * likelihood.gradient(problem.y, eta)
        self._fixed[rows] = 0.0
        self._residual = (problem.y - eta)[rows]
        self._box = (low / (high - low), high / (high - low))
        self._flat = np.flatnonzero(penalty.is_flat)
        self._held = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned)
        price = np.abs(self._fixed)
        price[rows] = self._weight
        by_column = abs(problem.X).T @ price
        by_column = np.append(by_column, np.sum(price)) if problem.has_intercept else by_column
        self._price = np.where(by_column > 0, by_column, 1.0)
        loss = float(problem.weights @ likelihood.loss(problem.y, eta))
        # The penalties too: where every row is met exactly there is no loss to measure by.
        at_point = float(np.sum(penalty.values(v)))
        self._nats = max(loss, float(np.sum(np.abs(self._residual) * self._weight)), at_point)
        self._nats = self._nats if self._nats > 0 else 1.0
        self._cuts: list[tuple[IntArray, FloatArray]] = []
        self._first_cuts()

    def _first_cuts(self) -> None:
        """At the centre, the bounds, and where there is curvature at ever smaller steps around."""
        part, w = self._problem.penalty.take(self._held), self._v[self._held]
        everywhere = np.arange(self._held.size)
        for z in (np.clip(part.loc, part.lower, part.upper), part.lower, part.upper):
            self._add_cuts(everywhere[np.isfinite(z)], z)
        with np.errstate(divide="ignore"):
            step = np.sqrt(self._nats / self._held.size / part.l2) if w.size else w
        for factor in (1.0, 1e-2, 1e-4, 1e-6, 1e-8):
            for z in (w - factor * step, w + factor * step):
                self._add_cuts(everywhere[part.l2 > 0], np.clip(z, part.lower, part.upper))

    def _add_cuts(self, which: IntArray, z: FloatArray) -> None:
        if which.size:
            self._cuts.append((which, z[which]))

    def refine(self, theta: FloatArray) -> bool:
        """Add the supporting lines that the solution shows to be missing; False if none is."""
        part = self._problem.penalty.take(self._held)
        c = -self._problem.transposed_product(theta)[self._held]
        z = part.best_response(c)
        curved = np.flatnonzero((part.l2 > 0) & np.isfinite(z))
        terms = part.fenchel_young(self._v[self._held], c)
        if not curved.size or not np.sum(terms[curved]) > 1e-14 * self._nats:
            return False
        self._add_cuts(curved, z)
        return True

    def solve(self) -> FloatArray | None:
        from scipy.optimize import linprog

        equal, right = self._equalities()
        below, limit = self._supports()
        k, m = self._rows.size, self._held.size
        if k + m == 0:
            return self._fixed
        cost = np.concatenate([self._residual * self._weight / self._nats, np.zeros(m), np.ones(m)])
        found = linprog(cost, A_ub=below, b_ub=limit, A_eq=equal, b_eq=right,
                        bounds=self._bounds(), method="highs")  # fmt: skip
        if found.x is None:
            return None
        theta = self._fixed.copy()
        theta[self._rows] = self._weight * np.clip(found.x[:k], *self._box)
        return theta

    def _equalities(self) -> tuple[Any, Any]:
        """X_f'theta = 0 and x_j'theta + c_j = 0, each in units of its column's price."""
        from scipy.sparse import csr_array, eye_array, hstack, vstack

        problem, k, m = self._problem, self._rows.size, self._held.size
        columns = np.concatenate([self._flat, self._held])
        if not columns.size:
            return None, None
        block = problem.block(columns)[self._rows] * self._weight[:, None] / self._price[columns]
        pulls = vstack([csr_array((self._flat.size, m)), eye_array(m)], format="csr")
        nats = csr_array((columns.size, m))
        right = -problem.transposed_product(self._fixed)[columns] / self._price[columns]
        return hstack([csr_array(block.reshape(k, columns.size).T), pulls, nats]), right

    def _supports(self) -> tuple[Any, Any]:
        """-t_j - c_j (v_j - z) <= g_j(z) - g_j(v_j), in nats of this programme."""
        from scipy.sparse import csr_array

        if not self._cuts:
            return None, None
        penalty, k, m = self._problem.penalty, self._rows.size, self._held.size
        entries, limits, at = [], [], 0
        for which, z in self._cuts:
            part, w = penalty.take(self._held[which]), self._v[self._held[which]]
            number = at + np.arange(which.size)
            slope = (w - z) * self._price[self._held[which]] / self._nats
            entries.append((number, k + which, -slope))
            entries.append((number, k + m + which, -np.ones(which.size)))
            limits.append((part.values(z) - part.values(w)) / self._nats)
            at += which.size
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        return csr_array((value, (row, column)), shape=(at, k + 2 * m)), np.concatenate(limits)

    def _bounds(self) -> FloatArray:
        """Boxes of the duals, domains of the conjugates, t >= 0."""
        part, k, m = self._problem.penalty.take(self._held), self._rows.size, self._held.size
        price = self._price[self._held]
        low = np.where(np.isinf(part.lower) & (part.l2 == 0), -part.l1 / price, -np.inf)
        high = np.where(np.isinf(part.upper) & (part.l2 == 0), part.l1 / price, np.inf)
        boxes = np.tile(self._box, (k, 1))
        return np.vstack([boxes, np.column_stack([low, high]),
                          np.column_stack([np.zeros(m), np.full(m, np.inf)])])  # fmt: skip
