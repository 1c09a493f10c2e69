"""The legend: inside the Axes where there is room, below small ones, in the colours of the Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayesreg.plots.colours import ink, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Axes narrower than this, in points, have no room for a legend beside the data.
_SMALL = 240.0
# From the Axes down past the numbers and the label of the x axis, in points.
_DOWN = 34.0
# Letters of the longest entry of which two fit side by side below small Axes.
_SHORT = 28


def draw_legend(
    ax: Axes,
    *,
    loc: str = "best",
    handles: Sequence[Any] | None = None,
    size: float = 8.0,
    below: bool = False,
) -> None:
    """Of the labelled artists, or of ``handles``.

    ``below`` puts it there on large Axes too, where no corner is free of data.
    """
    from matplotlib.transforms import ScaledTranslation

    drawn = list(ax.get_legend_handles_labels()[0] if handles is None else handles)
    look: dict[str, Any] = {"loc": loc, "fontsize": size, "framealpha": 0.85}
    small = ax.get_window_extent().width * 72.0 / float(ax.figure.dpi) < _SMALL
    if small or below:
        longest = max(len(str(handle.get_label())) for handle in drawn)
        down = ScaledTranslation(0.0, -_DOWN / 72.0, ax.figure.dpi_scale_trans)
        look = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "frameon": False,
                "bbox_transform": ax.transAxes + down, "fontsize": 7.0 if small else size,
                "ncols": 1 if longest > _SHORT else 2 if small else len(drawn)}  # fmt: skip
    legend = ax.legend(handles=drawn, **look)
    legend.get_frame().set(facecolor=paper(ax), edgecolor=ink(ax), linewidth=0.4)
    for text in legend.get_texts():
        text.set_color(ink(ax))
