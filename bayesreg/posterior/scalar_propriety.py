"""Why a posterior does not integrate over sigma or a scale, and where a prior alone decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.likelihoods import Gaussian
from bayesreg.posterior.corners import Corner, Corners
from bayesreg.posterior.target import Posterior, RandomScale
from bayesreg.priors.on_noise import ON_NOISE, noise_density
from bayesreg.proof.existence import why_no_mode

# Exponents are sums of numbers such as 1 and 2 shape + 1.
_ROUNDING = 1e-9


def why_scalars_diverge(posterior: Posterior, names: tuple[str, ...]) -> str | None:
    """The reason with its remedy; None where the integral over sigma and the scales is finite."""
    for scale in posterior.scales:
        if noise_density(scale.prior).at_zero <= -1.0:
            return _at_zero(scale)
    if not isinstance(posterior.problem.likelihood, Gaussian):
        reasons = (_of_flat_scale(posterior, scale, names) for scale in posterior.scales)
        return next((reason for reason in reasons if reason is not None), None)
    corners = Corners(posterior)
    for corner in corners.all():
        prior = sum(corners.of_prior(name, e) for name, e in corner.items())
        if prior + corners.at_most(corner) < -_ROUNDING:
            continue
        if prior + corners.of_likelihood(corner) >= -_ROUNDING:
            return _message(corners, corner)
    return None


def scales_left_to_their_prior(posterior: Posterior) -> list[str]:
    """Scales whose likelihood does not fall at infinity: the tail there is that of the prior."""
    if not isinstance(posterior.problem.likelihood, Gaussian):
        return []
    corners = Corners(posterior)
    found = []
    for scale in posterior.scales:
        for corner in corners.all():
            if corner[scale.name] != 1:
                continue
            others = sum(corners.of_prior(name, e) for name, e in corner.items()
                         if name != scale.name)  # fmt: skip
            if others + corners.at_most(corner) < -_ROUNDING:
                continue
            if others + corners.of_likelihood(corner) >= -_ROUNDING:
                found.append(scale.name)
                break
    return found


def _message(corners: Corners, corner: Corner) -> str:
    sigma = corner.get("sigma", 0)
    if sigma < 0:
        return _exact_fit(corners, corner)
    if sigma > 0:
        prior = corners.posterior.sigma
        return (
            f"with {_counted(corners.contrasts, 'contrast')} (rows less flat coefficients, a flat "
            f"intercept among them) the likelihood falls too slowly as {_where(corner)}, beside "
            f"p(sigma) = {prior!r}. Give sigma a proper prior, such as HalfNormal(scale), or more "
            "rows"
        )
    return (
        f"as {_where(corner)} the likelihood does not fall fast enough for a prior that does not "
        "fall at all: it needs at least two columns of the data that no flat coefficient "
        "replaces. Give the scale a proper prior, such as HalfCauchy(scale) or HalfNormal(scale)"
    )


def _exact_fit(corners: Corners, corner: Corner) -> str:
    fixed = corners.posterior.relative[corners.posterior.problem.penalty.is_flat == 0]
    if np.all(fixed) and all(e == 0 for name, e in corner.items() if name != "sigma"):
        by = "the flat coefficients alone, all others at their loc (a constant y, for instance)"
    else:
        by = (
            "coefficients whose prior scale does not shrink with sigma (with full rank: p >= n - 1 "
            "beside a flat intercept, p >= n without)"
        )
    return (
        f"as {_where(corner)} the data are fitted without residual by {by}, and "
        f"p(sigma) = {corners.posterior.sigma!r} does not vanish at 0 fast enough. Give sigma a "
        "prior that vanishes at 0, such as InverseGamma(shape, scale) or Uniform(lower, upper) "
        "with lower > 0; or state sigma; or, where p is what fits, take a prior with "
        "relative_to_noise=True, or with sigma one that is finite at 0, such as HalfNormal(scale)"
    )


def _where(corner: Corner) -> str:
    moves = [f"{name} goes to {'infinity' if e > 0 else '0'}" for name, e in corner.items() if e]
    return " and ".join(moves)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _at_zero(scale: RandomScale) -> str:
    return (
        f"p({scale.name}) = {scale.prior!r} has infinite mass near 0, where the likelihood does "
        "not vanish: it becomes that of the model with these coefficients at their loc. Give the "
        "scale a proper prior, such as HalfCauchy(scale) or HalfNormal(scale)"
    )


def _of_flat_scale(posterior: Posterior, scale: RandomScale, names: tuple[str, ...]) -> str | None:
    """A flat density of a scale under a likelihood that is not Gaussian.

    As the scale goes to infinity the integrated likelihood falls like scale^-rank, where the
    likelihood closes all directions of its columns, and else not at all. Columns between two bounds
    do not count: their prior becomes uniform.
    """
    if not isinstance(scale.prior, ON_NOISE) or noise_density(scale.prior).proper:
        return None
    problem = posterior.problem
    penalty = problem.penalty
    tails, corners = penalty.tails, Corners(posterior)
    opened = replace(
        penalty, l1=np.where(scale.columns, 0.0, penalty.l1),
        l2=np.where(scale.columns, 0.0, penalty.l2),
        tails=tails and replace(tails, scale=np.where(scale.columns, np.inf, tails.scale)),
    )  # fmt: skip
    closed = why_no_mode(replace(problem, penalty=opened), names) is None
    if closed and corners.rank(scale.columns & ~corners.in_box) >= 2:
        return None
    return (
        f"p({scale.name}) = {scale.prior!r} does not fall, and as the scale goes to infinity "
        "neither does the likelihood, or not fast enough. Give the scale a proper prior, such as "
        "HalfCauchy(scale) or HalfNormal(scale)"
    )
