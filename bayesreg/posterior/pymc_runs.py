"""Whole runs of one chain by PyMC's no-U-turn sampler or by nutpie's, on a model of PyMC's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesreg.posterior.protocol import Advance

# Above PyMC's 0.8: the kink of a Laplace prior rewards smaller steps.
TARGET_ACCEPT = 0.9
#: Statistics by our names, and what PyMC and nutpie call them.
_STATISTICS = {
    "diverging": ("diverging",), "energy": ("energy",), "tree_depth": ("tree_depth", "depth"),
    "n_steps": ("n_steps",), "acceptance_rate": ("acceptance_rate", "mean_tree_accept"),
    "step_size": ("step_size",),
}  # fmt: skip

#: The seed of a chain to what the program returns.
RunChain = Callable[[np.random.SeedSequence], Any]


def by_pymc(
    tune: int, draws: int, advance: Advance,
    start: Callable[[np.random.Generator], dict[str, Any]],
) -> RunChain:  # fmt: skip
    import pymc as pm

    def run(seed: np.random.SeedSequence) -> Any:
        begin, sampling = seed.spawn(2)
        return pm.sample(
            draws=draws, tune=tune, chains=1, cores=1, nuts_sampler="pymc",
            random_seed=int(sampling.generate_state(1)[0]), callback=lambda **_: advance(1),
            progressbar=False, quiet=True, compute_convergence_checks=False,
            **start(np.random.default_rng(begin)),
        )  # fmt: skip

    return run


def by_nutpie(
    pm_model: Any, point: dict[str, Any], tune: int, draws: int, advance: Advance
) -> RunChain:
    import nutpie

    # Beside a far bound nutpie's jitter of 1 would be one of the logarithm of the distance.
    moved = [rv for rv in pm_model.free_RVs if pm_model.rvs_to_transforms[rv] is None]
    compiled = nutpie.compile_pymc_model(pm_model, initial_points=point, jitter_rvs=set(moved))

    def run(seed: np.random.SeedSequence) -> Any:
        found = nutpie.sample(
            compiled, draws=draws, tune=tune, chains=1, cores=1, progress_bar=False,
            save_warmup=False, seed=int(seed.generate_state(1)[0]), target_accept=TARGET_ACCEPT,
        )  # fmt: skip
        advance(tune + draws)
        return found

    return run


def whole(found: Any, draws: int) -> Any:
    """The result of one chain as a tree.

    Both programs take Ctrl-C for an order to return what they have.
    """
    from bayesreg.posterior.tree import as_tree

    tree = as_tree(found)
    if "posterior" not in tree or tree["posterior"].sizes.get("draw", 0) < draws:
        raise KeyboardInterrupt(
            "interrupted: sampler 'pymc' runs whole chains one after another and keeps none of an "
            "unfinished run. Ask for fewer draws, or take a sampler that returns what there is "
            "(sampler='auto' where it has another one)"
        )
    return tree


def note_statistics(tree: Any, statistics: dict[str, list[np.ndarray]]) -> None:
    """Keep what the program says about each draw of the only chain."""
    for name, theirs in _STATISTICS.items():
        for word in theirs:
            if word in tree["sample_stats"]:
                statistics.setdefault(name, []).append(tree["sample_stats"][word].values[0])
