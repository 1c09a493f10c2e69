"""Draws from the model itself: parameters from their priors, and data given them.

Nothing here is shared with a sampler: coefficients come by rejection from numpy's Laplace, normal
and Student-t variates, with every prior factor and every bound applied as it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.likelihoods import Dispersed, Gaussian
from bayesreg.posterior.densities import row_density, scaled_density
from bayesreg.posterior.target import Posterior
from bayesreg.priors import Exponential, HalfCauchy, HalfNormal, InverseGamma, Uniform

# Proposals for one number before its bounds are called out of reach.
_MOST_PROPOSALS = 100_000


@dataclass(frozen=True, eq=False)
class Parameters:
    """One value of everything that is random.

    Attributes
    ----------
    v : (size,) array
        Extended vector.
    scalars : dict of name to float
    """

    v: FloatArray
    scalars: dict[str, float]


class Simulator:
    """The joint density of parameters and data of one posterior, to draw from and to evaluate.

    A flat intercept of a Gaussian likelihood is held at 0, and data are compared through their
    contrasts alone: its posterior, and those of all else, do not depend on where it is.

    Raises
    ------
    ModelError
        For priors that cannot be drawn from, with what to state instead.
    """

    def __init__(self, posterior: Posterior) -> None:
        _require_proper(posterior)
        self.posterior = posterior

    def parameters(self, rng: np.random.Generator) -> Parameters:
        """A draw from the prior."""
        posterior = self.posterior
        scalars = {name: _positive(prior, rng) for name, prior in posterior.scalars.items()}
        factor = posterior.factors({name: np.array(s) for name, s in scalars.items()})
        factor = np.where(posterior.horseshoe, factor * np.abs(rng.standard_cauchy(factor.shape)),
                          factor)  # fmt: skip
        return Parameters(_coefficients(posterior.problem.penalty, factor, rng), scalars)

    def target(self, at: Parameters, rng: np.random.Generator) -> FloatArray:
        """A draw of y."""
        problem = self.posterior.problem
        eta, likelihood = problem.linear_predictor(at.v), problem.likelihood
        if isinstance(likelihood, Gaussian):
            noise = at.scalars.get("sigma", likelihood.noise)
            return rng.normal(eta, noise / np.sqrt(problem.weights))
        if isinstance(likelihood, Dispersed) and likelihood.dispersion_name in at.scalars:
            likelihood = likelihood.with_dispersion(at.scalars[likelihood.dispersion_name])
        drawn: FloatArray = likelihood.draw(eta, rng)
        return drawn

    def given(self, y: FloatArray) -> Posterior:
        """The posterior given these data."""
        return replace(self.posterior, problem=replace(self.posterior.problem, y=y))

    def quantities(self, y: FloatArray | None, v: FloatArray, scalars: FloatArray) -> FloatArray:
        """What is compared, a row per draw: see ``labels``. Without y no log likelihood.

        ``scalars`` has a column per scalar, in the order of ``Posterior.scalars``.
        """
        posterior = self.posterior
        named = dict(zip(posterior.scalars, scalars.T, strict=True))
        factor = posterior.factors(named)
        prior = scaled_density(posterior.problem.penalty, v, factor, posterior.horseshoe)
        log_prior = np.sum(prior, axis=1)
        for name, density in posterior.scalars.items():
            log_prior = log_prior + density.log_density(named[name])
        columns = [v[:, self._ranked], scalars, log_prior[:, None]]
        if y is not None:
            columns.append(self._log_likelihood(y, v, named)[:, None])
        return np.hstack(columns)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns of ``quantities``."""
        problem = self.posterior.problem
        names = [*(f"coef[{j}]" for j in range(problem.p)), "intercept"]
        chosen = [names[j] for j in self._ranked]
        return (*chosen, *self.posterior.scalars, "log prior", "log likelihood")

    @property
    def _ranked(self) -> np.ndarray:
        penalty = self.posterior.problem.penalty
        return np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned)

    def _log_likelihood(
        self, y: FloatArray, v: FloatArray, named: dict[str, FloatArray]
    ) -> FloatArray:
        """With a flat intercept at its best: what depends on it would have no prior."""
        problem = self.posterior.problem
        eta = v[:, : problem.p] @ problem.X.T + problem.offset
        if problem.flat_intercept:
            share = problem.weights / np.sum(problem.weights)
            eta = eta + ((y - eta) @ share)[:, None]
        elif problem.has_intercept:
            eta = eta + v[:, problem.p, None]
        total: FloatArray = np.sum(
            row_density(problem.likelihood, y, problem.weights)(eta, named), axis=1
        )
        return total


def _require_proper(posterior: Posterior) -> None:
    problem = posterior.problem
    gaussian = isinstance(problem.likelihood, Gaussian)
    for name, prior in posterior.scalars.items():
        if not isinstance(prior, _PROPER):
            raise ModelError(
                f"calibration draws {name} from its prior, and {prior!r} is none to draw from; "
                "give it a proper one, such as InverseGamma(3.0, 2.0) or HalfNormal(1.0)"
            )
    flat = problem.penalty.is_flat
    half_flat = (problem.penalty.l1 == 0) & (problem.penalty.l2 == 0) & ~flat
    if problem.penalty.tails is not None:
        half_flat &= ~problem.penalty.tails.present
    half_flat &= np.isinf(problem.penalty.lower) | np.isinf(problem.penalty.upper)
    if flat[: problem.p].any() or half_flat.any():
        raise ModelError(
            "calibration draws coefficients from their priors, and a flat one is none to draw "
            "from; give every column a proper prior"
        )
    if problem.flat_intercept and not gaussian:
        raise ModelError(
            "a flat intercept can be calibrated for a Gaussian likelihood only; give the "
            "intercept a proper prior, such as Model(..., intercept=Normal(1.0))"
        )
    if not gaussian and np.any(problem.weights != 1.0):
        raise ModelError(
            f"weights of {problem.likelihood!r} multiply its density, which then is none of "
            "data; leave them out"
        )


_PROPER = (Exponential, HalfCauchy, HalfNormal, InverseGamma, Uniform)


def _positive(prior: Any, rng: np.random.Generator) -> float:
    """A draw of sigma or of a scale."""
    if isinstance(prior, Uniform):
        return float(rng.uniform(prior.lower, prior.upper))
    if isinstance(prior, InverseGamma):
        return float(np.sqrt(prior.scale / rng.gamma(prior.shape)))
    standard = {
        HalfNormal: rng.standard_normal,
        Exponential: rng.standard_exponential,
        HalfCauchy: rng.standard_cauchy,
    }[type(prior)]
    return float(prior.scale) * abs(float(standard()))


def _coefficients(penalty: Any, factor: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draws of v with (v - loc) / factor from the density of the penalty, within the bounds."""
    v = np.where(penalty.is_flat, 0.0, np.clip(penalty.loc, penalty.lower, penalty.upper))
    grouped = np.zeros(v.size, dtype=bool)
    if not penalty.is_separable:
        grouped = penalty.group >= 0
        _fill_groups(penalty, factor, rng, v)
    waiting = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned & ~grouped)
    for _ in range(_MOST_PROPOSALS):
        if not waiting.size:
            return v
        part = penalty.take(waiting)
        proposal, accepted = _proposals(part, factor[waiting], rng)
        inside = accepted & (proposal >= part.lower) & (proposal <= part.upper)
        v[waiting[inside]] = proposal[inside]
        waiting = waiting[~inside]
    raise ModelError(
        "the bounds of a coefficient leave next to nothing of its prior, so that draws from it by "
        "rejection do not end; calibrate with wider bounds"
    )


def _proposals(
    part: Any, factor: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, np.ndarray]:
    """From the steepest factor of the density, accepted with the value of the other one."""
    l1, l2, size = part.l1, part.l2, part.l1.size
    with np.errstate(divide="ignore", invalid="ignore"):
        kinked = rng.laplace(size=size) / l1
        curved = rng.standard_normal(size) / np.sqrt(l2)
        steep = l1**2 > l2
        x = np.where(steep, kinked, curved)
        rest = np.where(steep, 0.5 * l2 * x**2, l1 * np.abs(x))
    v = part.loc + factor * x
    if part.tails is not None:
        heavy = part.tails.present
        v = np.where(heavy, part.loc + factor * rng.standard_t(part.tails.nu)
                     * np.where(heavy, part.tails.scale, 1.0), v)  # fmt: skip
        rest = np.where(heavy, 0.0, rest)
        box = (l1 == 0) & (l2 == 0) & ~heavy
    else:
        box = (l1 == 0) & (l2 == 0)
    if box.any():
        v[box], rest[box] = rng.uniform(part.lower[box], part.upper[box]), 0.0
    return v, rng.random(size) < np.exp(-rest)


def _fill_groups(penalty: Any, factor: FloatArray, rng: np.random.Generator, v: FloatArray) -> None:
    """l1 (w - loc) / factor of a group: uniform direction times a Gamma(size) radius."""
    for first, size in zip(penalty.starts, penalty.sizes, strict=True):
        members = penalty.members[first : first + size]
        direction = rng.standard_normal(size)
        radius = rng.gamma(size) / np.linalg.norm(direction)
        v[members] += factor[members] * radius * direction / penalty.l1[members]
