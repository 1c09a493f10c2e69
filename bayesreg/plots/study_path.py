"""Mode and posterior along the prior scale, from one study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.plots.colours import colour, ink, line_style, opacity, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.scale_axis import label_scales, mark_scales
from bayesreg.plots.style import axes, name_line_ends, zero_line

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_MODE, _MEAN, _BAND = 2.0, 0.9, 0.14


def plot_study_path(
    study: xr.Dataset, ax: Axes | None, choices: Any, labels: int, bands: int | Sequence[str]
) -> Axes:
    """Thick: the mode. Thin, for the named ones: the posterior mean. Bands: for a few."""
    ax = axes(ax, (8.0, 5.0))
    scales, mode = study["scale"].values, study["map"].values
    names = tuple(str(name) for name in study["feature"].values)
    drawn = "mean" in study
    order = np.argsort(-np.abs(np.nan_to_num(mode[-1])), kind="stable")
    banded = _banded(bands, names, order) if drawn else []
    for j in banded:
        ax.fill_between(scales, study["hdi_low"].values[:, j], study["hdi_high"].values[:, j],
                        color=colour(ax, j), alpha=opacity(ax, _BAND), linewidth=0)  # fmt: skip
    for j in range(mode.shape[1]):
        named = j in order[:labels]
        look: dict[str, Any] = {"color": colour(ax, j), "linestyle": line_style(j)}
        ax.plot(scales, mode[:, j], linewidth=_MODE if named else 1.0,
                alpha=1.0 if named else 0.5, **look)  # fmt: skip
        if drawn and (named or j in banded):
            ax.plot(scales, study["mean"].values[:, j], linewidth=_MEAN, **look)
    zero_line(ax)
    label_scales(ax, study)
    name_line_ends(ax, names, np.nan_to_num(mode[-1]), labels)
    ax.set_ylabel("coefficient")
    if drawn:
        _explain(ax, float(study.attrs.get("probability", np.nan)), bool(banded))
    entitle(ax, f"Mode {'and posterior ' if drawn else ''}along the prior scale")
    mark_scales(ax, choices)
    return ax


def _banded(bands: Any, names: tuple[str, ...], order: np.ndarray) -> list[int]:
    """Columns whose bands are drawn."""
    if isinstance(bands, int | np.integer) and not isinstance(bands, bool):
        if bands < 0:
            raise ModelError(f"bands must be at least 0 (none); got {_checks.shown(bands)}")
        return [int(j) for j in order[:bands]]
    if isinstance(bands, str) or not isinstance(bands, Sequence):
        raise ModelTypeError(
            f"bands must be a whole number or a list of names; got {_checks.shown(bands)}"
        )
    unknown = [name for name in bands if name not in names]
    if unknown:
        raise ModelError(f"bands names {unknown[0]!r}, which is none of {', '.join(names)}")
    return [names.index(name) for name in bands]


def _explain(ax: Axes, mass: float, banded: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=ink(ax), linewidth=_MODE, label="mode"),
        Line2D([], [], color=ink(ax), linewidth=_MEAN, label="posterior mean"),
    ]
    if banded:
        label = f"{100 * mass:g}% highest-density interval"
        handles.append(Patch(facecolor=ink(ax), alpha=opacity(ax, _BAND), label=label))
    legend = ax.legend(handles=handles, loc="lower left", fontsize=8.5, framealpha=0.85)
    paint_legend(legend, ax)
