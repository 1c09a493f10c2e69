"""Checks of priors, likelihoods, conventions and samplers of your own; ours pass them too.

    check_prior(MyPrior(scale=0.5))
    check_likelihood(MyLikelihood(), y)
    check_convention(MY_CONVENTION, Gaussian(1.5), data, objective)
    check_sampler(MY_SAMPLER, model, data)

Every property that solvers, samplers and the certificate rely on is compared with quadrature,
finite differences, brute-force minimisation and simulation.  Nothing is returned; a failure is an
``AssertionError`` that says which property does not hold, where, and what to correct.
"""

from __future__ import annotations

from bayesreg.testing.conventions import check_convention
from bayesreg.testing.likelihoods import check_likelihood
from bayesreg.testing.priors import check_prior
from bayesreg.testing.samplers import check_sampler

__all__ = ["check_convention", "check_likelihood", "check_prior", "check_sampler"]
