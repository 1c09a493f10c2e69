"""Why a posterior does not integrate over the dispersion of its likelihood.

With N the total weight, k flat coefficients (a flat intercept among them) and the coefficients
integrated out, the likelihood is of the order

    Gamma              phi^-((N - r) / 2)   as phi -> 0, where coefficients of rank r fit log y
                                            without residual: log y is normal about eta there,
                                            with variance phi; else it vanishes
                       phi^-(N - k)         as phi -> infinity
    StudentT           sigma^(nu (N - W) - W + r)  as sigma -> 0, where coefficients fit rows of
                       weight W and rank r exactly: :mod:`bayesreg.solvers.exact_rows`
                       sigma^-(N - k)       as sigma -> infinity
    AsymmetricLaplace  s^(r - N)            as s -> 0, where coefficients of rank r fit all rows;
                                            else it vanishes
                       s^-(N - k)           as s -> infinity
    NegativeBinomial   1                    as alpha -> infinity: it becomes the Poisson likelihood
                       alpha^(M - k)        as alpha -> 0, M the weight of the rows with y > 0

Where the powers count k, under noise of unknown scale a flat coefficient reaches as far as the
scale. A row of Gamma falls like exp(-eta / phi), one of NegativeBinomial like exp(-alpha eta),
towards large eta, so that it reaches as far as phi, or 1 / alpha: over all directions in which eta
rises in every row, and with a flat intercept there are such directions. Without one nothing is
said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Dispersed,
    Gamma,
    Gaussian,
    NegativeBinomial,
    StudentT,
)
from bayesreg.posterior.corners import Corners
from bayesreg.posterior.target import Posterior
from bayesreg.priors.on_noise import ON_NOISE, NoiseDensity, noise_density
from bayesreg.solvers.noise_at_zero import VANISHING, fitted_rows, likelihood_power

# Exponents are sums of weights, their halves and numbers such as 2 shape + 1.
_ROUNDING = 1e-9


def why_dispersion_diverges(posterior: Posterior) -> str | None:
    """The reason with its remedy; None where nothing speaks against a finite integral."""
    if not isinstance(posterior.dispersion, ON_NOISE):
        return None
    density = noise_density(posterior.dispersion)
    if isinstance(posterior.problem.likelihood, Gamma):
        return _of_gamma(posterior, density)
    if isinstance(posterior.problem.likelihood, NegativeBinomial):
        return _of_negative_binomial(posterior, density)
    if isinstance(posterior.problem.likelihood, StudentT | AsymmetricLaplace):
        return _of_noise_at_zero(posterior, density) or _of_noise_at_infinity(posterior, density)
    return None


def _of_gamma(posterior: Posterior, density: NoiseDensity) -> str | None:
    problem = posterior.problem
    total, flat = float(np.sum(problem.weights)), int(np.sum(problem.penalty.is_flat))
    # The weights of rows multiply their log likelihood, so that (total - rank) / 2 counts them.
    power = density.at_zero + 1.0 + 0.5 * flat - 0.5 * total
    if power <= _ROUNDING:
        on_logs = replace(problem, y=np.log(problem.y), likelihood=Gaussian(1.0))
        corners, movable = Corners(replace(posterior, problem=on_logs)), np.ones(problem.size, bool)
        if corners.fits(movable) and power + 0.5 * corners.rank(movable) <= _ROUNDING:
            return (
                "as phi goes to 0 the coefficients fit log y without residual, and p(phi) = "
                f"{posterior.dispersion!r} does not vanish at 0 fast enough. Give phi a prior "
                "that vanishes at 0, such as InverseGamma(shape, scale) or Uniform(lower, upper) "
                "with lower > 0, or state phi"
            )
    if problem.flat_intercept and 1.0 - density.at_infinity - (total - flat) >= -_ROUNDING:
        return (
            f"as phi goes to infinity neither the likelihood of n = {problem.n} rows beside "
            f"{flat} flat coefficients falls fast enough, nor does p(phi) = "
            f"{posterior.dispersion!r}. Give phi a proper prior, such as HalfNormal(scale)"
        )
    return None


def _of_negative_binomial(posterior: Posterior, density: NoiseDensity) -> str | None:
    problem = posterior.problem
    if 1.0 - density.at_infinity >= -_ROUNDING:
        return (
            "as alpha goes to infinity the likelihood does not fall: it becomes that of Poisson(). "
            f"Nor does p(alpha) = {posterior.dispersion!r} fall fast enough. Give alpha a proper "
            "prior, such as HalfNormal(scale) or HalfCauchy(scale)"
        )
    counted = float(np.sum(problem.weights[problem.y > 0]))
    flat = int(np.sum(problem.penalty.is_flat))
    if problem.flat_intercept and density.at_zero + 1.0 + counted - flat <= _ROUNDING:
        return (
            f"as alpha goes to 0 the likelihood grows: there are {flat} flat coefficients, the "
            f"intercept among them, and y is above 0 in rows of total weight {counted:g} only. "
            "Give the coefficients or the intercept a proper prior, or alpha one that vanishes at "
            "0, such as InverseGamma(shape, scale)"
        )
    return None


def _of_noise_at_zero(posterior: Posterior, density: NoiseDensity) -> str | None:
    """Rows that are fitted exactly; with unknown scales at 0 too, by the other columns alone."""
    if not np.isfinite(density.at_zero):
        return None
    problem, power = posterior.problem, density.at_zero + 1.0
    governed = np.any([scale.columns for scale in posterior.scales], axis=0)
    at_loc = sum(noise_density(scale.prior).at_zero + 1.0 for scale in posterior.scales
                 if isinstance(scale.prior, ON_NOISE))  # fmt: skip
    corners = [(power, np.ones(problem.size, dtype=bool))]
    if np.any(governed) and np.isfinite(at_loc):
        corners.append((power + at_loc, ~governed))
    name = _name(posterior)
    for added, movable in corners:
        exponent, fit = likelihood_power(problem, added, integrated=True, movable=movable)
        if fit is not None and added + exponent <= _ROUNDING:
            return (
                f"as {name} goes to 0 coefficients fit {fitted_rows(fit)} exactly, where the "
                f"likelihood grows like {name}^{exponent:.3g} once they are integrated, and "
                f"p({name}) = {posterior.dispersion!r} does not vanish at 0 fast enough. Give "
                f"{name} {VANISHING}, or state {name}"
            )
    return None


def _of_noise_at_infinity(posterior: Posterior, density: NoiseDensity) -> str | None:
    """Flat coefficients follow the noise, and scales whose density does not fall with them."""
    problem, name = posterior.problem, _name(posterior)
    total, flat = float(np.sum(problem.weights)), int(np.sum(problem.penalty.is_flat))
    followers = sum(max(0.0, 1.0 - noise_density(scale.prior).at_infinity)
                    for scale in posterior.scales if isinstance(scale.prior, ON_NOISE))  # fmt: skip
    if 1.0 - density.at_infinity + followers - (total - flat) < -_ROUNDING:
        return None
    return (
        f"as {name} goes to infinity neither the likelihood of rows of total weight {total:g} "
        f"beside {flat} flat coefficients falls fast enough, nor does p({name}) = "
        f"{posterior.dispersion!r}. Give {name} a proper prior, such as HalfNormal(scale), or the "
        "coefficients"
    )


def _name(posterior: Posterior) -> str:
    assert isinstance(posterior.problem.likelihood, Dispersed)
    return posterior.problem.likelihood.dispersion_name
