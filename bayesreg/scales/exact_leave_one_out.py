"""Leave-one-out log predictive densities in closed form: Gaussian likelihood, Normal priors.

Given sigma, with residual r_i and leverage h_i of the posterior mean and weight s_i,

    p(y_i | y_-i, sigma) = Normal(y_i - r_i / (1 - h_i), sigma^2 / (s_i (1 - h_i)))  at y_i

and 1 / p(y_i | y_-i) is the posterior mean over sigma of its inverse.
"""

from __future__ import annotations

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.posterior.components import Kind
from bayesreg.posterior.densities import used_rows
from bayesreg.scales.noise_mixture import NoiseMixture
from bayesreg.scales.normal_law import AffinePart, NormalLaw

# What is left of a row that nothing but itself determines.
_ALONE = 1e-12
# Share of the residual square that the other rows keep, at least, if they tell of sigma.
_NO_SHARE = 1e-14
# Numbers held at a time: 32 MiB of them.
_NUMBERS_AT_A_TIME = 2**22


def exact_leave_one_out(
    law: NormalLaw, data: Data, factors: FloatArray, mixtures: list[NoiseMixture]
) -> FloatArray:
    """log p(y_i | the other rows), shape (factors, rows used).

    Parameters
    ----------
    law, data
    factors : (k,) array
        What the scales of the coefficients' priors are multiplied by.
    mixtures : list of NoiseMixture
        At each factor.

    Raises
    ------
    ModelError
        Where some row alone determines a coefficient or sigma: it cannot be predicted.
    """
    problem = law.posterior.problem
    precision = problem.weights / problem.likelihood.noise**2
    found = np.empty((factors.size, problem.n))
    rank = law.components.right.shape[0]
    widest = max(rank, max(mixture.sigma.size for mixture in mixtures), 1)
    step = max(1, _NUMBERS_AT_A_TIME // widest)
    for first in range(0, problem.n, step):
        rows = slice(first, first + step)
        part = law.predictors(np.asarray(problem.X[rows]), problem.offset[rows])
        lonely = np.flatnonzero(1.0 - precision[rows] * part.noise <= _ALONE)
        if lonely.size:
            raise ModelError(_LONELY.format(used_rows(data)[first + lonely[0]]))
        found[:, rows] = _left_out(law, part, problem.y[rows], precision[rows], factors, mixtures)
    return found


def _left_out(
    law: NormalLaw,
    part: AffinePart,
    y: FloatArray,
    precision: FloatArray,
    factors: FloatArray,
    mixtures: list[NoiseMixture],
) -> FloatArray:
    if law.posterior.sigma is None:
        return _given_sigma(law, part, y, precision, factors, np.ones(1))
    from scipy.special import logsumexp

    rows = []
    for t, mixture in zip(factors, mixtures, strict=True):
        ratio = law.ratio(float(t), mixture.sigma)
        if law.kind is not Kind.SCALE_BY_SIGMA:
            ratio = ratio[:1]
            _require_residual(law, part, y, precision, ratio)
        given = _given_sigma(law, part, y, precision, ratio, mixture.sigma)
        rows.append(-logsumexp(mixture.log_weights[:, None] - given, axis=0))
    return np.array(rows)


def _require_residual(
    law: NormalLaw, part: AffinePart, y: FloatArray, precision: FloatArray, ratio: FloatArray
) -> None:
    """Without row i the residual square S of all contrasts is S - s_i r_i^2 / (1 - h_i)."""
    squares = law.components.determinant_and_squares(ratio)[1][0]
    left = 1.0 - precision * law.variance(part, ratio)[0]
    without = squares - precision * (y - law.mean(part, ratio)[0]) ** 2 / left
    if law.components.contrasts < 2 or np.any(without <= _NO_SHARE * squares):
        raise ModelError(_NO_RESIDUAL)


def _given_sigma(
    law: NormalLaw,
    part: AffinePart,
    y: FloatArray,
    precision: FloatArray,
    ratio: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """log p(y_i | y_-i, sigma); ratio and sigma broadcast."""
    residual = y - law.mean(part, ratio)
    left = 1.0 - precision * law.variance(part, ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = sigma[:, None] ** 2 / (precision * left)
        density = -0.5 * (np.log(2 * np.pi * variance) + (residual / left) ** 2 / variance)
    return np.where(left > 0, density, -np.inf)


_LONELY = (
    "row {} alone determines a coefficient with a flat prior, so that the other rows cannot "
    "predict it: leave-one-out has no answer. Give that column a proper prior, or drop the row"
)
_NO_RESIDUAL = (
    "without some row the others are fitted without residual, so that sigma is not determined: "
    "leave-one-out has no answer. State sigma, or give it a proper prior"
)
