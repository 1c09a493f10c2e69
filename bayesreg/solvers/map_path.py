"""The modes along a path of prior scales: what find_map_path returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from bayesreg._tables import Table, number
from bayesreg._types import FloatArray
from bayesreg.model import Model
from bayesreg.proof.certificate import Certificate
from bayesreg.solvers.estimate import MapEstimate

if TYPE_CHECKING:
    import xarray as xr


_T = TypeVar("_T")


class Lazily(Sequence[_T]):
    """A sequence whose entries are made when asked for, once; a tuple when pickled or copied."""

    def __init__(self, size: int, make: Callable[[int], _T]) -> None:
        self._made: list[_T | None] = [None] * size
        self._make = make

    def __len__(self) -> int:
        return len(self._made)

    def __reduce__(self) -> tuple[type[tuple[Any, ...]], tuple[list[_T]]]:
        return tuple, (list(self),)

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_T, ...]: ...
    def __getitem__(self, index: int | slice) -> _T | tuple[_T, ...]:
        if isinstance(index, slice):
            return tuple(self[k] for k in range(*index.indices(len(self))))
        k = range(len(self))[index]
        if (entry := self._made[k]) is None:
            entry = self._made[k] = self._make(k)
        return entry


def axis_words(model: Model, column: str) -> str:
    """What stands at an axis of prior scales: whose, where not all have one, and in which units."""
    common = not isinstance(model.prior, Mapping) and np.ndim(model.prior.axis_scale) == 0
    units = "of standardised columns" if model.standardize else "in units of the coefficient"
    if common and getattr(model.prior, "relative_to_noise", False):
        units += " / sigma"
    return f"prior scale{'' if common else f' of {column}'} ({units})"


@dataclass(frozen=True, eq=False)
class MapPath:
    """Modes along a grid of prior scales.

    Attributes
    ----------
    scales : (k,) array
        Prior scale of ``axis_column``; the others keep their ratio to it.
    lambdas : (k,) array
        The canonical lambda beside each scale: lambda1 of ``axis_column``, or lambda2 where its
        prior has no L1 part. With ``standardize`` both are those of the standardised column. NaN
        where every prior is StudentT or Cauchy, which have no lambda.
    axis_column : str
        The first column, in the order of the data, whose prior has an L1 part; where none has,
        whose prior is not flat.
    coef : (k, p) array
        On the original columns.
    intercept : (k,) array
    certificates : sequence of k Certificate
        Made when asked for; that each holds was checked when the path was made.
    estimates : sequence of k MapEstimate
        The same points with everything that :func:`find_map` returns, made when asked for.
    names : tuple of p str
    model : Model
        The model at its stated scales.
    """

    scales: FloatArray
    lambdas: FloatArray
    axis_column: str
    coef: FloatArray
    intercept: FloatArray
    certificates: Sequence[Certificate]
    estimates: Sequence[MapEstimate]
    names: tuple[str, ...]
    model: Model

    @property
    def n_nonzero(self) -> Any:
        coef = self.coef
        return np.count_nonzero(coef.reshape(len(coef), -1), axis=1)

    def __len__(self) -> int:
        return self.scales.size

    def to_dataset(self) -> xr.Dataset:
        """``coef[scale, feature]``, ``intercept``, gaps; coordinate ``lambda`` on the scale.

        For a likelihood of K classes ``coef[scale, class, feature]`` and ``intercept[scale,
        class]``.
        """
        import xarray as xr

        certificates = self.certificates
        classes = self.estimates[0].classes
        dims = ("scale", "class") if classes else ("scale",)
        return xr.Dataset(
            {
                "coef": ((*dims, "feature"), self.coef),
                "intercept": (dims, self.intercept),
                "gap": ("scale", [c.gap for c in certificates]),
                "relative_gap": ("scale", [c.relative_gap for c in certificates]),
                "n_nonzero": ("scale", self.n_nonzero),
                "log_density": ("scale", [e.log_density for e in self.estimates]),
            },
            coords={
                "scale": self.scales,
                "lambda": ("scale", self.lambdas),
                "feature": list(self.names),
                **({"class": list(classes)} if classes else {}),
            },
            attrs={"model": repr(self.model), "axis_column": self.axis_column},
        )

    def to_table(self) -> Table:
        """A row per scale: lambda, coefficients off 0, log density, and the certificate's figure.

        That is the relative gap, or for local modes the KKT residual.
        """
        figure = self._figure
        rows = tuple(
            (
                number(scale), number(value), str(count), number(estimate.log_density, 6),
                f"{getattr(estimate.certificate, figure):.1e}",
            )
            for scale, value, count, estimate in zip(
                self.scales, self.lambdas, self.n_nonzero, self.estimates, strict=True
            )
        )  # fmt: skip
        header = (f"scale of {self.axis_column}", "lambda", "nonzero", "log density")
        return Table((*header, figure.replace("_", " ")), rows)

    @property
    def _figure(self) -> str:
        """What of a certificate says how far off a point may be."""
        local = any(certificate.local for certificate in self.certificates)
        return "kkt_residual" if local else "relative_gap"

    def __repr__(self) -> str:
        figure = self._figure
        local = figure == "kkt_residual"
        worst = max(float(getattr(certificate, figure)) for certificate in self.certificates)
        return (
            f"<MapPath: {len(self)} scales from {self.scales[0]:.4g} to {self.scales[-1]:.4g}, "
            f"{self.n_nonzero[0]} to {self.n_nonzero[-1]} nonzero, "
            f"largest {'KKT residual (local modes)' if local else 'relative gap'} {worst:.1g}>"
        )
