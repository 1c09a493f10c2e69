"""The quantities that formulas use: how each is asked for, and what the data say it is.

sd is the population sd (divisor N), weighted where the data have weights; the libraries that mean
the sample sd (divisor n - 1) have a quantity of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg import design
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import column_deviation


@dataclass(frozen=True)
class Quantity:
    """A number, or a number per column, that a formula may need.

    Attributes
    ----------
    argument : str
        The keyword under which a caller gives it.
    meaning : str
        How it is asked for.
    of_data : callable or None
        What it is for given data; None where data do not say it.
    per_column : bool
    """

    argument: str
    meaning: str
    of_data: Callable[[Data], Any] | None = None
    per_column: bool = False


def _used(data: Data) -> tuple[FloatArray, FloatArray]:
    """Targets and weights of the rows that count."""
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    return data.y[weights > 0], weights[weights > 0]


def _target_sd(data: Data) -> float:
    y, s = _used(data)
    return float(np.sqrt(s @ (y - s @ y / np.sum(s)) ** 2 / np.sum(s)))


def _target_rms(data: Data) -> float:
    y, s = _used(data)
    return float(np.sqrt(s @ y**2 / np.sum(s)))


def _sample_target_sd(data: Data) -> float:
    return float(np.std(data.y, ddof=1))


def _sample_column_sd(data: Data) -> FloatArray:
    """Of all rows alike; exactly 0 for constant columns."""
    n = data.y.size
    return design.column_deviation(data.X, np.ones(n)) * np.sqrt(n / (n - 1))


def _unbiased_column_sd(data: Data) -> FloatArray:
    _, s = _used(data)
    total = float(np.sum(s))
    return column_deviation(data) * np.sqrt(total / (total - float(s @ s) / total))


def _column_squares(data: Data) -> FloatArray:
    weights = np.ones(data.y.size) if data.weights is None else data.weights
    squares = data.X.multiply(data.X) if hasattr(data.X, "multiply") else data.X**2
    return np.asarray(squares.T @ weights, dtype=np.float64)


def _column_rms(data: Data) -> FloatArray:
    return np.asarray(np.sqrt(_column_squares(data) / data.total_weight))


QUANTITIES = {
    "sigma": Quantity("sigma", "sigma=..., the noise standard deviation in units of y"),
    "phi": Quantity("phi", "phi=..., the dispersion (variance = phi mean^power), as a number"),
    "s": Quantity("s", "s=..., the scale of the noise: density q(1 - q)/s exp(-rho_q/s)"),
    "total_weight": Quantity(
        "n",
        "data, or n=... (with sample weights total_weight=..., their sum N; N = n without)",
        lambda data: data.total_weight,
    ),
    "rows": Quantity(
        "n", "data, or n=..., the number of rows whatever their weights",
        lambda data: float(data.y.size),
    ),
    "sd_y": Quantity("sd_y", "data, or sd_y=..., the population sd of y (divisor N)", _target_sd),
    "rms_y": Quantity("rms_y", "data, or rms_y=..., the root of the mean of y^2", _target_rms),
    "sample_sd_y": Quantity(
        "sample_sd_y", "data, or sample_sd_y=..., the sd of y with divisor n - 1", _sample_target_sd
    ),
    "sd_x": Quantity(
        "sd_x", "data, or sd_x=..., the population sd of each column (divisor N)",
        column_deviation, per_column=True,
    ),
    "rms_x": Quantity(
        "rms_x", "data, or rms_x=..., the root of the mean of the squares of each column",
        _column_rms, per_column=True,
    ),
    "p": Quantity("p", "data, or p=..., the number of columns", lambda data: float(data.p)),
    "unbiased_sd_x": Quantity(
        "unbiased_sd_x", "data, or unbiased_sd_x=..., the sd of each column with divisor "
        "N - sum(s^2) / N (n - 1 without weights)", _unbiased_column_sd, per_column=True,
    ),
    "sample_sd_x": Quantity(
        "sample_sd_x", "data, or sample_sd_x=..., the sd of each column with divisor n - 1",
        _sample_column_sd, per_column=True,
    ),
    "squares_x": Quantity(
        "squares_x", "data, or squares_x=..., the (weighted) sum of squares of each column",
        _column_squares, per_column=True,
    ),
}  # fmt: skip
