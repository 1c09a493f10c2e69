"""Models for every target: what a target cannot have at all, a test over all targets must know."""

import numpy as np

from bayesreg import ElasticNet, Flat, Laplace, Model, Normal, targets
from bayesreg.conventions._quantities import QUANTITIES

TARGETS = {target.name: target for target in targets()}

#: Libraries that always standardise: their prior is on w_j sd_j.
STANDARDISING = {"MASS.lm_ridge": {True: "sd_x", False: "rms_x"}}

#: Dropout's prior is on w_j times the root of the sum of squares of column j.
STANDARDISING["dropout.Linear"] = {True: "squares_x", False: "squares_x"}


def model_for(target, likelihood, prior, data, intercept=...):
    """The model with this prior; on the library's own scale where it has no other.

    Without ``intercept``: flat where the library can fit one, else none.
    """
    if intercept is ...:
        intercept = Flat() if TARGETS[target].fits_intercept else None
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


def takes(target, data):
    """Whether the library's fit has what the data have."""
    return TARGETS[target].takes_weights or data.weights is None
