"""Gradient descent on a penalised regression, step by step: where exact zeros come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.gradient_descent import Extended, Kink
from bayesreg.model import Model, require_model_and_data
from bayesreg.plots.colours import colour, ink, line_style, paint_legend
from bayesreg.plots.fitting import entitle
from bayesreg.plots.style import axes, name_line_ends, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_STEPS = 20_000
# At the mode, to the eye: within this part of the largest coefficient.
_NEAR = 1e-3
# From this many steps on the axis is logarithmic beyond its first steps.
_MANY = 150


def plot_trajectory(
    model: Model,
    data: Data,
    *,
    steps: int | None = None,
    lr: float | None = None,
    coef: FloatArray | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Coefficients over the steps of full-batch gradient descent.

    Under an L1 penalty the proximal step (thick) puts weights on exactly 0, marked by a ring where
    a weight that is 0 in the mode gets there for good; the plain sign step (thin) only circles 0.
    An L2 penalty shrinks by a factor, and no weight ever arrives.

    Parameters
    ----------
    model, data
        As for :func:`bayesreg.gradient_descent.descend`.
    steps : int, optional
        By default as many as lead to the mode: until every coefficient is within a thousandth of
        the largest one of where :func:`bayesreg.find_map` has it and the zeros are the same, but
        at most 20,000. Where the mode is not reached, the title says so.
    lr : float, optional
        The learning rate, as in ``descend``. By default descent runs on standardised columns (each
        divided by the root of its curvature), with the longest safe step there.
    coef : (p,) array, optional
        The start; 0 by default.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ModelError, ModelTypeError
        Naming the argument that cannot be used.
    """
    start = _checked_start(model, data, steps, coef)
    descent = _Descent(model, data, start, lr)
    mode = _mode(model, data)
    proximal, arrived = descent.towards(mode, steps)
    ax = axes(ax, (8.0, 4.5))
    if descent.has_kink:
        _draw(ax, descent.path("sign", len(proximal) - 1), thick=False)
    _draw(ax, proximal, thick=True)
    if descent.has_kink:
        _mark_arrivals(ax, proximal, mode)
    _number_steps(ax, len(proximal) - 1)
    name_line_ends(ax, data.names, np.nan_to_num(proximal[-1]), data.p)
    zero_line(ax)
    _explain(ax, descent.has_kink, bool(np.any(mode == 0.0)))
    ax.set_ylabel("coefficient")
    short = "" if arrived else f": not yet there after {len(proximal) - 1:,} steps"
    entitle(ax, f"Gradient descent towards the mode{short}")
    return ax


def _checked_start(model: Any, data: Any, steps: Any, coef: Any) -> FloatArray:
    require_model_and_data(model, data)
    whole = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
    if steps is not None and (not whole or steps < 1):
        raise ModelTypeError(f"steps must be a positive integer; got {_checks.shown(steps)}")
    if data.p > 12:
        raise ModelError(f"plot_trajectory draws at most 12 coefficients; there are {data.p}")
    start = np.zeros(data.p) if coef is None else np.asarray(coef, dtype=np.float64)
    if start.shape != (data.p,):
        raise ModelError(f"coef must have shape ({data.p},); got {start.shape}")
    return start


def _mode(model: Model, data: Data) -> FloatArray:
    from bayesreg.solvers import find_map

    return find_map(model, data).coef


class _Descent:
    """Steps on coefficients and intercept: in the columns' units, or each by its own spread."""

    def __init__(self, model: Model, data: Data, start: FloatArray, lr: float | None) -> None:
        plain = Extended.of(model, data)
        scaled = plain.standardised() if lr is None else (plain, np.ones(plain.X.shape[1]))
        self._problem, self._spread = scaled
        self._lr = self._problem.longest_step() if lr is None else _checks.positive_number(lr, "lr")
        self._start = start
        self.has_kink = bool(np.any(plain.l1[: data.p] > 0))

    def path(self, kink: Kink, steps: int, mode: FloatArray | None = None) -> FloatArray:
        """Coefficients before the first step and after each; to the mode, where that is given."""
        p = self._start.size
        v = np.zeros(self._spread.size)
        v[:p] = self._start * self._spread[:p]
        rows = [self._start]
        for _ in range(steps):
            v = self._problem.step(v, self._lr, kink)
            rows.append(v[:p] / self._spread[:p])
            if not np.all(np.isfinite(v)) or (mode is not None and _is_at(rows[-1], mode)):
                break
        return np.array(rows)

    def towards(self, mode: FloatArray, steps: int | None) -> tuple[FloatArray, bool]:
        """The proximal path, and whether it got to the mode."""
        if steps is not None:
            path = self.path("proximal", steps)
            return path, _is_at(path[-1], mode)
        path = self.path("proximal", _MOST_STEPS, mode)
        arrived = _is_at(path[-1], mode)
        # A quarter more, for the eye to see that nothing moves any longer.
        return (self.path("proximal", max(20, len(path) * 5 // 4)) if arrived else path), arrived


def _is_at(w: FloatArray, mode: FloatArray) -> bool:
    same = np.array_equal(w == 0.0, mode == 0.0)
    return same and bool(np.max(np.abs(w - mode)) <= _NEAR * np.max(np.abs(mode)))


def _draw(ax: Axes, path: FloatArray, thick: bool) -> None:
    for j in range(path.shape[1]):
        ax.plot(path[:, j], color=colour(ax, j), linestyle=line_style(j) if thick else ":",
                linewidth=1.8 if thick else 1.2)  # fmt: skip


def _mark_arrivals(ax: Axes, path: FloatArray, mode: FloatArray) -> None:
    """A ring where a coefficient that is 0 in the mode gets to exactly 0 and stays."""
    for j in np.flatnonzero(mode == 0.0):
        away = np.flatnonzero(path[:, j] != 0.0)
        first = int(away[-1]) + 1 if away.size else 0
        if 0 < first < len(path):
            ax.plot(first, 0.0, "o", markersize=7, markerfacecolor="none", markeredgewidth=1.5,
                    color=colour(ax, int(j)), zorder=5)  # fmt: skip


def _number_steps(ax: Axes, steps: int) -> None:
    if steps > _MANY:
        ax.set_xscale("symlog", linthresh=10, linscale=0.7)
    ax.set_xlim(0, steps)
    ax.set_xlabel("step")


def _explain(ax: Axes, has_kink: bool, has_zeros: bool) -> None:
    from matplotlib.lines import Line2D

    ring = "proximal step; ring: exactly 0 from here" if has_zeros else "proximal step"
    lines = [
        Line2D([], [], color=ink(ax), linewidth=1.8,
               label=ring if has_kink else "shrinks by a factor: never exactly 0")
    ]  # fmt: skip
    if has_kink:
        lines.append(Line2D([], [], color=ink(ax), linewidth=1.2, linestyle=":", label="sign step"))
    paint_legend(ax.legend(handles=lines, fontsize=8, loc="best", framealpha=0.85), ax)
