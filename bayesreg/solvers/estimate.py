"""MapEstimate: a posterior mode with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesreg._json import plain
from bayesreg._tables import Table, number
from bayesreg._types import BoolArray, FloatArray
from bayesreg.certificate import Certificate
from bayesreg.data import Data
from bayesreg.errors import DataError
from bayesreg.likelihoods import predicted
from bayesreg.model import Model


@dataclass(frozen=True, eq=False)
class LocalMode:
    """One of several local modes: where it is and its log density in nats."""

    coef: FloatArray
    intercept: float
    scalars: Mapping[str, float]
    log_density: float


@dataclass(frozen=True, eq=False)
class MapEstimate:
    """The mode of p(coef, intercept | y).

    Attributes
    ----------
    coef : (p,) array
        On the original columns; exactly 0.0 (or ``loc``) where the mode is at the kink.
    intercept : float
        0.0 for a model without one.
    certificate : Certificate
        The bound on the distance from the true mode.
    log_density : float
        log p(y, coef, intercept) in nats, constants included.
    names : tuple of str
    model : Model
    l1, l2, loc : (p,) arrays
        The penalty in nats on the original columns: slope, curvature, centre.
    unique : bool
        False when other points attain the same density (duplicate columns under a pure L1, say).
    iterations : int
        Newton iterations used.
    settled : bool
        The solver stopped by itself, with nothing left to win but rounding.
    scalars : mapping of str to float
        Parameters of the model found beside the coefficients, such as ``sigma``; empty when the
        model states them all as numbers.
    modes : tuple of LocalMode
        Every local mode that was found, best first, where there can be more than one; the first
        is this estimate. Empty for convex problems.
    """

    coef: FloatArray
    intercept: float
    certificate: Certificate
    log_density: float
    names: tuple[str, ...]
    model: Model
    l1: FloatArray
    l2: FloatArray
    loc: FloatArray
    unique: bool
    iterations: int
    settled: bool
    scalars: Mapping[str, float] = field(default_factory=dict)
    modes: tuple[LocalMode, ...] = ()

    @property
    def lambda1(self) -> FloatArray:
        """The canonical L1 penalty sigma^2 / b of each column (sigma = 1 unless Gaussian)."""
        return self.model.likelihood.noise**2 * self.l1

    @property
    def lambda2(self) -> FloatArray:
        """The canonical L2 penalty sigma^2 / tau^2 of each column."""
        return self.model.likelihood.noise**2 * self.l2

    @property
    def n_zeros(self) -> int:
        """Coefficients that are exactly 0."""
        return int(np.count_nonzero(self.coef == 0.0))

    @property
    def at_loc(self) -> BoolArray:
        """Which coefficients sit exactly on their prior's centre."""
        return self.coef == self.loc

    def predict(self, X: Any, offset: Any = 0.0) -> FloatArray:
        """E[y] at new rows: the mean of the likelihood at the mode.

        Under AsymmetricLaplace the q-quantile of y, which is what such a model is fitted for.

        Parameters
        ----------
        X : (m, p) array, DataFrame or scipy sparse matrix
            The columns of the fit, in its order.
        offset : (m,) array or number
            Added to the linear predictor.

        Returns
        -------
        (m,) array

        Raises
        ------
        DataError, DataTypeError
            Naming what cannot be used and where.
        """
        rows = _rows(X)
        one_number = not np.iterable(offset) or isinstance(offset, str | bytes)
        data = Data(X, np.zeros(rows), offset=np.full(rows, offset) if one_number else offset)
        if data.p != self.coef.size:
            raise DataError(
                f"X has {data.p} columns, but the fit is on {self.coef.size} "
                f"({_some(self.names)}); pass those columns, in this order"
            )
        if hasattr(X, "columns") and _reordered(data.names, self.names):
            raise DataError(
                f"X has the columns of the fit in another order ({_some(data.names)} instead of "
                f"{_some(self.names)}); pass X[list(fit.names)]"
            )
        eta = data.X @ self.coef + self.intercept + data.offset
        return predicted(self.model.likelihood, eta)

    def to_table(self) -> Table:
        """A row per coefficient, the intercept last; exact zeros as 0."""
        rows = [(name, number(w, 6)) for name, w in zip(self.names, self.coef, strict=True)]
        if self.model.intercept is not None:
            rows.append(("intercept", number(self.intercept, 6)))
        return Table(("coefficient", "MAP"), tuple(rows))

    def to_dict(self) -> dict[str, object]:
        """Everything as plain numbers and strings, for JSON; infinity becomes ``"inf"``."""
        certificate = self.certificate
        result: dict[str, object] = {
            "model": repr(self.model),
            "coef": dict(zip(self.names, self.coef.tolist(), strict=True)),
            "intercept": self.intercept,
            "n_zeros": self.n_zeros,
            "unique": self.unique,
            "log_density": self.log_density,
            "certificate": {
                "holds": certificate.holds,
                "gap": certificate.gap,
                "relative_gap": certificate.relative_gap,
                "kkt_residual": certificate.kkt_residual,
                "zeros_proved": certificate.zeros_proved,
                "flat_residual": certificate.flat_residual,
            },
        }
        return {key: plain(value) for key, value in result.items()}

    def __repr__(self) -> str:
        return f"<MapEstimate: {self.coef.size - self.n_zeros} of {self.coef.size} nonzero>\n{self}"

    def __str__(self) -> str:
        table = self.to_table()
        if len(table.rows) > 60:
            rows = tuple(row for row in table.rows if row[1] != "0")[:60]
            table = Table(table.header, rows, f"{len(rows)} of {len(table.rows)} rows")
        unique = "" if self.unique else "\nthe mode is not unique: this is one of its points"
        return f"MAP of {self.model}\n{table}\n{self.certificate}{unique}"


def _rows(X: Any) -> int:
    """How many rows X has, 0 where it has none; Data says what is wrong then."""
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else 0
    return len(X) if hasattr(X, "__len__") else 0


def _reordered(found: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return found != names and set(found) == set(names)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
