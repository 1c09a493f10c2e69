"""Does the posterior integrate to a finite number?

Proper priors always do with a number for sigma. Directions under a flat prior need the
likelihood to close them: it must not be constant along any of them (flat columns, the flat
intercept among them, of full rank), nor recede along any (separation; Albert and Anderson 1984,
Biometrika 71:1). Then sigma and unknown scales: :mod:`bayesreg.posterior.corners`; the
dispersion: :mod:`bayesreg.posterior.dispersion_propriety`.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import IntArray
from bayesreg._warning import warn
from bayesreg.class_problem import ClassProblem
from bayesreg.errors import ImproperPosteriorError, PriorTailWarning
from bayesreg.likelihoods import StudentT
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.dispersion_propriety import why_dispersion_diverges
from bayesreg.posterior.protocol import AnyPosterior
from bayesreg.posterior.scalar_propriety import scales_left_to_their_prior, why_scalars_diverge
from bayesreg.priors.on_noise import noise_density
from bayesreg.problem import Problem
from bayesreg.proof.existence import why_no_mode
from bayesreg.proof.existence_classes import why_no_class_mode


def require_proper(posterior: AnyPosterior, names: tuple[str, ...]) -> None:
    """Raise unless the posterior is proper.

    Raises
    ------
    ImproperPosteriorError
        With the reason and the remedy.

    Warns
    -----
    PriorTailWarning
        The likelihood of a scale does not fall at infinity.
    """
    problem = posterior.problem
    redundant = redundant_columns(problem)
    if redundant.size:
        listed = ", ".join(repr(names[j]) for j in redundant[:5])
        more = f" and {redundant.size - 5} more" if redundant.size > 5 else ""
        among = " and the flat intercept" if problem.flat_intercept else ""
        raise ImproperPosteriorError(
            f"the posterior is improper: the flat-prior column(s) {listed}{more} are a "
            f"combination of the other flat columns{among} on the n = {problem.n} rows, so that "
            "the data say nothing about them. Give them a proper prior, such as "
            "Normal(scale=...), or drop them"
        )
    if isinstance(posterior, ClassPosterior):
        _require_proper_classes(posterior, names)
        return
    problem = posterior.problem
    reason = (
        why_no_mode(problem, names)
        or _why_tails_diverge(problem, names)
        or why_scalars_diverge(posterior, names)
        or why_dispersion_diverges(posterior)
    )
    if reason is not None:
        raise ImproperPosteriorError(f"the posterior is improper: {reason}")
    for name in scales_left_to_their_prior(posterior):
        warn(
            f"the likelihood of {name} does not fall as {name} goes to infinity: the columns fit "
            "the data without residual, and sigma follows; or they are bounded on both sides, and "
            "their prior becomes uniform. The posterior is proper, but its tail "
            f"is that of p({name}) = {posterior.scalars[name]!r}; choose that density with care, "
            "or state sigma or give it a proper prior",
            PriorTailWarning,
        )


def _why_tails_diverge(problem: Problem, names: tuple[str, ...]) -> str | None:
    """A row of Student-t noise falls like a power: |eta|^-(weight (nu + 1)).

    Over k flat directions together the rows that they move must fall faster than r^-k, and over
    each alone than 1 / r.
    """
    likelihood = problem.likelihood
    flat = np.flatnonzero(problem.penalty.is_flat)
    if not isinstance(likelihood, StudentT) or not flat.size:
        return None
    moved = problem.block(flat) != 0
    power = (likelihood.nu + 1.0) * problem.weights
    alone, together = power @ moved, float(power @ moved.any(axis=1))
    if np.all(alone > 1.0) and together > flat.size:
        return None
    least = int(flat[np.argmin(alone)])
    name = "the intercept" if least == problem.p else f"column {names[least]!r}"
    return (
        f"rows of {likelihood!r} fall like a power of the linear predictor, weight times nu + 1 "
        f"each, and the weights of these rows are too small to hold the flat prior of {name}. Give "
        "it a proper prior, such as Normal(scale=...), or the rows larger weights"
    )


def _require_proper_classes(posterior: ClassPosterior, names: tuple[str, ...]) -> None:
    """What all classes share of a flat column is fixed; half a line under a flat prior is not."""
    problem = posterior.problem
    penalty = problem.penalty
    half = np.flatnonzero(problem.is_unpenalised & ~penalty.is_flat)
    reason = why_no_class_mode(problem, names) or _improper_scale(posterior)
    if half.size:
        which = f"column {names[half[0]]!r}" if half[0] < problem.p else "the intercept"
        reason = (
            f"the flat prior of {which} is bounded on one side only, and adding one number to the "
            "coefficients of all classes changes no probability: they run to infinity together. "
            "Give it a proper prior, such as HalfNormal(scale=...), or no bound: Flat()"
        )
    if reason is not None:
        raise ImproperPosteriorError(f"the posterior is improper: {reason}")


def _improper_scale(posterior: ClassPosterior) -> str | None:
    for name, prior in posterior.scalars.items():
        if not noise_density(prior).proper:
            return (
                f"p({name}) = {prior!r} does not integrate, which the rows of several classes are "
                "not known to make good. Give the scale a proper prior, such as HalfCauchy(scale) "
                "or HalfNormal(scale)"
            )
    return None


def redundant_columns(problem: Problem | ClassProblem) -> IntArray:
    """Flat columns that add nothing to the span of the intercept (if flat) and the others.

    Columns are compared at unit length; what is left of one after all larger ones must exceed
    the rounding of its own entries.
    """
    from scipy.linalg import qr

    flat = np.flatnonzero(problem.penalty.is_flat[: problem.p])
    if not flat.size:
        return flat
    block = problem.block(flat)
    largest = np.max(np.abs(block), axis=0)
    block = block / np.where(largest > 0, largest, 1.0)
    block = block / np.maximum(np.sqrt(np.sum(block**2, axis=0)), np.finfo(float).tiny)
    if problem.flat_intercept:
        block = block - np.mean(block, axis=0)
    remainder, order = qr(block, mode="r", pivoting=True)
    left = np.zeros(flat.size)
    diagonal = np.abs(np.diagonal(remainder))
    left[: diagonal.size] = diagonal
    rounding = 8 * max(block.shape) * np.finfo(float).eps
    beyond: IntArray = np.sort(flat[order[left <= rounding]])
    return beyond
