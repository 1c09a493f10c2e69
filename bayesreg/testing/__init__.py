"""Checks of priors, likelihoods and conventions of your own; ours pass through them too.

    check_prior(MyPrior(scale=0.5))
    check_likelihood(MyLikelihood(), y)
    check_convention(MY_CONVENTION, Gaussian(1.5), data, objective)

Every property that solvers, samplers and the certificate rely on is compared with quadrature,
finite differences and brute-force minimisation.  Nothing is returned; a failure is an
``AssertionError`` that says which property does not hold, where, and what to correct.
"""

from __future__ import annotations

from bayesreg.testing.conventions import check_convention
from bayesreg.testing.likelihoods import check_likelihood
from bayesreg.testing.priors import check_prior

__all__ = ["check_convention", "check_likelihood", "check_prior"]
