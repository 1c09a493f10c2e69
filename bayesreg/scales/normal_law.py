"""Posteriors of a Gaussian likelihood with Normal priors at every scale, from one decomposition.

With A = U diag(d) V' the whitened rows (:mod:`bayesreg.posterior.components`), c = U't and ratio
rho of prior sd to noise, given sigma

    u ~ Normal(V diag(rho^2 d kept) c,  sigma^2 rho^2 (I - V diag(1 - kept) V')),
    kept = 1 / (1 + rho^2 d^2)

and coefficients, intercept and linear predictors are affine in u. rho is t where sigma is a number
or the prior relative to it, and t / sigma where scales are absolute and sigma is unknown; then, and
for predictions, the law is a mixture over sigma.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesreg._types import FloatArray, IntArray
from bayesreg.moments import Moments, moments
from bayesreg.posterior.components import (
    Components,
    Kind,
    kind_of,
    moments_may_do,
    reduce_moments,
    reduce_rows,
)
from bayesreg.posterior.marginal import why_no_marginal
from bayesreg.posterior.target import Posterior, RandomScale

# Beyond this many columns a table of all of them by themselves is not made.
_DENSE = 3000


def scanned(posterior: Posterior) -> Posterior:
    """The posterior at t = 1 with t as an unknown scale of all its coefficients."""
    problem = posterior.problem
    penalty = problem.penalty
    columns = (np.arange(problem.size) < problem.p) & ~penalty.is_flat & ~penalty.is_pinned
    return replace(posterior, scales=(*posterior.scales, RandomScale("t", None, columns)))


def why_no_closed_form(posterior: Posterior) -> str | None:
    """Why draws are needed along the scale of this posterior; None where none are."""
    problem = posterior.problem
    if problem.blocks and problem.p > _DENSE:
        return "a full prior covariance of many columns"
    return why_no_marginal(scanned(posterior))


def moments_serve(posterior: Posterior) -> bool:
    """Second moments of the rows may be decomposed in their place."""
    with_scale = scanned(posterior)
    kind = kind_of(with_scale)
    return kind is not None and moments_may_do(with_scale, kind)


@dataclass(frozen=True, eq=False)
class AffinePart:
    """Numbers that are affine in u, one column each: origin + (V'u) @ along + sigma z @ noise.

    Attributes
    ----------
    origin : (m,) array
    along : (r, m) array
    rest : (m,) array
        Their prior variance at ratio 1 beyond the row space of A.
    noise : (m,) array
        What is added to their variance at sigma = 1.
    """

    origin: FloatArray
    along: FloatArray
    rest: FloatArray
    noise: FloatArray

    @cached_property
    def squares(self) -> FloatArray:
        """Of ``along``."""
        return np.square(self.along)


@dataclass(frozen=True, eq=False)
class NormalLaw:
    """The posterior for any ratio and sigma.

    Attributes
    ----------
    posterior : Posterior
        As :func:`scanned` gives it.
    kind : Kind
    components : Components
    moments : Moments or None
        What was decomposed, where that was not the rows.
    """

    posterior: Posterior
    kind: Kind
    components: Components
    moments: Moments | None = None

    @classmethod
    def of(cls, posterior: Posterior) -> NormalLaw:
        """One decomposition, of the posterior at t = 1."""
        with_scale = scanned(posterior)
        kind = kind_of(with_scale)
        assert kind is not None
        if moments_serve(posterior):
            problem = posterior.problem
            found = cls.of_moments(posterior, moments(problem), problem.weights)
            if found is not None:
                return found
        return cls(with_scale, kind, reduce_rows(with_scale, kind))

    @classmethod
    def of_moments(
        cls, posterior: Posterior, known: Moments, weights: FloatArray
    ) -> NormalLaw | None:
        """Given rows of these moments and weights; None where rows would give more digits."""
        with_scale = scanned(posterior)
        kind = kind_of(with_scale)
        assert kind is not None
        components = reduce_moments(with_scale, known, weights)
        return None if components is None else cls(with_scale, kind, components, known)

    @property
    def plain_intercept(self) -> bool:
        """True where the intercept is flat, or there is none."""
        problem = self.posterior.problem
        return problem.flat_intercept or not problem.has_intercept

    def ratio(self, t: float, sigma: FloatArray) -> FloatArray:
        """rho for each sigma."""
        return t / sigma if self.kind is Kind.SCALE_BY_SIGMA else np.full(sigma.shape, t)

    def kept(self, ratio: FloatArray) -> FloatArray:
        """1 / (1 + rho^2 d^2), shape (..., r)."""
        kept: FloatArray = 1.0 / (1.0 + (ratio[..., None] * self.components.d) ** 2)
        return kept

    def mean(self, part: AffinePart, ratio: FloatArray) -> FloatArray:
        """Posterior means, shape (..., m)."""
        parts = self.components
        along = ratio[..., None] ** 2 * parts.d * parts.c * self.kept(ratio)
        mean: FloatArray = part.origin + along @ part.along
        return mean

    def variance(self, part: AffinePart, ratio: FloatArray) -> FloatArray:
        """Posterior variances at sigma = 1, shape (..., m)."""
        within = self.kept(ratio) @ part.squares
        variance: FloatArray = ratio[..., None] ** 2 * (within + part.rest) + part.noise
        return variance

    def degrees_of_freedom(self, ratio: FloatArray) -> FloatArray:
        """sum_i rho^2 d_i^2 / (1 + rho^2 d_i^2), and one for each flat coefficient."""
        problem = self.posterior.problem
        flat = np.count_nonzero(problem.penalty.is_flat[: problem.p])
        freedom: FloatArray = np.sum(
            self.kept(ratio) * (ratio[..., None] * self.components.d) ** 2, axis=-1
        )
        return freedom + flat

    @cached_property
    def extended(self) -> AffinePart:
        """The extended vector v."""
        back = self.components.back
        right = self.components.right
        along = np.zeros((right.shape[0], back.origin.size))
        along[:, back.columns] = right * back.unit
        along[:, back.others] = right @ back.on_prior
        own, noise = np.zeros(back.origin.size), np.zeros(back.origin.size)
        own[back.columns] = back.unit**2
        own[back.others] = np.sum(back.on_prior**2, axis=0)
        noise[back.others] = np.sum(back.on_noise**2, axis=0)
        return AffinePart(back.origin, along, self._beyond(own, along), noise)

    def _beyond(self, own: FloatArray, along: FloatArray) -> FloatArray:
        """What of a variance lies outside the span of V: nothing where V is square."""
        if along.shape[0] == self.components.right.shape[1]:
            return np.zeros(own.size)
        return np.maximum(own - np.sum(along**2, axis=0), 0.0)

    @cached_property
    def coefficients(self) -> AffinePart:
        """The user's coefficients and, last, the intercept."""
        problem, v = self.posterior.problem, self.extended
        origin, along = self._in_user_units(v.origin), self._in_user_units(v.along, v.origin)
        if not problem.blocks:
            unit = np.ones(problem.size)
            unit[: problem.p] = problem.unit
            rest, noise = unit**2 * v.rest, unit**2 * v.noise
            if problem.has_intercept and problem.shift.any():
                rest, noise = self._from_all_columns(along)
            return AffinePart(origin, along, rest, noise)
        return AffinePart(origin, along, *self._from_all_columns(along))

    def _from_all_columns(self, along: FloatArray) -> tuple[FloatArray, FloatArray]:
        """``rest`` and ``noise`` where coefficients are mixed."""
        matrix = self._in_user_units(self.components.back.matrix, np.zeros(along.shape[1]))
        q = self.components.right.shape[1]
        own, noise = np.sum(matrix[:q] ** 2, axis=0), np.sum(matrix[q:] ** 2, axis=0)
        return self._beyond(own, along), noise

    def _in_user_units(self, v: FloatArray, origin: FloatArray | None = None) -> FloatArray:
        """Rows v, or what rows v add to ``origin``."""
        if origin is not None:
            return self._in_user_units(origin + v) - self._in_user_units(origin)
        problem = self.posterior.problem
        found = v.copy()
        found[..., : problem.p] = problem.user_coefficients(v[..., : problem.p].copy())
        if problem.has_intercept:
            found[..., -1] -= found[..., : problem.p] @ problem.shift
        return found

    def predictors(self, X: FloatArray, offset: FloatArray) -> AffinePart:
        """Linear predictors of rows X in the columns of the problem, without the one of ones."""
        v, back, p = self.extended, self.components.back, X.shape[1]
        along, origin = v.along[:, :p] @ X.T, offset + X @ v.origin[:p]
        if v.origin.size > p:
            along += v.along[:, p:]
            origin += v.origin[p]
        on_noise = back.on_noise @ _with_ones(X, back.others).T
        rest = np.zeros(len(X))
        if v.rest.any():
            own = _with_ones(X, back.columns) * back.unit
            own = own + _with_ones(X, back.others) @ back.on_prior.T
            rest = self._beyond(np.sum(own**2, axis=1), along)
        return AffinePart(origin, along, rest, np.sum(on_noise**2, axis=0))


def _with_ones(X: FloatArray, columns: IntArray) -> FloatArray:
    """Columns of X followed by one of ones."""
    own = columns < X.shape[1]
    found = np.ones((len(X), columns.size))
    found[:, own] = X[:, columns[own]]
    return found
