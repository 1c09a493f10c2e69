"""NumPyro's no-U-turn sampler, diagonal and dense mass matrix."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS

from benchmarks.posterior.peers import Run, Settings

jax.config.update("jax_enable_x64", True)
VERSION = numpyro.__version__


def model_of(problem: dict[str, Any]) -> Any:
    """The posterior as a NumPyro function."""
    case, X, y = problem["case"], jnp.asarray(problem["X"]), jnp.asarray(problem["y"])
    kind = {"laplace": dist.Laplace, "normal": dist.Normal}[case.prior]
    positive = dist.ImproperUniform(dist.constraints.positive, (), ())
    real = dist.ImproperUniform(dist.constraints.real, (), ())

    def model() -> None:
        sigma: Any = 1.0
        if case.likelihood == "gaussian":
            sigma = numpyro.sample("sigma", positive if case.relative else dist.HalfNormal(1.0))
        b = numpyro.sample("b", dist.HalfCauchy(1.0)) if case.scale is None else case.scale
        scale = b * sigma if case.relative else b
        w = numpyro.sample("w", kind(0.0, scale).expand([X.shape[1]]).to_event(1))
        if case.likelihood == "logistic":
            intercept = numpyro.sample("intercept", real)
            numpyro.sample("y", dist.Bernoulli(logits=intercept + X @ w), obs=y)
        else:
            numpyro.sample("y", dist.Normal(X @ w, sigma), obs=y)
            numpyro.factor("contrasts", (0.0 if case.relative else 1.0) * jnp.log(sigma))

    return model


def _sample(problem: dict[str, Any], settings: Settings, dense: bool) -> Run:
    kernel = NUTS(model_of(problem), dense_mass=dense)
    sampler = MCMC(
        kernel, num_warmup=settings.tune, num_samples=settings.draws,
        num_chains=settings.chains, chain_method="sequential", progress_bar=False,
    )  # fmt: skip
    begin = time.process_time()
    # Compiles for these shapes and lengths; a chain of it is run as well.
    sampler.run(jax.random.PRNGKey(settings.seed + 1))
    start = time.process_time()
    sampler.run(jax.random.PRNGKey(settings.seed))
    found = {k: np.asarray(v) for k, v in sampler.get_samples(group_by_chain=True).items()}
    seconds = time.process_time() - start
    return Run(seconds, max(start - begin - seconds, 0.0), found)


SAMPLERS = {
    "NumPyro NUTS": partial(_sample, dense=False),
    "NumPyro NUTS, dense": partial(_sample, dense=True),
}
