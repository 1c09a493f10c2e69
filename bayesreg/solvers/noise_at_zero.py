"""How the density behaves as an unknown scale of StudentT or AsymmetricLaplace noise goes to 0.

The powers are those of :mod:`bayesreg.solvers.exact_rows`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import BoolArray
from bayesreg.likelihoods import AsymmetricLaplace, StudentT
from bayesreg.priors.on_noise import ON_NOISE, noise_density
from bayesreg.problem import Problem
from bayesreg.solvers.exact_rows import ExactFit, exact_fits

# Exponents are sums of weights, their multiples by nu, and numbers such as 2 shape + 1.
ROUNDING = 1e-9
#: What a prior of the scale can be, so that its density holds against rows that are fitted.
VANISHING = (
    "a prior that vanishes at 0, such as InverseGamma(shape, scale) or Uniform(lower, upper) with "
    "lower > 0"
)


def prior_power(prior: Any) -> float:
    """q of p(s) ~ s^q at 0."""
    if isinstance(prior, ON_NOISE):
        return noise_density(prior).at_zero
    near = np.array([1e-14, 1e-12])
    with np.errstate(divide="ignore"):
        low, high = np.asarray(prior.log_density(near), dtype=np.float64)
    return float(high - low) / float(np.log(100.0)) if np.isfinite(low) else np.inf


def likelihood_power(
    problem: Problem, added: float, integrated: bool, movable: BoolArray | None = None
) -> tuple[float, ExactFit | None]:
    """The least exponent of s in the likelihood at 0, and the rows that are fitted there.

    Integrated over the coefficients, or at the best of them. Infinity where the likelihood vanishes
    faster than any power. Only exponents of ``-added`` or less need be found.
    """
    total, likelihood = float(np.sum(problem.weights)), problem.likelihood
    if isinstance(likelihood, AsymmetricLaplace):
        found = exact_fits(problem, total, movable)
        powers = [(fit.rank * integrated - total, fit) for fit in found if fit.everything]
        return min(powers, key=_power, default=(np.inf, None))
    assert isinstance(likelihood, StudentT)
    nu = likelihood.nu
    found = exact_fits(problem, (added + nu * total) / (1.0 + nu), movable)
    powers = [
        (nu * (total - fit.weight) - fit.weight + fit.rank * integrated, fit) for fit in found
    ]
    return min(powers, key=_power, default=(nu * total, None))


def _power(found: tuple[float, ExactFit | None]) -> float:
    return found[0]


def why_unbounded(problem: Problem, prior: Any) -> str | None:
    """Why p(y, v, s) does not fall as s goes to 0; None where no such rows were found."""
    if not isinstance(problem.likelihood, StudentT | AsymmetricLaplace):
        return None
    q, name = prior_power(prior), problem.likelihood.dispersion_name
    if not np.isfinite(q):
        return None
    power, fit = likelihood_power(problem, q, integrated=False)
    if fit is None or q + power > ROUNDING:
        return None
    grows = f"grows like {name}^{q + power:.3g}" if q + power < -ROUNDING else "does not fall"
    return (
        f"coefficients can fit {fitted_rows(fit)} exactly, and there the density {grows} as "
        f"{name} goes to 0, p({name}) = {prior!r} included. Give {name} "
        f"{VANISHING}, or state {name}. Where the posterior integrates, "
        "sample(model, data) draws from it all the same"
    )


def fitted_rows(fit: ExactFit) -> str:
    """Words for a set of rows."""
    if fit.everything:
        return "all rows"
    return f"rows of total weight {fit.weight:.6g}"
