"""What every method of choose_scale is given, and how it answers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import BayesregError, BayesregWarning
from bayesreg.likelihoods import noise_prior
from bayesreg.model import Model
from bayesreg.posterior.densities import Parameters
from bayesreg.posterior.target import Posterior, pose
from bayesreg.scales.axis import Axis
from bayesreg.scales.choice import Choice
from bayesreg.scales.closed_folds import closed_scores
from bayesreg.scales.closed_form import law_of
from bayesreg.scales.cross_validation import Scores
from bayesreg.scales.draws import Advance, draws_at, parameters
from bayesreg.scales.folds import Splits, find_splits
from bayesreg.scales.normal_law import NormalLaw
from bayesreg.solvers import find_map


@dataclass(frozen=True, eq=False)
class Order:
    """Arguments of choose_scale; ``scores`` collects what the methods saw.

    ``begins_at_null``: at the first scale of the axis the mode has every coefficient with an L1
    part at its loc, and at smaller ones too.
    """

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
    begins_at_null: bool
    scores: dict[str, Any] = field(default_factory=dict)

    @property
    def log_t(self) -> FloatArray:
        """The axis, as logarithms of factors of the model's scales."""
        log_t: FloatArray = np.log(self.axis.factors)
        return log_t

    @cached_property
    def law(self) -> NormalLaw | None:
        """The posterior at every scale in closed form; None where draws are needed."""
        return law_of(self.model, self.data)

    @cached_property
    def splits(self) -> Splits:
        """The folds, the same for every method."""
        return find_splits(self.model, self.data, self.folds)

    @cached_property
    def closed_folds(self) -> dict[str, Scores]:
        """The scores of the folds that need no draws, by their names in a scan."""
        if self.law is None:
            return {}
        found = closed_scores(self.model, self.data, self.axis, self.splits, self.law, self.hold)
        return found or {}

    @property
    def reference(self) -> float:
        """The axis scale at t = 1."""
        return float(self.axis.scales[0] / self.axis.factors[0])

    def scale(self, log_t: float) -> float:
        """In units of the prior; of a point of the axis to the last digit."""
        k = int(np.searchsorted(self.log_t, log_t))
        if k < self.log_t.size and self.log_t[k] == log_t:
            return float(self.axis.scales[k])
        with np.errstate(over="ignore"):
            return self.reference * float(np.exp(log_t))

    def lambda_(self, log_t: float) -> float:
        """The canonical lambda, with an unknown sigma at 1."""
        power = 1.0 if self.axis.kinked else 2.0
        with np.errstate(over="ignore"):
            return self.axis.reference_lambda * float(np.exp(-power * log_t))

    @property
    def sigma_power(self) -> int:
        """lambda is :meth:`lambda_` times sigma to this power; 0 where sigma is a number."""
        return 0 if noise_prior(self.model.likelihood) is None else self.axis.sigma_power

    def sigma(self, log_t: float) -> float:
        """sigma at the joint mode; NaN where lambda needs none or there is no such mode."""
        if not self.sigma_power or not np.isfinite(log_t):
            return float("nan")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BayesregWarning)
                model = self.model.rescaled(float(np.exp(log_t)))
                return float(find_map(model, self.data, target="joint").scalars["sigma"])
        except BayesregError:
            return float("nan")

    def lambda_at_sigma(self, log_t: float) -> float:
        """The canonical lambda at :meth:`sigma`; :meth:`lambda_` itself where it needs none."""
        return self.lambda_(log_t) * self.sigma(log_t) ** self.sigma_power

    def choice(self, method: str, log_t: float, span: tuple[float, float], interval: str,
               **more: Any) -> Choice:  # fmt: skip
        """A Choice from positions on log t; minus infinity is a scale of 0."""
        low, high = (self.scale(end) for end in span)
        sigma = self.sigma(log_t)
        return Choice(
            method, self.scale(log_t), low, high, self.lambda_(log_t), interval,
            sigma=sigma, lambda_at_sigma=self.lambda_(log_t) * sigma**self.sigma_power, **more,
        )  # fmt: skip

    def drawn(
        self, log_t: float, draws: int, advance: Advance, data: Data | None = None,
        model: Model | None = None, stream: int = 0,
    ) -> tuple[Model, Posterior, Parameters]:  # fmt: skip
        """Draws at one scale; of one stream with the same random numbers whatever the scale."""
        stated = (self.model if model is None else model).rescaled(float(np.exp(log_t)))
        posterior = pose(stated, self.data if data is None else data)
        seeds = np.random.SeedSequence([self.seed, stream]).spawn(self.chains)
        drawn = draws_at(
            posterior, None, draws=draws, seeds=seeds, cores=self.cores, advance=advance
        )
        return stated, posterior, parameters(posterior, drawn)


def nothing(method: str, reason: str) -> Choice:
    """The answer of a method that has none."""
    nan = float("nan")
    return Choice(method, nan, nan, nan, nan, "", reason)


def end_of_axis(best: int, size: int, at_null: bool = False) -> tuple[str, str]:
    """``Choice.boundary``, and what to say of a score that is best at the end of the axis."""
    if size == 1:
        return "", "the axis has one scale only: there was nothing to choose from"
    if best == 0 and at_null:
        return "lower end", (
            "best at the smallest scale tried, where the mode of all rows has every coefficient "
            "with an L1 part at its loc, as at any smaller scale"
        )
    if best == 0:
        return "lower end", "best at the smallest scale tried: smaller ones may be better still"
    if best == size - 1:
        return "upper end", "best at the largest scale tried: larger ones may be better still"
    return "", ""
