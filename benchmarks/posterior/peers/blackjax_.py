"""BlackJAX: window adaptation, then its no-U-turn sampler, on NumPyro's density."""

from __future__ import annotations

import time
from typing import Any

import blackjax
import jax
import numpy as np
from numpyro.infer.util import initialize_model

from benchmarks.posterior.peers import Run, Settings
from benchmarks.posterior.peers.numpyro_ import model_of

VERSION = blackjax.__version__


def _sample(problem: dict[str, Any], settings: Settings) -> Run:
    keys = jax.random.split(jax.random.PRNGKey(settings.seed), 2 * settings.chains)
    info = initialize_model(keys[0], model_of(problem))

    def log_density(position: Any) -> Any:
        return -info.potential_fn(position)

    def chain(key: Any, position: Any) -> Any:
        warm, draw = jax.random.split(key)
        adaptation = blackjax.window_adaptation(blackjax.nuts, log_density)
        (state, parameters), _ = adaptation.run(warm, position, num_steps=settings.tune)
        kernel = blackjax.nuts(log_density, **parameters).step

        def step(state: Any, key: Any) -> Any:
            state, _ = kernel(key, state)
            return state, state.position

        return jax.lax.scan(step, state, jax.random.split(draw, settings.draws))[1]

    begin = time.process_time()
    compiled = jax.jit(chain).lower(keys[0], info.param_info.z).compile()
    start = time.process_time()
    runs = []
    for k in range(settings.chains):
        first = initialize_model(keys[settings.chains + k], model_of(problem)).param_info.z
        runs.append(jax.block_until_ready(compiled(keys[k], first)))
    seconds = time.process_time() - start
    constrain = jax.vmap(jax.vmap(info.postprocess_fn))
    stacked = {k: np.stack([np.asarray(run[k]) for run in runs]) for k in runs[0]}
    return Run(seconds, start - begin, {k: np.asarray(v) for k, v in constrain(stacked).items()})


SAMPLERS = {"BlackJAX NUTS": _sample}
