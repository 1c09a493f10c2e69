"""Scales of their own, in libraries that have one strength for all coefficients.

With w_j = f_j u_j the columns x_j f_j have coefficients u_j, and

    l1_j |w_j| + l2_j w_j^2 / 2  =  l1_j f_j |u_j| + l2_j f_j^2 u_j^2 / 2

is the same for every j when f_j = m / l1_j (L1, m the least of l1) or sqrt(m / l2_j) (L2, m the
least of l2), and where both are there when l1_j^2 / l2_j is the same for all.  The one strength is
then m: columns under the widest prior stay as they are, the others shrink.  Where f_j = 1 / sd_j
will do, the strength is the one on standardised columns.  Neither sigma nor N is in the factors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.conventions._forms import nearly_equal
from bayesreg.conventions._nats import ELASTIC_NET, L1, Nats, bounded_like, is_nonnegative, uniform
from bayesreg.conventions._setting import MissingQuantityError, Setting
from bayesreg.errors import NoEquivalentError


def factors_of(nats: Nats, setting: Setting) -> FloatArray | None:
    """What to multiply the columns by; None where no factors make the penalty uniform.

    Ratios of rates, so that doubling sigma or N does not move a bit (``where_it_cancels``).
    """
    l1, l2 = nats.penalty.l1, nats.penalty.l2
    if np.any((l1 == 0) & (l2 == 0)):
        return None
    if nats.kind == ELASTIC_NET:
        if np.any(l1 == 0) or np.any(l2 == 0):
            return None
        if not nearly_equal(l1**2 / l2):
            return None
    factors = np.min(l1) / l1 if nats.kind == L1 else np.sqrt(np.min(l2) / l2)
    sd = _deviation(setting)
    if sd is not None and nearly_equal(factors * sd):
        factors = 1.0 / sd
    return factors if np.all(np.isfinite(factors) & (factors > 0)) else None


def _deviation(setting: Setting) -> FloatArray | None:
    """The sd of the columns, where it is known and none is constant."""
    try:
        return setting.per_column("sd_x")
    except (MissingQuantityError, NoEquivalentError):
        return None


def on_rescaled_columns(nats: Nats, factors: FloatArray) -> Nats:
    """The uniform penalty of the coefficients of ``X * factors``."""
    l1, l2 = nats.penalty.l1[0] * factors[0], nats.penalty.l2[0] * factors[0] ** 2
    penalty = uniform(float(l1), float(l2))
    if is_nonnegative(nats.penalty):
        penalty = bounded_like(penalty, lower=0.0)
    return replace(nats, penalty=penalty)


def code_on_rescaled_columns(code: str, solution: str, factors: FloatArray, sparse: bool) -> str:
    """The program on ``X * column_factors``, its coefficients brought back."""
    numbers = ", ".join(repr(float(factor)) for factor in factors)
    back = f"coef = column_factors * ({solution})\n" if solution else ""
    return (
        "import numpy as np\n\n"
        f"column_factors = np.array([{numbers}])\n"
        f"{'X = X.multiply(column_factors).tocsr()' if sparse else 'X = X * column_factors'}\n\n"
        f"{code}{back}"
    )


NOTE = (
    "this library has one strength for all coefficients: each column is multiplied by its entry of "
    ".column_factors before the fit, and the coefficients that come out by the same afterwards"
)
