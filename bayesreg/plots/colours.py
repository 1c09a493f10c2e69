"""Colours that hold on the paper at hand, white or black.

On light paper those of Okabe and Ito, told apart by the colour-blind; on dark paper the same hues
lifted, for the blue and the green would sink into the black. Text and lines beside the data take
the colour of the axis label, which is that of the style in which the Axes were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_DARK = ("#5AB6F2", "#FF7F32", "#2FD3A0", "#F0A8D0", "#F5D547", "#A9DDFF", "#B4B4B4")
_STYLES = ("-", "--", ":", "-.")
# A veil of one colour darkens white paper more, to the eye, than it lights up black paper.
_LIFT = 2.5


def luminance(colour: Any) -> float:
    """Relative luminance, 0 for black and 1 for white (WCAG 2.2, definition)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink(ax: Axes) -> str:
    """The colour of text on these Axes."""
    from matplotlib.colors import to_hex

    return to_hex(ax.xaxis.label.get_color())


def paper(ax: Axes) -> str:
    """The colour behind the data: of the Axes, else of the figure, else what the ink needs."""
    from matplotlib.colors import to_hex, to_rgba

    figure = ax.get_figure()
    for face in (ax.get_facecolor(), figure.get_facecolor() if figure is not None else "none"):
        if to_rgba(face)[3] > 0.5:
            return to_hex(face)
    return "#000000" if luminance(ink(ax)) > 0.5 else "#ffffff"


def is_dark(ax: Axes) -> bool:
    # Where black and white text have the same contrast with the paper.
    return luminance(paper(ax)) < 0.18


def colour(ax: Axes, j: int) -> str:
    """The colour of the j-th thing drawn; they come again after seven."""
    shades = _DARK if is_dark(ax) else _LIGHT
    return shades[j % len(shades)]


def line_style(j: int) -> str:
    """Another one for each round of colours."""
    return _STYLES[(j // len(_LIGHT)) % len(_STYLES)]


def opacity(ax: Axes, on_white: float) -> float:
    """How opaque a band must be to be seen as it is on white paper."""
    return min(1.0, _LIFT * on_white) if is_dark(ax) else on_white


def paint_legend(legend: Any, ax: Axes) -> None:
    """Text and frame in the colours of these Axes, whatever style is in force now."""
    legend.get_frame().set_facecolor(paper(ax))
    legend.get_frame().set_edgecolor(ink(ax))
    legend.get_frame().set_linewidth(0.4)
    for text in legend.get_texts():
        text.set_color(ink(ax))
