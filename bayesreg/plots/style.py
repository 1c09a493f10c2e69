"""What all pictures share: Axes, the line at zero, names as text. Nothing is shown or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError
from bayesreg.plots.colours import colour, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def zero_line(ax: Axes, across: bool = True) -> None:
    """A thin line at 0, behind everything."""
    draw = ax.axhline if across else ax.axvline
    draw(0.0, color=ink(ax), alpha=0.4, linewidth=0.8, zorder=0)


def verbatim(name: str) -> str:
    """A name as text to draw: between two dollars matplotlib would read mathematics."""
    return name.replace("$", r"\$")


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return _checked_axes(ax)
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _checked_axes(ax: Any) -> Axes:
    from matplotlib.axes import Axes

    if isinstance(ax, Axes):
        return ax
    raise DataTypeError(
        f"ax must be one matplotlib Axes; got {type(ax).__name__}. Take one of the array that "
        "subplots returns, such as axes[0], or leave ax out for a new figure"
    )


def axes_row(ax: Any, count: int, size: tuple[float, float]) -> Any:
    """``count`` Axes side by side, as an array: those given, or of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(1, count, figsize=size, layout="constrained")[1]
    given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if given.size != count:
        raise DataTypeError(f"ax must be {count} Axes; got {given.size}")
    for k in range(count):
        _checked_axes(given[k])
    return given


def name_line_ends(ax: Axes, names: tuple[str, ...], ends: FloatArray, labels: int) -> None:
    """Names at the right end of the lines, moved apart where they would overlap."""
    chosen = np.argsort(-np.abs(ends), kind="stable")[:labels]
    chosen = chosen[np.argsort(ends[chosen], kind="stable")]
    low, high = ax.get_ylim()
    points = ax.get_window_extent().height * 72.0 / float(ax.figure.dpi)
    # Small Axes take small names: as large as lets the lines of text stand free of one another.
    size = float(np.clip(points / (1.4 * max(chosen.size, 1)), 5.0, 8.5))
    least = 1.35 * size * (high - low) / points
    heights = ends[chosen].astype(float)
    for _ in range(200):
        gaps = np.diff(heights)
        tight = gaps < least * 0.999
        if not tight.any():
            break
        push = np.where(tight, (least - gaps) / 2, 0.0)
        heights[:-1] -= push
        heights[1:] += push
    for j, height in zip(chosen, heights, strict=True):
        ax.annotate(
            verbatim(names[j]), (1.0, height), xycoords=("axes fraction", "data"), xytext=(5, 0),
            textcoords="offset points", va="center", fontsize=size, color=colour(ax, int(j)),
            annotation_clip=False,
        )  # fmt: skip
