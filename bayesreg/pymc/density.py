"""PyMC's joint log density as a function, for comparing values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.likelihoods import ClassLikelihood
from bayesreg.model import Model
from bayesreg.pymc.build import to_pymc
from bayesreg.pymc.classes import class_density


def log_density_function(model: Model, data: Data) -> Callable[[FloatArray, Any], float]:
    """PyMC's joint log density as a function of coef and intercept, compiled once.

    The fast compiler is used: this is for comparing values, not for sampling.
    """
    import warnings

    from pymc.model.transform.conditioning import remove_value_transforms

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        # Values of bounded coefficients are their own, not those of a transformation.
        pm_model = remove_value_transforms(to_pymc(model, data))
        compiled = pm_model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    free = ~model.coefficient_penalty(data).is_pinned
    names = {rv.name: pm_model.rvs_to_values[rv].name for rv in pm_model.free_RVs}
    if isinstance(model.likelihood, ClassLikelihood):
        return class_density(model, data, compiled, set(names))

    def log_density(coef: FloatArray, intercept: float = 0.0) -> float:
        w = np.asarray(coef, dtype=np.float64)
        point = {"coef": w, "coef_free": w[free], "intercept": np.asarray(float(intercept))}
        return float(compiled({value: point[name] for name, value in names.items()}))

    return log_density
