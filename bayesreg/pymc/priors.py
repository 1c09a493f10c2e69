"""Priors of coefficients and of sigma as PyMC's random variables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayesreg.covariance import AnyPenalty, CorrelatedPenalty
from bayesreg.errors import ModelError
from bayesreg.group_penalty import GroupedPenalty
from bayesreg.penalty import Penalty
from bayesreg.priors import (
    Exponential,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Uniform,
)
from bayesreg.priors.on_noise import ON_NOISE
from bayesreg.pymc.bounds import between, bounded_normaliser, has_bounds, inner_point
from bayesreg.tails import Tails


def refuse_bounds(penalty: Penalty) -> None:
    if np.any(has_bounds(penalty)):
        raise ModelError(
            "to_pymc cannot express bounds on coefficients of classes; use a prior without"
        )


def prior_variable(name: str, penalty: AnyPenalty, dims: Any = None, spread: Any = 1.0) -> Any:
    """One random variable with the density exp(-g) / Z, by its name in PyMC if it has one.

    Its scale is ``spread`` times that of the penalty.
    """
    import pymc as pm

    if isinstance(penalty, CorrelatedPenalty) and penalty.blocks[0].loc.size == penalty.size:
        block = penalty.blocks[0]
        rows = spread[:, None] if np.ndim(spread) else spread
        return pm.MvNormal(name, mu=block.loc, chol=rows * block.factor, dims=dims)
    if isinstance(penalty, CorrelatedPenalty | GroupedPenalty):
        coef = pm.Flat(name, dims=dims)
        standard = penalty.loc + (coef - penalty.loc) / spread
        wider = pm.math.sum(_log_spread(penalty, spread))
        pm.Potential(f"{name}_log_prior", _joint_logp(standard, penalty) - wider)
        return coef
    if np.any(has_bounds(penalty)):
        return _bounded(name, penalty, dims, spread)
    l1, l2, loc = penalty.l1, penalty.l2, penalty.loc
    if penalty.tails is not None and np.any(penalty.tails.present):
        return _student_t(name, penalty, penalty.tails, dims, spread)
    if np.all(penalty.is_flat):
        return pm.Flat(name, dims=dims, shape=None if dims else l1.shape)
    if np.all(l1 > 0) and np.all(l2 == 0):
        return pm.Laplace(name, mu=loc, b=spread / l1, dims=dims)
    if np.all(l1 == 0) and np.all(l2 > 0):
        return pm.Normal(name, mu=loc, sigma=spread / np.sqrt(l2), dims=dims)
    normaliser = penalty.log_normaliser() + _log_spread(penalty, spread)
    found = pm.CustomDist(
        name, l1 / spread, l2 / spread**2, loc, normaliser, logp=_elastic_net_logp, dims=dims,
        support_point=lambda rv, size, l1, l2, loc, normaliser: loc,
    )  # fmt: skip
    return signed(found)


def _log_spread(penalty: AnyPenalty, spread: Any) -> Any:
    """What a scale times ``spread`` adds to log Z: its logarithm wherever there is a density."""
    import pymc as pm

    known = isinstance(spread, float | np.ndarray)
    return np.where(penalty.is_flat, 0.0, 1.0) * (np.log(spread) if known else pm.math.log(spread))


def _student_t(name: str, penalty: Penalty, tails: Tails, dims: str | None, spread: Any) -> Any:
    """PyMC's StudentT or Cauchy where all coefficients have one, else their density."""
    import pymc as pm

    loc = penalty.loc
    if np.all(tails.present) and np.all(tails.nu == 1.0):
        return pm.Cauchy(name, alpha=loc, beta=spread * tails.scale, dims=dims)
    if np.all(tails.present):
        return pm.StudentT(name, nu=tails.nu, mu=loc, sigma=spread * tails.scale, dims=dims)
    # (distance / width)^2 is 0 without tails, for width is infinite.
    width, power = spread * tails.scale * np.sqrt(tails.nu), 0.5 * (tails.nu + 1.0)
    normaliser = penalty.log_normaliser() + _log_spread(penalty, spread)
    found = pm.CustomDist(
        name, penalty.l1 / spread, penalty.l2 / spread**2, loc, normaliser, width, power,
        logp=_tailed_logp, dims=dims,
        support_point=lambda rv, size, l1, l2, loc, normaliser, width, power: loc,
    )  # fmt: skip
    return signed(found)


def signed(variable: Any) -> Any:
    """A CustomDist does not say what it is: this is one of ours, which from_pymc can read."""
    variable.tag.bayesreg_prior = True
    return variable


def _tailed_logp(
    value: Any, l1: Any, l2: Any, loc: Any, normaliser: Any, width: Any, power: Any
) -> Any:
    """The elastic-net density with Student-t tails on the coefficients that have them."""
    import pytensor.tensor as pt

    tails = power * pt.log1p(((value - loc) / width) ** 2)
    return _elastic_net_logp(value, l1, l2, loc, normaliser) - tails


def _joint_logp(coef: Any, penalty: CorrelatedPenalty | GroupedPenalty) -> Any:
    """-g(w) - log Z of all coefficients together, with the norms and covariances written out."""
    import pytensor.tensor as pt

    z = coef
    standard = penalty.standard if isinstance(penalty, CorrelatedPenalty) else penalty
    if isinstance(penalty, CorrelatedPenalty):
        for block in penalty.blocks:
            deviation = coef[block.columns] - block.loc
            solved = pt.linalg.solve_triangular(block.factor, deviation, lower=True)
            z = pt.set_subtensor(z[block.columns], solved)
    group = getattr(standard, "group", np.full(penalty.size, -1))
    single = np.flatnonzero(group < 0)
    part = standard.take(single)
    terms = _elastic_net_logp(z[single], part.l1, part.l2, part.loc, 0.0)
    total = pt.sum(terms) - np.sum(penalty.log_normaliser())
    for label in np.unique(group[group >= 0]):
        own = np.flatnonzero(group == label)
        scaled = standard.l1[own] * (z[own] - standard.loc[own])
        total = total - pt.sqrt(pt.sum(scaled**2))
    return total


def _elastic_net_logp(value: Any, l1: Any, l2: Any, loc: Any, normaliser: Any) -> Any:
    """-l1 |w - loc| - l2 (w - loc)^2 / 2 - log Z; flat, Laplace and normal are special cases."""
    distance = abs(value - loc)
    return -l1 * distance - 0.5 * l2 * distance**2 - normaliser


def number_variable(name: str, prior: Any) -> Any:
    """A random positive number (sigma, a scale), by its name in PyMC where it has one there."""
    import pymc as pm

    require_number_density(name, prior)
    # A Python float would become single precision there.
    double = np.float64
    if isinstance(prior, HalfNormal):
        return pm.HalfNormal(name, sigma=double(prior.scale))
    if isinstance(prior, Exponential):
        return pm.Exponential(name, scale=double(prior.scale))
    if isinstance(prior, Uniform):
        lower, upper = double(prior.lower), double(prior.upper)  # type: ignore[arg-type]
        return pm.Uniform(name, lower=lower, upper=upper)
    if isinstance(prior, HalfCauchy):
        return pm.HalfCauchy(name, beta=double(prior.scale))
    number = pm.HalfFlat(name)
    if isinstance(prior, Jeffreys):
        pm.Potential(f"{name}_prior", -pm.math.log(number))
    elif isinstance(prior, InverseGamma):
        # PyMC's InverseGamma would be a density of the square; here it is taken in the root.
        constant = math.log(2) + prior.shape * math.log(prior.scale) - math.lgamma(prior.shape)
        order = 2 * prior.shape + 1
        potential = constant - order * pm.math.log(number) - prior.scale / number**2
        pm.Potential(f"{name}_prior", potential)
    return number


def _bounded(name: str, penalty: Penalty, dims: Any, spread: Any) -> Any:
    """HalfNormal, Exponential, Uniform by name; else the density between its bounds."""
    import pymc as pm
    import pytensor.tensor as pt

    l1, l2, loc, lower, upper = (
        getattr(penalty, part) for part in ("l1", "l2", "loc", "lower", "upper")
    )
    from_zero = bool(np.all((lower == 0) & (loc == 0) & np.isposinf(upper)))
    tails = penalty.tails is not None and bool(np.any(penalty.tails.present))
    if from_zero and not tails and np.all(l1 == 0) and np.all(l2 > 0):
        return pm.HalfNormal(name, sigma=spread / np.sqrt(l2), dims=dims)
    if from_zero and not tails and np.all(l2 == 0) and np.all(l1 > 0):
        return pm.Exponential(name, scale=spread / l1, dims=dims)
    if not tails and np.all((l1 == 0) & (l2 == 0) & np.isfinite(lower) & np.isfinite(upper)):
        return pm.Uniform(name, lower=lower, upper=upper, dims=dims)
    width, power = np.full(l1.shape, np.inf), np.zeros(l1.shape)
    if penalty.tails is not None:
        width = penalty.tails.scale * np.sqrt(penalty.tails.nu)
        power = 0.5 * (penalty.tails.nu + 1.0)
    start = inner_point(penalty)

    def logp(value: Any, *parameters: Any) -> Any:
        return pt.where(
            (value >= lower) & (value <= upper), _tailed_logp(value, *parameters), -np.inf
        )

    return pm.CustomDist(
        name, l1 / spread, l2 / spread**2, loc, bounded_normaliser(penalty, spread),
        spread * width, power,
        logp=logp, dims=dims, default_transform=between(lower, upper),
        support_point=lambda rv, size, *parameters: pt.as_tensor_variable(start),
    )  # fmt: skip


def require_number_density(name: str, prior: Any) -> None:
    """None, or one of the densities of a positive number."""
    if prior is not None and not isinstance(prior, ON_NOISE):
        raise ModelError(f"to_pymc has no counterpart of {name} ~ {prior!r}")
