"""Everything about a Gaussian likelihood with Normal priors along the axis, without a draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.components import Kind
from bayesreg.posterior.target import pose
from bayesreg.scales.axis import Axis
from bayesreg.scales.exact_leave_one_out import exact_leave_one_out
from bayesreg.scales.modes import norms
from bayesreg.scales.noise_mixture import NoiseMixture, noise_mixture
from bayesreg.scales.normal_law import AffinePart, NormalLaw, why_no_closed_form
from bayesreg.scales.normal_summaries import mixture_summary
from bayesreg.scales.null_evidence import said_of_evidence

# log weights of sigma below which a node says nothing about a coefficient.
_NEGLIGIBLE = -35.0


def law_of(model: Model, data: Data) -> NormalLaw | None:
    """The closed form; None where draws are needed."""
    posterior = pose(model, data)
    return None if why_no_closed_form(posterior) is not None else NormalLaw.of(posterior)


def freedom_of(law: NormalLaw | None, axis: Axis) -> FloatArray | None:
    """Effective degrees of freedom at each scale; None where they depend on the mode's sigma."""
    if law is None or law.kind is Kind.SCALE_BY_SIGMA or not law.plain_intercept:
        return None
    return law.degrees_of_freedom(axis.factors)


def said_of_closed_form(model: Model, law: NormalLaw, mass: float) -> dict[str, Any]:
    """Attributes of the study."""
    problem = law.posterior.problem
    flat = np.flatnonzero(problem.penalty.is_flat[: problem.p])
    evidence = said_of_evidence(model)
    if flat.size:
        evidence = f"left out: {flat.size} coefficient(s) have a flat prior, which has no density"
    exact = "exact, from one decomposition: Gaussian likelihood, Normal priors"
    return {"posterior": exact, "probability": mass, "log_evidence": evidence}


def closed_columns(
    law: NormalLaw,
    data: Data,
    axis: Axis,
    *,
    rope: float | None,
    mass: float,
    loo: bool,
) -> dict[str, Any]:
    """Variables of the study."""
    problem = law.posterior.problem
    mixtures = [noise_mixture(law, float(t)) for t in axis.factors]
    rows = [
        mixture_summary(*parts, rope, mass)
        for parts in _along(law, law.coefficients, axis.factors, mixtures)
    ]
    columns: dict[str, Any] = {
        name: (("scale", "feature"), np.array([row[name][: problem.p] for row in rows]))
        for name in rows[0]
    }
    columns |= norms("mean", columns["mean"][1])
    if problem.has_intercept:
        columns["mean_intercept"] = ("scale", [row["mean"][-1] for row in rows])
    if law.posterior.sigma is not None:
        values = [float(mixture.weights @ mixture.sigma) for mixture in mixtures]
        columns["mean_sigma"] = ("scale", values)
    if not problem.penalty.is_flat[: problem.p].any():
        columns["log_evidence"] = ("scale", [mixture.log_evidence for mixture in mixtures])
        columns["log_evidence_error"] = ("scale", np.zeros(len(mixtures)))
    if loo:
        by_row = exact_leave_one_out(law, data, axis.factors, mixtures)
        error = np.sqrt(problem.n) * np.std(by_row, axis=1, ddof=1)
        columns["loo"] = ("scale", np.sum(by_row, axis=1))
        columns["loo_error"] = ("scale", error)
        columns["loo_refitted"] = ("scale", np.zeros(len(by_row), dtype=np.int64))
    return columns


def _along(
    law: NormalLaw, part: AffinePart, factors: FloatArray, mixtures: list[NoiseMixture]
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """:func:`_parts` at each factor; given sigma, by one product for all of them."""
    if law.posterior.sigma is not None:
        for t, mixture in zip(factors, mixtures, strict=True):
            yield _parts(law, part, float(t), mixture)
        return
    mean, sd = law.mean(part, factors), np.sqrt(law.variance(part, factors))
    for k in range(factors.size):
        yield mean[k : k + 1], sd[k : k + 1], np.ones(1)


def _parts(
    law: NormalLaw, part: AffinePart, t: float, mixture: NoiseMixture
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Means and sds of some numbers at each node of sigma that counts, and the weights."""
    counts = mixture.log_weights > _NEGLIGIBLE
    sigma, weights = mixture.sigma[counts], mixture.weights[counts]
    ratio = law.ratio(t, sigma)
    if law.kind is not Kind.SCALE_BY_SIGMA:
        mean = np.broadcast_to(law.mean(part, ratio[:1]), (sigma.size, part.origin.size))
        variance = law.variance(part, ratio[:1])
    else:
        mean, variance = law.mean(part, ratio), law.variance(part, ratio)
    return mean, sigma[:, None] * np.sqrt(variance), weights / np.sum(weights)
