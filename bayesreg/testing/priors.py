"""check_prior: is this one density, and do all of its methods speak of the same one?"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.penalty import Penalty
from bayesreg.priors import Prior
from bayesreg.testing._numeric import compare, least_anywhere, require
from bayesreg.testing.joint_priors import check_joint_prior


def check_prior(prior: Prior, size: int = 1) -> None:
    """Check that a prior is one convex, normalised density, told the same way throughout.

    Of one that says ``log_concave = False`` the majorant is checked in place of the conjugate,
    which exists for convex penalties only.

    Parameters
    ----------
    prior : Prior
    size : int
        Number of coefficients: the length of its per-coefficient arguments, if it has any. The
        integral of a joint density (of a group, or with a covariance) is taken for up to 3.

    Raises
    ------
    AssertionError
        Naming the property, the coefficients, the numbers and the remedy.
    """
    require(
        not isinstance(prior, type) and isinstance(prior, Prior),
        f"{prior!r} lacks a method of bayesreg.priors.Prior, or is a class and not an instance",
    )
    penalty = prior.penalty(size)
    if not isinstance(penalty, Penalty) or not penalty.is_separable:
        check_joint_prior(prior, penalty, size)
        return
    _check_arrays(penalty, size)
    _check_textbook(prior, penalty)
    _check_normalised(prior, penalty)
    _check_noise(prior, penalty, size)
    _check_rescaled(prior, penalty, size)
    _check_units(penalty)
    require(
        getattr(prior, "log_concave", True) == (penalty.tails is None),
        "log_concave must be False exactly when the penalty has tails",
    )
    if penalty.tails is None:
        _check_conjugate(penalty)
        _check_subgradient(penalty)
    else:
        _check_majorant(penalty)
        _check_distance(penalty)


def _check_arrays(penalty: Penalty, size: int) -> None:
    for name in ("l1", "l2", "loc", "lower", "upper"):
        array = getattr(penalty, name)
        require(
            isinstance(array, np.ndarray) and array.shape == (size,) and array.dtype == np.float64,
            f"penalty({size}).{name} must be a float64 array of shape ({size},)",
        )
    require(
        (penalty.l1 >= 0) & (penalty.l2 >= 0) & np.isfinite(penalty.loc),
        "l1 and l2 must not be negative and loc must be finite: the penalty is convex",
    )


def _check_textbook(prior: Prior, penalty: Penalty) -> None:
    for w in _points(penalty):
        compare(
            prior.log_density(w),
            -penalty.values(w) - penalty.log_normaliser(),
            f"log_density at {w} is not -penalty.values - penalty.log_normaliser; "
            "correct the formula, or l1 and l2",
        )


def _check_normalised(prior: Prior, penalty: Penalty) -> None:
    """exp(log_density) integrates to 1 for each coefficient that is not flat."""
    from scipy.integrate import quad

    proper = np.flatnonzero(~penalty.is_flat & ~penalty.is_pinned)
    for j in proper.tolist():

        def density(u: float, j: int = j) -> float:
            w = penalty.loc.copy()
            w[j] += _widths(penalty)[j] * u
            return float(np.exp(prior.log_density(w)[j]) * _widths(penalty)[j])

        low, high = ((b[j] - penalty.loc[j]) / _widths(penalty)[j]
                     for b in (penalty.lower, penalty.upper))  # fmt: skip
        sides = ((low, np.clip(0.0, low, high)), (np.clip(0.0, low, high), high))
        total = sum(quad(density, *side, epsabs=1e-11)[0] for side in sides)
        compare(
            total,
            1.0,
            f"exp(log_density) of coefficient {j} must integrate to 1; correct its constant",
            rtol=1e-8,
        )
    require(
        prior.log_density(penalty.loc + 3.0)[penalty.is_flat] == 0,
        "log_density must be 0 where the prior is flat: the density is 1 everywhere",
    )


def _separable(prior: Prior, size: int, noise: float = 1.0) -> Penalty:
    penalty = prior.penalty(size, noise)
    assert isinstance(penalty, Penalty), f"penalty({size}, {noise}) is of another kind"
    return penalty


def _check_noise(prior: Prior, penalty: Penalty, size: int) -> None:
    """sigma widens a prior that is relative to it, about the same loc, and no other prior."""
    noise = 2.5
    factor = noise if prior.relative_to_noise else 1.0
    jacobian = np.where(penalty.is_flat, 0.0, np.log(factor))
    for w in _points(penalty):
        moved = w if factor == 1.0 else penalty.loc + factor * (w - penalty.loc)
        compare(
            _separable(prior, size, noise).log_density(moved),
            penalty.log_density(w) - jacobian,
            f"penalty(size, noise={noise}) is not the density with {factor} times the scale; "
            "multiply the scale by noise exactly when relative_to_noise is True",
        )


def _check_rescaled(prior: Prior, penalty: Penalty, size: int) -> None:
    other = prior.rescaled(4.0, 9.0)
    require(type(other) is type(prior), "rescaled must return a prior of the same class")
    changed = _separable(other, size)
    compare(changed.l1, penalty.l1 / 4.0, "rescaled(4, 9) must divide l1 by 4", atol=0)
    compare(changed.l2, penalty.l2 / 9.0, "rescaled(4, 9) must divide l2 by 9", atol=0)
    compare(
        changed.majorant(changed.loc).l2,
        penalty.majorant(penalty.loc).l2 / 9.0,
        "rescaled(4, 9) must divide the curvature of tails at loc by 9",
        atol=0,
    )
    for name in ("loc", "lower", "upper"):
        compare(getattr(changed, name), getattr(penalty, name), f"rescaled must keep {name}")
    require(
        prior.has_kink == bool(np.any(penalty.l1 > 0)),
        f"has_kink must say whether any l1 > 0; it is {prior.has_kink} with l1 = {penalty.l1}",
    )
    compare(
        np.asarray(prior.rescaled(4.0, 16.0).axis_scale, dtype=np.float64),
        4.0 * np.asarray(prior.axis_scale, dtype=np.float64),
        "axis_scale must be 4 times as large after rescaled(4, 16)",
    )


def _check_units(penalty: Penalty) -> None:
    unit = np.exp2(np.arange(penalty.size) % 5 - 2.0)
    jacobian = np.where(penalty.is_flat | penalty.is_pinned, 0.0, np.log(unit))
    for w in _points(penalty):
        compare(
            penalty.in_units(unit).log_density(w / unit),
            penalty.log_density(w) + jacobian,
            f"penalty.in_units({unit}) is not the same density stated for w / unit",
        )


def _check_conjugate(penalty: Penalty) -> None:
    """best_response and fenchel_young against the supremum of c w - g(w), found by search."""
    for c in _dual_points(penalty):
        supremum = _supremum(penalty, c)
        best = penalty.best_response(c)
        attained = np.isfinite(best)
        require(
            attained == np.isfinite(supremum),
            f"best_response({c}) is {best}, the supremum of c w - g(w) is {supremum}: "
            "the first must be finite exactly where the second is",
        )
        at_best = np.where(attained, best, penalty.loc)
        compare(
            np.where(attained, c * at_best - penalty.values(at_best), np.inf),
            supremum,
            f"best_response({c}) = {best} does not attain the supremum of c w - g(w)",
        )
        for w in _points(penalty):
            _check_fenchel_young(penalty, w, c, supremum)


def _check_fenchel_young(
    penalty: Penalty, w: FloatArray, c: FloatArray, supremum: FloatArray
) -> None:
    excess = penalty.fenchel_young(w, c)
    require(excess >= 0, f"fenchel_young({w}, {c}) = {excess} must not be negative")
    size = 1e-9 * (1.0 + np.abs(c * w) + penalty.values(w))
    compare(
        excess,
        penalty.values(w) + supremum - c * w,
        f"fenchel_young({w}, {c}) is not g(w) + g*(c) - c w",
        atol=size,
    )
    left, right = _one_sided_slopes(penalty, w)
    inside = (left <= c) & (c <= right)
    slack = 1e-6 * (np.abs(c) + penalty.l1 + np.sqrt(penalty.l2))
    outside = (c < left - slack) | (c > right + slack)
    require(
        np.where(inside, excess <= size, True) & np.where(outside, excess > 0, True),
        f"fenchel_young({w}, {c}) = {excess} must be 0 exactly where c is a subgradient at w",
    )
    touching = penalty.fenchel_young(w, penalty.slope(w))
    require(touching <= size, f"fenchel_young({w}, slope) = {touching} must be 0")


def _check_subgradient(penalty: Penalty) -> None:
    """subgradient_distance against the interval between one-sided differences."""
    for c in _dual_points(penalty):
        best = penalty.best_response(c)
        attained = np.isfinite(best)
        distance = penalty.subgradient_distance(np.where(attained, best, penalty.loc), -c)
        require(
            (distance <= 1e-9 * (1.0 + np.abs(c)))[attained],
            f"subgradient_distance is {distance} at the minimum {best} of g(w) - {c} w, "
            "where it must be 0",
        )
    _check_distance(penalty)


def _check_distance(penalty: Penalty) -> None:
    for c in _dual_points(penalty):
        for w in _points(penalty):
            left, right = _one_sided_slopes(penalty, w)
            distance = np.maximum(np.maximum(left - c, c - right), 0.0)
            compare(
                penalty.subgradient_distance(w, -c),
                np.where(penalty.is_pinned, 0.0, distance),
                f"subgradient_distance({w}, {-c}) is not the distance of {c} to the subgradients",
                atol=1e-6 * (1.0 + np.abs(c) + distance) + 1e-9 / _widths(penalty),
            )


def _check_majorant(penalty: Penalty) -> None:
    """The majorant is convex, lies above the penalty and touches it; curvature is g''."""
    points = _points(penalty)
    for at in points:
        above = penalty.majorant(at)
        require(above.tails is None and np.all(above.l2 >= 0), "the majorant must be convex")
        compare(above.slope(at), penalty.slope(at), f"the majorant at {at} has another slope")
        for w in points:
            rise = above.values(w) - above.values(at)
            require(
                penalty.values(w) <= penalty.values(at) + rise + 1e-9 * (1 + np.abs(rise)),
                f"the penalty at {w} lies above its majorant that touches it at {at}",
            )
        step = 1e-4 * _widths(penalty)
        slopes = [penalty.slope(at + sign * step) for sign in (1.0, -1.0)]
        smooth = (penalty.l1 == 0) | (np.abs(at - penalty.loc) > step)
        compare(
            np.where(smooth, penalty.curvature(at), 0.0),
            np.where(smooth, (slopes[0] - slopes[1]) / (2 * step), 0.0),
            f"curvature({at}) is not the derivative of slope",
            rtol=1e-5,
            atol=1e-6 / _widths(penalty) ** 2,
        )


def _widths(penalty: Penalty) -> FloatArray:
    """The distance over which each penalty grows by about a nat; 1 where it is flat."""
    rate = penalty.l1 + np.sqrt(penalty.majorant(penalty.loc).l2)
    return np.where(rate > 0, 1.0 / np.where(rate > 0, rate, 1.0), 1.0)


def _points(penalty: Penalty) -> list[FloatArray]:
    """Coefficients at, near and far from loc, within the bounds and at them."""
    steps = (0.0, 1e-3, -0.1, 0.7, -1.3, 6.0)
    points = [penalty.loc + step * _widths(penalty) for step in steps]
    points += [np.where(np.isfinite(b), b, penalty.loc) for b in (penalty.lower, penalty.upper)]
    return [np.clip(point, penalty.lower, penalty.upper) for point in points]


def _dual_points(penalty: Penalty) -> list[FloatArray]:
    """Slopes inside, at and outside the kink."""
    factors = (0.0, 0.3, -0.9, 1.5, -4.0)
    inner = [factor / _widths(penalty) for factor in factors]
    return [*inner, penalty.l1.copy(), -penalty.l1]


def _one_sided_slopes(penalty: Penalty, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left and right derivative of each g_j by differences; infinite where a bound is near."""
    slopes = []
    for nominal in (-1e-5 * _widths(penalty), 1e-5 * _widths(penalty)):
        # As far as w moves in floating point: a narrow prior far from 0 has few digits for it.
        step = (w + nominal) - w
        # (4 g(w + h) - 3 g(w) - g(w + 2 h)) / (2 h): exact for a quadratic.
        here, near, far = (penalty.values(w + k * step) for k in (0, 1, 2))
        with np.errstate(invalid="ignore"):
            slope = (4 * near - 3 * here - far) / (2 * step)
        slopes.append(np.where(np.isinf(far), np.sign(step) * np.inf, slope))
    return slopes[0], slopes[1]


def _supremum(penalty: Penalty, c: FloatArray) -> FloatArray:
    """sup over w of c w - g(w) for each coefficient, by search."""
    quadratic = np.where(penalty.l2 > 0, penalty.l2, 1.0)
    reach = np.where(penalty.l2 > 0, 10 / _widths(penalty) / quadratic, 100 * _widths(penalty))

    def negative(w: FloatArray) -> FloatArray:
        return penalty.values(w) - c * w

    def interval(factor: float) -> list[FloatArray]:
        ends = (penalty.loc - factor * reach, penalty.loc + factor * reach)
        return [np.clip(end, penalty.lower, penalty.upper) for end in ends]

    found, endless = least_anywhere(negative, interval)
    return np.where(endless, np.inf, -found)
