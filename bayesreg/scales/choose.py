"""choose_scale: evidence, cross-validation, leave-one-out and a hyperprior, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesreg import _checks
from bayesreg._text import nearest
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import BayesregError, ModelError, ModelTypeError
from bayesreg.model import Model
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.run import available_cores, one_linear_algebra_thread
from bayesreg.posterior.target import pose
from bayesreg.priors import HalfCauchy
from bayesreg.priors.on_noise import checked_noise_prior
from bayesreg.scales.axis import Axis, make_axis
from bayesreg.scales.choice import Choice, ScaleChoices
from bayesreg.scales.cross_validation import check_hold, mode_scores
from bayesreg.scales.draws import draws_along, draws_at
from bayesreg.scales.evidence_choice import evidence_peak, log_evidence_of_scale
from bayesreg.scales.leave_one_out import importance_sampled
from bayesreg.scales.scan import checked_entropy

METHODS = ("evidence", "cv", "loo", "hyperprior")


@dataclass(frozen=True, eq=False)
class _Order:
    """What every method is given; ``scores`` collects what they saw."""

    model: Model
    data: Data
    axis: Axis
    folds: Any
    hold: str
    hyperprior: Any
    draws: int
    chains: int
    seed: int
    cores: int
    progress: bool
    scores: dict[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> float:
        """The axis scale at t = 1."""
        return float(self.axis.scales[0] / self.axis.factors[0])

    def choice(self, method: str, log_t: float, low: float, high: float, interval: str,
               note: str = "") -> Choice:  # fmt: skip
        """A Choice from positions on the logarithm of t."""
        t = float(np.exp(log_t))
        power = 1 if self.axis.kinked else 2
        return Choice(
            method, self.reference * t, self.reference * float(np.exp(low)),
            self.reference * float(np.exp(high)), self.axis.reference_lambda / t**power,
            interval, note,
        )  # fmt: skip


def choose_scale(
    model: Model,
    data: Data,
    methods: Sequence[str] = METHODS,
    *,
    scales: Sequence[float] | FloatArray | None = None,
    n_scales: int = 30,
    folds: Any = 5,
    hold: str = "prior",
    hyperprior: Any = None,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    progress: bool = True,
    cores: int | None = None,
) -> ScaleChoices:
    """Prior scales by several methods, each with its uncertainty, in prior units and in lambda.

    Parameters
    ----------
    model, data
        The scales in ``model`` fix ratios only.
    methods : sequence of {"evidence", "cv", "loo", "hyperprior"}
        ``evidence``: marginal maximum likelihood. ``cv``: the mode's K-fold deviance, with the
        one-standard-error scale in the note. ``loo``: the posterior's leave-one-out density.
        ``hyperprior``: the posterior of the scale under a prior of its own.
    scales, n_scales
        The axis, as in :func:`scan_scales`.
    folds : int, splitter of scikit-learn, or pairs of positions
    hold : {"prior", "alpha"}
        What cross-validation keeps the same in every fold: the prior, or lambda / N, which is
        what ``LassoCV`` keeps and which makes its folds' priors wider than that of its refit.
    hyperprior : density of a positive number, optional
        Of the scale; by default half-Cauchy with the stated scale as its median.
    draws, chains, seed, cores, progress
        As in :func:`sample`, for every posterior that is needed.

    Returns
    -------
    ScaleChoices
        A mapping from method to :class:`Choice`: ``choose_scale(...)["evidence"].scale``.

    Raises
    ------
    ModelError, DataError, ImproperPosteriorError
        What has no axis of scales, with the reason. A method that does not apply to the model is
        in the result, with the reason as its note.
    """
    chosen = _checked_methods(methods)
    check_hold(hold)
    _checks.flag(progress, "progress")
    data = data.to_dense() if isinstance(data, Data) else data
    axis = make_axis(model, data, scales, n_scales)
    require_proper(pose(model, data), data.names)
    order = _Order(
        model, data, axis, folds, hold, _hyperprior(hyperprior, axis), draws, chains,
        checked_entropy(seed), available_cores() if cores is None else cores, progress,
    )  # fmt: skip
    order.scores["scale"] = axis.scales
    with one_linear_algebra_thread():
        found = {method: _tried(method, order) for method in chosen}
    return ScaleChoices(found, axis.column, order.scores)


def _checked_methods(methods: Any) -> tuple[str, ...]:
    listed = (methods,) if isinstance(methods, str) else tuple(methods)
    if not listed:
        raise ModelError(f"methods is empty; there are {', '.join(METHODS)}")
    for method in listed:
        if not isinstance(method, str):
            raise ModelTypeError(f"a method is a name; got {_checks.shown(method)}")
        if method not in METHODS:
            raise ModelError(f"there is no method {method!r}.{nearest(method, METHODS)}")
    return listed


def _hyperprior(given: Any, axis: Axis) -> Any:
    if given is None:
        return HalfCauchy(float(axis.scales[0] / axis.factors[0]))
    return checked_noise_prior(given, "hyperprior")


def _tried(method: str, order: _Order) -> Choice:
    """The method's choice, or why there is none."""
    try:
        return _METHODS[method](order)
    except BayesregError as error:
        nothing = float("nan")
        return Choice(method, nothing, nothing, nothing, nothing, "", str(error))


def _by_evidence(order: _Order) -> Choice:
    peak = evidence_peak(
        order.model, order.data, order.axis, draws=order.draws, chains=order.chains,
        seed=order.seed, cores=order.cores,
    )  # fmt: skip
    if peak.boundary:
        raise ModelError(
            f"boundary: the evidence still rises as the scale goes to {peak.boundary}; "
            + (
                "the data see no effect of these columns at all"
                if peak.boundary == "0"
                else "the data ask for no shrinkage that this prior could give"
            )
        )
    closed = log_evidence_of_scale(pose(order.model, order.data))
    if closed is not None:
        order.scores["log_evidence"] = closed(np.log(order.axis.factors))
    note = "" if peak.error == 0 else f"Monte Carlo error {100 * peak.error:.2g}% of the scale"
    half = peak.deviation
    return order.choice(
        "evidence", peak.log_t, peak.log_t - half, peak.log_t + half,
        "one sd of log scale, from the curvature of the evidence", note,
    )  # fmt: skip


def _by_cross_validation(order: _Order) -> Choice:
    scores = mode_scores(order.model, order.data, order.axis, order.folds, order.hold)
    mean, error = scores.mean, scores.error
    order.scores["cv_deviance"], order.scores["cv_error"] = mean, error
    log_t = np.log(order.axis.factors)
    best = int(np.argmin(mean))
    within = np.flatnonzero(mean <= mean[best] + error[best])
    simplest = int(within[0])
    one = order.reference * float(order.axis.factors[simplest])
    note = f"smallest scale within one standard error: {one:.4g}"
    if best in (0, log_t.size - 1):
        note += "; the best score lies at the end of the axis: give scales beyond it"
    return order.choice(
        "cv", log_t[best], log_t[within[0]], log_t[within[-1]], "within one standard error", note
    )


def _by_leave_one_out(order: _Order) -> Choice:
    models = [order.model.rescaled(float(t)) for t in order.axis.factors]
    rows, refits = [], 0
    total = len(models) * order.chains * order.draws
    with progress_bar("leaving one out", total, order.progress) as advance:
        along = draws_along(
            models, order.data, [None] * len(models), draws=order.draws, chains=order.chains,
            seed=order.seed, cores=order.cores, advance=advance,
        )  # fmt: skip
        for at, (_, drawn) in zip(models, along, strict=True):
            found = importance_sampled(at, order.data, drawn, _refit(order))
            rows.append(found.by_row)
            refits += found.refitted
    by_row = np.array(rows)
    elpd = by_row.sum(axis=1)
    best = int(np.argmax(elpd))
    # Paired by row: what matters is the error of the difference to the best.
    difference = by_row - by_row[best]
    error = np.sqrt(by_row.shape[1]) * difference.std(axis=1, ddof=1)
    within = np.flatnonzero(difference.sum(axis=1) >= -error)
    order.scores["elpd_loo"], order.scores["elpd_loo_difference_error"] = elpd, error
    log_t = np.log(order.axis.factors)
    note = f"{refits} rows were refitted (k > 0.7)" if refits else ""
    return order.choice(
        "loo", log_t[best], log_t[min(within[0], best)], log_t[max(within[-1], best)],
        "within one standard error of the difference", note,
    )  # fmt: skip


def _refit(order: _Order) -> Callable[[Model, Data], Any]:
    from bayesreg.posterior.tree import parameters

    def refit(model: Model, data: Data) -> Any:
        posterior = pose(model, data)
        seeds = np.random.SeedSequence(order.seed).spawn(order.chains)
        drawn = draws_at(posterior, None, draws=order.draws, seeds=seeds, cores=order.cores,
                         advance=lambda count: None)  # fmt: skip
        return parameters(posterior, drawn)

    return refit


def _by_hyperprior(order: _Order) -> Choice:
    if isinstance(order.model.prior, dict):
        raise ModelError(
            "one hyperprior over priors of several columns cannot be stated as a model; state "
            "the densities in the model and sample it: Laplace(scale=HalfCauchy(1.0))"
        )
    prior = order.model.prior
    scale = getattr(prior, "scale", None)
    if not isinstance(scale, float):
        raise ModelError(f"{prior!r} has no single scale that could be given a hyperprior")
    unknown = replace(order.model, prior=replace(prior, scale=order.hyperprior))
    posterior = pose(unknown, order.data)
    require_proper(posterior, order.data.names)
    seeds = np.random.SeedSequence(order.seed).spawn(order.chains)
    total = order.chains * order.draws
    with progress_bar("sampling the scale", total, order.progress) as advance:
        drawn = draws_at(posterior, None, draws=order.draws, seeds=seeds, cores=order.cores,
                         advance=advance)  # fmt: skip
    draws = np.log(np.ravel(drawn.scalars["scale"]) / order.reference)
    order.scores["scale_draws"] = order.reference * np.exp(draws)
    low, middle, high = np.quantile(draws, [0.16, 0.5, 0.84])
    return order.choice(
        "hyperprior", middle, low, high, "middle 68% of its posterior",
        f"median of the posterior under {order.hyperprior!r}",
    )  # fmt: skip


_METHODS: dict[str, Callable[[_Order], Choice]] = {
    "evidence": _by_evidence,
    "cv": _by_cross_validation,
    "loo": _by_leave_one_out,
    "hyperprior": _by_hyperprior,
}
