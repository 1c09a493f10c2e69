"""Priors of a posterior as arrays of scale mixtures of normals, in units of about one prior sd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.likelihoods import Gaussian
from bayesreg.posterior.target import Posterior

if TYPE_CHECKING:
    from bayesreg._kernels.mixing import Mixture


def unsuited(posterior: Posterior) -> str | None:
    """Why a posterior is not a Gaussian model with scale mixtures of normals; None when it is."""
    problem = posterior.problem
    if not isinstance(problem.likelihood, Gaussian):
        return f"it needs a Gaussian likelihood; this one is {problem.likelihood!r}"
    penalty = problem.penalty
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    if np.any(bounded & ~penalty.is_pinned):
        return "it cannot keep coefficients within bounds"
    return None


def proper_columns(posterior: Posterior) -> IntArray:
    """The entries of v that have a proper prior, those with the same factor side by side."""
    penalty = posterior.problem.penalty
    columns = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned)
    return columns[np.lexsort((scale_numbers(posterior)[columns], relative(posterior)[columns]))]


def relative(posterior: Posterior) -> IntArray:
    """1 where an unknown sigma multiplies the prior's scale."""
    if posterior.sigma is None:
        return np.zeros(posterior.problem.size, dtype=np.int64)
    return posterior.relative.astype(np.int64)


def scale_numbers(posterior: Posterior) -> IntArray:
    """Which unknown scale governs each entry of v; KNOWN where none does."""
    from bayesreg._kernels.mixing import KNOWN

    number = np.full(posterior.problem.size, KNOWN, dtype=np.int64)
    for k, scale in enumerate(posterior.scales):
        number[scale.columns] = k
    return number


def units(posterior: Posterior, proper: IntArray) -> FloatArray:
    """1 / sqrt(l2 + l1^2 / 2), the scale of Student's t: no later product overflows."""
    penalty = posterior.problem.penalty.take(proper)
    tails = penalty.tails
    present = np.zeros(proper.size, dtype=bool) if tails is None else tails.present
    smooth = np.hypot(np.sqrt(penalty.l2), penalty.l1 / np.sqrt(2.0))
    unit = 1.0 / np.where(present, 1.0, smooth)
    return unit if tails is None else np.where(present, tails.scale, unit)


def mixture_of(posterior: Posterior, proper: IntArray, unit: FloatArray) -> tuple[Mixture, int]:
    """The priors of u = (v - loc) / unit, and how many groups there are."""
    from bayesreg._kernels import mixing

    penalty = posterior.problem.penalty.take(proper)
    kind = np.where(penalty.l1 > 0, mixing.LAPLACE, mixing.NORMAL)
    nu, group = np.ones(proper.size), np.full(proper.size, -1, dtype=np.int64)
    if isinstance(penalty, GroupedPenalty):
        kind[penalty.group >= 0] = mixing.GROUP
        group[penalty.members] = penalty._each(np.arange(penalty.sizes.size))
    if penalty.tails is not None:
        kind[penalty.tails.present] = mixing.STUDENT
        nu = np.asarray(penalty.tails.nu, dtype=np.float64)
    kind[posterior.horseshoe[proper]] = mixing.HORSESHOE
    mixture = mixing.Mixture(
        kind.astype(np.int64), penalty.l1 * unit, (np.sqrt(penalty.l2) * unit) ** 2, nu, group,
        relative(posterior)[proper], scale_numbers(posterior)[proper],
    )  # fmt: skip
    return mixture, int(np.max(group, initial=-1)) + 1
