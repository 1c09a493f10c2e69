"""The mode against the posterior, a row per coefficient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.comparison import Comparison
from bayesreg.errors import DataTypeError
from bayesreg.plots.colours import colour, paper
from bayesreg.plots.fitting import entitle
from bayesreg.plots.legend import draw_legend
from bayesreg.plots.style import axes, verbatim, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_map_vs_posterior(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """The mode (diamond, hollow where exactly 0) against posterior mean (tick) and interval.

    Parameters
    ----------
    comparison : Comparison
        From :func:`bayesreg.compare`. Intercepts are left out: they live on another scale.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    if not isinstance(comparison, Comparison):
        raise DataTypeError(
            f"comparison must come from compare(fit, post); got {type(comparison).__name__}"
        )
    shown = range(len(comparison.names) - comparison.n_intercepts)
    ax = axes(ax, (8.0, 1.2 + 0.36 * len(shown)))
    height = -np.arange(len(shown), dtype=float)
    low, high = comparison.hdi_low[shown], comparison.hdi_high[shown]
    mode, zero = comparison.map[shown], comparison.zero_in_mode[shown]
    of_posterior, of_mode = colour(ax, 0), colour(ax, 1)
    percent = f"{100 * comparison.probability:g}%"
    ax.hlines(height, low, high, color=of_posterior, linewidth=2.2,
              label=f"posterior {percent} HDI")  # fmt: skip
    # A tick taller than the diamond, behind it: the mode keeps its filling where the two agree.
    ax.plot(comparison.mean[shown], height, "|", color=of_posterior, markersize=14,
            markeredgewidth=2.2, zorder=4, label="posterior mean")  # fmt: skip
    ax.plot(mode[~zero], height[~zero], "D", color=of_mode, markersize=6.5, zorder=5, label="MAP")
    if np.any(zero):
        ax.plot(mode[zero], height[zero], "D", markerfacecolor=paper(ax), color=of_mode,
                markersize=6.5, markeredgewidth=1.5, zorder=5, label="MAP, exactly 0")  # fmt: skip
    zero_line(ax, across=False)
    points = ax.get_window_extent().height * 72.0 / float(ax.figure.dpi)
    # Names of many rows on low Axes are as small as keeps them apart.
    size = float(np.clip(0.7 * points / max(len(shown), 1), 4.0, 10.0))
    ax.set_yticks(height, [verbatim(comparison.names[k]) for k in shown], fontsize=size)
    ax.set_xlabel("coefficient")
    draw_legend(ax, below=True)
    entitle(ax, "Posterior mode against posterior")
    return ax
