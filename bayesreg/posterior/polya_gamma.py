"""Polya-Gamma Gibbs sampling: Bernoulli and Binomial with Laplace, ElasticNet, Normal, flat priors.

Polson, Scott and Windle (2013, JASA 108:1339); the iteration is in
:mod:`bayesreg._kernels.polya_gamma`. It shares nothing with NUTS but the bound problem, and so
checks it. Columns are measured in units of the prior's and the likelihood's curvature together.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ImproperPosteriorError
from bayesreg.likelihoods import Bernoulli, Binomial
from bayesreg.posterior.protocol import Block, Chain, Engine, Setup
from bayesreg.posterior.target import Posterior
from bayesreg.problem import Problem

# One variate per trial: beyond this many an iteration takes seconds.
_MOST_TRIALS = 10**6


def unsuited(posterior: Posterior) -> str | None:
    """Why there is no such sampler for this posterior; None when there is."""
    problem = posterior.problem
    penalty = problem.penalty
    if not isinstance(problem.likelihood, Bernoulli | Binomial):
        return f"it needs a Bernoulli or Binomial likelihood; this one is {problem.likelihood!r}"
    if not penalty.is_separable or penalty.tails is not None:
        return "it needs Laplace, ElasticNet, Normal or flat priors"
    if not posterior.only_coefficients:
        return "it needs a number for every scale, and no Horseshoe prior"
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    if np.any(bounded & ~penalty.is_pinned):
        return "it cannot keep coefficients within bounds"
    if penalty.is_pinned.all():
        return "nothing is left to sample: every coefficient is pinned to its loc"
    trials = _trials(problem)
    if np.any(trials != np.round(trials)):
        return "weights times trials must be whole numbers: it draws one variate for each"
    if np.sum(trials) > _MOST_TRIALS:
        return f"it draws one variate per trial, and there are more than {_MOST_TRIALS}"
    return None


def prepare(setup: Setup) -> Engine:
    """The rows in well-scaled columns."""
    return _PolyaGamma(setup)


class _PolyaGamma:
    """Chains from dispersed starts around the mode."""

    statistics = ()

    def __init__(self, setup: Setup) -> None:
        problem = setup.posterior.problem
        penalty = problem.penalty
        self._free = np.flatnonzero(~penalty.is_pinned)
        self._base = np.where(penalty.is_pinned, penalty.lower, penalty.loc)
        self._trials = np.round(_trials(problem)).astype(np.int64)
        own = penalty.take(self._free)
        X = problem.block(self._free)
        information = 0.25 * self._trials @ X**2 + own.l2 + 0.5 * own.l1**2
        self._unit = 1.0 / np.sqrt(np.where(information > 0, information, 1.0))
        self._X = np.ascontiguousarray(X * self._unit)
        self._offset = problem.linear_predictor(self._base)
        self._kappa = problem.weights * problem.y - 0.5 * self._trials
        self._l1, self._l2 = own.l1 * self._unit, own.l2 * self._unit**2
        self._start = (setup.start - self._base)[self._free] / self._unit
        n, q = X.shape
        self.cost = 300.0 * np.sum(self._trials) + 2.0 * n * q**2 + q**3 / 3.0

    def begin(self, seed: np.random.SeedSequence) -> Chain:
        start, moves = (np.random.default_rng(child) for child in seed.spawn(2))
        u = self._start + 2.0 * start.standard_normal(self._free.size)
        return Chain({"u": u}, {"moves": moves})

    def advance(self, chain: Chain, block: Block) -> None:
        from bayesreg._kernels.polya_gamma import gibbs_logistic

        kept: FloatArray = np.empty((block.count, self._free.size))
        done = gibbs_logistic(
            self._X, self._trials, self._kappa, self._offset, self._l1, self._l2,
            chain.state["u"], chain.streams["moves"], kept,
        )  # fmt: skip
        if done < block.count:
            raise ImproperPosteriorError(_SINGULAR)
        block.v[:] = self._base
        block.v[:, self._free] += self._unit * kept


def _trials(problem: Problem) -> FloatArray:
    """m_i s_i: how many Bernoulli rows a row stands for."""
    likelihood = problem.likelihood
    trials = likelihood.trials if isinstance(likelihood, Binomial) else 1.0
    return np.asarray(problem.weights * trials)


_SINGULAR = (
    "the posterior is singular to working precision: some columns are nearly collinear and their "
    "prior is too wide to tell them apart. Drop or merge the collinear columns, or give them a "
    "smaller prior scale"
)
