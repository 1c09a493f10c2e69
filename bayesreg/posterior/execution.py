"""Carry out an order: prepare the sampler, run its chains, and put the result together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg._warning import warn
from bayesreg.errors import PartialRunWarning
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.describe import PREDICTIVE, Describer
from bayesreg.posterior.diagnostics import Diagnostics, diagnose_variables, warn_if_short
from bayesreg.posterior.memory import Memory
from bayesreg.posterior.order import Mode, Order
from bayesreg.posterior.progress import COMPILING, progress_bar
from bayesreg.posterior.protocol import (
    Advance,
    AnyPosterior,
    AnySetup,
    Block,
    Chain,
    ClassSetup,
    Draws,
    Engine,
    Sampler,
)
from bayesreg.posterior.run import Pieces, Plan, block_length, run

if TYPE_CHECKING:
    import xarray as xr


def in_memory(order: Order, setup: AnySetup, mode: Mode, progress: bool, cores: int) -> xr.DataTree:
    """Run, and return all draws.

    Raises
    ------
    KeyboardInterrupt
        The user interrupted before the first draw.
    """
    from bayesreg.posterior.tree import build_tree, draws_dataset, mode_dataset

    sampler, memory = SAMPLERS[order.sampler], Memory(order.draws)
    iterations, drawn_by = order.chains * (order.tune + order.draws), dict[str, str]()
    whole = sampler.whole_run is not None
    opening = "" if whole else COMPILING
    with progress_bar(f"sampling ({order.sampler})", iterations, progress, opening) as bar:
        if whole:
            found = _whole_run(sampler, setup, order, bar.advance, cores)
            memory.accept(0, _pieces_of(found, order, setup.posterior), ())
            complete, drawn_by = True, found.attributes
        else:
            engine = prepared(sampler, setup)
            plan = Plan(order.tune, order.draws, length_of(engine, setup.posterior))
            complete = run(engine, new_chains(engine, order),
                           describer(engine, order, setup.posterior), memory, bar, plan,
                           cores)  # fmt: skip
    if not memory.kept:
        raise KeyboardInterrupt
    drawn = memory.groups
    diagnostics = diagnosed(order, setup.posterior, drawn["posterior"], drawn["sample_stats"])
    groups = {name: draws_dataset(name, parts, order.data) for name, parts in drawn.items()}
    if mode.fit is not None:
        groups["map_estimate"] = mode_dataset(mode.fit, order.data)
    said = {**attributes(order, mode.reason, diagnostics, complete), **drawn_by}
    tree = build_tree(groups, order.model, order.data, setup.posterior, diagnostics, said)
    warn_of_shortfalls(order, memory.kept, diagnostics, complete)
    return tree


def prepared(sampler: Sampler, setup: AnySetup) -> Engine:
    """The engine of a sampler that can stop after any block."""
    if isinstance(setup, ClassSetup):
        assert sampler.of_classes is not None
        assert sampler.of_classes.prepare is not None
        return sampler.of_classes.prepare(setup)
    assert sampler.prepare is not None
    return sampler.prepare(setup)


def _whole_run(
    sampler: Sampler, setup: AnySetup, order: Order, advance: Advance, cores: int
) -> Draws:
    """All draws of a sampler that only knows whole runs."""
    if isinstance(setup, ClassSetup):
        assert sampler.of_classes is not None
        assert sampler.of_classes.whole_run is not None
        return sampler.of_classes.whole_run(setup, order.draws, _seeds(order), advance, cores)
    assert sampler.whole_run is not None
    return sampler.whole_run(setup, order.draws, _seeds(order), advance, cores)


def length_of(engine: Engine, posterior: AnyPosterior) -> int:
    """Iterations in a block."""
    return block_length(engine, posterior.size, posterior.problem.n)


def describer(engine: Engine, order: Order, posterior: AnyPosterior) -> Describer:
    """Blocks of this engine in the user's units."""
    return Describer(order.model, order.data, posterior, engine.statistics, order.pointwise)


def new_chains(engine: Engine, order: Order) -> list[Chain]:
    """Chains at their starts."""
    chains = [engine.begin(seed) for seed in _seeds(order)]
    for k, chain in enumerate(chains):
        chain.streams.update(_predictive_stream(order, k))
    return chains


def _seeds(order: Order) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(order.seed).spawn(order.chains)


def _predictive_stream(order: Order, k: int) -> dict[str, np.random.Generator]:
    """Beside those that the engine made from the seed of chain k."""
    if not order.predictive:
        return {}
    seed = np.random.SeedSequence(order.seed, spawn_key=(k, 2**31))
    return {PREDICTIVE: np.random.default_rng(seed)}


def _pieces_of(drawn: Draws, order: Order, posterior: AnyPosterior) -> list[Pieces]:
    """Whole runs, as one block each."""
    describe = Describer(order.model, order.data, posterior, tuple(drawn.statistics),
                         order.pointwise)  # fmt: skip
    pieces = []
    for k, v in enumerate(drawn.v):
        scalars, statistics = (
            np.column_stack([np.empty((len(v), 0)), *(part[k] for part in parts.values())])
            for parts in (drawn.scalars, drawn.statistics)
        )
        chain = Chain({}, _predictive_stream(order, k))
        pieces.append(describe(chain, Block(v, scalars, statistics)))
    return pieces


def diagnosed(
    order: Order,
    posterior: AnyPosterior,
    variables: Mapping[str, Any],
    statistics: Mapping[str, Any],
) -> Diagnostics:
    """Figures of coefficients, intercept and scalars; pinned coefficients are constants."""
    problem = posterior.problem
    sampled = [name for name in ("coef", "intercept", *posterior.scalars) if name in variables]
    diverging = statistics.get("diverging")
    divergences = 0 if diverging is None else int(np.sum(diverging[:, :]))
    free = ~problem.penalty.is_pinned[: problem.p]
    parameters = {name: variables[name] for name in sampled}
    return diagnose_variables(parameters, order.data.names, free, divergences)


def attributes(
    order: Order, why_no_mode: str, diagnostics: Diagnostics, complete: bool
) -> dict[str, str | int | float]:
    """What was done, as text and numbers."""
    return {
        "seed": order.seed if order.seed < 2**63 else str(order.seed),
        "sampler": order.sampler,
        "sampler_reason": order.reason,
        "tune": order.tune,
        "partial": int(not complete),
        "log_likelihood": "stored" if order.pointwise else "left out; pass log_likelihood=True",
        "map_estimate": f"left out: {why_no_mode}" if why_no_mode else "stored",
        **_worst(diagnostics),
    }


def _worst(diagnostics: Diagnostics) -> dict[str, float | int]:
    if not diagnostics.labels:
        return {"divergences": diagnostics.divergences}
    return {
        "rhat_max": float(np.max(diagnostics.rhat)),
        "ess_bulk_min": float(np.min(diagnostics.ess_bulk)),
        "ess_tail_min": float(np.min(diagnostics.ess_tail)),
        "divergences": diagnostics.divergences,
    }


def warn_of_shortfalls(
    order: Order, kept: int, diagnostics: Diagnostics, complete: bool, remedy: str = ""
) -> None:
    """Fewer draws than asked, and diagnostics that fall short.

    Warns
    -----
    PartialRunWarning, ConvergenceWarning
    """
    if not complete:
        warn(
            f"interrupted: the result is partial and has {kept} of {order.draws} draws per chain "
            f'(attrs["partial"] is 1){remedy}',
            PartialRunWarning,
        )
    warn_if_short(diagnostics)
