"""sigma="estimate": the noise of a Gaussian regression from its data, with its uncertainty.

The variance of the residuals of least squares on all columns, RSS / (rows - rank): unbiased
whatever the coefficients are, and independent of any penalty.  It is not the sigma of a joint
mode (that is ``find_map(model, data, target="joint")``).
"""

from __future__ import annotations

import numpy as np

from bayesreg._estimated import Estimated
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.design import is_sparse
from bayesreg.errors import ConversionError

_LARGEST = 5000


def estimated_sigma(data: Data | None, intercept: bool = True) -> Estimated:
    """sigma from the residuals of least squares.

    With weights, sigma is the noise of a row of weight 1, as everywhere.

    Raises
    ------
    ConversionError
        Without data, or where least squares leaves no degrees of freedom.
    """
    if data is None:
        raise ConversionError(
            "sigma='estimate' takes the residuals of least squares, so it needs data; pass data, "
            "or sigma as a number"
        )
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    used = weights > 0
    rows = int(np.count_nonzero(used))
    if data.p > _LARGEST or data.p + intercept >= rows:
        raise ConversionError(
            f"sigma='estimate' takes the residuals of least squares, and {data.p} columns on "
            f"{rows} rows leave none to speak of. Nearest: "
            "find_map(Model(Gaussian(HalfNormal(...)), prior), data, target='joint'), "
            "whose fit.scalars['sigma'] goes with the mode; or sigma as a number"
        )
    root = np.sqrt(weights[used])
    residual, rank = _residual(data, used, root, intercept)
    freedom = rows - rank
    sigma = float(np.linalg.norm(residual) / np.sqrt(freedom))
    rounding = rows * np.finfo(float).eps * np.linalg.norm(root * data.y[used])
    if not np.linalg.norm(residual) > rounding:
        raise ConversionError(
            "sigma='estimate' found no noise: y is an exact linear function of the columns. Pass "
            "sigma as a number"
        )
    return Estimated(
        sigma,
        sigma / float(np.sqrt(2 * freedom)),
        f"residuals of least squares on all columns, {freedom} degrees of freedom",
    )


def _residual(
    data: Data, used: np.ndarray, root: FloatArray, intercept: bool
) -> tuple[FloatArray, int]:
    """What least squares leaves of the weighted rows, and the rank of the columns."""
    X = data.to_dense().X[used] if is_sparse(data.X) else data.X[used]
    y = data.y[used] if data.offset is None else data.y[used] - data.offset[used]
    if intercept:
        share = root**2 / np.sum(root**2)
        X, y = X - share @ X, y - share @ y
    coef, _, rank, _ = np.linalg.lstsq(root[:, None] * X, root * y, rcond=None)
    return root * (y - X @ coef), int(rank) + intercept
