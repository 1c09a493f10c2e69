"""PyMC: its own no-U-turn sampler, on the model as its users write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from benchmarks.posterior.peers import Run, Settings

VERSION = pm.__version__


def build(problem: dict[str, Any], centred: bool = True) -> pm.Model:
    """The posterior; not ``centred``, as multiples of standard variables."""
    case, X, y = problem["case"], problem["X"], problem["y"]
    kind = {"laplace": pm.Laplace, "normal": pm.Normal}[case.prior]
    with pm.Model() as model:
        sigma: Any = 1.0
        if case.likelihood == "gaussian":
            sigma = pm.HalfFlat("sigma") if case.relative else pm.HalfNormal("sigma", 1.0)
        b = pm.HalfCauchy("b", 1.0) if case.scale is None else case.scale
        scale = b * sigma if case.relative else b
        if centred:
            w = kind("w", 0.0, scale, shape=X.shape[1])
        else:
            w = pm.Deterministic("w", scale * kind("z", 0.0, 1.0, shape=X.shape[1]))
        if case.likelihood == "logistic":
            intercept = pm.Flat("intercept")
            pm.Bernoulli("y", logit_p=intercept + X @ w, observed=y)
        else:
            pm.Normal("y", X @ w, sigma, observed=y)
            # One contrast fewer than rows, and p(sigma) = 1 / sigma where relative.
            pm.Potential("contrasts", (0.0 if case.relative else 1.0) * pm.math.log(sigma))
    return model


def collect(posterior: Any) -> dict[str, np.ndarray]:
    """The variables that are compared."""
    return {k: np.asarray(posterior[k]) for k in ("w", "intercept", "sigma", "b") if k in posterior}


def _sample(problem: dict[str, Any], settings: Settings, centred: bool) -> Run:
    """PyMC's own clock: its compilation is not in it."""
    with build(problem, centred):
        found = pm.sample(
            draws=settings.draws, tune=settings.tune, chains=settings.chains, cores=1,
            random_seed=settings.seed, progressbar=False, nuts_sampler="pymc",
            compute_convergence_checks=False, initvals=None,
        )  # fmt: skip
    seconds = float(found["posterior"].attrs["sampling_time"])
    return Run(seconds, 0.0, collect(found["posterior"]))


SAMPLERS = {
    "PyMC NUTS": lambda problem, settings: _sample(problem, settings, True),
}
