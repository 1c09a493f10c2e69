"""Evidence, leave-one-out and cross-validation over the prior scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.errors import ModelError
from bayesreg.plots.scale_axis import checked_study, label_scales, mark_scales
from bayesreg.plots.style import axes, colour, ink, line_style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# Variable of the study, its name in the picture, and what makes it a score where more is better.
_CURVES = (
    ("log_evidence", "evidence, log p(y | scale)", 1.0),
    ("loo", "leave-one-out log density", 1.0),
    ("cv_posterior", "cross-validated log density of the posterior", 1.0),
    ("cv_mode", "cross-validated log density of the mode", -0.5),
)


def plot_evidence(
    study: xr.Dataset, *, ax: Axes | None = None, choices: Any = None, nats: float = 30.0
) -> Axes:
    """What the data say about the prior scale: every curve below its own maximum, in nats.

    Parameters
    ----------
    study : xarray.Dataset
        From :func:`bayesreg.scan_scales`; curves that it does not have are left out.
        Cross-validation scores, which are means over rows, are shown for all rows together.
    ax : Axes, optional
    choices : mapping of name to scale, or of name to an object with ``scale``, optional
        Vertical lines, such as the result of :func:`bayesreg.choose_scale`.
    nats : float
        How far below the maximum to draw.

    Returns
    -------
    Axes
        Bands are one standard error to either side: of the Monte Carlo for the evidence, over
        rows or folds for the others.

    Raises
    ------
    DataTypeError, ModelError
        Where the study has no such curve.
    """
    checked_study(study)
    shown = [row for row in _CURVES if row[0] in study]
    if not shown:
        raise ModelError(
            f"the study has none of {', '.join(name for name, _, _ in _CURVES)}: scan with the "
            "posterior, loo=True or folds=5"
        )
    ax = axes(ax, (8.0, 4.6))
    scales = study["scale"].values
    for k, (name, label, factor) in enumerate(shown):
        value, error = _in_nats(study, name, factor)
        best = int(np.nanargmax(value))
        value = value - value[best]
        ax.fill_between(scales, value - error, value + error, color=colour(k), alpha=0.15,
                        linewidth=0)  # fmt: skip
        ax.plot(scales, value, color=colour(k), linestyle=line_style(7 * k), linewidth=1.8,
                label=label)  # fmt: skip
        ax.plot([scales[best]], [0.0], marker="o", markersize=5, color=colour(k))
    ax.set_ylim(-nats, 0.08 * nats)
    label_scales(ax, study)
    mark_scales(ax, choices)
    ax.set_ylabel("below its maximum (nats)")
    ax.set_title("What the data say about the prior scale", loc="left")
    legend = ax.legend(loc="lower center", fontsize=8.5, framealpha=0.85)
    for text in legend.get_texts():
        text.set_color(ink())
    return ax


def _in_nats(study: xr.Dataset, name: str, factor: float) -> tuple[FloatArray, FloatArray]:
    """The sum over rows and its standard error."""
    rows = float(study.attrs["n_rows"]) if name.startswith("cv_") else 1.0
    value = factor * rows * study[name].values
    error = study[f"{name}_error"].values if f"{name}_error" in study else np.zeros(value.size)
    return value, abs(factor) * rows * error
