"""The evidence of the null model: every coefficient at its loc, the rest integrated.

    p(y | scale -> 0) = integral of  p(y | a, loc, sigma) p(a) p(sigma)  over a and sigma

A flat intercept is integrated with density 1, so that only differences of the logarithm mean
anything. What a dispersion is to another likelihood, sigma is to the Gaussian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.likelihoods import AsymmetricLaplace, Dispersed, Gaussian, Likelihood, StudentT
from bayesreg.model import Model
from bayesreg.penalty import Penalty
from bayesreg.posterior.densities import parts
from bayesreg.posterior.target import Posterior, pose, with_unknowns_at_one
from bayesreg.scales.integrals import log_integral


def log_null_evidence(model: Model, data: Data) -> float:
    """log p(y) in nats as the scanned prior scales go to 0.

    Raises
    ------
    ModelError
        With flat coefficients, over which nothing can be integrated.
    """
    posterior = pose(model, data.to_dense())
    problem = posterior.problem
    flat = problem.penalty.is_flat[: problem.p]
    if flat.any():
        names = ", ".join(repr(data.names[j]) for j in np.flatnonzero(flat)[:3])
        raise ModelError(
            f"there is no evidence with flat coefficients ({names}): their prior has no density. "
            "Give them a proper prior, such as Normal(scale=...)"
        )
    null = _Null(posterior)
    prior = posterior.dispersion if posterior.sigma is None else posterior.sigma
    if prior is None:
        return null.given(None)

    def log_f(x: FloatArray) -> FloatArray:
        return np.array([null.given(float(np.exp(s))) + float(prior.log_density(np.exp(s))) + s
                         for s in x])  # fmt: skip

    lower, upper = (float(getattr(prior, name, end)) for name, end in _ENDS)
    low = max(_LEAST, float(np.log(lower)) if lower > 0 else -np.inf)
    high = min(-_LEAST, float(np.log(upper)))
    centre = float(np.clip(null.log_scale_guess(), low, high))
    return log_integral(log_f, centre, 1.0 / np.sqrt(problem.n), lower=low, upper=high)


def null_anchor(model: Model, data: Data) -> tuple[float | None, str]:
    """The evidence as the scales go to 0, or None and why there is none."""
    try:
        return log_null_evidence(model, data), ""
    except ModelError as error:
        return None, str(error)


def said_of_evidence(model: Model) -> str:
    """What the evidence is relative to."""
    on_intercept = with_unknowns_at_one(model).intercept_penalty()
    if on_intercept is not None and on_intercept.is_flat[0]:
        return "in nats, relative to a flat intercept of density 1: only differences mean anything"
    return "in nats"


# log of a sigma or a dispersion whose square is still a number.
_LEAST = -200.0
# Where a prior of sigma or a dispersion says no other.
_ENDS = (("lower", 0.0), ("upper", np.inf))


@dataclass(frozen=True, eq=False)
class _Null:
    """log p(y | sigma or dispersion) of the null model, the intercept integrated."""

    posterior: Posterior

    @cached_property
    def eta(self) -> FloatArray:
        """The linear predictor at an intercept of 0."""
        problem = self.posterior.problem
        v = problem.start.copy()
        if problem.has_intercept:
            v[-1] = 0.0
        return problem.linear_predictor(v)

    @cached_property
    def on_intercept(self) -> Penalty:
        """Its prior, with sigma at 1."""
        problem = self.posterior.problem
        return problem.penalty.take(np.array([problem.size - 1]))

    def log_scale_guess(self) -> float:
        """log of about the most likely scale of noise; 0 for another dispersion."""
        problem = self.posterior.problem
        if not isinstance(problem.likelihood, Gaussian | StudentT | AsymmetricLaplace):
            return 0.0
        residual = problem.y - self.eta
        if problem.has_intercept:
            residual = residual - np.average(residual, weights=problem.weights)
        return 0.5 * float(np.log(max(float(np.mean(problem.weights * residual**2)), 1e-300)))

    def given(self, value: float | None) -> float:
        """log p(y | value of sigma or of the dispersion)."""
        problem, likelihood = self.posterior.problem, self._likelihood(value)
        constant = float(np.sum(likelihood.constant(problem.y, problem.weights)))
        if not problem.has_intercept:
            return -float(problem.weights @ likelihood.loss(problem.y, self.eta)) - constant
        penalty = self.on_intercept
        follows = self.posterior.sigma is not None and bool(self.posterior.relative[-1])
        factor = float(value) if value is not None and follows else 1.0
        centre, width = self._peak(likelihood, factor)
        loss_at = self._loss(likelihood)

        def log_f(a: FloatArray) -> FloatArray:
            loss = loss_at(a)
            standard = penalty.loc + (a[:, None] - penalty.loc) / factor
            scaling = 0.0 if penalty.is_flat[0] else np.log(factor)
            return penalty.log_density(standard)[:, 0] - scaling - loss - constant

        if isinstance(likelihood, Gaussian) and penalty.is_flat[0]:
            # The integrand is exp of a parabola.
            return float(log_f(np.array([centre]))[0]) + 0.5 * float(np.log(2 * np.pi * width**2))
        return log_integral(
            log_f, centre, width, lower=float(penalty.lower[0]), upper=float(penalty.upper[0]),
            breaks=[float(penalty.loc[0])],
        )  # fmt: skip

    def _loss(self, likelihood: Likelihood) -> Callable[[FloatArray], FloatArray]:
        """The loss of all rows as a function of the intercept; of a Gaussian a parabola."""
        y, weights = self.posterior.problem.y, self.posterior.problem.weights

        def at(a: FloatArray) -> FloatArray:
            return np.concatenate([
                likelihood.loss(y, self.eta + a[part, None]) @ weights
                for part in parts(a.size, y.size)
            ])  # fmt: skip

        if not isinstance(likelihood, Gaussian):
            return at
        centre = float(np.average(y - self.eta, weights=weights))
        least, bend = (
            float(at(np.array([centre]))[0]),
            float(weights @ likelihood.curvature(y, self.eta)),
        )
        return lambda a: least + 0.5 * bend * (a - centre) ** 2

    def _likelihood(self, value: float | None) -> Likelihood:
        likelihood = self.posterior.problem.likelihood
        if value is None:
            return likelihood
        if self.posterior.sigma is not None:
            return Gaussian(value)
        assert isinstance(likelihood, Dispersed)
        return likelihood.with_dispersion(value)

    def _peak(self, likelihood: Likelihood, factor: float) -> tuple[float, float]:
        """About where the integrand peaks, and 1 / sqrt(curvature), by Newton's method."""
        problem, penalty = self.posterior.problem, self.on_intercept
        l2, loc = float(penalty.l2[0]) / factor**2, float(penalty.loc[0])
        longest = np.inf if isinstance(likelihood, Gaussian) else 2.0
        a, bend = float(np.clip(0.0, penalty.lower[0], penalty.upper[0])), 1.0
        for _ in range(200):
            eta = self.eta + a
            slope = problem.weights @ likelihood.gradient(problem.y, eta) + l2 * (a - loc)
            bend = float(problem.weights @ np.abs(likelihood.curvature(problem.y, eta))) + l2
            step = float(np.clip(slope / max(bend, 1e-300), -longest, longest))
            a -= step
            if abs(step) < 1e-12 * (1.0 + abs(a)):
                break
        return a, float(1.0 / np.sqrt(max(bend, 1e-300)))
