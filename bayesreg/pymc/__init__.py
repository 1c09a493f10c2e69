"""The same model in PyMC: one joint log density, constants included, to rounding.

    log p(y, coef, intercept) = sum_i log p(y_i | eta_i) + sum_j log p(coef_j) + log p(intercept)

Importing this package imports nothing of PyMC; calling it does.
"""

from bayesreg.pymc.build import build_pymc, to_pymc
from bayesreg.pymc.density import log_density_function

__all__ = ["build_pymc", "log_density_function", "to_pymc"]
