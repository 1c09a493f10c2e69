"""Two coefficients seen from above: where the likelihood meets the penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError
from bayesreg.model import Model, require_model_and_data
from bayesreg.plots.colours import colour, ink, opacity, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.style import axes, verbatim
from bayesreg.solvers import MapEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 241
# The picture reaches this many posterior standard deviations around everything that it shows.
_REACH = 3.0


@dataclass(frozen=True, eq=False)
class Surface:
    """Nats on a grid of the two coefficients, each less its least value.

    Attributes
    ----------
    u, v : (k,) arrays
        Values of the first and the second coefficient.
    loss, penalty : (k, k) arrays
        Rows follow v. The intercept is at its optimum at every point.
    """

    u: FloatArray
    v: FloatArray
    loss: FloatArray
    penalty: FloatArray

    def mean(self) -> tuple[float, float]:
        """Of the density exp(-loss - penalty) on the grid."""
        total = self.loss + self.penalty
        mass = np.exp(np.min(total) - total)
        mass /= np.sum(mass)
        return float(np.sum(mass * self.u)), float(np.sum(mass * self.v[:, None]))


def plot_geometry(model: Model, data: Data, *, ax: Axes | None = None) -> Axes:
    """The penalty's ball and the contours of likelihood and posterior for two coefficients.

    The mode stands where a contour of the likelihood touches the ball through it: under Laplace
    often at a corner, where a coefficient is exactly 0; the posterior mean stands off it.

    Parameters
    ----------
    model : Model
        Laplace, Normal or another convex prior; the intercept flat or absent.
    data : Data
        Of two columns.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ModelError
        For more or fewer than two columns, or an intercept with a prior.
    """
    fit = _checked_mode(model, data)
    surface = _surface(model, data, fit)
    ax = axes(ax, (5.6, 5.4))
    at_mode = _at(model, data, fit)
    levels = at_mode[0] * np.array([0.15, 0.5, 1.0]) if at_mode[0] > 0 else np.array([0.5, 2.0])
    ax.contour(surface.u, surface.v, surface.loss, levels=np.append(levels, 2.2 * levels[-1]),
               colors=colour(ax, 0), linewidths=1.1)  # fmt: skip
    total = surface.loss + surface.penalty
    # Half a chi-square with 2 degrees of freedom: regions of 50% and 90% of a normal density.
    ax.contourf(surface.u, surface.v, total - np.min(total), levels=[0.0, 0.69, 2.3],
                colors=[colour(ax, 4)], alpha=opacity(ax, 0.25))  # fmt: skip
    if at_mode[1] > 0:
        ax.contour(surface.u, surface.v, surface.penalty, levels=[at_mode[1]],
                   colors=colour(ax, 1), linewidths=2.0)  # fmt: skip
    ax.plot(*_least(surface), "x", color=colour(ax, 0), markersize=8)
    ax.plot(*fit.coef, "D", color=colour(ax, 1), markersize=7, zorder=5)
    ax.plot(*surface.mean(), "o", color=colour(ax, 2), markersize=7, zorder=5)
    for across in (True, False):
        (ax.axhline if across else ax.axvline)(0.0, color=ink(ax), alpha=0.35, linewidth=0.8)
    ax.set_xlabel(f"coefficient of {verbatim(data.names[0])}")
    ax.set_ylabel(f"coefficient of {verbatim(data.names[1])}")
    _legend(ax, fit.coef)
    entitle(ax, "Where likelihood and penalty touch")
    return ax


def _checked_mode(model: Model, data: Data) -> MapEstimate:
    from bayesreg.priors import Flat
    from bayesreg.solvers import find_map

    require_model_and_data(model, data)
    if data.p != 2:
        raise ModelError(f"plot_geometry draws two coefficients; data has {data.p} columns")
    if not (model.intercept is None or isinstance(model.intercept, Flat)):
        raise ModelError("plot_geometry takes a flat intercept or none; this one has a prior")
    return find_map(model, data)


def _at(model: Model, data: Data, fit: MapEstimate) -> tuple[float, float]:
    """(loss above its least value, penalty) at the mode."""
    grid = _evaluate(model, data, fit.coef[:1], fit.coef[1:], fit.intercept)
    return float(grid.loss[0, 0] - _least_loss(model, data)), float(grid.penalty[0, 0])


def _least_loss(model: Model, data: Data) -> float:
    from dataclasses import replace

    from bayesreg.priors import Flat
    from bayesreg.solvers import find_map

    free = find_map(replace(model, prior=Flat()), data)
    return float(_evaluate(model, data, free.coef[:1], free.coef[1:], free.intercept).loss[0, 0])


def _surface(model: Model, data: Data, fit: MapEstimate) -> Surface:
    """A grid that holds 0, the mode, the best fit and the bulk of the posterior."""
    from dataclasses import replace

    from bayesreg.priors import Flat
    from bayesreg.solvers import find_map

    free = find_map(replace(model, prior=Flat()), data)
    deviation = _deviation(model, data, fit)
    points = np.stack([np.zeros(2), fit.coef, free.coef])
    ball = _ball(model, data, fit)
    low = np.minimum(points.min(axis=0) - _REACH * deviation, ball[0])
    high = np.maximum(points.max(axis=0) + _REACH * deviation, ball[1])
    u, v = (np.linspace(low[k], high[k], _POINTS) for k in range(2))
    surface = _evaluate(model, data, u, v, fit.intercept)
    return Surface(u, v, surface.loss - _least_loss(model, data), surface.penalty)


def _ball(model: Model, data: Data, fit: MapEstimate) -> tuple[FloatArray, FloatArray]:
    """Ends of the penalty's level set through the mode along each axis, and a little more."""
    penalty = model.coefficient_penalty(data)
    level = float(np.sum(penalty.values(fit.coef)))
    l1, l2 = penalty.l1, penalty.l2
    with np.errstate(divide="ignore", invalid="ignore"):
        # l1 r + l2 r^2 / 2 = level, without a difference of near equals.
        radius = 2.0 * level / (l1 + np.sqrt(l1**2 + 2.0 * l2 * level))
    radius = 1.1 * np.where(np.isfinite(radius), radius, 0.0)
    return penalty.loc - radius, penalty.loc + radius


def _deviation(model: Model, data: Data, fit: MapEstimate) -> FloatArray:
    """About one posterior sd of each: likelihood curvature, and 1 / (2 b^2) for a kink."""
    from bayesreg.problem import bind

    problem = bind(model, data)
    eta = problem.linear_predictor(problem.extended(fit.coef, fit.intercept))
    h = problem.majorising_rows(eta)
    X = np.asarray(problem.X)
    if problem.has_intercept:
        X = X - (h @ X) / np.sum(h)
    precision = (X.T * h) @ X + np.diag(problem.penalty.l2[:2] + problem.penalty.l1[:2] ** 2 / 2)
    deviation: FloatArray = np.sqrt(np.diag(np.linalg.inv(precision))) * problem.unit
    return deviation


def _evaluate(model: Model, data: Data, u: FloatArray, v: FloatArray, intercept: float) -> Surface:
    """Loss and penalty on the grid, the intercept at its optimum by Newton's method."""
    from bayesreg.problem import bind

    problem = bind(model, data.to_dense())
    penalty = model.coefficient_penalty(data)
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    base = (grid / problem.unit) @ np.asarray(problem.X).T + problem.offset
    a = np.full(len(grid), intercept) + grid @ problem.shift
    if problem.has_intercept:
        for _ in range(60):
            eta = base + a[:, None]
            slope = np.sum(problem.weights * problem.likelihood.gradient(problem.y, eta), axis=1)
            bend = np.sum(problem.weights * problem.likelihood.curvature(problem.y, eta), axis=1)
            step = np.clip(slope / np.maximum(bend, 1e-300), -2.0, 2.0)
            a -= step
            if np.max(np.abs(step)) < 1e-10 * (1.0 + np.max(np.abs(a))):
                break
        base = base + a[:, None]
    loss = np.sum(problem.weights * problem.likelihood.loss(problem.y, base), axis=1)
    on_grid = penalty.values(grid).sum(axis=1)
    shape = (v.size, u.size)
    return Surface(u, v, loss.reshape(shape), on_grid.reshape(shape))


def _least(surface: Surface) -> tuple[float, float]:
    k, j = np.unravel_index(np.argmin(surface.loss), surface.loss.shape)
    return float(surface.u[j]), float(surface.v[k])


def _legend(ax: Axes, mode: FloatArray) -> None:
    """In the corner that lies across 0 from the mode."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=colour(ax, 0), linewidth=1.1, label="likelihood"),
        Line2D([], [], color=colour(ax, 0), marker="x", linestyle="", label="no prior"),
        Line2D([], [], color=colour(ax, 1), linewidth=2.0, label="penalty through the mode"),
        Line2D([], [], color=colour(ax, 1), marker="D", linestyle="", label="mode"),
        Patch(color=colour(ax, 4), alpha=opacity(ax, 0.25), label="posterior"),
        Line2D([], [], color=colour(ax, 2), marker="o", linestyle="", label="posterior mean"),
    ]
    corner = f"{'lower' if mode[1] >= 0 else 'upper'} {'left' if mode[0] >= 0 else 'right'}"
    paint_legend(ax.legend(handles=handles, fontsize=8, loc=corner, framealpha=0.6), ax)
