"""A prior and the penalty that it is: density, minus its logarithm, and the slope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError, ModelTypeError
from bayesreg.plots.colours import colour, line_style, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.style import axes_row, zero_line
from bayesreg.priors import Prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 801


def plot_prior_and_penalty(
    *priors: Prior, extent: float | None = None, ax: Sequence[Axes] | None = None
) -> Any:
    """Density, penalty and slope of one or more priors, side by side.

    The slope is what pulls a weight towards ``loc``: constant for Laplace, proportional to the
    distance for Normal.

    Parameters
    ----------
    *priors : Prior
        With one number for each parameter.
    extent : float, optional
        How far from 0 to draw; by default four prior scales.
    ax : three Axes, optional

    Returns
    -------
    array of three Axes

    Raises
    ------
    DataTypeError, ModelTypeError, ModelError
        Naming the argument that cannot be used.

    Examples
    --------
    >>> import bayesreg as br
    >>> panels = br.plot_prior_and_penalty(br.Laplace(1.0), br.Normal(1.0))
    >>> [panel.get_title(loc="left") for panel in panels]
    ['Prior density', 'Penalty, nats', 'Pull towards loc, nats per unit']
    """
    _require_priors(priors)
    reach = _extent(priors) if extent is None else _checks.positive_number(extent, "extent")
    w = np.linspace(-reach, reach, _POINTS)
    panels = axes_row(ax, 3, (10.0, 3.2))
    for k, prior in enumerate(priors):
        look = {"linestyle": line_style(k), "label": repr(prior)}
        for panel, values in zip(panels, _curves(prior, w), strict=True):
            panel.plot(w, values, linewidth=1.8, color=colour(panel, k), **look)
    titles = ("Prior density", "Penalty, nats", "Pull towards loc, nats per unit")
    for panel, title in zip(panels, titles, strict=True):
        panel.set_xlabel("weight w")
        panel.set_xlim(-reach, reach)
        entitle(panel, title)
    zero_line(panels[2])
    panels[0].set_ylim(bottom=0.0)
    paint_legend(panels[1].legend(frameon=False, fontsize=8, loc="upper center"), panels[1])
    return panels


def _require_priors(priors: tuple[Any, ...]) -> None:
    if not priors:
        raise DataTypeError("give at least one prior: plot_prior_and_penalty(Laplace(1.0))")
    for prior in priors:
        if isinstance(prior, type) or not isinstance(prior, Prior):
            raise ModelTypeError(
                f"every argument must be a prior such as Laplace(1.0); got {_checks.shown(prior)}"
            )


def _extent(priors: tuple[Prior, ...]) -> float:
    sizes = []
    for prior in priors:
        scales = np.atleast_1d(np.asarray(prior.axis_scale, dtype=float))
        finite = scales[np.isfinite(scales)]
        centre = np.max(np.abs(np.asarray(getattr(prior, "loc", 0.0), dtype=float)))
        sizes.append(centre + 4.0 * (float(finite.max()) if finite.size else 1.0))
    return max(sizes)


def _curves(prior: Prior, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Density, penalty and slope at w; NaN outside the prior's bounds and at its kink."""
    penalty = prior.penalty(1)
    values = np.array([float(penalty.values(np.array([x]))[0]) for x in w])
    slope = np.array([float(penalty.slope(np.array([x]))[0]) for x in w])
    inside = np.isfinite(values)
    at_kink = inside & (np.abs(w - float(penalty.loc[0])) < 1e-12) & (float(penalty.l1[0]) > 0)
    values = np.where(inside, values, np.nan)
    with np.errstate(divide="ignore"):
        density = np.exp(np.asarray(prior.log_density(w)))
    return density, values, np.where(inside & ~at_kink, slope, np.nan)
