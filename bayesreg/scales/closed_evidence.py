"""log p(y | scale) in closed form: Gaussian likelihood, Normal priors, any sigma."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.posterior.components import Kind
from bayesreg.posterior.marginal import GaussianMarginal, gaussian_marginal, why_no_marginal
from bayesreg.posterior.target import Posterior
from bayesreg.posterior.unknown_scalars import sizes_under
from bayesreg.scales.exact_leave_one_out import noise_nodes, with_free_scale


def log_evidence_of_scale(posterior: Posterior) -> Callable[[FloatArray], FloatArray] | None:
    """log p(y | t) as a function of log t; None without a closed form.

    One decomposition serves every scale. A flat intercept is integrated with density 1.
    """
    problem = posterior.problem
    if problem.penalty.is_flat[: problem.p].any():
        return None
    scaled = with_free_scale(posterior)
    if why_no_marginal(scaled) is not None:
        return None
    marginal = gaussian_marginal(scaled)
    if posterior.sigma is None:
        return lambda log_t: marginal.log_likelihood(1.0, np.exp(log_t))
    if marginal.kind is Kind.SCALE:
        return _relative(marginal, posterior)
    return _absolute(marginal, posterior)


def _relative(
    marginal: GaussianMarginal, posterior: Posterior
) -> Callable[[FloatArray], FloatArray]:
    """Given the ratio, sigma is integrated by its own one-dimensional formula."""
    parts = marginal.components
    sizes = sizes_under(1.0 - parts.contrasts, [posterior.sigma])

    def log_evidence(log_t: FloatArray) -> FloatArray:
        t = np.exp(np.ravel(log_t))
        determinant, squares = parts.determinant_and_squares(t)
        integrals = sizes.log_integrals(squares, t)
        return np.asarray(parts.constant - 0.5 * determinant + integrals)

    return log_evidence


def _absolute(
    marginal: GaussianMarginal, posterior: Posterior
) -> Callable[[FloatArray], FloatArray]:
    def log_evidence(log_t: FloatArray) -> FloatArray:
        nodes = (noise_nodes(marginal, posterior, float(np.exp(x))) for x in np.ravel(log_t))
        return np.array([np.logaddexp.reduce(log_weight) for _, log_weight in nodes])

    return log_evidence
