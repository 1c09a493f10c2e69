"""Gradient descent on a penalised regression, step by step: where exact zeros come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import ModelError, ModelTypeError
from bayesreg.gradient_descent import Kink, descend
from bayesreg.model import Model, require_model_and_data
from bayesreg.plots.style import axes, colour, ink, name_line_ends, zero_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS = {"proximal": "-", "sign": ":"}


def plot_trajectory(
    model: Model,
    data: Data,
    *,
    steps: int = 60,
    lr: float | None = None,
    coef: FloatArray | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Coefficients over the steps of full-batch gradient descent.

    Under an L1 penalty the proximal step (solid) puts weights on exactly 0, marked where each
    first gets there for good; the plain sign step (dotted) only circles 0. An L2 penalty shrinks
    by a factor, and no weight ever arrives.

    Parameters
    ----------
    model, data
        As for :func:`bayesreg.gradient_descent.descend`.
    steps : int
    lr : float, optional
        The learning rate; by default the one of ``descend``.
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
    require_model_and_data(model, data)
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ModelTypeError(f"steps must be a positive integer; got {_checks.shown(steps)}")
    if data.p > 12:
        raise ModelError(f"plot_trajectory draws at most 12 coefficients; there are {data.p}")
    ax = axes(ax, (8.0, 4.5))
    kinds: tuple[Kink, ...] = ("proximal", "sign") if _has_kink(model, data) else ("proximal",)
    for kind in kinds:
        path = _path(model, data, int(steps), lr, coef, kind)
        for j in range(data.p):
            ax.plot(path[:, j], color=colour(j), linestyle=_STEPS[kind],
                    linewidth=1.8 if kind == "proximal" else 1.2)  # fmt: skip
        if kind == "proximal":
            _mark_arrivals(ax, path)
            ends = path[-1]
    name_line_ends(ax, data.names, ends, data.p)
    zero_line(ax)
    _explain(ax, kinds)
    ax.set_xlim(0, steps)
    ax.set_xlabel("step")
    ax.set_ylabel("coefficient")
    ax.set_title("Gradient descent towards the mode", loc="left")
    return ax


def _has_kink(model: Model, data: Data) -> bool:
    return bool(np.any(model.coefficient_penalty(data).l1 > 0))


def _path(
    model: Model, data: Data, steps: int, lr: float | None, coef: Any, kind: Kink
) -> FloatArray:
    """Coefficients before the first step and after each."""
    w, a = np.zeros(data.p) if coef is None else np.asarray(coef, dtype=float), 0.0
    rows = [w]
    for _ in range(steps):
        moved = descend(model, data, 1, lr=lr, kink=kind, coef=w, intercept=a)
        w, a = moved.coef, moved.intercept
        rows.append(w)
    return np.array(rows)


def _mark_arrivals(ax: Axes, path: FloatArray) -> None:
    """A ring where a coefficient gets to exactly 0 and stays."""
    for j in range(path.shape[1]):
        away = np.flatnonzero(path[:, j] != 0.0)
        first = int(away[-1]) + 1 if away.size else 0
        if 0 < first < len(path):
            ax.plot(first, 0.0, "o", markersize=7, markerfacecolor="none", markeredgewidth=1.5,
                    color=colour(j), zorder=5)  # fmt: skip


def _explain(ax: Axes, kinds: tuple[str, ...]) -> None:
    from matplotlib.lines import Line2D

    text = {"proximal": "proximal step: ring = exactly 0 from here", "sign": "sign step"}
    if len(kinds) == 1:
        text = {"proximal": "shrinks by a factor: never exactly 0"}
    lines = [Line2D([], [], color=ink(), linestyle=_STEPS[k], label=text[k]) for k in kinds]
    ax.legend(handles=lines, frameon=False, fontsize=8, loc="best")
