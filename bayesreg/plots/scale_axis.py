"""The axis of prior scales, lambda above it, and scales marked on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError
from bayesreg.plots.colours import ink, paper
from bayesreg.plots.style import verbatim

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Factor of a logarithmic axis up to which ticks stand at 1, 2 and 5: powers of ten would be few.
_NARROW = 200.0
# Size of the names of marked scales, in points.
_NAME_SIZE = 8.0


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
    words = study.attrs.get("axis", f"prior scale of {study.attrs['axis_column']}")
    ax.set_xlabel(verbatim(str(words)))
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
    """A vertical line for each chosen scale, its name beside the whole bunch that it stands in."""
    if choices is None:
        return
    if not isinstance(choices, Mapping):
        raise DataTypeError(
            "choices must map names to scales, such as the result of choose_scale or "
            f"{{'evidence': 0.5}}; got {type(choices).__name__}"
        )
    scales = {
        verbatim(str(name)): float(choice.scale if hasattr(choice, "scale") else choice)
        for name, choice in choices.items()
    }
    low, high = ax.get_xlim()
    marked = {name: at for name, at in scales.items() if np.isfinite(at) and at > 0}
    for at in marked.values():
        ax.axvline(at, color=ink(ax), alpha=0.75, linestyle=(0, (2, 2)), linewidth=1.0)
    inside = {name: at for name, at in marked.items() if low <= at <= high}
    _name_lines(ax, inside)


def _name_lines(ax: Axes, scales: dict[str, float]) -> None:
    """Names in rows from the top, clear of all lines of their bunch, an arrow to each one's own."""
    box = ax.get_window_extent()
    point = float(ax.figure.dpi) / 72.0
    width, row = (box.width / point, 1.6 * _NAME_SIZE / (box.height / point))
    to_fraction = (ax.transData + ax.transAxes.inverted()).transform
    at = {name: float(to_fraction((scale, 1.0))[0]) for name, scale in scales.items()}
    # Letters of a sans serif face are about 0.6 of its size wide; an arrow is 12 points long.
    wide = {name: (0.62 * _NAME_SIZE * len(name) + 16.0) / width for name in scales}
    for bunch in _bunches(at, max(wide.values(), default=0.0)):
        right = at[bunch[-1]] + max(wide[name] for name in bunch) <= 1.0
        edge = (at[bunch[-1]] if right else at[bunch[0]]) * width
        for name in bunch:
            height = 0.97 - row * list(scales).index(name)
            away = edge - at[name] * width + (12.0 if right else -12.0)
            ax.annotate(
                name, (scales[name], height), xycoords=("data", "axes fraction"),
                xytext=(away, 0.0), textcoords="offset points", fontsize=_NAME_SIZE,
                color=ink(ax), va="center", ha="left" if right else "right", zorder=6,
                bbox={"facecolor": paper(ax), "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
                arrowprops={"arrowstyle": "->", "color": ink(ax), "linewidth": 0.7,
                            "shrinkA": 0.0, "shrinkB": 0.0},
            )  # fmt: skip


def _bunches(at: dict[str, float], reach: float) -> list[list[str]]:
    """Names from left to right, parted where the next line is farther than a name is wide."""
    bunches: list[list[str]] = []
    for name in sorted(at, key=at.__getitem__):
        if bunches and at[name] - at[bunches[-1][-1]] <= reach:
            bunches[-1].append(name)
        else:
            bunches.append([name])
    return bunches


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
