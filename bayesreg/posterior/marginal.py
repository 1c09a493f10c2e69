"""log p(y | sigma, scale) of a Gaussian likelihood with Normal and flat priors.

Every coefficient is integrated out: one singular value decomposition, then O(min(n, q)) for each
pair of sigma and scale. A flat coefficient is integrated with density 1, so that with a flat
intercept only differences along sigma and scale mean anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bayesreg._types import FloatArray, ScalarOrVector
from bayesreg.errors import ModelError
from bayesreg.posterior.components import Components, Kind, kind_of, reduce
from bayesreg.posterior.target import Posterior
from bayesreg.posterior.whitening import unsuited as cannot_whiten


@dataclass(frozen=True, eq=False)
class GaussianMarginal:
    """The likelihood of sigma and scale.

    Attributes
    ----------
    kind : Kind
        What the ratio of prior sd to noise is.
    components : Components
    """

    kind: Kind
    components: Components

    def log_likelihood(
        self, sigma: ScalarOrVector = 1.0, scale: ScalarOrVector = 1.0
    ) -> FloatArray:
        """log p(y | sigma, scale), broadcast.

        Parameters
        ----------
        sigma : positive, where the model leaves it open; else 1
            In units of the model's own sigma where that is a number.
        scale : positive, where the model leaves it open; else 1
        """
        sigma, scale = np.broadcast_arrays(
            np.asarray(sigma, dtype=np.float64), np.asarray(scale, dtype=np.float64)
        )
        ratio = ratio_at(self.kind, sigma, scale)
        parts = self.components.determinant_and_squares(np.ravel(ratio))
        determinant, squares = (part.reshape(np.shape(ratio)) for part in parts)
        size = self.components.contrasts * np.log(sigma)
        fit: FloatArray = size + 0.5 * determinant + 0.5 * squares / sigma / sigma
        return self.components.constant - fit


def ratio_at(kind: Kind, sigma: FloatArray, scale: FloatArray) -> FloatArray:
    """Prior sd in units of the noise, at prior scale 1."""
    if kind is Kind.ONE:
        return np.ones_like(sigma)
    if kind is Kind.SCALE:
        return scale
    return (1.0 if kind is Kind.FIXED else scale) / sigma


def gaussian_marginal(posterior: Posterior) -> GaussianMarginal:
    """Decompose a posterior's rows.

    Raises
    ------
    ModelError
        Where some prior is not Normal, or unknowns act on the coefficients in more than one way.
    """
    reason = why_no_marginal(posterior)
    if reason is not None:
        raise ModelError(f"the coefficients cannot be integrated out in closed form: {reason}")
    kind = kind_of(posterior)
    assert kind is not None
    return GaussianMarginal(kind, reduce(posterior, kind))


def why_no_marginal(posterior: Posterior) -> str | None:
    """Why there is no closed form over one decomposition; None where there is."""
    problem = posterior.problem
    if posterior.horseshoe.any():
        return "it needs Normal or flat priors throughout; some prior here is Horseshoe"
    reason = cannot_whiten(replace(posterior, sigma=None, scales=()))
    if reason is not None:
        return reason
    if np.any((problem.penalty.l1 > 0) & ~problem.penalty.is_pinned):
        return "it needs Normal or flat priors throughout; some prior here has a kink"
    if len(posterior.scales) > 1:
        return "it needs at most one unknown scale"
    if kind_of(posterior) is None:
        return (
            "sigma is unknown, and besides the columns under the unknown scale there are others "
            "with a proper prior in other units; it needs all of them relative_to_noise"
        )
    return None
