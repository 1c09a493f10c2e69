"""sample: the posterior by the best sampler for the model, with its diagnostics."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg import _checks
from bayesreg._types import FloatArray
from bayesreg.data import Data
from bayesreg.errors import (
    LocalModesWarning,
    ModelError,
    ModelTypeError,
    NoModeError,
    NotCertifiedError,
    NotUniqueWarning,
)
from bayesreg.likelihoods import estimated_dispersion, noise_prior
from bayesreg.model import Model, require_model_and_data
from bayesreg.posterior.choice import choose_sampler
from bayesreg.posterior.diagnostics import Diagnostics, diagnose, warn_if_short
from bayesreg.posterior.progress import progress_bar
from bayesreg.posterior.propriety import require_proper
from bayesreg.posterior.protocol import Advance, Draws, Sampler, Setup
from bayesreg.posterior.run import Memory, available_cores, one_linear_algebra_thread, run
from bayesreg.posterior.target import pose
from bayesreg.problem import Problem

if TYPE_CHECKING:
    import xarray as xr

    from bayesreg.posterior.densities import Parameters
    from bayesreg.solvers import MapEstimate

#: Beyond these a run would neither fit into memory (8 GB of draws) nor end.
MOST_NUMBERS, MOST_ITERATIONS, MOST_CHAINS = 10**9, 10**9, 10**4


def sample(
    model: Model,
    data: Data,
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    sampler: str = "auto",
    progress: bool = True,
    *,
    tune: int | None = None,
    log_likelihood: bool | None = None,
    cores: int | None = None,
) -> xr.DataTree:
    """Draws from the posterior p(coef, intercept | y).

    Parameters
    ----------
    model, data
        The posterior.
    draws, chains : int
        Draws kept per chain, and independent chains.
    seed : int, optional
        The same seed gives the same bits, and chain k does not depend on the number of chains.
        Without one, fresh entropy is used and recorded in ``attrs["seed"]``.
    sampler : {"auto", "exact", "gibbs", "nuts"}
        "auto" takes the best that applies; the choice and its reason stand in the attributes.
    progress : bool
        Show a progress bar, on stderr, if that is a terminal.
    tune : int, optional
        Iterations before the first draw that is kept: 500 for Gibbs, 1000 for NUTS; exact draws
        need none.
    log_likelihood : bool, optional
        Keep log p(y_i | draw) for each row and draw (needed by LOO). By default when it takes
        at most 1 GiB; ``attrs["log_likelihood"]`` says whether it is there.
    cores : int, optional
        Chains that run at a time, in threads; as many as the process may use by default. The
        draws do not depend on it.

    Returns
    -------
    xarray.DataTree
        In the ArviZ schema: ``posterior`` (coef[chain, draw, feature], intercept),
        ``sample_stats`` (lp, diverging, ...), ``log_likelihood``, ``log_prior``,
        ``observed_data``, ``constant_data`` (with the penalty in nats, l1 and l2, and in
        canonical form, lambda1 and lambda2), ``map_estimate``. Ready for arviz_stats and
        arviz_plots.

    Raises
    ------
    ImproperPosteriorError
        The posterior does not integrate, with the reason.
    DataError, ModelError, ModelTypeError
        For arguments that do not fit together.

    Warns
    -----
    ConvergenceWarning
        R-hat, effective sample size or divergences fall short; names the parameter.

    Examples
    --------
    >>> import numpy as np, bayesreg as br
    >>> data = br.Data(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0]))
    >>> model = br.Model(br.Gaussian(sigma=1.0), br.Normal(scale=1.0))
    >>> post = br.sample(model, data, seed=1)
    >>> post["posterior"]["coef"].shape, post.attrs["sampler"]
    ((4, 1000, 1), 'exact')
    """
    from bayesreg.posterior import tree

    draws = _count(draws, "draws", most=MOST_ITERATIONS)
    chains = _count(chains, "chains", most=MOST_CHAINS)
    cores = available_cores() if cores is None else _count(cores, "cores", most=MOST_CHAINS)
    _checks.flag(progress, "progress")
    seed = _seed(seed)
    require_model_and_data(model, data)
    data = data.to_dense()
    posterior = pose(model, data)
    chosen = choose_sampler(posterior, sampler)
    tune = (
        chosen.default_tune if tune is None else _count(tune, "tune", least=0, most=MOST_ITERATIONS)
    )
    problem = posterior.problem
    _require_room(draws, chains, problem.size)
    pointwise = _pointwise(log_likelihood, draws * chains * problem.n)
    require_proper(posterior, data.names)
    with one_linear_algebra_thread():
        fit, why_no_fit = _mode(model, data)
        start = problem.start if fit is None else problem.extended(fit.coef, fit.intercept)
        seeds = np.random.SeedSequence(seed).spawn(chains)
        iterations = chains * (draws + (tune if chosen.default_tune else 0))
        setup = Setup(posterior, start, tune if chosen.default_tune else 0)
        began = time.perf_counter(), time.process_time()
        with progress_bar(f"sampling ({chosen.name})", iterations, progress) as advance:
            drawn, complete = _draw(chosen, setup, draws, seeds, advance, cores)
        took = time.perf_counter() - began[0], time.process_time() - began[1]
    parameters = tree.parameters(posterior, drawn)
    divergences = int(np.sum(drawn.statistics.get("diverging", 0)))
    diagnostics = _diagnose(problem, parameters, data.names, divergences)
    attributes: dict[str, Any] = {
        "seed": seed if seed < 2**63 else str(seed),
        "sampler": chosen.name,
        "sampler_reason": chosen.reason if sampler == "auto" else "chosen by the caller",
        "tune": tune,
        "partial": int(not complete),
        "sampling_time": took[0],
        "sampling_cpu_time": took[1],
        "log_likelihood": "stored" if pointwise else "left out; pass log_likelihood=True",
        "map_estimate": "stored" if fit is not None else f"left out: {why_no_fit}",
        **_worst(diagnostics),
    }
    result = tree.build_tree(
        model, data, posterior, parameters, drawn.statistics, fit, attributes, pointwise
    )
    warn_if_short(diagnostics)
    return result


def _draw(
    sampler: Sampler,
    setup: Setup,
    draws: int,
    seeds: Sequence[np.random.SeedSequence],
    advance: Advance,
    cores: int,
) -> tuple[Draws, bool]:
    """The draws, and whether there are as many as wanted."""
    if sampler.whole_run is not None:
        return sampler.whole_run(setup, draws, seeds, advance, cores), True
    assert sampler.prepare is not None
    engine = sampler.prepare(setup)
    chains = [engine.begin(seed) for seed in seeds]
    size, scalars = setup.posterior.problem.size, tuple(setup.posterior.scalars)
    memory = Memory(len(chains), draws, size, scalars, engine.statistics)
    complete = run(
        engine, chains, memory, tune=setup.tune, draws=draws, size=size, scalars=len(scalars),
        cores=cores, advance=advance,
    )  # fmt: skip
    drawn = memory.draws
    if not drawn.v.shape[1]:
        raise KeyboardInterrupt
    return drawn, complete


def _mode(model: Model, data: Data) -> tuple[MapEstimate | None, str]:
    """The certified mode, or None and why there is none."""
    from bayesreg.solvers import find_map

    try:
        with warnings.catch_warnings():
            # Recorded in the group as ``unique``: not an obstacle to sampling.
            warnings.simplefilter("ignore", NotUniqueWarning)
            warnings.simplefilter("ignore", LocalModesWarning)
            unknown = noise_prior(model.likelihood) or estimated_dispersion(model.likelihood)
            return find_map(model, data, target=None if unknown is None else "joint"), ""
    except (ModelError, NotCertifiedError, NoModeError) as error:
        # A ModelError: bound already, so the model has no finder, which NUTS can do without.
        return None, str(error)


def _diagnose(
    problem: Problem, drawn: Parameters, names: tuple[str, ...], divergences: int
) -> Diagnostics:
    """Diagnostics of everything that is sampled: pinned coefficients are constants."""
    free = np.flatnonzero(~problem.penalty.is_pinned[: problem.p])
    columns = [drawn.coef[:, :, free]]
    labels = [f"coef[{names[j]}]" for j in free]
    if drawn.intercept is not None:
        columns.append(drawn.intercept[:, :, None])
        labels.append("intercept")
    for name, values in drawn.scalars.items():
        columns.append(values[:, :, None])
        labels.append(name)
    together: FloatArray = np.concatenate(columns, axis=2)
    return diagnose(together, tuple(labels), divergences)


def _worst(diagnostics: Diagnostics) -> dict[str, float | int]:
    if not diagnostics.labels:
        return {"divergences": diagnostics.divergences}
    return {
        "rhat_max": float(np.max(diagnostics.rhat)),
        "ess_bulk_min": float(np.min(diagnostics.ess_bulk)),
        "ess_tail_min": float(np.min(diagnostics.ess_tail)),
        "divergences": diagnostics.divergences,
    }


def _pointwise(wanted: bool | None, numbers: int) -> bool:
    from bayesreg.posterior.tree import MANY_NUMBERS

    return numbers <= MANY_NUMBERS if wanted is None else _checks.flag(wanted, "log_likelihood")


def _count(value: Any, argument: str, least: int = 1, *, most: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"{argument} must be an integer; got {_checks.shown(value)}")
    if not least <= value <= most:
        raise ModelError(
            f"{argument} must be at least {least} and at most {most}; got {_checks.shown(value)}"
        )
    return int(value)


def _require_room(draws: int, chains: int, size: int) -> None:
    """All draws of a run are held in memory."""
    if draws * chains * size > MOST_NUMBERS:
        raise ModelError(
            f"draws={draws} x chains={chains} x {size} coefficients are "
            f"{draws * chains * size:.1e} numbers; at most {MOST_NUMBERS:.0e} (8 GB) are drawn "
            f"at once. Pass draws of at most {max(1, MOST_NUMBERS // (chains * size))}, or "
            "several runs with seeds of their own"
        )


def _seed(value: Any) -> int:
    """The seed given, or a fresh one: always a number that can be passed back."""
    if value is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    return checked_seed(value, "a non-negative integer or None")


def checked_seed(value: Any, wanted: str = "a non-negative integer") -> int:
    """A seed that numpy takes, as an int."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ModelTypeError(f"seed must be {wanted}; got {_checks.shown(value)}")
    if value < 0:
        raise ModelError(f"seed must be {wanted}; got {_checks.shown(value)}")
    return int(value)
