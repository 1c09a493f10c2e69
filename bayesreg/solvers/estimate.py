"""MapEstimate: a posterior mode with its proof."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._json import plain
from bayesreg._tables import Table, number, with_notes
from bayesreg._types import BoolArray, FloatArray
from bayesreg.errors import DataError
from bayesreg.likelihoods import noise_prior, predicted
from bayesreg.model import Model
from bayesreg.proof.certificate import Certificate
from bayesreg.solvers.class_table import class_table
from bayesreg.solvers.new_rows import new_rows

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


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
        On the original columns; exactly 0.0 (or ``loc``) where the mode is at the kink. For a
        likelihood of K classes (K, p), a row per class.
    intercept : float
        0.0 for a model without one. For K classes a (K,) array; flat intercepts sum to 0, and so
        does each column with a flat prior (only differences between classes are determined).
    certificate : Certificate
        The bound on the distance from the true mode.
    log_density : float
        log p(y, coef, intercept) in nats, constants included; with ``scalars`` found beside them,
        their joint density, taken in each scalar itself (not its logarithm).
    names : tuple of str
    model : Model
    l1, l2, loc : (p,) arrays
        The penalty in nats on the original columns: slope (of a group, the rate of its norm),
        curvature (with a covariance, the diagonal of the precision matrix), centre.
    unique : bool
        False when other points attain the same density (duplicate columns under a pure L1, say).
    iterations : int
        Newton iterations used.
    settled : bool
        The solver stopped by itself, with nothing left to win but rounding (or what a loose
        ``tol`` leaves).
    scalars : mapping of str to float
        Parameters of the model found beside the coefficients, such as ``sigma``; empty when the
        model states them all as numbers. A dispersion that was found (``alpha``, ``phi``, ``s``,
        the ``sigma`` of StudentT) also stands in ``model`` as that number.
    modes : tuple of LocalMode
        The local modes that were found, best first, where there can be more than one; the first
        is this estimate. Others may exist, and a better one among them. Empty for convex problems.
    target : str or None
        Which mode, where sigma or a dispersion is unknown: "joint" (``log_density`` is log p(y,
        intercept, coef, sigma), ``scalars["sigma"]`` its sigma) or "marginal" (``log_density`` is
        log p(y, coef), intercept and sigma integrated out; ``intercept`` is the best one given
        ``coef``, and ``scalars["effective_sigma"]`` the sigma at which the conditional mode is
        this point).
    conditional : Certificate or None
        With sigma or a dispersion unknown: the duality gap of the coefficients given the one
        found.
    classes : tuple of int
        0, ..., K - 1 for a likelihood of K classes, the rows of ``coef``; else empty.
    needs_offset : bool
        The data had an offset, so that :meth:`predict` asks for that of the new rows.
    """

    coef: FloatArray
    intercept: Any
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
    target: str | None = None
    conditional: Certificate | None = None
    classes: tuple[int, ...] = ()
    needs_offset: bool = False

    @property
    def lambda1(self) -> FloatArray:
        """The canonical L1 penalty sigma^2 / b of each column (sigma = 1 unless Gaussian)."""
        return self._noise**2 * self.l1

    @property
    def lambda2(self) -> FloatArray:
        """The canonical L2 penalty sigma^2 / tau^2 of each column."""
        return self._noise**2 * self.l2

    @property
    def _noise(self) -> float:
        """sigma as stated or as found; 1 where there is none."""
        if noise_prior(self.model.likelihood) is None:
            return self.model.likelihood.noise
        return self.scalars.get("sigma", self.scalars.get("effective_sigma", math.nan))

    @property
    def n_zeros(self) -> int:
        """Coefficients that are exactly 0."""
        return int(np.count_nonzero(self.coef == 0.0))

    @property
    def at_loc(self) -> BoolArray:
        """Which coefficients sit exactly on their prior's centre."""
        return self.coef == self.loc

    def predict(self, X: Any, offset: Any = None) -> FloatArray:
        """E[y] at new rows: the mean of the likelihood at the mode.

        Under AsymmetricLaplace the q-quantile of y, which is what such a model is fitted for. Of
        one trial for ``Binomial()``: the probability of a success.

        Parameters
        ----------
        X : (m, p) array, DataFrame (pandas, polars), pyarrow Table or scipy sparse matrix
            The columns of the fit, in its order.
        offset : (m,) array or number, optional
            Added to the linear predictor. Required where the data of the fit had one: a number
            for all rows (0.0 for none), or one each.

        Returns
        -------
        (m,) array; for K classes (m, K), the probability of each

        Raises
        ------
        DataError, DataTypeError
            Naming what cannot be used and where.
        """
        data = new_rows(X, offset, self.names, self.needs_offset, "fit.names")
        eta = data.X @ self.coef.T + self.intercept
        if not self.classes:
            return predicted(self.model.likelihood, eta + data.offset)
        if np.any(data.offset):
            raise DataError("an offset cancels in the softmax of the classes; leave it out")
        return self.model.likelihood.mean(eta)

    def to_table(self) -> Table:
        """A row per coefficient, then intercept and scalars; exact zeros as 0.

        A column per class. The title says of how many local modes this is the best.
        """
        if self.classes:
            return self._class_table()
        rows = [(name, number(w, 6)) for name, w in zip(self.names, self.coef, strict=True)]
        if self.model.intercept is not None:
            rows.append(("intercept", number(self.intercept, 6)))
        rows += [(name, number(value, 6)) for name, value in self.scalars.items()]
        several = f"the best of {len(self.modes)} local modes" if len(self.modes) > 1 else ""
        return Table(("coefficient", "MAP"), tuple(rows), several)

    def _class_table(self) -> Table:
        if self.model.intercept is None:
            return class_table(self.names, self.coef)
        return class_table((*self.names, "intercept"), np.column_stack([self.coef, self.intercept]))

    def to_dict(self) -> dict[str, object]:
        """Everything as plain numbers and strings, for JSON; infinity becomes ``"inf"``."""
        certificate = self.certificate
        result: dict[str, object] = {
            "model": repr(self.model),
            "coef": self._by_name(self.coef),
            "intercept": np.asarray(self.intercept).tolist(),
            "n_zeros": self.n_zeros,
            "unique": self.unique,
            "log_density": self.log_density,
            "certificate": {
                "holds": certificate.holds,
                "local": certificate.local,
                "gap": certificate.gap,
                "relative_gap": certificate.relative_gap,
                "kkt_residual": certificate.kkt_residual,
                "zeros_proved": certificate.zeros_proved,
                "flat_residual": certificate.flat_residual,
            },
        }
        if self.target is not None:
            result["target"] = self.target
            result["scalars"] = dict(self.scalars)
        if self.target is not None or self.modes:
            result["modes"] = [self._mode_as_dict(mode) for mode in self.modes]
        return {key: plain(value) for key, value in result.items()}

    def _mode_as_dict(self, mode: LocalMode) -> dict[str, object]:
        return {
            "coef": self._by_name(mode.coef),
            "intercept": mode.intercept,
            "scalars": dict(mode.scalars),
            "log_density": mode.log_density,
        }

    def _by_name(self, coef: FloatArray) -> dict[str, object]:
        """Coefficients by column; for K classes by class, then column."""
        if coef.ndim == 2:
            return {str(k): self._by_name(coef[k]) for k in self.classes}
        return dict(zip(self.names, coef.tolist(), strict=True))

    def __repr__(self) -> str:
        return f"<MapEstimate: {self.coef.size - self.n_zeros} of {self.coef.size} nonzero>\n{self}"

    def __str__(self) -> str:
        return "\n".join([self._heading, str(self._shown_table()), *self._notes])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        yield Text(self._heading)
        yield from with_notes(self._shown_table(), self._notes)

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes)
        return f"<p>{escape(self._heading)}</p>{self._shown_table().to_html()}{notes}"

    def _shown_table(self) -> Table:
        """At most 60 rows, zeros left out first."""
        table = self.to_table()
        if len(table.rows) <= 60:
            return table
        rows = tuple(row for row in table.rows if set(row[1:]) != {"0"})[:60]
        title = f"{table.title}; " if table.title else ""
        return Table(table.header, rows, f"{title}{len(rows)} of {len(table.rows)} rows")

    @property
    def _heading(self) -> str:
        meaning = f" ({self.target} mode)" if self.target else ""
        return f"MAP{meaning} of {self.model}"

    @property
    def _notes(self) -> list[str]:
        unique = [] if self.unique else ["the mode is not unique: this is one of its points"]
        return [str(self.certificate), *unique]
