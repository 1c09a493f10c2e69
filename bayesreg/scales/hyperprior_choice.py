"""The posterior of the scale under a prior of its own, everything else averaged.

One unknown factor multiplies the prior scales of all scanned columns, in the ratios that the model
states: one scale, an array of scales, or priors by column of one family.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.errors import ModelError
from bayesreg.model import unknown_scales
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.protocol import Draws
from bayesreg.posterior.target import Posterior, RandomScale, pose
from bayesreg.scales.choice import Choice
from bayesreg.scales.draws import draws_at
from bayesreg.scales.order import Order

INTERVAL = "middle 68% of its posterior"


def by_hyperprior(order: Order) -> Choice:
    """The median of p(scale | y)."""
    posterior = with_unknown_scale(order)
    require_proper(posterior, order.data.names)
    drawn = _draws(order, posterior)
    log_scale = np.log(drawn.scalars["scale"])
    order.scores["scale_draws"] = np.ravel(drawn.scalars["scale"])
    low, middle, high = np.quantile(log_scale, [0.16, 0.5, 0.84]) - np.log(order.reference)
    return order.choice(
        "hyperprior", float(middle), (float(low), float(high)), INTERVAL,
        note=f"median of the scale's posterior under {order.hyperprior!r}",
        monte_carlo_error=_error_of_median(log_scale),
    )  # fmt: skip


def with_unknown_scale(order: Order) -> Posterior:
    """The posterior in which the axis scale is unknown, and the others keep their ratio to it.

    Raises
    ------
    ModelError
        Where the axis does not multiply every scale by the same factor.
    """
    at_one = pose(order.model.rescaled(1.0 / order.reference), order.data)
    if unknown_scales(order.model):
        raise ModelError("some prior scale is unknown already; choose_scale needs numbers")
    penalty, p = at_one.problem.penalty, at_one.problem.p
    scanned = ~(penalty.is_flat | penalty.is_pinned) & (np.arange(penalty.size) < p)
    if order.axis.kinked and np.any(penalty.l2[scanned] > 0):
        raise ModelError(
            "with an L2 part beside the L1 part the axis keeps the ratio of the two penalties, "
            "not that of the two scales, so that no one unknown scale stands for it. State "
            "Laplace or Normal priors throughout, or sample Laplace(scale=HalfCauchy(1.0))"
        )
    return replace(at_one, scales=(RandomScale("scale", order.hyperprior, scanned),))


def _draws(order: Order, posterior: Posterior) -> Draws:
    sampler = choose_sampler(posterior, "auto")
    if sampler.name == "nuts" and posterior.problem.penalty.tails is not None:
        raise ModelError(
            f"the sampler for {order.model.likelihood!r} has no start for Student's t priors of "
            "unknown scale; ask for evidence, or state Laplace or Normal priors"
        )
    seeds = np.random.SeedSequence(order.seed).spawn(order.chains)
    total = order.chains * (order.draws + sampler.default_tune)
    with progress_bar("hyperprior", total, order.progress) as bar:
        return draws_at(
            posterior, None, draws=order.draws, seeds=seeds, cores=order.cores, advance=bar.advance
        )


def _error_of_median(draws: np.ndarray) -> float:
    from arviz_stats import mcse

    return float(mcse(np.ascontiguousarray(draws), method="median"))
