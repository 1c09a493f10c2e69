"""What check_convention tries: scales at which no two powers agree, another noise, narrow columns.

At tau = 1/2 the formulas 1 / tau and 1 / (2 tau^2) are equal, at sigma = 1 all its powers are.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.conventions._setting import NOISE
from bayesreg.data import Data
from bayesreg.likelihoods import Likelihood
from bayesreg.priors import ElasticNet, Flat, Laplace, Normal, Prior

KINDS = ("L1", "L2", "elastic net", "flat")

_B, _TAU = (math.sqrt(0.1), math.pi), (1 / math.e, math.sqrt(7.0))


def priors_of(kind: str, size: int | None = None) -> list[Prior]:
    """Priors of one kind at two scales; and with a scale for each of ``size`` coefficients."""
    scales: list[tuple[Any, Any]] = list(zip(_B, _TAU, strict=True))
    if size is not None:
        # The ratio of the two penalties stays the same: many libraries have one for all columns.
        steps = np.sqrt(1.0 + np.arange(size))
        scales.append((_B[0] * steps, _TAU[0] * np.sqrt(steps)))
    if kind == "flat":
        return [Flat()]
    if kind == "elastic net":
        return [ElasticNet(b, tau) for b, tau in scales]
    return [Laplace(b) if kind == "L1" else Normal(tau) for b, tau in scales]


def on_intercept(prior: Prior) -> list[Prior]:
    """Priors of an intercept: that of the coefficients, another of its kind, a normal one."""
    found: list[Prior] = [Normal(math.sqrt(2.0))]
    if not isinstance(prior, Flat):
        found += [prior, prior.rescaled(math.sqrt(3.0), math.sqrt(3.0))]
    return found


def another_noise(likelihood: Likelihood) -> Likelihood:
    """The likelihood with an irrational multiple of its noise, where it has one."""
    name = NOISE.get(type(likelihood).__name__)
    if name is None:
        return likelihood
    known: Any = likelihood
    return replace(known, **{name: getattr(likelihood, name) * math.sqrt(3.0)})


def narrow_columns(data: Data, weighted: bool) -> Data:
    """Columns that keep the linear predictor small at coefficients of 30; weights of their own."""
    X = data.to_dense().X
    narrow = 0.03 * X / np.maximum(np.max(np.abs(X), axis=0), 1e-300)
    own = np.sqrt(1.0 + np.arange(data.y.size) % 7)
    given = 1.0 if data.weights is None else data.weights
    weights = own * given if weighted else data.weights
    return Data(narrow, data.y, weights, data.offset, data.names, data.trials)


def no_constant_columns(data: Data) -> bool:
    """Whether columns can be standardised."""
    X = data.to_dense().X
    return bool(np.all(np.ptp(X, axis=0) > 0))
