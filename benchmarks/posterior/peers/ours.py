"""bayesreg: the sampler that "auto" chooses, and the whole call with its result."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

import bayesreg as br
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.run import one_linear_algebra_thread
from bayesreg.posterior.target import pose
from bayesreg.scales.draws import draws_at, parameters
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
    """The engine that "auto" chooses: its preparation, the mode it starts at, warm-up, draws.

    A short run before loads the compiled kernels, as the peers' models are compiled before.
    """
    begin = time.process_time()
    _run(problem, replace(settings, draws=10))
    loaded = time.process_time()
    draws = _run(problem, settings)
    return Run(time.process_time() - loaded, loaded - begin, draws)


def _run(problem: dict[str, Any], settings: Settings) -> dict[str, Any]:
    model, data = model_and_data(problem)
    with one_linear_algebra_thread():
        posterior = pose(model, data)
        start = None
        if choose_sampler(posterior, "auto").name == "nuts":
            fit = br.find_map(model, data)
            start = posterior.problem.extended(fit.coef, fit.intercept)
        drawn = draws_at(
            posterior, start, draws=settings.draws,
            seeds=np.random.SeedSequence(settings.seed).spawn(settings.chains), cores=1,
            advance=lambda count: None,
        )  # fmt: skip
    found = parameters(posterior, drawn)
    return _named(problem, found.coef, found.intercept, found.scalars)


def whole(problem: dict[str, Any], settings: Settings) -> Run:
    """The call as users make it: with certified mode, densities at every draw, diagnostics."""
    model, data = model_and_data(problem)

    def call(draws: int) -> Any:
        return br.sample(model, data, draws=draws, chains=settings.chains, seed=settings.seed,
                         progress=False, log_likelihood=False, cores=1)  # fmt: skip

    begin = time.process_time()
    call(10)
    loaded = time.process_time()
    post = call(settings.draws)
    seconds = time.process_time() - loaded
    group = {name: values.values for name, values in post["posterior"].data_vars.items()}
    draws = _named(problem, group["coef"], group["intercept"], group)
    return Run(seconds, loaded - begin, draws)


def _named(problem: dict[str, Any], coef: Any, intercept: Any, scalars: Any) -> dict[str, Any]:
    draws = {"w": coef}
    draws |= {
        new: scalars[old] for old, new in (("sigma", "sigma"), ("scale", "b")) if old in scalars
    }
    return draws | ({"intercept": intercept} if problem["case"].likelihood == "logistic" else {})


SAMPLERS = {"bayesreg": automatic, "bayesreg, the whole call": whole}
