"""The axis of prior scales, lambda above it, and scales marked on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError
from bayesreg.plots.style import ink, verbatim

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Factor of a logarithmic axis up to which ticks stand at 1, 2 and 5: powers of ten would be few.
_NARROW = 200.0


def checked_study(study: Any) -> xr.Dataset:
    """A result of scan_scales."""
    import xarray as xr

    if isinstance(study, xr.Dataset) and {"scale", "lambda"} <= set(study.coords):
        return study
    raise DataTypeError(
        f"study must be an xarray.Dataset from scan_scales; got {type(study).__name__}"
    )


def label_scales(ax: Axes, study: xr.Dataset) -> None:
    """Logarithmic scales below, lambda above."""
    scales = study["scale"].values
    ax.set_xscale("log")
    if scales[0] < scales[-1]:
        ax.set_xlim(scales[0], scales[-1])
    mark_narrow(ax.xaxis, scales)
    ax.set_xlabel(f"prior scale of {verbatim(str(study.attrs['axis_column']))}")
    unknown = "sigma = 1" in str(study.attrs.get("lambda", ""))
    lambda_axis(ax, scales, study["lambda"].values, " at sigma = 1" if unknown else "")


def mark_narrow(axis: Axis, values: FloatArray) -> None:
    """Numbers at 1, 2 and 5 of each decade where the axis spans few decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if max(values[0], values[-1]) > _NARROW * min(values[0], values[-1]):
        return
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())


def mark_scales(ax: Axes, choices: Any) -> None:
    """A vertical line with its name for each chosen scale; names in rows, so that none overlap."""
    if choices is None:
        return
    if not isinstance(choices, Mapping):
        raise DataTypeError(
            "choices must map names to scales, such as the result of choose_scale or "
            f"{{'evidence': 0.5}}; got {type(choices).__name__}"
        )
    for row, (name, choice) in enumerate(choices.items()):
        scale = float(choice.scale if hasattr(choice, "scale") else choice)
        if not (np.isfinite(scale) and scale > 0):
            continue
        ax.axvline(scale, color=ink(), alpha=0.75, linestyle=(0, (2, 2)), linewidth=1.0)
        ax.annotate(
            verbatim(str(name)), (scale, 0.97 - 0.055 * (row % 8)),
            xycoords=("data", "axes fraction"), xytext=(4, 0), textcoords="offset points",
            fontsize=8, color=ink(), va="top",
        )  # fmt: skip


def lambda_axis(ax: Axes, scales: FloatArray, lambdas: FloatArray, unit: str = "") -> None:
    """lambda on a second axis above; log-log linear in the scale, so one power maps the two."""
    if len(scales) < 2 or scales[0] == scales[-1] or not np.all(np.isfinite(lambdas)):
        return
    power = float(np.log(lambdas[-1] / lambdas[0]) / np.log(scales[-1] / scales[0]))
    constant = lambdas[0] / scales[0] ** power

    def to_lambda(scale: Any) -> Any:
        return constant * np.maximum(scale, 1e-300) ** power

    def to_scale(value: Any) -> Any:
        return (np.maximum(value, 1e-300) / constant) ** (1.0 / power)

    above = ax.secondary_xaxis("top", functions=(to_lambda, to_scale))
    above.set_xlabel(f"penalty lambda{unit} (weaker to the right)")
    mark_narrow(above.xaxis, lambdas)
