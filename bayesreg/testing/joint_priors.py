"""check_prior for a joint density of several coefficients."""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.covariance import AnyPenalty, CorrelatedPenalty
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.priors import Prior
from bayesreg.testing._numeric import compare, require


def check_joint_prior(prior: Prior, penalty: AnyPenalty, size: int) -> None:
    """One convex, normalised density of the vector, told the same way throughout.

    Sums over coefficients are compared; the integral is taken for two and three coefficients.
    """
    points = _points(penalty)
    _check_textbook(prior, penalty, points)
    if size <= 3:
        _check_normalised(prior, penalty)
    _check_factors(prior, penalty, size, points)
    _check_units(penalty, points)
    _check_slope(penalty, points)
    _check_convex(penalty, points)
    if isinstance(penalty, CorrelatedPenalty):
        _check_blocks(penalty, points)
    elif isinstance(penalty, GroupedPenalty):
        _check_conjugate(penalty, points)


def _widths(penalty: AnyPenalty) -> FloatArray:
    """About the distance over which each coefficient costs a nat."""
    rate = penalty.l1 + np.sqrt(penalty.l2)
    return np.where(rate > 0, 1.0 / np.where(rate > 0, rate, 1.0), 1.0)


def _points(penalty: AnyPenalty) -> list[FloatArray]:
    rng = np.random.default_rng(0)
    steps = [size * rng.normal(size=penalty.size) for size in (1e-3, 0.3, 1.0, 1.0, 8.0)]
    return [penalty.loc + step * _widths(penalty) for step in (np.zeros(penalty.size), *steps)]


def _total(penalty: AnyPenalty, w: FloatArray) -> float:
    return float(np.sum(penalty.log_density(w)))


def _check_textbook(prior: Prior, penalty: AnyPenalty, points: list[FloatArray]) -> None:
    for w in points:
        compare(
            np.sum(prior.log_density(w)),
            -np.sum(penalty.values(w)) - np.sum(penalty.log_normaliser()),
            f"the sum of log_density at {w} is not that of -penalty.values - "
            "penalty.log_normaliser; correct the formula, or the penalty",
        )
    together = np.stack(points)
    compare(
        np.sum(prior.log_density(together), axis=-1),
        [np.sum(prior.log_density(w)) for w in points],
        "log_density must take points along leading axes",
    )


def _check_normalised(prior: Prior, penalty: AnyPenalty) -> None:
    """The integral of the density in polar coordinates around loc."""
    proper = ~penalty.is_flat
    require(proper.all(), "the integral is taken of proper priors; check one without flat parts")
    # Any linear change of variables will do; this one makes the density about round.
    spread = np.diag(_widths(penalty))
    for block in penalty.blocks if isinstance(penalty, CorrelatedPenalty) else ():
        spread[np.ix_(block.columns, block.columns)] = block.factor
    log_radius = np.linspace(-45.0, 9.0, 700)
    step, radius = log_radius[1] - log_radius[0], np.exp(log_radius)
    total = 0.0
    for direction, weight in zip(*_sphere(penalty.size), strict=True):
        w = penalty.loc + radius[:, None] * (spread @ direction)
        density = np.exp(np.sum(prior.log_density(w), axis=-1))
        total += weight * step * float(density @ radius**penalty.size)
    compare(
        total * abs(np.linalg.det(spread)),
        1.0,
        "exp of the sum of log_density must integrate to 1; correct its constant",
        rtol=1e-7,
    )


def _sphere(size: int) -> tuple[FloatArray, FloatArray]:
    """Directions on the unit sphere and their quadrature weights, smooth within each orthant."""
    if size == 1:
        return np.array([[-1.0], [1.0]]), np.ones(2)
    angle, weight = _gauss(np.linspace(0.0, 2 * np.pi, 5), 60 if size == 2 else 24)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    if size == 2:
        return circle, weight
    polar, polar_weight = _gauss(np.array([0.0, 0.5, 1.0]) * np.pi, 24)
    ring = np.sin(polar)[:, None, None] * circle
    axis = np.broadcast_to(np.cos(polar)[:, None, None], (polar.size, angle.size, 1))
    directions = np.concatenate([ring, axis], axis=2).reshape(-1, 3)
    return directions, np.outer(polar_weight * np.sin(polar), weight).ravel()


def _gauss(ends: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on each of the intervals."""
    node, weight = np.polynomial.legendre.leggauss(count)
    half, middle = np.diff(ends)[:, None] / 2, (ends[1:] + ends[:-1])[:, None] / 2
    return (middle + half * node).ravel(), (half * weight).ravel()


def _check_factors(prior: Prior, penalty: AnyPenalty, size: int, points: list[FloatArray]) -> None:
    """sigma and ``rescaled`` widen the density about the same loc."""
    free = int(np.count_nonzero(~penalty.is_flat))
    noise = 2.5 if prior.relative_to_noise else 1.0
    other = prior.rescaled(4.0, 9.0)
    require(type(other) is type(prior), "rescaled must return a prior of the same class")
    require(
        prior.has_kink == bool(np.any(penalty.l1 > 0)),
        f"has_kink must say whether any l1 > 0; it is {prior.has_kink}",
    )
    factor = 4.0 if prior.has_kink else 3.0
    cases = (
        (prior.penalty(size, 2.5), noise, "penalty(size, noise=2.5) must be relative to the "
         "noise exactly when relative_to_noise is True"),
        (other.penalty(size), factor, "rescaled(4, 9) must divide every l1 by 4 (the scale is 4 "
         "times as large) and every l2 by 9 (3 times)"),
    )  # fmt: skip
    for changed, times, message in cases:
        for w in points:
            moved = penalty.loc + times * (w - penalty.loc)
            expected = _total(penalty, w) - free * np.log(times)
            compare(_total(changed, moved), expected, message)
    compare(
        np.asarray(prior.rescaled(4.0, 16.0).axis_scale, dtype=np.float64),
        4.0 * np.asarray(prior.axis_scale, dtype=np.float64),
        "axis_scale must be 4 times as large after rescaled(4, 16)",
    )


def _check_units(penalty: AnyPenalty, points: list[FloatArray]) -> None:
    unit = np.exp2(np.arange(penalty.size) % 5 - 2.0)
    jacobian = float(np.sum(np.where(penalty.is_flat, 0.0, np.log(unit))))
    for w in points:
        compare(
            _total(penalty.in_units(unit), w / unit),
            _total(penalty, w) + jacobian,
            f"penalty.in_units({unit}) is not the same density stated for w / unit",
        )


def _check_slope(penalty: AnyPenalty, points: list[FloatArray]) -> None:
    """slope against central differences, away from loc."""
    width = _widths(penalty)
    for w in points[2:]:
        for j in range(penalty.size):
            step = np.zeros(penalty.size)
            step[j] = 1e-5 * width[j]
            rise = np.sum(penalty.values(w + step)) - np.sum(penalty.values(w - step))
            found = penalty.slope(w)[j] * width[j]
            size = 1 + float(np.sum(penalty.values(w)))
            compare(found, rise / 2e-5, f"slope({w})[{j}] is not the derivative", 1e-6, 1e-9 * size)


def _check_convex(penalty: AnyPenalty, points: list[FloatArray]) -> None:
    for w in points:
        for other in points:
            ends = 0.5 * (np.sum(penalty.values(w)) + np.sum(penalty.values(other)))
            middle = np.sum(penalty.values(0.5 * (w + other)))
            require(middle <= ends * (1 + 1e-12), f"not convex between {w} and {other}")


def _check_blocks(penalty: CorrelatedPenalty, points: list[FloatArray]) -> None:
    """The coordinates z of a block map back to w, and l2 is the curvature along a coefficient."""
    for block in penalty.blocks:
        for w in points:
            own = w[block.columns]
            compare(block.coefficients(block.standard(own)), own, "L L^-1 is not 1", rtol=1e-8)
    zero, width = penalty.loc, _widths(penalty)
    for j in range(penalty.size):
        step = np.zeros(penalty.size)
        step[j] = width[j]
        rise = float(np.sum(penalty.values(zero + step)))
        compare(rise, 0.5 * penalty.l2[j] * width[j] ** 2, f"l2[{j}] is not the curvature", 1e-8)


def _check_conjugate(penalty: GroupedPenalty, points: list[FloatArray]) -> None:
    """fenchel_young against the supremum of c'w - g(w), which for norms is c'loc or infinite."""
    rng = np.random.default_rng(1)
    for times in (0.0, 0.5, 0.999, 1.001, 3.0):
        c = penalty.l1 * rng.normal(size=penalty.size)
        ratio = penalty.kink_ratio(c)
        c = np.where(ratio > 0, times * c / np.where(ratio > 0, ratio, 1.0), 0.0)
        finite = _steepest(penalty, c) <= 0
        for w in points:
            expected = np.sum(penalty.values(w)) + c @ penalty.loc - c @ w if finite else np.inf
            found = float(np.sum(penalty.fenchel_young(w, c)))
            require(found >= 0, f"fenchel_young({w}, {c}) = {found} must not be negative")
            size = 1e-12 * (1 + float(np.sum(penalty.values(w)) + np.abs(c) @ np.abs(w)))
            compare(found, expected, f"fenchel_young({w}, {c}) is not g + g* - c'w", 1e-9, size)
        at_loc = penalty.subgradient_distance(penalty.loc, -c)
        inside = bool(np.all(at_loc == 0))
        require(inside == finite, f"subgradient_distance at loc must be 0 inside: {at_loc}")
    for w in points[1:]:
        slope = penalty.slope(w)
        touching = float(np.sum(penalty.fenchel_young(w, slope)))
        require(touching <= 1e-14 * (1 + np.sum(penalty.values(w))), f"{touching} at the slope")
        require(np.all(penalty.subgradient_distance(w, -slope) == 0), "the slope is no subgradient")


def _steepest(penalty: GroupedPenalty, c: FloatArray) -> float:
    """The largest c's - g(loc + s) over random directions s and the best one of each group."""
    rng = np.random.default_rng(2)
    rate = np.where(penalty.is_flat, np.inf, penalty.l1)
    directions = [*rng.normal(size=(200, penalty.size)) / rate, c / rate**2]
    return max(float(c @ s - np.sum(penalty.values(penalty.loc + s))) for s in directions)
