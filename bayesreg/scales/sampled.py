"""The posterior and the evidence along the axis from draws at every scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.diagnostics import LARGEST_RHAT, SMALLEST_ESS
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import Posterior, pose
from bayesreg.scales.axis import Axis
from bayesreg.scales.curve import Curve, Node, integrate
from bayesreg.scales.draws import Advance, draws_at, parameters
from bayesreg.scales.folds import in_standard_units
from bayesreg.scales.identity import node
from bayesreg.scales.leave_one_out import LeaveOneOut, importance_sampled
from bayesreg.scales.modes import Modes, norms
from bayesreg.scales.nodes import between, completed
from bayesreg.scales.null_evidence import null_anchor, said_of_evidence
from bayesreg.scales.summaries import summary

SHORT = "short of"
#: What a scan warns of. It has the R-hat and ESS of many parameters at many scales, of which some
#: lie beyond 1.01 and below 400 by chance: those it notes.
FAR_RHAT, FAR_ESS = 1.05, 200
# Branches of the seed: scales of the axis, nodes in between, rows left out.
_ON_AXIS, _HIDDEN, _LEFT_OUT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Sampling:
    """How to draw at any scale.

    Attributes
    ----------
    draws, chains, seed, cores : int
    advance : Advance
        Told of every iteration.
    """

    draws: int
    chains: int
    seed: int
    cores: int
    advance: Advance

    @property
    def hidden_draws(self) -> int:
        """At nodes that only the evidence needs."""
        return max(1, self.draws // 2)

    def at(
        self, model: Model, data: Data, start: FloatArray | None, draws: int, *key: int
    ) -> tuple[Posterior, Draws]:
        """Draws whose stream depends on the seed and ``key`` alone."""
        posterior = pose(model, data)
        seeds = np.random.SeedSequence(self.seed, spawn_key=key).spawn(self.chains)
        drawn = draws_at(
            posterior, start, draws=draws, seeds=seeds, cores=self.cores, advance=self.advance
        )
        return posterior, drawn


def sampled_columns(
    model: Model,
    data: Data,
    axis: Axis,
    found: Modes,
    sampling: Sampling,
    *,
    rope: float | None,
    mass: float,
    loo: bool,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Summaries at each scale and the evidence; what there is to say about them."""
    anchor, why_none = null_anchor(model, data)
    rows: list[dict[str, FloatArray]] = []
    nodes: list[Node] = []
    scores: list[LeaveOneOut] = []
    problem = pose(model, data).problem
    start = None
    for k, t in enumerate(axis.factors):
        at = model.rescaled(float(t))
        mode = found.start(problem, k)
        start = start if mode is None else mode
        posterior, draws = sampling.at(at, data, start, sampling.draws, _ON_AXIS, k)
        drawn = parameters(posterior, draws)
        rows.append(summary(drawn, rope, mass))
        start = draws.v.mean(axis=(0, 1))
        if anchor is not None:
            nodes.append(node(at, data, float(np.log(t)), axis.kinked, posterior, draws))
        if loo:
            scores.append(left_out(at, data, drawn, sampling, k))
    columns = _stacked(rows) | _leave_one_out_columns(scores)
    columns |= norms("mean", columns["mean"][1])
    notes = {"convergence": said_of_convergence(axis, columns)}
    if anchor is None:
        return columns, {**notes, "log_evidence": f"left out: {why_none}"}
    curve = evidence_curve(model, data, axis, nodes, anchor, sampling)
    value, error = curve.at(np.log(axis.factors))
    columns["log_evidence"] = ("scale", value)
    columns["log_evidence_error"] = ("scale", error)
    return columns, {**notes, "log_evidence": said_of_evidence(model)}


def said_of_convergence(
    axis: Axis, columns: dict[str, Any], most: float = LARGEST_RHAT, least: float = SMALLEST_ESS
) -> str:
    """Where the draws fall short of what :func:`bayesreg.sample` wants, or of other limits."""
    rhat, ess = columns["rhat_max"][1], columns["ess_min"][1]
    short = axis.scales[~((rhat <= most) & (ess >= least))]
    wanted = f"R-hat <= {most} and ESS >= {least}"
    if not short.size:
        return f"{wanted} at every scale"
    return (
        f"{SHORT} {wanted} at {short.size} of {axis.scales.size} scales ({_named(short)}): see "
        "rhat_max and ess_min, and take more draws"
    )


def _named(scales: FloatArray) -> str:
    """Up to four of them, or the ends."""
    if scales.size <= 4:
        return ", ".join(f"{scale:.3g}" for scale in scales)
    return f"from {scales[0]:.3g} to {scales[-1]:.3g}"


def evidence_curve(
    model: Model, data: Data, axis: Axis, nodes: list[Node], anchor: float, sampling: Sampling
) -> Curve:
    """The integral of the identity over the nodes of the axis and those that they need."""
    count = 0

    def node_at(x: float) -> Node:
        nonlocal count
        at = model.rescaled(float(np.exp(x)))
        posterior, draws = sampling.at(at, data, None, sampling.hidden_draws, _HIDDEN, count)
        count += 1
        return node(at, data, x, axis.kinked, posterior, draws)

    power = power_of_tail(pose(model, data))
    hidden = [node_at(float(x)) for x in between(np.log(axis.factors))]
    return integrate(completed([*nodes, *hidden], node_at, power), anchor, power)


def power_of_tail(posterior: Posterior) -> float:
    """The slope of the evidence falls as t to this power as t goes to 0.

    2 for a prior with two moments that is even about loc; 1 where bounds make it one-sided, and
    the degrees of freedom of a Student t below 2.
    """
    problem = posterior.problem
    penalty = problem.penalty.take(np.arange(problem.p))
    with np.errstate(invalid="ignore"):
        lopsided = penalty.upper - penalty.loc != penalty.loc - penalty.lower
    power = 1.0 if np.any(lopsided & ~penalty.is_pinned) else 2.0
    tails = penalty.tails
    if tails is not None and tails.present.any():
        power = min(power, float(np.min(np.asarray(tails.nu)[tails.present])))
    return power


def left_out(
    model: Model, data: Data, drawn: Parameters, sampling: Sampling, k: int
) -> LeaveOneOut:
    """PSIS-LOO; rows that it cannot do are refitted without the row."""
    stated = in_standard_units(model, data)[0]
    count = 0

    def refit(others: Data) -> Parameters:
        nonlocal count
        key = (_LEFT_OUT, k, count)
        count += 1
        return parameters(*sampling.at(stated, others, None, sampling.draws, *key))

    return importance_sampled(model, data, drawn, refit)


def _stacked(rows: list[dict[str, FloatArray]]) -> dict[str, Any]:
    return {
        name: (("scale", "feature") if rows[0][name].ndim else ("scale",),
               np.array([row[name] for row in rows]))
        for name in rows[0]
    }  # fmt: skip


def _leave_one_out_columns(scores: list[LeaveOneOut]) -> dict[str, Any]:
    if not scores:
        return {}
    return {
        "loo": ("scale", [score.total for score in scores]),
        "loo_error": ("scale", [score.error for score in scores]),
        "loo_refitted": ("scale", [score.refitted for score in scores]),
    }
