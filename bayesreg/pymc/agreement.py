"""A PyMC model and ours have the same log density at random points, but for a constant.

Prior and likelihood apart, each where it changes and far beyond: coefficients from a hundredth of a
prior scale to a thousand of them for the one, linear predictors about 1 (and up to 1000 where the
link is the identity) for the other; sigma over six decades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import NoEquivalentError
from bayesreg.likelihoods import (
    AsymmetricLaplace,
    Gaussian,
    StudentT,
    estimated_dispersion,
    noise_prior,
)
from bayesreg.model import Model
from bayesreg.pymc.operations import ordered

#: Of the scale of a prior, of the order of a linear predictor, and of that under another link.
_STEPS_OF_PRIORS = (1.0, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0, 1000.0)
_STEPS_OF_ETA = (1.0, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0, 1000.0)
_STEPS_UNDER_A_LINK = (1.0, 0.1, 0.3, 1.0, 2.0, 3.0)

_AT_ONCE = 31

#: PyMC holds some plain numbers in single precision, which is seen in the ninth digit.
_TOLERANCE = 1e-7


def require_agreement(
    pm_model: Any,
    model: Model,
    data: Data,
    names: Mapping[str, Sequence[str]],
    intercept: str | None,
    on_sigma: str | None,
    shapes: Mapping[str, tuple[int, ...]],
) -> float:
    """The largest difference found, relative to 1 + the size of the log densities.

    Raises
    ------
    NoEquivalentError
        Where the densities differ: the model was not understood.
    """
    theirs = _densities(pm_model)
    worst = 0.0
    for part, points in (
        ("prior", _prior_points(model, data)),
        ("likelihood", _eta_points(model, data)),
    ):
        ours, found = [], []
        for sigma, a, w in points:
            stated = model if on_sigma is None else model.at_sigma(sigma)
            ours.append(_ours(part, stated, model, data, w, a, sigma, on_sigma))
            point = _point(w, a, sigma, names, intercept, on_sigma, shapes)
            found.append(theirs[part](point))
        here = np.asarray(ours)
        with np.errstate(invalid="ignore"):
            gap = np.asarray(found) - here
        away = np.abs(gap - gap[0])
        relative = float(np.max(away / (1.0 + np.abs(here) + np.abs(here[0]))))
        if not relative <= _TOLERANCE:
            raise NoEquivalentError(
                f"the {part} of this model is not what was read from it, {model!r}: the log "
                f"densities differ by {np.max(away):.3g} nats between random points. Nearest: "
                "named distributions (pm.Laplace, pm.Normal, ...) and a predictor that is linear"
            )
        worst = max(worst, relative)
    return worst


def _ours(
    part: str, stated: Model, model: Model, data: Data, w: FloatArray, a: float, sigma: float,
    on_sigma: str | None,
) -> float:  # fmt: skip
    if part == "likelihood":
        return float(np.sum(stated.log_likelihood(data, w, a)))
    value = stated.log_prior(data, w, a)
    if on_sigma is None:
        return value
    return value + float(_on_sigma(model).log_density(sigma))


def _on_sigma(model: Model) -> Any:
    """The density of an unknown sigma; None where it is a number."""
    density = noise_prior(model.likelihood)
    return estimated_dispersion(model.likelihood) if density is None else density


def _densities(pm_model: Any) -> dict[str, Any]:
    """Log prior and log likelihood of the PyMC model at values of its own variables."""
    from pymc.model.transform.conditioning import remove_value_transforms

    plain = remove_value_transforms(pm_model)
    parts = {"prior": [*plain.free_RVs, *plain.potentials], "likelihood": plain.observed_RVs}
    return {part: _density(plain, list(variables)) for part, variables in parts.items()}


def _density(plain: Any, variables: list[Any]) -> Any:
    """Their log density as a function of values by name of the variable."""
    graph = plain.logp(vars=variables, jacobian=False)
    # numpy, which the fast compiler calls, adds 31 terms at once at most; PyTensor joins sums.
    wide = any(len(node.inputs) > _AT_ONCE for node in ordered([graph]))
    compiled = plain.compile_fn(graph, mode=None if wide else "FAST_COMPILE")
    own_names = {rv.name: plain.rvs_to_values[rv].name for rv in plain.free_RVs}
    return lambda point: compiled({own_names[name]: value for name, value in point.items()})


def _point(
    w: FloatArray, a: float, sigma: float, names: Mapping[str, Sequence[str]],
    intercept: str | None, on_sigma: str | None, shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, Any]:  # fmt: skip
    point, start = {}, 0
    for name, own in names.items():
        point[name] = w[start : start + len(own)].reshape(shapes[name])
        start += len(own)
    for scalar, value in ((intercept, a), (on_sigma, sigma)):
        if scalar is not None:
            point[scalar] = np.full(shapes[scalar], value)
    return point


def _prior_points(model: Model, data: Data) -> list[tuple[float, float, FloatArray]]:
    """Around the centre, within the bounds, at several widths."""
    rng = np.random.default_rng(1)
    at_one = model if _on_sigma(model) is None else model.at_sigma(1.0)
    penalty = at_one.coefficient_penalty(data)
    on_intercept = at_one.intercept_penalty()
    points = []
    for step in _STEPS_OF_PRIORS:
        a = 0.0 if on_intercept is None else float(_draw(on_intercept, step, rng)[0])
        points.append((_sigma(model, rng), a, _draw(penalty, step, rng)))
    return points


def _draw(penalty: Any, step: float, rng: Any) -> FloatArray:
    """Values of the coefficients so many scales of the prior away from its centre."""
    loc = np.asarray(getattr(penalty, "loc", np.zeros(penalty.size)), dtype=np.float64)
    l1, l2 = (np.asarray(getattr(penalty, name, np.zeros(loc.size))) for name in ("l1", "l2"))
    rate = np.maximum(l1, np.sqrt(l2))
    tails = getattr(penalty, "tails", None)
    if tails is not None:
        rate = np.maximum(rate, np.where(tails.present, 1.0 / tails.scale, 0.0))
    width = step * np.where(rate > 0, 1.0 / np.where(rate > 0, rate, 1.0), 1.0)
    w = loc + width * rng.normal(size=loc.size)
    lower, upper = getattr(penalty, "lower", None), getattr(penalty, "upper", None)
    if lower is None or upper is None:
        return w
    return np.where((w > lower) & (w < upper), w, _between(lower, upper, width, rng))


def _between(lower: FloatArray, upper: FloatArray, width: FloatArray, rng: Any) -> FloatArray:
    """Inside the bounds, no further from the finite one than a few widths."""
    bottom = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper - width, 0.0))
    top = np.where(np.isfinite(upper), upper, bottom + width)
    return bottom + (top - bottom) * rng.uniform(0.05, 0.95, size=lower.size)


def _sigma(model: Model, rng: Any) -> float:
    """A noise sd from 0.001 to 1000, or inside the bounds of a uniform density of it."""
    place = rng.uniform()
    density = _on_sigma(model)
    lower, upper = getattr(density, "lower", None), getattr(density, "upper", None)
    if lower is None or upper is None:
        return float(10.0 ** (6.0 * place - 3.0))
    return float(lower + (upper - lower) * (0.02 + 0.96 * place))


def _eta_points(model: Model, data: Data) -> list[tuple[float, float, FloatArray]]:
    """Coefficients that move the linear predictor by about 1 in all, or several times that."""
    rng = np.random.default_rng(2)
    size = np.sqrt(np.mean(data.to_dense().X ** 2, axis=0) * data.p)
    width = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 1.0)
    level = 0.0 if model.intercept is None else 1.0
    identity = isinstance(model.likelihood, Gaussian | StudentT | AsymmetricLaplace)
    return [
        (
            _sigma(model, rng), step * level * float(rng.normal()),
            step * width * rng.normal(size=data.p),
        )
        for step in (_STEPS_OF_ETA if identity else _STEPS_UNDER_A_LINK)
    ]  # fmt: skip
