"""A Gaussian model with Normal priors as two components of variance.

With the flat coefficients integrated out, and sigma the noise in units of the likelihood's number
(1 where that is unknown),

    t = A u + e,   e ~ N(0, sigma^2 I),   u ~ N(0, (sigma ratio)^2 I)

    log p(y | sigma, ratio) = constant - m log sigma - log det(I + ratio^2 A A') / 2
                              - t'(I + ratio^2 A A')^-1 t / (2 sigma^2)

on m contrasts: rows less flat coefficients, a flat intercept among them. One singular value
decomposition of A gives this for all sigma and ratio. ``ratio`` is what the unknowns make of a
prior sd in units of the noise (:class:`Kind`); columns whose prior sd moves with the noise belong
to t, as e does, and are integrated out like flat ones, with rows of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from bayesreg._types import BoolArray, FloatArray
from bayesreg.moments import Moments, moments
from bayesreg.posterior.affine_map import AffineMap, affine_map, nested_affine_map
from bayesreg.posterior.decomposition import decomposed
from bayesreg.posterior.target import Posterior
from bayesreg.posterior.whitening import Completion, WhitenedRows, completion_from, whiten
from bayesreg.problem import Problem

# Squares below its square, beside those of y, are the rounding of an exact fit.
_ROUNDING = 1e-12
# From so many columns on second moments pay; eigenvalues lose no more than five digits to this
# ratio of the largest to the least, and a residual square no more than three to this share.
_MANY_COLUMNS, _WELL_CONDITIONED, _FAR_FROM_EXACT = 200, 1e5, 1e-3
# Squares of columns beside those about their mean: beyond it centring afterwards costs digits.
_NEARLY_CENTRED = 10.0


#: d, c = U't, the squared length of t beyond U, and V'.
Decomposition: TypeAlias = tuple[FloatArray, FloatArray, float, FloatArray]


class Kind(Enum):
    """What the ratio of prior sd to noise is, at prior scale 1 and in units of the noise."""

    ONE = "1: nothing is unknown, or only a sigma with which all prior scales move"
    FIXED = "1 / sigma: prior scales are absolute numbers"
    SCALE = "scale: sigma is a number, or the prior is relative to it"
    SCALE_BY_SIGMA = "scale / sigma: an unknown scale in absolute units"


@dataclass(frozen=True, eq=False)
class Components:
    """The two components, and the way back to the extended vector.

    Attributes
    ----------
    d, c : (r,) arrays
        Singular values of A, and U't.
    rest : float
        Squared length of t beyond the columns of U.
    contrasts : int
    constant : float
        Of the log density of y, with density 1 for flat coefficients in the user's units.
    right : (r, q) array
        V'.
    back : AffineMap
    """

    d: FloatArray
    c: FloatArray
    rest: float
    contrasts: int
    constant: float
    right: FloatArray
    back: AffineMap

    def determinant_and_squares(self, ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
        """log det(I + ratio^2 A A') and t'(I + ratio^2 A A')^-1 t for each ratio."""
        from bayesreg._kernels.variance_components import components

        log_determinant, squares = np.empty(ratio.size), np.empty(ratio.size)
        components(ratio, self.d, self.c, self.rest, log_determinant, squares)
        return log_determinant, squares


def kind_of(posterior: Posterior) -> Kind | None:
    """The ratio's kind; None where there is more than one, or several scales."""
    penalty = posterior.problem.penalty
    sized = ~penalty.is_flat & ~penalty.is_pinned
    for scale in posterior.scales:
        sized |= scale.columns
    kinds = {kind for kind, where in _kinds(posterior).items() if np.any(where & sized)}
    kinds.discard(Kind.ONE)
    if len(kinds) > 1 or len(posterior.scales) > 1:
        return None
    return kinds.pop() if kinds else Kind.ONE


def _kinds(posterior: Posterior) -> dict[Kind, BoolArray]:
    """Which entries of the extended vector are of each kind."""
    scaled = np.zeros(posterior.problem.size, dtype=bool)
    for scale in posterior.scales:
        scaled |= scale.columns
    with_noise = posterior.relative | (posterior.sigma is None)
    return {
        Kind.ONE: ~scaled & with_noise,
        Kind.FIXED: ~scaled & ~with_noise,
        Kind.SCALE: scaled & with_noise,
        Kind.SCALE_BY_SIGMA: scaled & ~with_noise,
    }


def reduce(posterior: Posterior, kind: Kind) -> Components:
    """One decomposition, of the second moments where these hold enough digits, else of the rows."""
    if moments_may_do(posterior, kind):
        problem = posterior.problem
        found = reduce_moments(posterior, moments(problem), problem.weights)
        if found is not None:
            return found
    return reduce_rows(posterior, kind)


def moments_may_do(posterior: Posterior, kind: Kind) -> bool:
    """Many rows, and nothing but a flat intercept is integrated out beforehand."""
    problem = posterior.problem
    penalty = problem.penalty
    flat = np.count_nonzero(penalty.is_flat)
    proper = ~penalty.is_flat & ~penalty.is_pinned
    many = np.count_nonzero(proper) >= _MANY_COLUMNS and problem.n >= 2 * problem.p
    alike = np.all(_kinds(posterior)[kind][proper])
    return bool(many and alike and flat == int(problem.flat_intercept))


def reduce_moments(posterior: Posterior, known: Moments, weights: FloatArray) -> Components | None:
    """From second moments, of all rows or some; None where rows would give more digits.

    Parameters
    ----------
    posterior : Posterior
        One of which :func:`moments_may_do`; of its rows only ``weights`` and the size of y count.
    known : Moments
    weights : (n,) array
        Of the rows that the moments are of.
    """
    problem = posterior.problem
    squares = np.diagonal(known.gram)
    completion = completion_from(problem, known, float(np.sum(weights)))
    chosen, unit = completion.proper, completion.unit
    far = known.size**2 > _NEARLY_CENTRED * squares
    if np.any(far[chosen]) or weights.size < 2 * chosen.size:
        return None
    K = known.gram if chosen.size == squares.size else known.gram[np.ix_(chosen, chosen)]
    K = K * unit
    K *= unit[:, None]
    found = _by_eigenvalues(K, unit * known.cross[chosen], known.total)
    if found is None:
        return None
    return _components(posterior, found, weights, completion, affine_map(completion), 0.0)


def reduce_rows(posterior: Posterior, kind: Kind) -> Components:
    """One decomposition of the whitened rows."""
    problem = posterior.problem
    rows = whiten(problem)
    moving = _kinds(posterior)[kind][rows.completion.proper]
    A, t, determinant, nested = _integrate(rows, ~moving)
    found = _from_moments(A, t) or _from_rows(A, t)
    back = nested_affine_map(rows.completion, moving, nested)
    return _components(posterior, found, problem.weights, rows.completion, back, determinant)


def _components(
    posterior: Posterior,
    found: Decomposition,
    weights: FloatArray,
    completion: Completion,
    back: AffineMap,
    determinant: float,
) -> Components:
    d, c, rest, right = found
    problem = posterior.problem
    magnitude = np.abs(problem.y) + np.abs(problem.offset)
    floor = _ROUNDING**2 * float(problem.weights @ magnitude**2) / problem.likelihood.noise**2
    if rest + float(np.sum(c[d == 0.0] ** 2)) <= floor:
        rest, c = 0.0, np.where(d > 0.0, c, 0.0)
    flat = completion.flat.size + (completion.intercept is not None)
    return Components(
        d=d,
        c=c,
        rest=rest,
        contrasts=weights.size - flat,
        constant=_constant(problem, completion, weights, determinant),
        right=right,
        back=back,
    )


def _integrate(
    rows: WhitenedRows, noisy: BoolArray
) -> tuple[FloatArray, FloatArray, float, tuple[FloatArray, FloatArray, FloatArray]]:
    """The columns ``noisy``, of prior variance sigma^2, integrated out.

    In the rows [B I; t 0] of B u_noisy = t, 0 = u_noisy they are a least-squares problem: with
    [B; I] = QR, u_noisy = R^-1 (Q't - Q'A u + sigma z). Returns A, t beside log|R| and
    (R, Q't, Q'A).
    """
    A, B = rows.design[:, ~noisy], rows.design[:, noisy]
    k = B.shape[1]
    if not k:
        return A, rows.target, 0.0, (np.empty((0, 0)), np.empty(0), np.empty((0, A.shape[1])))
    Q, R = np.linalg.qr(np.vstack([B, np.eye(k)]))
    A = np.vstack([A, np.zeros((k, A.shape[1]))])
    t = np.append(rows.target, np.zeros(k))
    on_target, on_columns = Q.T @ t, Q.T @ A
    determinant = float(np.sum(np.log(np.abs(np.diag(R)))))
    return A - Q @ on_columns, t - Q @ on_target, determinant, (R, on_target, on_columns)


def _from_rows(A: FloatArray, t: FloatArray) -> Decomposition:
    U, d, right = decomposed(A)
    c = U.T @ t
    beyond = t - U @ c
    return d, c, float(beyond @ beyond), right


def _from_moments(A: FloatArray, t: FloatArray) -> Decomposition | None:
    """By the eigenvalues of A'A, several times as fast; None where rows would give more digits."""
    n, q = A.shape
    if q < _MANY_COLUMNS or n < 2 * q:
        return None
    return _by_eigenvalues(A.T @ A, A.T @ t, float(t @ t))


def _by_eigenvalues(K: FloatArray, b: FloatArray, whole: float) -> Decomposition | None:
    """From K = A'A, b = A't and t't."""
    values, vectors = np.linalg.eigh(K)
    values, right = values[::-1], vectors[:, ::-1].T
    if not values[-1] * _WELL_CONDITIONED > values[0]:
        return None
    c = right @ b / np.sqrt(values)
    rest = whole - float(c @ c)
    return (np.sqrt(values), c, rest, right) if rest > _FAR_FROM_EXACT * whole else None


def _constant(
    problem: Problem, completion: Completion, weights: FloatArray, determinant: float
) -> float:
    """What does not depend on sigma and the ratio."""
    noise, n = problem.likelihood.noise, weights.size
    flat = completion.flat.size + (completion.intercept is not None)
    constant = -0.5 * (n - flat) * math.log(2 * math.pi) - determinant
    constant += 0.5 * float(np.sum(np.log(weights))) - n * math.log(noise)
    constant -= float(np.sum(np.log(np.abs(np.diag(completion.flat_factor)))))
    constant += float(np.sum(np.log(problem.unit[completion.flat[completion.flat < problem.p]])))
    if completion.intercept is not None:
        constant += math.log(completion.intercept.deviation)
    return constant
