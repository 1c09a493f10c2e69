"""What each prior makes of an estimate: soft threshold against proportional shrinkage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.errors import DataTypeError, ModelError, ModelTypeError
from bayesreg.plots.colours import colour, ink, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.style import axes, zero_line
from bayesreg.priors import Prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 401


def plot_shrinkage(
    *priors: Prior, noise: float = 1.0, extent: float | None = None, ax: Axes | None = None
) -> Axes:
    """Mode (solid) and posterior mean (dashed) of a weight against its unpenalised estimate.

    One observation z ~ Normal(w, noise): what happens to each coefficient of an orthonormal
    design. Under Laplace the mode is the soft threshold S(z, noise^2 / b), with its stretch of
    exact zeros; under Normal it is z / (1 + noise^2 / tau^2); the mean is never exactly 0.

    Parameters
    ----------
    *priors : Prior
        Laplace, Normal or ElasticNet, with one number for each parameter.
    noise : float
        Standard error of the estimate.
    extent : float, optional
        The largest estimate drawn; by default 5 standard errors.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    DataTypeError, ModelTypeError, ModelError
        Naming the argument that cannot be used.
    """
    if not priors:
        raise DataTypeError("give at least one prior: plot_shrinkage(Laplace(1.0), Normal(1.0))")
    noise = _checks.positive_number(noise, "noise")
    reach = 5.0 * noise if extent is None else _checks.positive_number(extent, "extent")
    z = np.linspace(-reach, reach, _POINTS)
    ax = axes(ax, (6.0, 5.0))
    ax.plot(z, z, color=ink(ax), alpha=0.4, linewidth=0.8, linestyle=":", label="no prior")
    for k, prior in enumerate(priors):
        penalty = _quadratic_penalty(prior)
        ax.plot(
            z,
            _mode(penalty, z, noise),
            color=colour(ax, k),
            linewidth=1.9,
            label=f"{prior!r}: mode",
        )
        ax.plot(z, _mean(penalty, z, noise), color=colour(ax, k), linewidth=1.4, linestyle="--",
                label=f"{prior!r}: mean")  # fmt: skip
    zero_line(ax)
    zero_line(ax, across=False)
    ax.set_xlabel("estimate without a prior")
    ax.set_ylabel("estimate with the prior")
    paint_legend(ax.legend(fontsize=8, loc="upper left", framealpha=0.85), ax)
    entitle(ax, "Soft threshold against proportional shrinkage")
    return ax


def _quadratic_penalty(prior: Any) -> Any:
    if isinstance(prior, type) or not isinstance(prior, Prior):
        raise ModelTypeError(
            f"every argument must be a prior such as Laplace(1.0); got {_checks.shown(prior)}"
        )
    penalty = prior.penalty(1)
    bounded = np.isfinite(penalty.lower[0]) or np.isfinite(penalty.upper[0])
    if not penalty.is_separable or bounded or getattr(penalty, "tails", None) is not None:
        raise ModelError(f"plot_shrinkage draws Laplace, Normal and ElasticNet; got {prior!r}")
    return penalty


def _mode(penalty: Any, z: FloatArray, noise: float) -> FloatArray:
    """S(z - loc, noise^2 l1) / (1 + noise^2 l2) + loc."""
    from bayesreg.gradient_descent import soft_threshold

    loc, l1, l2 = float(penalty.loc[0]), float(penalty.l1[0]), float(penalty.l2[0])
    return loc + soft_threshold(z - loc, noise**2 * l1) / (1.0 + noise**2 * l2)


def _mean(penalty: Any, z: FloatArray, noise: float) -> FloatArray:
    """The posterior mean: each side of loc is a truncated normal."""
    from scipy.special import log_ndtr

    loc, l1, l2 = float(penalty.loc[0]), float(penalty.l1[0]), float(penalty.l2[0])
    precision = 1.0 / noise**2 + l2
    deviation = 1.0 / np.sqrt(precision)
    total, weighted = [], []
    for sign in (1.0, -1.0):
        centre = ((z - loc) / noise**2 - sign * l1) / precision
        log_mass = 0.5 * precision * centre**2 + log_ndtr(sign * centre / deviation)
        log_peak = -0.5 * np.log(2 * np.pi)
        # E[w; side] = centre mass + sign deviation phi(0 - centre), all times exp(precision c^2/2)
        total.append(log_mass)
        weighted.append((centre, sign * deviation * np.exp(log_peak), log_mass))
    largest = np.maximum(*total)
    mass = sum(np.exp(part - largest) for part in total)
    moment = sum(c * np.exp(m - largest) + peak * np.exp(-largest) for c, peak, m in weighted)
    return loc + moment / mass
