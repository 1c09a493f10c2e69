"""Coefficients with a full prior covariance, as linear functions of independent ones.

    w_B = loc + L z_B,   z_B ~ Normal(0, 1),   covariance = L L',  L lower triangular

In z the penalty is separable and X_B becomes X_B L: solvers, samplers and the certificate need
nothing new, and the duality gap is that of the same objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from bayesreg import group_penalty
from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.penalty import Penalty


@dataclass(frozen=True, eq=False)
class CovarianceBlock:
    """Some coefficients and the factor of their covariance.

    Attributes
    ----------
    columns : (k,) integer array
    factor : (k, k) lower triangular array
    loc : (k,) array
    """

    columns: IntArray
    factor: FloatArray
    loc: FloatArray

    def coefficients(self, z: FloatArray) -> FloatArray:
        """loc + L z, over the last axis."""
        return self.loc + z @ self.factor.T

    def standard(self, w: FloatArray) -> FloatArray:
        """z = L^-1 (w - loc), over the last axis."""
        from scipy.linalg import solve_triangular

        deviation = np.reshape(w - self.loc, (-1, self.loc.size))
        z: FloatArray = solve_triangular(self.factor, deviation.T, lower=True).T
        return z.reshape(np.shape(w))

    def precision_diagonal(self, by_standard: FloatArray) -> FloatArray:
        """The diagonal of L^-T diag(d) L^-1."""
        inverse = self.standard(self.loc + np.eye(self.loc.size)).T
        return by_standard @ inverse**2

    def without(self, kept: BoolArray) -> CovarianceBlock:
        """The marginal distribution of some of the coefficients."""
        rows = self.factor[kept]
        factor = np.asarray(np.linalg.qr(rows.T, mode="r")).T
        return CovarianceBlock(
            self.columns[kept], factor * np.sign(np.diag(factor)), self.loc[kept]
        )


@dataclass(frozen=True, eq=False)
class CorrelatedPenalty:
    """The prior on the coefficients where some have a full covariance.

    Minus the log density of w is that of z plus log det L. What belongs to one coefficient of a
    block is its share by the chain rule: -log p(w_j | the block's coefficients before it).

    Attributes
    ----------
    standard : Penalty of length p
        The penalty of z in the columns of a block, of w elsewhere.
    blocks : tuple of CovarianceBlock
    """

    standard: Penalty
    blocks: tuple[CovarianceBlock, ...]

    @property
    def size(self) -> int:
        return self.standard.size

    @property
    def is_separable(self) -> bool:
        return False

    @property
    def is_flat(self) -> BoolArray:
        return self.standard.is_flat

    @property
    def is_pinned(self) -> BoolArray:
        return self.standard.is_pinned

    @property
    def lower(self) -> FloatArray:
        return self.standard.lower

    @property
    def upper(self) -> FloatArray:
        return self.standard.upper

    @property
    def l1(self) -> FloatArray:
        """Slopes; 0 in a block."""
        return self.standard.l1

    @property
    def l2(self) -> FloatArray:
        """Curvatures; in a block the diagonal of the precision matrix."""
        l2 = self.standard.l2.copy()
        for block in self.blocks:
            l2[block.columns] = block.precision_diagonal(l2[block.columns])
        return l2

    @property
    def loc(self) -> FloatArray:
        loc = self.standard.loc.copy()
        for block in self.blocks:
            loc[block.columns] = block.loc
        return loc

    def to_standard(self, w: FloatArray) -> FloatArray:
        """z of the coefficients, over the last axis."""
        z = np.array(w, dtype=np.float64)
        for block in self.blocks:
            z[..., block.columns] = block.standard(z[..., block.columns])
        return z

    def values(self, w: FloatArray) -> FloatArray:
        return self.standard.values(self.to_standard(w))

    def value(self, w: FloatArray) -> float:
        return float(np.sum(self.values(w)))

    def log_density(self, w: FloatArray) -> FloatArray:
        """log p in shares that sum to it; flat and pinned entries count 0."""
        return -self.values(w) - self.log_normaliser()

    def log_normaliser(self) -> FloatArray:
        terms = self.standard.log_normaliser()
        for block in self.blocks:
            terms[block.columns] += np.log(np.diag(block.factor))
        return terms

    def slope(self, w: FloatArray) -> FloatArray:
        """The gradient: L^-T of that in z."""
        from scipy.linalg import solve_triangular

        slopes = self.standard.slope(self.to_standard(w))
        for block in self.blocks:
            in_z = slopes[block.columns]
            slopes[block.columns] = solve_triangular(block.factor, in_z, lower=True, trans="T")
        return slopes

    def in_units(self, unit: FloatArray, names: Sequence[str] | None = None) -> CorrelatedPenalty:
        """The same density stated for ``w / unit``."""
        single, blocks = np.array(unit, dtype=np.float64), []
        for block in self.blocks:
            own = unit[block.columns]
            blocks.append(
                CovarianceBlock(block.columns, block.factor / own[:, None], block.loc / own)
            )
            single[block.columns] = 1.0
        return CorrelatedPenalty(self.standard.in_units(single, names), tuple(blocks))

    def pinned(self, where: BoolArray) -> Penalty | CorrelatedPenalty:
        """Hold the chosen coefficients at ``loc``; the others of a block have their marginal."""
        moved = np.where(where, self.loc, self.standard.loc)
        standard = replace(self.standard, loc=moved).pinned(where)
        left = [(block, ~where[block.columns]) for block in self.blocks]
        blocks = [b if kept.all() else b.without(kept) for b, kept in left if kept.any()]
        return CorrelatedPenalty(standard, tuple(blocks)) if blocks else standard

    def take(self, index: IntArray | BoolArray | slice) -> Penalty | CorrelatedPenalty:
        """The entries chosen, in their new order; blocks are taken as a whole."""
        chosen = np.arange(self.size)[index]
        position = np.full(self.size, -1)
        position[chosen] = np.arange(chosen.size)
        blocks = tuple(
            replace(block, columns=position[block.columns])
            for block in self.blocks
            if np.all(position[block.columns] >= 0)
        )
        standard = self.standard.take(index)
        return CorrelatedPenalty(standard, blocks) if blocks else standard


#: The prior on all coefficients, in nats.
AnyPenalty: TypeAlias = Penalty | CorrelatedPenalty


def joined(parts: Sequence[AnyPenalty]) -> AnyPenalty:
    """Penalties of consecutive coefficients as one; groups and blocks stay apart."""
    first = np.cumsum([0, *(part.size for part in parts)])
    blocks = tuple(
        replace(block, columns=block.columns + start)
        for part, start in zip(parts, first, strict=False)
        if isinstance(part, CorrelatedPenalty)
        for block in part.blocks
    )
    standard = group_penalty.joined(
        [part.standard if isinstance(part, CorrelatedPenalty) else part for part in parts]
    )
    return CorrelatedPenalty(standard, blocks) if blocks else standard
