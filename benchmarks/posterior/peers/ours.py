"""bayesreg: the sampler that "auto" chooses, and the whole call with its result."""

from __future__ import annotations

import time
from typing import Any

import bayesreg as br
from benchmarks.posterior.peers import Run, Settings

VERSION = br.__version__


def model_and_data(problem: dict[str, Any]) -> tuple[br.Model, br.Data]:
    """The problem in bayesreg's words."""
    case = problem["case"]
    kind = {"laplace": br.Laplace, "normal": br.Normal}[case.prior]
    scale = br.HalfCauchy(1.0) if case.scale is None else case.scale
    if case.likelihood == "logistic":
        likelihood: Any = br.Bernoulli()
    else:
        likelihood = br.Gaussian(br.Jeffreys() if case.relative else br.HalfNormal(1.0))
    prior = kind(scale, relative_to_noise=case.relative)
    return br.Model(likelihood, prior), br.Data(problem["X"], problem["y"])


def automatic(problem: dict[str, Any], settings: Settings) -> Run:
    """From arrays to draws and their diagnostics; log likelihoods of rows are left out."""
    model, data = model_and_data(problem)
    start = time.process_time()
    post = br.sample(
        model, data, draws=settings.draws, chains=settings.chains, seed=settings.seed,
        progress=False, log_likelihood=False, cores=1,
    )  # fmt: skip
    whole = time.process_time() - start
    sampling = float(post.attrs["sampling_cpu_time"])
    group = post["posterior"]
    names = {"coef": "w", "sigma": "sigma", "scale": "b"}
    if problem["case"].likelihood == "logistic":
        names["intercept"] = "intercept"
    draws = {new: group[old].values for old, new in names.items() if old in group}
    return Run(sampling, whole - sampling, draws)


SAMPLERS = {"bayesreg": automatic}
