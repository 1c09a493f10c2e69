"""The penalty of groups of coefficients, in nats: the group lasso.

    g(w) = sum_G || (l1_j (w_j - loc_j))_{j in G} ||_2  +  the separable penalty of all others

The rates l1 of a group are one number in the units the prior is stated in, and differ only where
units do (``standardize``).  Yuan and Lin (2006), Model selection and estimation in regression with
grouped variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from bayesreg._types import BoolArray, FloatArray, IntArray
from bayesreg.penalty import Penalty

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class GroupedPenalty(Penalty):
    """The arrays of :class:`~bayesreg.penalty.Penalty`, read with a norm for each group.

    What a group contributes as a whole (values, normalisers, Fenchel-Young terms) is shared among
    its members, so that the sum over coefficients is right.

    Attributes
    ----------
    group : (p,) integer array
        Which group a coefficient belongs to, -1 for none. Members have a slope, no curvature and
        no bounds.
    """

    group: IntArray = field(kw_only=True)

    @property
    def is_separable(self) -> bool:
        return False

    @cached_property
    def members(self) -> IntArray:
        """The coefficients in groups, group by group."""
        inside = np.flatnonzero(self.group >= 0)
        return inside[np.argsort(self.group[inside], kind="stable")]

    @cached_property
    def starts(self) -> IntArray:
        """Where in ``members`` each group begins."""
        labels = self.group[self.members]
        return np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))

    @cached_property
    def sizes(self) -> IntArray:
        return np.diff(np.append(self.starts, self.members.size))

    def _each(self, by_group: Any) -> Any:
        """An entry per group as one per member."""
        return np.repeat(by_group, self.sizes, axis=-1)

    def _norms(self, z: FloatArray) -> FloatArray:
        """||z_G|| for the entries of the members, without overflow or underflow."""
        largest = np.maximum.reduceat(np.abs(z), self.starts, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = z / self._each(np.where((largest > 0) & np.isfinite(largest), largest, 1.0))
        return largest * np.sqrt(np.add.reduceat(unit**2, self.starts, axis=-1))

    def _standard(self, w: FloatArray) -> FloatArray:
        """l1 (w - loc) of the members."""
        chosen = self.members
        return self.l1[chosen] * (w[..., chosen] - self.loc[chosen])

    def _direction(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """z / ||z|| of each member (0 at loc), and ||z|| of its group."""
        z = self._standard(w)
        norm = self._each(self._norms(z))
        return z / np.where(norm > 0, norm, 1.0), norm

    def at_loc(self, w: FloatArray) -> BoolArray:
        """Of a group: all of its members sit on their centre."""
        apart = super().at_loc(w)
        apart[self.members] = self._each(np.logical_and.reduceat(apart[self.members], self.starts))
        return apart

    def values(self, w: FloatArray) -> FloatArray:
        """g_j(w_j), and the norm of a group in equal shares."""
        terms = super().values(w)
        terms[..., self.members] = self._each(self._norms(self._standard(w)) / self.sizes)
        return terms

    def log_normaliser(self) -> FloatArray:
        """Of k members: log of 2 pi^(k/2) Gamma(k) / Gamma(k/2) / prod l1, in shares."""
        from scipy.special import gammaln

        terms, k = super().log_normaliser(), self.sizes
        ball = np.log(2.0) + 0.5 * k * np.log(np.pi) + gammaln(k) - gammaln(0.5 * k)
        terms[self.members] = self._each(ball / k) - np.log(self.l1[self.members])
        return terms

    def slope(self, w: FloatArray) -> FloatArray:
        """The gradient of g, with 0 taken where a group is at its loc."""
        slopes = super().slope(w)
        slopes[self.members] = self.l1[self.members] * self._direction(w)[0]
        return slopes

    def curvature(self, w: FloatArray) -> FloatArray:
        """l1_j^2 (1 - u_j^2) / ||z|| with u = z / ||z||, 0 at loc; l2 of the others."""
        second = self.l2.copy()
        u, norm = self._direction(w)
        with np.errstate(over="ignore"):
            bent = self.l1[self.members] ** 2 * (1 - u**2) / np.where(norm > 0, norm, 1.0)
        second[self.members] = np.where(norm > 0, bent, 0.0)
        return second

    def subdifferential(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Off loc the gradient; at loc the box around the ball ||c / l1|| <= 1."""
        low, high = super().subdifferential(w)
        rate = self.l1[self.members]
        u, norm = self._direction(w)
        low[self.members] = np.where(norm > 0, rate * u, -rate)
        high[self.members] = np.where(norm > 0, rate * u, rate)
        return low, high

    def subgradient_distance(self, w: FloatArray, gradient: FloatArray) -> FloatArray:
        """As for single coefficients; at loc what sticks out of the ball, towards its centre."""
        distance = super().subgradient_distance(w, gradient)
        ratio = self.kink_ratio(gradient)
        outside = np.where(ratio > 1, 1 - 1 / np.where(ratio > 1, ratio, 1.0), 0.0)
        resting = (self.group >= 0) & self.at_loc(w)
        return np.where(resting, np.abs(gradient) * outside, distance)

    def strictly_inside(self, w: FloatArray, c: FloatArray, reach: FloatArray) -> BoolArray:
        """Of a group at loc: ||c / l1|| + ||reach / l1|| < 1."""
        inside = super().strictly_inside(w, c, reach)
        in_ball = self.kink_ratio(c) + self.kink_ratio(reach) < 1
        return np.where(self.group >= 0, self.at_loc(w) & in_ball, inside)

    def kink_ratio(self, c: FloatArray) -> FloatArray:
        """|c_j| / l1_j, and ||c / l1|| for each member of a group."""
        ratio = super().kink_ratio(c)
        ratio[self.members] = self._each(self._norms(ratio[self.members]))
        return ratio

    def dual_scalings(self, c: FloatArray) -> list[float]:
        """As for single coefficients, and none above 1 / ||c_G / l1_G||."""
        others = self.group < 0
        limit = 1 / max(1.0, float(np.max(self.kink_ratio(c)[self.members])))
        single = self.take(others).dual_scalings(c[others])
        return sorted({min(factor, limit) for factor in single})

    def whole(self, chosen: BoolArray) -> BoolArray:
        """A group with one of its members is chosen as a whole."""
        chosen = chosen.copy()
        picked = np.logical_or.reduceat(chosen[self.members], self.starts)
        chosen[self.members] = np.repeat(picked, self.sizes)
        return chosen

    def rays(self, c: FloatArray, columns: IntArray) -> FloatArray | None:
        """A group can only move along c / l1^2: the norm is curved in every other direction."""
        part = self.take(columns)
        if not isinstance(part, GroupedPenalty):
            return None
        single = np.flatnonzero(part.group < 0)
        rays = np.zeros((columns.size, single.size + part.sizes.size))
        rays[single, np.arange(single.size)] = 1.0
        number = np.repeat(np.arange(part.sizes.size), part.sizes)
        # Any multiple will do: near 1 for the largest entry.
        unit = part._each(np.minimum.reduceat(part.l1[part.members], part.starts))
        towards = c[columns][part.members] / part.l1[part.members]
        rays[part.members, single.size + number] = towards * (unit / part.l1[part.members])
        return rays

    def best_response(self, c: FloatArray) -> FloatArray:
        """Of a group: loc where ||c / l1|| <= 1, else there is no maximum."""
        best = super().best_response(c)
        bounded = self.kink_ratio(c) <= 1 + 8 * _EPS
        return np.where(self.group >= 0, np.where(bounded, self.loc, np.copysign(np.inf, c)), best)

    def fenchel_young(self, w: FloatArray, c: FloatArray) -> FloatArray:
        """Of a group, with z = l1 (w - loc), u = z / ||z|| and q = c / l1, ||q|| <= 1:

        ||z|| - q'z = ||z|| [ (1 - ||q||^2) + ||q - u||^2 ] / 2, two terms that cannot cancel.
        """
        terms = super().fenchel_young(w, c)
        u, norm = self._direction(w)
        q = c[self.members] / self.l1[self.members]
        length = self._each(self._norms(q))
        short = np.maximum((1 - length) * (1 + length), 0.0)
        apart = self._each(np.add.reduceat((q - u) ** 2, self.starts))
        share = 0.5 * norm * (short + apart) / self._each(self.sizes)
        share = np.where(norm > 0, share, 0.0)
        # A few ulps outside the ball are rounding of the same boundary point.
        terms[self.members] = np.where(length <= 1 + 8 * _EPS, share, np.inf)
        return terms

    def pinned(self, where: BoolArray) -> Penalty:
        """Pinned members are at loc, add nothing to the norm, and leave their group."""
        held, group = super().pinned(where), np.where(where, -1, self.group)
        return _with_groups(held, group)

    def take(self, index: object) -> Penalty:
        """Groups are taken as a whole; a plain Penalty where none is among the entries."""
        return _with_groups(super().take(index), self.group[index])  # type: ignore[call-overload]


def _with_groups(penalty: Penalty, group: IntArray) -> Penalty:
    """The arrays with these groups; plain where there are none."""
    arrays = (penalty.l1, penalty.l2, penalty.loc, penalty.lower, penalty.upper, penalty.tails)
    return GroupedPenalty(*arrays, group=group) if np.any(group >= 0) else Penalty(*arrays)


def grouped(penalty: Penalty, group: IntArray) -> Penalty:
    """A penalty without curvature or bounds with its coefficients put into groups.

    A group of one is a Laplace prior, and one without slope is flat: neither is kept as a group.
    """
    label = np.where(penalty.l1 > 0, group, -1)
    found, size = np.unique(label, return_counts=True)
    label = np.where(np.isin(label, found[size == 1]), -1, label)
    return _with_groups(penalty, label)


def joined(parts: Sequence[Penalty]) -> Penalty:
    """Penalties of consecutive coefficients as one; groups stay apart."""
    plain = Penalty.joined(parts)
    labels, used = [], 0
    for part in parts:
        group = part.group if isinstance(part, GroupedPenalty) else np.full(part.size, -1)
        labels.append(np.where(group >= 0, group + used, -1))
        used += int(np.max(group, initial=-1)) + 1
    return _with_groups(plain, np.concatenate(labels))
