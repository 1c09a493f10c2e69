"""log p(y | scale) in closed form: Gaussian likelihood, Normal priors, any sigma."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.scales.noise_mixture import noise_mixture
from bayesreg.scales.normal_law import NormalLaw


def log_evidence_of_scale(law: NormalLaw) -> Callable[[FloatArray], FloatArray] | None:
    """log p(y | t) as a function of log t; None with a flat coefficient, which has no density.

    A flat intercept is integrated with density 1.
    """
    problem = law.posterior.problem
    if problem.penalty.is_flat[: problem.p].any():
        return None

    def log_evidence(log_t: FloatArray) -> FloatArray:
        return np.array([noise_mixture(law, float(t)).log_evidence for t in np.exp(log_t)])

    return log_evidence
