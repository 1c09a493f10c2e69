"""The same model in PyMC: one joint log density, constants included, to rounding.

    log p(y, coef, intercept) = sum_i log p(y_i | eta_i) + sum_j log p(coef_j) + log p(intercept)

Importing this package imports nothing of PyMC; calling it does.
"""

from bayesreg.pymc.bounds import has_bounds
from bayesreg.pymc.build import build_pymc, require_counterpart, to_pymc
from bayesreg.pymc.classes import build_class_pymc, class_point
from bayesreg.pymc.density import log_density_function
from bayesreg.pymc.read import FromPyMC, from_pymc
from bayesreg.pymc.read_bambi import from_bambi

__all__ = [
    "FromPyMC", "build_class_pymc", "build_pymc", "class_point", "from_bambi", "from_pymc",
    "has_bounds", "log_density_function", "require_counterpart", "to_pymc",
]  # fmt: skip
