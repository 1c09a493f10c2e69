"""What all pictures share: Axes, colours, the shade of secondary lines, names as text.

Nothing is shown or saved. Colours are those of Okabe and Ito, told apart by the colour-blind;
lines and text beside the data take the colour of the style in force, light or dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_STYLES = ("-", "--", ":")


def ink() -> str:
    """The colour of text in the style in force."""
    import matplotlib as mpl

    return str(mpl.rcParams["text.color"])


def zero_line(ax: Axes, across: bool = True) -> None:
    """A thin line at 0, behind everything."""
    draw = ax.axhline if across else ax.axvline
    draw(0.0, color=ink(), alpha=0.4, linewidth=0.8, zorder=0)


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


def colour(j: int) -> str:
    return COLOURS[j % len(COLOURS)]


def line_style(j: int) -> str:
    return _STYLES[(j // len(COLOURS)) % len(_STYLES)]


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
    least = 0.042 * (high - low)
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
            textcoords="offset points", va="center", fontsize=8.5, color=colour(int(j)),
            annotation_clip=False,
        )  # fmt: skip
