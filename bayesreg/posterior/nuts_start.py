"""Where NUTS begins, and in which coordinates: a point of high density and its curvature.

Kinks are replaced by parabolas of the prior's variance: Laplace(b) by a curvature of 1 / (2 b^2), a
GroupLaplace prior of k coefficients by 1 / ((k + 1) b^2). With numbers unknown, coefficients are
brought to their mode given the numbers, and the numbers to the mode of their density given the
coefficients' mean square,

    E[(v_j - loc_j)^2] = (mode_j - loc_j)^2 + (inverse curvature)_jj,

in turn: the EM algorithm for scales, in a Gaussian approximation. Their joint mode would be at
scale 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bayesreg._kernels import posterior_density as density
from bayesreg._kernels.posterior_density import potential, workspace
from bayesreg._kernels.scalar_density import elasticity
from bayesreg._types import BoolArray, FloatArray
from bayesreg.class_problem import ClassProblem
from bayesreg.likelihoods import StudentT
from bayesreg.posterior.nuts_classes import likelihood_curvature, likelihood_curvatures
from bayesreg.posterior.nuts_target import Coordinates, with_centring
from bayesreg.tails import tail_value

#: More entries than this get a diagonal metric.
MOST_DENSE = 1500
_NEWTON_STEPS, _ROUNDS = 30, 40
# Draws over which the curvature is averaged.
_AVERAGED = 20
_MATCHING = 15
# How much more a local scale, whose entry alone speaks of it, wants to be apart: its neck is long.
_NECK = 4.0
# Of coordinate descent on the centring.
_SWEEPS = 50
_SETTLED = 1e-3
# log s is kept within this of where it began: a flat likelihood of a scale has no mode.
_FARTHEST = 12.0
# Scales of y - eta whose rows enter by more than a sum of squares.
_ROBUST = (density.STUDENT_T_SIGMA, density.ASYMMETRIC_LAPLACE_S)


@dataclass(frozen=True, eq=False)
class Start:
    """u = centre + T q, q of about unit scale; T is upper triangular, or one row of a diagonal."""

    coordinates: Coordinates
    centre: FloatArray
    T: FloatArray
    kink: FloatArray


def find_start(found: Coordinates, v: FloatArray) -> Start:
    """From an extended vector, such as the mode."""
    smooth = _without_kinks(found)
    t = found.target
    d = found.free.size
    u = np.concatenate([_coordinates_of(found, v[found.free]), _initial_numbers(found)])
    covariance = np.zeros(0)
    for _ in range(_ROUNDS if t.codes.size else 1):
        _climb(smooth, u)
        covariance = _diagonal_of_inverse(_curvature(smooth, u))
        before = u[d:].copy()
        _update_numbers(smooth, u, covariance)
        if np.max(np.abs(u[d:] - before), initial=0.0) < _SETTLED:
            break
    centring = _centring(smooth, u)
    final, smooth = with_centring(found, centring), with_centring(smooth, centring)
    log_factor = _log_factor(smooth, u)
    u[:d] *= np.exp(-centring * log_factor)
    return Start(final, u, _metric(smooth, u), _kinks(final, u))


def _kinks(found: Coordinates, u: FloatArray) -> FloatArray:
    """Slopes of the kinks that the reference density has, in the coordinates of u."""
    t = found.target
    kinked = (t.bound == density.NO_BOUND) & (t.group < 0)
    slope = t.l1 * np.exp((t.centring - 1.0) * _log_factor(found, u))
    return np.concatenate([np.where(kinked, slope, 0.0), np.zeros(t.codes.size)])


def pull_at(start: Start, centre: FloatArray, T: FloatArray) -> FloatArray:
    """The gradient in q of the smooth part at the centre."""
    t = start.coordinates.target
    gradient = np.empty(centre.size)
    potential(t, workspace(t), centre, gradient)
    gradient -= start.kink * np.sign(centre)
    return gradient * T[0] if T.shape[0] == 1 else T.T @ gradient


def relearned(start: Start, draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre and T from draws of u: their mean, and the average of the curvature over some.

    Kinks enter as the curvature that gives each coordinate the variance of its draws: of all
    normal densities with these variances the one that adds least to what the data say.
    """
    d = start.coordinates.free.size
    some = draws[:: max(1, draws.shape[0] // _AVERAGED)]
    smooth = _without_kinks(start.coordinates, 0.0)
    H = np.mean([_curvature(smooth, u) for u in some], axis=0)
    parabolas = _without_kinks(start.coordinates)
    typical = np.mean(draws, axis=0)
    of_kinks = _prior_curvature(parabolas, typical) - _prior_curvature(smooth, typical)
    variance = np.var(draws, axis=0)
    H = _with_variances(H, of_kinks, variance[:d])
    return typical, _factor(H, 1.0 / np.maximum(variance[d:], 1e-6))


def _with_variances(H: FloatArray, added: FloatArray, variance: FloatArray) -> FloatArray:
    """H + diag(a) with inverse of this diagonal, where some a in reach of ``added`` gives it."""
    if H.ndim == 1:
        return np.maximum(H, np.where(added > 0, 1.0 / variance, H))
    chosen = added > 0
    least, most, a = 1e-3 * added, 10.0 * added, added.copy()
    on_diagonal = np.diag_indices(a.size)
    for _ in range(_MATCHING if chosen.any() else 0):
        P = H.copy()
        P[on_diagonal] += a
        a = np.clip(a * _diagonal_of_inverse(P) / variance, least, most)
    P = H.copy()
    P[on_diagonal] += a
    return P


def _without_kinks(found: Coordinates, share: float = 1.0) -> Coordinates:
    t = found.target
    size = np.ones(t.l1.size)
    for label in range(t.n_groups):
        size[t.group == label] = np.sum(t.group == label)
    smooth = t._replace(
        l1=np.zeros_like(t.l1),
        l2=t.l2 + share * t.l1**2 / (size + 1.0),
        group=np.full_like(t.group, -1),
    )
    return replace(found, target=smooth)


def _coordinates_of(found: Coordinates, v: FloatArray) -> FloatArray:
    """x of each free entry; a value at a bound is moved inside by a share of the prior's width."""
    t = found.target
    width = 1.0 / np.sqrt(np.maximum(t.l2 + 0.5 * t.l1**2, np.finfo(float).tiny))
    width = np.where(t.l2 + t.l1 > 0, width, 1.0)
    both = t.bound == density.BOTH
    room = np.where(both, t.upper - t.lower, width)
    margin = np.minimum(0.1 * width, 0.1 * room)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.maximum(v - t.lower, margin)
        below = np.maximum(t.upper - v, margin)
        choices = (v - t.loc, np.log(above), np.log(below), np.log(above) - np.log(below))
    return np.choose(t.bound, choices)


def _initial_numbers(found: Coordinates) -> FloatArray:
    """A typical value of each prior: its scale, or the middle between its bounds."""
    t = found.target
    x = np.zeros(t.codes.size)
    for k in range(x.size):
        _, first, second, _, upper = t.parameters[k]
        if np.isfinite(upper):
            continue
        x[k] = 0.5 * np.log(second / (first + 0.5)) if second > 0 else np.log(first)
    if t.dispersion_kind == density.GAUSSIAN_SIGMA and np.isinf(t.parameters[0, 4]):
        residual = t.b - t.offset
        x[0] = 0.5 * np.log(max(np.mean(residual**2), np.finfo(float).tiny))
    size = float(np.mean(np.abs(t.b - t.offset))) if t.dispersion_kind in _ROBUST else 0.0
    if size > 0 and np.isinf(t.parameters[0, 4]):
        x[0] = np.log(size)
    return x


def _log_factor(found: Coordinates, u: FloatArray) -> FloatArray:
    t, d = found.target, found.free.size
    log_s = found.numbers(u[d:])[1]
    log_factor = np.zeros(d)
    np.add.at(log_factor, t.governed, log_s[t.governing])
    return log_factor


# --- coefficients given the numbers --------------------------------------------------------------


def _curvature(found: Coordinates, u: FloatArray) -> FloatArray:
    """A positive definite Hessian in the entries' coordinates, (d, d); a diagonal where d is large.

    Rows enter by the curvature of the loss (of a parabola above it, where it is not convex).
    """
    t, d = found.target, found.free.size
    w = workspace(t)
    potential(t, w, u, np.empty(u.size))
    if isinstance(found.problem, ClassProblem):
        return _class_curvature(found.problem, found, u, w)
    X = t.X[:, :d] * w.jacobian
    h = _row_curvature(found, t.X[:, :d] @ w.v[:d] + t.offset, w)
    prior = _prior_curvature(found, u)
    if d > MOST_DENSE:
        return np.asarray(h @ X**2 + prior)
    H = np.asarray((X * h[:, None]).T @ X)
    H[np.diag_indices(d)] += prior
    return H


def _class_curvature(
    problem: ClassProblem, found: Coordinates, u: FloatArray, w: density.Workspace
) -> FloatArray:
    """The same for K classes."""
    prior = _prior_curvature(found, u)
    if prior.size > MOST_DENSE:
        return likelihood_curvatures(problem, found, w) * w.jacobian**2 + prior
    H = likelihood_curvature(problem, found, w) * np.outer(w.jacobian, w.jacobian)
    H[np.diag_indices(prior.size)] += prior
    return H


def _prior_curvature(found: Coordinates, u: FloatArray) -> FloatArray:
    """That of priors and bounds, (d,)."""
    t, d = found.target, found.free.size
    w = workspace(t)
    potential(t, w, u, np.empty(u.size))
    scale = np.exp(-w.log_factor) * w.jacobian
    weight = t.l2 + 2.0 * t.tail_power / (t.tail_width**2 + w.standard**2)
    one_sided = (t.bound == density.BELOW) | (t.bound == density.ABOVE)
    with np.errstate(over="ignore"):
        both = np.where(t.bound == density.BOTH, 0.5 / np.cosh(0.5 * u[:d]) ** 2, 0.0)
    return np.asarray(weight * scale**2 + one_sided + both)


def _row_curvature(found: Coordinates, eta: FloatArray, w: density.Workspace) -> FloatArray:
    problem, t = found.problem, found.target
    assert not isinstance(problem, ClassProblem)
    if t.dispersion_kind == density.NO_DISPERSION:
        return problem.majorising_rows(eta)
    value = float(np.exp(w.log_s[t.dispersion]))
    if t.dispersion_kind == density.GAUSSIAN_SIGMA:
        return problem.weights / value**2
    likelihood = problem.likelihood.with_dispersion(value)  # type: ignore[attr-defined]
    return replace(problem, likelihood=likelihood).majorising_rows(eta)


def _climb(found: Coordinates, u: FloatArray) -> None:
    """Newton's steps in the entries, halved until the potential falls; u is moved."""
    t, d = found.target, found.free.size
    w, gradient, trial = workspace(t), np.empty(u.size), np.empty(u.size)
    value = potential(t, w, u, gradient)
    for _ in range(_NEWTON_STEPS):
        step = np.zeros(u.size)
        step[:d] = -_solve(_curvature(found, u), gradient[:d])
        expected = -float(step @ gradient)
        if not expected > 1e-6:
            return
        share = 1.0
        while share > 1e-6:
            found_value = potential(t, w, u + share * step, trial)
            if found_value < value - 1e-4 * share * expected:
                break
            share *= 0.5
        else:
            return
        u += share * step
        value, gradient = found_value, trial.copy()


def _solve(H: FloatArray, right: FloatArray) -> FloatArray:
    if H.ndim == 1:
        return right / H
    T = upper_factor_of_inverse(H)
    return np.asarray(T @ (T.T @ right))


def _diagonal_of_inverse(H: FloatArray) -> FloatArray:
    if H.ndim == 1:
        return 1.0 / H
    return np.asarray(np.sum(upper_factor_of_inverse(H) ** 2, axis=1))


def upper_factor_of_inverse(H: FloatArray) -> FloatArray:
    """Upper triangular T with T T' = H^-1, from a Cholesky factor of H at unit diagonal."""
    from scipy.linalg import solve_triangular

    size = np.sqrt(np.maximum(np.diag(H), np.finfo(float).tiny))
    unit = H / size / size[:, None]
    ridge = 0.0
    while True:
        try:
            L = np.linalg.cholesky(unit + ridge * np.eye(size.size))
            break
        except np.linalg.LinAlgError:
            ridge = max(10.0 * ridge, 1e-14)
    inverse = solve_triangular(L, np.eye(size.size), lower=True)
    return np.ascontiguousarray((inverse / size).T)


# --- the numbers given the coefficients ----------------------------------------------------------


def _update_numbers(found: Coordinates, u: FloatArray, covariance: FloatArray) -> None:
    """Each number to the mode of its density in log s given the others; u is moved."""
    t, d = found.target, found.free.size
    for k in range(t.codes.size):
        if k == t.dispersion and t.dispersion_kind in (
            density.GAMMA_PHI,
            density.NEGATIVE_BINOMIAL_ALPHA,
        ):
            u[d + k] = _minimise(found, u, d + k)
            continue
        if k == t.dispersion and t.dispersion_kind in _ROBUST:
            u[d + k] = _minimise(found, u, d + k, _doubt(found, u, covariance))
            continue
        power, square = _sufficient(found, u, covariance, k)
        u[d + k] = _mode_of_number(found, k, power, square, u[d + k])


def _sufficient(
    found: Coordinates, u: FloatArray, covariance: FloatArray, k: int
) -> tuple[float, float]:
    """(m, Q) of the factor s^-m exp(-Q / (2 s^2)) by which coefficients and rows inform s_k."""
    t, d = found.target, found.free.size
    w = workspace(t)
    potential(t, w, u, np.empty(u.size))
    own = t.governed[t.governing == k]
    standard, others = w.standard[own], np.exp(w.log_s[k] - w.log_factor[own])
    # Tails by the curvature of the parabola above them.
    weight = t.l2[own] + 2.0 * t.tail_power[own] / (t.tail_width[own] ** 2 + standard**2)
    variance = covariance[own] * (w.jacobian[own] * others) ** 2
    distance = standard * np.exp(w.log_s[k])
    power, square = float(own.size), float(np.sum(weight * (distance**2 + variance)))
    if t.dispersion_kind == density.GAUSSIAN_SIGMA and k == t.dispersion:
        residual = t.X[:, :d] @ w.v[:d] + t.offset - t.b
        spread = (t.X[:, :d] * w.jacobian) ** 2 @ covariance
        power += t.rows_weight
        square += float(np.sum(t.a * (residual**2 + np.minimum(spread, residual**2))))
    return power, square


def _mode_of_number(found: Coordinates, k: int, power: float, square: float, x: float) -> float:
    """The root of  elasticity(s) + 1 - m + Q / s^2, which falls as s grows, in its coordinate."""
    t = found.target
    low, high = x - _FARTHEST, x + _FARTHEST
    for _ in range(60):
        middle = 0.5 * (low + high)
        full = np.zeros(t.codes.size)
        full[k] = middle
        s = float(found.numbers(full)[0][k])
        slope = elasticity(t.codes[k], t.parameters[k], s) + 1.0 - power + square / s**2
        low, high = (middle, high) if slope > 0 else (low, middle)
    return 0.5 * (low + high)


def _doubt(found: Coordinates, u: FloatArray, covariance: FloatArray) -> Callable[[float], float]:
    """What not knowing the coefficients adds to the expected loss of the rows, at a scale s.

    With R ~ N(r, t^2): E|R| - |r| for the asymmetric Laplace, whose other half is linear; for
    Student's t, concave in R^2, at most what R^2 = r^2 + t^2 adds.
    """
    from scipy.special import ndtr

    t, d, problem = found.target, found.free.size, found.problem
    w, likelihood = workspace(t), problem.likelihood
    potential(t, w, u, np.empty(u.size))
    r = np.abs(t.X[:, :d] @ w.v[:d] + t.offset - t.b)
    variance = (t.X[:, :d] * w.jacobian) ** 2 @ covariance
    if t.dispersion_kind == density.ASYMMETRIC_LAPLACE_S:
        sd = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
        tail = np.exp(-0.5 * (r / sd) ** 2) * np.sqrt(2.0 / np.pi)
        added = 0.5 * float(problem.weights @ (sd * tail - 2.0 * r * ndtr(-r / sd)))
        return lambda s: added / s
    assert isinstance(likelihood, StudentT)
    nu = likelihood.nu
    wide = np.sqrt(r**2 + variance)
    return lambda s: float(problem.weights @ (tail_value(wide, nu, s) - tail_value(r, nu, s)))


def _minimise(
    found: Coordinates, u: FloatArray, place: int, more: Callable[[float], float] | None = None
) -> float:
    """The coordinate of a dispersion that minimises the potential and ``more``, the others held."""
    from scipy.optimize import minimize_scalar

    t, gradient, w = found.target, np.empty(u.size), workspace(found.target)

    def value(x: float) -> float:
        moved = u.copy()
        moved[place] = x
        potential_there: float = potential(t, w, moved, gradient)
        if more is not None:
            potential_there += more(float(np.exp(w.log_s[place - found.free.size])))
        return potential_there if np.isfinite(potential_there) else 1e300

    bounds = (u[place] - 0.5 * _FARTHEST, u[place] + 0.5 * _FARTHEST)
    return float(minimize_scalar(value, bounds=bounds, method="bounded").x)


# --- coordinates ---------------------------------------------------------------------------------


def _centring(found: Coordinates, u: FloatArray) -> FloatArray:
    """The shares at which the numbers are least bound to the coordinates of the entries.

    As a number moves and the coordinates stay, v_j moves by c_j (v_j - loc_j) and the argument of
    its prior by the rest. With H the curvature of the data, p_j that of the prior and M the second
    moments of v - loc, the precision of log s given the coordinates is about

        c' (H o M) c + 2 sum_j p_j M_jj (1 - c_j)^2

    summed over the numbers: least at 1 where the data say nothing, near 0 where a combination of
    entries is known well, even if no single one is.
    """
    t, d = found.target, found.free.size
    prior, H = _prior_curvature(found, u), _curvature(found, u)
    w = workspace(t)
    potential(t, w, u, np.empty(u.size))
    distance = w.v[:d] - t.loc
    free = (t.bound == density.NO_BOUND) & np.isin(np.arange(d), t.governed)
    if not free.any():
        return np.zeros(d)
    own = np.zeros((t.codes.size, d))
    own[t.governing, t.governed] = 1.0
    second = distance**2 + _diagonal_of_inverse(H)
    weight = np.where(np.arange(t.codes.size) < found.scalars, 1.0, _NECK)
    pull = 2.0 * prior * second * (weight @ own)
    if H.ndim == 1:
        with_data = (H - prior) * second * own.sum(axis=0)
        return np.where(free, pull / np.maximum(pull + with_data, np.finfo(float).tiny), 0.0)
    T = upper_factor_of_inverse(H)
    M = np.outer(distance, distance) + T @ T.T
    A = (H - np.diag(prior)) * M * (own.T @ own)
    return _least_binding(A, pull, free)


def _least_binding(A: FloatArray, pull: FloatArray, free: BoolArray) -> FloatArray:
    """min c'A c + sum_j pull_j (1 - c_j)^2 over 0 <= c <= 1, one c_j after the other."""
    c = np.zeros(pull.size)
    places = np.flatnonzero(free)
    for _ in range(_SWEEPS):
        before = c.copy()
        for j in places:
            rest = pull[j] - (A[j] @ c - A[j, j] * c[j])
            c[j] = np.clip(rest / max(pull[j] + A[j, j], np.finfo(float).tiny), 0.0, 1.0)
        if np.max(np.abs(c - before)) < _SETTLED:
            break
    return c


def _metric(found: Coordinates, u: FloatArray) -> FloatArray:
    """T with T T' about the covariance of u."""
    return _factor(_curvature(found, u), _number_precision(found, u))


def _factor(H: FloatArray, precision: FloatArray) -> FloatArray:
    """T with T T' = H^-1 for the entries and 1 / precision for the numbers."""
    if H.ndim == 1:
        return 1.0 / np.sqrt(np.concatenate([H, precision]))[None, :]
    d, size = H.shape[0], H.shape[0] + precision.size
    T = np.zeros((size, size))
    T[:d, :d] = upper_factor_of_inverse(H)
    T[np.arange(d, size), np.arange(d, size)] = 1.0 / np.sqrt(precision)
    return T


def _number_precision(found: Coordinates, u: FloatArray) -> FloatArray:
    """About the curvature of the potential in each number's coordinate, by differences."""
    t, d = found.target, found.free.size
    w, step = workspace(t), 0.1
    precision = np.empty(t.codes.size)
    for k in range(precision.size):
        slopes = []
        for side in (-step, step):
            gradient, moved = np.empty(u.size), u.copy()
            moved[d + k] += side
            potential(t, w, moved, gradient)
            slopes.append(gradient[d + k])
        precision[k] = (slopes[1] - slopes[0]) / (2.0 * step)
    return np.where(np.isfinite(precision), np.maximum(precision, 0.3), 0.3)
