"""From the whitened coefficients back to the extended vector, an affine map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.posterior.whitening import Completion


@dataclass(frozen=True, eq=False)
class AffineMap:
    """The extended vector from u and standard normal z:

        v[columns] = origin[columns] + unit u
        v[others]  = origin[others] + u @ on_prior + sigma z @ on_noise

    Attributes
    ----------
    origin : (size,) array
    columns, others : arrays of int, of lengths q and o
    unit : (q,) array
    on_prior, on_noise : (q, o) and (k, o) arrays
    """

    origin: FloatArray
    columns: IntArray
    others: IntArray
    unit: FloatArray
    on_prior: FloatArray
    on_noise: FloatArray

    def fill(self, v: FloatArray, u: FloatArray, noise: FloatArray) -> None:
        """Draws of v, a row for each, from draws of u and of sigma z."""
        v[:] = self.origin
        v[:, _as_slice(self.columns)] += self.unit * u
        v[:, _as_slice(self.others)] += u @ self.on_prior + noise @ self.on_noise

    @property
    def matrix(self) -> FloatArray:
        """M of v = origin + [u, sigma z] @ M."""
        q, k = self.unit.size, self.on_noise.shape[0]
        whole = np.zeros((q + k, self.origin.size))
        whole[np.arange(q), self.columns] = self.unit
        whole[:q, self.others] = self.on_prior
        whole[q:, self.others] = self.on_noise
        return whole


def _as_slice(index: IntArray) -> slice | IntArray:
    """Consecutive entries as a slice, which numpy is faster with."""
    if index.size and np.array_equal(index, np.arange(index[0], index[0] + index.size)):
        return slice(int(index[0]), int(index[0]) + index.size)
    return index


def affine_map(completion: Completion) -> AffineMap:
    """Of a model in which every column with a prior belongs to u."""
    q = completion.proper.size
    nothing = np.empty((0, 0)), np.empty(0), np.empty((0, q))
    return nested_affine_map(completion, np.ones(q, dtype=bool), nothing)


def nested_affine_map(
    completion: Completion, moving: BoolArray, nested: tuple[FloatArray, FloatArray, FloatArray]
) -> AffineMap:
    """What follows from u: the columns integrated out, the flat ones, the intercept.

    Each is a table of coefficients with a row for the constant, for each entry of u and for each
    entry of z.
    """
    from scipy.linalg import solve_triangular

    R, on_target, on_columns = nested
    intercept, q, k, flat = completion.intercept, int(np.sum(moving)), len(R), completion.flat.size
    height = 1 + q + k + flat + (intercept is not None)

    def solved(
        factor: FloatArray, target: FloatArray, on_prior: FloatArray, before: FloatArray, at: int
    ) -> FloatArray:
        """R^-1 (target - on_prior u - before + z_at)."""
        right = -before
        right[0] += target
        right[1 : 1 + q] -= on_prior.T
        right[at : at + target.size] += np.eye(target.size)
        found: FloatArray = solve_triangular(factor, right.T).T if target.size else right
        return found

    noisy = solved(R, on_target, on_columns, np.zeros((height, k)), 1 + q)
    on_flat = completion.flat_on_proper
    free = solved(completion.flat_factor, completion.flat_target, on_flat[:, moving],
                  noisy @ on_flat[:, ~moving].T, 1 + q + k)  # fmt: skip
    tables = [noisy * completion.unit[~moving], free]
    others = [completion.proper[~moving], completion.flat]
    if intercept is not None:
        last = -tables[0] @ intercept.proper[~moving] - free @ intercept.flat
        last[0] += intercept.residual
        last[1 : 1 + q] -= (completion.unit * intercept.proper)[moving]
        last[-1] += intercept.deviation
        tables.append(last[:, None])
        others.append(np.array([completion.base.size - 1]))
    table, entries = np.hstack(tables), np.concatenate(others)
    origin = completion.base.copy()
    origin[entries] = table[0]
    origin[completion.proper[~moving]] += completion.base[completion.proper[~moving]]
    return AffineMap(
        origin, completion.proper[moving], entries, completion.unit[moving],
        table[1 : 1 + q], table[1 + q :],
    )  # fmt: skip
