"""nutpie, with its diagonal and its low-rank mass matrix, on PyMC's model."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import nutpie

from benchmarks.posterior.peers import Run, Settings
from benchmarks.posterior.peers.pymc_ import build, collect

VERSION = nutpie.__version__


def _sample(
    problem: dict[str, Any], settings: Settings, low_rank: bool = False, centred: bool = True
) -> Run:
    start = time.process_time()
    compiled = nutpie.compile_pymc_model(build(problem, centred), backend="numba")
    options = {"low_rank_modified_mass_matrix": True} if low_rank else {}
    # The first call may compile on demand.
    nutpie.sample(compiled, draws=1, tune=1, chains=1, progress_bar=False, save_warmup=False)
    prepared = time.process_time()
    found = nutpie.sample(
        compiled, draws=settings.draws, tune=settings.tune, chains=settings.chains, cores=1,
        seed=settings.seed, progress_bar=False, save_warmup=False, **options,
    )  # fmt: skip
    return Run(time.process_time() - prepared, prepared - start, collect(found["posterior"]))


SAMPLERS = {
    "nutpie": _sample,
    "nutpie low-rank": partial(_sample, low_rank=True),
    "nutpie low-rank, non-centred": partial(_sample, low_rank=True, centred=False),
}
