"""The posterior of the penalty itself, where sigma or the prior scale is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg.errors import DataTypeError, ModelError
from bayesreg.plots.colours import colour, ink, opacity
from bayesreg.plots.fitting import entitle
from bayesreg.plots.scale_axis import mark_narrow
from bayesreg.plots.style import axes, verbatim

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def plot_lambda_posterior(
    post: xr.DataTree,
    name: str | None = None,
    *,
    feature: str | None = None,
    probability: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draws of the canonical lambda as a histogram, with median and equal-tailed interval.

    Parameters
    ----------
    post : xarray.DataTree
        From :func:`bayesreg.sample`, of a model with an unknown sigma or prior scale.
    name : {"lambda1", "lambda2"}, optional
        Which; by default the one that the result has.
    feature : str, optional
        Of a lambda with one value per column: which column.
    probability : float
        Mass of the interval.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    DataTypeError, ModelError
        Where there is no such lambda, with what there is.
    """
    values, label = _draws(post, name, feature)
    mass = _checks.positive_number(probability, "probability")
    if mass >= 1:
        raise ModelError(f"probability must be below 1; got {mass!r} (0.95 for a 95% interval)")
    tails = [(1 - mass) / 2, 0.5, (1 + mass) / 2]
    low, median, high = (float(q) for q in np.quantile(values, tails))
    ax = axes(ax, (7.0, 3.6))
    first, last = (float(q) for q in np.quantile(values, [0.0005, 0.9995]))
    edges = np.geomspace(first, last, 61)
    counts, *_ = ax.hist(
        values, bins=list(edges), color=colour(ax, 0), alpha=0.65, edgecolor="none"
    )
    ax.axvspan(low, high, color=colour(ax, 0), alpha=opacity(ax, 0.15), linewidth=0, zorder=0)
    ax.axvline(median, color=colour(ax, 1), linewidth=1.6)
    ax.annotate(
        f"median {median:.3g}\n{100 * mass:g}% [{low:.3g}, {high:.3g}]", (median, 0.97),
        xycoords=("data", "axes fraction"), xytext=(6, 0), textcoords="offset points",
        va="top", fontsize=8.5, color=ink(ax),
    )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    mark_narrow(ax.xaxis, edges)
    ax.set_yticks([])
    # Room for the words above the bars.
    ax.set_ylim(0.0, 1.3 * float(np.max(np.asarray(counts))))
    ax.set_xlabel(f"{label} (penalty beside half the residual sum of squares)")
    entitle(ax, "Posterior of the penalty")
    return ax


def _draws(post: Any, name: str | None, feature: str | None) -> tuple[np.ndarray, str]:
    if "posterior" not in getattr(post, "children", {}):
        raise DataTypeError(
            f"post must be a DataTree from sample, with a 'posterior' group; got "
            f"{type(post).__name__}"
        )
    group = post["posterior"]
    there = [key for key in ("lambda1", "lambda2") if key in group]
    if not there:
        raise ModelError(
            "there are no draws of lambda in this posterior. Where sigma and the prior's scale are "
            "numbers lambda is one too (constant_data has it): give one of them a density, such as "
            "Laplace(scale=HalfCauchy(1.0)). StudentT, Cauchy and Horseshoe priors have no lambda"
        )
    chosen = there[0] if name is None else name
    if chosen not in there:
        raise ModelError(f"there is no {chosen!r} among the draws; there is {', '.join(there)}")
    values = group[chosen]
    if "feature" not in values.dims:
        return np.ravel(values.values), chosen
    names = [str(value) for value in values["feature"].values]
    if feature not in names:
        raise ModelError(
            f"{chosen} has a value per column here; say which: feature={names[0]!r}, for example"
        )
    return np.ravel(values.sel(feature=feature).values), f"{chosen} of {verbatim(str(feature))}"
