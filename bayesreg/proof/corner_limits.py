"""Which priors a loss with corners can stand beside.

The mode is found by an interior point method and proved by linear programmes over the rows; both
need a penalty that is a sum of convex terms, one for each coefficient.
"""

from __future__ import annotations

from bayesreg.errors import ModelError
from bayesreg.problem import Problem


def require_supported_penalty(problem: Problem) -> None:
    """Refuse, beside a loss with corners, the priors for which there is no solver and no proof.

    Raises
    ------
    ModelError
        For GroupLaplace, StudentT or Cauchy priors.
    """
    if not problem.penalty.is_separable:
        raise ModelError(
            f"GroupLaplace beside {problem.likelihood!r} has no solver and no certificate, for "
            "its norms couple coefficients where the loss has corners; give its columns a Laplace "
            "or MultivariateNormal prior, or use a smooth likelihood such as Gaussian"
        )
    if problem.penalty.tails is not None:
        raise ModelError(
            f"StudentT and Cauchy priors beside {problem.likelihood!r} have no solver and no "
            "certificate: local modes are sought by Newton steps, which a loss with corners does "
            "not have; use a Laplace or Normal prior, or a smooth likelihood such as "
            "StudentT(nu=..., sigma=...) for robust regression"
        )
