"""check_likelihood: is this one normalised loss, convex or majorised, told the same throughout?"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataError, ModelError
from bayesreg.likelihoods import (
    Likelihood,
    NonConvexLikelihood,
    is_smooth,
    likelihood_of_rows,
)
from bayesreg.testing._numeric import compare, least, least_anywhere, require

_DRAWS = 4000


def check_likelihood(likelihood: Likelihood, y: Any, seed: int = 0, trials: Any = None) -> None:
    """Check that a likelihood is one convex, normalised loss, told the same way throughout.

    Of one that says ``log_concave = False`` the majorising curvature is checked in place of
    convexity and of the conjugate, which exists for convex losses only.

    Parameters
    ----------
    likelihood : Likelihood
    y : (n,) array
        Targets that are possible under it; a dozen different ones are plenty.
    seed : int
        Of the linear predictors and the draws.
    trials : (n,) array, optional
        Of each y, for a likelihood that counts them: it is bound to them by ``for_trials``.

    Raises
    ------
    AssertionError
        Naming the property, the numbers and the remedy.
    """
    require(
        not isinstance(likelihood, type) and isinstance(likelihood, Likelihood),
        f"{likelihood!r} lacks a method of bayesreg.likelihoods.Likelihood, or is a class",
    )
    noise = likelihood.noise
    require(noise > 0 and np.isfinite(noise), f"noise must be positive and finite; got {noise!r}")
    rng = np.random.default_rng(seed)
    y = np.repeat(np.asarray(y, dtype=np.float64), 8)
    of_one_row = _with_trials(likelihood, None if trials is None else np.max(trials))
    likelihood = _with_trials(likelihood, None if trials is None else np.repeat(trials, 8))
    eta = noise * rng.uniform(-3.0, 3.0, y.size)
    _check_target(likelihood, y)
    _check_derivatives(likelihood, y, eta)
    other = noise * rng.uniform(-3.0, 3.0, y.size)
    if getattr(likelihood, "log_concave", True):
        _check_convex(likelihood, y, eta, other)
        _check_saturated(likelihood, y, eta)
        _check_conjugate(likelihood, y, eta)
        _check_small_shifts(likelihood, y, eta)
    else:
        _check_majorant(likelihood, y, eta, other)
        _check_saturated(likelihood, y, eta)
    for at in (-1.2, 0.0, 1.5):
        _check_distribution(of_one_row, at * noise, seed)


def _with_trials(likelihood: Likelihood, trials: Any) -> Likelihood:
    try:
        return likelihood_of_rows(likelihood, None if trials is None else np.asarray(trials, float))
    except (DataError, ModelError) as error:
        raise AssertionError(
            f"pass trials= exactly for a likelihood that has them: {error}"
        ) from None


def _check_target(likelihood: Likelihood, y: FloatArray) -> None:
    """Possible targets pass; others raise DataError with value and row."""
    require(_accepts(likelihood, y), "check_target refuses the y it was given to check")
    row = min(3, y.size - 1)
    for value in (-1.0, 0.5, 2.0):
        if _accepts(likelihood, np.array([value])):
            continue
        mixed = y.copy()
        mixed[row] = value
        message = _refusal(likelihood, mixed)
        require(
            "y" in message and repr(value) in message and str(row) in message,
            f"check_target must name y, the value {value!r} and the row {row}; got {message!r}",
        )


def _check_derivatives(likelihood: Likelihood, y: FloatArray, eta: FloatArray) -> None:
    h = 1e-5 * likelihood.noise
    loss, gradient = likelihood.loss(y, eta), likelihood.gradient(y, eta)
    compare(
        gradient,
        (likelihood.loss(y, eta + h) - likelihood.loss(y, eta - h)) / (2 * h),
        "gradient is not d loss / d eta",
        rtol=1e-6,
        atol=1e-9 * (1 + np.abs(loss)) / likelihood.noise,
    )
    if not is_smooth(likelihood):
        return
    compare(
        likelihood.curvature(y, eta),
        (likelihood.gradient(y, eta + h) - likelihood.gradient(y, eta - h)) / (2 * h),
        "curvature is not d gradient / d eta",
        rtol=1e-6,
        atol=1e-9 * (1 + np.abs(gradient)) / likelihood.noise,
    )


def _check_convex(
    likelihood: Likelihood, y: FloatArray, eta: FloatArray, other: FloatArray
) -> None:
    require(likelihood.curvature(y, eta) >= 0, "curvature is negative: the loss must be convex")
    chord = 0.5 * (likelihood.loss(y, eta) + likelihood.loss(y, other))
    middle = likelihood.loss(y, 0.5 * (eta + other))
    require(
        middle <= chord + 1e-12 * (1 + np.abs(chord)),
        "the loss lies above its chord: it must be convex in eta",
    )


def _check_majorant(
    likelihood: Likelihood, y: FloatArray, eta: FloatArray, other: FloatArray
) -> None:
    """The parabola of the majorising curvature lies above the loss, near and far."""
    if not isinstance(likelihood, NonConvexLikelihood):
        raise AssertionError("log_concave is False, but there is no majorising_curvature(y, eta)")
    h = likelihood.majorising_curvature(y, eta)
    require(
        (h >= 0) & (h >= likelihood.curvature(y, eta) * (1 - 1e-12)),
        "majorising_curvature must be neither negative nor below the curvature itself",
    )
    loss, gradient = likelihood.loss(y, eta), likelihood.gradient(y, eta)
    for factor in (1e-3, 0.1, 1.0, 10.0, 1e3):
        for step in (factor * (other - eta), 2.0 * factor * (y - eta)):
            above = loss + gradient * step + 0.5 * h * step**2
            require(
                likelihood.loss(y, eta + step) <= above + 1e-11 * (1 + np.abs(above)),
                "the loss lies above its parabola: return a larger majorising_curvature",
            )


def _check_saturated(likelihood: Likelihood, y: FloatArray, eta: FloatArray) -> None:
    reach = 60.0 * likelihood.noise + 2 * np.abs(y)
    compare(
        likelihood.saturated_loss(y),
        least(lambda t: likelihood.loss(y, t), -reach, reach),
        "saturated_loss is not the least loss over eta",
        atol=1e-8 * (1 + np.abs(likelihood.loss(y, eta))),
    )


def _check_conjugate(likelihood: Likelihood, y: FloatArray, eta: FloatArray) -> None:
    """fenchel_young against a search for the conjugate, smoothness_within against both."""
    gradient, curvature = likelihood.gradient(y, eta), likelihood.curvature(y, eta)
    loss = likelihood.loss(y, eta)
    for factor in (0.1, -0.1, 0.5, -0.5, 2.0, -2.0, 10.0, -10.0):
        shift = factor * likelihood.noise * curvature
        excess = likelihood.fenchel_young(y, eta, shift)
        require(excess >= 0, f"fenchel_young is negative: {np.min(excess)!r}")
        compare(
            excess,
            _conjugate_excess(likelihood, y, eta, gradient + shift),
            "fenchel_young is not loss(eta) + sup_t [u t - loss(t)] - u eta at "
            "u = gradient + shift (infinite where the supremum is)",
            rtol=1e-7,
            atol=1e-9 * (1 + np.abs(loss)),
        )
        _check_smoothness(likelihood, y, eta, shift, excess)
    compare(
        likelihood.fenchel_young(y, eta, -gradient),
        loss - likelihood.saturated_loss(y),
        "fenchel_young at u = 0 is not loss - saturated_loss",
        atol=1e-9 * (1 + np.abs(loss)),
    )


def _conjugate_excess(
    likelihood: Likelihood, y: FloatArray, eta: FloatArray, u: FloatArray
) -> FloatArray:
    loss, reach = likelihood.loss(y, eta), 60.0 * likelihood.noise

    def rise(t: FloatArray) -> FloatArray:
        return likelihood.loss(y, t) - loss - u * (t - eta)

    found, endless = least_anywhere(rise, lambda k: [eta - k * reach, eta + k * reach])
    return np.where(endless, np.inf, -found)


def _check_smoothness(
    likelihood: Likelihood, y: FloatArray, eta: FloatArray, shift: FloatArray, excess: FloatArray
) -> None:
    known = np.isfinite(excess)
    for allowed in (excess, 3 * excess):
        bound = likelihood.smoothness_within(y, eta, np.where(known, allowed, 0.0))
        require(
            (shift**2 <= 2 * bound * np.where(known, allowed, 0.0) * (1 + 1e-9))[known],
            "smoothness_within is too small: a dual point within the excess has "
            "(u - gradient)^2 > 2 L excess; return a larger L (infinity is allowed)",
        )


def _check_small_shifts(likelihood: Likelihood, y: FloatArray, eta: FloatArray) -> None:
    """Near its zero fenchel_young keeps its digits: shift^2 / (2 curvature)."""
    zero = np.zeros(y.size)
    require(likelihood.fenchel_young(y, eta, zero) == 0, "fenchel_young must be 0 for a shift of 0")
    if not is_smooth(likelihood):
        return
    curvature = likelihood.curvature(y, eta)
    shift = 1e-6 * likelihood.noise * curvature
    usable = curvature > 0
    compare(
        likelihood.fenchel_young(y, eta, shift)[usable],
        (0.5e-6 * likelihood.noise * shift)[usable],
        "fenchel_young loses its digits for small shifts; it must not subtract nearby numbers "
        "(expected shift^2 / (2 curvature))",
        rtol=1e-4,
        atol=0,
    )


def _check_distribution(likelihood: Likelihood, eta: float, seed: int) -> None:
    """loss + constant is a normalised density of y; mean and draw belong to it."""
    drawn = _draws(likelihood, eta, seed)
    if not is_smooth(likelihood):
        _check_information(likelihood, drawn, np.full(drawn.size, eta))
    if not getattr(likelihood, "log_concave", True):
        _check_heavy_tails(likelihood, eta, drawn)
        return
    centre, spread = float(np.mean(drawn)), float(np.std(drawn))
    linear = _constant(likelihood, drawn, 2.5) - 2.5 * _constant(likelihood, drawn, 1.0)
    # A weight multiplies the whole term, or it is a precision and the density stays normalised.
    weights = (1.0,) if np.allclose(linear, 0.0) else (1.0, 2.5)
    for weight in weights:
        total, mean, variance = _moments(likelihood, eta, weight, centre, spread)
        compare(
            total,
            1.0,
            f"exp(-weight loss - constant) at eta = {eta}, weight = {weight} must sum or "
            "integrate to 1 over y; correct the constant (a weight multiplies all of it, or is a "
            "precision), or what check_target lets through",
            rtol=1e-6,
        )
        compare(likelihood.mean(np.array([eta]))[0], mean, f"mean({eta}) is not E[y]", rtol=1e-6)
        if weight == 1.0:
            error = np.sqrt(variance / _DRAWS)
            compare(centre, mean, f"draw({eta}) has a wrong mean", atol=5 * error)
            compare(spread, np.sqrt(variance), f"draw({eta}) has a wrong spread", rtol=0.15)


def _check_information(likelihood: Likelihood, drawn: FloatArray, eta: FloatArray) -> None:
    """A loss with corners has the expected square of its gradient in place of a curvature."""
    squares = likelihood.gradient(drawn, eta) ** 2
    compare(
        likelihood.curvature(drawn, eta)[0],
        np.mean(squares),
        "curvature of a loss with corners must be E[gradient^2]",
        atol=5 * np.std(squares) / np.sqrt(drawn.size),
    )


def _check_heavy_tails(likelihood: Likelihood, eta: float, drawn: FloatArray) -> None:
    """Density, median and draws of a density whose moments may not exist, by its distribution."""
    centre = float(np.median(drawn))
    spread = float(np.quantile(drawn, 0.75)) - centre
    y, mass = _grid(centre, spread, False, 300.0)
    loss = likelihood.loss(y, np.full(y.size, eta))
    mass = mass * np.exp(-loss - _constant(likelihood, y, 1.0))
    compare(
        np.sum(mass),
        1.0,
        f"exp(-loss - constant) at eta = {eta} must integrate to 1 over y; correct the constant",
        rtol=1e-6,
    )
    below = np.interp(np.sort(drawn), y, np.cumsum(mass) - 0.5 * mass)
    expected = (np.arange(_DRAWS) + 0.5) / _DRAWS
    # Kolmogorov's bound at 1 in 10,000.
    require(
        np.max(np.abs(below - expected)) <= 2.23 / np.sqrt(_DRAWS),
        f"draw({eta}) does not follow the density exp(-loss - constant)",
    )
    compare(
        likelihood.mean(np.array([eta]))[0],
        np.interp(0.5, np.cumsum(mass) - 0.5 * mass, y),
        f"mean({eta}) is not the median of the density",
        atol=0.01 * spread,
    )


def _draws(likelihood: Likelihood, eta: float, seed: int) -> FloatArray:
    repeated = np.full(_DRAWS, eta)
    drawn = likelihood.draw(repeated, np.random.default_rng(seed))
    again = likelihood.draw(repeated, np.random.default_rng(seed))
    require(np.array_equal(drawn, again), "draw must use nothing but the generator it is given")
    require(drawn.shape == repeated.shape, "draw must return one target per linear predictor")
    require(_accepts(likelihood, drawn), "draw returns targets that check_target refuses")
    return drawn


def _moments(
    likelihood: Likelihood, eta: float, weight: float, centre: float, spread: float
) -> tuple[float, float, float]:
    """Integral, mean and variance of the density over every y that check_target accepts."""

    def density(y: FloatArray) -> FloatArray:
        loss = likelihood.loss(y, np.full(y.size, eta))
        with np.errstate(over="ignore"):
            return np.exp(-weight * loss - _constant(likelihood, y, weight))

    if not _accepts(likelihood, np.array([0.5])):
        counts = np.arange(-50.0, np.ceil(centre + 150 * spread + 50))
        y = np.array([k for k in counts if _accepts(likelihood, np.array([k]))])
        mass = density(y)
    else:
        positive = not _accepts(likelihood, np.array([-0.5]))
        # The trapezoid rule is exact for smooth densities; a corner costs the square of its step.
        refined = 1 if is_smooth(likelihood) else 10
        y, mass = _grid(centre, spread, positive, refined=refined)
        mass = mass * density(y)
    mean = float(y @ mass)
    return float(np.sum(mass)), mean, float((y - mean) ** 2 @ mass)


def _grid(
    centre: float, spread: float, positive: bool, reach: float = 12.0, refined: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Points and trapezoid weights that reach e^reach spreads out, dense in the middle.

    y = centre + spread sinh(u), or centre e^u on the half line.
    """
    if positive:
        # A small shape puts its mass near 0.
        u = np.linspace(-60.0, 12.0, refined * 60_000 + 1)
        y = jacobian = centre * np.exp(u)
    else:
        u = np.linspace(-reach, reach, refined * 20_000 + 1)
        y, jacobian = centre + spread * np.sinh(u), spread * np.cosh(u)
    return y, jacobian * (u[1] - u[0])


def _constant(likelihood: Likelihood, y: FloatArray, weight: float) -> FloatArray:
    return likelihood.constant(y, np.full(y.size, weight))


def _accepts(likelihood: Likelihood, y: FloatArray) -> bool:
    return not _refusal(likelihood, y)


def _refusal(likelihood: Likelihood, y: FloatArray) -> str:
    try:
        likelihood.check_target(y)
    except DataError as error:
        return str(error)
    return ""
