"""Mode and posterior along the prior scale, from one study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.plots.scale_axis import label_scales, mark_scales
from bayesreg.plots.style import axes, colour, ink, name_line_ends, zero_line

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def plot_study_path(study: xr.Dataset, ax: Axes | None, choices: Any, labels: int) -> Axes:
    """Lines: the mode; dashes and a band: posterior mean and highest-density interval.

    Bands are drawn for as many coefficients as are named, the largest first.
    """
    ax = axes(ax, (8.0, 5.0))
    scales, mode = study["scale"].values, study["map"].values
    drawn = "mean" in study
    order = np.argsort(-np.abs(np.nan_to_num(mode[-1])), kind="stable")[:labels]
    for j in range(mode.shape[1]):
        named = j in order
        ax.plot(scales, mode[:, j], color=colour(j), linewidth=1.8 if named else 1.0,
                alpha=1.0 if named else 0.4)  # fmt: skip
        if drawn and named:
            ax.plot(scales, study["mean"].values[:, j], color=colour(j), linewidth=1.2,
                    linestyle=(0, (4, 2)))  # fmt: skip
            ax.fill_between(scales, study["hdi_low"].values[:, j], study["hdi_high"].values[:, j],
                            color=colour(j), alpha=0.10, linewidth=0)  # fmt: skip
    zero_line(ax)
    label_scales(ax, study)
    names = tuple(str(name) for name in study["feature"].values)
    name_line_ends(ax, names, np.nan_to_num(mode[-1]), labels)
    mark_scales(ax, choices)
    ax.set_ylabel("coefficient")
    ax.set_title(
        "Mode and posterior along the prior scale" if drawn else "Mode along the prior scale",
        loc="left",
    )
    if drawn:
        _explain(ax, float(study.attrs.get("probability", np.nan)))
    return ax


def _explain(ax: Axes, mass: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=ink(), linewidth=1.8, label="mode"),
        Line2D([], [], color=ink(), linewidth=1.2, linestyle=(0, (4, 2)), label="posterior mean"),
        Patch(facecolor=ink(), alpha=0.15, label=f"{100 * mass:g}% highest-density interval"),
    ]
    legend = ax.legend(handles=handles, loc="lower left", fontsize=8.5, framealpha=0.85)
    for text in legend.get_texts():
        text.set_color(ink())
