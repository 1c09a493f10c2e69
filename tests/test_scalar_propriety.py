"""Posteriors that do not integrate over sigma or a scale, by quadrature over growing boxes.

The density of (log sigma, log scale), coefficients integrated out in closed form, is summed over
the rings T/2 < max(|log sigma|, |log scale|) <= T. Where it integrates they vanish as T doubles;
where it does not, they grow.
"""

from itertools import product

import numpy as np
import pytest

from bayesreg import (
    Data,
    Exponential,
    Flat,
    Gaussian,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Jeffreys,
    Model,
    Normal,
    Uniform,
)
from bayesreg.posterior.marginal import gaussian_marginal
from bayesreg.posterior.scalar_propriety import why_scalars_diverge
from bayesreg.posterior.target import pose

FAR, STEP = 48.0, 0.4


def make_data(kind):
    rng = np.random.default_rng(3)
    n, p = {"tall": (9, 2), "short": (4, 2), "square": (4, 3), "wide": (4, 6), "one": (1, 2),
            "two": (2, 1), "constant": (6, 2), "exact": (9, 2), "dependent": (5, 6)}[kind]  # fmt: skip
    X = rng.normal(size=(n, p))
    y = 1.0 + X[:, 0] + rng.normal(size=n)
    if kind == "constant":
        y = np.full(n, 2.5)
    if kind == "exact":
        y = 1.0 + X[:, 0] - 2.0 * X[:, 1]
    if kind == "dependent":
        X[:, 2:] = X[:, :1]
    return Data(X, y)


def settles(posterior):
    marginal = gaussian_marginal(posterior)
    t = np.arange(-FAR, FAR + STEP / 2, STEP)
    grids = np.meshgrid(*(t for _ in posterior.scalars), indexing="ij")
    values = dict(zip(posterior.scalars, (np.exp(grid) for grid in grids), strict=True))
    sigma = values.get("sigma", 1.0)
    scale = next((value for name, value in values.items() if name != "sigma"), 1.0)
    log_p = marginal.log_likelihood(sigma, scale)
    for (name, prior), grid in zip(posterior.scalars.items(), grids, strict=True):
        with np.errstate(over="ignore"):
            log_p = log_p + prior.log_density(values[name]) + grid
    distance = np.max(np.abs(grids), axis=0)
    rings = [
        np.logaddexp.reduce(log_p[(distance > T / 2) & (distance <= T)]) for T in (FAR / 2, FAR)
    ]
    return bool(rings[1] == -np.inf or rings[1] - rings[0] < np.log(1e-2))


PROPER = [HalfNormal(1.0), HalfCauchy(1.0), InverseGamma(1.0, 1.0), Exponential(1.0)]
ON_SIGMA = [Jeffreys(), Flat(), *PROPER, Uniform(0.0, 2.0), Uniform(0.1, 2.0)]
ON_SCALE = [Flat(), *PROPER, Jeffreys(), Uniform(0.0, 2.0)]
KINDS = ["tall", "short", "square", "wide", "one", "two", "constant", "exact", "dependent"]
INTERCEPTS = [Flat(), None, Normal(1.0)]


def models(sigmas, scales, intercepts):
    for sigma, scale, relative, intercept in product(sigmas, scales, [True, False], intercepts):
        known = isinstance(sigma, float)
        on_intercept = intercept
        if isinstance(intercept, Normal) and not known:
            on_intercept = Normal(1.0, relative_to_noise=True)
        yield Model(Gaussian(sigma), Normal(scale, relative_to_noise=relative), on_intercept)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sigmas", "scales"),
    [(ON_SIGMA, [0.7]), ([0.8], ON_SCALE), (ON_SIGMA, ON_SCALE)],
    ids=["sigma", "scale", "both"],
)
def test_refused_exactly_where_the_integral_diverges(kind, sigmas, scales):
    data = make_data(kind)
    wrong = []
    for model in models(sigmas, scales, INTERCEPTS):
        posterior = pose(model, data)
        reason = why_scalars_diverge(posterior, data.names)
        if (reason is None) != settles(posterior):
            wrong.append((model, reason))
    assert not wrong
