"""The mode along the prior scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError, ModelError, ModelTypeError
from bayesreg.plots.colours import colour, line_style
from bayesreg.plots.fitting import entitle
from bayesreg.plots.scale_axis import checked_study, lambda_axis, mark_narrow, mark_scales
from bayesreg.plots.study_path import plot_study_path
from bayesreg.plots.style import axes, name_line_ends, verbatim, zero_line
from bayesreg.solvers import MapPath
from bayesreg.solvers.map_path import axis_words

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def plot_path(
    path: MapPath | xr.Dataset,
    *,
    ax: Axes | None = None,
    marked_scale: float | None = None,
    labels: int = 12,
    choices: Any = None,
    bands: int | Sequence[str] = 4,
) -> Axes:
    """Coefficients over the prior scale, lambda on the axis above.

    Parameters
    ----------
    path : MapPath, or xarray.Dataset from :func:`bayesreg.scan_scales`
        Of a study, posterior means and highest-density intervals are drawn beside the modes.
    ax : Axes, optional
    marked_scale : float, optional
        A scale to mark with a vertical line.
    choices : mapping of name to scale, or to an object with ``scale``, optional
        More vertical lines, such as the result of :func:`bayesreg.choose_scale`.
    labels : int
        How many coefficients, the largest first, are named at the right end.
    bands : int or sequence of str
        Of a study, the coefficients whose highest-density intervals are shaded: how many, the
        largest first, or their names. More than a few shades run into one another.

    Returns
    -------
    Axes

    Raises
    ------
    DataTypeError, ModelError, ModelTypeError
        Naming the argument that cannot be used.
    """
    if type(path).__name__ == "Dataset":
        return _of_study(path, ax, marked_scale, labels, choices, bands)
    if not isinstance(path, MapPath):
        raise DataTypeError(
            "path must be a MapPath from find_map_path or a study from scan_scales; got "
            f"{type(path).__name__}"
        )
    if path.estimates[0].classes:
        raise ModelError(
            "plot_path draws one vector of coefficients, and this path has one per class; "
            'path.to_dataset()["coef"].sel({"class": 0}).plot.line(x="scale") draws one of them'
        )
    if marked_scale is not None:
        marked = _checks.positive_number(marked_scale, "marked_scale")
        choices = {f"scale {marked:g}": marked, **(choices or {})}
    labels = _label_count(labels)
    ax = axes(ax, (8.0, 5.0))
    order = np.argsort(path.scales)
    scales, coef = path.scales[order], path.coef[order]
    for j in range(coef.shape[1]):
        ax.plot(scales, _leaving_zero(coef[:, j]), color=colour(ax, j), linestyle=line_style(j),
                linewidth=1.6)  # fmt: skip
    zero_line(ax)
    ax.set_xscale("log")
    if scales[0] < scales[-1]:
        ax.set_xlim(scales[0], scales[-1])
    mark_narrow(ax.xaxis, scales)
    name_line_ends(ax, path.estimates[0].names, coef[-1], labels)
    ax.set_xlabel(verbatim(axis_words(path.estimates[0].model, path.axis_column)))
    ax.set_ylabel("coefficient at the mode")
    lambda_axis(ax, scales, path.lambdas[order])
    entitle(ax, "Posterior mode along the prior scale")
    mark_scales(ax, choices)
    return ax


def _of_study(
    study: Any, ax: Axes | None, marked_scale: float | None, labels: int, choices: Any, bands: Any
) -> Axes:
    checked_study(study)
    if marked_scale is not None:
        marked = _checks.positive_number(marked_scale, "marked_scale")
        choices = {f"scale {marked:g}": marked, **(choices or {})}
    return plot_study_path(study, ax, choices, _label_count(labels), bands)


def _label_count(value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"labels must be a whole number; got {_checks.shown(value)}")
    if value < 0:
        raise ModelError(
            f"labels must be at least 0 (no names at the lines); got {_checks.shown(value)}"
        )
    return int(value)


def _leaving_zero(values: FloatArray) -> FloatArray:
    """Without the stretches at exactly 0: the axis is drawn there already."""
    zero = np.concatenate([[True], values == 0, [True]])
    return np.where(zero[:-2] & zero[1:-1] & zero[2:], np.nan, values)
