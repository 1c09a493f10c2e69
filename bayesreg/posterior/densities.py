"""Log likelihood, log prior and lambda at every draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import Dispersed, likelihood_of_rows, noise_prior
from bayesreg.model import Model
from bayesreg.posterior.class_target import ClassPosterior
from bayesreg.posterior.target import Posterior, with_unknowns_at_one
from bayesreg.priors import Horseshoe

# Rows of the linear predictor held at a time: 8 MiB of them.
_NUMBERS_AT_A_TIME = 2**20


@dataclass(frozen=True, eq=False)
class Parameters:
    """Draws in the user's units.

    Attributes
    ----------
    coef : (chains, draws, p) array
    intercept : (chains, draws) array or None
        For K classes (chains, draws, K, p) and (chains, draws, K).
    scalars : dict of name to (chains, draws) array
        sigma, the dispersion, scales: what is random besides.
    """

    coef: FloatArray
    intercept: FloatArray | None
    scalars: dict[str, FloatArray] = field(default_factory=dict)


def used_rows(data: Data) -> np.ndarray:
    """Rows of positive weight; those of weight 0 are not part of the model."""
    return np.arange(data.y.size) if data.weights is None else np.flatnonzero(data.weights)


class Rows:
    """The rows that the model uses, ready for draws."""

    def __init__(self, model: Model, data: Data) -> None:
        rows = used_rows(data)
        self.weights = np.ones(rows.size) if data.weights is None else data.weights[rows]
        trials = None if data.trials is None else data.trials[rows]
        #: With its unknowns at 1.
        self.likelihood = likelihood_of_rows(with_unknowns_at_one(model).likelihood, trials)
        self._X = data.X if rows.size == data.y.size else data.X[rows]
        self._offset = 0.0 if data.offset is None else data.offset[rows]
        self._density = row_density(self.likelihood, data.y[rows], self.weights)
        self.count = rows.size

    def parts(self, draws: int) -> list[slice]:
        """Draws, as many at a time as have linear predictors of a few MiB."""
        return list(parts(draws, self.count))

    def linear_predictor(self, drawn: Parameters, part: slice) -> FloatArray:
        """eta of the draws of the only chain, shape (draws, n)."""
        intercept = 0.0 if drawn.intercept is None else drawn.intercept[0, part, None]
        return drawn.coef[0, part] @ self._X.T + intercept + self._offset

    def terms(self, eta: FloatArray) -> FloatArray:
        """log p(y_i | eta_i), a row per draw, of a model without unknowns."""
        found: FloatArray = self._density(eta, {})
        return found

    def log_likelihood(
        self, drawn: Parameters, pointwise: bool
    ) -> tuple[FloatArray | None, FloatArray]:
        """log p(y_i | draw), shape (draws, n), if wanted, and its sum over rows; of one chain."""
        length = drawn.coef.shape[1]
        by_row = np.empty((length, self.count)) if pointwise else None
        total = np.empty(length)
        for part in self.parts(length):
            scalars = {name: values[0, part] for name, values in drawn.scalars.items()}
            terms = self._density(self.linear_predictor(drawn, part), scalars)
            total[part] = np.sum(terms, axis=1)
            if by_row is not None:
                by_row[part] = terms
        return by_row, total


def log_likelihood(model: Model, data: Data, drawn: Parameters) -> FloatArray:
    """log p(y_i | draw) of all chains, shape (chains, draws, n)."""
    rows = Rows(model, data)
    found = []
    for k in range(len(drawn.coef)):
        intercept = None if drawn.intercept is None else drawn.intercept[k : k + 1]
        scalars = {name: values[k : k + 1] for name, values in drawn.scalars.items()}
        terms, _ = rows.log_likelihood(Parameters(drawn.coef[k : k + 1], intercept, scalars), True)
        assert terms is not None
        found.append(terms)
    return np.stack(found)


def parts(count: int, width: int) -> Iterator[slice]:
    """Draws, as many at a time as make 8 MiB of ``width`` numbers each."""
    chunk = max(1, _NUMBERS_AT_A_TIME // max(width, 1))
    return (slice(first, first + chunk) for first in range(0, count, chunk))


def row_density(likelihood: Any, y: FloatArray, weights: FloatArray) -> Any:
    """(eta, scalars) -> log p(y_i | eta_i, scalars), a row per draw.

    The likelihood has its unknowns at 1.
    """
    name = likelihood.dispersion_name if isinstance(likelihood, Dispersed) else None

    def density(eta: FloatArray, scalars: dict[str, FloatArray]) -> FloatArray:
        if name in scalars:
            values = [likelihood.with_dispersion(float(value)) for value in scalars[name]]
            return np.stack([
                -(weights * at.loss(y, row) + at.constant(y, weights))
                for at, row in zip(values, eta, strict=True)
            ])  # fmt: skip
        loss = weights * likelihood.loss(y, eta)
        constant = likelihood.constant(y, weights)
        if "sigma" not in scalars:
            return -(loss + constant)
        sigma = scalars["sigma"][:, None]
        return -(loss / sigma**2 + constant + np.log(sigma))

    return density


def log_prior(
    model: Model, data: Data, posterior: Posterior, drawn: Parameters
) -> dict[str, FloatArray]:
    """log p of each coefficient given the scalars, of the intercept, and of each scalar.

    Flat and pinned entries count 0.
    """
    stated = with_unknowns_at_one(model)
    factor = posterior.factors(drawn.scalars)
    p = data.p
    # Adding 0.0 turns the -0.0 of a flat prior into 0.0.
    on_coef = stated.coefficient_penalty(data)
    parts = {
        "coef": scaled_density(on_coef, drawn.coef, factor[..., :p], posterior.horseshoe[:p]) + 0.0
    }
    on_intercept = stated.intercept_penalty()
    if drawn.intercept is not None and on_intercept is not None:
        column = drawn.intercept[..., None]
        last = scaled_density(on_intercept, column, factor[..., p:], posterior.horseshoe[p:])
        parts["intercept"] = last[..., 0] + 0.0
    for name, prior in posterior.scalars.items():
        parts[name] = np.asarray(prior.log_density(drawn.scalars[name]))
    return parts


def scaled_density(
    penalty: Any, w: FloatArray, factor: FloatArray, horseshoe: np.ndarray
) -> FloatArray:
    """log density of w where (w - loc) / factor has the density of the penalty.

    Bounds are bounds of w whatever the factor is, and the mass between them depends on it.
    """
    loc = penalty.loc
    factor = np.broadcast_to(factor, w.shape)
    standard = loc + (w - loc) / factor
    without = penalty.is_flat | penalty.is_pinned
    density = penalty.log_density(standard) - np.where(without, 0.0, np.log(factor))
    if horseshoe.any():
        scale = 1.0 / np.sqrt(penalty.l2[horseshoe])
        heavy = Horseshoe(scale, loc=loc[horseshoe]).log_density(standard[..., horseshoe])
        density[..., horseshoe] = heavy - np.log(factor[..., horseshoe])
    bounded = np.isfinite(penalty.lower) | np.isfinite(penalty.upper)
    moved = np.flatnonzero(bounded & ~penalty.is_pinned & _varies(factor))
    if moved.size:
        density[..., moved] = _bounded_density(penalty, standard[..., moved], factor, moved)
    return density


def _varies(factor: FloatArray) -> np.ndarray:
    """Columns whose factor is not 1 throughout."""
    found: np.ndarray = np.any(factor != 1.0, axis=tuple(range(factor.ndim - 1)))
    return found


def _bounded_density(
    penalty: Any, standard: FloatArray, factor: FloatArray, columns: np.ndarray
) -> FloatArray:
    """The same for columns with bounds, normalised at each factor."""
    by_column = factor[..., columns]
    each = np.broadcast_to(columns, standard.shape).ravel()
    part, divisor = penalty.take(each), by_column.ravel()
    part = replace(
        part,
        lower=part.loc + (part.lower - part.loc) / divisor,
        upper=part.loc + (part.upper - part.loc) / divisor,
    )
    density: FloatArray = part.log_density(standard.ravel()) - np.log(divisor)
    return density.reshape(standard.shape)


def lambdas(
    model: Model, data: Data, posterior: Posterior | ClassPosterior, drawn: Parameters
) -> dict[str, FloatArray]:
    """The canonical lambda1 = sigma^2 l1 and lambda2 = sigma^2 l2 at each draw, where random.

    One number per draw where all columns share it (with ``standardize``, the standardised
    columns), else one per column.
    """
    if posterior.sigma is None and not posterior.scales:
        return {}
    stated = with_unknowns_at_one(model)
    penalty = stated.stated_penalty(data)
    factor = posterior.factors(drawn.scalars)[..., : data.p]
    # A StudentT has a sigma too, which its penalty twin knows nothing of.
    known = noise_prior(model.likelihood) is None
    sizes = np.full(drawn.coef.shape[:2], stated.likelihood.noise)
    noise = sizes if known else drawn.scalars["sigma"]
    found = {}
    for name, part, power in (("lambda1", penalty.l1, 1), ("lambda2", penalty.l2, 2)):
        penalised = (part > 0) & ~posterior.horseshoe[: data.p]
        if penalised.any():
            values = (
                np.where(penalised, part, 0.0)
                * (noise[..., None] / factor**power)
                * noise[..., None]
            )
            alike = penalised.all() and np.all(part == part[0]) and _one_factor(posterior, data.p)
            found[name] = values[..., 0] if alike else values
    return found


def _one_factor(posterior: Posterior | ClassPosterior, p: int) -> bool:
    """True when all coefficients share their factor."""
    rows = [posterior.relative[:p], *(scale.columns[:p] for scale in posterior.scales)]
    return all(bool(row.all()) or not row.any() for row in rows)
