"""Models for every target: what a target cannot have at all, a test over all targets must know."""

import numpy as np

from bayesreg import ElasticNet, Flat, Laplace, Model, Normal, targets
from bayesreg.conventions._quantities import QUANTITIES

TARGETS = {target.name: target for target in targets()}

#: Libraries that always standardise: their prior is on w_j sd_j.
STANDARDISING = {"MASS.lm_ridge": {True: "sd_x", False: "rms_x"}}

#: Targets that always penalise an intercept: their model has one of so many times the scale.
PENALISED_INTERCEPT = {"vowpalwabbit.bfgs": 1.0}

#: Targets that always have a free intercept.
NEEDS_INTERCEPT = ("xgboost.gblinear",)

#: Targets that have no parameter for "no penalty": refused, and the reason names who has.
ALWAYS_PENALISED = ("liblinear.LogisticRegression", "liblinear.SVR")


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
