"""Evidence, leave-one-out and cross-validation over the prior scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.errors import ModelError
from bayesreg.plots.colours import colour, line_style, opacity, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.scale_axis import checked_study, label_scales, mark_scales
from bayesreg.plots.style import axes

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
        The band of the evidence is its Monte Carlo standard error to either side. The standard
        errors of the scores over rows and folds are in the study; they are those of a level, not
        of a difference between scales, and so are not drawn.

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
        value = factor * study[name].values
        if name.startswith("cv_"):
            value = value * float(study.attrs["n_rows"])
        best = int(np.nanargmax(value))
        value = value - value[best]
        if name == "log_evidence":
            error = study["log_evidence_error"].values
            ax.fill_between(scales, value - error, value + error, color=colour(ax, k),
                            alpha=opacity(ax, 0.25), linewidth=0)  # fmt: skip
        ax.plot(scales, value, color=colour(ax, k), linestyle=line_style(7 * k), linewidth=1.8,
                label=label)  # fmt: skip
        ax.plot([scales[best]], [0.0], marker="o", markersize=5, color=colour(ax, k))
    ax.set_ylim(-nats, 0.08 * nats)
    label_scales(ax, study)
    mark_scales(ax, choices)
    ax.set_ylabel("below its maximum (nats)")
    paint_legend(ax.legend(loc="lower center", fontsize=8.5, framealpha=0.85), ax)
    entitle(ax, "What the data say about the prior scale")
    return ax
