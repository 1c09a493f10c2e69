"""A title that fits: words are wrapped, and given Axes give way where text would be cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Points kept free at the figure's edge.
_EDGE = 3.0


def entitle(ax: Axes, title: str) -> None:
    """Set the title, wrapped to the width there is, and make room for all text around the Axes.

    A figure with a layout engine makes room by itself. Without one the Axes shrink where their
    text would stick out of the figure, and by no more than that.
    """
    from bayesreg.plots.colours import ink

    text = ax.set_title(title, loc="left", color=ink(ax))
    for label in (ax.xaxis.label, *(child.xaxis.label for child in ax.child_axes)):
        label.set_text(_wrapped(label, _width(ax)))
    ax.yaxis.label.set_text(_wrapped(ax.yaxis.label, ax.get_window_extent().height))
    for _ in range(2):
        text.set_text(_wrapped(text, _width(ax), title))
        if text.get_text().count("\n"):
            text.set_fontsize("medium")
            text.set_text(_wrapped(text, _width(ax), title))
        _draw_in(ax)


def _width(ax: Axes) -> float:
    """Pixels from the left of the Axes to their right, or to the figure's edge where alone."""
    box, figure = ax.get_window_extent(), ax.figure.bbox
    alone = len(ax.figure.axes) == 1
    return float(figure.x1 - box.x0 - _pixels(ax, _EDGE)) if alone else float(box.width)


def _pixels(ax: Axes, points: float) -> float:
    return points * float(ax.figure.dpi) / 72.0


def _wrapped(text: Any, width: float, whole: str | None = None) -> str:
    """The words in lines no wider than ``width`` pixels, as far as single words allow."""
    whole = text.get_text().replace("\n", " ") if whole is None else whole
    lines: list[str] = []
    for word in whole.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _length(text, longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    text.set_text(whole)
    return "\n".join(lines)


def _length(text: Any, words: str) -> float:
    """Pixels along the line of writing."""
    text.set_text(words)
    box = text.get_window_extent()
    return float(max(box.width, box.height))


def _draw_in(ax: Axes) -> None:
    """Move the sides of the Axes inwards by what sticks out of the figure there."""
    figure = ax.figure
    if figure.get_layout_engine() is not None:
        return
    needed = ax.get_tightbbox()
    edge = _pixels(ax, _EDGE)
    if needed is None:
        return
    whole = figure.bbox
    low = np.maximum([whole.x0 + edge - needed.x0, whole.y0 + edge - needed.y0], 0.0)
    high = np.maximum([needed.x1 - whole.x1 + edge, needed.y1 - whole.y1 + edge], 0.0)
    size = np.array([whole.width, whole.height])
    place = ax.get_position()
    corner = place.p0 + low / size
    extent = place.p1 - high / size - corner
    if np.any(low + high > 0) and np.all(extent > 0.2):
        ax.set_position((*corner, *extent))
