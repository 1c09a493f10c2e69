"""A file per peer: ``SAMPLERS`` maps a name to ``run(problem, settings) -> Run``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Peer -> the environment it runs in.
ENVIRONMENTS = {
    "ours": "posterior",
    "nutpie_": "posterior",
    "numpyro_": "posterior",
    "blackjax_": "posterior",
    "pymc_": "posterior",
}


@dataclass(frozen=True)
class Settings:
    """What a sampler is asked for."""

    chains: int
    draws: int
    tune: int
    seed: int


@dataclass
class Run:
    """What it did.

    Attributes
    ----------
    seconds : float
        CPU seconds of warm-up and draws.
    preparation : float
        CPU seconds of compilation, or of preparing the model, before them.
    draws : dict of name to (chains, draws, ...) array
        ``w``, ``intercept`` of a logistic model, ``sigma`` and ``b`` where unknown.
    """

    seconds: float
    preparation: float
    draws: dict[str, np.ndarray]
