"""Group Laplace prior: the twin of the group lasso.

    p(w_G) = exp(-||w_G - loc||_2 / b) / (b^k 2 pi^(k/2) Gamma(k) / Gamma(k/2))

for a group of k coefficients, the multivariate Laplace of Gomez, Gomez-Villegas and Marin (1998),
A multivariate generalization of the power exponential family.  For k = 1 it is the Laplace prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import dataclass_text
from bayesreg._types import FloatArray, IntArray, ScalarOrVector
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.group_penalty import grouped
from bayesreg.penalty import Penalty, unbounded
from bayesreg.priors._scale import checked_scale, is_unknown, known_scale


@dataclass(frozen=True, repr=False)
class GroupLaplace:
    """Group Laplace (multivariate Laplace) prior: a group is at ``loc`` as a whole, or not at all.

    The columns that it governs are one group: all of them as the only prior, those of one key in
    ``prior={"site_*": GroupLaplace(0.5), "age": Flat()}``. ``groups`` makes several.

    Parameters
    ----------
    scale : float or one per group, or a density of one positive number
        b, in units of the coefficients; ``inf`` means flat there. The penalty of a group is
        ||w - loc||_2 / b nats. The usual group lasso weights a group of k columns by sqrt(k):
        that is b / sqrt(k) here. One per group in the order of ascending labels; a density is
        that of one b for all groups.
    loc : float or one per coefficient
        Centre; the mode puts whole groups exactly here.
    relative_to_noise : bool
        The scale is ``scale * sigma``; Gaussian likelihood only.
    groups : one number per coefficient, optional
        A label each; coefficients of equal label are a group.

    Raises
    ------
    ModelError, ModelTypeError
        For a scale that is not positive, or as many scales as there are not groups.

    Notes
    -----
    The norm is that of the coefficients the prior is stated for: with ``standardize`` of the
    standardised columns. It does not change under rotations within a group, so that any
    orthonormal coding of a factor gives the same fit.
    """

    scale: Any
    loc: ScalarOrVector = 0.0
    relative_to_noise: bool = False
    groups: ScalarOrVector | None = None

    def __post_init__(self) -> None:
        scale = checked_scale(self.scale, "GroupLaplace scale", squared=True)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "loc", _checks.location(self.loc, "GroupLaplace loc"))
        relative = _checks.flag(self.relative_to_noise, "GroupLaplace relative_to_noise")
        object.__setattr__(self, "relative_to_noise", relative)
        if self.groups is not None:
            object.__setattr__(self, "groups", _labels(self.groups))
        if isinstance(scale, tuple) and len(scale) != self._count:
            raise ModelError(
                f"GroupLaplace scale has {len(scale)} entries for {self._count} group(s); give one "
                "number, or one per group (groups=[...] has a label for each coefficient)"
            )

    __repr__ = dataclass_text

    def log_density(self, w: ScalarOrVector) -> FloatArray:
        """log p of the group of each entry, in equal shares among its members.

        -||w_G - loc|| / b - k log b - log(2 pi^(k/2) Gamma(k) / Gamma(k/2)); 0 for an infinite
        scale. The sum is the log density of the vector.
        """
        w = np.asarray(w, dtype=np.float64)
        size = w.shape[-1] if w.ndim else 1
        group, scale = self._group(size), self._scale_of_each(size)
        deviation = np.broadcast_to(w - np.asarray(self.loc), (*w.shape[:-1], size))
        density = np.zeros(deviation.shape)
        for label in np.unique(group):
            own = group == label
            k, b = int(np.count_nonzero(own)), float(scale[own][0])
            if math.isfinite(b):
                norm = np.linalg.norm(deviation[..., own], axis=-1, keepdims=True)
                density[..., own] = -norm / b / k - math.log(b) - _log_ball(k) / k
        return density.reshape(w.shape)

    def penalty(self, size: int, noise: float = 1.0) -> Penalty:
        """l1 = 1 / b for each member, in groups."""
        loc = _checks.per_coefficient(self.loc, size, "GroupLaplace loc")  # type: ignore[arg-type]
        scale = self._scale_of_each(size) * (noise if self.relative_to_noise else 1.0)
        with np.errstate(over="ignore"):
            return grouped(unbounded(1.0 / scale, np.zeros(size), loc), self._group(size))

    @property
    def has_kink(self) -> bool:
        return is_unknown(self.scale) or bool(np.any(np.isfinite(self.scale)))

    def rescaled(self, l1_factor: float, l2_factor: float) -> GroupLaplace:
        return replace(self, scale=np.multiply(known_scale(self.scale, "GroupLaplace"), l1_factor))

    @property
    def axis_scale(self) -> Any:
        """The scale, of each coefficient where groups have scales of their own."""
        if not isinstance(self.scale, tuple) or self.groups is None:
            return self.scale
        return tuple(self._scale_of_each(np.size(self.groups)).tolist())

    @property
    def _count(self) -> int:
        return 1 if self.groups is None else len(set(np.asarray(self.groups).tolist()))

    def _group(self, size: int) -> IntArray:
        """The number of the group of each coefficient."""
        if self.groups is None:
            return np.zeros(size, dtype=np.intp)
        labels = _checks.per_coefficient(self.groups, size, "GroupLaplace groups")  # type: ignore[arg-type]
        return np.unique(labels, return_inverse=True)[1].reshape(size)

    def _scale_of_each(self, size: int) -> FloatArray:
        scale = np.asarray(known_scale(self.scale, "GroupLaplace"), dtype=np.float64)
        of_group = np.broadcast_to(scale, self._count)
        return of_group[self._group(size)]


def _labels(groups: ScalarOrVector) -> tuple[float, ...]:
    for i, label in enumerate(np.asarray(groups, dtype=object).ravel()):
        if isinstance(label, str):
            raise ModelTypeError(
                f"GroupLaplace groups[{i}] must be a number; got the text {label!r}. Number the "
                "labels: groups=numpy.unique(labels, return_inverse=True)[1]"
            )
    labels = _checks.location(groups, "GroupLaplace groups")
    if not isinstance(labels, tuple):
        raise ModelError(
            f"GroupLaplace groups must have a label for each coefficient; "
            f"got {_checks.shown(labels)}. Leave it out for a single group"
        )
    return labels


def _log_ball(k: int) -> float:
    """log of the integral of exp(-||x||) over k dimensions."""
    lower = math.lgamma(k) - math.lgamma(k / 2)
    return math.log(2.0) + 0.5 * k * math.log(math.pi) + lower
