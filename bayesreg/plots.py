"""Pictures: the mode along the prior scale, and the mode against the posterior.

Each function draws on the given Axes (or a new one) and returns it; nothing is shown or saved.
Colours are those of Okabe and Ito, told apart by the colour-blind and on dark paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.comparison import Comparison
from bayesreg.errors import DataTypeError, ModelError, ModelTypeError
from bayesreg.solvers import MapPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_STYLES = ("-", "--", ":")


def plot_path(
    path: MapPath, *, ax: Axes | None = None, marked_scale: float | None = None, labels: int = 12
) -> Axes:
    """Coefficients of the mode over the prior scale, lambda on the axis above.

    Parameters
    ----------
    path : MapPath
    ax : Axes, optional
    marked_scale : float, optional
        A scale to mark with a vertical line.
    labels : int
        How many coefficients, the largest first, are named at the right end.

    Returns
    -------
    Axes

    Raises
    ------
    DataTypeError, ModelError, ModelTypeError
        Naming the argument that cannot be used.
    """
    if not isinstance(path, MapPath):
        raise DataTypeError(f"path must be a MapPath from find_map_path; got {type(path).__name__}")
    if path.estimates[0].classes:
        raise ModelError(
            "plot_path draws one vector of coefficients, and this path has one per class; "
            'path.to_dataset()["coef"].sel({"class": 0}).plot.line(x="scale") draws one of them'
        )
    if marked_scale is not None:
        marked_scale = _checks.positive_number(marked_scale, "marked_scale")
    labels = _label_count(labels)
    ax = _axes(ax, (8.0, 5.0))
    order = np.argsort(path.scales)
    scales, coef = path.scales[order], path.coef[order]
    for j in range(coef.shape[1]):
        ax.plot(scales, _leaving_zero(coef[:, j]), color=_colour(j), linestyle=_style(j),
                linewidth=1.6)  # fmt: skip
    ax.axhline(0.0, color="0.5", linewidth=0.8, zorder=0)
    ax.set_xscale("log")
    if scales[0] < scales[-1]:
        ax.set_xlim(scales[0], scales[-1])
    _name_line_ends(ax, path.estimates[0].names, coef[-1], labels)
    if marked_scale is not None:
        ax.axvline(marked_scale, color="0.35", linestyle=(0, (2, 2)), linewidth=1.0)
        ax.annotate(
            f"scale {marked_scale:g}", (marked_scale, 0.02), xycoords=("data", "axes fraction"),
            xytext=(4, 0), textcoords="offset points", fontsize=8, color="0.35",
        )  # fmt: skip
    model = path.estimates[0].model
    whose = (
        f"prior scale of {_verbatim(path.axis_column)}"
        if isinstance(model.prior, dict)
        else "prior scale"
    )
    units = "of standardised columns" if model.standardize else "in units of the coefficient"
    ax.set_xlabel(f"{whose} ({units})")
    ax.set_ylabel("coefficient at the mode")
    ax.set_title("Posterior mode along the prior scale", loc="left")
    _lambda_axis(ax, scales, path.lambdas[order])
    return ax


def plot_map_vs_posterior(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """The mode (diamond, hollow where exactly 0) against posterior mean and interval.

    Parameters
    ----------
    comparison : Comparison
        From :func:`bayesreg.compare`. The intercept is left out: it lives on another scale.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    if not isinstance(comparison, Comparison):
        raise DataTypeError(
            f"comparison must come from compare(fit, post); got {type(comparison).__name__}"
        )
    shown = range(len(comparison.names) - comparison.has_intercept)
    ax = _axes(ax, (8.0, 1.2 + 0.36 * len(shown)))
    height = -np.arange(len(shown), dtype=float)
    low, high = comparison.hdi_low[shown], comparison.hdi_high[shown]
    mode, zero = comparison.map[shown], comparison.zero_in_mode[shown]
    percent = f"{100 * comparison.probability:g}%"
    ax.hlines(height, low, high, color=_COLOURS[0], linewidth=2.2, label=f"posterior {percent} HDI")
    ax.plot(comparison.mean[shown], height, "o", color=_COLOURS[0], markersize=6,
            markeredgecolor="white", zorder=4, label="posterior mean")  # fmt: skip
    ax.plot(mode[~zero], height[~zero], "D", color=_COLOURS[1], markersize=6.5, label="MAP")
    ax.plot(mode[zero], height[zero], "D", markerfacecolor="none", color=_COLOURS[1],
            markersize=6.5, markeredgewidth=1.5, label="MAP, exactly 0")  # fmt: skip
    ax.axvline(0.0, color="0.5", linewidth=0.8, zorder=0)
    ax.set_yticks(height, [_verbatim(comparison.names[k]) for k in shown])
    ax.set_xlabel("coefficient")
    ax.set_title("Posterior mode against posterior", loc="left")
    ax.legend(frameon=False, fontsize=8, loc="best")
    return ax


def _label_count(value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"labels must be a whole number; got {_checks.shown(value)}")
    if value < 0:
        raise ModelError(
            f"labels must be at least 0 (no names at the lines); got {_checks.shown(value)}"
        )
    return int(value)


def _verbatim(name: str) -> str:
    """A name as text to draw: between two dollars matplotlib would read mathematics."""
    return name.replace("$", r"\$")


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
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


def _colour(j: int) -> str:
    return _COLOURS[j % len(_COLOURS)]


def _style(j: int) -> str:
    return _STYLES[(j // len(_COLOURS)) % len(_STYLES)]


def _leaving_zero(values: FloatArray) -> FloatArray:
    """Without the stretches at exactly 0: the axis is drawn there already."""
    zero = np.concatenate([[True], values == 0, [True]])
    return np.where(zero[:-2] & zero[1:-1] & zero[2:], np.nan, values)


def _name_line_ends(ax: Axes, names: tuple[str, ...], ends: FloatArray, labels: int) -> None:
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
            _verbatim(names[j]), (1.0, height), xycoords=("axes fraction", "data"), xytext=(5, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=_colour(int(j)),
            annotation_clip=False,
        )  # fmt: skip


def _lambda_axis(ax: Axes, scales: FloatArray, lambdas: FloatArray) -> None:
    """lambda on a second axis above; log-log linear in the scale, so one power maps the two."""
    if len(scales) < 2 or scales[0] == scales[-1] or not np.all(np.isfinite(lambdas)):
        return
    power = float(np.log(lambdas[-1] / lambdas[0]) / np.log(scales[-1] / scales[0]))
    constant = lambdas[0] / scales[0] ** power

    def to_lambda(scale: Any) -> Any:
        return constant * np.maximum(scale, 1e-300) ** power

    def to_scale(value: Any) -> Any:
        return (np.maximum(value, 1e-300) / constant) ** (1.0 / power)

    above = ax.secondary_xaxis("top", functions=(to_lambda, to_scale))
    above.set_xlabel("penalty lambda (weaker to the right)")
