"""Dropout on the inputs of a linear layer: a Normal prior whose scale depends on the column.

With masks m_ij that are 1 with probability q = 1 - rate, each input becomes x_ij m_ij / q, of mean
x_ij and variance (1 - q) / q x_ij^2, so that for squared error

    E sum s_i (y_i - a - sum_j x_ij m_ij w_j / q)^2
        = RSS + rate / (1 - rate) sum_j w_j^2 S_j,        S_j = sum_i s_i x_ij^2

exactly: a Normal prior with tau_j^2 = sigma^2 (1 - rate) / (rate S_j).  S_j is about 0, not about
the mean; a column in other units is penalised as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.conventions import _forms, _parameters
from bayesreg.conventions._convention import Convention
from bayesreg.conventions._nats import L2, Nats, free_intercept, per_column
from bayesreg.conventions._setting import Setting
from bayesreg.errors import ConversionError, NoEquivalentError

Parameters = Mapping[str, Any]


def _encode(nats: Nats, setting: Setting) -> dict[str, Any]:
    """rate / (1 - rate) = sigma^2 / (S_j tau_j^2), which must be the same for every column."""
    present = {} if nats.intercept is not None else {"fit_intercept": False}
    if not np.any(nats.penalty.l2 > 0):
        return {"rate": 0.0, **present}
    squares = setting.per_column("squares_x")
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = setting.dispersion * nats.penalty.l2 / squares
    if not (np.all(np.isfinite(odds)) and np.allclose(odds, odds[0], rtol=1e-9, atol=0.0)):
        raise NoEquivalentError(
            f"{setting.target} has one rate, and penalises each column in proportion to the sum of "
            "its squares; the prior does not. Nearest: Normal(tau) with tau_j proportional to "
            "1 / sqrt(sum_i s_i x_ij^2), or textbook.rss_ridge"
        )
    return {"rate": float(odds[0] / (1.0 + odds[0])), **present}


def _decode(parameters: Parameters, setting: Setting) -> Nats:
    """1 / tau_j^2 = rate / (1 - rate) S_j / sigma^2."""
    rate = _parameters.fraction(parameters["rate"], "rate", setting.target)
    if rate == 1:
        raise ConversionError(f"{setting.target}: rate must be below 1, or nothing is left")
    squares = setting.per_column("squares_x") if rate else np.ones(1)
    l2 = rate / (1.0 - rate) * squares / setting.dispersion
    present = _forms.fits_intercept(parameters, setting)
    return Nats(setting.likelihood, per_column(np.zeros(1), l2), free_intercept(present))


def _code(parameters: Parameters, setting: Setting) -> str:
    """The expected objective, and its minimum by least squares on columns with rows added."""
    s = "sample_weight" if setting.weighted else "np.ones(y.size)"
    present = parameters.get("fit_intercept", True)
    column = "np.column_stack([X, np.ones(y.size)])" if present else "X"
    bound = "np.append(penalty, 0.0)" if present else "penalty"
    return (
        "import numpy as np\n\n"
        f"rate, s = {parameters['rate']!r}, {s}\n"
        "penalty = rate / (1 - rate) * (s @ X**2)  # what dropout adds, times w^2\n"
        f"columns = {column}\n"
        f"normal = columns.T @ (s[:, None] * columns) + np.diag({bound})\n"
        "solution = np.linalg.solve(normal, columns.T @ (s * y))\n"
        "coef = solution[: X.shape[1]]\n"
        + ("intercept = solution[-1]\n" if present else "intercept = 0.0\n")
    )


def _build(parameters: Parameters, setting: Setting) -> Any:
    """The expected objective as a function of coef, intercept, X, y and sample_weight."""
    odds = parameters["rate"] / (1.0 - parameters["rate"])

    def objective(coef: Any, intercept: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        X, y, coef = np.asarray(X), np.asarray(y), np.asarray(coef)
        s = np.ones(y.size) if sample_weight is None else np.asarray(sample_weight)
        residual = y - intercept - X @ coef
        return float(s @ residual**2 + odds * (s @ X**2) @ coef**2)

    return objective


def _notes(parameters: Parameters, setting: Setting) -> tuple[str, ...]:
    return (
        "exact for squared error, in expectation over the masks; for logistic loss only an "
        "approximation holds, with x_ij^2 p_i (1 - p_i), which depends on w (dropout_prior)",
        "rate is the probability that an input is dropped, as in keras.layers.Dropout(rate) and "
        "torch.nn.Dropout(p), which divide what stays by 1 - rate; without that division the "
        "coefficients come out divided by 1 - rate",
        "the bias is not an input and is not dropped",
        "each column is penalised in proportion to its sum of squares about 0: its units do not "
        "matter, its mean does, so that centring X changes the prior",
        "the prior narrows as rows are added, because the sum of squares grows with them",
    )


DROPOUT = Convention(
    name="dropout.Linear",
    likelihoods=("Gaussian",),
    penalties=(L2,),
    objective="E RSS over dropped inputs = RSS + rate/(1 - rate) sum_j w_j^2 sum_i s_i x_ij^2",
    formula="rate / (1 - rate) = sigma^2 / (tau_j^2 sum_i s_i x_ij^2)",
    fixes="sigma / tau",
    intercept="flat or none",
    source="Wager, Wang and Liang (2013); Srivastava et al. (2014), section 9.1",
    defaults={"rate": ..., "fit_intercept": True},
    encode=_encode,
    decode=_decode,
    code=_code,
    build=_build,
    notes=_notes,
    per_coefficient=True,
    solution="coef",
)

CONVENTIONS = {DROPOUT.name: DROPOUT}
