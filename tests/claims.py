"""Models for every target: what a target cannot have at all, a test over all targets must know."""

import dataclasses

import numpy as np
import pytest
from helpers import make_class_data, make_data

from bayesreg import (
    AsymmetricLaplace,
    Bernoulli,
    ElasticNet,
    Flat,
    Gamma,
    Gaussian,
    Laplace,
    Model,
    Multinomial,
    Normal,
    Poisson,
    targets,
)
from bayesreg.conventions._quantities import QUANTITIES

SIGMA = 1.5
GAUSSIAN = Gaussian(sigma=SIGMA)
LIKELIHOODS = {
    "Gaussian": GAUSSIAN,
    "Bernoulli": Bernoulli(),
    "Poisson": Poisson(),
    "Gamma": Gamma(phi=0.4),
    "AsymmetricLaplace": AsymmetricLaplace(q=0.5, s=0.8),
    "Multinomial": Multinomial(classes=3),
}
PENALTIES = {"L1": Laplace(0.3), "L2": Normal(0.5), "elastic net": ElasticNet(0.3, 0.6)}

TARGETS = {target.name: target for target in targets()}

#: Those that can be written; the others are only read.
WRITABLE = [name for name, target in TARGETS.items() if not target.one_way]

#: Libraries that always standardise: their prior is on w_j sd_j.
#: Dropout's prior is on w_j times the root of the sum of squares of column j.
STANDARDISING = {
    "MASS.lm_ridge": {True: "sd_x", False: "rms_x"},
    "dropout.Linear": {True: "squares_x", False: "squares_x"},
}

#: Pairs of which neither has the scales of columns that the other insists on.
STRANGERS = (
    {"dropout.Linear", "MASS.lm_ridge"},
    {"dropout.Linear", "spark.LinearRegression"},
)

#: Targets that always penalise an intercept: their model has one of so many times the scale.
PENALISED_INTERCEPT = {"sklearn.LinearSVR": 2.0, "vowpalwabbit.bfgs": 1.0}

#: Targets that always have a free intercept.
NEEDS_INTERCEPT = ("xgboost.gblinear",)

#: Targets that have no parameter for "no penalty": refused, and the reason names who has.
ALWAYS_PENALISED = (
    "liblinear.LogisticRegression",
    "liblinear.SVR",
    "sklearn.ElasticNetCV",
    "sklearn.LassoCV",
    "sklearn.LinearSVR",
    "sklearn.RidgeCV",
    "sklearn.RidgeClassifierCV",
)

#: Least squares on the classes as the numbers -1 and 1.
SIGNS = ("sklearn.RidgeClassifier", "sklearn.RidgeClassifierCV")


def penalties_of(target):
    """The priors that a target claims, by their kind, "flat" included."""
    found = {kind: PENALTIES[kind] for kind in TARGETS[target].penalties}
    return found if target in ALWAYS_PENALISED else {**found, "flat": Flat()}


#: Every (target, likelihood, prior) that targets() claims, and no penalty for each.
CLAIMS = [
    pytest.param(target, LIKELIHOODS[kind], prior, id=f"{target}-{kind}-{penalty}")
    for target in WRITABLE
    for kind in TARGETS[target].likelihoods
    for penalty, prior in penalties_of(target).items()
]


def data_for(likelihood, *names, weights=False):
    """Data that these targets can be fitted to."""
    if isinstance(likelihood, Multinomial):
        return make_class_data(3, weights=weights)
    data = make_data(likelihood, weights=weights)
    if isinstance(likelihood, Gaussian) and any(name in SIGNS for name in names):
        return dataclasses.replace(data, y=np.where(data.y > np.median(data.y), 1.0, -1.0))
    return data


def model_for(target, likelihood, prior, data, intercept=...):
    """The model with this prior; on the library's own scale where it has no other.

    Without ``intercept``: flat where the library can fit one, else none.
    """
    if intercept is ...:
        intercept = Flat() if TARGETS[target].fits_intercept else None
    if target in PENALISED_INTERCEPT and intercept is not None and prior != Flat():
        intercept = type(prior)(PENALISED_INTERCEPT[target] * prior.scale)
    scales = STANDARDISING.get(target)
    if scales and prior != Flat():
        sd = QUANTITIES[scales[intercept is not None]].of_data(data)
        sd = np.sqrt(sd) if target == "dropout.Linear" else sd
        return Model(likelihood, _divided(prior, sd), intercept)
    return Model(likelihood, prior, intercept)


def _divided(prior, sd):
    if isinstance(prior, ElasticNet):
        return ElasticNet(prior.laplace_scale / sd, prior.normal_scale / sd)
    assert isinstance(prior, Laplace | Normal)
    return type(prior)(prior.scale / np.asarray(sd))


def intercept_of(*names):
    """An intercept that all these targets can have; ... where there is none."""
    free = all(TARGETS[name].fits_intercept and name not in PENALISED_INTERCEPT for name in names)
    if free:
        return Flat()
    return ... if any(name in NEEDS_INTERCEPT for name in names) else None


def takes(target, data):
    """Whether the library's fit has what the data have."""
    return TARGETS[target].takes_weights or data.weights is None


def assert_same_model(left, right):
    """Equal in everything but the rounding of the scales."""
    assert type(left.likelihood) is type(right.likelihood)
    assert left.likelihood.noise == pytest.approx(right.likelihood.noise, rel=1e-13)
    for a, b in [(left.prior, right.prior), (left.intercept, right.intercept)]:
        assert type(a) is type(b)
        for name in vars(a) if a is not None else ():
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-13)


def points(data, likelihood, size=8):
    """Coefficients and intercepts to compare two objectives at."""
    rng = np.random.default_rng(4)
    shape = (3, data.p) if isinstance(likelihood, Multinomial) else (data.p,)
    centre = np.zeros(shape[:-1])
    found = [(rng.normal(0, 0.2, shape), rng.normal(centre)) for _ in range(size)]
    return found if centre.ndim else [(coef, float(at)) for coef, at in found]


def assert_same_up_to_affine(values, ours):
    """values = c ours + const with one c > 0."""
    slopes = np.diff(values) / np.diff(ours)
    assert slopes[0] > 0
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-9)
