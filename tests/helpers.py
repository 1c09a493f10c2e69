"""One table of our parts, and small awkward data for them.

A new prior or likelihood is one row here and thereby enters every test.  Import with
``from helpers import PRIORS, LIKELIHOODS, make_data``.
"""

import numpy as np
import pytest

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    Data,
    ElasticNet,
    Exponential,
    Flat,
    Gaussian,
    HalfNormal,
    Laplace,
    Model,
    Normal,
    Poisson,
    Truncated,
    Uniform,
)

#: Columns of the default data; the length of every per-coefficient scale below.
P = 7

_SCALES = (0.1, 0.4, 0.2, 1.0, 0.3, 2.0, 0.15)
_LOCS = (0.0, 0.3, -0.2, 0.0, 0.1, 0.0, -0.5)
_FLAT_TWICE = (0.1, np.inf, 0.2, 1.0, np.inf, 2.0, 0.15)


def _param(value, name):
    return pytest.param(value, id=name)


LIKELIHOODS = [
    _param(Gaussian(sigma=1.5), "gaussian"),
    _param(Bernoulli(), "bernoulli"),
    _param(Poisson(), "poisson"),
]

#: Likelihoods whose loss has corners: tests of derivatives are not for them.
KINKED_LIKELIHOODS = [_param(AsymmetricLaplace(q=0.3, s=0.8), "asymmetric-laplace")]

PRIORS = [
    _param(Laplace(scale=0.3), "laplace"),
    _param(Laplace(scale=0.3, loc=0.25), "laplace-loc"),
    _param(Laplace(scale=_SCALES, loc=_LOCS), "laplace-vector"),
    _param(Laplace(scale=_FLAT_TWICE), "laplace-some-flat"),
    _param(Laplace(scale=0.2, loc=0.1, relative_to_noise=True), "laplace-relative"),
    _param(Normal(scale=0.5), "normal"),
    _param(Normal(scale=0.5, loc=-0.3), "normal-loc"),
    _param(Normal(scale=_SCALES, loc=_LOCS), "normal-vector"),
    _param(Normal(scale=_FLAT_TWICE), "normal-some-flat"),
    _param(Normal(scale=0.4, loc=0.1, relative_to_noise=True), "normal-relative"),
    _param(ElasticNet(laplace_scale=0.3, normal_scale=0.6), "elastic-net"),
    _param(ElasticNet(0.3, 0.6, loc=0.2), "elastic-net-loc"),
    _param(ElasticNet(_SCALES, _FLAT_TWICE, loc=_LOCS), "elastic-net-vector"),
    _param(ElasticNet(_FLAT_TWICE, _FLAT_TWICE), "elastic-net-some-flat"),
    _param(ElasticNet(np.inf, 0.5), "elastic-net-only-l2"),
    _param(ElasticNet(0.3, np.inf), "elastic-net-only-l1"),
    _param(ElasticNet(0.2, 0.5, loc=0.1, relative_to_noise=True), "elastic-net-relative"),
    _param(Flat(), "flat"),
]

#: Priors with bounds: their density ends somewhere, so tests place their points inside.
BOUNDED_PRIORS = [
    _param(HalfNormal(scale=0.5), "half-normal"),
    _param(Exponential(scale=0.3), "exponential"),
    _param(Uniform(-0.2, 0.15), "uniform"),
    _param(Truncated(Laplace(0.3, loc=0.1), lower=-0.1, upper=0.2), "truncated-laplace"),
    _param(Truncated(Normal(0.5, loc=0.4), upper=_SCALES), "truncated-normal-vector"),
    _param(Truncated(ElasticNet(0.3, 0.6), lower=0.0), "truncated-elastic-net"),
]

#: Priors by column name; together they reach x0 ... x6 exactly once.
MIXED_PRIOR = {"x0": Flat(), "x[1-3]": Laplace(0.3, loc=[0.0, 0.2, 0.0]), "x[4-6]": Normal(0.5)}


def _combinations(likelihoods):
    rows = []
    for likelihood in likelihoods:
        for prior in [*PRIORS, _param(MIXED_PRIOR, "mixed")]:
            needs_noise = getattr(prior.values[0], "relative_to_noise", False)
            if needs_noise and not isinstance(likelihood.values[0], Gaussian):
                continue
            name = f"{likelihood.id}-{prior.id}"
            rows.append(pytest.param(likelihood.values[0], prior.values[0], id=name))
    return rows


#: Every (likelihood, prior) that makes a model, the mapping included.
COMBINATIONS = _combinations(LIKELIHOODS)
KINKED_COMBINATIONS = _combinations(KINKED_LIKELIHOODS)


def make_design(n=60, p=P, seed=0):
    """Correlated, uncentred columns whose standard deviations run from 0.2 to 5."""
    rng = np.random.default_rng([seed, n, p])
    common = rng.normal(size=(n, 1))
    unit = 0.6 * common + 0.8 * rng.normal(size=(n, p))
    scales = np.geomspace(0.2, 5.0, p)
    centres = scales * np.resize([2.0, -1.0, 0.5, 0.0], p)
    return unit * scales + centres


def make_data(likelihood, n=60, p=P, seed=0, weights=False, offset=False):
    """Data drawn from a sparse truth under ``likelihood``.

    With ``weights`` they run from 0.2 to 3 and two rows have weight 0.
    """
    rng = np.random.default_rng([seed, n, p, 1])
    X = make_design(n, p, seed)
    effects = np.resize([0.6, 0.0, -0.4, 0.0, 0.0, 0.3, 0.0], p)
    unit = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    shift = rng.normal(0, 0.3, n) if offset else None
    eta = likelihood.noise * (0.4 + unit @ effects) + (0.0 if shift is None else shift)
    y = likelihood.draw(eta, rng)
    s = rng.uniform(0.2, 3.0, n) if weights else None
    if s is not None:
        s[[1, n // 2]] = 0.0
    return Data(X, y, weights=s, offset=shift)


def make_model(likelihood=None, prior=None, intercept=Flat(), standardize=False):  # noqa: B008
    """A model whose parts default to the first rows of the tables."""
    likelihood = LIKELIHOODS[0].values[0] if likelihood is None else likelihood
    prior = PRIORS[0].values[0] if prior is None else prior
    return Model(likelihood, prior, intercept, standardize=standardize)
